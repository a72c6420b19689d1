"""A second array in the database of a SQLite store, over the same connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InvalidConfig
from .config import settle_index, split_config
from .sqlite import SqliteStore
from .sqlite_errors import translate
from .sqlite_filter import Filters
from .sqlite_schema import Tables, create_table, load_state, names_beside, save_index
from .sqlite_session import guarded
from .sqlite_sync import LogSync

if TYPE_CHECKING:
    from .sqlite_open import Database

__all__ = ['BesideStore', 'open_beside']


def open_beside(parent: SqliteStore, name: str, config: Mapping[str, Any]) -> BesideStore:
    """The array beside that of ``parent``, made if it is not there."""
    import sqlite3

    if not name.startswith('@') or '"' in name or '\0' in name:
        raise InvalidConfig(f"a store beside another has a name such as '@c', not {name!r}")
    with parent._lock:
        try:
            return BesideStore(parent, _database(parent, name, config))
        except sqlite3.Error as error:
            raise translate(error, parent._path) from error


def _database(parent: SqliteStore, name: str, config: Mapping[str, Any]) -> Database:
    connection, own = parent._connection, parent._table.tables.name
    full = own + name
    _, wanted = split_config(config, {}, 'sqlite')
    if name not in names_beside(connection, own):
        parent._check_writable()
        connection.execute('SAVEPOINT beside')
        try:
            create_table(connection, full, wanted, fresh=False)
            connection.execute('RELEASE beside')
        except BaseException:
            connection.execute('ROLLBACK TO beside')
            connection.execute('RELEASE beside')
            raise
    number, state, stored = load_state(connection, full)
    fixed = replace(stored, n_dim=state.dim) if state.vectors else stored
    index = settle_index(config, fixed, f'{parent._path}, table {full!r}')
    if stored.n_dim is None and config.get('n_dim') is None:
        index = replace(index, n_dim=None)
    if index != stored and not parent.read_only:
        save_index(connection, number, index)
    log = parent._path if parent._options.journal == 'WAL' and not parent.read_only else None
    return replace(
        parent._database,
        tables=Tables(number, full),
        state=state,
        index=index,
        sync=LogSync(None if log == ':memory:' else log),
        lock=None,
        folder=None,
        own=False,
    )


class BesideStore(SqliteStore):
    """An array that shares the connection, the lock and the transactions of another.

    Use :meth:`SqliteStore.beside`.
    """

    _joined: ClassVar[bool] = True

    def __init__(self, parent: SqliteStore, database: Database) -> None:
        self._parent = parent
        super().__init__(parent._options, None, database)
        self._lock = parent._lock

    @property
    def _in_transaction(self) -> bool:
        return self._parent._in_transaction

    @_in_transaction.setter
    def _in_transaction(self, value: bool) -> None:
        pass  # only the parent starts and ends transactions

    @property
    def _ended(self) -> bool:
        return self._parent._ended

    @_ended.setter
    def _ended(self, value: bool) -> None:
        if value:
            self._parent._ended = self._parent._touched = True

    def _make_filters(self) -> Filters:
        return Filters(self._connection, self._table.tables.documents, self._parent._filters)

    def _content_changed(self) -> None:
        super()._content_changed()
        self.sequence = self._table.state.sequence

    def _start_snapshot(self) -> None:
        # The parent has begun it.
        self._set_state(load_state(self._connection, self._table.tables.name)[1])
        self.sequence = self._table.state.sequence

    @guarded
    def begin(self) -> None:
        self._check_writable()

    @guarded
    def commit(self) -> None:
        self._touched = False

    @guarded
    def rollback(self) -> None:
        self._touched = True
        self._undo(self._table.state)

    @guarded
    def refresh(self) -> bool:
        return self._look_again()

    def beside(self, name: str, config: Mapping[str, Any]) -> SqliteStore:
        raise InvalidConfig('a store beside another has none beside itself')

    def close(self) -> None:
        with self._lock:
            if not self._closed:
                self._sync.now()
                self._closed = True
                self._close()
