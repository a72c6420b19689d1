"""The format of docstore itself: ``protocol='docstore'``, the default.

One document is a header with a checksum and one packed value. Many documents
are an array file (:mod:`docstore.codecs.array_file`): blocks of columns, so
that loading and saving whole columns makes no object for each document.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import numpy as np

from .. import _core
from ..columns import ColumnBlock, MatrixColumn, PackedColumn
from ..errors import (
    ChecksumError,
    CorruptData,
    EncodeError,
    LengthMismatch,
    UnsupportedFormat,
)
from ..schema import FIELD_NAMES, VECTOR_FIELDS
from .array_file import ArrayWriter, BytesSource, FileSource, read_blocks
from .base import ColumnCodec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..columns import Column
    from .base import Blocks
    from .compression import Readable

__all__ = [
    'BinaryCodec',
    'batches',
    'columns_of',
    'made_columns',
    'read_columns',
    'records_of',
    'rows_per_block',
    'write_columns',
]

Record = dict[str, Any]

MAGIC = b'\x89DSDOC\r\n'
VERSION = 1
_HEADER = struct.Struct('<8sHHI')
#: Fields that are written as one matrix when the rows allow it.
_ARRAY_FIELDS = frozenset((*VECTOR_FIELDS, 'tensor', 'embedding'))
_BLOCK_ROWS = 1 << 14
_BLOCK_BYTES = 1 << 26


class BinaryCodec(ColumnCodec):
    """Documents in the format of docstore: versioned, with checksums.

    Numbers keep their type (int, float and bool stay apart), arrays their
    type and shape. Reading makes plain values only and runs no code.

    Examples
    --------
    >>> codec = BinaryCodec()
    >>> codec.loads(codec.dumps({'id': 'a', 'tags': {'n': 1, 'x': 1.0}}))
    {'id': 'a', 'tags': {'n': 1, 'x': 1.0}}
    """

    name: ClassVar[str] = 'docstore'

    def dumps(self, record: Record) -> bytes:
        body = _core.pack(record)
        head = struct.pack('<8sHH', MAGIC, VERSION, 0)
        return head + struct.pack('<I', _core.crc32c(body, _core.crc32c(head))) + body

    def loads(self, data: bytes | memoryview) -> Record:
        view = memoryview(data).cast('B')
        if len(view) < _HEADER.size:
            raise CorruptData(f'a document needs {_HEADER.size} bytes or more, got {len(view)}')
        magic, version, flags, crc = _HEADER.unpack_from(view)
        if magic != MAGIC:
            raise UnsupportedFormat('this is no document of docstore: it starts with other bytes')
        body = view[_HEADER.size :]
        if crc != _core.crc32c(body, _core.crc32c(view[: _HEADER.size - 4])):
            raise ChecksumError('the document is damaged')
        if version > VERSION or flags:
            raise UnsupportedFormat(
                f'the document has version {version}.{flags}; this docstore reads up to '
                f'{VERSION}.0: install a newer one'
            )
        record = _core.unpack(body)
        if not isinstance(record, dict):
            raise CorruptData('the document is no mapping of fields')
        return record

    def dump_all(self, records: Iterable[Record], file: BinaryIO, count: int) -> None:
        writer = ArrayWriter(file)
        written = 0
        for batch in batches(records):
            writer.write(len(batch), made_columns(columns_of(batch), 0, len(batch), written))
            written += len(batch)
        if written != count:
            raise LengthMismatch(f'expected {count} documents, got {written}')
        writer.finish()

    def load_all(self, file: BinaryIO) -> Iterator[Record]:
        for block in read_columns(file):
            yield from records_of(block)

    def dump_blocks(self, blocks: Blocks, file: BinaryIO) -> None:
        writer = ArrayWriter(file)
        first = 0
        for count, columns in blocks():
            _write_block(writer, columns, count, first)
            first += count
        writer.finish()

    def load_blocks(self, source: Any) -> Iterator[ColumnBlock]:
        return read_columns(source)


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records in lists that are neither long nor heavy."""
    batch: list[Record] = []
    weight = 0
    for record in records:
        batch.append(record)
        for name in ('blob', 'tensor', 'embedding', 'text'):
            value = record.get(name)
            if value is not None:
                weight += len(value) if isinstance(value, (str, bytes)) else _size(value)
        if len(batch) >= _BLOCK_ROWS or weight >= _BLOCK_BYTES:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def _size(value: Any) -> int:
    """About how many bytes an array takes, whatever it is made of."""
    size = getattr(value, 'nbytes', None)
    if isinstance(size, int):
        return size
    return 8 * len(value) if isinstance(value, (list, tuple)) else 0


def columns_of(records: Sequence[Record]) -> dict[str, list[Any]]:
    """The fields of records, each as a list with None where it is not set."""
    names: dict[str, None] = {}
    for record in records:
        names.update(dict.fromkeys(record))
    order = {name: i for i, name in enumerate(FIELD_NAMES)}
    return {
        name: [record.get(name) for record in records]
        for name in sorted(names, key=lambda name: order.get(name, len(order)))
    }


