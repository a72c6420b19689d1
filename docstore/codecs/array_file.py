"""The framing of array files: header, blocks of columns, footer.

A file is a header of 16 bytes and then frames: one ``BLCK`` for some
consecutive rows, at the end one ``DONE`` with the number of rows. A frame is
its head (what it is, how long, checksums), a packed directory, and the
sections that the directory lists, each at a multiple of 64 bytes. Every byte
is under a checksum or must be zero. ``docs/format-array.md`` has the details.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np

from .. import _core
from ..columns import ColumnBlock, MatrixColumn, PackedColumn
from ..errors import ChecksumError, CorruptData, UnsupportedFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .compression import Readable

__all__ = ['MAGIC', 'MAX_BLOCK_ROWS', 'ArrayWriter', 'BytesSource', 'FileSource', 'read_blocks']

MAGIC = b'\x89DSARR\r\n'
VERSION = 1
#: No reader takes more rows in one block: a bound on what a small file can claim.
MAX_BLOCK_ROWS = 1 << 20

_HEADER = struct.Struct('<8sHHI')
_FRAME = struct.Struct('<4sIII')
_BLOCK = b'BLCK'
_DONE = b'DONE'
_ALIGN = 64
_LENGTHS = ('|u1', '<u2', '<u4', '<u8')
_MATRIX_TYPES = frozenset(
    f'{order}{name}'
    for order, names in (('|', 'b1 i1 u1'), ('<', 'i2 u2 i4 u4 i8 u8 f2 f4 f8 c8 c16'))
    for name in names.split()
)


class Source(Protocol):
    """Bytes that are read once, from front to back."""

    position: int

    def take(self, size: int) -> Any:
        """The next ``size`` bytes; CorruptData when there are fewer."""


class FileSource:
    """Reads from an open binary file; never asks for memory that it cannot fill."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self.position = 0

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes; CorruptData when there are fewer."""
        parts, missing, step = [], size, 1 << 20
        while missing:
            part = self._file.read(min(missing, step))
            if not part:
                raise CorruptData(
                    f'the data ends at byte {self.position + size - missing}, inside a part '
                    f'that has {missing} bytes more: it was cut off'
                )
            parts.append(part)
            missing -= len(part)
            step = min(step * 2, 1 << 26)
        self.position += size
        return parts[0] if len(parts) == 1 else b''.join(parts)


class BytesSource:
    """Reads from bytes in memory; what it gives out are views of them."""

    def __init__(self, data: Any) -> None:
        self._view = memoryview(data).cast('B').toreadonly()
        self.position = 0

    def take(self, size: int) -> memoryview:
        """The next ``size`` bytes; CorruptData when there are fewer."""
        if size > len(self._view) - self.position:
            raise CorruptData(
                f'the data ends at byte {len(self._view)}, inside a part that has '
                f'{size - len(self._view) + self.position} bytes more: it was cut off'
            )
        self.position += size
        return self._view[self.position - size : self.position]

    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self.position == len(self._view)


def _padding(position: int) -> int:
    return -position % _ALIGN


class ArrayWriter:
    """Writes an array file from front to back; never seeks.

    Parameters
    ----------
    file : binary file
        Open for writing; it stays open.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._position = 0
        self._rows = 0
        self._blocks = 0
        head = struct.pack('<8sHH', MAGIC, VERSION, 0)
        self._write(head + struct.pack('<I', _core.crc32c(head)))

    def write(self, count: int, columns: Mapping[str, PackedColumn | MatrixColumn]) -> None:
        """Add one block of at most ``MAX_BLOCK_ROWS`` rows."""
        directory: list[Any] = []
        sections: list[Any] = []
        for name, column in columns.items():
            kind, details, parts = _encode(column)
            sizes = [[memoryview(part).nbytes, _core.crc32c(part)] for part in parts]
            directory.append([name, kind, details, sizes])
            sections += parts
        self._frame(_BLOCK, [count, directory])
        for section in sections:
            self._pad()
            self._write(section)
        self._pad()
        self._rows += count
        self._blocks += 1

    def finish(self) -> None:
        """Write the footer; without it the file counts as cut off."""
        self._frame(_DONE, [self._rows, self._blocks])

    def _frame(self, kind: bytes, content: Any) -> None:
        body = _core.pack(content)
        head = struct.pack('<4sII', kind, len(body), _core.crc32c(body))
        self._write(head + struct.pack('<I', _core.crc32c(head)) + body)
        self._pad()

    def _pad(self) -> None:
        self._write(bytes(_padding(self._position)))

    def _write(self, data: Any) -> None:
        view = memoryview(data).cast('B') if not isinstance(data, bytes) else data
        size = len(view)
        self._position += size
        # A raw file may take less than it is given.
        while size:
            taken = self._file.write(view)
            if taken is None or taken >= size:
                return
            view, size = view[taken:], size - taken


