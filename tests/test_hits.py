"""Hits in memory are what was found, however the Documents are kept and changed later."""

from __future__ import annotations

import numpy as np
import pytest

from docstore import Document, DocumentArray

N = 6


def document(i):
    return Document(
        id=f'd{i}',
        text=f'text {i}',
        embedding=np.eye(N, dtype=np.float32)[i],
        tags={'i': i, 'deep': {'list': [i]}},
        location=[float(i)],
        chunks=[Document(id=f'c{i}', text='chunk', tags={'x': 1})],
        scores={'old': {'value': 1.0}},
    )


def in_a_list():
    return DocumentArray(document(i) for i in range(N))


def in_columns():
    return DocumentArray.from_bytes(in_a_list().to_bytes())


def in_columns_looked_at():
    da = in_columns()
    for doc in da:
        assert doc.tags, doc.chunks[0].text
    return da


def columns_set_in_bulk():
    da = DocumentArray.empty(N)
    docs = in_a_list()
    for name in ('id', 'text', 'embedding', 'tags', 'location', 'chunks', 'scores'):
        da[:, name] = docs[:, name]
    return da


def some_of_each():
    da = in_columns()[:4]
    da.extend(document(i) for i in (4, 5))
    da[1] = document(1)
    return da


def views_in_a_list():
    return DocumentArray(list(in_columns()))


KINDS = [
    in_a_list,
    in_columns,
    in_columns_looked_at,
    columns_set_in_bulk,
    some_of_each,
    views_in_a_list,
]


def set_attributes(da):
    for doc in da:
        doc.text, doc.weight, doc.embedding = 'changed', 3.0, np.ones(N)
        doc.tags = {'changed': 1}


def change_tags(da):
    for doc in da:
        doc.tags['new'] = 1
        doc.tags['deep']['list'].append('changed')


def change_containers(da):
    for doc in da:
        doc.location.append(7.0)
        doc.scores['old'].value = 9.0
        doc.scores['new'].value = 9.0


def change_chunks(da):
    for doc in da:
        doc.chunks[0].text = 'changed'
        doc.chunks[0].tags['x'] = 'changed'
        doc.chunks.append(Document(id='new'))


def delete(da):
    del da[1:5]


def clear(da):
    da.clear()


def clear_documents(da):
    for doc in list(da):
        doc.clear()


def replace(da):
    for i in range(N):
        da[i] = Document(id=f'd{i}')


def set_in_bulk(da):
    da.texts = ['changed'] * N
    da.embeddings = np.ones((N, N))
    da[:, 'tags'] = [{'changed': True}] * N
    da[:, 'chunks'] = [[] for _ in range(N)]


def set_some(da):
    da[1:4, 'text'] = ['changed'] * 3
    da[[0, 5], 'tags'] = [{}, {}]


def reorder(da):
    da.reverse()


def pop_fields(da):
    for doc in da:
        doc.pop('text', 'tags', 'embedding')


CHANGES = [
    set_attributes,
    change_tags,
    change_containers,
    change_chunks,
    delete,
    clear,
    clear_documents,
    replace,
    set_in_bulk,
    set_some,
    reorder,
    pop_fields,
]


def shown(hits):
    return [(doc.to_dict(), doc.chunks[0].to_dict()) for doc in hits]


@pytest.mark.spec('9')
@pytest.mark.parametrize('change', CHANGES)
@pytest.mark.parametrize('kind', KINDS)
def test_hits_stay_as_they_were_found(kind, change):
    da = kind()
    query = np.arange(N, 0, -1, dtype=np.float32)
    expected = shown(da.find(query, limit=N))
    assert [doc['id'] for doc, _ in expected] == [f'd{i}' for i in range(N)]
    seen, in_bulk, of_hits = (da.find(query, limit=N) for _ in range(3))
    again = of_hits.find(query, limit=N)
    asker = DocumentArray([Document(embedding=query)])
    asker.match(da, limit=N)
    change(da)
    assert in_bulk.texts == [f'text {i}' for i in range(N)]
    assert in_bulk[:, 'tags__i'] == list(range(N))
    np.testing.assert_array_equal(in_bulk.embeddings, np.eye(N))
    assert shown(seen) == expected
    assert [doc.text for doc in again] == in_bulk.texts
    assert [(doc.tags, doc.chunks[0].text) for doc in asker[0].matches] == [
        ({'i': i, 'deep': {'list': [i]}}, 'chunk') for i in range(N)
    ]


@pytest.mark.spec('9')
def test_a_search_in_hits_keeps_them_too():
    hits = in_a_list().find(np.ones(N, dtype=np.float32), limit=N)
    first = hits[0].id
    again = hits.find(np.ones(N, dtype=np.float32), limit=N)
    hits[first].text = 'changed'
    hits[first].tags['i'] = 'changed'
    assert 'changed' not in again.texts
    assert 'changed' not in again[:, 'tags__i']


@pytest.mark.spec('9')
@pytest.mark.parametrize('kind', KINDS)
def test_changing_a_hit_changes_no_document(kind):
    da = kind()
    before = shown(da)
    for hit in da.find(np.ones(N, dtype=np.float32), limit=N):
        hit.text = 'changed'
        hit.tags['deep']['list'].append(1)
        hit.embedding[0] = 7
        hit.chunks[0].text = 'changed'
    assert shown(da) == before
