"""Functions that change all Documents."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from docstore.document import Document
from docstore.errors import DocumentNotFound, EncodeError, InvalidType

from ..checks import contents, ids, make_docs, refuses, vectors
from .base import ArraySuite, Opener
from .getting import nested_docs

if TYPE_CHECKING:
    from docstore.array import DocumentArray

__all__ = ['ApplyingTests', 'notes', 'shout', 'shout_all']

needs_processes = pytest.mark.skipif(find_spec('loky') is None, reason='processes need loky')


def shout(doc: Document) -> Document:
    """Change fields of every kind."""
    doc.text = doc.text.upper()
    doc.tags['seen'] = True
    doc.embedding = doc.embedding + 1
    return doc


def shout_all(docs: Any) -> Any:
    """The same for an array."""
    for doc in docs:
        shout(doc)
    return docs


def fail_at(name: str) -> Any:
    """A function that changes Documents until it comes to one."""

    def func(doc: Document) -> Document:
        if doc.id == name:
            raise LookupError('as it should')
        return shout(doc)

    return func


def notes(error: BaseException) -> str:
    """What was added to an exception on its way."""
    return '\n'.join(getattr(error, '__notes__', []))


class ApplyingTests(ArraySuite):
    """``apply`` and ``apply_batch``."""

    # -- apply ------------------------------------------------------------

    def test_what_is_applied_is_kept(self, tmp_path: Path) -> None:
        da = self.open(tmp_path, make_docs(40))
        expected = [shout(doc) for doc in make_docs(40)]
        held = da[3]
        assert da.apply(shout, num_worker=2) is da
        assert contents(da) == contents(expected)
        assert held.text == 'TEXT 3'
        assert held == da[3]
        da = self.reopen(da, tmp_path)
        assert contents(da) == contents(expected)
        da.close()

    @pytest.mark.parametrize('shuffle', [False, True])
    def test_batches_that_are_applied_are_kept(self, tmp_path: Path, shuffle: bool) -> None:
        da = self.open(tmp_path, make_docs(23))
        assert da.apply_batch(shout_all, 4, shuffle=shuffle) is da
        expected = [shout(doc) for doc in make_docs(23)]
        assert contents(da) == contents(expected)
        da = self.reopen(da, tmp_path)
        assert contents(da) == contents(expected)
        da.close()

    def test_documents_that_are_given_back(self, da: DocumentArray) -> None:
        da.apply(lambda doc: Document(id=doc.id, blob=b'new', chunks=[Document(id='c')]))
        assert contents(da) == contents(
            Document(id=f'd{i}', blob=b'new', chunks=[Document(id='c')]) for i in range(5)
        )
        assert da[4].chunks[0].parent_id == 'd4'
        da.apply(lambda doc: Document(id='d1', text='for another') if doc.id == 'd3' else doc)
        assert da[:, ['id', 'text']] == [ids(make_docs(5)), ['', 'for another', '', '', '']]

    def test_a_part_of_a_batch(self, da: DocumentArray) -> None:
        da.apply_batch(lambda part: [Document(id=part[-1].id, text='last')], 2)
        assert da.texts == ['text 0', 'last', 'text 2', 'last', 'last']

    def test_other_fields_are_gone(self, da: DocumentArray) -> None:
        da.apply(lambda doc: Document(id=doc.id, uri='u.png'))
        assert [doc.non_empty_fields for doc in da] == [('id', 'mime_type', 'uri')] * 5
        assert da.embeddings is None
        da.embeddings = vectors(5)
        assert ids(da.find(vectors(5)[2], limit=1)) == ['d2']

    @pytest.mark.parametrize('name', ['d0', 'd37', 'd39'])
    def test_all_or_nothing(self, opener: Opener, name: str) -> None:
        da = opener(make_docs(40))
        before = contents(da)
        with pytest.raises(LookupError) as caught:
            da.apply(fail_at(name), num_worker=2)
        assert f"position {name[1:]} (id '{name}')" in notes(caught.value)
        assert contents(da) == before
        with pytest.raises(LookupError) as caught:
            da.apply_batch(lambda part: [fail_at(name)(doc) for doc in part], 8)
        assert f'batch {int(name[1:]) // 8} ' in notes(caught.value)
        assert contents(da) == before
        da.apply(fail_at('nobody'))
        assert da[39].text == 'TEXT 39'

    @pytest.mark.parametrize(
        ('func', 'words'),
        [
            (lambda doc: None, ["'d0'", 'NoneType', 'return doc']),
            (lambda doc: doc.id if doc.id == 'd3' else doc, ["'d3'", 'str']),
        ],
    )
    def test_what_is_no_document_is_refused(
        self, da: DocumentArray, func: Any, words: list[str]
    ) -> None:
        with refuses(InvalidType, TypeError, *words, array=da):
            da.apply(func)

    @pytest.mark.parametrize(
        ('func', 'words'),
        [
            (lambda part: part if part[0].id == 'd0' else None, ['batch 1', "'d2'", 'NoneType']),
            (lambda part: part[0], ['batch 0', 'Document']),
            (lambda part: [1], ['int']),
        ],
    )
    def test_what_is_no_batch_is_refused(
        self, da: DocumentArray, func: Any, words: list[str]
    ) -> None:
        with refuses(InvalidType, TypeError, *words, array=da):
            da.apply_batch(func, 2)

    def test_ids_must_stay(self, da: DocumentArray) -> None:
        with refuses(DocumentNotFound, KeyError, "'new'", "'d0'", array=da):
            da.apply(lambda doc: Document(doc, id='new'))
        with refuses(DocumentNotFound, KeyError, "'new'", array=da):
            da.apply_batch(lambda part: [*part, Document(id='new')], 2)

    def test_results_that_cannot_be_stored_change_nothing(self, da: DocumentArray) -> None:
        if not self.persistent:
            pytest.skip('memory keeps any object')

        def spoil(doc: Document) -> Document:
            doc.tags = {'bad': object()} if doc.id == 'd4' else {}
            return doc

        with refuses(EncodeError, TypeError, 'd4', 'tags', array=da):
            da.apply(spoil)
        with refuses(EncodeError, TypeError, 'd4', 'tags', array=da):
            da.apply_batch(lambda part: [spoil(doc) for doc in part], 2)

    def test_inside_a_transaction(self, opener: Opener) -> None:
        da = opener(make_docs(5))
        with da:
            da.append(Document(id='d5', text='text 5', embedding=vectors(1)[0]))
            da.apply(shout)
        assert da.texts == [f'TEXT {i}' for i in range(6)]
        with pytest.raises(RuntimeError, match='stop'), da:
            da.apply(lambda doc: Document(id=doc.id))
            raise RuntimeError('stop')
        assert da.texts == [f'TEXT {i}' for i in range(6)]

    def test_functions_may_use_the_array(self, opener: Opener) -> None:
        da = opener(make_docs(30))

        def twin(doc: Document) -> Document:
            other = da[f'd{29 - doc.tags["i"]}']
            assert len(da.find({'tags__i': {'$eq': doc.tags['i']}})) == 1
            doc.uri = other.id
            return doc

        da.apply(twin, num_worker=3)
        assert da[:, 'uri'] == [f'd{29 - i}' for i in range(30)]

    def test_documents_may_move_meanwhile(self, opener: Opener) -> None:
        da = opener(make_docs(30))

        def moving(doc: Document) -> Document:
            if doc.id == 'd20':
                da.insert(0, Document(id='new'))
            return shout(doc)

        da.apply(moving, num_worker=1)
        assert ids(da) == ['new', *ids(make_docs(30))]
        assert da[1:].texts == [f'TEXT {i}' for i in range(30)]
        assert da[0].text == ''

    @pytest.mark.parametrize('path', ['@c', '@r,c', '@c,r', '@cm,c,m,r', '...'])
    @pytest.mark.parametrize('backend', ['thread', pytest.param('process', marks=needs_processes)])
    def test_what_is_applied_to_nested_documents_is_kept(
        self, tmp_path: Path, path: str, backend: str
    ) -> None:
        def mark(doc: Document) -> Document:
            doc.text = f'new {doc.id}'
            return doc

        if backend == 'process' and path != '...':
            pytest.skip('the same for all paths, and starting processes takes a while')
        da = self.open(tmp_path, nested_docs())
        key: Any = ... if path == '...' else path
        before = dict(zip(da[..., 'id'], da[..., 'text'], strict=True))
        held = da[key][0]
        expected = before | {name: f'new {name}' for name in da[key, 'id']}
        da[key].apply(mark, backend=backend, num_worker=1)
        assert dict(zip(da[..., 'id'], da[..., 'text'], strict=True)) == expected
        assert held.text == f'new {held.id}'
        da = self.reopen(da, tmp_path)
        assert dict(zip(da[..., 'id'], da[..., 'text'], strict=True)) == expected
        da.close()

    def test_chunks_that_a_function_changes(self, tmp_path: Path) -> None:
        def mark(doc: Document) -> Document:
            doc.chunks[0].text = 'changed by its parent'
            doc.chunks.append(Document(id=f'{doc.id}-new'))
            return doc

        da = self.open(tmp_path, nested_docs())
        da.apply(mark)
        for _ in range(2):
            assert ids(da['@c']) == ['a-c0', 'a-c1', 'a-new', 'b-c0', 'b-c1', 'b-new']
            assert da['@c[0]', 'text'] == ['changed by its parent'] * 2
            assert ids(da['@cm']) == ['a-c0-m0', 'b-c0-m0']
            da = self.reopen(da, tmp_path)
        da.close()

    # -- processes --------------------------------------------------------

    @needs_processes
    def test_processes(self, tmp_path: Path) -> None:
        da = self.open(tmp_path, make_docs(20))
        added = 'x' * 3

        def longer(doc: Document) -> Document:
            doc.text += added
            doc.embedding += 1
            return doc

        held = da[3]
        da.apply(longer, backend='process', num_worker=2)
        assert da.texts == [f'text {i}xxx' for i in range(20)]
        assert held.text == 'text 3xxx'
        np.testing.assert_array_equal(da.embeddings, vectors(20) + 1)
        with pytest.raises(LookupError) as caught:
            da.apply(fail_at('d7'), backend='process', num_worker=2)
        assert "position 7 (id 'd7')" in notes(caught.value)
        da = self.reopen(da, tmp_path)
        assert da.texts == [f'text {i}xxx' for i in range(20)]
        da.close()
