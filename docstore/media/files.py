"""Writing bytes to a path, or to something that can be written to."""

from __future__ import annotations

import errno
import os
from typing import Any

from ..errors import InvalidType, StorageError, StorageFull, UriNotFound

__all__ = ['suffix_of', 'write']


def write(file: Any, data: bytes) -> None:
    """Write ``data`` to a path or a binary file object.

    Raises
    ------
    UriNotFound
        If the folder does not exist.
    StorageError
        If the operating system refuses.
    InvalidType
        If ``file`` is neither, or was opened for text.
    """
    try:
        if hasattr(file, 'write'):
            file.write(data)
        else:
            with open(file, 'wb') as opened:
                opened.write(data)
    except OSError as error:
        code = error.errno or 0
        message = f'cannot write {file!r}: {error.strerror or error}'
        if code == errno.ENOENT:
            raise UriNotFound(message) from error
        raise (StorageFull if code == errno.ENOSPC else StorageError)(message, code=code) from error
    except (TypeError, ValueError) as error:
        raise InvalidType(
            f'cannot write {file!r}: expected a path or a file opened for bytes; {error}'
        ) from error


def suffix_of(file: Any) -> str:
    """The extension of a path or of the name of a file object, without the dot."""
    name = file if isinstance(file, (str, os.PathLike)) else getattr(file, 'name', '')
    if not isinstance(name, (str, os.PathLike)):
        return ''
    path = os.fspath(name)
    return os.path.splitext(path if isinstance(path, str) else os.fsdecode(path))[1][1:].lower()
