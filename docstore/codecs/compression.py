"""Compression of formats, as streams, with limits against bombs."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from ..errors import CorruptData, MissingDependency, UnknownName, did_you_mean

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

__all__ = [
    'COMPRESSIONS',
    'CompressWriter',
    'DecompressReader',
    'Limits',
    'Readable',
    'compress_bytes',
    'decompress_bytes',
    'protocol_and_compress_from_file_path',
]

COMPRESSIONS = ('bz2', 'gzip', 'lz4', 'lzma', 'zlib', 'zstd')
#: How file names of other programs say it.
_SUFFIXES = {'gz': 'gzip', 'xz': 'lzma', 'zst': 'zstd'}

_CHUNK = 1 << 16
#: Output below this is never counted as a bomb, however small the input.
_HARMLESS = 1 << 20
_GZIP_WBITS = 31
#: What a decompressor of lzma may take: twice what the highest level asks for.
_LZMA_MEMORY = 1 << 27


@dataclass(frozen=True, slots=True)
class Limits:
    """How much compressed data may grow before it counts as an attack.

    Parameters
    ----------
    size : int
        The most bytes that may come out.
    ratio : int
        The most bytes that may come out for each that goes in.
    """

    size: int = 1 << 30
    ratio: int = 1000

    def check(self, taken: int, given: int) -> None:
        """Raise CorruptData if ``given`` bytes out of ``taken`` are too many."""
        if given > self.size:
            raise CorruptData(
                f'the data decompresses to more than {self.size} bytes; '
                'pass limits=Limits(size=...) if that is right'
            )
        if given > _HARMLESS and given > self.ratio * taken:
            raise CorruptData(
                f'the data decompresses to more than {self.ratio} times its size; '
                'pass limits=Limits(ratio=...) if that is right'
            )


def _lz4() -> Any:
    try:
        import lz4.frame
    except ImportError:
        raise MissingDependency.of('lz4', 'lz4', 'lz4 compression') from None
    return lz4.frame


def _zstd() -> Any:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # type: ignore[import-not-found,unused-ignore]
        else:
            from backports import zstd
    except ImportError:
        raise MissingDependency.of('backports.zstd', 'zstd', 'zstd compression') from None
    return zstd


def _check_name(algorithm: str) -> None:
    if algorithm not in COMPRESSIONS:
        hint = did_you_mean(algorithm, COMPRESSIONS)
        raise UnknownName(f'compress={algorithm!r} is not supported{hint}')


def _compressor(algorithm: str) -> tuple[Any, bytes]:
    """What compresses, and what comes before its first output."""
    if algorithm == 'lz4':
        made = _lz4().LZ4FrameCompressor()
        return made, made.begin()
    if algorithm == 'bz2':
        return bz2.BZ2Compressor(), b''
    if algorithm == 'lzma':
        return lzma.LZMACompressor(), b''
    if algorithm == 'zstd':
        return _zstd().ZstdCompressor(), b''
    wbits = _GZIP_WBITS if algorithm == 'gzip' else zlib.MAX_WBITS
    return zlib.compressobj(wbits=wbits), b''


def _broken(algorithm: str) -> tuple[type[Exception], ...]:
    """What a decompressor raises when its data is damaged."""
    named = (zlib.error, lzma.LZMAError, OSError, RuntimeError, EOFError, ValueError)
    return (*named, _zstd().ZstdError) if algorithm == 'zstd' else named


class _Inflate:
    """zlib with the attributes that the other decompressors have."""

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)
        self._tail = b''

    def decompress(self, data: bytes, limit: int) -> bytes:
        result = self._inner.decompress(self._tail + data, limit)
        self._tail = self._inner.unconsumed_tail
        return result

    @property
    def needs_input(self) -> bool:
        return not self._tail

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


def _decompressor(algorithm: str) -> Any:
    if algorithm == 'lz4':
        return _lz4().LZ4FrameDecompressor()
    if algorithm == 'bz2':
        return bz2.BZ2Decompressor()
    if algorithm == 'lzma':
        return lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)
    if algorithm == 'zstd':
        return _zstd().ZstdDecompressor()
    return _Inflate(_GZIP_WBITS if algorithm == 'gzip' else zlib.MAX_WBITS)


class CompressWriter:
    """A binary file for writing that compresses into another one.

    Closing it ends the compressed data; the other file stays open.
    """

    def __init__(self, file: BinaryIO, algorithm: str) -> None:
        _check_name(algorithm)
        self._file = file
        self._compressor, start = _compressor(algorithm)
        self._file.write(start)

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        if size:
            self._file.write(self._compressor.compress(data))
        return size

    def close(self) -> None:
        self._file.write(self._compressor.flush())


class Readable(Protocol):
    """What bytes are read from, one after the other."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; none at the end."""


