"""Saving and loading documents: a protocol, a compression, and a file or bytes.

The array layer hands over plain fields or columns; what it gets back are
plain fields or blocks of columns. A file is replaced as a whole or not at all.
"""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Union, cast

from ..columns import ColumnBlock, MatrixColumn, PackedColumn
from ..errors import CorruptData, InvalidType, UnsupportedFormat
from . import CODECS
from .binary import BinaryCodec, columns_of, read_columns, write_columns
from .compression import (
    CompressWriter,
    DecompressReader,
    Limits,
    compress_bytes,
    decompress_bytes,
    protocol_and_compress_from_file_path,
)
from .files import atomic_write, looks_like

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..columns import Column
    from .base import Codec

__all__ = [
    'dump_columns',
    'dump_record',
    'dump_records',
    'load_columns',
    'load_record',
    'load_records',
]

Record = dict[str, Any]
Target = Union[str, 'os.PathLike[str]', BinaryIO, None]
Source = Union[str, 'os.PathLike[str]', BinaryIO, bytes, bytearray, memoryview]

_DEFAULT = 'docstore'
_START = 64
_BATCH = 4096
# docarray took compress='zlib' for these, named files so, and compressed nothing.
_NEVER_ZLIB = ('pickle-array', 'protobuf-array')


def _codec(protocol: str, **options: Any) -> Codec:
    """A codec with the options that are given."""
    kind = CODECS.load(protocol)
    given = {name: value for name, value in options.items() if value}
    try:
        codec: Codec = kind(**given)
    except TypeError as error:
        if not given:
            raise
        raise InvalidType(f'protocol={protocol!r} takes none of {sorted(given)}') from error
    return codec


def _for_many(protocol: str, compress: str | None, limits: Limits | None, options: Any) -> Any:
    """The codec, and the compression that is left for the whole file."""
    if getattr(CODECS.load(protocol), 'per_document', False):
        return _codec(protocol, compress=compress, limits=limits, **options), None
    return _codec(protocol, **options), compress


def _settle(place: Any, protocol: str | None, compress: str | None) -> tuple[str, str | None]:
    """Suffixes of a file name win over what was asked for."""
    if isinstance(place, (str, os.PathLike)):
        protocol, compress = protocol_and_compress_from_file_path(place, protocol, compress)
    return protocol or _DEFAULT, compress


# ---- one document


def dump_record(
    record: Record, protocol: str | None = None, compress: str | None = None, **options: Any
) -> bytes:
    """One document as bytes.

    >>> load_record(dump_record({'id': 'a'}, compress='gzip'), compress='gzip')
    {'id': 'a'}
    """
    return compress_bytes(_codec(protocol or _DEFAULT, **options).dumps(record), compress)


def load_record(
    data: bytes | memoryview,
    protocol: str | None = None,
    compress: str | None = None,
    limits: Limits | None = None,
    **options: Any,
) -> Record:
    """One document from bytes.

    Raises
    ------
    CorruptData
        If the bytes are damaged; UnsupportedFormat if they are something else.
    UnknownName
        If there is no such protocol or compression.
    """
    codec = _codec(protocol or _DEFAULT, **options)
    try:
        return codec.loads(decompress_bytes(data, compress, limits))
    except UnsupportedFormat as error:
        raise _explained(error, bytes(data[:_START]), protocol or _DEFAULT) from error


# ---- many documents, out


@contextmanager
def _opened(target: str | os.PathLike[str] | BinaryIO) -> Iterator[BinaryIO]:
    if isinstance(target, (str, os.PathLike)):
        with atomic_write(target) as file:
            yield file
    elif hasattr(target, 'write'):
        yield target
    else:
        raise InvalidType(
            f'expected a path or a file open for writing bytes, got {type(target).__name__}'
        )


@contextmanager
def _compressed(file: BinaryIO, compress: str | None) -> Iterator[Any]:
    if compress is None:
        yield file
        return
    writer = CompressWriter(file, compress)
    yield writer
    writer.close()


def dump_records(
    records: Iterable[Record],
    count: int,
    target: Target = None,
    protocol: str | None = None,
    compress: str | None = None,
    **options: Any,
) -> bytes | None:
    """Write documents to a path or an open file; without either, return bytes.

    Parameters
    ----------
    records : iterable of dict
        Plain fields; taken one batch at a time.
    count : int
        How many there are.
    target : path or binary file, optional
        Where to. A path is replaced as a whole at the end; its suffixes
        (``x.protobuf.gzip``) win over ``protocol`` and ``compress``.
    protocol, compress : str, optional
        A name of ``CODECS`` (default ``docstore``), and a compression.
    **options
        Passed to the codec: ``ndarray_type`` for protobuf.

    Raises
    ------
    EncodeError
        If a value cannot be written.
    UnknownName
        If there is no such protocol or compression.
    StorageFull, StorageError
        If the operating system refuses; the old file is whole.
    """
    protocol, compress = _settle(target, protocol, compress)
    codec, compress = _for_many(protocol, compress, None, options)
    if target is None:
        buffer = io.BytesIO()
        with _compressed(buffer, compress) as file:
            codec.dump_all(records, file, count)
        return buffer.getvalue()
    with _opened(target) as raw, _compressed(raw, compress) as file:
        codec.dump_all(records, file, count)
    return None


def dump_columns(
    columns: Mapping[str, Column],
    count: int,
    target: Target = None,
    protocol: str | None = None,
    compress: str | None = None,
    **options: Any,
) -> bytes | None:
    """Like ``dump_records``, from columns; in our own format without an object a row."""
    settled, compression = _settle(target, protocol, compress)
    if CODECS.load(settled) is not BinaryCodec:
        records = _records_from(columns, count)
        return dump_records(records, count, target, protocol, compress, **options)
    if target is None:
        pieces = _Pieces()
        with _compressed(cast('BinaryIO', pieces), compression) as file:
            write_columns(file, columns, count)
        return pieces.joined()
    with _opened(target) as raw, _compressed(raw, compression) as file:
        write_columns(file, columns, count)
    return None