def _encode(column: PackedColumn | MatrixColumn) -> tuple[str, list[Any], list[Any]]:
    if isinstance(column, MatrixColumn):
        array = np.ascontiguousarray(column.array, column.array.dtype.newbyteorder('<'))
        parts = [array.reshape(-1).view(np.uint8)]
        if column.present is not None:
            parts.append(np.packbits(column.present, bitorder='little'))
        return 'matrix', [array.dtype.str, list(column.array.shape[1:])], parts
    lengths = np.diff(column.offsets)
    longest = int(lengths.max(initial=0))
    width = next(t for t in _LENGTHS if longest <= np.iinfo(t).max)
    first, last = int(column.offsets[0]), int(column.offsets[-1])
    blob = memoryview(column.blob).cast('B')[first:last]
    return 'packed', [width], [lengths.astype(width).view(np.uint8), blob]


@dataclass(slots=True)
class _Section:
    size: int
    crc: int


@dataclass(slots=True)
class _Column:
    name: str
    kind: str
    details: list[Any]
    sections: list[_Section]


def read_blocks(source: Source) -> Iterator[ColumnBlock]:
    """The blocks of an array file, one at a time.

    Raises
    ------
    UnsupportedFormat
        If it is no array file, or of a newer version.
    ChecksumError, CorruptData
        If it is damaged or was cut off. Blocks before the damage were given
        out already; each was checked as a whole.
    """
    _read_header(source)
    rows = blocks = 0
    while True:
        kind, body = _read_frame(source)
        if kind == _DONE:
            if body != [rows, blocks]:
                raise CorruptData(f'the footer says {body!r}, but [{rows}, {blocks}] was read')
            return
        count, columns = _directory(body)
        yield ColumnBlock(count, {c.name: _read_column(source, c, count) for c in columns})
        _skip_padding(source)
        rows += count
        blocks += 1


def _read_header(source: Source) -> None:
    raw = bytes(source.take(_HEADER.size))
    magic, version, flags, crc = _HEADER.unpack(raw)
    if magic != MAGIC:
        raise UnsupportedFormat('this is no array file of docstore: it starts with other bytes')
    if crc != _core.crc32c(raw[:-4]):
        raise ChecksumError('the header of the array file is damaged')
    if version > VERSION or flags:
        raise UnsupportedFormat(
            f'the array file has version {version}.{flags}; this docstore reads up to '
            f'{VERSION}.0: install a newer one'
        )


def _read_frame(source: Source) -> tuple[bytes, Any]:
    start = source.position
    raw = bytes(source.take(_FRAME.size))
    kind, size, body_crc, crc = _FRAME.unpack(raw)
    if crc != _core.crc32c(raw[:-4]):
        raise ChecksumError(f'the head of the frame at byte {start} is damaged')
    body = bytes(source.take(size))
    if body_crc != _core.crc32c(body):
        raise ChecksumError(f'the directory at byte {start + _FRAME.size} is damaged')
    if kind not in (_BLOCK, _DONE):
        raise UnsupportedFormat(f'the frame at byte {start} is of an unknown kind {kind!r}')
    _skip_padding(source)
    return kind, _core.unpack(body)


