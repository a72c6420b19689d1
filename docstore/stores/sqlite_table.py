"""One array in a database: its rows, read through SQL, and what is kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..errors import CorruptData, CorruptStore, DocumentGone
from .sqlite_errors import corrupt
from .sqlite_order import RowOrder
from .sqlite_rows import checked, unpack
from .sqlite_schema import PLAIN, State, Tables
from .sqlite_vectors import VectorTable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from .base import Record

    IntArray = npt.NDArray[np.int64]

__all__ = ['Table']

_CHUNK = 256  # values of an IN list: one text, so one prepared statement
_MARKS = ', '.join('?' * _CHUNK)


class Table:
    """The rows of one array. It belongs to one store, whose lock guards it."""

    def __init__(
        self, connection: sqlite3.Connection, tables: Tables, state: State, path: str
    ) -> None:
        self.connection = connection
        self.tables = tables
        self.state = state
        self.path = path
        self.vectors = VectorTable(connection, tables, path)
        self._order: RowOrder | None = None
        self._last_rank: int | None = None
        self._by_row = f'FROM {tables.documents} WHERE row = ?'

    # ------------------------------------------------------------------ in memory

    def drop_caches(self) -> None:
        """Forget everything that can be read again."""
        self._order = None
        self._last_rank = None
        self.vectors.drop_cache()

    @property
    def known_order(self) -> RowOrder | None:
        """The order, if it is in memory."""
        return self._order

    def order(self) -> RowOrder:
        """The order, read on first use."""
        if self._order is None:
            self._order = RowOrder(self._load_order())
        return self._order

    def set_order(self, order: RowOrder | None) -> None:
        """Replace the order in memory after all of it was written anew."""
        self._order = order
        self._last_rank = None

    def last_rank(self) -> int | None:
        """The rank of the last row; None if there are no rows."""
        if self._last_rank is None:
            sql = f'SELECT max(rank) FROM {self.tables.documents}'
            self._last_rank = self.connection.execute(sql).fetchone()[0]
        return self._last_rank

    def set_last_rank(self, rank: int | None) -> None:
        """The last row has changed; None if the rank of the new one is not at hand."""
        self._last_rank = rank

    def _load_order(self) -> IntArray:
        # One text for each column: several times as fast as an object for
        # each number. All three come from one pass, so they go together.
        sql = (
            'SELECT group_concat(rank), group_concat(row), group_concat(coalesce(line, -1)) '
            f'FROM (SELECT rank, row, line FROM {self.tables.documents} ORDER BY rank)'
        )
        texts = self.connection.execute(sql).fetchone()
        if texts[0] is None:
            found = np.empty((3, 0), dtype=np.int64)
        else:
            found = np.stack([np.fromstring(text, dtype=np.int64, sep=',') for text in texts])
        if found.shape[1] != self.state.rows:
            raise corrupt(
                self.path,
                f'{self.state.rows} rows were counted and {found.shape[1]} found',
                self.tables.name,
            )
        ranks = found[0]
        if len(ranks) > 1 and not (ranks[1:] > ranks[:-1]).all():
            found = found[:, np.argsort(ranks, kind='stable')]
        return found

    # ------------------------------------------------------------------ finding rows

    def ranks(self, rows: Sequence[int] | IntArray) -> list[int | None]:
        """The rank of each row; None for a row that is gone."""
        sql = f'SELECT rank {self._by_row}'
        execute = self.connection.execute
        found = [execute(sql, (int(row),)).fetchone() for row in rows]
        return [None if one is None else one[0] for one in found]

    def positions(self, rows: IntArray) -> IntArray:
        """The position of each row; -1 for a row that is gone."""
        order = self.order()
        if len(rows) > 16:
            return order.inverse(rows)
        at = [-1 if rank is None else order.position(rank) for rank in self.ranks(rows)]
        return np.array(at, dtype=np.int64)

    def lookup(self, ids: Sequence[str]) -> IntArray:
        """The row of each id; -1 where there is none."""
        documents = self.tables.documents
        if len(ids) <= 8:
            sql = f'SELECT row FROM {documents} WHERE id = ?'
            rows = [-1] * len(ids)
            for i, name in enumerate(ids):
                one = self.connection.execute(sql, (name,)).fetchone() if _bindable(name) else None
                rows[i] = -1 if one is None else one[0]
            return np.array(rows, dtype=np.int64)
        sql = f'SELECT id, row FROM {documents} WHERE id IN ({_MARKS})'
        known: dict[str, int] = {}
        for part in _parts([name for name in ids if _bindable(name)]):
            known.update(self.connection.execute(sql, part))
        return np.array([known.get(name, -1) for name in ids], dtype=np.int64)

    def fetch(self, columns: str, rows: Sequence[int] | IntArray) -> list[tuple[Any, ...]]:
        """Columns of the documents table for rows, each line led by its row.

        Raises
        ------
        DocumentGone
            If a row does not exist.
        """
        wanted = [int(row) for row in rows]
        if len(wanted) == 1:
            one = self.connection.execute(f'SELECT row, {columns} {self._by_row}', wanted)
            lines = one.fetchall()
            if not lines:
                raise self._gone(wanted[0])
            return lines
        sql = f'SELECT row, {columns} FROM {self.tables.documents}'
        found: dict[int, tuple[Any, ...]] = {}
        if 3 * len(wanted) > self.state.rows:
            found = {line[0]: line for line in self.connection.execute(sql)}
        else:
            for part in _parts(wanted):
                lines = self.connection.execute(f'{sql} WHERE row IN ({_MARKS})', part).fetchall()
                found.update((line[0], line) for line in lines)
        try:
            return [found[row] for row in wanted]
        except KeyError as error:
            raise self._gone(error.args[0]) from None

    def _gone(self, row: int) -> DocumentGone | CorruptStore:
        if int(self.order().inverse(np.asarray([row], dtype=np.int64))[0]) >= 0:
            return corrupt(self.path, 'a document of the order is missing', self.tables.name, row)
        return DocumentGone(f'row {row} of table {self.tables.name!r} was deleted')

    # ------------------------------------------------------------------ reading content

    def read(self, rows: Sequence[int] | IntArray, vectors: bool) -> list[Record]:
        """The records of rows."""
        path, name = self.path, self.tables.name
        lines = self.fetch('line, crc, payload', rows)
        records = [unpack(row, crc, payload, path, name) for row, _, crc, payload in lines]
        if vectors:
            for record, vector in zip(
                records, self._vectors_of([line[1] for line in lines]), strict=True
            ):
                if vector is not None:
                    record['embedding'] = vector
        return records

    def column(self, path: str, rows: IntArray) -> list[Any]:
        """The value at a path in each row."""
        name, *steps = path.split('__')
        if name == 'id' and not steps:
            return [line[1] for line in self.fetch('id', rows)]
        if name == 'embedding' and not steps:
            return self._vectors_of([line[1] for line in self.fetch('line', rows)])
        if name in PLAIN and not steps:
            bit = 1 << (PLAIN.index(name) + 1)
            lines = self.fetch(f'"{name}", lossy & {bit}', rows)
            if not any(line[2] for line in lines):
                return [line[1] for line in lines]
        return self._unpack_column([name, *steps], rows)

    def _unpack_column(self, steps: list[str], rows: IntArray) -> list[Any]:
        path, table = self.path, self.tables.name
        payloads = [
            checked(row, crc, payload, path, table)
            for row, crc, payload in self.fetch('crc, payload', rows)
        ]
        # A number may be a key or a place in a list: only the value can say.
        plain = next((i for i, s in enumerate(steps) if _is_number(s)), len(steps))
        try:
            values = _core.unpack_paths(payloads, steps[:plain])
        except CorruptData as error:
            raise corrupt(path, str(error), table) from error
        for step in steps[plain:]:
            values = [_step(value, step) for value in values]
        return values

    def _vectors_of(self, lines: list[int | None]) -> list[Any]:
        there = [line for line in lines if line is not None]
        if not there:
            return [None] * len(lines)
        if min(there) < 0 or max(there) >= self.state.next_line:
            raise corrupt(self.path, 'a vector line is out of range', self.tables.name)
        matrix = self.vectors.get(np.array(there, dtype=np.int64), self.state)
        matrix.flags.writeable = False
        vectors = iter(matrix)
        return [None if line is None else next(vectors) for line in lines]


def _bindable(name: object) -> bool:
    """Whether a value can be the id of a stored document."""
    if not isinstance(name, str):
        return False
    try:
        name.isascii() or name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parts(values: list[Any]) -> Iterator[list[Any]]:
    """Cuts of one length; the last is filled up with repetitions."""
    for start in range(0, len(values), _CHUNK):
        part = values[start : start + _CHUNK]
        yield part + part[:1] * (_CHUNK - len(part))


def _is_number(step: str) -> bool:
    return step.removeprefix('-').isdecimal()


def _step(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if not _is_number(step) or not hasattr(value, '__getitem__'):
        return None
    place = int(step)
    return value[place] if -len(value) <= place < len(value) else None
