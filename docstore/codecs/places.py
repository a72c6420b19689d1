"""Where documents are written to and read from: paths, open files and bytes."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Union

from ..errors import InvalidType
from .compression import CompressWriter, DecompressReader
from .files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .base import Codec
    from .compression import Limits

__all__ = ['Pieces', 'Source', 'Started', 'Target', 'compressed', 'decoded', 'opened', 'reading']

Target = Union[str, 'os.PathLike[str]', BinaryIO, None]
Source = Union[str, 'os.PathLike[str]', BinaryIO, bytes, bytearray, memoryview]

_START = 64


@contextmanager
def opened(target: str | os.PathLike[str] | BinaryIO) -> Iterator[BinaryIO]:
    """A path, to be replaced as a whole, or an open file, for writing."""
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
def compressed(file: BinaryIO, compress: str | None) -> Iterator[Any]:
    """What compresses into a file; the file itself without a compression."""
    if compress is None:
        yield file
        return
    writer = CompressWriter(file, compress)
    yield writer
    writer.close()


class Pieces(io.RawIOBase):
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


class Started:
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

    def whole(self) -> BinaryIO:
        """A file that can be read from any place: this one, or what is in it."""
        seekable = hasattr(self._file, 'seekable') and self._file.seekable()
        if seekable and self._file.tell() == len(self.start):
            self._file.seek(0)
            return self._file
        return io.BytesIO(self.read())


@contextmanager
def reading(source: Source) -> Iterator[tuple[BinaryIO, bool]]:
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


def decoded(started: Started, codec: Codec, compression: str | None, limits: Limits | None) -> Any:
    """What a codec reads from, which is another kind of file where it has to seek."""
    seeks = getattr(codec, 'seeks', False)
    if compression is None:
        return started.whole() if seeks else started
    reader = DecompressReader(started, compression, limits)
    return io.BytesIO(reader.read()) if seeks else reader
