"""Rows that live in columns until somebody looks at them.

Bulk work (loading, ``DocumentArray.empty``, ``.embeddings = X``) fills
columns; a Document is made for a row when it is asked for, and is a view of
that row.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from .columns import MatrixColumn, PackedColumn
from .document import Document
from .paths import walk_all
from .records import Positions, SearchSet
from .schema import FIELD_BY_NAME, FIELD_NAMES
from .state import LiveState, adopt_value, clone, freeze_value, hydrate, plain_value

__all__ = ['Rows', 'Source', 'Table', 'TableRow', 'positions_of', 'range_of', 'subset_of']

Rows = range | npt.NDArray[np.int64]


class Source(Protocol):
    """Where rows live that no Document has been made for."""

    def document(self, row: int) -> Document:
        """The Document of a row; the same each time."""

    def detached(self, row: int, skip: tuple[str, ...]) -> dict[str, Any]:
        """A deep copy of the fields of a row."""

    def gather(self, path: str, rows: Rows) -> list[Any] | npt.NDArray[Any]:
        """The values of a field path in rows, None where unset."""

    def put(self, name: str, rows: Rows, values: Sequence[Any] | npt.NDArray[Any] | None) -> None:
        """Set a field of rows; None unsets it."""

    def search_set(self, name: str, rows: Rows) -> SearchSet | None:
        """The vectors of rows; None if they are not all kept in one matrix."""

    def kept(self, rows: Rows) -> Source:
        """A source of these rows as they are now, whatever is done to them later.

        Only the numbers in an array may still change.
        """


class RandomIds:
    """Ids as random as those of single Documents, made into str when read."""

    __slots__ = ('_bytes',)

    def __init__(self, count: int) -> None:
        self._bytes = os.urandom(16 * count)

    def __len__(self) -> int:
        return len(self._bytes) // 16

    def __getitem__(self, row: int) -> str:
        return self._bytes[16 * row : 16 * row + 16].hex()

    def tolist(self) -> list[str]:
        digits = self._bytes.hex()
        return [digits[at : at + 32] for at in range(0, len(digits), 32)]


Column: TypeAlias = list[Any] | MatrixColumn | PackedColumn | RandomIds


class TableRow(LiveState):
    """The fields of one row of a :class:`Table`."""

    __slots__ = ('_row', '_table')

    def __init__(self, table: Table, row: int) -> None:
        self._table = table
        self._row = row

    def get(self, name: str) -> Any:
        return self._table.value(self._row, name)

    def assign(self, changes: Mapping[str, Any]) -> None:
        for name, value in changes.items():
            if value is not None:
                value = adopt_value(name, value, self)
            self._table.set(self._row, name, value)

    def items(self) -> Iterator[tuple[str, Any]]:
        for name in self._table.names():
            value = self._table.value(self._row, name)
            if value is not None:
                yield name, value

    def container(self, name: str) -> Any:
        value = self._table.value(self._row, name)
        if value is None:
            value = hydrate(name, FIELD_BY_NAME[name].default(), self)
            self._table.set(self._row, name, value)
        return value


class Table:
    """A fixed number of rows, kept field by field.

    Parameters
    ----------
    count : int
        How many rows.
    columns : dict, optional
        Columns of ``count`` values by field name. Without ``id``, ids are
        random.

    Notes
    -----
    A column is never changed in place: what is set for single rows lies over
    it, so that an array that was given stays as its owner made it.
    """

    def __init__(self, count: int, columns: Mapping[str, Column] | None = None) -> None:
        self.count = count
        self._columns: dict[str, Column] = {**(columns or {})}
        if 'id' not in self._columns:
            self._columns['id'] = RandomIds(count)
        self._singles: dict[str, dict[int, Any]] = {}
        self._documents: dict[int, Document] = {}

    def names(self) -> Iterator[str]:
        """The fields that may be set in some row, in canonical order."""
        return (n for n in FIELD_NAMES if n in self._columns or n in self._singles)

    def columns(self) -> dict[str, Any]:
        """All fields of all rows as plain columns."""
        return {name: self._export(name) for name in self.names()}

    def _export(self, name: str) -> Any:
        column = self._columns.get(name)
        if not self._singles.get(name) and isinstance(column, (MatrixColumn, PackedColumn)):
            return column
        values = self._plain(name, range(self.count))
        if FIELD_BY_NAME[name].kind in {'documents', 'scores'}:
            return [None if value is None else plain_value(name, value) for value in values]
        return values

    def document(self, row: int) -> Document:
        doc = self._documents.get(row)
        if doc is None:
            doc = self._documents.setdefault(row, Document._wrap(TableRow(self, row)))
        return doc

    def detached(self, row: int, skip: tuple[str, ...]) -> dict[str, Any]:
        return clone(TableRow(self, row), skip=skip)

    def value(self, row: int, name: str) -> Any:
        """One field of one row; None when unset."""
        singles = self._singles.get(name)
        if singles is not None and row in singles:
            return singles[row]
        column = self._columns.get(name)
        if column is None:
            return None
        value = column[row]
        if value is not None and FIELD_BY_NAME[name].container:
            value = hydrate(name, value, TableRow(self, row))
            return self._singles.setdefault(name, {}).setdefault(row, value)
        return value

    def set(self, row: int, name: str, value: Any) -> None:
        """Set one field of one row; None unsets it."""
        self._singles.setdefault(name, {})[row] = value

    def kept(self, rows: Rows) -> Source:
        # Columns never change in place, so that sharing them is keeping them.
        kept = Table(self.count, self._columns)
        for name, singles in list(self._singles.items()):
            kept._singles[name] = {
                row: freeze_value(name, singles[row]) for row in _in(rows, singles)
            }
        for name, column in kept._columns.items():
            # Except for the dicts and lists in them that Documents hand out.
            if isinstance(column, list) and FIELD_BY_NAME[name].container:
                own = kept._singles.setdefault(name, {})
                for row in np.asarray(rows).tolist():
                    if row not in own:
                        own[row] = freeze_value(name, column[row])
        return kept

    def search_set(self, name: str, rows: Rows) -> SearchSet | None:
        matrix = self._matrix(name)
        if matrix is None or matrix.ndim != 2:
            return None
        if isinstance(rows, range) and rows.step == 1:
            return SearchSet(matrix[rows.start : rows.stop])
        return SearchSet(matrix, np.asarray(rows, dtype=np.int64))

    def _matrix(self, name: str) -> npt.NDArray[Any] | None:
        column = self._columns.get(name)
        if isinstance(column, MatrixColumn) and column.present is None:
            return None if self._singles.get(name) else column.array
        return None

    def gather(self, path: str, rows: Rows) -> list[Any] | npt.NDArray[Any]:
        name, *keys = path.split('__')
        if keys:
            return self._gather_path(name, tuple(keys), rows)
        matrix = self._matrix(name)
        if matrix is not None:
            if isinstance(rows, range) and rows.step == 1:
                return matrix[rows.start : rows.stop]
            return cast('npt.NDArray[Any]', matrix[np.asarray(rows)])
        if FIELD_BY_NAME[name].container:
            return [self.value(row, name) for row in rows]
        return self._plain(name, rows)

    def _plain(self, name: str, rows: Rows) -> list[Any]:
        column = self._columns.get(name)
        if column is None:
            values: list[Any] = [None] * len(rows)
        elif len(rows) == self.count and _is_run(rows):
            values = list(column) if isinstance(column, list) else column.tolist()
        else:
            values = [column[row] for row in rows]
        return self._patch(name, rows, values, ())

    def _gather_path(self, name: str, keys: tuple[str, ...], rows: Rows) -> list[Any]:
        column = self._columns.get(name)
        if not isinstance(column, PackedColumn):
            return walk_all(self._plain(name, rows), keys)
        values = column.path(keys)
        if len(rows) != self.count or not _is_run(rows):
            values = [values[row] for row in rows]
        return self._patch(name, rows, values, keys)

    def _patch(self, name: str, rows: Rows, values: list[Any], keys: tuple[str, ...]) -> list[Any]:
        """Put what was set for single rows over the values of the column."""
        singles = self._singles.get(name)
        if not singles:
            return values
        if isinstance(rows, range) and rows.step == 1:
            places = [(row, row - rows.start) for row in singles if row in rows]
        else:
            places = positions_of(rows, list(singles))
        for row, at in places:
            values[at] = walk_all([singles[row]], keys)[0] if keys else singles[row]
        return values

    def put(self, name: str, rows: Rows, values: Sequence[Any] | npt.NDArray[Any] | None) -> None:
        if len(rows) == self.count and _is_run(rows):
            self._singles.pop(name, None)
            self._columns.pop(name, None)
            if isinstance(values, np.ndarray) and values.ndim > 1:
                self._columns[name] = MatrixColumn(values)
            elif values is not None:
                self._columns[name] = list(values)
            return
        singles = self._singles.setdefault(name, {})
        if values is None:
            singles.update((int(row), None) for row in rows)
        else:
            singles.update((int(row), value) for row, value in zip(rows, values, strict=False))


def _in(rows: Rows, singles: Mapping[int, Any]) -> list[int]:
    """Those of ``rows`` for which something was set."""
    if len(singles) < len(rows):
        wanted = rows if isinstance(rows, range) else set(rows.tolist())
        return [row for row in list(singles) if row in wanted]
    return [row for row in np.asarray(rows).tolist() if row in singles]


def _is_run(rows: Rows) -> bool:
    return isinstance(rows, range) and rows.step == 1


def range_of(rows: Rows, position: int) -> Rows:
    """The one row at ``position``, as rows."""
    row = int(rows[position])
    return range(row, row + 1)


def subset_of(rows: Rows, positions: Positions) -> Rows:
    """The rows at some positions."""
    if isinstance(positions, range):
        step = positions.step
        if not len(positions):
            return range(0)
        stop = positions.stop if positions.stop >= 0 else None
        return rows[positions.start : stop : step]
    if isinstance(rows, range):
        return rows.start + rows.step * np.asarray(positions, dtype=np.int64)
    return rows[positions]


def positions_of(rows: Rows, wanted: list[int]) -> list[tuple[int, int]]:
    """``(row, position)`` for each place in ``rows`` that holds a wanted row."""
    array = np.asarray(rows, dtype=np.int64)
    hits = np.flatnonzero(np.isin(array, np.asarray(wanted, dtype=np.int64)))
    return list(zip(array[hits].tolist(), hits.tolist(), strict=False))