def _directory(body: Any) -> tuple[int, list[_Column]]:
    """The directory of a block, checked for sense: its checksum does not say who wrote it."""
    try:
        count, entries = body
        columns = [
            _Column(name, kind, details, [_Section(size, crc) for size, crc in sections])
            for name, kind, details, sections in entries
        ]
        numbers = [count] + [n for c in columns for s in c.sections for n in (s.size, s.crc)]
        good = all(type(n) is int and n >= 0 for n in numbers) and count <= MAX_BLOCK_ROWS
        good = good and all(type(c.name) is str and type(c.kind) is str for c in columns)
        good = good and len({c.name for c in columns}) == len(columns)
    except (TypeError, ValueError):
        good = False
    if not good:
        raise CorruptData('the directory of a block makes no sense')
    return count, columns


def _read_section(source: Source, section: _Section, name: str) -> Any:
    _skip_padding(source)
    start = source.position
    data = source.take(section.size)
    if _core.crc32c(data) != section.crc:
        raise ChecksumError(
            f'the column {name!r} is damaged, between bytes {start} and {source.position}'
        )
    return data


def _skip_padding(source: Source) -> None:
    padding = bytes(source.take(_padding(source.position)))
    if padding.strip(b'\0'):
        raise ChecksumError(f'the padding before byte {source.position} is damaged')


def _read_column(source: Source, column: _Column, count: int) -> PackedColumn | MatrixColumn:
    sizes = [section.size for section in column.sections]
    if column.kind not in {'packed', 'matrix'}:
        raise UnsupportedFormat(f'the column {column.name!r} is of an unknown kind')
    if not _plausible(column, count, sizes):
        raise CorruptData(f'the directory entry of the column {column.name!r} makes no sense')
    parts = [_read_section(source, section, column.name) for section in column.sections]
    return (_packed if column.kind == 'packed' else _matrix)(column, count, parts)


def _plausible(column: _Column, count: int, sizes: list[int]) -> bool:
    if not isinstance(column.details, list) or not column.details:
        return False
    dtype, *rest = column.details
    if not isinstance(dtype, str):
        return False
    if column.kind == 'packed':
        return (
            dtype in _LENGTHS
            and not rest
            and len(sizes) == 2
            and sizes[0] == count * int(dtype[2:])
        )
    if dtype not in _MATRIX_TYPES or len(rest) != 1 or not isinstance(rest[0], list):
        return False
    shape = rest[0]
    if len(shape) > 30 or not all(type(n) is int and 0 <= n < 1 << 48 for n in shape):
        return False
    size = count * int(dtype[2:])
    for length in shape:
        size *= length
    expected = [size] if len(sizes) == 1 else [size, (count + 7) // 8]
    return sizes == expected


def _packed(column: _Column, count: int, parts: list[Any]) -> PackedColumn:
    offsets = np.zeros(count + 1, np.uint64)
    lengths = np.frombuffer(parts[0], column.details[0])
    np.cumsum(lengths, dtype=np.uint64, out=offsets[1:])
    if int(offsets[-1]) != len(parts[1]):
        raise CorruptData(f'the lengths in the column {column.name!r} do not fit its content')
    return PackedColumn(parts[1], offsets)


def _matrix(column: _Column, count: int, parts: list[Any]) -> MatrixColumn:
    dtype, shape = column.details
    flat = np.frombuffer(parts[0], dtype) if len(parts[0]) else np.zeros(0, dtype)
    if dtype == '|b1' and (flat.view(np.uint8) > 1).any():
        raise CorruptData(f'the column {column.name!r} of bool has other values')
    try:
        array = flat.reshape(count, *shape)
    except ValueError as error:  # NumPy has limits of its own for empty arrays
        raise CorruptData(f'the column {column.name!r} has no possible shape') from error
    if len(parts) == 1:
        return MatrixColumn(array)
    bits = np.unpackbits(np.frombuffer(parts[1], np.uint8), bitorder='little')
    if bits[count:].any():
        raise CorruptData(f'the column {column.name!r} has marks of rows that are not there')
    return MatrixColumn(array, bits[:count].astype(bool))
