from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from docstore import Document, DocumentArray

pytestmark = [pytest.mark.spec('2.1'), pytest.mark.spec('2.3')]


def test_chunks_know_their_parent():
    doc = Document(id='a', granularity=2, chunks=[Document(id='c'), Document(id='d')])
    assert [c.parent_id for c in doc.chunks] == ['a', 'a']
    assert [c.granularity for c in doc.chunks] == [3, 3]
    assert [c.adjacency for c in doc.chunks] == [0, 0]


def test_matches_know_their_depth():
    doc = Document(id='a', adjacency=1, matches=[Document(id='m')])
    assert doc.matches[0].adjacency == 2
    assert doc.matches[0].granularity == 0


def test_the_id_may_be_given_after_the_chunks():
    assert Document(chunks=[Document()], id='a').chunks[0].parent_id == 'a'


@pytest.mark.parametrize('form', [list, DocumentArray, lambda docs: docs[0]])
def test_setting(form):
    doc = Document(id='a', chunks=[Document(id='old')])
    doc.chunks = form([Document(id='c')])
    doc.matches = form([Document(id='m')])
    assert [c.id for c in doc.chunks] == ['c']
    assert (doc.chunks[0].parent_id, doc.chunks[0].granularity) == ('a', 1)
    assert doc.matches[0].adjacency == 1


def test_append_and_its_like():
    doc = Document(id='a')
    doc.chunks.append(Document(id='c'))
    doc.matches.append(Document(id='m'))
    assert (doc.chunks[0].parent_id, doc.chunks[0].granularity) == ('a', 1)
    assert doc.matches[0].adjacency == 1
    assert doc.non_empty_fields == ('id', 'chunks', 'matches')


def test_none_gives_an_empty_array():
    doc = Document(chunks=[Document()])
    doc.chunks = None
    assert len(doc.chunks) == 0
    doc.chunks.append(Document())
    assert len(doc.chunks) == 1


def test_an_array_of_chunks_is_kept_as_it_is():
    doc = Document(id='a', chunks=[Document(id='c')])
    other = Document(id='b')
    other.chunks = doc.chunks
    assert other.chunks is doc.chunks
    assert other.chunks[0].parent_id == 'a'


def test_chunks_are_arrays():
    doc = Document(id='a', chunks=[Document(id='c', text='x'), Document(id='d', text='y')])
    assert isinstance(doc.chunks, DocumentArray)
    assert doc.chunks.texts == ['x', 'y']
    doc.chunks.texts = ['1', '2']
    doc.chunks.embeddings = np.eye(2, dtype=np.float32)
    assert doc.chunks['d'].text == '2'
    assert doc.chunks.find(np.array([0.0, 1.0]), limit=1)[0].id == 'd'
    del doc.chunks['c']
    assert doc.chunks[:, 'id'] == ['d']


def test_nested_documents_are_shared_in_memory():
    chunk = Document(id='c')
    doc = Document(chunks=[chunk])
    chunk.text = 'from outside'
    assert doc.chunks[0].text == 'from outside'
    doc.chunks[0].text = 'from inside'
    assert chunk.text == 'from inside'


@pytest.mark.parametrize('again', [copy.deepcopy, lambda doc: pickle.loads(pickle.dumps(doc))])
def test_copies_of_nested_documents(again):
    doc = Document(
        id='a', chunks=[Document(id='c', chunks=[Document(id='cc')])], matches=[Document(id='m')]
    )
    other = again(doc)
    other.chunks[0].chunks.append(Document(id='new'))
    assert other.chunks[0].chunks[1].parent_id == 'c'
    assert other.chunks[0].chunks[1].granularity == 2
    assert len(doc.chunks[0].chunks) == 1
    assert other.matches[0].adjacency == 1


def test_a_document_that_contains_itself():
    doc = Document(id='a')
    doc.chunks.append(doc)
    assert doc.chunks[0].id == 'a'
    with pytest.raises(RecursionError):
        DocumentArray([doc]).flatten()
