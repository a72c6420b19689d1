"""What the conformance suites compare with, and how they look at arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest

from docstore.document import Document
from docstore.errors import DocstoreError
from docstore.score import NamedScore

if TYPE_CHECKING:
    from docstore.array import DocumentArray

__all__ = ['DIM', 'contents', 'ids', 'make_docs', 'nearest', 'plain', 'refuses', 'vectors']

#: Length of the embeddings that the suites use.
DIM = 4


def vectors(n: int, dim: int = DIM, seed: int = 7) -> npt.NDArray[np.float32]:
    """``n`` vectors in general position, the same ones every time.

    >>> vectors(2).shape
    (2, 4)
    """
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


def make_docs(n: int, start: int = 0, dim: int = DIM) -> list[Document]:
    """Documents ``d<i>`` with a text, nested tags and an embedding.

    >>> make_docs(2)[1].id
    'd1'
    """
    return [
        Document(
            id=f'd{i}',
            text=f'text {i}',
            weight=i / 2,
            tags={'i': i, 'kind': 'even' if i % 2 == 0 else 'odd', 'nested': {'x': [i, {'y': i}]}},
            embedding=vector,
        )
        for i, vector in enumerate(vectors(start + n, dim)[start:], start)
    ]


def ids(docs: Iterable[Document]) -> list[str]:
    """The ids in order.

    >>> ids(make_docs(2))
    ['d0', 'd1']
    """
    return [doc.id for doc in docs]


def plain(value: Any) -> Any:
    """A value in a form that ``==`` compares fully: arrays by dtype, shape and
    content, NaN equal to itself, and int, float and bool kept apart.

    >>> plain({'a': [1, 1.0, True]})
    {'a': [1, 'float 1.0', 'bool True']}
    """
    if isinstance(value, (bool, float)):
        return f'{type(value).__name__} {value!r}'
    if isinstance(value, np.ndarray):
        return (
            'array',
            value.dtype.str,
            value.shape,
            [plain(item) for item in value.ravel().tolist()],
        )
    if isinstance(value, NamedScore):
        return plain(value.to_dict())
    if isinstance(value, Document):
        return fields(value)
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return ('tuple', [plain(item) for item in value])
    if isinstance(value, (str, bytes, int)) or value is None:
        return value
    return [plain(item) for item in value]


def fields(doc: Document) -> dict[str, Any]:
    """The fields of a Document that are set, in the form of :func:`plain`."""
    return {name: plain(getattr(doc, name)) for name in doc.non_empty_fields}


def contents(docs: Iterable[Document]) -> list[dict[str, Any]]:
    """All that Documents hold, in the form of :func:`plain`."""
    return [fields(doc) for doc in docs]


@contextmanager
def refuses(
    kind: type[DocstoreError],
    builtin: type[BaseException],
    *words: object,
    array: DocumentArray | None = None,
) -> Iterator[None]:
    """The block raises ``kind``, which is also ``builtin``; the message has
    all ``words``; and ``array`` is afterwards as it was before.
    """
    before = None if array is None else contents(array)
    with pytest.raises(DocstoreError) as caught:
        yield
    error = caught.value
    assert isinstance(error, kind), f'{type(error).__name__} instead of {kind.__name__}: {error}'
    assert isinstance(error, builtin), f'{type(error).__name__} is no {builtin.__name__}: {error}'
    missing = [word for word in words if str(word).lower() not in str(error).lower()]
    assert not missing, f'the message does not name {missing}: {error}'
    if array is not None:
        assert contents(array) == before


def nearest(
    queries: npt.NDArray[Any],
    vectors: npt.NDArray[Any],
    metric: str,
    k: int | None = None,
    mask: npt.NDArray[np.bool_] | None = None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """What an exact search returns, worked out in float64 the simple way."""
    x = np.atleast_2d(np.asarray(queries, dtype=np.float64))
    y = np.asarray(vectors, dtype=np.float64)
    if metric == 'cosine':
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
        y = y / np.linalg.norm(y, axis=1, keepdims=True)
    if metric in ('cosine', 'ip'):
        distances = 1 - x @ y.T
    else:
        distances = ((x[:, None, :] - y[None, :, :]) ** 2).sum(axis=2)
    if metric == 'euclidean':
        distances = np.sqrt(distances)
    positions = np.arange(len(y)) if mask is None else np.flatnonzero(mask)
    order = np.argsort(distances[:, positions], axis=1, kind='stable')[:, :k]
    found = positions[order]
    return found, np.take_along_axis(distances, found, axis=1)
