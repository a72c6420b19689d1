"""Indexing, writing.

Section 6 of the inventory of names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from docstore.document import Document
from docstore.errors import InvalidArgument, LengthMismatch

from ..checks import contents, ids, make_docs, refuses, vectors
from .base import ArraySuite, Opener
from .getting import nested_docs

if TYPE_CHECKING:
    from docstore.array import DocumentArray

__all__ = ['SettingTests']


def fresh(*names: str) -> list[Document]:
    """Documents that have nothing of those they replace."""
    return [Document(id=name, blob=name.encode()) for name in names]


class SettingTests(ArraySuite):
    """``da[...] = ...`` in all its forms."""

    @pytest.mark.parametrize('key', [1, -4, np.int64(1), 'd1'])
    def test_one(self, da: DocumentArray, key: Any) -> None:
        da[key] = fresh('new')[0]
        assert ids(da) == ['d0', 'new', 'd2', 'd3', 'd4']
        assert contents([da['new']]) == [{'id': 'new', 'blob': b'new'}]
        assert 'd1' not in da

    def test_one_by_itself(self, da: DocumentArray) -> None:
        da[1] = da[1]
        da[2] = Document(id='d2', text='same id')
        assert ids(da) == ['d0', 'd1', 'd2', 'd3', 'd4']
        assert da[1, 'text'] == 'text 1'
        assert da['d2'].text == 'same id'

    def test_one_that_is_not_there(self, da: DocumentArray) -> None:
        before = contents(da)
        with pytest.raises(KeyError, match='nobody'):
            da['nobody'] = Document()
        with pytest.raises(IndexError):
            da[5] = Document()
        assert contents(da) == before

    @pytest.mark.parametrize(
        'key', [slice(1, 3), slice(None, 4, 2), slice(-1, -3, -1), slice(None)]
    )
    def test_slice_is_set(self, da: DocumentArray, key: slice) -> None:
        expected = make_docs(5)
        new = fresh(*(f'n{i}' for i in range(len(expected[key]))))
        expected[key] = new
        da[key] = fresh(*ids(new))
        assert contents(da) == contents(expected)

    def test_slice_may_swap_documents(self, da: DocumentArray) -> None:
        da[:2] = [Document(id='d1', text='a'), Document(id='d0', text='b')]
        assert ids(da) == ['d1', 'd0', 'd2', 'd3', 'd4']
        assert (da['d1'].text, da['d0'].text) == ('a', 'b')

    @pytest.mark.parametrize(
        'key', [slice(1, 4), slice(2, 2), slice(5, None), slice(3, 1), slice(9, 9)]
    )
    @pytest.mark.parametrize('count', [0, 1, 7])
    def test_slice_of_another_length(self, da: DocumentArray, key: slice, count: int) -> None:
        new = fresh(*(f'n{i}' for i in range(count)))
        expected = make_docs(5)
        expected[key] = new
        da[key] = fresh(*ids(new))
        assert contents(da) == contents(expected)

    def test_stepped_slice_of_another_length(self, da: DocumentArray) -> None:
        with refuses(LengthMismatch, ValueError, 3, 1, array=da):
            da[::2] = fresh('x')

    @pytest.mark.parametrize(
        ('key', 'names'),
        [
            ([True, False, True], ['x', 'd1', 'y', 'd3', 'd4']),
            (np.array([False, False, False, True, True]), ['d0', 'd1', 'd2', 'x', 'y']),
            ([3, 0], ['y', 'd1', 'd2', 'x', 'd4']),
            ((3, 0), ['y', 'd1', 'd2', 'x', 'd4']),
            ([-1, 1], ['d0', 'y', 'd2', 'd3', 'x']),
            (['d2', 'd1'], ['d0', 'y', 'x', 'd3', 'd4']),
            (('d2', 'd1'), ['d0', 'y', 'x', 'd3', 'd4']),
            (np.array([2, 4]), ['d0', 'd1', 'x', 'd3', 'y']),
        ],
    )
    def test_many_are_set(self, da: DocumentArray, key: Any, names: list[str]) -> None:
        da[key] = fresh('x', 'y')
        assert ids(da) == names
        assert [da[name].blob for name in ('x', 'y')] == [b'x', b'y']

    def test_the_shorter_list_wins(self, da: DocumentArray) -> None:
        da[[1, 2, 3]] = fresh('x')
        da[['d2']] = fresh('y', 'z')
        assert ids(da) == ['d0', 'x', 'y', 'd3', 'd4']

    def test_mask_of_another_length(self, da: DocumentArray) -> None:
        with refuses(InvalidArgument, ValueError, 1, 2, array=da):
            da[[True, True, False]] = fresh('x')

    def test_everything_is_set(self, opener: Opener) -> None:
        nested = opener(nested_docs())
        new = [Document(id=name, text=f'new {name}') for name in nested[..., 'id']]
        nested[...] = new
        assert [doc.text for doc in nested] == ['new a', 'new b']
        with refuses(InvalidArgument, ValueError, array=nested):
            nested[...] = [Document()] * 40

    def test_set_by_path(self, opener: Opener) -> None:
        nested = opener(nested_docs())
        nested['@c'] = [Document(id=name, text=f'new {name}') for name in nested['@c', 'id']]
        assert nested[0].chunks[1].text == 'new a-c1'
        assert nested['@c', 'text'] == ['new a-c0', 'new a-c1', 'new b-c0', 'new b-c1']
        with refuses(InvalidArgument, ValueError, array=nested):
            nested['@c'] = [Document() for _ in range(4)]
        with refuses(InvalidArgument, ValueError, array=nested):
            nested['@m'] = nested['@m'][:2]

    @pytest.mark.parametrize('key', [2, -3, 'd2'])
    def test_attribute_of_one_is_set(self, da: DocumentArray, key: Any) -> None:
        da[key, 'text'] = 'new'
        da[key, 'embedding'] = np.ones(4, dtype=np.float32)
        assert da.texts == ['text 0', 'text 1', 'new', 'text 3', 'text 4']
        assert da.embeddings[2].tolist() == [1, 1, 1, 1]

    def test_id_of_one(self, da: DocumentArray) -> None:
        da[2, 'id'] = 'renamed'
        assert ids(da) == ['d0', 'd1', 'renamed', 'd3', 'd4']
        assert da['renamed'].text == 'text 2'
        assert 'd2' not in da

    def test_attributes_of_one(self, da: DocumentArray) -> None:
        da[1, ['text', 'weight']] = ['new', 9.5]
        assert (da[1].text, da[1].weight) == ('new', 9.5)
        assert da[0].weight == 0.0

    @pytest.mark.parametrize(
        'key',
        [slice(1, 4, 2), [1, 3], ['d1', 'd3'], [False, True, False, True, False], np.array([1, 3])],
    )
    def test_attribute_of_many_is_set(self, da: DocumentArray, key: Any) -> None:
        da[key, 'text'] = ['x', 'y']
        assert da.texts == ['text 0', 'x', 'text 2', 'y', 'text 4']
        da[key, 'mime_type'] = 'text/html'
        assert [doc.mime_type for doc in da] == ['', 'text/html', '', 'text/html', '']
        da[key, 'text'] = ['z']
        assert da.texts == ['text 0', 'z', 'text 2', 'y', 'text 4']

    def test_tags_of_many(self, da: DocumentArray) -> None:
        da[:2, 'tags'] = [{'a': 1}, {'b': {'c': 2}}]
        assert da[:, 'tags__b__c'] == [None, 2, None, None, None]
        assert da[1].tags == {'b': {'c': 2}}

    def test_attributes_of_many(self, da: DocumentArray) -> None:
        da[1:3, ['text', 'uri']] = [['x', 'y'], ['u.html', 'v.png']]
        assert da[1:3, ['text', 'uri', 'mime_type']] == [
            ['x', 'y'], ['u.html', 'v.png'], ['text/html', 'image/png'],
        ]  # fmt: skip

    def test_embeddings_of_many(self, da: DocumentArray) -> None:
        new = vectors(2, seed=8)
        da[[4, 0], 'embedding'] = new
        expected = vectors(5)
        expected[[4, 0]] = new
        np.testing.assert_array_equal(da.embeddings, expected)
        with refuses(LengthMismatch, ValueError, 2, 3, array=da):
            da[:2, 'embedding'] = vectors(3)

    def test_content_of_another_kind_takes_its_place(self, da: DocumentArray) -> None:
        da[1, 'blob'] = b'x'
        da[2:4, 'tensor'] = np.arange(6).reshape(2, 3)
        assert [doc.content_type for doc in da] == ['text', 'blob', 'tensor', 'tensor', 'text']
        assert da[3].tensor.tolist() == [3, 4, 5]
        assert da.texts == ['text 0', '', '', '', 'text 4']

    def test_attribute_on_a_path(self, opener: Opener) -> None:
        nested = opener(nested_docs())
        nested['@c', 'text'] = ['1', '2', '3', '4']
        nested['@m', 'weight'] = 2.5
        assert [chunk.text for doc in nested for chunk in doc.chunks] == ['1', '2', '3', '4']
        assert nested[1].matches[2].weight == 2.5
