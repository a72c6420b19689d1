"""Indexing, reading.

Section 6 of the inventory of names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from docstore.array import DocumentArray
from docstore.document import Document

from ..checks import ids, make_docs, vectors
from .base import ArraySuite, Opener

__all__ = ['GettingTests', 'nested_docs']

SLICES = [
    slice(None), slice(2), slice(1, 4), slice(-2, None), slice(None, None, 2),
    slice(None, None, -1), slice(4, 1, -2), slice(3, 3), slice(7, 9), slice(-99, 99),
]  # fmt: skip


def nested_docs() -> list[Document]:
    """Two Documents with chunks, of which one has a match, and with matches."""
    return [
        Document(
            id=name,
            text=name,
            chunks=[
                Document(id=f'{name}-c0', text='c0', matches=[Document(id=f'{name}-c0-m0')]),
                Document(id=f'{name}-c1', text='c1', tags={'n': 1}),
            ],
            matches=[Document(id=f'{name}-m{i}', text=f'm{i}') for i in range(3)],
        )
        for name in ('a', 'b')
    ]


class GettingTests(ArraySuite):
    """``da[...]`` in all its forms."""

    @pytest.mark.parametrize('index', [0, 4, -1, -5, np.int64(2), np.int8(-2), np.uint16(1)])
    def test_position(self, da: DocumentArray, index: Any) -> None:
        doc = da[index]
        assert isinstance(doc, Document)
        assert doc.id == f'd{int(index) % 5}'

    @pytest.mark.parametrize('index', [5, -6, 10**6, np.int64(5), 2**70])
    def test_position_out_of_range(self, da: DocumentArray, index: Any) -> None:
        with pytest.raises(IndexError, match='5'):
            da[index]

    @pytest.mark.parametrize('index', [True, False, 1.0, None, b'd0', {'d0'}, object()])
    def test_what_is_no_index(self, da: DocumentArray, index: Any) -> None:
        with pytest.raises(IndexError, match=type(index).__name__):
            da[index]

    def test_id(self, da: DocumentArray) -> None:
        assert da['d3'].text == 'text 3'
        with pytest.raises(KeyError, match='nobody'):
            da['nobody']

    @pytest.mark.parametrize('key', SLICES)
    def test_slice(self, da: DocumentArray, key: slice) -> None:
        part = da[key]
        assert isinstance(part, DocumentArray)
        assert ids(part) == ids(make_docs(5))[key]

    @pytest.mark.parametrize(
        'key',
        [
            [0, 2],
            [3, 0, 3],
            [-1, 1],
            [4],
            (0, 1, 2),
            (0, 2),
            (4, -5),
            np.array([1, 3]),
            np.array([[2], [0]]),
        ],
    )
    def test_positions(self, da: DocumentArray, key: Any) -> None:
        part = da[key]
        assert isinstance(part, DocumentArray)
        assert ids(part) == [f'd{int(i) % 5}' for i in np.ravel(key)]

    @pytest.mark.parametrize(
        'key', [['d0', 'd3'], ['d4', 'd1', 'd4'], ('d2', 'd0'), ('d0', 'd1', 'd2'), ['d1']]
    )
    def test_ids(self, da: DocumentArray, key: Any) -> None:
        part = da[key]
        assert isinstance(part, DocumentArray)
        assert ids(part) == list(key)

    @pytest.mark.parametrize(
        'key',
        [
            [True, False, True, False, False],
            [False, True],
            [False] * 5,
            np.array([True, True, False, False, True]),
            (True, False, True),
        ],
    )
    def test_mask(self, da: DocumentArray, key: Any) -> None:
        part = da[key]
        assert isinstance(part, DocumentArray)
        assert ids(part) == [f'd{i}' for i, wanted in enumerate(key) if wanted]

    def test_an_empty_list_selects_nothing(self, da: DocumentArray) -> None:
        keys: list[Any] = [[], np.array([], dtype=np.int64), np.zeros(5, dtype=bool)]
        for key in keys:
            assert len(da[key]) == 0

    def test_misses_in_lists(self, da: DocumentArray) -> None:
        with pytest.raises(IndexError, match='9'):
            da[[0, 9]]
        with pytest.raises(KeyError, match='nobody'):
            da[['d0', 'nobody']]

    @pytest.mark.parametrize('key', [np.zeros((2, 2), dtype=int), np.array([0.5, 1.0])])
    def test_arrays_that_are_no_index(self, da: DocumentArray, key: Any) -> None:
        with pytest.raises(IndexError):
            da[key]

    @pytest.mark.parametrize('key', [2, -3, 'd2'])
    def test_attribute_of_one(self, da: DocumentArray, key: Any) -> None:
        assert da[key, 'text'] == 'text 2'
        assert da[key, 'tags__nested__x__1__y'] == 2
        assert da[key, 'tags__missing'] is None
        np.testing.assert_array_equal(da[key, 'embedding'], vectors(5)[2])

    def test_an_id_wins_over_an_attribute_of_its_name(self, da: DocumentArray) -> None:
        da.append(Document(id='text', text='x'))
        part = da['d0', 'text']
        assert isinstance(part, DocumentArray)
        assert ids(part) == ['d0', 'text']
        assert da[0, 'text'] == 'text 0'

    @pytest.mark.parametrize(
        'key',
        [slice(1, 4, 2), [1, 3], ['d1', 'd3'], [False, True, False, True, False], np.array([1, 3])],
    )
    def test_attribute_of_many(self, da: DocumentArray, key: Any) -> None:
        assert da[key, 'text'] == ['text 1', 'text 3']
        assert da[key, 'tags__i'] == [1, 3]
        np.testing.assert_array_equal(da[key, 'embedding'], vectors(5)[[1, 3]])

    def test_attributes_come_in_the_order_that_was_asked_for(self, da: DocumentArray) -> None:
        embeddings, names, tags, texts = da[1:3, ['embedding', 'id', 'tags__i', 'text']]
        np.testing.assert_array_equal(embeddings, vectors(5)[1:3])
        assert (names, tags, texts) == (['d1', 'd2'], [1, 2], ['text 1', 'text 2'])

    def test_missing_tags_are_none(self, da: DocumentArray) -> None:
        da[1].tags['rare'] = 'x'
        assert da[:, 'tags__rare'] == [None, 'x', None, None, None]
        assert da[:3, ['tags__rare', 'id']] == [[None, 'x', None], ['d0', 'd1', 'd2']]

    def test_unknown_attribute(self, da: DocumentArray) -> None:
        for key in ((slice(None), 'texr'), (0, 'texr'), (slice(None), ['id', 'texr'])):
            with pytest.raises(AttributeError, match="did you mean 'text'"):
                da[key]

    def test_everything(self, opener: Opener) -> None:
        nested = opener(nested_docs())
        expected = [
            name + suffix
            for name in 'ab'
            for suffix in ('-c0-m0', '-c0', '-c1', '-m0', '-m1', '-m2', '')
        ]
        assert ids(nested[...]) == expected
        assert nested[..., 'id'] == expected
        assert ids(nested.flatten()) == expected

    @pytest.mark.parametrize(
        ('path', 'expected'),
        [
            ('@r', ['a', 'b']),
            ('@c', ['a-c0', 'a-c1', 'b-c0', 'b-c1']),
            ('@m', ['a-m0', 'a-m1', 'a-m2', 'b-m0', 'b-m1', 'b-m2']),
            ('@cm', ['a-c0-m0', 'b-c0-m0']),
            ('@m[:2]', ['a-m0', 'a-m1', 'b-m0', 'b-m1']),
            ('@m[::2]', ['a-m0', 'a-m2', 'b-m0', 'b-m2']),
            ('@m[1]', ['a-m1', 'b-m1']),
            ('@c1:', ['a-c1', 'b-c1']),
            ('@r[:1]c', ['a-c0', 'a-c1']),
            ('@ c , m[:1] ', ['a-c0', 'a-c1', 'b-c0', 'b-c1', 'a-m0', 'b-m0']),
            ('@ccc', []),
        ],
    )
    def test_path(self, opener: Opener, path: str, expected: list[str]) -> None:
        nested = opener(nested_docs())
        part = nested[path]
        assert isinstance(part, DocumentArray)
        assert ids(part) == expected
        assert nested[path, 'id'] == expected

    @pytest.mark.parametrize('path', ['@', '@x', '@c[', '@c,,m', '@[0]'])
    def test_what_is_no_path(self, opener: Opener, path: str) -> None:
        nested = opener(nested_docs())
        with pytest.raises(ValueError):
            nested[path]
