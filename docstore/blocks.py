"""Arrays as blocks of columns that go out and come in one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .bulk import columns_of
from .columns import MatrixColumn
from .memory import MemoryRecords
from .schema import FIELD_NAMES, VECTOR_FIELDS
from .stored import StoredRecords
from .table import Table

if TYPE_CHECKING:
    from .codecs.base import Blocks
    from .columns import Column, ColumnBlock
    from .records import Records

__all__ = ['blocks_of', 'fill']

# Documents of a list are turned into columns so many at a time.
_ROWS = 1 << 14
# A store is read in blocks of about so many bytes, and of so many rows at most.
_BYTES = 1 << 22
_FIRST = 256


def blocks_of(records: Records) -> Blocks:
    """What writes the whole array: blocks, from the first row on each time it is called.

    What lies in columns is one block, without a copy. Other arrays are taken a
    block at a time, so that writing takes little memory whatever their size.
    """
    if isinstance(records, StoredRecords):
        return lambda: _stored(records)
    if isinstance(records, MemoryRecords) and records.whole_table() is not None:
        return lambda: iter([(len(records), _without_empty(columns_of(records)))])
    return lambda: _listed(records)


def _listed(records: Records) -> Iterator[tuple[int, Mapping[str, Column]]]:
    for start in range(0, len(records), _ROWS):
        part = records.take(range(start, min(start + _ROWS, len(records))))
        yield len(part), _without_empty(columns_of(part))


def _without_empty(columns: dict[str, Column]) -> dict[str, Column]:
    """The columns that some row has a value in."""
    return {
        name: column
        for name, column in columns.items()
        if not isinstance(column, list) or any(value is not None for value in column)
    }


def _stored(records: StoredRecords) -> Iterator[tuple[int, Mapping[str, Column]]]:
    rows, start, step = records.store.rows(), 0, _FIRST
    while start < len(rows):
        part = rows[start : start + step]
        with records.lock:
            columns, weight = _read(records, part)
        yield len(part), columns
        start += step
        # Nobody knows how large documents are before they are read.
        step = max(1, min(_ROWS, 2 * step, step * _BYTES // max(weight, 1)))


def _read(records: StoredRecords, rows: Any) -> tuple[dict[str, Column], int]:
    """The columns of some rows, and about how many bytes they take."""
    plain = records.store.read(rows, vectors=False)
    columns: dict[str, Column] = {}
    names = {name for record in plain for name in record}
    weight = 0
    for name in FIELD_NAMES:
        if name in VECTOR_FIELDS:
            values = records.gather_rows(name, rows)
            if isinstance(values, np.ndarray):
                columns[name] = MatrixColumn(values)
            elif any(value is not None for value in values):
                columns[name] = list(values)
        elif name in names:
            columns[name] = kept = [record.get(name) for record in plain]
            weight += sum(map(_weight, kept))
    return columns, weight


def _weight(value: Any) -> int:
    """About how many bytes a value takes."""
    size = getattr(value, 'nbytes', None)
    if isinstance(size, int):
        return size
    if isinstance(value, list) and value and isinstance(value[0], dict):  # nested documents
        return sum(_weight(item) for record in value for item in record.values())
    return len(value) if isinstance(value, (str, bytes)) else 64


def fill(records: StoredRecords, blocks: Iterable[ColumnBlock]) -> None:
    """Let a store hold the rows of these blocks and no others, all or none.

    One block is in memory at a time. Where a block cannot be read or stored,
    the store is as it was.
    """
    records.begin()
    try:
        if len(records):
            records.clear()
        for block in blocks:
            table = Table(block.count, block.columns)
            records.extend_from(MemoryRecords.of(table, range(block.count)))
    except BaseException:
        records.end(failed=True)
        raise
    records.end(failed=False)
