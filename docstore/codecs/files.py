"""Files that are whole or not there: atomic writing, and looking at what is there."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from ..errors import StorageError, StorageFull

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ['atomic_write', 'looks_like']

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A new file that takes the place of ``path`` when the block ends well.

    Until then, and when the block raises or the process dies, what was at
    ``path`` is as it was. A pipe or a device is written to directly.

    Raises
    ------
    StorageFull
        If there is no room.
    StorageError
        If the operating system refuses in another way; a missing directory
        stays FileNotFoundError, and a forbidden one PermissionError.
    """
    target = os.path.realpath(path)
    try:
        if os.path.exists(target) and not os.path.isfile(target):
            with open(target, 'wb') as file:  # raises for a directory
                yield file
            return
        with _replacement(target) as file:
            yield file
    except OSError as error:
        if error.errno in _FULL and not isinstance(error, StorageError):
            raise StorageFull(f'no room to write {target}: {error}', code=error.errno) from error
        raise


@contextmanager
def _replacement(target: str) -> Iterator[BinaryIO]:
    folder = os.path.dirname(target)
    temporary = f'{target}.{secrets.token_hex(6)}.tmp'
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, 'wb') as file:
            if os.path.exists(target):
                os.chmod(temporary, os.stat(target).st_mode & 0o777)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """Make the new name of a file lasting, where folders can be synced."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some file systems refuse; the content of the file is safe already
    finally:
        os.close(descriptor)


_SIGNATURES = (
    (b'\x89DSARR\r\n', "an array of docstore (protocol='docstore')"),
    (b'\x89DSDOC\r\n', "one document of docstore (protocol='docstore')"),
    (b'\x1f\x8b', "gzip data (compress='gzip')"),
    (b'\x04"M\x18', "lz4 data (compress='lz4')"),
    (b'BZh', "bzip2 data (compress='bz2')"),
    (b'\xfd7zXZ\0', "xz data (compress='lzma')"),
    (b'\x28\xb5\x2f\xfd', "zstd data (compress='zstd')"),
    (b'SQLite format 3\0', "an SQLite database (storage='sqlite')"),
    (b'PK\x03\x04', 'a zip archive'),
    (b'\x93NUMPY', 'an array of NumPy'),
    (b'\xff\xff\xff\xff', "an Arrow stream (protocol='arrow')"),
    (b'ARROW1', 'an Arrow file'),
    (b'PAR1', "a Parquet file (protocol='parquet')"),
    (b'%PDF', 'a PDF'),
    (b'\x89PNG', 'a PNG image'),
    (b'\xff\xd8\xff', 'a JPEG image'),
    (b'GIF8', 'a GIF image'),
    (b'\x7fELF', 'a program'),
)


def looks_like(start: bytes) -> str:
    r"""What data is that starts like this, in words for an error message.

    >>> looks_like(b'PK\x03\x04....')
    'a zip archive'
    >>> looks_like(b'[{"id": 1}]')
    "JSON (protocol='json')"
    """
    for signature, name in _SIGNATURES:
        if start.startswith(signature):
            return name
    if not start:
        return 'empty'
    if len(start) > 1 and start[0] == 0x80 and 2 <= start[1] <= 5:
        return "a pickle (protocol='pickle-array' or 'pickle')"
    if start[:4] == b'\x01\0\0\0':
        return "documents in frames (protocol='protobuf' or 'pickle')"
    if start[0] == 0x78 and len(start) > 1 and (start[0] * 256 + start[1]) % 31 == 0:
        return "zlib data (compress='zlib')"
    if start.lstrip()[:1] in (b'{', b'['):
        return "JSON (protocol='json')"
    if start[:1] == b'\x0a':
        return "perhaps protobuf (protocol='protobuf-array' or 'protobuf')"
    return 'of an unknown kind'
