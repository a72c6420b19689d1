"""A SQLite store as far as it changes: writes, transactions, opening and closing."""

from __future__ import annotations

import functools
import os
import sqlite3
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, TypeVar, cast

import numpy as np

from ..errors import ReadOnlyStore, StorageError, StoreClosed, TransactionError
from .base import IndexConfig, Operation, Store, Vectors
from .sqlite_errors import translate
from .sqlite_filter import Filters
from .sqlite_open import open_database
from .sqlite_schema import State, load_state, save_state
from .sqlite_table import Table
from .sqlite_text import TextTables
from .sqlite_write import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import ParamSpec

    import numpy.typing as npt

    from .sqlite_config import Options
    from .sqlite_open import Database

    RowArray = npt.NDArray[np.int64]
    P = ParamSpec('P')

__all__ = ['SqliteSession', 'guarded']

T = TypeVar('T')
S = TypeVar('S', bound='SqliteSession')


def guarded(
    method: Callable[Concatenate[S, P], T],
) -> Callable[Concatenate[S, P], T]:
    """One thread at a time, on an open store, with errors of docstore."""

    @functools.wraps(method)
    def call(self: S, *args: P.args, **kwargs: P.kwargs) -> T:
        # First of all: after a fork another thread may hold the lock for ever.
        if os.getpid() != self._pid:
            raise StorageError(
                f'the store {self._path} was opened in process {self._pid}, before a fork: '
                'open it again in this process',
                code=0,
            )
        with self._lock:
            if self._closed:
                raise StoreClosed(f'the store {self._path} was closed')
            try:
                return method(self, *args, **kwargs)
            except sqlite3.Error as error:
                raise translate(error, self._path) from error

    return cast('Callable[Concatenate[S, P], T]', call)


