"""The file that an index is saved in.

``magic (8) | header length (uint32) | header (JSON) | sections | SHA-256 of all
before``, little-endian. The header says what the sections are and how long.
Nothing of a file is used before all of it was checked.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import StorageError, StorageFull

__all__ = ['Reader', 'read_file', 'storage_errors', 'write_file']

_MAGIC = b'DSINDEX\x01'
_LENGTH = struct.Struct('<I')
_DIGEST = hashlib.sha256().digest_size
_CHUNK = 1 << 20

Section = Callable[[], 'Iterable[bytes | memoryview]']


def write_file(
    path: Path, header: Mapping[str, Any], sections: Mapping[str, tuple[int, Section]]
) -> None:
    """Write a file whole, or leave what was there.

    Parameters
    ----------
    path : Path
    header : mapping
        JSON values that :func:`read_file` will compare.
    sections : mapping
        Of each section its length and what gives its bytes.

    Raises
    ------
    StorageFull, StorageError
        If the operating system refuses.
    """
    lengths = {name: length for name, (length, _) in sections.items()}
    text = json.dumps({**header, 'sections': lengths}, sort_keys=True).encode()
    temporary = path.with_name(path.name + '.new')
    with storage_errors(path):
        try:
            with open(temporary, 'wb') as file:
                digest = hashlib.sha256()
                for part in _parts(text, sections):
                    digest.update(part)
                    file.write(part)
                file.write(digest.digest())
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_directory(path.parent)


def _parts(
    text: bytes, sections: Mapping[str, tuple[int, Section]]
) -> Iterator[bytes | memoryview]:
    yield _MAGIC + _LENGTH.pack(len(text)) + text
    for length, section in sections.values():
        left = length
        for part in section():
            left -= len(part)
            yield part
        if left:
            raise EOFError('a section is not as long as it said')


def _sync_directory(directory: Path) -> None:
    if os.name == 'nt':
        return  # no handle of a directory can be synced there; the rename is logged
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says into our errors."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        kind = StorageFull if error.errno == errno.ENOSPC else StorageError
        raise kind(f'cannot save the index to {path}: {error}', code=error.errno or 0) from error


class Reader:
    """Takes the sections of a file in turn, and hashes what it takes."""

    def __init__(self, file: BufferedReader, lengths: dict[str, int], digest: Any) -> None:
        self._file = file
        self._lengths = lengths
        self._digest = digest

    def length(self, name: str) -> int:
        """How long a section is; -1 if there is none."""
        return self._lengths.get(name, -1)

    def into(self, name: str, buffer: memoryview) -> None:
        """Read the next section into ``buffer``, which is as long."""
        view = buffer.cast('B')
        for start in range(0, len(view), _CHUNK):
            part = view[start : start + _CHUNK]
            if self._file.readinto(part) != len(part):
                raise EOFError(name)
            self._digest.update(part)

    def copy(self, name: str, target: BinaryIO) -> None:
        """Copy the next section into another file."""
        left = self._lengths[name]
        while left:
            part = self._file.read(min(left, _CHUNK))
            if not part:
                raise EOFError(name)
            self._digest.update(part)
            target.write(part)
            left -= len(part)

    def checked(self) -> bool:
        """Whether, all sections taken, the checksum is right."""
        return bool(self._file.read() == self._digest.digest())


@contextmanager
def read_file(path: Path, header: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Reader]]:
    """Open a file that was written with (at least) this header.

    Raises
    ------
    ValueError, OSError, EOFError
        If it is not such a file; the sections are still unchecked.
    """
    with open(path, 'rb') as file:
        start = file.read(len(_MAGIC) + _LENGTH.size)
        if start[: len(_MAGIC)] != _MAGIC or len(start) != len(_MAGIC) + _LENGTH.size:
            raise ValueError('another magic number')
        size = os.fstat(file.fileno()).st_size
        (length,) = _LENGTH.unpack(start[len(_MAGIC) :])
        if length > size:
            raise EOFError('header')
        text = file.read(length)
        found = json.loads(text)
        lengths = found.pop('sections') if isinstance(found, dict) else None
        if not isinstance(lengths, dict) or any(found.get(k) != v for k, v in header.items()):
            raise ValueError('another header')
        if any(type(n) is not int or n < 0 for n in lengths.values()):
            raise ValueError('impossible lengths')
        if len(start) + length + sum(lengths.values()) + _DIGEST != size:
            raise EOFError('sections')
        yield found, Reader(file, lengths, hashlib.sha256(start + text))
