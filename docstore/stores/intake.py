"""Vectors as users give them, made lines of a matrix of one type and length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..arrays import as_numpy, is_sparse
from ..errors import DimensionMismatch, InvalidDocument, InvalidVector

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Matrix = npt.NDArray[Any]

__all__ = ['intake']

_KEPT = frozenset(('float16', 'float32', 'float64', 'int8', 'uint8'))


def intake(
    values: Sequence[Any] | Matrix, ids: Sequence[str], dtype: str | None, dim: int | None
) -> Matrix:
    """One line a vector.

    Parameters
    ----------
    values : sequence of array-like, or ndarray
        One vector for each id.
    ids : sequence of str
        The documents, for messages.
    dtype : str, optional
        The type of the lines; None if the first vector decides.
    dim : int, optional
        Their length; None if the first vector decides.

    Raises
    ------
    DimensionMismatch
        If a vector has another length.
    InvalidVector
        If it holds NaN or infinity.
    InvalidDocument
        If it is not a row of numbers.
    """
    matrix = _as_matrix(values, ids, dtype, dim)
    if dim is not None and matrix.shape[1] != dim:
        raise _wrong_length(ids[0], matrix.shape[1], dim)
    if not matrix.shape[1]:
        raise InvalidDocument(f'document {ids[0]!r}: its embedding is empty')
    found = _cast(matrix, _wanted(matrix, dtype), ids)
    if found.dtype.kind == 'f' and not np.isfinite(found).all():
        raise _not_finite(int(np.argmin(np.isfinite(found).all(axis=1))), ids)
    return found


def _as_matrix(
    values: Sequence[Any] | Matrix, ids: Sequence[str], dtype: str | None, dim: int | None
) -> Matrix:
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind in 'biuf':
        return values
    first = values[0]
    if type(first) is np.ndarray and first.ndim == 1 and first.dtype.kind in 'biuf':
        stacked = _core.stack_rows(list(values))
        if stacked is not None and stacked[1] is None:
            matrix: Matrix = stacked[0]
            return matrix
    lines = [_line(value, name) for value, name in zip(values, ids, strict=True)]
    length = len(lines[0]) if dim is None else dim
    for line, name in zip(lines, ids, strict=True):
        if len(line) != length:
            raise _wrong_length(name, len(line), length)
    wanted = _wanted(lines[0], dtype)
    return np.concatenate(
        [_cast(line[None], wanted, [name]) for line, name in zip(lines, ids, strict=True)]
    )


def _wanted(first: Matrix, dtype: str | None) -> np.dtype[Any]:
    """The type of the column, which the first vector decides."""
    if dtype is not None:
        return np.dtype(dtype)
    if first.dtype.name in _KEPT:
        return first.dtype.newbyteorder('<')
    return np.dtype('<f8' if first.dtype.kind == 'f' else '<f4')


def _line(value: Any, name: str) -> Matrix:
    try:
        line = as_numpy(value)
        if is_sparse(value):
            line = line.reshape(-1)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidDocument(f'document {name!r}: its embedding is no array: {error}') from None
    if line.ndim != 1 or line.dtype.kind not in 'biuf':
        raise InvalidDocument(
            f'document {name!r}: an embedding must be a row of numbers, got '
            f'{type(value).__name__} of shape {line.shape} and type {line.dtype}'
        )
    # Python numbers have no precision of their own that would be lost.
    return line if hasattr(value, 'dtype') else line.astype(np.float32)


def _cast(matrix: Matrix, wanted: np.dtype[Any], ids: Sequence[str]) -> Matrix:
    if matrix.dtype == wanted:
        return matrix
    with np.errstate(all='ignore'):
        found = matrix.astype(wanted)
        if matrix.dtype.kind == 'f' and wanted.kind == 'f':
            # Rounding is meant; running out of range is not.
            bad = np.isfinite(matrix) & ~np.isfinite(found)
        else:
            bad = found.astype(np.float64) != matrix.astype(np.float64)
    if bad.any():
        line, place = np.argwhere(bad)[0].tolist()
        value = matrix[line, place]
        if matrix.dtype.kind == 'f' and not np.isfinite(value):
            raise _not_finite(line, ids)
        raise InvalidDocument(
            f'document {ids[line]!r}: the embedding column has type {wanted.name}, which cannot '
            f'hold {value}; convert the vectors before storing them'
        )
    return found


def _not_finite(line: int, ids: Sequence[str]) -> InvalidVector:
    return InvalidVector(
        f'document {ids[line]!r}: its embedding holds NaN or infinity', row=line, id=ids[line]
    )


def _wrong_length(name: str, got: int, wanted: int) -> DimensionMismatch:
    return DimensionMismatch(
        f'document {name!r}: its embedding has {got} dimensions, the others have {wanted}', id=name
    )
