"""Opening the database of a SQLite store, and letting go of it."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import sqlite3
import tempfile
import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..errors import NotAStore, StorageError, StoreLocked
from .config import settle_index
from .sqlite_errors import translate
from .sqlite_lock import WriterLock
from .sqlite_schema import State, Tables, choose_table, create_table, load_state, save_index
from .sqlite_sync import LogSync

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .base import IndexConfig
    from .sqlite_config import Options

__all__ = ['Database', 'open_database']

_CACHE = -16384  # KiB
_LOG_LIMIT = 1 << 26
_LOG_PAGES = 4096  # in the log before they are moved to the database


@dataclass(eq=False)
class Database:
    """An open database and what goes with it. The store that has it guards it."""

    path: str
    connection: sqlite3.Connection
    tables: Tables
    state: State
    index: IndexConfig
    sync: LogSync
    lock: WriterLock | None
    folder: str | None
    own: bool
    pid: int

    def release(self) -> None:
        """Close it; in a forked child do nothing, it belongs to the parent."""
        if os.getpid() != self.pid:
            return
        self.sync.stop()
        try:
            if self.own:
                self.connection.close()
        finally:
            if self.lock is not None:
                self.lock.release()
            if self.folder is not None:
                shutil.rmtree(self.folder, ignore_errors=True)


def open_database(options: Options, config: Mapping[str, Any] | None) -> Database:
    """Open or make the database and the array that ``options`` name."""
    folder = tempfile.mkdtemp(prefix='docstore-') if options.path is None else None
    path = options.path or os.path.join(str(folder), 'docs.db')
    connection = options.connection
    try:
        if connection is None:
            connection = _connect(path, options)
        database = _prepare(path, connection, options, folder)
        try:
            _settle(database, options, config)
        except BaseException:
            database.release()
            raise
    except BaseException as error:
        if connection is not None and options.connection is None:
            connection.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, sqlite3.Error):
            raise translate(error, path, opening=True) from error
        raise
    _watch_forks(database)
    return database


def _connect(path: str, options: Options) -> sqlite3.Connection:
    target = path
    if options.read_only:
        if not os.path.exists(path):
            raise StorageError(f'cannot open {path}: it does not exist', code=errno.ENOENT)
        target = f'file:{quote(path)}?mode=ro'
    connect: dict[str, Any] = {'timeout': 5.0, 'cached_statements': 256, **options.connect}
    connection: sqlite3.Connection = sqlite3.connect(
        target, isolation_level=None, check_same_thread=False, uri=options.read_only, **connect
    )
    return connection


def _prepare(
    path: str, connection: sqlite3.Connection, options: Options, folder: str | None
) -> Database:
    execute = connection.execute
    fresh = not execute('SELECT count(*) FROM sqlite_master').fetchone()[0]
    name, known = choose_table(connection, options.table, path)
    if options.read_only and not known:
        raise NotAStore(f'{path} holds no docstore array {options.table or ""}'.rstrip(), code=0)
    execute(f'PRAGMA cache_size = {_CACHE}')
    if not options.read_only:
        if path != ':memory:':
            execute(f'PRAGMA journal_mode = {options.journal}')
        execute(f'PRAGMA journal_size_limit = {_LOG_LIMIT}')
        execute(f'PRAGMA wal_autocheckpoint = {_LOG_PAGES}')
        name = _create(connection, options, path, fresh)
    number, state, index = load_state(connection, name)
    in_log = path != ':memory:' and options.journal == 'WAL' and not options.read_only
    lock = None
    if not options.read_only and path != ':memory:':
        lock = _lock(path, number, name)
        try:
            # What another process wrote before it let go of the lock.
            number, state, index = load_state(connection, name)
        except BaseException:
            lock.release()
            raise
    return Database(
        path=path,
        connection=connection,
        tables=Tables(number, name),
        state=state,
        index=index,
        sync=LogSync(path if in_log else None),
        lock=lock,
        folder=folder,
        own=options.connection is None,
        pid=os.getpid(),
    )


def _create(connection: sqlite3.Connection, options: Options, path: str, fresh: bool) -> str:
    """The name of the array, made now if it is not there."""
    name, known = choose_table(connection, options.table, path)
    if known:
        return name
    connection.execute('BEGIN IMMEDIATE')
    try:
        # Another process may have made it since.
        name, known = choose_table(connection, options.table, path)
        if not known:
            create_table(connection, name, options.index, fresh)
        connection.execute('COMMIT')
    except BaseException:
        if connection.in_transaction:
            connection.execute('ROLLBACK')
        raise
    return name


def _lock(path: str, number: int, name: str) -> WriterLock:
    try:
        return WriterLock(path, number, name)
    except StoreLocked as error:
        if error.pid != os.getpid():
            raise
    # A store of this process that nobody can reach any more may hold it.
    gc.collect()
    return WriterLock(path, number, name)


def _settle(database: Database, options: Options, config: Mapping[str, Any] | None) -> None:
    """Bring the index configuration that is stored and the one given together."""
    stored, state = database.index, database.state
    # The length of vectors that are there counts like one that was asked for.
    fixed = replace(stored, n_dim=state.dim) if state.vectors else stored
    wanted = settle_index(config, fixed, database.path)
    if stored.n_dim is None and (config or {}).get('n_dim') is None:
        wanted = replace(wanted, n_dim=None)
    if wanted == stored:
        return
    database.index = wanted
    if not options.read_only:
        save_index(database.connection, database.tables.number, wanted)


# --------------------------------------------------------------------------- forks

_open: weakref.WeakSet[Database] = weakref.WeakSet()
_left_alone: list[sqlite3.Connection] = []
_watching = False


def _watch_forks(database: Database) -> None:
    global _watching  # noqa: PLW0603 - a hook at forks cannot be taken back
    _open.add(database)
    if not _watching and hasattr(os, 'register_at_fork'):
        _watching = True
        os.register_at_fork(after_in_child=_after_fork)


def _after_fork() -> None:
    """Keep the child from closing what the parent uses."""
    for database in list(_open):
        _left_alone.append(database.connection)
        database.sync.forget()
