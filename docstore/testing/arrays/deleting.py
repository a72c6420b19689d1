"""Indexing, deleting.

Section 6 of the inventory of names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from docstore.errors import UnsupportedOperation

from ..checks import contents, ids, make_docs, refuses
from .base import ArraySuite, Opener
from .getting import SLICES, nested_docs

if TYPE_CHECKING:
    from docstore.array import DocumentArray

__all__ = ['DeletingTests']


class DeletingTests(ArraySuite):
    """``del da[...]`` in all its forms."""

    @pytest.mark.parametrize(
        ('key', 'gone'),
        [
            (1, [1]),
            (-1, [4]),
            (np.int64(0), [0]),
            ('d3', [3]),
            ([0, 2, 4], [0, 2, 4]),
            ([4, 0, 2], [0, 2, 4]),
            ([-1, 0], [0, 4]),
            ((0, 1), [0, 1]),
            (['d4', 'd0'], [0, 4]),
            (('d1', 'd2'), [1, 2]),
            ([True, False, True], [0, 2]),
            ([False] * 5, []),
            (np.array([False, True, True, False, False]), [1, 2]),
            (np.array([1, 3]), [1, 3]),
            ([], []),
            (..., [0, 1, 2, 3, 4]),
        ],
    )
    def test_forms(self, da: DocumentArray, key: Any, gone: list[int]) -> None:
        del da[key]
        expected = [doc for i, doc in enumerate(make_docs(5)) if i not in gone]
        assert contents(da) == contents(expected)
        assert all(f'd{i}' not in da for i in gone)
        assert [da[doc.id].text for doc in expected] == [doc.text for doc in expected]

    @pytest.mark.parametrize('key', SLICES)
    def test_slice_is_deleted(self, da: DocumentArray, key: slice) -> None:
        expected = ids(da)
        del expected[key]
        del da[key]
        assert ids(da) == expected

    @pytest.mark.parametrize(
        ('key', 'error'),
        [(5, IndexError), (-6, IndexError), ('nobody', KeyError), (['d0', 'nobody'], KeyError),
         ([0, 7], IndexError), (None, IndexError), (1.5, IndexError)],
    )  # fmt: skip
    def test_misses(self, da: DocumentArray, key: Any, error: type[Exception]) -> None:
        with pytest.raises(error):
            del da[key]
        assert contents(da) == contents(make_docs(5))

    def test_an_id_can_come_back(self, da: DocumentArray) -> None:
        del da['d1']
        da.append(make_docs(2)[1])
        assert ids(da) == ['d0', 'd2', 'd3', 'd4', 'd1']
        assert da['d1'].text == 'text 1'

    @pytest.mark.parametrize(
        ('key', 'texts'),
        [
            ((1, 'text'), ['text 0', '', 'text 2', 'text 3', 'text 4']),
            (('d1', 'text'), ['text 0', '', 'text 2', 'text 3', 'text 4']),
            ((slice(1, 3), 'text'), ['text 0', '', '', 'text 3', 'text 4']),
            (([0, 4], ['text', 'weight']), ['', 'text 1', 'text 2', 'text 3', '']),
            ((slice(None), ['text']), [''] * 5),
        ],
    )
    def test_attributes_are_reset(self, da: DocumentArray, key: Any, texts: list[str]) -> None:
        del da[key]
        assert len(da) == 5
        assert da.texts == texts
        assert 'tags' in da[0].non_empty_fields

    def test_embeddings_are_reset(self, da: DocumentArray) -> None:
        del da[:, 'embedding']
        assert da.embeddings is None
        assert da.texts == [f'text {i}' for i in range(5)]

    def test_paths_are_for_reading(self, opener: Opener) -> None:
        nested = opener(nested_docs())
        with refuses(UnsupportedOperation, NotImplementedError, array=nested):
            del nested['@c']
