"""An array in memory is a list of references."""

from __future__ import annotations

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.testing.checks import contents, ids, make_docs, vectors

pytestmark = [
    pytest.mark.spec('4'),
    pytest.mark.spec('5'),
    pytest.mark.spec('6'),
    pytest.mark.spec('7'),
]


def test_what_is_put_in_is_what_comes_out():
    docs = make_docs(3)
    da = DocumentArray(docs)
    assert all(da[i] is docs[i] for i in range(3))
    assert [a is b for a, b in zip(da, docs, strict=True)] == [True] * 3
    assert da['d1'] is docs[1]
    assert da.pop() is docs[2]


def test_a_change_outside_is_seen_inside():
    doc = Document(id='a')
    da = DocumentArray()
    da.append(doc)
    doc.text = 'x'
    doc.tags['n'] = {'m': 1}
    assert (da[0].text, da[:, 'tags__n__m']) == ('x', [1])


@pytest.mark.parametrize(
    'select',
    [
        lambda da: da[1:4],
        lambda da: da[[1, 2, 3]],
        lambda da: da['d1', 'd2', 'd3'],
        lambda da: da[[False, True, True, True]],
        lambda da: da.find({'tags__i': {'$in': [1, 2, 3]}}),
        lambda da: DocumentArray(list(da)[1:4]),
        lambda da: da['@r[1:4]'],
    ],
)
def test_parts_share_their_documents(select):
    da = DocumentArray(make_docs(5))
    part = select(da)
    part[0].text = 'one'
    part[1:].texts = ['two', 'three']
    part.embeddings = np.ones((3, 4), dtype=np.float32)
    da[1].tags['back'] = True
    assert da.texts == ['text 0', 'one', 'two', 'three', 'text 4']
    assert da.embeddings[1:4].tolist() == np.ones((3, 4)).tolist()
    assert part[0].tags['back'] is True
    del part[0]
    assert len(da) == 5


def test_one_document_in_many_arrays():
    doc = Document(id='a', embedding=np.array([1.0, 0.0]))
    one, two = DocumentArray([doc]), DocumentArray([Document(embedding=np.array([0.0, 1.0])), doc])
    nested = Document(chunks=[doc])
    two[1].text = 'by two'
    assert one[0].text == nested.chunks[0].text == doc.text == 'by two'
    nested.chunks[0].embedding = np.array([5.0, 5.0])
    assert one.embeddings.tolist() == [[5, 5]]
    assert two.embeddings.tolist() == [[0, 1], [5, 5]]


def test_one_document_twice_in_an_array():
    doc = Document(id='a')
    da = DocumentArray([doc, doc])
    da[0].text = 'x'
    assert da.texts == ['x', 'x']
    assert da.count(doc) == 2


def test_an_array_of_an_array_is_the_same_list():
    first = DocumentArray(make_docs(2))
    second = DocumentArray(first)
    second.append(Document(id='new'))
    assert ids(first) == ['d0', 'd1', 'new']
    first[0].text = 'x'
    assert second[0].text == 'x'


def test_copies_are_deep():
    docs = make_docs(2)
    da = DocumentArray(docs, copy=True)
    da[0].tags['nested']['x'].append('changed')
    da[1].embedding[0] = 99
    da.append(Document())
    assert contents(docs) == contents(make_docs(2))
    again = DocumentArray(DocumentArray(docs), copy=True)
    again.append(Document())
    assert len(docs) == 2


@pytest.mark.parametrize('change', ['in place', 'new array', 'by selector', 'in bulk'])
def test_a_changed_embedding_is_seen_by_the_next_search(change):
    docs = make_docs(5)
    da = DocumentArray(docs)
    query = np.array([50, -50, 50, -50], dtype=np.float32)
    assert da.find(query, metric='euclidean', limit=1)[0].scores['euclidean'].value > 1
    _ = da.embeddings
    if change == 'in place':
        docs[3].embedding[:] = query
    elif change == 'new array':
        docs[3].embedding = query.copy()
    elif change == 'by selector':
        da[3, 'embedding'] = query
    else:
        new = vectors(5)
        new[3] = query
        da.embeddings = new
    hit = da.find(query, metric='euclidean', limit=1)[0]
    assert (hit.id, hit.scores['euclidean'].value) == ('d3', 0)
    assert da.embeddings[3].tolist() == query.tolist()


def test_a_row_of_bulk_embeddings_changed_in_place_is_seen_or_refused():
    da = DocumentArray.empty(4)
    given = np.ones((4, 3), dtype=np.float32)
    da.embeddings = given
    query = np.array([7, -7, 7], dtype=np.float32)
    try:
        da[2].embedding[:] = query
    except ValueError:
        assert da.embeddings.tolist() == np.ones((4, 3)).tolist()
    else:
        assert da.embeddings[2].tolist() == query.tolist()
        assert da.find(query, metric='euclidean', limit=1)[0].id == da[2].id


