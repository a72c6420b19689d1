"""Vectors in a database: blobs of many lines, and a tail of single ones.

A vector gets the next *line* and never changes; the document says which line
is its own, so a line that no document points to is dead. Lines from
``first_tail`` on lie one by one in the tail table, until enough of them can be
packed into a block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .sqlite_errors import corrupt

if TYPE_CHECKING:
    import sqlite3

    import numpy.typing as npt

    from .sqlite_schema import State, Tables

    Matrix = npt.NDArray[Any]
    IntArray = npt.NDArray[np.int64]

__all__ = ['VectorTable']

# Larger ones would be allocated page by page each time one is read.
_BLOCK_BYTES = 1 << 16
_BLOCKS_KEPT = 4


class VectorTable:
    """The vectors of one array, on disk and, after the first search, in memory.

    It belongs to one store, whose lock guards it. Matrices that it hands out
    never change: new lines are written behind them, or into a larger copy.
    """

    def __init__(self, connection: sqlite3.Connection, tables: Tables, path: str) -> None:
        self._connection = connection
        self._tables = tables
        self._path = path
        self.drop_cache()

    def drop_cache(self) -> None:
        """Forget what was read; arrays handed out stay as they are."""
        self._buffer: Matrix | None = None
        self._size = 0
        self._blocks: dict[int, Matrix] = {}

    # ------------------------------------------------------------------ reading

    def matrix(self, state: State) -> Matrix:
        """All lines, read-only."""
        if self._buffer is None:
            self._buffer = self._load(state)
            self._size = state.next_line
            self._blocks = {}
        found = self._buffer[: self._size]
        found.flags.writeable = False
        return found

    def get(self, lines: IntArray, state: State) -> Matrix:
        """A copy of some lines."""
        if self._buffer is None and 4 * len(lines) > state.next_line > _block_lines(state):
            self.matrix(state)
        if self._buffer is not None:
            taken: Matrix = self._buffer[lines]
            return taken
        found = np.empty((len(lines), state.dim or 0), dtype=state.dtype)
        for i, line in enumerate(lines.tolist()):
            found[i] = self._line(line, state)
        return found

    def _line(self, line: int, state: State) -> Matrix:
        if line >= state.first_tail:
            sql = f'SELECT crc, data FROM {self._tables.tail} WHERE line = ?'
            found = self._connection.execute(sql, (line,)).fetchone()
            if found is None:
                raise corrupt(self._path, f'vector line {line} is missing', self._tables.name)
            crc, data = found
            vector: Matrix = self._decode(line, 1, crc, data, state)[0]
            return vector
        for first, block in self._blocks.items():
            if first <= line < first + len(block):
                kept: Matrix = block[line - first]
                return kept
        sql = (
            f'SELECT first, count, crc, data FROM {self._tables.blocks} '
            'WHERE first <= ? ORDER BY first DESC LIMIT 1'
        )
        found = self._connection.execute(sql, (line,)).fetchone()
        if found is None or line >= found[0] + found[1]:
            raise corrupt(self._path, f'vector line {line} is missing', self._tables.name)
        first, count, crc, data = found
        block = self._decode(first, count, crc, data, state)
        if len(self._blocks) >= _BLOCKS_KEPT:
            del self._blocks[next(iter(self._blocks))]
        self._blocks[first] = block
        wanted: Matrix = block[line - first]
        return wanted

    def _load(self, state: State) -> Matrix:
        matrix = np.empty((max(state.next_line, 1), state.dim or 0), dtype=state.dtype)
        tables, at = self._tables, 0
        for sql in (
            f'SELECT first, count, crc, data FROM {tables.blocks} ORDER BY first',
            f'SELECT line, 1, crc, data FROM {tables.tail} ORDER BY line',
        ):
            for first, count, crc, data in self._connection.execute(sql):
                if first != at or at + count > state.next_line:
                    break
                matrix[at : at + count] = self._decode(first, count, crc, data, state)
                at += count
        if at != state.next_line:
            raise corrupt(self._path, f'vector line {at} is missing', tables.name)
        return matrix

    def _decode(self, first: int, count: int, crc: int, data: bytes, state: State) -> Matrix:
        size = count * (state.dim or 0) * np.dtype(state.dtype).itemsize
        if not isinstance(data, bytes) or len(data) != size or _checksum(data, first) != crc:
            raise corrupt(
                self._path, f'vector lines {first} to {first + count - 1}', self._tables.name
            )
        return np.frombuffer(data, dtype=state.dtype).reshape(count, -1)

    # ------------------------------------------------------------------ writing

    def append(self, matrix: Matrix, state: State) -> int:
        """Add lines; returns the first. ``state`` is brought up to date."""
        first, count = state.next_line, len(matrix)
        if self._buffer is not None:
            self._extend(matrix)
        in_tail, size = first - state.first_tail, _block_lines(state)
        if count < size // 4 and in_tail + count < size:
            self._put_tail(matrix, first)
        else:
            if in_tail:
                tail = [self._line(i, state) for i in range(state.first_tail, first)]
                matrix = np.concatenate([np.array(tail, dtype=matrix.dtype), matrix])
                self._connection.execute(f'DELETE FROM {self._tables.tail}')
            state.first_tail = self._put_blocks(matrix, state.first_tail, size)
        state.next_line = first + count
        return first

    def clear(self, state: State) -> None:
        """Remove all lines; the next vector may have any length."""
        self._connection.execute(f'DELETE FROM {self._tables.blocks}')
        self._connection.execute(f'DELETE FROM {self._tables.tail}')
        state.next_line = state.first_tail = state.vectors = 0
        state.dtype = None
        self.drop_cache()

    def repack(self, lines: IntArray, state: State) -> None:
        """Keep only these lines, which become 0, 1, 2, ..."""
        kept = self.matrix(state)[lines]
        vectors, dtype = state.vectors, state.dtype
        self.clear(state)
        state.vectors, state.dtype = vectors, dtype
        if len(kept):
            self.append(kept, state)

    def _put_tail(self, matrix: Matrix, first: int) -> None:
        lines = []
        for i, line in enumerate(matrix, first):
            data = line.tobytes()
            lines.append((i, _checksum(data, i), data))
        self._connection.executemany(f'INSERT INTO {self._tables.tail} VALUES (?, ?, ?)', lines)

    def _put_blocks(self, matrix: Matrix, first: int, size: int) -> int:
        """Write whole blocks, and a short one or a tail; returns the first line of the tail."""
        matrix = np.ascontiguousarray(matrix)
        rest = len(matrix) % size
        packed = len(matrix) - (rest if rest < size // 4 else 0)
        sql = f'INSERT INTO {self._tables.blocks} VALUES (?, ?, ?, ?)'

        def block(at: int) -> tuple[Any, ...]:
            part = matrix[at : min(at + size, packed)]
            data = part.reshape(-1).view(np.uint8).data
            return first + at, len(part), _checksum(data, first + at), data

        self._connection.executemany(sql, map(block, range(0, packed, size)))
        if packed < len(matrix):
            self._put_tail(matrix[packed:], first + packed)
        return first + packed

    def _extend(self, matrix: Matrix) -> None:
        """Bring the lines in memory up to date, in place or in a larger copy."""
        buffer, size = self._buffer, self._size
        assert buffer is not None
        if size + len(matrix) > len(buffer):
            grown = np.empty((2 * (size + len(matrix)), buffer.shape[1]), dtype=buffer.dtype)
            grown[:size] = buffer[:size]
            self._buffer = buffer = grown
        buffer[size : size + len(matrix)] = matrix
        self._size = size + len(matrix)


def _checksum(data: Any, first: int) -> int:
    # The seed ties the bytes to their place: swapped blocks do not pass.
    return _core.crc32c(data, first & 0xFFFFFFFF)


def _block_lines(state: State) -> int:
    line = max((state.dim or 1) * np.dtype(state.dtype).itemsize, 1)
    return max(16, min(1024, _BLOCK_BYTES // line))
