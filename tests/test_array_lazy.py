"""Bulk work makes no Python object per row."""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.errors import DuplicateId, InvalidDocument

pytestmark = [pytest.mark.spec('4'), pytest.mark.spec('7')]

N = 20_000


def documents_alive():
    gc.collect()
    # By type: isinstance asks proxies of other packages for their class, and some then warn.
    return sum(issubclass(type(thing), Document) for thing in gc.get_objects())


@contextmanager
def makes_few_documents(most=5):
    """A block after which hardly any more Documents are alive than before."""
    before = documents_alive()
    yield
    made = documents_alive() - before
    assert made <= most, f'{made} Documents were made'


@pytest.fixture
def columnar():
    """Documents that nobody has looked at, with embeddings."""
    da = DocumentArray.empty(N)
    da.embeddings = np.random.default_rng(1).normal(size=(N, 8)).astype(np.float32)
    return da


def test_the_count_of_documents_counts():
    before = documents_alive()
    kept = [Document() for _ in range(100)]
    assert documents_alive() - before == len(kept)


def test_a_million_empty_documents():
    with makes_few_documents():
        tracemalloc.start()
        da = DocumentArray.empty(1_000_000)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(da) == 1_000_000
        assert da[999_999].id != da[0].id
    # A Document by itself takes several hundred bytes.
    assert used < 40_000_000


def test_embeddings_and_contents_in_bulk(columnar):
    with makes_few_documents():
        columnar.texts = [f'text {i}' for i in range(N)]
        columnar[:, 'tags'] = [{'i': i} for i in range(N)]
        assert columnar.embeddings.shape == (N, 8)
        assert columnar[:, 'tags__i'] == list(range(N))
        assert len(columnar[100:200]) == 100
        assert columnar[-1].text == f'text {N - 1}'


def test_embeddings_are_a_view(columnar):
    one, two = columnar.embeddings, columnar.embeddings
    assert np.shares_memory(one, two)
    assert not one.flags.writeable
    with pytest.raises(ValueError):
        one[0, 0] = 1
    part = columnar[100:200].embeddings
    np.testing.assert_array_equal(part, one[100:200])


def test_embeddings_of_an_array_in_use_stay_a_view(columnar):
    assert columnar[5].id
    assert np.shares_memory(columnar.embeddings, columnar.embeddings)


def test_from_ndarray():
    matrix = np.arange(40, dtype=np.float32).reshape(10, 4)
    with makes_few_documents():
        da = DocumentArray.from_ndarray(matrix)
        assert len(da) == 10
    np.testing.assert_array_equal(da.tensors, matrix)


def test_results_are_made_when_somebody_looks(columnar):
    queries = np.random.default_rng(2).normal(size=(500, 8)).astype(np.float32)
    with makes_few_documents():
        results = columnar.find(queries, limit=20)
        assert len(results) == 500
        assert all(len(found) == 20 for found in results)
    with makes_few_documents(most=10):
        first = [results[i][0] for i in range(5)]
        assert all(doc.scores['cosine'].value <= 2 for doc in first)


def test_scores_and_ids_of_results_make_no_documents(columnar):
    queries = np.random.default_rng(2).normal(size=(200, 8)).astype(np.float32)
    with makes_few_documents():
        results = columnar.find(queries, limit=20)
        for found in results:
            values = found[:, 'scores__cosine__value']
            assert values == sorted(values)
            assert len(found[:, 'id']) == 20
            assert found.embeddings.shape == (20, 8)


def test_filters_make_no_documents(columnar):
    columnar[:, 'tags'] = [{'i': i % 100} for i in range(N)]
    with makes_few_documents():
        found = columnar.find({'tags__i': {'$lt': 50}})
        assert len(found) == N // 2
        assert len(columnar.find(np.ones(8), filter={'tags__i': {'$eq': 3}}, limit=7)) == 7


def test_match_makes_no_documents_of_matches(columnar):
    queries = DocumentArray.empty(300)
    queries.embeddings = np.random.default_rng(3).normal(size=(300, 8)).astype(np.float32)
    # The queries themselves may be looked at, the 6000 matches not.
    with makes_few_documents(most=310):
        queries.match(columnar, limit=20)
    assert len(queries[299].matches) == 20
    assert queries[0].matches[0].embedding.shape == (8,)


