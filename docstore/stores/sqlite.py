"""The SQLite store: one database file that ordinary tools can read.

``docs/format-sqlite.md`` describes the file.
"""

from __future__ import annotations

import functools
import os
import sqlite3
import threading
import weakref
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, TypeVar, cast

import numpy as np

from ..errors import (
    InvalidArgument,
    ReadOnlyStore,
    StorageError,
    StoreClosed,
    TransactionError,
    UnknownField,
    did_you_mean,
)
from ..schema import VECTOR_FIELDS
from .base import IndexConfig, Operation, Record, Store, Vectors
from .sqlite_config import Options, parse_config
from .sqlite_errors import corrupt, translate
from .sqlite_filter import Filters
from .sqlite_open import open_database
from .sqlite_schema import State, load_state, save_state
from .sqlite_table import Table
from .sqlite_write import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import ParamSpec

    import numpy.typing as npt

    from ..predicate import Predicate

    RowArray = npt.NDArray[np.int64]
    P = ParamSpec('P')

__all__ = ['SqliteStore', 'open_sqlite']

T = TypeVar('T')


def open_sqlite(config: Mapping[str, Any] | None = None) -> SqliteStore:
    """Open the array in a SQLite database, or make it.

    Parameters
    ----------
    config : mapping, optional
        ``connection``: the path of the database, ``':memory:'``, a
        ``sqlite3.Connection`` (its file is opened anew), or None for a
        temporary file that is removed at the end. ``table_name``: the array,
        by default the only one there is, else ``'docs'``. ``durability``:
        ``'normal'`` or ``'full'``. ``read_only``: a snapshot for reading.
        ``journal_mode``: ``'WAL'`` (default), ``'DELETE'``, ``'TRUNCATE'`` or
        ``'PERSIST'``. ``conn_config``: ``timeout`` and ``cached_statements``
        of the connection. The fields of
        :class:`~docstore.stores.base.IndexConfig`. ``synchronous``,
        ``serialize_config``, ``list_like`` and ``root_id`` as in docarray.

    Raises
    ------
    InvalidConfig
        If a key is unknown or a value cannot be used.
    NotAStore
        If the file is no database, or the table belongs to somebody else.
    StoreLocked
        If another process is writing to the array.
    CorruptStore, UnsupportedFormat, StorageError
        If the file is damaged, newer than this version, or out of reach.

    Examples
    --------
    >>> from docstore.stores.base import Insert
    >>> store = open_sqlite()
    >>> rows = store.write([Insert(0, [{'id': 'a', 'text': 'hello'}])])
    >>> store.read(rows)
    [{'id': 'a', 'text': 'hello'}]
    >>> store.close()
    """
    return SqliteStore(parse_config(config), config)


def _guarded(
    method: Callable[Concatenate[SqliteStore, P], T],
) -> Callable[Concatenate[SqliteStore, P], T]:
    """One thread at a time, on an open store, with errors of docstore."""

    @functools.wraps(method)
    def call(self: SqliteStore, *args: P.args, **kwargs: P.kwargs) -> T:
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

    return cast('Callable[Concatenate[SqliteStore, P], T]', call)


