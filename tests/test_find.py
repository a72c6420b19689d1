"""find on real data: 2000 glosses of WordNet with 384-dimensional embeddings."""

from __future__ import annotations

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.testing.checks import nearest

pytestmark = pytest.mark.spec('9')

METRICS = ['cosine', 'euclidean', 'sqeuclidean', 'ip']


@pytest.fixture(scope='module', params=['memory', 'columnar', 'sqlite', 'disk'])
def glosses(request, wordnet, tmp_path_factory):
    docs = [
        Document(**row, embedding=vector)
        for row, vector in zip(wordnet.rows, wordnet.embeddings, strict=True)
    ]
    if request.param == 'memory':
        yield DocumentArray(docs)
        return
    if request.param == 'columnar':
        da = DocumentArray.empty(len(docs))
        for name in ('id', 'text', 'tags'):
            da[:, name] = [row[name] for row in wordnet.rows]
        da.embeddings = wordnet.embeddings
        yield da
        return
    path = tmp_path_factory.mktemp(request.param)
    config = (
        {'path': str(path / 'd')} if request.param == 'disk' else {'connection': str(path / 'd.db')}
    )
    da = DocumentArray(docs, storage=request.param, config=config)
    yield da
    da.close()


def row_of(wordnet):
    return {row['id']: i for i, row in enumerate(wordnet.rows)}


def check(found, query, embeddings, metric, k, rows, mask=None):
    """``found`` is a float64 ranking, up to what float32 cannot tell apart."""
    positions, distances = nearest(query, embeddings, metric, k, mask)
    got = [rows[i] for i in found[:, 'id']]
    assert len(got) == len(positions[0])
    values = np.asarray(found[:, f'scores__{metric}__value'])
    np.testing.assert_allclose(values, distances[0], rtol=2e-6, atol=2e-6)
    every = nearest(query, embeddings, metric)
    exact = dict(zip(every[0][0].tolist(), every[1][0].tolist(), strict=True))
    for row, wanted, value in zip(got, positions[0], distances[0], strict=True):
        assert row == wanted or exact[row] == pytest.approx(value, abs=1e-9), (row, wanted)


def test_the_known_nearest_are_found(glosses, wordnet):
    rows = row_of(wordnet)
    results = glosses.find(wordnet.query_embeddings, limit=10)
    got = np.array([[rows[i] for i in found[:, 'id']] for found in results])
    np.testing.assert_array_equal(got, wordnet.nearest)


@pytest.mark.parametrize('metric', METRICS)
def test_each_metric(glosses, wordnet, metric):
    rows = row_of(wordnet)
    results = glosses.find(wordnet.query_embeddings[:10], metric=metric, limit=15)
    for found, query in zip(results, wordnet.query_embeddings, strict=False):
        check(found, query, wordnet.embeddings, metric, 15, rows)


def test_one_query_and_many_give_the_same(glosses, wordnet):
    many = glosses.find(wordnet.query_embeddings[:20], limit=7)
    for found, query in zip(many, wordnet.query_embeddings, strict=False):
        one = glosses.find(query, limit=7)
        assert one[:, 'id'] == found[:, 'id']
        np.testing.assert_allclose(
            one[:, 'scores__cosine__value'], found[:, 'scores__cosine__value'], atol=1e-6
        )


def test_every_gloss_finds_itself(glosses, wordnet):
    results = glosses.find(wordnet.embeddings[::7], limit=1)
    assert [found[0].id for found in results] == [row['id'] for row in wordnet.rows[::7]]
    assert all(abs(found[0].scores['cosine'].value) < 1e-3 for found in results)


@pytest.mark.parametrize(
    ('condition', 'wanted'),
    [
        ({'tags__pos': {'$eq': 'v'}}, lambda row: row['tags']['pos'] == 'v'),
        ({'tags__lexname': {'$in': ['noun.animal', 'noun.food']}},
         lambda row: row['tags']['lexname'] in {'noun.animal', 'noun.food'}),
        ({'text': {'$regex': 'water'}}, lambda row: 'water' in row['text']),
        ({'$not': {'tags__lexname': {'$regex': '^noun'}}},
         lambda row: not row['tags']['lexname'].startswith('noun')),
        ({'tags__lemma': {'$gt': 's'}}, lambda row: row['tags']['lemma'] > 's'),
    ],
)  # fmt: skip
def test_filters(glosses, wordnet, condition, wanted):
    mask = np.array([wanted(row) for row in wordnet.rows])
    assert 0 < mask.sum() < len(mask)
    assert glosses.find(condition)[:, 'id'] == [row['id'] for row in wordnet.rows if wanted(row)]
    rows = row_of(wordnet)
    results = glosses.find(wordnet.query_embeddings[:8], filter=condition, limit=12)
    for found, query in zip(results, wordnet.query_embeddings, strict=False):
        check(found, query, wordnet.embeddings, 'cosine', 12, rows, mask)


def test_a_filter_that_few_pass_still_fills_the_limit(glosses, wordnet):
    some = [row['id'] for row in wordnet.rows[500:509]]
    found = glosses.find(wordnet.query_embeddings[0], filter={'id': {'$in': some}}, limit=20)
    assert sorted(found[:, 'id']) == sorted(some)


def test_hits_bring_their_fields(glosses, wordnet):
    hit = glosses.find(wordnet.query_embeddings[3], limit=1)[0]
    row = wordnet.rows[wordnet.nearest[3][0]]
    assert (hit.id, hit.text, hit.tags) == (row['id'], row['text'], row['tags'])
    np.testing.assert_array_equal(hit.embedding, wordnet.embeddings[wordnet.nearest[3][0]])


def test_scipy_metrics(glosses, wordnet):
    distance = pytest.importorskip('scipy.spatial.distance')
    query = wordnet.query_embeddings[:2].astype(np.float64)
    expected = distance.cdist(query, wordnet.embeddings.astype(np.float64), 'cityblock')
    results = glosses.find(
        wordnet.query_embeddings[:2], metric='cityblock', use_scipy=True, limit=5
    )
    rows = row_of(wordnet)
    for found, line in zip(results, expected, strict=True):
        assert [rows[i] for i in found[:, 'id']] == np.argsort(line, kind='stable')[:5].tolist()