def test_ids_are_looked_up_after_any_change_of_an_id():
    docs = make_docs(4)
    da = DocumentArray(docs)
    assert da['d2'] is docs[2]
    docs[2].id = 'renamed'
    assert da['renamed'] is docs[2]
    assert 'd2' not in da
    docs[0].id = 'd2'
    assert da['d2'] is docs[0]
    da.insert(0, Document(id='first'))
    assert da['d3'] is docs[3]
    da.reverse()
    assert da['d1'] is docs[1]
    Document(docs[1]).id = 'through an alias'
    assert da['through an alias'] is docs[1]


def test_the_last_of_two_equal_ids_is_found():
    docs = [Document(id='a', text=str(i)) for i in range(3)]
    da = DocumentArray(docs)
    assert da['a'] is docs[2]
    del da[2]
    assert da['a'] is docs[1]
    del da['a']
    assert da.texts == ['0']


def test_ids_are_looked_up_while_documents_come_and_go():
    da = DocumentArray()
    for round_ in range(3):
        assert 'a' not in da
        da.append(Document(id='a', text=str(round_)))
        da.append(Document(id='b'))
        del da[0]
        assert 'a' not in da
        assert da['b'] is da[0]
        da.pop()
        assert 'b' not in da


def test_iteration_sees_what_is_appended_meanwhile():
    da = DocumentArray(make_docs(2))
    seen = []
    for doc in da:
        seen.append(doc.id)
        if len(da) < 4:
            da.append(Document(id=f'new {len(da)}'))
    assert seen == ['d0', 'd1', 'new 2', 'new 3']


def test_equality():
    assert DocumentArray(make_docs(3)) == DocumentArray(make_docs(3))
    assert DocumentArray() == DocumentArray()
    assert DocumentArray(make_docs(3)) != DocumentArray(make_docs(2))
    assert DocumentArray(make_docs(3)) != make_docs(3)
    changed = DocumentArray(make_docs(3))
    changed[1].tags['nested']['x'][1]['y'] = 'other'
    assert DocumentArray(make_docs(3)) != changed


def test_hits_of_a_by_reference_array_are_copies():
    docs = make_docs(3)
    da = DocumentArray(docs)
    found = da.find(docs[1].embedding, limit=2)
    assert found[0] is not docs[1]
    found[0].text = 'changed'
    found[0].embedding = np.zeros(4)
    found[0].tags['nested']['x'].append('changed')
    assert contents(docs) == contents(make_docs(3))
    docs[1].text = 'changed later'
    assert found[0].text == 'changed'
    assert found[0].tags['nested']['x'] == [1, {'y': 1}, 'changed']


def test_hits_are_those_that_were_found_whatever_happens_to_the_array():
    docs = make_docs(5)
    da = DocumentArray(docs)
    found = da.find(docs[1].embedding, limit=3)
    wanted = ids(DocumentArray(make_docs(5)).find(docs[1].embedding, limit=3))
    da.reverse()
    del da[:4]
    da.insert(0, Document(id='new'))
    assert ids(found) == wanted
    assert found.texts == [f'text {name[1:]}' for name in wanted]


def test_embeddings_of_unlike_kinds():
    da = DocumentArray([Document(embedding=[1.0, 0.0]), Document(embedding=np.array([0.0, 1.0]))])
    assert da.find(np.array([0.0, 2.0]), limit=1)[0].id == da[1].id


@pytest.mark.parametrize('dtype', ['f2', 'f4', 'f8', 'i1', 'u1', 'i4', 'i8'])
def test_embeddings_of_any_number_type_are_searched(dtype):
    matrix = np.random.default_rng(5).integers(1, 50, size=(40, 6)).astype(dtype)
    da = DocumentArray.empty(40)
    da.embeddings = matrix
    assert da.embeddings.dtype == matrix.dtype
    for i in (0, 17, 39):
        hit = da.find(matrix[i].astype('f8'), metric='sqeuclidean', limit=1)[0]
        assert hit.scores['sqeuclidean'].value == 0
        np.testing.assert_array_equal(hit.embedding, matrix[i])


@pytest.mark.parametrize('order', ['C', 'F', 'strided', 'reversed'])
def test_embeddings_of_any_layout_are_searched(order):
    matrix = vectors(30, dim=8, seed=2)
    given = {
        'C': matrix,
        'F': np.asfortranarray(matrix),
        'strided': np.repeat(np.repeat(matrix, 2, axis=0), 3, axis=1)[::2, ::3],
        'reversed': matrix[::-1, ::-1].copy()[::-1, ::-1],
    }[order]
    da = DocumentArray.empty(30)
    da.embeddings = given
    np.testing.assert_array_equal(da.embeddings, matrix)
    assert [hit[0].id for hit in da.find(matrix, limit=1)] == ids(da)
