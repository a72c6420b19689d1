"""match on real data."""

from __future__ import annotations

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.errors import InvalidArgument
from docstore.testing.checks import nearest, refuses

pytestmark = [pytest.mark.spec('9'), pytest.mark.spec('2.9')]


@pytest.fixture
def queries(wordnet):
    return DocumentArray(
        Document(**row, embedding=vector)
        for row, vector in zip(wordnet.queries, wordnet.query_embeddings, strict=True)
    )


@pytest.fixture(scope='module')
def glosses(wordnet):
    return DocumentArray(
        Document(**row, embedding=vector)
        for row, vector in zip(wordnet.rows, wordnet.embeddings, strict=True)
    )


def test_the_known_nearest_are_matched(queries, glosses, wordnet):
    queries.match(glosses, limit=10)
    for doc, rows in zip(queries, wordnet.nearest, strict=True):
        assert doc.matches[:, 'id'] == [wordnet.rows[i]['id'] for i in rows]
        values = doc.matches[:, 'scores__cosine__value']
        assert values == sorted(values)


def test_matches_are_copies(queries, glosses):
    queries[:1].match(glosses, limit=3)
    match = queries[0].matches[0]
    match.text = 'changed'
    match.tags['new'] = 1
    assert glosses[match.id].text != 'changed'
    assert 'new' not in glosses[match.id].tags
    assert 'scores' not in glosses[match.id].non_empty_fields
    assert queries[0].matches[0].text == 'changed'


def test_matches_replace_those_of_before(queries, glosses):
    queries[:2].match(glosses, limit=5)
    queries[:2].match(glosses, limit=2, metric='euclidean')
    assert [len(doc.matches) for doc in queries[:3]] == [2, 2, 0]
    assert list(queries[0].matches[0].scores) == ['euclidean']


def test_matches_of_matches_are_dropped(queries, glosses):
    left, right = queries[:3], DocumentArray(glosses[:50], copy=True)
    right.match(glosses, limit=2)
    left.match(right, limit=4)
    assert all(len(match.matches) == 0 for doc in left for match in doc.matches)


@pytest.mark.parametrize('batch_size', [1, 64, 1999, 2000, 5000])
@pytest.mark.parametrize('limit', [3, 100])
def test_batches_change_nothing(queries, glosses, batch_size, limit):
    queries[:4].match(glosses, limit=limit)
    expected = [doc.matches[:, ['id', 'scores__cosine__value']] for doc in queries[:4]]
    queries[:4].match(glosses, limit=limit, batch_size=batch_size, num_worker=2)
    for doc, (wanted, values) in zip(queries[:4], expected, strict=True):
        assert doc.matches[:, 'id'] == wanted
        np.testing.assert_allclose(doc.matches[:, 'scores__cosine__value'], values, atol=1e-6)


def test_a_limit_beyond_the_array_gives_all_once(queries, glosses):
    few = glosses[:7]
    queries[:2].match(few, limit=100, batch_size=3)
    for doc in queries[:2]:
        assert sorted(doc.matches[:, 'id']) == sorted(few[:, 'id'])


@pytest.mark.parametrize('bounds', [(0, 1), (1, 0), (-2, 3)])
def test_normalization_is_over_the_whole_row(queries, glosses, wordnet, bounds):
    queries[:3].match(glosses, limit=10, normalization=bounds)
    _, distances = nearest(wordnet.query_embeddings[:3], wordnet.embeddings, 'cosine')
    for doc, row in zip(queries[:3], distances, strict=True):
        scaled = bounds[0] + (row - row.min()) / (row.max() - row.min()) * (bounds[1] - bounds[0])
        np.testing.assert_allclose(doc.matches[:, 'scores__cosine__value'], scaled[:10], atol=1e-4)


def test_exclude_self(glosses):
    left = DocumentArray(glosses[:20], copy=True)
    left.match(glosses, limit=5, exclude_self=True)
    for doc in left:
        assert len(doc.matches) == 5
        assert doc.id not in doc.matches


def test_an_array_with_itself(glosses):
    both = DocumentArray(glosses[:30], copy=True)
    both.match(both, limit=3)
    assert [doc.matches[0].id for doc in both] == both[:, 'id']


@pytest.mark.parametrize('storage', ['sqlite', 'disk'])
def test_stored_arrays_on_either_side(queries, glosses, wordnet, storage, tmp_path):
    def config(name):
        return (
            {'path': str(tmp_path / name)}
            if storage == 'disk'
            else {'connection': str(tmp_path / f'{name}.db')}
        )

    left = DocumentArray(queries[:5], storage=storage, config=config('left'))
    right = DocumentArray(glosses, storage=storage, config=config('right'))
    expected = [[wordnet.rows[i]['id'] for i in rows] for rows in wordnet.nearest[:5]]
    left.match(right, limit=10)
    assert [doc.matches[:, 'id'] for doc in left] == expected
    left.close()
    left = DocumentArray(storage=storage, config=config('left'))
    assert [doc.matches[:, 'id'] for doc in left] == expected
    assert left[0].matches[0].text == wordnet.rows[wordnet.nearest[0][0]]['text']
    for array in (left, right):
        array.close()


def test_bad_input(queries, glosses):
    with refuses(InvalidArgument, ValueError, 'batch_size'):
        queries.match(glosses, batch_size=0)
    with refuses(InvalidArgument, ValueError, 'normalization'):
        queries.match(glosses, normalization=(1,))
    assert all(len(doc.matches) == 0 for doc in queries)
