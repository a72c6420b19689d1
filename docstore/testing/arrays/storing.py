"""Reopening and copying.

Section 4 of the inventory of names.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from docstore.array import DocumentArray
from docstore.document import Document
from docstore.errors import StoreClosed

from ..checks import contents, ids, make_docs, refuses, vectors
from .base import ArraySuite, Opener

__all__ = ['StoringTests']


class StoringTests(ArraySuite):
    """What was stored is there when the array is opened again."""

    def test_reopening(self, tmp_path: Path) -> None:
        array = self.open(tmp_path, make_docs(30))
        array = self.reopen(array, tmp_path)
        assert contents(array) == contents(make_docs(30))
        np.testing.assert_array_equal(array.embeddings, vectors(30))
        assert array['d17'].text == 'text 17'
        assert array.find(vectors(30)[4], limit=1)[0].id == 'd4'
        assert ids(array.find({'tags__i': {'$lt': 2}})) == ['d0', 'd1']
        array.close()

    def test_reopening_after_every_kind_of_change(self, tmp_path: Path) -> None:
        array = self.open(tmp_path, make_docs(5))
        array.insert(0, Document(id='first'))
        array.reverse()
        del array['d2']
        array[1] = Document(id='one', text='replaced')
        array[0].text = 'by view'
        array[2].tags['nested']['x'].append('in place')
        array.upsert([Document(id='one', text='upserted'), Document(id='last')])
        array[:, 'weight'] = [float(i) for i in range(len(array))]
        array.append(Document(id='temporary'))
        array.pop()
        expected = contents(array)
        assert [doc['id'] for doc in expected] == ['d4', 'one', 'd1', 'd0', 'first', 'last']
        for _ in range(2):
            array = self.reopen(array, tmp_path)
            assert contents(array) == expected
        array.close()

    def test_reopening_when_empty(self, tmp_path: Path) -> None:
        array = self.open(tmp_path)
        array = self.reopen(array, tmp_path)
        assert len(array) == 0
        array.extend(make_docs(2))
        array = self.reopen(array, tmp_path)
        array.clear()
        array = self.reopen(array, tmp_path)
        assert len(array) == 0
        assert array.embeddings is None
        array.close()

    def test_order_survives(self, tmp_path: Path) -> None:
        array = self.open(tmp_path, make_docs(20))
        expected = ids(array)
        for step in range(3):
            for i in range(10):
                array.insert(i * 2, Document(id=f'n{step}-{i}'))
                expected.insert(i * 2, f'n{step}-{i}')
            array.reverse()
            expected.reverse()
            array = self.reopen(array, tmp_path)
            assert ids(array) == expected
        array.close()

    def test_opening_with_documents_starts_anew(self, tmp_path: Path) -> None:
        if not self.persistent:
            pytest.skip('nothing is kept')
        self.open(tmp_path, make_docs(5)).close()
        array = self.open(tmp_path, [Document(id='new')])
        assert ids(array) == ['new']
        array = self.reopen(array, tmp_path)
        assert ids(array) == ['new']
        array.close()

    def test_a_closed_array_says_so(self, tmp_path: Path) -> None:
        if not self.persistent:
            pytest.skip('nothing to close')
        array = self.open(tmp_path, make_docs(2))
        array.close()
        array.close()
        for use in (
            lambda: len(array), lambda: array[0], lambda: array.append(Document()), array.clear,
            lambda: array.texts, lambda: array.find(vectors(1)[0]), lambda: list(array),
        ):  # fmt: skip
            with refuses(StoreClosed, ValueError, 'close'):
                use()
        reopened = self.open(tmp_path)
        assert len(reopened) == 2
        reopened.close()

    def test_flush_sync_compact_and_refresh_change_nothing(self, da: DocumentArray) -> None:
        del da['d3']
        da[1].text = 'new'
        expected = contents(da)
        for method in (da.sync, da.flush, da.compact, da.refresh, da.compact):
            method()
            assert contents(da) == expected
        da.append(Document(id='after'))
        assert ids(da) == ['d0', 'd1', 'd2', 'd4', 'after']

    def test_deepcopy_in_memory(self, da: DocumentArray) -> None:
        free = DocumentArray(da, copy=True)
        assert free.storage == 'memory'
        assert contents(free) == contents(da)
        free[0].text = 'changed'
        free[1].tags['nested']['x'].clear()
        free.append(Document())
        assert contents(da) == contents(make_docs(5))

    def test_copy_into_another_array(self, da: DocumentArray, opener: Opener) -> None:
        other = opener(da)
        assert contents(other) == contents(da)
        if self.persistent:
            other[0].text = 'changed'
            other[1].tags['nested']['x'].clear()
            assert contents(da) == contents(make_docs(5))

    def test_deepcopied_document_is_free(self, da: DocumentArray) -> None:
        again = copy.deepcopy(da[1])
        assert contents([again]) == contents(make_docs(2)[1:])
        again.tags['nested']['x'].append('changed')
        again.text = 'changed'
        assert contents(da) == contents(make_docs(5))

    def test_many(self, tmp_path: Path) -> None:
        matrix = np.random.default_rng(1).normal(size=(3000, 4)).astype(np.float32)
        array = self.open(tmp_path)
        array.extend(
            [Document(id=f'd{i}', tags={'i': i}, embedding=row) for i, row in enumerate(matrix)]
        )
        array = self.reopen(array, tmp_path)
        np.testing.assert_array_equal(array.embeddings, matrix)
        assert array[::-1, 'tags__i'] == list(range(2999, -1, -1))
        del array[[i for i in range(3000) if i % 3]]
        np.testing.assert_array_equal(array.embeddings, matrix[::3])
        array = self.reopen(array, tmp_path)
        np.testing.assert_array_equal(array.embeddings, matrix[::3])
        assert array[-1].id == 'd2997'
        array.close()
