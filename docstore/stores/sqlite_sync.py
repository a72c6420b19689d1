"""Getting the write-ahead log onto the disk."""

from __future__ import annotations

import os
import threading

from ..errors import StorageError

__all__ = ['LogSync']

_DELAY = 0.5  # seconds that single operations may wait for the disk


class LogSync:
    """Syncs the log of one database: when told to, and soon after single operations.

    The log has no locks of SQLite on it, so unlike the database file it may
    be opened here. Belongs to one store; any thread may call it.
    """

    def __init__(self, path: str | None) -> None:
        self._log = None if path is None else path + '-wal'
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._error: OSError | None = None

    def soon(self) -> None:
        """See to it that what was written is synced within a second."""
        if self._log is None or self._timer is not None:
            return
        with self._lock:
            if self._timer is None:
                timer = self._timer = threading.Timer(_DELAY, self._late)
                timer.daemon = True
                timer.start()

    def now(self) -> None:
        """Return when everything written is on the disk.

        Raises
        ------
        StorageError
            If the disk refuses, now or before: what it kept is not known then.
        """
        self.stop()
        with self._lock:
            self._sync()
        self.check()

    def check(self) -> None:
        """Raise if an earlier sync has failed."""
        error = self._error
        if error is not None:
            raise StorageError(
                f'{self._log} could not be synced ({error.strerror}): the last changes may be '
                'lost if the power fails; close the store and open it again',
                code=error.errno,
            ) from error

    def stop(self) -> None:
        """Forget a sync that is due."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def forget(self) -> None:
        """Drop everything, in a child process that has no such thread."""
        self._lock = threading.Lock()
        self._timer = None
        self._log = None

    def _late(self) -> None:
        with self._lock:
            self._timer = None
            self._sync()

    def _sync(self) -> None:
        if self._log is None or self._error is not None:
            return
        try:
            handle = os.open(self._log, os.O_RDWR | getattr(os, 'O_CLOEXEC', 0))
        except FileNotFoundError:
            return  # all of it was moved to the database, which was synced for that
        except OSError as error:
            self._error = error
            return
        try:
            os.fsync(handle)
        except OSError as error:
            self._error = error
        finally:
            os.close(handle)