class DecompressReader:
    """A binary file for reading that decompresses another one.

    Several compressed streams one after the other are read as one. Bytes are
    made as they are asked for, never more, and never beyond the limits.
    """

    def __init__(self, file: Readable, algorithm: str, limits: Limits | None = None) -> None:
        _check_name(algorithm)
        self._file = file
        self._algorithm = algorithm
        self._limits = limits or Limits()
        self._decompressor = _decompressor(algorithm)
        self._started = False
        self._rest = b''
        self._taken = self._given = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes; fewer than asked for only at the end.

        Raises
        ------
        CorruptData
            If the data is damaged, cut off, or grows beyond the limits.
        """
        parts: list[bytes] = []
        missing = size if size >= 0 else self._limits.size + 1
        while missing > 0:
            part = self._some(min(missing, 1 << 20))
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        return parts[0] if len(parts) == 1 else b''.join(parts)

    def _some(self, most: int) -> bytes:
        """At least one byte; none at the end."""
        while True:
            if self._decompressor.eof:
                self._rest = self._decompressor.unused_data
                if not self._rest and not self._fill():
                    return b''
                self._decompressor = _decompressor(self._algorithm)
                self._started = False
            if self._decompressor.needs_input and not self._rest and not self._fill():
                if not self._started and not self._taken:
                    raise CorruptData(f'no data where {self._algorithm} data was expected')
                raise CorruptData(f'the {self._algorithm} data was cut off')
            data, self._rest, self._started = self._rest, b'', True
            try:
                part = self._decompressor.decompress(data, most)
            except _broken(self._algorithm) as e:
                raise CorruptData(f'this is no sound {self._algorithm} data: {e}') from e
            self._given += len(part)
            self._limits.check(self._taken, self._given)
            if part:
                return bytes(part)

    def _fill(self) -> bool:
        self._rest = self._file.read(_CHUNK)
        self._taken += len(self._rest)
        return bool(self._rest)


def compress_bytes(data: bytes, algorithm: str | None = None) -> bytes:
    """Compress; None leaves the data as it is.

    >>> decompress_bytes(compress_bytes(b'abc', 'gzip'), 'gzip')
    b'abc'
    """
    if algorithm is None:
        return data
    _check_name(algorithm)
    compressor, start = _compressor(algorithm)
    return bytes(start + compressor.compress(data) + compressor.flush())


def decompress_bytes(
    data: bytes | memoryview, algorithm: str | None = None, limits: Limits | None = None
) -> bytes | memoryview:
    """What ``compress_bytes`` was given; None leaves the data as it is."""
    if algorithm is None:
        return data
    import io

    return DecompressReader(io.BytesIO(data), algorithm, limits).read()


def protocol_and_compress_from_file_path(
    path: str | os.PathLike[str],
    default_protocol: str | None = None,
    default_compress: str | None = None,
    protocols: Iterable[str] | None = None,
) -> tuple[str | None, str | None]:
    """The protocol and compression that the suffixes of a file name say.

    >>> protocol_and_compress_from_file_path('a/x.protobuf.gzip')
    ('protobuf', 'gzip')
    >>> protocol_and_compress_from_file_path('x.jsonl.gz')
    ('jsonl', 'gzip')
    >>> protocol_and_compress_from_file_path('x.bin', 'pickle-array')
    ('pickle-array', None)
    """
    if protocols is None:
        from . import CODECS

        protocols = CODECS
    names = set(protocols)
    protocol, compress = default_protocol, default_compress
    for suffix in PurePath(path).suffixes:
        if suffix[1:] in COMPRESSIONS or suffix[1:] in _SUFFIXES:
            compress = _SUFFIXES.get(suffix[1:], suffix[1:])
        elif suffix[1:] in names:
            protocol = suffix[1:]
    return protocol, compress
