"""Distances of NumPy matrices, and of sparse ones of SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ... import _core
from ...errors import DimensionMismatch, InvalidArgument

__all__ = [
    'cosine',
    'euclidean',
    'sparse_cosine',
    'sparse_euclidean',
    'sparse_sqeuclidean',
    'sqeuclidean',
]

Matrix = npt.NDArray[Any]


def cosine(x_mat: Any, y_mat: Any, eps: float = 1e-7) -> npt.NDArray[np.float64]:
    """1 minus the cosine of the angle between all rows of two matrices.

    ``1 - clip((x.y + eps) / (|x| |y| + eps), -1, 1)``: two zero vectors are at
    distance 0, and so is a zero vector of any other. (``find`` and ``match``
    refuse zero vectors instead.)

    Examples
    --------
    >>> cosine(np.array([[1.0, 0.0]]), np.array([[0.0, 2.0], [3.0, 0.0]])).round(3)
    array([[1., 0.]])
    """
    x, y = _pair(x_mat, y_mat)
    lengths = np.outer(np.sqrt(np.einsum('ij,ij->i', x, x)), np.sqrt(np.einsum('ij,ij->i', y, y)))
    return _angle(x @ y.T, lengths, eps)


def _angle(products: Matrix, lengths: Matrix, eps: float) -> npt.NDArray[np.float64]:
    result: npt.NDArray[np.float64] = 1 - np.clip((products + eps) / (lengths + eps), -1, 1)
    return result


def sqeuclidean(x_mat: Any, y_mat: Any) -> npt.NDArray[np.float64]:
    """The squared Euclidean distance between all rows of two matrices.

    Examples
    --------
    >>> sqeuclidean(np.array([[0, 3]]), np.array([[4, 0]]))
    array([[25.]])
    """
    return _core.pairwise(*_pair(x_mat, y_mat), 'sqeuclidean')


def euclidean(x_mat: Any, y_mat: Any) -> npt.NDArray[np.float64]:
    """The Euclidean distance between all rows of two matrices.

    Examples
    --------
    >>> euclidean(np.array([[0, 3]]), np.array([[4, 0]]))
    array([[5.]])
    """
    return _core.pairwise(*_pair(x_mat, y_mat), 'euclidean')


def sparse_cosine(x_mat: Any, y_mat: Any) -> npt.NDArray[np.float64]:
    """:func:`cosine` of two sparse matrices of SciPy; only the result is dense."""
    x, y = _sparse_pair(x_mat, y_mat)
    lengths = np.outer(np.sqrt(_squares(x)), np.sqrt(_squares(y)))
    return _angle((x @ y.T).toarray(), lengths, 1e-7)


def sparse_sqeuclidean(x_mat: Any, y_mat: Any) -> npt.NDArray[np.float64]:
    """:func:`sqeuclidean` of two sparse matrices of SciPy; only the result is dense."""
    x, y = _sparse_pair(x_mat, y_mat)
    squares = _squares(x)[:, None] + _squares(y)[None, :] - 2 * (x @ y.T).toarray()
    # The differences of large sums may fall below zero by a rounding error.
    positive: npt.NDArray[np.float64] = np.maximum(squares, 0.0)
    return positive


def sparse_euclidean(x_mat: Any, y_mat: Any) -> npt.NDArray[np.float64]:
    """:func:`euclidean` of two sparse matrices of SciPy; only the result is dense."""
    return np.sqrt(sparse_sqeuclidean(x_mat, y_mat))


def _pair(x_mat: Any, y_mat: Any) -> tuple[Matrix, Matrix]:
    x, y = (np.asarray(matrix) for matrix in (x_mat, y_mat))
    for matrix in (x, y):
        if matrix.dtype.kind not in 'fiub':
            raise InvalidArgument(f'expected a matrix of numbers, got one of {matrix.dtype}')
    _check_shapes(x.shape, y.shape)
    return x.astype(np.float64, copy=False), y.astype(np.float64, copy=False)


def _sparse_pair(x_mat: Any, y_mat: Any) -> tuple[Any, Any]:
    _check_shapes(x_mat.shape, y_mat.shape)
    return x_mat.tocsr().astype(np.float64), y_mat.tocsr().astype(np.float64)


def _check_shapes(x: tuple[int, ...], y: tuple[int, ...]) -> None:
    if len(x) != 2 or len(y) != 2:
        raise InvalidArgument(f'expected two matrices, a vector a row; got the shapes {x} and {y}')
    if x[1] != y[1]:
        raise DimensionMismatch(f'vectors of {x[1]} and of {y[1]} dimensions have no distance')


def _squares(matrix: Any) -> npt.NDArray[np.float64]:
    """The squared length of each row of a sparse matrix."""
    return np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float64).reshape(-1)
