"""Sparse vectors: measured as they are, and made dense only for metrics that need it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from .arrays import as_numpy, is_sparse
from .errors import InvalidVector

__all__ = ['SparseLines', 'vectors_of']


class SparseLines(Sequence[npt.NDArray[Any]]):
    """Sparse vectors, each made dense when it is asked for.

    Parameters
    ----------
    values : sequence
        Sparse matrices or arrays with one line each.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, line: int) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, line: slice) -> SparseLines: ...
    def __getitem__(self, line: int | slice) -> Any:
        if isinstance(line, slice):
            return SparseLines(self._values[line])
        return as_numpy(self._values[line]).reshape(-1)

    def take(self, lines: Sequence[int]) -> SparseLines:
        """Some of the vectors."""
        return SparseLines([self._values[line] for line in lines])

    def length(self, line: int) -> int:
        """How many dimensions a vector has."""
        return int(np.prod(self._values[line].shape))

    def distances(self, queries: npt.NDArray[Any], metric: str) -> npt.NDArray[np.float64]:
        """Distances of dense queries to all vectors by a metric of the core, in float64.

        Raises
        ------
        InvalidVector
            If a vector has NaN or infinity, or no direction under cosine.
        """
        from scipy.sparse import csr_matrix, vstack

        # Of one dimension in SciPy's newer arrays.
        lines = [csr_matrix(value.reshape(1, -1)) for value in self._values]
        matrix = vstack(lines, format='csr').astype(np.float64)
        if not np.isfinite(matrix.data).all():
            place = int(np.flatnonzero(~np.isfinite(matrix.data))[0])
            row = int(np.searchsorted(matrix.indptr, place, side='right')) - 1
            raise InvalidVector(f'the vector of document {row} has NaN or infinity', row=row)
        points = queries.astype(np.float64)
        products: npt.NDArray[np.float64] = np.asarray((matrix @ points.T).T)
        if metric == 'ip':
            return 1 - products
        squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).reshape(-1)
        query_squares = (points * points).sum(axis=1)
        if metric == 'cosine':
            _refuse_zero(squares, 'document')
            _refuse_zero(query_squares, 'query')
            scale = np.sqrt(query_squares)[:, None] * np.sqrt(squares)
            cosine: npt.NDArray[np.float64] = np.clip(1 - products / scale, 0, 2)
            return cosine
        found: npt.NDArray[np.float64] = np.maximum(
            query_squares[:, None] + squares - 2 * products, 0
        )
        return np.asarray(np.sqrt(found)) if metric == 'euclidean' else found


def vectors_of(
    values: list[Any], identity: Callable[[int], str]
) -> list[npt.NDArray[Any]] | SparseLines:
    """One-dimensional arrays of what Documents have for an embedding.

    Parameters
    ----------
    values : list
        The embeddings; the list itself may be changed and returned.
    identity : callable
        How messages name the Document at a position.

    Raises
    ------
    InvalidVector
        If a Document has none, or one that is no array.
    """
    if set(map(type, values)) == {np.ndarray} and {1} == {value.ndim for value in values}:
        return values
    if all(map(is_sparse, values)):
        # Dense they may not fit into memory.
        return SparseLines(values)
    for position, value in enumerate(values):
        if value.__class__ is np.ndarray and value.ndim == 1:
            continue
        if value is None:
            missing = sum(1 for v in values if v is None)
            raise InvalidVector(
                f'{missing} of {len(values)} documents have no embedding, first '
                f'{identity(position)}: set it, or search in a selection that has one',
                row=position,
            )
        try:
            values[position] = as_numpy(value).reshape(-1)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InvalidVector(
                f'the embedding of {identity(position)} is no array of numbers: {error}',
                row=position,
            ) from None
    return values


def _refuse_zero(squares: npt.NDArray[np.float64], what: str) -> None:
    zero = np.flatnonzero(squares < np.finfo(np.float64).tiny)
    if len(zero):
        row = int(zero[0])
        raise InvalidVector(
            f'the vector of {what} {row} has length zero, which has no direction under cosine',
            row=row if what == 'document' else -1 - row,
        )