class SqliteStore(Store):
    """Rows of one array in a SQLite database.

    One connection, guarded by a lock, so that every method may be called
    from any thread; kernels that work on :meth:`vectors` run outside of it. A
    transaction belongs to the store, not to a thread.
    """

    name: ClassVar[str] = 'sqlite'

    def __init__(self, options: Options, config: Mapping[str, Any] | None) -> None:
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
            self._filters = Filters(database.connection, database.tables.documents)
            self._writer = Writer(self._table)
            self._writer.fixed_dim = database.index.n_dim
            self._synchronous('FULL' if self._always_synced else 'NORMAL')
            if self.read_only:
                self._start_snapshot()
        except sqlite3.Error as error:
            self._close()
            raise translate(error, self._path) from error

    # ------------------------------------------------------------------ reading

    @_guarded
    def __len__(self) -> int:
        return self._table.state.rows

    @_guarded
    def rows(self, start: int = 0, stop: int | None = None) -> RowArray:
        return self._table.order().rows(max(start, 0), stop)

    @_guarded
    def positions(self, rows: Sequence[int] | RowArray) -> RowArray:
        return self._table.positions(np.asarray(rows, dtype=np.int64))

    @_guarded
    def lookup(self, ids: Sequence[str]) -> RowArray:
        return self._table.lookup(ids)

    @_guarded
    def read(self, rows: Sequence[int] | RowArray, vectors: bool = True) -> list[Record]:
        return self._table.read(rows, vectors)

    @_guarded
    def column(self, path: str, rows: RowArray | None = None) -> list[Any]:
        return self._table.column(path, self._table.order().rows() if rows is None else rows)

    @_guarded
    def vectors(self, name: str = 'embedding') -> Vectors | None:
        if name not in VECTOR_FIELDS:
            raise UnknownField(f'{name!r} is not a vector field{did_you_mean(name, VECTOR_FIELDS)}')
        state = self._table.state
        if not state.vectors:
            return None
        if self._vectors is None:
            lines, contiguous = self._table.order().lines()
            if int(lines.max()) >= state.next_line:
                raise corrupt(self._path, 'a vector line is out of range', self._table.tables.name)
            self._vectors = Vectors(self._table.vectors.matrix(state), lines, contiguous)
        return self._vectors

    @_guarded
    def select(self, predicate: Predicate) -> npt.NDArray[np.bool_] | None:
        rows = self._filters.rows(predicate)
        if rows is None:
            return None
        mask = np.zeros(self._table.state.rows, dtype=np.bool_)
        mask[self._table.order().inverse(rows)] = True
        return mask

    # ------------------------------------------------------------------ writing

    @_guarded
    def write(self, operations: Sequence[Operation]) -> RowArray:
        self._check_writable()
        writer, inside = self._writer, self._in_transaction
        before, writer.touched = replace(self._table.state), False
        inserted = []
        try:
            self._connection.execute('SAVEPOINT docstore' if inside else 'BEGIN IMMEDIATE')
            for operation in operations:
                rows = writer.apply(operation)
                if rows is not None:
                    inserted.append(rows)
            if writer.wasteful():
                writer.repack()
            if not inside:
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
        return np.concatenate(inserted) if inserted else np.empty(0, dtype=np.int64)

    @_guarded
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

    @_guarded
    def commit(self) -> None:
        self._check_transaction()
        if self._ended:
            self._leave()
            raise TransactionError(
                'the transaction was undone by an error before; nothing of it was kept'
            )
        before = replace(self._table.state)
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

    @_guarded
    def rollback(self) -> None:
        self._check_transaction()
        self._undo(self._table.state)
        self._leave()

    @_guarded
    def flush(self) -> None:
        self._sync.now()

    @_guarded
    def refresh(self) -> bool:
        if not self.read_only:
            return False
        before = self._table.state
        if self._connection.in_transaction:
            self._connection.execute('COMMIT')
        self._start_snapshot()
        if self._table.state == before:
            return False
        self._table.drop_caches()
        self._content_changed()
        return True

    @_guarded
    def compact(self) -> None:
        self._check_writable()
        if self._in_transaction:
            raise TransactionError('compact() cannot be part of a transaction')
        before, state = replace(self._table.state), self._table.state
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

    # ------------------------------------------------------------------ description

    @_guarded
    def info(self) -> dict[str, str]:
        names = (self._path, self._path + '-wal')
        size = sum(os.stat(name).st_size for name in names if os.path.exists(name))
        journal = self._connection.execute('PRAGMA journal_mode').fetchone()[0]
        return {
            'path': self._path,
            'table': self._table.tables.name,
            'durability': self._options.durability,
            'journal': str(journal),
            'size': f'{size / 1e6:.1f} MB',
            'sqlite': sqlite3.sqlite_version,
        }

    @property
    def config(self) -> dict[str, Any]:
        options = self._options
        default = asdict(IndexConfig())
        index = {k: v for k, v in asdict(self.index_config).items() if v != default[k]}
        config = {
            'connection': self._path,
            'table_name': self._table.tables.name,
            'journal_mode': options.journal,
            'durability': options.durability,
            **index,
        }
        if options.connect:
            config['conn_config'] = dict(options.connect)
        return {**config, 'read_only': True} if self.read_only else config

    @property
    def index_path(self) -> Path:
        if self._path == ':memory:':
            raise InvalidArgument('a database in memory has no place for an index')
        path = Path(self._path)
        return path.with_name(f'{path.name}-{self._table.tables.name}-index'.replace('.', '-'))

    # ------------------------------------------------------------------ inside

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
