"""Many documents as frames: how legacy docarray streams them.

One byte 0x01, the number of documents (8 bytes, big-endian), and for each its
length (4 bytes, big-endian) and its bytes, compressed one by one if at all.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from ..errors import CorruptData, EncodeError, LengthMismatch, UnsupportedFormat
from .array_file import FileSource
from .base import Codec
from .compression import Limits, compress_bytes, decompress_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ['FramedCodec', 'WholeCodec']

Record = dict[str, Any]

_VERSION = 1
_HEAD = struct.Struct('>BQ')
_LENGTH = struct.Struct('>I')


class FramedCodec(Codec):
    """A codec of single documents that writes many of them as frames.

    Parameters
    ----------
    compress : str, optional
        The compression of each document.
    limits : Limits, optional
        How much a compressed document may grow.
    """

    per_document: ClassVar[bool] = True

    def __init__(self, compress: str | None = None, limits: Limits | None = None) -> None:
        self._compress = compress
        self._limits = limits

    def dump_all(self, records: Iterable[Record], file: BinaryIO, count: int) -> None:
        file.write(_HEAD.pack(_VERSION, count))
        written = 0
        for record in records:
            data = compress_bytes(self.dumps(record), self._compress)
            if len(data) > 0xFFFFFFFF:
                raise EncodeError(f'[{written}]: a document of 4 GiB or more; use another protocol')
            file.write(_LENGTH.pack(len(data)) + data)
            written += 1
        if written != count:
            raise LengthMismatch(f'expected {count} documents, got {written}')

    def load_all(self, file: BinaryIO) -> Iterator[Record]:
        source = FileSource(file)
        version, count = _HEAD.unpack(source.take(_HEAD.size))
        if version != _VERSION:
            raise UnsupportedFormat(
                f'expected documents in frames, version {_VERSION}, but the first byte is {version}'
            )
        for index in range(count):
            size = _LENGTH.unpack(source.take(_LENGTH.size))[0]
            data = source.take(size)
            try:
                record = self.loads(decompress_bytes(data, self._compress, self._limits))
            except CorruptData as error:
                raise type(error)(f'document {index} of {count}: {error}') from error
            yield record


class WholeCodec(Codec):
    """A codec that writes many documents as one message, and single ones as another codec does.

    Parameters
    ----------
    single : Codec
        The codec of single documents.
    """

    #: Legacy docarray takes this name for these formats and does not compress.
    not_applied: ClassVar[str] = 'zlib'

    def __init__(self, single: Codec) -> None:
        self._single = single

    def dumps(self, record: Record) -> bytes:
        return self._single.dumps(record)

    def loads(self, data: bytes | memoryview) -> Record:
        return self._single.loads(data)