def records_of(block: ColumnBlock) -> list[Record]:
    """The rows of a block as plain fields."""
    records: list[Record] = [{} for _ in range(block.count)]
    for name, column in block.columns.items():
        values = column if isinstance(column, list) else column.tolist()
        for record, value in zip(records, values, strict=True):
            if value is not None:
                record[name] = value
    return records


def write_columns(file: BinaryIO, columns: Mapping[str, Column], count: int) -> None:
    """Write an array file from columns, without an object for each row.

    Parameters
    ----------
    file : binary file
        Open for writing; it stays open and is never seeked.
    columns : mapping of str to column
        By field: a list of values (None where unset), an ndarray with a line
        for each row, a :class:`MatrixColumn` or a :class:`PackedColumn`.
    count : int
        How many rows there are.

    Raises
    ------
    LengthMismatch
        If a column has not ``count`` rows.
    EncodeError
        If a value cannot be stored; the message names column and row.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> write_columns(file, {'id': ['a', 'b'], 'embedding': np.eye(2)}, 2)
    >>> block, = read_columns(file.getvalue())
    >>> block.columns['id'].tolist(), block.columns['embedding'].array
    (['a', 'b'], array([[1., 0.],
           [0., 1.]]))
    """
    writer = ArrayWriter(file)
    _write_block(writer, columns, count, 0)
    writer.finish()


def _write_block(
    writer: ArrayWriter, columns: Mapping[str, Column], count: int, first: int
) -> None:
    for name, column in columns.items():
        if len(column) != count:
            raise LengthMismatch(f'{name}: expected {count} rows, got {len(column)}')
    step = rows_per_block(columns)
    for start in range(0, count, step):
        stop = min(start + step, count)
        writer.write(stop - start, made_columns(columns, start, stop, first))


def rows_per_block(columns: Mapping[str, Column]) -> int:
    """So many rows that a block stays small, for columns whose size is known."""
    step = _BLOCK_ROWS
    for column in columns.values():
        if not isinstance(column, list) and len(column):
            step = min(step, max(1, _BLOCK_BYTES * len(column) // max(1, column.nbytes)))
    return step


def made_columns(
    columns: Mapping[str, Column], start: int, stop: int, first: int = 0
) -> dict[str, Any]:
    """Some rows of columns as they are written, without columns that no row has.

    Parameters
    ----------
    columns : mapping of str to column
    start, stop : int
        Which rows of them.
    first : int
        How many rows came before these columns, for error messages.

    Raises
    ------
    EncodeError
        If a value cannot be stored; the message names column and row.
    """
    made = {}
    for name, column in columns.items():
        part = _column(name, column, slice(start, stop), first + start)
        if part is not None:
            made[name] = part
    return made


def _column(
    name: str, column: Column, rows: slice, first: int
) -> PackedColumn | MatrixColumn | None:
    """Some rows of a column as they are written; None when no row is set."""
    if isinstance(column, PackedColumn):
        part = column[rows]
        return part if part.present.any() else None
    if isinstance(column, MatrixColumn):
        present = None if column.present is None else column.present[rows]
        return _matrix(name, column.array[rows], present, first)
    if isinstance(column, np.ndarray):
        return _matrix(name, column[rows], None, first)
    values = column[rows]
    if name in _ARRAY_FIELDS:
        stacked = _core.stack_rows(values)
        if stacked is not None:
            return MatrixColumn(*stacked)
    return _pack(name, values, first)


def _matrix(name: str, array: Any, present: Any, first: int) -> PackedColumn | MatrixColumn | None:
    if present is not None:
        present = np.asarray(present, bool)
        if not present.any():
            return None
        if present.all():
            present = None
    dense = present is None or 2 * np.count_nonzero(present) >= len(array)
    if not dense or array.dtype.kind not in 'biufc' or array.dtype.char in 'gG':
        return _pack(name, MatrixColumn(array, present).tolist(), first)
    if present is not None:
        # What lies in the lines of unset rows is nobody's business.
        array = np.where(present.reshape(-1, *[1] * (array.ndim - 1)), array, array.dtype.type(0))
    return MatrixColumn(array, present)


def _pack(name: str, values: list[Any], first: int) -> PackedColumn | None:
    try:
        column = PackedColumn.of(values)
    except EncodeError:
        for i, value in enumerate(values):  # find the row that is to blame
            try:
                _core.pack(value)
            except EncodeError as error:
                raise EncodeError(f'{name} of row {first + i}: {error}') from None
        raise
    return column if column.present.any() else None


def read_columns(source: Readable | bytes | bytearray | memoryview) -> Iterator[ColumnBlock]:
    """The blocks of an array file, from an open file or from bytes.

    From a file one block is in memory at a time. From bytes nothing is
    copied: the columns are views that keep the bytes alive.

    Raises
    ------
    UnsupportedFormat
        If it is no array file, or of a newer version.
    CorruptData
        If it is damaged or cut off.
    """
    if not isinstance(source, (bytes, bytearray, memoryview)):
        yield from read_blocks(FileSource(source))
        return
    # What may change is copied once, for the columns are views.
    data = BytesSource(bytes(source) if isinstance(source, bytearray) else source)
    yield from read_blocks(data)
    if not data.at_end():
        raise CorruptData(f'the array ends at byte {data.position}, and other bytes follow')
