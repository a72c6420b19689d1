"""Saving and loading documents: a protocol, a compression, and a file or bytes.

The array layer hands over plain fields or columns; what it gets back are
plain fields or blocks of columns. A file is replaced as a whole or not at all.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ..columns import ColumnBlock, MatrixColumn, PackedColumn
from ..errors import CorruptData, EncodeError, InvalidType, UnsupportedFormat
from . import CODECS
from .base import ColumnCodec
from .binary import batches, columns_of, made_columns
from .compression import (
    Limits,
    compress_bytes,
    decompress_bytes,
    protocol_and_compress_from_file_path,
)
from .files import looks_like
from .places import Pieces, Source, Started, Target, compressed, decoded, opened, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..columns import Column
    from .base import Blocks, Codec

__all__ = [
    'bytes_of_base64',
    'dump_blocks',
    'dump_columns',
    'dump_record',
    'dump_records',
    'load_columns',
    'load_record',
    'load_records',
]

Record = dict[str, Any]
_DEFAULT = 'docstore'
_START = 64
_BATCH = 4096


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
    if getattr(CODECS.load(protocol), 'seeks', False):
        return _codec(protocol, limits=limits, **options), compress
    if getattr(CODECS.load(protocol), 'per_document', False):
        return _codec(protocol, compress=compress, limits=limits, **options), None
    return _codec(protocol, **options), compress


def _is_plain(codec: Codec, compress: str | None, start: bytes) -> bool:
    """Whether data is as legacy docarray wrote it, which did not compress it after all."""
    ignored = compress is not None and compress == getattr(codec, 'not_applied', None)
    return ignored and (not start or start[0] & 15 != 8)  # zlib data starts otherwise


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


def bytes_of_base64(data: str | bytes) -> bytes:
    """The bytes that base64 text stands for.

    Raises
    ------
    CorruptData
        If it is no base64.
    """
    from base64 import b64decode

    if not isinstance(data, (str, bytes)):
        raise InvalidType(f'expected base64 as str or bytes, got {type(data).__name__}')
    try:
        return b64decode(data, validate=True)
    except ValueError as error:
        raise CorruptData(f'this is no base64: {error}') from error


# ---- many documents, out


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
    if _is_plain(codec, compress, b''):
        compress = None
    if target is None:
        buffer = io.BytesIO()
        with compressed(buffer, compress) as file:
            codec.dump_all(records, file, count)
        return buffer.getvalue()
    with opened(target) as raw, compressed(raw, compress) as file:
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
    """Like ``dump_records``, from columns; in formats of columns without an object a row."""
    return dump_blocks(
        lambda: iter([(count, columns)]), count, target, protocol, compress, **options
    )


def dump_blocks(
    blocks: Blocks,
    count: int,
    target: Target = None,
    protocol: str | None = None,
    compress: str | None = None,
    **options: Any,
) -> bytes | None:
    """Like ``dump_columns``, with one block of columns in memory at a time.

    Parameters
    ----------
    blocks : callable
        Gives ``(rows, columns)`` from the first row on, each time it is
        called: formats that say at their start what columns they have look
        twice.
    count : int
        How many rows there are in all.
    target, protocol, compress, **options
        As in ``dump_records``.
    """
    settled, compression = _settle(target, protocol, compress)
    if not issubclass(CODECS.load(settled), ColumnCodec):
        records = _records_from(blocks)
        return dump_records(records, count, target, protocol, compress, **options)
    codec = cast('ColumnCodec', _codec(settled, **options))
    if target is None:
        pieces = Pieces()
        with compressed(cast('BinaryIO', pieces), compression) as file:
            codec.dump_blocks(blocks, file)
        return pieces.joined()
    with opened(target) as raw, compressed(raw, compression) as file:
        codec.dump_blocks(blocks, file)
    return None


def _records_from(blocks: Blocks) -> Iterator[Record]:
    for count, columns in blocks():
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


def _explained(error: UnsupportedFormat, start: bytes, protocol: str) -> UnsupportedFormat:
    return UnsupportedFormat(
        f'{error} (asked for protocol={protocol!r}; the data is {looks_like(start)})'
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
    with reading(source) as (raw, whole):
        started = Started(raw)
        if _is_plain(codec, compress, started.start):
            compress = None
        try:
            file = decoded(started, codec, compress, limits)
            yield from codec.load_all(file)
            seeks = getattr(codec, 'seeks', False)
            if (whole or compress) and not seeks and file.read(1):
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
    if not issubclass(CODECS.load(settled), ColumnCodec):
        records = load_records(source, protocol, compress, limits, **options)
        yield from _blocks(records)
        return
    codec = cast('ColumnCodec', _for_many(settled, None, limits, options)[0])
    if compression is None and isinstance(source, (bytes, memoryview)):
        try:
            yield from codec.load_blocks(source)
        except UnsupportedFormat as error:
            raise _explained(error, bytes(source[:_START]), settled) from error
        return
    with reading(source) as (raw, whole):
        started = Started(raw)
        try:
            yield from codec.load_blocks(file := decoded(started, codec, compression, limits))
            if (whole or compression) and not codec.seeks and file.read(1):
                raise CorruptData('the array ends, and other bytes follow')
        except UnsupportedFormat as error:
            raise _explained(error, started.start, settled) from error


def _blocks(records: Iterator[Record]) -> Iterator[ColumnBlock]:
    for batch in batches(records):
        columns = columns_of(batch)
        try:
            yield ColumnBlock(len(batch), made_columns(columns, 0, len(batch)))
        except EncodeError:
            # Objects that only their own format holds, such as sparse matrices.
            yield ColumnBlock(len(batch), cast('Any', columns))
