"""Whole arrays as columns, and back: what saving and loading work with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import Column, ColumnBlock, MatrixColumn, PackedColumn
from .errors import InvalidDocument
from .memory import MemoryRecords
from .schema import FIELD_BY_NAME, FIELD_NAMES, VECTOR_FIELDS
from .state import plain_value, to_record
from .table import Table

if TYPE_CHECKING:
    from .document import Document
    from .records import Records

__all__ = ['columns_of', 'join_blocks', 'record_of', 'records_of', 'rows_of']


def columns_of(records: Records) -> dict[str, Column]:
    """All fields of all Documents, a column a field, without those never set."""
    if isinstance(records, MemoryRecords):
        table = records.whole_table()
        if table is not None:
            return table.columns()
    docs = list(records)
    if any(type(doc._data) is not dict for doc in docs):
        return _by_record([to_record(doc._data) for doc in docs])
    return _by_field(docs)


def _by_record(records: Sequence[dict[str, Any]]) -> dict[str, Column]:
    names = {name for record in records for name in record}
    return {
        name: _column(name, [record.get(name) for record in records])
        for name in FIELD_NAMES
        if name in names
    }


def _by_field(docs: Sequence[Document]) -> dict[str, Column]:
    states: list[Any] = [doc._data for doc in docs]
    names: set[str] = set().union(*states) if states else set()
    columns = {}
    for name in FIELD_NAMES:
        if name in names:
            values = _field_of(states, name)
            if FIELD_BY_NAME[name].kind in {'documents', 'scores'}:
                values = [None if v is None else plain_value(name, v) for v in values]
            columns[name] = _column(name, values)
    return columns


def _field_of(states: list[Any], name: str) -> list[Any]:
    try:
        return list(map(itemgetter(name), states))  # twice as fast, and nearly always right
    except KeyError:
        return [state.get(name) for state in states]


def _column(name: str, values: list[Any]) -> Column:
    if name not in VECTOR_FIELDS and name != 'tensor':
        return values
    kinds = {(type(v), getattr(v, 'dtype', None), getattr(v, 'shape', None)) for v in values}
    if len(kinds) == 1 and isinstance(values[0], np.ndarray):
        shape = values[0].shape
        lines = np.concatenate(values) if shape else np.array(values)
        return MatrixColumn(lines.reshape(len(values), *shape))
    return values


def records_of(records: Records) -> Iterable[dict[str, Any]]:
    """The plain fields of each Document."""
    return (to_record(doc._data) for doc in records)


def record_of(doc: Document) -> dict[str, Any]:
    """The plain fields of one Document, as a store takes them.

    Raises
    ------
    InvalidDocument
        If it has no id.
    """
    record = to_record(doc._data)
    if record.get('id') is None:
        raise InvalidDocument(f'{doc!r} has no id: set one before storing it')
    return record


def rows_of(records: Records) -> tuple[list[dict[str, Any]], dict[str, Any]] | None:
    """What a store inserts for an array in columns: plain fields, and vectors as matrices.

    No Document is made. None if the array is not the whole of a table.

    Raises
    ------
    InvalidDocument
        If a row has no id.
    """
    table = records.whole_table() if isinstance(records, MemoryRecords) else None
    if table is None:
        return None
    rows: list[dict[str, Any]] = [{} for _ in range(table.count)]
    vectors = {}
    for name, column in table.columns().items():
        whole = isinstance(column, MatrixColumn) and column.present is None
        if name in VECTOR_FIELDS and whole and column.array.ndim == 2:
            vectors[name] = column.array
            continue
        plain = FIELD_BY_NAME[name].kind in {'str', 'bytes', 'int', 'float', 'array'}
        for row, value in zip(
            rows, column if isinstance(column, list) else column.tolist(), strict=True
        ):
            if value is not None:
                kept = value if plain and name != 'id' else plain_value(name, value)
                if kept is not None:
                    row[name] = kept
    for at, row in enumerate(rows):
        if 'id' not in row:
            raise InvalidDocument(f'the document at position {at} has no id: set one to store it')
    return rows, vectors


def join_blocks(blocks: Iterable[ColumnBlock]) -> MemoryRecords:
    """The array of rows that came in blocks; no Document is made."""
    parts = list(blocks)
    count = sum(block.count for block in parts)
    names = dict.fromkeys(name for block in parts for name in block.columns)
    table = Table(count, {name: _joined(name, parts) for name in names})
    return MemoryRecords.of(table, range(count))


def _joined(name: str, blocks: Sequence[ColumnBlock]) -> Any:
    columns = [block.columns.get(name) for block in blocks]
    if len(columns) == 1 and columns[0] is not None:
        return columns[0]
    packed = [column for column in columns if isinstance(column, PackedColumn)]
    if len(packed) == len(columns):
        return PackedColumn.concat(packed)
    matrices = [column for column in columns if isinstance(column, MatrixColumn)]
    shapes = {(matrix.array.dtype, matrix.array.shape[1:]) for matrix in matrices}
    if len(matrices) == len(columns) and len(shapes) == 1:
        return _join_matrices(matrices)
    return [
        value
        for column, block in zip(columns, blocks, strict=True)
        for value in _values(column, block.count)
    ]


def _values(column: Any, count: int) -> list[Any]:
    if column is None:
        return [None] * count
    return column if isinstance(column, list) else column.tolist()


def _join_matrices(matrices: Sequence[MatrixColumn]) -> MatrixColumn:
    array = np.concatenate([matrix.array for matrix in matrices])
    if all(matrix.present is None for matrix in matrices):
        return MatrixColumn(array)
    present = [
        np.ones(len(matrix), dtype=bool) if matrix.present is None else matrix.present
        for matrix in matrices
    ]
    return MatrixColumn(array, np.concatenate(present))
