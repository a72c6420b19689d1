"""Arrays made one by the ids of their Documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from docstore.array import DocumentArray
from docstore.document import Document
from docstore.errors import InvalidType

from ..checks import contents, ids, make_docs, refuses
from .base import ArraySuite, Opener

__all__ = ['ReducingTests']


class ReducingTests(ArraySuite):
    """``reduce`` and ``reduce_all``."""

    def test_new_ids_are_appended(self, tmp_path: Path) -> None:
        da = self.open(tmp_path, make_docs(3))
        assert da.reduce(DocumentArray(make_docs(4, start=1))) is da
        assert contents(da) == contents(make_docs(5))
        da = self.reopen(da, tmp_path)
        assert contents(da) == contents(make_docs(5))
        da.close()

    def test_fields_that_are_lacking_are_taken(self, tmp_path: Path) -> None:
        da = self.open(tmp_path, [Document(id='a', text='mine', tags={'x': 1}), Document(id='b')])
        da.reduce(
            DocumentArray([
                Document(id='b', blob=b'theirs'),
                Document(id='a', blob=b'theirs', weight=2.0, tags={'y': 1}, uri='u'),
            ])
        )  # fmt: skip
        expected = [
            Document(id='a', text='mine', tags={'x': 1}, weight=2.0, uri='u'),
            Document(id='b', blob=b'theirs'),
        ]
        assert contents(da) == contents(expected)
        da = self.reopen(da, tmp_path)
        assert contents(da) == contents(expected)
        da.close()

    def test_nested_documents_are_reduced_too(self, tmp_path: Path) -> None:
        def doc(*chunks: Document, matches: tuple[Document, ...] = ()) -> Document:
            return Document(id='a', chunks=chunks, matches=matches)

        def deep(*names: str) -> Document:
            return Document(id='c1', matches=[Document(id=name) for name in names])

        da = self.open(tmp_path, [doc(deep('x'), Document(id='c2', text='mine'))])
        da.reduce([
            doc(Document(id='c3'), Document(id='c2', text='theirs', weight=1.0), deep('y', 'x'),
                matches=(Document(id='m'),))
        ])  # fmt: skip
        for _ in range(2):
            assert ids(da['@c']) == ['c1', 'c2', 'c3']
            assert (da['@c[1]', 'text'], da['@c[1]', 'weight']) == (['mine'], [1.0])
            assert ids(da['@cm']) == ['x', 'y']
            assert ids(da['@m']) == ['m']
            assert {chunk.parent_id for chunk in da['@c']} == {'a'}
            da = self.reopen(da, tmp_path)
        da.close()

    def test_what_was_taken_in_is_as_it_was(self, opener: Opener) -> None:
        other = DocumentArray([Document(id='a', tags={'x': [1]}), Document(id='b', tags={'x': []})])
        da = opener([Document(id='a')])
        da.reduce(other)
        da['a'].tags['x'].append(2)
        assert other['a'].tags == {'x': [1]}
        assert da['a'].tags == {'x': [1, 2]}

    def test_many_are_reduced(self, opener: Opener) -> None:
        da = opener(make_docs(1))
        parts = [
            [Document(id='n', text='first')],
            opener([Document(id='n', text='second', weight=3.0), Document(id='o')]),
            DocumentArray(),
        ]
        assert da.reduce_all(parts) is da
        assert ids(da) == ['d0', 'n', 'o']
        assert (da['n'].text, da['n'].weight) == ('first', 3.0)
        before = contents(da)
        da.reduce(da)
        assert contents(da) == before

    def test_bad_arrays_change_nothing(self, da: DocumentArray) -> None:
        some: Any = [Document(id='new')]
        broken: Any = [*some, 'text']
        nothing: Any = None
        for bad in (
            lambda: da.reduce(3),
            lambda: da.reduce(broken),
            lambda: da.reduce(Document(id='new')),
            lambda: da.reduce_all(Document(id='new')),
            lambda: da.reduce_all([some, nothing]),
        ):
            with refuses(InvalidType, TypeError, array=da):
                bad()

    def test_taking_in_what_cannot_be_stored_changes_nothing(self, da: DocumentArray) -> None:
        if not self.persistent:
            pytest.skip('memory keeps any object')
        before = contents(da)
        with pytest.raises(TypeError, match='bad'):
            da.reduce([Document(id='d0', uri='u'), Document(id='bad', tags={'x': object()})])
        assert contents(da) == before
