"""One field of many rows, in the forms in which formats and tables hand it on.

A column goes out as a list of values (None where the field is not set), as an
ndarray with one line a row, or as one of the classes below. It comes in the
same forms, mostly as a :class:`MatrixColumn` or a :class:`PackedColumn`, which
make a Python object of a value only when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union, overload

import numpy as np

from . import _core
from .errors import InvalidArgument, InvalidIndex, LengthMismatch

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Mask = npt.NDArray[np.bool_]
    Offsets = npt.NDArray[np.uint64]

__all__ = ['Column', 'ColumnBlock', 'ListColumn', 'MatrixColumn', 'PackedColumn']

#: A column of plain Python values, None where the field is not set.
ListColumn = list


class PackedColumn:
    """Values that lie packed in one blob, decoded one by one on demand.

    Every call decodes anew: two calls give equal objects, not the same one.
    Arrays inside are read-only views of the blob. Never changes, so that any
    thread may read it.

    Parameters
    ----------
    blob : bytes-like
        The packed values (:func:`docstore._core.pack_many`), one after the
        other.
    offsets : ndarray of uint64
        Where each value starts, and where the last one ends: one more than
        there are rows. A row whose value takes no bytes is not set.

    Examples
    --------
    >>> column = PackedColumn.of(['a', None, {'x': 1}])
    >>> len(column), column[2], column[1:].tolist()
    (3, {'x': 1}, [None, {'x': 1}])
    >>> column.path(('x',))
    [None, None, 1]
    """

    __slots__ = ('blob', 'offsets')

    def __init__(self, blob: Any, offsets: Offsets) -> None:
        if offsets.ndim != 1 or not len(offsets):
            raise InvalidArgument('offsets: expected one dimension and at least one number')
        self.blob = blob
        self.offsets = offsets

    @classmethod
    def of(cls, values: Sequence[Any]) -> PackedColumn:
        """Pack values, None standing for a row where the field is not set.

        Raises
        ------
        EncodeError
            If a value cannot be stored; the message names the place in it.
        """
        return cls(*_core.pack_many(values))

    @classmethod
    def concat(cls, columns: Sequence[PackedColumn]) -> PackedColumn:
        """One column of the rows of many, in their order."""
        if len(columns) == 1:
            return columns[0]
        parts, ends, size = [], [np.zeros(1, np.uint64)], 0
        for column in columns:
            first, last = int(column.offsets[0]), int(column.offsets[-1])
            parts.append(memoryview(column.blob)[first:last])
            # Modulo 2**64 the sum is right whichever of the two is larger.
            ends.append(column.offsets[1:] + np.uint64((size - first) % 2**64))
            size += last - first
        return cls(b''.join(parts), np.concatenate(ends))

    @property
    def present(self) -> Mask:
        """Which rows are set, without decoding them."""
        return self.offsets[1:] > self.offsets[:-1]

    @property
    def nbytes(self) -> int:
        """Bytes that the values and their offsets take."""
        return int(self.offsets[-1] - self.offsets[0]) + self.offsets.nbytes

    def tolist(self, rows: npt.NDArray[np.int64] | None = None) -> list[Any]:
        """The values of all rows, or of some."""
        if rows is not None:
            rows = np.ascontiguousarray(rows, np.int64)
        return _core.unpack_many(self.blob, self.offsets, rows)

    def path(self, path: Sequence[str | int]) -> list[Any]:
        """What a path such as ``('a', 'b')`` leads to in each value, else None."""
        return _core.unpack_column(self.blob, self.offsets, path)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, row: int) -> Any: ...

    @overload
    def __getitem__(self, row: slice) -> PackedColumn: ...

    def __getitem__(self, row: int | slice) -> Any:
        if isinstance(row, slice):
            start, stop, step = row.indices(len(self))
            if step != 1:
                raise InvalidIndex('a packed column is cut in steps of 1 only')
            return PackedColumn(self.blob, self.offsets[start : max(start, stop) + 1])
        return _core.unpack_at(self.blob, self.offsets, row)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        return f'<PackedColumn of {len(self)} rows, {self.nbytes} bytes>'


@dataclass(slots=True, eq=False)
class MatrixColumn:
    """An array field of many rows as one matrix.

    Parameters
    ----------
    array : ndarray of shape (rows, ...)
        Lines of rows that are not set have unspecified content.
    present : ndarray of bool, optional
        Which rows are set; by default all.

    Examples
    --------
    >>> column = MatrixColumn(np.eye(2), np.array([True, False]))
    >>> column[0], column[1]
    (array([1., 0.]), None)
    """

    array: Array
    present: Mask | None = None

    def __post_init__(self) -> None:
        if not self.array.ndim:
            raise InvalidArgument('a matrix column needs at least one dimension')
        if self.present is not None and len(self.present) != len(self.array):
            raise LengthMismatch(
                f'expected {len(self.array)} marks of presence, got {len(self.present)}'
            )

    @property
    def nbytes(self) -> int:
        """Bytes that the matrix takes."""
        return self.array.nbytes

    def tolist(self) -> list[Any]:
        """One array a row, None where the field is not set."""
        if self.array.ndim == 1:
            return [self[row] for row in range(len(self))]
        if self.present is None:
            return list(self.array)
        return [
            line if there else None for line, there in zip(self.array, self.present, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, row: int) -> Any:
        there = self.present is None or self.present[row]
        # With the dots a line of no dimensions is an array still, not a scalar.
        return self.array[row, ...] if there else None


#: What writers take and readers give.
Column = Union[PackedColumn, MatrixColumn, 'npt.NDArray[Any]', 'list[Any]']


@dataclass(slots=True, eq=False)
class ColumnBlock:
    """Some consecutive rows of an array, by column.

    Attributes
    ----------
    count : int
        How many rows.
    columns : dict of str to PackedColumn, MatrixColumn or list
        By field name; fields that no row has are not there. Readers of foreign
        tables give lists of values where they have them.
    """

    count: int
    columns: dict[str, PackedColumn | MatrixColumn | list[Any]]
