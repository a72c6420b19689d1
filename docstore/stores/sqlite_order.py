"""The order of the rows in memory, and the sparse ranks that keep it on disk."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    IntArray = npt.NDArray[np.int64]

__all__ = ['RANK_GAP', 'RowOrder', 'even_ranks']

#: Distance of the ranks of neighbours that were appended.
RANK_GAP = 1 << 32

_FILL = 1024  # entries of a chunk after loading
_CAPACITY = 2048  # entries at which a chunk is cut in two
_MANY = 64  # from here on, changes are made to all entries at once

_RANK, _ROW, _LINE = 0, 1, 2


def even_ranks(low: int, high: int, count: int) -> IntArray | None:
    """``count`` ranks spread evenly between two; None if there is no room."""
    step = (high - low) // (count + 1)
    if step < 1:
        return None
    return low + step * np.arange(1, count + 1, dtype=np.int64)


class _Chunk:
    """A run of neighbours: rank, row and vector line of each."""

    __slots__ = ('data', 'size')

    def __init__(self, entries: IntArray) -> None:
        self.size = entries.shape[1]
        self.data = np.empty((3, max(_CAPACITY, self.size)), dtype=np.int64)
        self.data[:, : self.size] = entries

    @property
    def entries(self) -> IntArray:
        return self.data[:, : self.size]


class RowOrder:
    """Rank, row and vector line of every row, in the order of the store.

    A list of chunks, so that an insertion or a deletion moves about a
    thousand entries, however many there are. It belongs to one store, whose
    lock guards it; arrays that it hands out never change.
    """

    _chunks: list[_Chunk]
    _total: int
    _firsts: list[int]
    _flat: IntArray | None
    _flat_size: int
    _sorted: tuple[IntArray, npt.NDArray[np.intp]] | None
    _contiguous: bool | None
    _known_starts: list[int] | None

    def __init__(self, entries: IntArray) -> None:
        self._rebuild(entries)

    def __len__(self) -> int:
        return self._total

    # ------------------------------------------------------------------ reading

    def entries(self) -> IntArray:
        """Rank, row and line of all rows, as an array of three lines."""
        size = self._total
        if self._flat is None:
            flat = np.concatenate([chunk.entries for chunk in self._chunks], axis=1)
            self._flat, self._flat_size = flat, size
        return self._flat[:, :size]

    def rows(self, start: int = 0, stop: int | None = None) -> IntArray:
        """The rows of a range of positions."""
        stop = self._total if stop is None else min(stop, self._total)
        if self._flat is None and stop - start <= _MANY:
            picked = [self.at(i)[_ROW] for i in range(start, stop)]
            return np.array(picked, dtype=np.int64)
        found = self.entries()[_ROW, start:stop]
        found.flags.writeable = False
        return found

    def lines(self) -> tuple[IntArray, bool]:
        """The vector line of each row, and whether they are 0, 1, 2, ..."""
        lines = self.entries()[_LINE]
        lines.flags.writeable = False
        if self._contiguous is None:
            count = np.arange(self._total, dtype=np.int64)
            self._contiguous = bool(np.array_equal(lines, count))
        return lines, self._contiguous

    def at(self, position: int) -> tuple[int, int, int]:
        """Rank, row and line at a position."""
        index, offset = self._locate(position)
        rank, row, line = self._chunks[index].data[:, offset].tolist()
        return rank, row, line

    def position(self, rank: int) -> int:
        """The position of the row that has this rank."""
        index, offset = self._find(rank)
        return self._starts[index] + offset

    def inverse(self, rows: IntArray) -> IntArray:
        """The position of each of many rows; -1 where there is none."""
        if self._sorted is None:
            own = self.entries()[_ROW]
            at = np.argsort(own, kind='stable')
            self._sorted = own[at], at
        known, at = self._sorted
        if not len(known):
            return np.full(len(rows), -1, dtype=np.int64)
        found = np.minimum(np.searchsorted(known, rows), len(known) - 1)
        return np.where(known[found] == rows, at[found], -1)

    # ------------------------------------------------------------------ changing

    def insert(self, position: int, entries: IntArray) -> None:
        """Put entries before a position."""
        count = entries.shape[1]
        if position == self._total:
            self._append(entries)
        elif count > _MANY:
            own = self.entries()
            self._rebuild(np.concatenate([own[:, :position], entries, own[:, position:]], axis=1))
        else:
            index, offset = self._locate(position)
            chunk = self._chunks[index]
            size, data = chunk.size, chunk.data
            if size + count > data.shape[1]:
                data = np.empty((3, 2 * (size + count)), dtype=np.int64)
                data[:, :size] = chunk.entries
                chunk.data = data
            data[:, offset + count : size + count] = data[:, offset:size].copy()
            data[:, offset : offset + count] = entries
            chunk.size += count
            self._total += count
            self._changed()
            self._cut(index)

    def remove(self, ranks: IntArray) -> None:
        """Take out the entries of these ranks."""
        if len(ranks) > _MANY:
            own = self.entries()
            self._rebuild(own[:, ~np.isin(own[_RANK], ranks)])
            return
        for rank in ranks.tolist():
            index, offset = self._find(rank)
            chunk = self._chunks[index]
            data, size = chunk.data, chunk.size
            data[:, offset : size - 1] = data[:, offset + 1 : size].copy()
            chunk.size -= 1
            self._total -= 1
            self._changed()
            if chunk.size:
                self._firsts[index] = int(data[_RANK, 0])
                self._known_starts = None
            else:
                if len(self._chunks) > 1:
                    del self._chunks[index]
                self._renumber()

    def set_lines(self, ranks: IntArray, lines: IntArray) -> None:
        """Give the rows of these ranks other vector lines."""
        if len(ranks) > _MANY:
            own = self.entries().copy()
            at = np.argsort(ranks)
            known = np.searchsorted(own[_RANK], ranks[at])
            own[_LINE, known] = lines[at]
            self._rebuild(own)
            return
        for rank, line in zip(ranks.tolist(), lines.tolist(), strict=True):
            index, offset = self._find(rank)
            self._chunks[index].data[_LINE, offset] = line
        self._changed()

    def set_ranks(self, start: int, ranks: IntArray) -> None:
        """Give a run of neighbours other ranks, which keep the order."""
        for index, offset, count, done in self._runs(start, len(ranks)):
            self._chunks[index].data[_RANK, offset : offset + count] = ranks[done : done + count]
        self._changed()
        self._renumber()

    # ------------------------------------------------------------------ inside

    def _rebuild(self, entries: IntArray) -> None:
        size = entries.shape[1]
        self._chunks = [_Chunk(entries[:, i : i + _FILL]) for i in range(0, max(size, 1), _FILL)]
        self._total = size
        self._changed()
        self._renumber()

    def _changed(self) -> None:
        self._flat = None
        self._flat_size = 0
        self._sorted = None
        self._contiguous = None

    @property
    def _starts(self) -> list[int]:
        """The position of the first entry of each chunk."""
        if self._known_starts is None:
            sizes = [chunk.size for chunk in self._chunks]
            self._known_starts = [0, *accumulate(sizes[:-1])]
        return self._known_starts

    def _renumber(self) -> None:
        self._known_starts = None
        self._firsts = [int(chunk.data[_RANK, 0]) for chunk in self._chunks if chunk.size]

    def _append(self, entries: IntArray) -> None:
        """The commonest change: the arrays handed out stay, with more behind them."""
        size, count = self._total, entries.shape[1]
        flat, was_contiguous = self._flat, self._contiguous
        last = self._chunks[-1]
        free = last.data.shape[1] - last.size
        if count <= free:
            last.data[:, last.size : last.size + count] = entries
            last.size += count
            if not size:
                self._renumber()
        else:
            new = [_Chunk(entries[:, i : i + _FILL]) for i in range(0, count, _FILL)]
            self._chunks[len(self._chunks) - (not last.size) :] = new
            self._renumber()
        self._total += count
        self._changed()
        if flat is None:
            return
        if size + count > flat.shape[1]:
            grown = np.empty((3, 2 * (size + count)), dtype=np.int64)
            grown[:, :size] = flat[:, :size]
            flat = grown
        flat[:, size : size + count] = entries
        self._flat = flat
        if was_contiguous is not None:
            added = np.arange(size, size + count, dtype=np.int64)
            self._contiguous = was_contiguous and bool(np.array_equal(entries[_LINE], added))

    def _cut(self, index: int) -> None:
        chunk = self._chunks[index]
        if chunk.size >= _CAPACITY:
            entries = chunk.entries
            parts = [_Chunk(entries[:, i : i + _FILL]) for i in range(0, chunk.size, _FILL)]
            self._chunks[index : index + 1] = parts
            self._renumber()
        else:
            self._firsts[index] = int(chunk.data[_RANK, 0])
            self._known_starts = None

    def _locate(self, position: int) -> tuple[int, int]:
        index = bisect_right(self._starts, position) - 1
        return index, position - self._starts[index]

    def _find(self, rank: int) -> tuple[int, int]:
        index = max(bisect_right(self._firsts, rank) - 1, 0)
        chunk = self._chunks[index]
        offset = bisect_left(chunk.data[_RANK], rank, 0, chunk.size)
        return index, offset

    def _runs(self, start: int, count: int) -> Iterator[tuple[int, int, int, int]]:
        done = 0
        while done < count:
            index, offset = self._locate(start + done)
            some = min(count - done, self._chunks[index].size - offset)
            yield index, offset, some, done
            done += some
