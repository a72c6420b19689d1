"""Small array functions under their legacy names."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..distance import smallest
from ..errors import InvalidArgument, InvalidType

__all__ = ['EPSILON', 'minmax_normalize', 'top_k', 'update_rows_x_mat_best']

Matrix = npt.NDArray[Any]

#: Added where a sum could be zero.
EPSILON = 1e-9


def minmax_normalize(
    x: Any,
    t_range: tuple[float, float] = (0, 1),
    x_range: tuple[Any, Any] | None = None,
    eps: float = 1e-7,
) -> npt.NDArray[np.float64]:
    """Map the values of each row from their range to another one, clipped to it.

    Parameters
    ----------
    x : ndarray
        A row, or a matrix of them.
    t_range : pair of float
        Where the least and the greatest value go; ``(1, 0)`` turns round.
    x_range : pair of float, optional
        The range of the values, instead of the least and greatest of each row.
    eps : float
        Added to the width of the range, so that equal values are no error.

    Examples
    --------
    >>> minmax_normalize(np.array([1.0, 2.0, 3.0])).round(3)
    array([0. , 0.5, 1. ])
    """
    values = np.asarray(x, dtype=np.float64)
    start, end = (float(bound) for bound in t_range)
    if x_range is None:
        low, high = values.min(axis=-1, keepdims=True), values.max(axis=-1, keepdims=True)
    else:
        low, high = (np.asarray(bound, dtype=np.float64) for bound in x_range)
    mapped = (end - start) * (values - low) / (high - low + eps) + start
    clipped: npt.NDArray[np.float64] = np.clip(mapped, min(start, end), max(start, end))
    return clipped


def top_k(values: Matrix, k: int, descending: bool = False) -> tuple[Matrix, npt.NDArray[np.int64]]:
    """The k least (or greatest) values of each row, sorted, and where they were.

    Equal values come in the order of their columns. Where a row has fewer than
    ``k`` values, all are given.

    Returns
    -------
    values, indices : ndarray of shape (rows, min(k, columns))

    Raises
    ------
    InvalidType
        If ``values`` is no matrix.

    Examples
    --------
    >>> top_k(np.array([[3.0, 1.0, 2.0]]), 2)
    (array([[1., 2.]]), array([[1, 2]]))
    """
    if not isinstance(values, np.ndarray) or values.ndim != 2:
        shape = getattr(values, 'shape', type(values).__name__)
        raise InvalidType(f'top_k: expected a matrix, got {shape}')
    if k < 0:
        raise InvalidArgument(f'top_k: k must not be negative, got {k}')
    keys = _turned(values) if descending else values
    kept = min(k, values.shape[1])
    order = np.empty((len(values), kept), dtype=np.int64)
    for row, line in enumerate(keys if kept else ()):
        order[row] = smallest(line, kept)
    return np.take_along_axis(values, order, axis=1), order


def _turned(values: Matrix) -> Matrix:
    """Values whose order is the reverse of these."""
    # The bits of an int turned round: minus would overflow for the least one.
    turned: Matrix = ~values if values.dtype.kind in 'iub' else -values
    return turned


def update_rows_x_mat_best(
    x_mat_best: Matrix,
    x_inds_best: Matrix,
    x_mat: Matrix,
    x_inds: Matrix,
    k: int,
) -> tuple[Matrix, Matrix]:
    """Merge the best values so far of each row with those of a new batch.

    Parameters
    ----------
    x_mat_best, x_inds_best : ndarray of shape (rows, m)
        The least values so far, and what they belong to.
    x_mat, x_inds : ndarray of shape (rows, n)
        The new ones.
    k : int
        How many are kept a row.

    Returns
    -------
    values, indices : ndarray of shape (rows, min(k, m + n))
        Sorted; of equal values those so far come first.

    Examples
    --------
    >>> so_far = np.array([[1.0, 3.0]]), np.array([[0, 1]])
    >>> update_rows_x_mat_best(*so_far, np.array([[2.0, 4.0]]), np.array([[8, 9]]), 2)
    (array([[1., 2.]]), array([[0, 8]]))
    """
    values = np.concatenate((x_mat_best, x_mat), axis=1)
    indices = np.concatenate((x_inds_best, x_inds), axis=1)
    best, places = top_k(values, k)
    return best, np.take_along_axis(indices, places, axis=1)
