"""One writer for each table of a database, among all processes.

The lock stands on a file of its own beside the database, a byte for each
table: closing any handle on the database file itself would drop the locks
that SQLite holds there.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field

from ..errors import StorageError, StoreLocked

__all__ = ['WriterLock']

_SLOT = 24  # bytes of text for each table: the process that has it


@dataclass
class _LockFile:
    """The one handle of this process on a lock file."""

    handle: int
    pid: int
    tables: set[int] = field(default_factory=set)


# A lock of a process vanishes when any handle of it on the file is closed,
# so all stores of one file share one.
_files: dict[str, _LockFile] = {}
_guard = threading.Lock()


class WriterLock:
    """The right to write to one table; held until :meth:`release`.

    Parameters
    ----------
    path : str
        The database file.
    table : int
        The number of the table in the database.
    name : str
        Its name, for messages.

    Raises
    ------
    StoreLocked
        If another process has it (``pid`` says which), or another store
        object of this one.
    """

    def __init__(self, path: str, table: int, name: str) -> None:
        self._key = os.path.realpath(path) + '.lock'
        self._table = table
        self._pid = os.getpid()
        with _guard:
            file = _open(self._key)
            try:
                _take(file, table, path, name)
            except BaseException:
                _drop(self._key, file)
                raise
            file.tables.add(table)
        self._held = True

    def release(self) -> None:
        """Let others write; a second call does nothing."""
        if not self._held:
            return
        self._held = False
        if os.getpid() != self._pid:
            return  # a forked child never had the lock
        with _guard:
            file = _files[self._key]
            file.tables.discard(self._table)
            _unlock(file.handle, self._table)
            _drop(self._key, file)


def _open(key: str) -> _LockFile:
    file = _files.get(key)
    if file is None or file.pid != os.getpid():
        try:
            handle = os.open(key, os.O_RDWR | os.O_CREAT | getattr(os, 'O_CLOEXEC', 0), 0o666)
        except OSError as error:
            raise StorageError(
                f'cannot make the lock file {key}: {error.strerror}', code=error.errno
            ) from error
        file = _files[key] = _LockFile(handle, os.getpid())
    return file


def _drop(key: str, file: _LockFile) -> None:
    if not file.tables and _files.get(key) is file:
        del _files[key]
        os.close(file.handle)


def _take(file: _LockFile, table: int, path: str, name: str) -> None:
    if table in file.tables:
        raise StoreLocked(
            f'table {name!r} of {path} is already open for writing in this process: use that '
            f'store, or close it first',
            pid=os.getpid(),
            code=0,
        )
    if not _try_lock(file.handle, table):
        pid = _owner(file.handle, table)
        raise StoreLocked(
            f'table {name!r} of {path} is being written by process {pid or "unknown"}; open it '
            f"with 'read_only': True, or wait until that process has closed it",
            pid=pid,
            code=0,
        )
    os.lseek(file.handle, table * _SLOT, os.SEEK_SET)
    os.write(file.handle, f'{os.getpid():<{_SLOT - 1}}\n'.encode())


def _owner(handle: int, table: int) -> int:
    os.lseek(handle, table * _SLOT, os.SEEK_SET)
    text = os.read(handle, _SLOT).strip()
    return int(text) if text.isdigit() else 0


# Locked bytes lie far beyond the text, where no file system minds.
_FIRST_LOCK = 1 << 30


def _try_lock(handle: int, table: int) -> bool:
    import fcntl

    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _FIRST_LOCK + table)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _unlock(handle: int, table: int) -> None:
    import fcntl

    fcntl.lockf(handle, fcntl.LOCK_UN, 1, _FIRST_LOCK + table)
