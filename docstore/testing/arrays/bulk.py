"""One field of all Documents at once.

Section 7 of the inventory of names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from docstore.array import DocumentArray
from docstore.document import Document
from docstore.errors import LengthMismatch

from ..checks import DIM, contents, make_docs, refuses, vectors
from .base import ArraySuite, Opener

__all__ = ['BulkTests']

NAMES = ['texts', 'blobs', 'tensors', 'embeddings', 'contents']


class BulkTests(ArraySuite):
    """``da.texts`` and its like."""

    @pytest.mark.parametrize('name', NAMES)
    def test_an_empty_array_has_none(self, empty: DocumentArray, name: str) -> None:
        assert getattr(empty, name) is None

    @pytest.mark.parametrize('name', NAMES)
    def test_an_empty_array_takes_nothing(self, empty: DocumentArray, name: str) -> None:
        setattr(empty, name, [])
        setattr(empty, name, None)
        with refuses(LengthMismatch, ValueError, 1, 0, array=empty):
            setattr(empty, name, ['x'])

    def test_texts(self, da: DocumentArray) -> None:
        assert da.texts == [f'text {i}' for i in range(5)]
        da.texts = [f'new {i}' for i in range(5)]
        assert [doc.text for doc in da] == da.texts == [f'new {i}' for i in range(5)]

    def test_texts_of_documents_without(self, opener: Opener) -> None:
        assert opener([Document(), Document(text='x'), Document(blob=b'y')]).texts == ['', 'x', '']

    def test_blobs(self, da: DocumentArray) -> None:
        assert da.blobs == [b''] * 5
        da.blobs = [bytes([0, i, 255]) for i in range(5)]
        assert [doc.blob for doc in da] == da.blobs == [bytes([0, i, 255]) for i in range(5)]
        assert da.texts == [''] * 5, 'a Document has one content'

    @pytest.mark.parametrize('dtype', ['f4', 'f8', 'u1', 'i8', '?'])
    def test_tensors(self, da: DocumentArray, dtype: str) -> None:
        assert da.tensors is None
        images = (np.arange(5 * 2 * 3).reshape(5, 2, 3) % 2).astype(dtype)
        da.tensors = images
        assert da.tensors.dtype == images.dtype
        np.testing.assert_array_equal(da.tensors, images)
        np.testing.assert_array_equal(da[3].tensor, images[3])
        assert da.texts == [''] * 5

    def test_tensors_of_unlike_shapes(self, da: DocumentArray) -> None:
        da.tensors = [np.arange(i) for i in range(5)]
        assert [doc.tensor.tolist() for doc in da] == [list(range(i)) for i in range(5)]

    def test_tensors_of_any_number_of_axes(self, da: DocumentArray) -> None:
        shapes: list[tuple[int, ...]] = [(), (0,), (1, 1), (2, 0, 3), (1, 2, 1, 2, 1)]
        for doc, shape in zip(da, shapes, strict=True):
            doc.tensor = np.full(shape, 3, dtype=np.int16)
        assert [doc.tensor.shape for doc in da] == shapes

    @pytest.mark.parametrize('dtype', ['f4', 'f8', 'f2'])
    def test_embeddings(self, da: DocumentArray, dtype: str) -> None:
        np.testing.assert_array_equal(da.embeddings, vectors(5))
        assert da.embeddings.dtype == np.float32
        new = vectors(5, seed=9).astype(dtype)
        da.embeddings = new
        np.testing.assert_array_equal(da.embeddings, new)
        np.testing.assert_array_equal(da[2].embedding, new[2])
        assert da[2].text == 'text 2'

    def test_embeddings_as_lists(self, da: DocumentArray) -> None:
        da.embeddings = [[float(i)] * DIM for i in range(1, 6)]
        np.testing.assert_array_equal(np.asarray(da.embeddings), [[i] * DIM for i in range(1, 6)])

    def test_embeddings_are_not_the_callers(self, da: DocumentArray) -> None:
        new = vectors(5, seed=9)
        da.embeddings = new
        if self.persistent:
            new[:] = 0
        np.testing.assert_array_equal(da.embeddings[1:] != 0, True)

    def test_embeddings_follow_the_order(self, da: DocumentArray) -> None:
        expected = vectors(6)
        da.insert(1, make_docs(6)[5])
        del da[3]
        da.reverse()
        np.testing.assert_array_equal(da.embeddings, expected[[4, 3, 1, 5, 0]])

    def test_a_view_outlives_growth(self, da: DocumentArray) -> None:
        before = da.embeddings
        da.extend(make_docs(300, start=5))
        da.embeddings = vectors(305, seed=3)
        assert len(before) == 5
        assert np.isfinite(before).all()
        del da[:]
        np.testing.assert_array_equal(before.shape, (5, DIM))

    def test_missing_embeddings(self, da: DocumentArray) -> None:
        da[2].embedding = None
        with pytest.raises(ValueError, match='2'):
            _ = da.embeddings
        da.embeddings = None
        assert da.embeddings is None

    def test_contents(self, da: DocumentArray) -> None:
        assert da.contents == [f'text {i}' for i in range(5)]
        da.contents = [b'%d' % i for i in range(5)]
        assert da.contents == da.blobs == [b'%d' % i for i in range(5)]
        da.contents = vectors(5)
        np.testing.assert_array_equal(da.contents, vectors(5))
        np.testing.assert_array_equal(da.tensors, vectors(5))
        da.contents = (['a', 'b', 'c', 'd', 'e'], 'text')
        assert da.contents == da.texts == ['a', 'b', 'c', 'd', 'e']

    @pytest.mark.parametrize('name', NAMES)
    def test_none_clears(self, da: DocumentArray, name: str) -> None:
        setattr(da, name, None)
        got = getattr(da, name)
        assert got is None or got in ([''] * 5, [b''] * 5)
        field = 'text' if name == 'contents' else name[:-1]
        assert all(field not in doc.non_empty_fields for doc in da)
        assert all('tags' in doc.non_empty_fields for doc in da)

    @pytest.mark.parametrize('name', NAMES)
    @pytest.mark.parametrize('length', [0, 4, 6])
    def test_the_length_must_match(self, da: DocumentArray, name: str, length: int) -> None:
        values: Any = {
            'texts': ['x'] * length,
            'blobs': [b'x'] * length,
            'contents': ['x'] * length,
        }.get(name, np.ones((length, DIM), dtype=np.float32))
        with refuses(LengthMismatch, ValueError, length, 5, array=da):
            setattr(da, name, values)

    def test_ids_and_tags_in_bulk(self, da: DocumentArray) -> None:
        assert da[:, 'id'] == [f'd{i}' for i in range(5)]
        assert da[:, ['tags__i', 'weight']] == [[0, 1, 2, 3, 4], [0.0, 0.5, 1.0, 1.5, 2.0]]

    def test_empty_makes_distinct_documents(self, opener: Opener) -> None:
        array = opener(DocumentArray.empty(20))
        assert len(array) == 20
        assert len(set(array[:, 'id'])) == 20
        array.texts = [str(i) for i in range(20)]
        assert [doc.text for doc in array] == [str(i) for i in range(20)]
        assert contents(array[7:8]) == [{'id': array[7].id, 'text': '7'}]
