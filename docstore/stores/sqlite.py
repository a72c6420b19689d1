"""The SQLite store: one database file that ordinary tools can read.

``docs/format-sqlite.md`` describes the file.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import InvalidArgument, UnknownField, did_you_mean
from ..schema import VECTOR_FIELDS
from .base import IndexConfig, Record, Vectors
from .sqlite_config import parse_config
from .sqlite_errors import corrupt
from .sqlite_schema import names_beside
from .sqlite_session import SqliteSession, guarded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from ..predicate import Predicate
    from ..textindex.base import Ranked

    RowArray = npt.NDArray[np.int64]

__all__ = ['SqliteStore', 'open_sqlite']


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


class SqliteStore(SqliteSession):
    """Rows of one array in a SQLite database.

    One connection, guarded by a lock, so that every method may be called
    from any thread; kernels that work on :meth:`vectors` run outside of it. A
    transaction belongs to the store, not to a thread.
    """

    name: ClassVar[str] = 'sqlite'

    # ------------------------------------------------------------------ reading

    @guarded
    def __len__(self) -> int:
        return self._table.state.rows

    @guarded
    def rows(self, start: int = 0, stop: int | None = None) -> RowArray:
        return self._table.order().rows(max(start, 0), stop)

    @guarded
    def positions(self, rows: Sequence[int] | RowArray) -> RowArray:
        return self._table.positions(np.asarray(rows, dtype=np.int64))

    @guarded
    def lookup(self, ids: Sequence[str]) -> RowArray:
        return self._table.lookup(ids)

    @guarded
    def read(self, rows: Sequence[int] | RowArray, vectors: bool = True) -> list[Record]:
        return self._table.read(rows, vectors)

    @guarded
    def column(self, path: str, rows: RowArray | None = None) -> list[Any]:
        return self._table.column(path, self._table.order().rows() if rows is None else rows)

    @guarded
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

    @guarded
    def select(self, predicate: Predicate) -> npt.NDArray[np.bool_] | None:
        rows = self._filters.rows(predicate)
        if rows is None:
            return None
        mask = np.zeros(self._table.state.rows, dtype=np.bool_)
        mask[self._table.order().inverse(rows)] = True
        return mask

    @guarded
    def search_text(
        self, field: str, tokenizer: str, expressions: Sequence[str], k: int | None
    ) -> Ranked | None:
        table = self._texts.find(field, tokenizer)
        if table is None:
            if self.read_only:
                return None
            table = self._make_text(field, tokenizer)
        try:
            return self._texts.search(table, expressions, k)
        except sqlite3.Error as error:
            if not self._texts.damaged(error):
                raise
            if self.read_only:
                return None
        return self._texts.search(self._make_text(field, tokenizer), expressions, k)

    def _make_text(self, field: str, tokenizer: str) -> str:
        with self._change_of_texts():
            return self._texts.make(field, tokenizer)

    # ------------------------------------------------------------------ beside

    def beside(self, name: str, config: Mapping[str, Any]) -> SqliteStore:
        from .sqlite_beside import open_beside

        return open_beside(self, name, config)

    @guarded
    def names_beside(self) -> list[str]:
        return names_beside(self._connection, self._table.tables.name)

    # ------------------------------------------------------------------ description

    @guarded
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