def test_results_keep_no_array_alive_that_was_dropped(columnar):
    found = columnar.find(np.ones(8), limit=3)
    wanted = found[:, 'id']
    del columnar
    gc.collect()
    assert [doc.id for doc in found] == wanted
    assert found.embeddings.shape == (3, 8)


@pytest.mark.parametrize('storage', ['sqlite', 'disk'])
def test_a_stored_array_makes_no_documents_either(storage, tmp_path):
    config = (
        {'path': str(tmp_path / 'a')}
        if storage == 'disk'
        else {'connection': str(tmp_path / 'a.db')}
    )
    da = DocumentArray(storage=storage, config=config)
    more = DocumentArray.empty(2000)
    more.embeddings = np.random.default_rng(1).normal(size=(2000, 8)).astype(np.float32)
    da.extend(more)
    del more
    with makes_few_documents():
        da.texts = [str(i) for i in range(2000)]
        assert da.embeddings.shape == (2000, 8)
        assert not da.embeddings.flags.writeable
        results = da.find(da.embeddings[:50], limit=10)
        assert [found[:, 'text'][0] for found in results] == [str(i) for i in range(50)]
        assert len(da.find({'text': {'$regex': '^1'}})) == 1111
    da.close()


def test_memory_of_a_large_search_stays_small(columnar):
    """No matrix of all distances: 20,000 x 500 of them would take 40 MB."""
    queries = np.random.default_rng(2).normal(size=(500, 8)).astype(np.float32)
    columnar.find(queries[:2], limit=5)
    tracemalloc.start()
    columnar.find(queries, limit=5)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert used < 10_000_000


@pytest.mark.parametrize(
    ('storage', 'config'), [('sqlite', {'connection': 'x.db'}), ('disk', {'path': 'x'})]
)
def test_storing_an_array_in_columns(columnar, storage, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    columnar.texts = [f'text {i}' for i in range(N)]
    columnar[:, 'tags'] = [{'i': i} if i else {} for i in range(N)]
    if storage == 'sqlite':
        config = {**config, 'table_name': 't'}
    wrapped = []
    make = Document._wrap.__func__
    monkeypatch.setattr(
        Document, '_wrap', classmethod(lambda cls, data: wrapped.append(1) or make(cls, data))
    )
    stored = DocumentArray(storage=storage, config=config)
    stored.extend(columnar)
    assert not wrapped, f'{len(wrapped)} Documents were made'
    assert stored[7].tags == {'i': 7}
    assert wrapped, 'the count does not count'
    assert len(stored) == N
    assert stored[:, 'id'] == columnar[:, 'id']
    assert stored.texts == columnar.texts
    assert stored[:, 'tags__i'] == [None, *range(1, N)]
    np.testing.assert_array_equal(stored.embeddings, columnar.embeddings)
    stored.close()


@pytest.mark.parametrize('storage', ['sqlite', 'disk'])
def test_stored_from_columns_is_what_documents_would_be(storage, tmp_path):
    source = DocumentArray(
        Document(
            id=f'd{i}',
            text=f'text {i}',
            tags={'i': i, 'deep': {'x': [i]}},
            embedding=np.full(3, i, dtype=np.float32) if i != 2 else None,
            tensor=np.arange(i),
            chunks=[Document(id=f'c{i}', text='chunk')],
            scores={'s': {'value': float(i)}},
            location=[1.0],
            blob=None if i else b'raw',
        )
        for i in range(5)
    )
    columns = DocumentArray.from_bytes(source.to_bytes())
    columns[3].text = 'changed'
    columns[4].tags['deep']['x'].append('changed')
    columns[1].chunks.append(Document(id='more'))

    assert DocumentArray.from_bytes(columns.to_bytes()) == columns

    def store(docs, name):
        key = 'connection' if storage == 'sqlite' else 'path'
        config = {key: str(tmp_path / name)}
        if storage == 'sqlite':
            config['table_name'] = 't'
        return DocumentArray(docs, storage=storage, config=config)

    one, two = store(columns, 'one'), store(list(columns), 'two')
    assert [doc.to_dict() for doc in one] == [doc.to_dict() for doc in two]
    assert one[3].text == 'changed'
    assert one[1].chunks[:, 'id'] == ['c1', 'more']
    with pytest.raises(DuplicateId):
        one.extend(columns)
    assert len(one) == 5
    columns[2].pop('id')
    two.clear()
    with pytest.raises(InvalidDocument, match='position 2'):
        two.extend(columns)
    assert len(two) == 0
    one.close()
    two.close()