class _Pieces(io.RawIOBase):
    """Keeps what is written, without a copy, until it is joined at once.

    What is given to ``write`` must not change before ``joined``.
    """

    def __init__(self) -> None:
        self._pieces: list[Any] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(data)
        return memoryview(data).nbytes

    def joined(self) -> bytes:
        """All that was written."""
        return b''.join(self._pieces)


def _records_from(columns: Mapping[str, Column], count: int) -> Iterator[Record]:
    for start in range(0, count, _BATCH):
        stop = min(start + _BATCH, count)
        lists = {name: _values(column, start, stop) for name, column in columns.items()}
        for i in range(stop - start):
            yield {name: values[i] for name, values in lists.items() if values[i] is not None}


def _values(column: Column, start: int, stop: int) -> list[Any]:
    if isinstance(column, PackedColumn):
        return column[start:stop].tolist()
    if isinstance(column, MatrixColumn):
        present = None if column.present is None else column.present[start:stop]
        return MatrixColumn(column.array[start:stop], present).tolist()
    return list(column[start:stop])


# ---- many documents, in


class _Started:
    """A file whose first bytes were looked at and are read again."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.start = file.read(_START)
        self._rest = self.start

    def read(self, size: int = -1) -> bytes:
        if not self._rest:
            return self._file.read(size)
        if 0 <= size < len(self._rest):
            part, self._rest = self._rest[:size], self._rest[size:]
            return part
        part, self._rest = self._rest, b''
        return part + self._file.read(size if size < 0 else size - len(part))


def _explained(error: UnsupportedFormat, start: bytes, protocol: str) -> UnsupportedFormat:
    return UnsupportedFormat(
        f'{error} (asked for protocol={protocol!r}; the data is {looks_like(start)})'
    )


@contextmanager
def _reading(source: Source) -> Iterator[tuple[BinaryIO, bool]]:
    """An open file, and whether it must end where the documents end."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield io.BytesIO(source), True
    elif isinstance(source, (str, os.PathLike)):
        if not os.path.exists(source):
            raise FileNotFoundError(f'there is no file {os.fspath(source)!r}')
        with open(source, 'rb') as file:
            yield file, True
    elif hasattr(source, 'read'):
        yield source, False
    else:
        raise InvalidType(
            f'expected a path, bytes or a file open for reading bytes, got {type(source).__name__}'
        )


def load_records(
    source: Source,
    protocol: str | None = None,
    compress: str | None = None,
    limits: Limits | None = None,
    **options: Any,
) -> Iterator[Record]:
    """The documents of a path, of bytes or of an open file, as they are read.

    Parameters
    ----------
    source : path, bytes or binary file
        Where from. Suffixes of a path win over ``protocol`` and ``compress``.
    protocol, compress : str, optional
        As in ``dump_records``.
    limits : Limits, optional
        How much compressed data may grow.
    **options
        Passed to the codec: ``trusted=True`` lets a pickle build anything.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CorruptData
        If the data is damaged; UnsupportedFormat if it is something else, and
        the message says what it looks like.
    UnknownName
        If there is no such protocol or compression.
    """
    protocol, compress = _settle(source, protocol, compress)
    codec, compress = _for_many(protocol, compress, limits, options)
    with _reading(source) as (raw, whole):
        started = _Started(raw)
        if compress == 'zlib' and protocol in _NEVER_ZLIB and started.start[:1] != b'\x78':
            compress = None
        try:
            file: Any = DecompressReader(started, compress, limits) if compress else started
            yield from codec.load_all(file)
            if (whole or compress) and file.read(1):
                raise CorruptData('the documents end, and other bytes follow')
        except UnsupportedFormat as error:
            raise _explained(error, started.start, protocol) from error
        except CorruptData as error:
            if type(error) is not CorruptData or not started.start:
                raise
            raise CorruptData(f'{error} (the data is {looks_like(started.start)})') from error


def load_columns(
    source: Source,
    protocol: str | None = None,
    compress: str | None = None,
    limits: Limits | None = None,
    **options: Any,
) -> Iterator[ColumnBlock]:
    """Like ``load_records``, as blocks of columns.

    From our own format no object is made for a row; plain bytes are not even
    copied, and the columns keep them alive.
    """
    settled, compression = _settle(source, protocol, compress)
    if CODECS.load(settled) is not BinaryCodec:
        records = load_records(source, protocol, compress, limits, **options)
        yield from _blocks(records)
        return
    if compression is None and isinstance(source, (bytes, memoryview)):
        try:
            yield from read_columns(source)
        except UnsupportedFormat as error:
            raise _explained(error, bytes(source[:_START]), settled) from error
        return
    with _reading(source) as (raw, whole):
        started = _Started(raw)
        try:
            file: Any = DecompressReader(started, compression, limits) if compression else started
            yield from read_columns(file)
            if (whole or compression) and file.read(1):
                raise CorruptData('the array ends, and other bytes follow')
        except UnsupportedFormat as error:
            raise _explained(error, started.start, settled) from error


def _blocks(records: Iterator[Record]) -> Iterator[ColumnBlock]:
    while batch := list(islice(records, _BATCH)):
        columns: dict[str, PackedColumn | MatrixColumn] = {}
        for name, values in columns_of(batch).items():
            columns[name] = PackedColumn.of(values)
        yield ColumnBlock(len(batch), columns)
