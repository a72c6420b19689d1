"""What SQLite reports, as the errors of docstore."""

from __future__ import annotations

import errno
import os
import sqlite3

from ..errors import (
    CorruptStore,
    DocstoreError,
    InvalidDocument,
    NotAStore,
    ReadOnlyStore,
    StorageError,
    StorageFull,
    StoreClosed,
    StoreLocked,
)

__all__ = ['corrupt', 'translate']

_BUSY, _LOCKED, _READONLY, _IOERR, _CORRUPT, _FULL = 5, 6, 8, 10, 11, 13
_CANTOPEN, _TOOBIG, _NOTADB = 14, 18, 26
_IOERR_SHORT_READ, _IOERR_WRITE = 522, 778

# Python 3.10 gives no error codes, only SQLite's fixed messages.
_MESSAGES = {
    'database is locked': _BUSY,
    'database table is locked': _LOCKED,
    'attempt to write a readonly database': _READONLY,
    'disk I/O error': _IOERR,
    'database disk image is malformed': _CORRUPT,
    'database or disk is full': _FULL,
    'unable to open database file': _CANTOPEN,
    'string or blob too big': _TOOBIG,
    'file is not a database': _NOTADB,
}


def translate(error: sqlite3.Error, path: str, opening: bool = False) -> DocstoreError:
    """The error of docstore that says what ``error`` says.

    Parameters
    ----------
    error : sqlite3.Error
        What the library raised.
    path : str
        The database file, for the message.
    opening : bool
        Whether the file was just being opened: what is no database then was
        never a store, later it is a damaged one.
    """
    text = str(error)
    code = getattr(error, 'sqlite_errorcode', None) or _code_of(text)
    kind = code & 0xFF
    if 'closed database' in text:
        return StoreClosed(f'the SQLite store {path} was closed')
    if kind in (_BUSY, _LOCKED):
        return StoreLocked(
            f'the database {path} is locked: another process is writing to it', pid=0, code=0
        )
    if kind == _FULL or (code == _IOERR_WRITE and _size_limit_reached(path)):
        return StorageFull(f'no room left to write to {path}', code=errno.ENOSPC)
    if kind == _READONLY:
        return ReadOnlyStore(f'the database {path} cannot be written: {text}', code=errno.EROFS)
    if kind == _NOTADB and opening:
        return NotAStore(f'{path} is not a SQLite database', code=errno.EINVAL)
    if kind in (_CORRUPT, _NOTADB) or code == _IOERR_SHORT_READ:
        return corrupt(path, text)
    if kind == _CANTOPEN:
        return _cannot_open(path)
    if kind == _TOOBIG or isinstance(error, sqlite3.DataError):
        return InvalidDocument(f'a document is too large for SQLite ({path}): {text}')
    return StorageError(f'SQLite refused an operation on {path}: {text}', code=errno.EIO)


def corrupt(path: str, what: str, table: str = '', row: int = -1) -> CorruptStore:
    """A :class:`CorruptStore` that says where."""
    where = f', table {table!r}' if table else ''
    where += f', row {row}' if row >= 0 else ''
    return CorruptStore(
        f'the store {path} is damaged{where}: {what}', file=path, offset=0, table=table, row=row
    )


def _code_of(text: str) -> int:
    for message, code in _MESSAGES.items():
        if text.startswith(message):
            return code
    return 1


def _cannot_open(path: str) -> DocstoreError:
    if os.path.isdir(path):
        return NotAStore(f'{path} is a directory, not a SQLite database', code=errno.EISDIR)
    folder = os.path.dirname(path) or '.'
    if not os.path.isdir(folder):
        return StorageError(f'cannot open {path}: no folder {folder}', code=errno.ENOENT)
    if not os.path.exists(path):
        return StorageError(f'cannot open {path}: it does not exist', code=errno.ENOENT)
    return StorageError(f'cannot open {path}: permission denied', code=errno.EACCES)


def _size_limit_reached(path: str) -> bool:
    """Whether a write failed because files of this process may not grow further.

    SQLite says 'disk I/O error' for this, and keeps the reason to itself.
    """
    try:
        import resource
    except ImportError:
        return False
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit == resource.RLIM_INFINITY:
        return False
    names = (path, path + '-wal', path + '-journal', path + '-shm')
    sizes = [os.stat(name).st_size for name in names if os.path.exists(name)]
    # The write that failed was at most a page beyond the end.
    return max(sizes, default=0) + 65536 > limit