class SqliteSession(Store):
    """The half of a SQLite store that changes it; see :class:`SqliteStore`.

    One connection, guarded by a lock, so that every method may be called from
    any thread. A transaction belongs to the store, not to a thread.
    """

    #: Whether a transaction of this store is one of another store of the connection.
    _joined: ClassVar[bool] = False

    def __init__(
        self,
        options: Options,
        config: Mapping[str, Any] | None,
        database: Database | None = None,
    ) -> None:
        if database is None:
            database = open_database(options, config)
        self._close = weakref.finalize(self, database.release)
        self._database = database
        self._options = options
        self._path = database.path
        self._pid = database.pid
        self._lock = threading.RLock()
        self._closed = False
        self._connection = database.connection
        self._sync = database.sync
        self._in_transaction = False
        self._ended = False  # the transaction was undone by an error
        self._touched = False  # what is in memory has changed in the transaction
        self._vectors: Vectors | None = None
        self.version = 0
        self.read_only = options.read_only
        self.index_config: IndexConfig = database.index
        self._table = Table(database.connection, database.tables, database.state, database.path)
        self.sequence = database.state.sequence
        try:
            self._filters = self._make_filters()
            self._texts = TextTables(database.connection, database.tables)
            self._writer = Writer(self._table)
            self._writer.fixed_dim = database.index.n_dim
            self._synchronous('FULL' if self._always_synced else 'NORMAL')
            if self.read_only:
                self._start_snapshot()
        except sqlite3.Error as error:
            self._close()
            raise translate(error, self._path) from error

    # ------------------------------------------------------------------ writing

    @guarded
    def write(self, operations: Sequence[Operation]) -> RowArray:
        try:
            return self._write(operations)
        except sqlite3.Error as error:
            # A damaged text index is no reason to refuse documents.
            if self._ended or not self._texts.damaged(error) or not self._drop_texts():
                raise
        return self._write(operations)

    def _drop_texts(self) -> bool:
        with self._change_of_texts():
            return self._texts.drop_all()

    @contextmanager
    def _change_of_texts(self) -> Iterator[None]:
        """A change of text indexes, in the transaction that is open or in one of its own."""
        self._check_writable()
        inside, execute = self._in_transaction, self._connection.execute
        execute('SAVEPOINT docstore_text' if inside else 'BEGIN IMMEDIATE')
        try:
            yield
            execute('RELEASE docstore_text' if inside else 'COMMIT')
        except BaseException:
            if self._connection.in_transaction:
                execute('ROLLBACK TO docstore_text' if inside else 'ROLLBACK')
            raise

    def _write(self, operations: Sequence[Operation]) -> RowArray:
        self._check_writable()
        writer, inside = self._writer, self._in_transaction
        before, writer.touched = self._table.state.copy(), False
        inserted = []
        try:
            self._connection.execute('SAVEPOINT docstore' if inside else 'BEGIN IMMEDIATE')
            for operation in operations:
                rows = writer.apply(operation)
                if rows is not None:
                    inserted.append(rows)
            if writer.wasteful():
                writer.repack()
            if not inside or self._joined:
                self._table.state.sequence += 1
            save_state(self._connection, self._table.tables.number, self._table.state)
            self._connection.execute('RELEASE docstore' if inside else 'COMMIT')
        except BaseException:
            self._undo_write(before)
            raise
        self._touched |= writer.touched
        self._content_changed()
        if not inside and not self._always_synced:
            self._sync.soon()
        if len(inserted) == 1:
            return inserted[0]
        return np.concatenate(inserted) if inserted else np.empty(0, dtype=np.int64)

    @guarded
    def begin(self) -> None:
        if self._in_transaction:
            raise TransactionError('a transaction is already open: commit it or roll it back')
        self._check_writable()
        # A transaction is synced by its commit.
        self._synchronous('FULL')
        try:
            self._connection.execute('BEGIN IMMEDIATE')
        except sqlite3.Error:
            self._leave()
            raise
        self._in_transaction, self._ended, self._touched = True, False, False

    @guarded
    def commit(self) -> None:
        self._check_transaction()
        if self._ended:
            self._leave()
            raise TransactionError(
                'the transaction was undone by an error before; nothing of it was kept'
            )
        before = self._table.state.copy()
        try:
            self._table.state.sequence += 1
            save_state(self._connection, self._table.tables.number, self._table.state)
            self._connection.execute('COMMIT')
        except BaseException:
            self._undo(before)
            self._leave()
            raise
        self.sequence = self._table.state.sequence
        self._leave()
        self._sync.check()

    @guarded
    def rollback(self) -> None:
        self._check_transaction()
        self._undo(self._table.state)
        self._leave()

    @guarded
    def flush(self) -> None:
        self._sync.now()

    @guarded
    def refresh(self) -> bool:
        if not self.read_only:
            return False
        if self._connection.in_transaction:
            self._connection.execute('COMMIT')
        return self._look_again()

    def _look_again(self) -> bool:
        before = self._table.state
        self._start_snapshot()
        if self._table.state == before:
            return False
        self._table.drop_caches()
        self._content_changed()
        return True

    @guarded
    def compact(self) -> None:
        self._check_writable()
        if self._in_transaction:
            raise TransactionError('compact() cannot be part of a transaction')
        before, state = self._table.state.copy(), self._table.state
        self._writer.touched = False
        if state.next_line > state.vectors:
            try:
                self._connection.execute('BEGIN IMMEDIATE')
                self._writer.repack()
                save_state(self._connection, self._table.tables.number, state)
                self._connection.execute('COMMIT')
            except BaseException:
                self._undo_write(before)
                raise
            self._content_changed()
        self._texts.optimize()
        self._connection.execute('VACUUM')
        # Without this the old pages would stay in the log.
        self._connection.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall()

    def close(self) -> None:
        """Flush and let go of the file and the lock; closing twice is allowed."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            if self._closed:
                return
            try:
                if self._connection.in_transaction:
                    self._connection.execute('ROLLBACK')
                self._sync.now()
            except sqlite3.Error as error:
                raise translate(error, self._path) from error
            finally:
                self._closed = True
                self._close()

    # ------------------------------------------------------------------ inside

    def _make_filters(self) -> Filters:
        return Filters(self._connection, self._table.tables.documents)

    @property
    def _always_synced(self) -> bool:
        # Other journals are synced by every commit anyway.
        return self._options.durability == 'full' or self._options.journal != 'WAL'

    def _synchronous(self, level: str) -> None:
        if not self.read_only and self._database.own:
            self._connection.execute(f'PRAGMA synchronous = {level}')

    def _check_writable(self) -> None:
        if self.read_only:
            raise ReadOnlyStore(f'the store {self._path} was opened for reading only', code=0)
        if self._ended:
            raise TransactionError('the transaction was undone by an error: roll it back')
        self._sync.check()

    def _check_transaction(self) -> None:
        if not self._in_transaction:
            raise TransactionError('no transaction is open: call begin() first')

    def _start_snapshot(self) -> None:
        self._connection.execute('BEGIN')
        state = load_state(self._connection, self._table.tables.name)[1]
        if state != self._table.state:
            self._set_state(state)

    def _set_state(self, state: State) -> None:
        self._table.state = state
        if not self._in_transaction:
            self.sequence = state.sequence

    def _content_changed(self) -> None:
        self.version += 1
        self._vectors = None
        if not self._in_transaction:
            self.sequence = self._table.state.sequence

    def _undo_write(self, before: State) -> None:
        """Put everything back to where it was before a write that failed."""
        if not self._in_transaction:
            self._touched = self._writer.touched
            self._undo(before)
        elif self._connection.in_transaction:
            self._connection.execute('ROLLBACK TO docstore')
            self._connection.execute('RELEASE docstore')
            before.next_row = self._table.state.next_row
            self._set_state(before)
            if self._writer.touched:
                self._table.drop_caches()
                self._vectors = None
        else:
            # SQLite has given up the whole transaction.
            self._touched = self._ended = True
            self._undo(before)

    def _undo(self, fallback: State) -> None:
        """Undo what was not committed, on disk and in memory."""
        try:
            if self._connection.in_transaction:
                self._connection.execute('ROLLBACK')
            # Asked, not remembered: an interrupt may have come after a commit.
            state = load_state(self._connection, self._table.tables.name)[1]
        except sqlite3.Error:
            state, self._touched = fallback, True
        changed = state.sequence != self.sequence
        # Somebody may still hold the number of a row that was undone.
        state.next_row = max(state.next_row, self._table.state.next_row)
        self._table.state = state
        self.sequence = state.sequence
        if self._touched or changed:
            self._table.drop_caches()
            self._vectors = None
        self._touched = False
        self.version += 1

    def _leave(self) -> None:
        self._in_transaction = self._ended = self._touched = False
        if not self._always_synced:
            self._synchronous('NORMAL')
