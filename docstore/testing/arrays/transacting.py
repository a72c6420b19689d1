"""``with da:`` is a transaction, and so is every operation.

Section 4 of the inventory of names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from docstore.document import Document
from docstore.errors import DocumentGone

from ..checks import contents, ids, make_docs, refuses, vectors
from .base import ArraySuite

if TYPE_CHECKING:
    from docstore.array import DocumentArray

__all__ = ['TransactingTests']


class Stop(Exception):
    """What the tests break off with."""


def _work(array: DocumentArray) -> None:
    array.append(Document(id='appended', text='a', embedding=np.ones(4, dtype=np.float32)))
    array.insert(1, Document(id='inserted'))
    del array['d2']
    array[0].text = 'by view'
    array[0].tags['nested']['x'].append('in place')
    array['d3'] = Document(id='replaced')
    array.reverse()
    array.upsert([Document(id='d1', text='upserted')])
    array[:, 'weight'] = 3.0


WORK: dict[str, Callable[[DocumentArray], Any]] = {
    'append': lambda a: a.append(Document(id='n')),
    'extend': lambda a: a.extend(make_docs(40, start=5)),
    'insert': lambda a: a.insert(0, Document(id='n')),
    'del': lambda a: a.__delitem__(0),
    'del slice': lambda a: a.__delitem__(slice(1, 4)),
    'pop': lambda a: a.pop(2),
    'clear': lambda a: a.clear(),
    'clear and fill': lambda a: (a.clear(), a.extend(make_docs(2))),
    'reverse': lambda a: a.reverse(),
    'replace': lambda a: a.__setitem__(1, Document(id='n')),
    'upsert': lambda a: a.upsert([Document(id='d1', text='n'), Document(id='n')]),
    'text by view': lambda a: setattr(a[1], 'text', 'n'),
    'id by view': lambda a: setattr(a[1], 'id', 'n'),
    'nested tags': lambda a: a[1].tags['nested']['x'].append('n'),
    'chunks': lambda a: a[1].chunks.append(Document(id='n')),
    'texts': lambda a: setattr(a, 'texts', list('abcde')),
    'embeddings': lambda a: setattr(a, 'embeddings', vectors(5, seed=50)),
    'embedding': lambda a: setattr(a[3], 'embedding', np.ones(4, dtype=np.float32)),
    'everything': _work,
}


class TransactingTests(ArraySuite):
    """Committed at the end of the block, undone when it raises."""

    def test_commit(self, tmp_path: Path) -> None:
        array = self.open(tmp_path, make_docs(5))
        with array as same:
            assert same is array
            _work(array)
            inside = contents(array)
        assert contents(array) == inside
        assert len(array) == 6
        array = self.reopen(array, tmp_path)
        assert contents(array) == inside
        array.close()

    @pytest.mark.parametrize('name', WORK)
    def test_rollback(self, tmp_path: Path, name: str) -> None:
        array = self.open(tmp_path, make_docs(5))
        with pytest.raises(Stop), array:
            WORK[name](array)
            assert contents(array) != contents(make_docs(5)), 'the work must be seen inside'
            raise Stop
        assert contents(array) == contents(make_docs(5))
        np.testing.assert_array_equal(array.embeddings, vectors(5))
        assert array.find(vectors(5)[3], limit=1)[0].id == 'd3'
        assert ids(array.find({'tags__i': {'$gte': 3}})) == ['d3', 'd4']
        array.append(Document(id='after', text='x', embedding=np.ones(4, dtype=np.float32)))
        assert array['after'].text == 'x'
        array = self.reopen(array, tmp_path)
        assert ids(array) == ['d0', 'd1', 'd2', 'd3', 'd4', 'after']
        assert contents(array[:5]) == contents(make_docs(5))
        array.close()

    def test_views_see_the_rollback(self, da: DocumentArray) -> None:
        doc, tags = da[1], da[1].tags
        with pytest.raises(Stop), da:
            doc.text = 'inside'
            tags['inside'] = 1
            da[2].weight = 7.0
            raise Stop
        assert doc.text == 'text 1'
        assert 'inside' not in da[1].tags
        doc.text = 'later'
        assert da[1].text == 'later'
        assert da[2].weight == 1.0

    def test_views_of_rolled_back_documents_are_gone(self, da: DocumentArray) -> None:
        if not self.persistent:
            pytest.skip('in memory a Document lives as long as somebody holds it')
        with pytest.raises(Stop), da:
            da.append(Document(id='new', text='x'))
            doc = da['new']
            raise Stop
        with refuses(DocumentGone, LookupError, array=da):
            _ = doc.text

    def test_views_of_deleted_documents_come_back(self, da: DocumentArray) -> None:
        doc = da[1]
        with pytest.raises(Stop), da:
            del da[1]
            raise Stop
        assert doc.text == 'text 1'
        doc.text = 'alive'
        assert da[1].text == 'alive'

    def test_nested_blocks_are_one(self, tmp_path: Path) -> None:
        array = self.open(tmp_path, make_docs(5))
        with array:
            array.append(Document(id='outer'))
            with array:
                array.append(Document(id='inner'))
        assert ids(array)[5:] == ['outer', 'inner']
        with pytest.raises(Stop), array:
            with array:
                del array['outer']
            raise Stop
        assert ids(array)[5:] == ['outer', 'inner']
        array = self.reopen(array, tmp_path)
        assert ids(array)[5:] == ['outer', 'inner']
        array.close()

    def test_one_transaction_after_another(self, da: DocumentArray) -> None:
        for i in range(5, 10):
            with da:
                da.append(Document(id=f'd{i}'))
            with pytest.raises(Stop), da:
                da.clear()
                raise Stop
        assert ids(da) == [f'd{i}' for i in range(10)]

    def test_an_empty_transaction(self, da: DocumentArray) -> None:
        with da:
            pass
        assert contents(da) == contents(make_docs(5))

    def test_reading_inside(self, da: DocumentArray) -> None:
        new = np.array([9, -9, 9, -9], dtype=np.float32)
        with da:
            da.append(Document(id='new', tags={'i': 99}, embedding=new))
            assert da.find(new, limit=1)[0].id == 'new'
            assert ids(da.find({'tags__i': {'$gt': 10}})) == ['new']
            assert da.embeddings[-1].tolist() == new.tolist()

    def test_an_iterable_that_fails_adds_nothing(self, da: DocumentArray) -> None:
        def failing() -> Any:
            yield Document(id='one')
            raise Stop

        with pytest.raises(Stop):
            da.extend(failing())
        with pytest.raises(Stop):
            da.upsert(failing())
        assert contents(da) == contents(make_docs(5))

    @pytest.mark.parametrize('kept', [True, False], ids=['kept', 'undone'])
    @pytest.mark.parametrize('name', ['append', 'delete', 'set', 'clear and fill'])
    def test_searching_what_a_transaction_did_first(
        self, tmp_path: Path, name: str, kept: bool
    ) -> None:
        """An index that was saved knows nothing of a transaction that has just begun."""
        if not self.persistent:
            pytest.skip('in memory nothing is opened again')
        target = np.array([3, -3, 3, -3], dtype=np.float32)
        array = self.open(tmp_path, make_docs(5))
        array.find(target)
        array = self.reopen(array, tmp_path)
        before = [hit.id for hit in array.find(target, limit=None)]
        array = self.reopen(array, tmp_path)
        new = Document(id='new', embedding=target)
        changes: dict[str, Callable[[], Any]] = {
            'append': lambda: array.append(new),
            'delete': lambda: array.__delitem__(before[0]),
            'set': lambda: setattr(array[before[-1]], 'embedding', target),
            'clear and fill': lambda: (array.clear(), array.append(new)),
        }
        wanted = {
            'append': ['new', *before],
            'delete': before[1:],
            'set': [before[-1], *before[:-1]],
            'clear and fill': ['new'],
        }[name]
        try:
            with array:
                changes[name]()
                assert [hit.id for hit in array.find(target, limit=None)] == wanted
                if not kept:
                    raise Stop
        except Stop:
            wanted = before
        assert [hit.id for hit in array.find(target, limit=None)] == wanted
        array = self.reopen(array, tmp_path)
        assert [hit.id for hit in array.find(target, limit=None)] == wanted
        array.close()
