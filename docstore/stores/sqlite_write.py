"""The operations of a write, on one array of a database."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import (
    DuplicateId,
    InvalidArgument,
    InvalidIndex,
    LengthMismatch,
    UnknownField,
    did_you_mean,
)
from ..schema import FIELD_BY_NAME, FIELD_NAMES
from .base import Clear, Delete, Insert, Operation, Record, Reorder, SetColumn, Update
from .intake import intake
from .sqlite_order import RANK_GAP, RowOrder, even_ranks
from .sqlite_rows import CONTENT, SHOWN, check_id, encode, insert_rows, or_null, unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from .sqlite_table import Table

    IntArray = npt.NDArray[np.int64]

__all__ = ['Writer']

_HIGHEST = 1 << 62  # ranks stay within it on either side
_ROOM = 1 << 16  # least distance of ranks after neighbours were spread anew


class Writer:
    """Does operations inside a transaction of the store that owns it.

    Everything in memory is changed after SQLite has taken the rows; ``touched``
    says whether anything was, so that a failure must forget it.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.fixed_dim: int | None = None
        self.touched = False
        documents = table.tables.documents
        setters = ', '.join(f'{name} = ?' for name in (*SHOWN, *CONTENT))
        self._update_sql = f'UPDATE {documents} SET {setters} WHERE row = ?'
        self._line_sql = f'UPDATE {documents} SET line = ? WHERE row = ?'
        self._rank_sql = f'UPDATE {documents} SET rank = ? WHERE row = ?'
        self._id_sql = f'UPDATE {documents} SET id = ? WHERE row = ?'
        self._delete_sql = f'DELETE FROM {documents} WHERE row = ?'

    def apply(self, operation: Operation) -> IntArray | None:
        """Do one operation; returns the rows of an insertion."""
        if isinstance(operation, Insert):
            return self._insert(operation)
        if isinstance(operation, Update):
            self._update(operation)
        elif isinstance(operation, SetColumn):
            self._set_column(operation)
        elif isinstance(operation, Delete):
            self._delete(operation.rows)
        elif isinstance(operation, Reorder):
            self._reorder(operation.rows)
        elif isinstance(operation, Clear):
            self._clear()
        else:
            raise InvalidArgument(f'{type(operation).__name__} is no operation of a store')
        return None

    def repack(self) -> None:
        """Write only the vectors that are in use, in the order of the rows."""
        order, state = self.table.order(), self.table.state
        ranks, rows, lines = order.entries()
        there = lines >= 0
        self.touched = True
        self.table.vectors.repack(lines[there], state)
        self._set_lines(rows[there], ranks[there], np.arange(int(there.sum()), dtype=np.int64))

    def wasteful(self) -> bool:
        """Whether most vector lines on disk are dead."""
        state = self.table.state
        return state.next_line > 2 * state.vectors + 4096

    # ------------------------------------------------------------------ insert

    def _insert(self, op: Insert) -> IntArray:
        table, state = self.table, self.table.state
        count = len(op.records)
        if not 0 <= op.position <= state.rows:
            raise InvalidIndex(f'no position {op.position} in a store of {state.rows} rows')
        rows = np.arange(state.next_row, state.next_row + count, dtype=np.int64)
        if not count:
            return rows
        ids = [check_id(record) for record in op.records]
        lines, matrix = self._new_vectors(op, ids)
        ranks = self._ranks(op.position, count)
        entries = np.array([ranks, rows, lines])
        try:
            insert_rows(table.connection, table.tables.documents, entries, ids, op.records)
        except sqlite3.IntegrityError:
            raise self._duplicate(ids, set(rows.tolist())) from None
        self.touched = True
        if matrix is not None:
            self._append_vectors(matrix)
        at_end = op.position == state.rows
        state.rows += count
        state.next_row += count
        if table.known_order is not None:
            table.known_order.insert(op.position, entries)
        if at_end:
            table.set_last_rank(int(ranks[-1]))
        return rows

    def _new_vectors(self, op: Insert, ids: list[str]) -> tuple[IntArray, Any]:
        """The line of each record (-1: none), and the matrix that is to be appended."""
        lines = np.full(len(ids), -1, dtype=np.int64)
        for name, given in op.vectors.items():
            if name != 'embedding':
                raise UnknownField(f'{name!r} is not a vector field{did_you_mean(name, _VECTORS)}')
            if len(given) != len(ids):
                raise LengthMismatch(f'{len(given)} vectors came for {len(ids)} documents')
        values: Any = op.vectors.get('embedding')
        if values is None:
            found = [record.get('embedding') for record in op.records]
            there = [i for i, value in enumerate(found) if value is not None]
            if not there:
                return lines, None
            values = [found[i] for i in there]
            names = [ids[i] for i in there]
        else:
            there, names = list(range(len(ids))), ids
        matrix = self._intake(values, names, self.table.state.vectors > 0)
        first = self.table.state.next_line
        lines[there] = np.arange(first, first + len(matrix))
        return lines, matrix

    def _intake(self, values: Any, ids: Sequence[str], bound: bool) -> Any:
        """Vectors as a matrix; ``bound`` when other vectors have set type and length."""
        state = self.table.state
        dim = state.dim if bound else self.fixed_dim
        return intake(values, ids, state.dtype if bound else None, dim)

    def _append_vectors(self, matrix: Any) -> int:
        state = self.table.state
        if not state.vectors and state.next_line:
            self.table.vectors.clear(state)
        if not state.vectors:
            state.dtype, state.dim = matrix.dtype.str, matrix.shape[1]
        state.vectors += len(matrix)
        return self.table.vectors.append(matrix, state)

    def _duplicate(self, ids: Sequence[str], own: set[int]) -> DuplicateId:
        """Which of the ids is there twice."""
        seen: set[str] = set()
        for name, row in zip(ids, self.table.lookup(ids).tolist(), strict=True):
            if name in seen or (row >= 0 and row not in own):
                return DuplicateId(f'the store already has a document with id {name!r}', id=name)
            seen.add(name)
        return DuplicateId('the store already has a document with one of these ids', id='')

    # ------------------------------------------------------------------ order

    def _ranks(self, position: int, count: int) -> IntArray:
        """Ranks for new rows before a position."""
        table = self.table
        steps = RANK_GAP * np.arange(1, count + 1, dtype=np.int64)
        if position == table.state.rows:
            last = table.last_rank()
            if last is None:
                return steps
            if last < _HIGHEST - RANK_GAP * (count + 1):
                return last + steps
            return self._spread(position, count)
        order = table.order()
        high = order.at(position)[0]
        if position == 0:
            if high > RANK_GAP * (count + 1) - _HIGHEST:
                return high - steps[::-1]
            return self._spread(position, count)
        ranks = even_ranks(order.at(position - 1)[0], high, count)
        return self._spread(position, count) if ranks is None else ranks

    def _spread(self, position: int, count: int) -> IntArray:
        """Make room by giving neighbours new ranks: the fewest that free enough."""
        order = self.table.order()
        size, reach = len(order), max(32, count)
        while True:
            start, stop = max(0, position - reach), min(size, position + reach)
            total = stop - start + count
            low = order.at(start - 1)[0] if start else None
            high = order.at(stop)[0] if stop < size else None
            ranks = _window(low, high, total)
            if ranks is not None:
                break
            reach *= 2
        before = position - start
        kept = np.concatenate([ranks[:before], ranks[before + count :]])
        rows = order.rows(start, stop)
        self.table.connection.executemany(
            self._rank_sql, zip(kept.tolist(), rows.tolist(), strict=True)
        )
        self.touched = True
        order.set_ranks(start, kept)
        self.table.set_last_rank(None)
        return ranks[before : before + count]

    def _reorder(self, rows: IntArray) -> None:
        ranks, known, lines = self.table.order().entries()
        rows = np.asarray(rows, dtype=np.int64)
        at = self.table.order().inverse(rows)
        if len(rows) != len(known) or not np.array_equal(np.sort(at), np.arange(len(known))):
            raise InvalidArgument('a new order must name each row of the store once')
        moved = at != np.arange(len(rows))
        values = zip(ranks[moved].tolist(), rows[moved].tolist(), strict=True)
        self.table.connection.executemany(self._rank_sql, values)
        self.touched = True
        self.table.set_order(RowOrder(np.stack([ranks, rows, lines[at]])))

    # ------------------------------------------------------------------ delete

    def _delete(self, rows: Sequence[int]) -> None:
        table, state = self.table, self.table.state
        wanted = list(dict.fromkeys(int(row) for row in rows))
        if not wanted:
            return
        found = table.fetch('rank, line', wanted)
        if len(found) == state.rows:
            self._clear()
            return
        table.connection.executemany(self._delete_sql, [(row,) for row in wanted])
        self.touched = True
        state.rows -= len(found)
        state.vectors -= sum(line is not None for _, _, line in found)
        if table.known_order is not None:
            table.known_order.remove(np.array([rank for _, rank, _ in found], dtype=np.int64))
        table.set_last_rank(None)
        if not state.vectors and state.next_line:
            table.vectors.clear(state)

    def _clear(self) -> None:
        table = self.table
        table.connection.execute(f'DELETE FROM {table.tables.documents}')
        self.touched = True
        table.vectors.clear(table.state)
        table.state.rows = 0
        table.drop_caches()

    # ------------------------------------------------------------------ update

    def _update(self, op: Update) -> None:
        rows = [int(row) for row in op.rows]
        if len(op.records) != len(rows):
            raise LengthMismatch(f'{len(op.records)} records came for {len(rows)} rows')
        if len(set(rows)) < len(rows):
            # A row that is named twice gets the changes one after the other.
            for row, record in zip(rows, op.records, strict=True):
                self._update(Update([row], [record], op.replace))
            return
        if not rows:
            return
        merged, ids = self._merge(rows, op.records, op.replace)
        columns = encode(np.fromiter(merged, dtype=np.int64), list(merged.values()), SHOWN)
        self.table.connection.executemany(self._update_sql, zip(*columns, merged, strict=True))
        self._change_ids(
            {row: check_id(merged[row]) for row in merged}, dict(zip(rows, ids, strict=True))
        )
        given = {
            row: record.get('embedding')
            for row, record in zip(rows, op.records, strict=True)
            if op.replace or 'embedding' in record
        }
        names = [merged[row]['id'] if row in merged else ids[i] for i, row in enumerate(rows)]
        self._put_vectors(list(given), list(given.values()), dict(zip(rows, names, strict=True)))

    def _merge(
        self, rows: list[int], records: Sequence[Record], replace: bool
    ) -> tuple[dict[int, Record], list[str]]:
        """The new content of the rows whose payload changes, and the ids all had."""
        table = self.table
        lines = table.fetch('id' if replace else 'id, crc, payload', rows)
        merged: dict[int, Record] = {}
        for record, line in zip(records, lines, strict=True):
            if not replace and record.keys() <= _VECTORS:
                continue
            changed = (
                {} if replace else unpack(line[0], line[2], line[3], table.path, table.tables.name)
            )
            for name, value in record.items():
                if value is None:
                    changed.pop(name, None)
                elif name not in _VECTORS:
                    changed[name] = value
            check_id(changed)
            merged[line[0]] = changed
        return merged, [line[1] for line in lines]

    def _change_ids(self, wanted: dict[int, str], old: dict[int, str]) -> None:
        changes = {row: name for row, name in wanted.items() if old[row] != name}
        if not changes:
            return
        run = self.table.connection.executemany
        if len(changes) > 1:
            # Ids may change places; names that nobody has stand in meanwhile.
            run(self._id_sql, [(f'\0changing\0{row}', row) for row in changes])
        try:
            run(self._id_sql, [(name, row) for row, name in changes.items()])
        except sqlite3.IntegrityError:
            raise self._duplicate(list(changes.values()), set(changes)) from None

    def _set_column(self, op: SetColumn) -> None:
        if op.name not in FIELD_BY_NAME:
            raise UnknownField(f'no field {op.name!r}{did_you_mean(op.name, FIELD_NAMES)}')
        rows = np.asarray(op.rows, dtype=np.int64).tolist()
        values = [None] * len(rows) if op.values is None else op.values
        if len(values) != len(rows):
            raise LengthMismatch(f'{len(values)} values came for {len(rows)} rows')
        if op.name not in _VECTORS:
            self._update(Update(rows, [{op.name: value} for value in values]))
            return
        if len(set(rows)) < len(rows):
            last = dict(zip(rows, values, strict=True))
            rows, values = list(last), list(last.values())
        ids = dict(self.table.fetch('id', rows)) if rows else {}
        self._put_vectors(rows, values, ids)

    def _put_vectors(self, rows: list[int], values: Any, ids: dict[int, str]) -> None:
        """Give rows new vectors; None takes the vector away."""
        if not rows:
            return
        state = self.table.state
        found = self.table.fetch('rank, line', rows)
        ranks = np.array([rank for _, rank, _ in found], dtype=np.int64)
        bound = state.vectors - sum(line is not None for _, _, line in found)
        there = np.array([value is not None for value in values], dtype=np.bool_)
        lines = np.full(len(rows), -1, dtype=np.int64)
        matrix = None
        if there.any():
            if not there.all():
                values = [value for value in values if value is not None]
            names = [ids[row] for row, here in zip(rows, there, strict=True) if here]
            matrix = self._intake(values, names, bound > 0)
        elif bound == state.vectors:
            return  # nothing there to take away
        self.touched = True
        state.vectors = bound
        if not bound and state.next_line:
            self.table.vectors.clear(state)
        if matrix is not None:
            first = self._append_vectors(matrix)
            lines[there] = np.arange(first, first + len(matrix))
        self._set_lines(np.array(rows, dtype=np.int64), ranks, lines)

    def _set_lines(self, rows: IntArray, ranks: IntArray, lines: IntArray) -> None:
        values = zip(or_null(lines), rows.tolist(), strict=True)
        self.table.connection.executemany(self._line_sql, values)
        if self.table.known_order is not None:
            self.table.known_order.set_lines(ranks, lines)


_VECTORS = frozenset({'embedding'})


def _window(low: int | None, high: int | None, count: int) -> IntArray | None:
    """``count`` ranks between two neighbours, None for no neighbour; None if too tight."""
    steps = RANK_GAP * np.arange(1, count + 1, dtype=np.int64)
    if low is None and high is None:
        return steps - RANK_GAP * (count // 2)
    if low is None and high is not None:
        return high - steps[::-1] if high > RANK_GAP * (count + 1) - _HIGHEST else None
    if high is None and low is not None:
        return low + steps if low < _HIGHEST - RANK_GAP * (count + 1) else None
    assert low is not None
    assert high is not None
    return even_ranks(low, high, count) if (high - low) // (count + 1) >= _ROOM else None
