"""Text indexes inside the database: FTS5 tables that triggers keep in step.

An index is made when a field is first searched. From then on every writer
changes it in the statement that changes the document, so it commits, rolls
back and survives crashes with it, whoever writes.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from .. import _core
from ..errors import DocstoreError
from ..textindex.fts5 import create_index, search_index
from ..textindex.words import words_of
from .sqlite_schema import PLAIN, Tables, mark_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..textindex.base import Ranked

__all__ = ['TextTables']

_REGISTRY = 'docstore_texts'
#: Version of what a text index holds: one of another version is made anew.
_VERSION = 1
_DAMAGED = (
    *('malformed', 'no such table', 'fts5: corruption', 'vtable constructor failed'),
    'invalid fts5 file format',
)
_PARTS = ('data', 'idx', 'docsize', 'config')


class TextTables:
    """The text indexes of one array. They belong to one store, whose lock guards them."""

    def __init__(self, connection: sqlite3.Connection, tables: Tables) -> None:
        self._connection = connection
        self._tables = tables
        # Triggers call it where the readable column is not the value itself.
        connection.create_function('docstore_words', 2, _words, deterministic=True)

    def find(self, field: str, tokenizer: str) -> str | None:
        """The table of an index; None if there is none, or of another version."""
        row = self._entry(field, tokenizer)
        return _name(row[0]) if row is not None and row[1] == _VERSION else None

    def _entry(self, field: str, tokenizer: str) -> tuple[int, int] | None:
        if not self._registered():
            return None
        found: tuple[int, int] | None = self._connection.execute(
            f'SELECT number, version FROM {_REGISTRY} '
            'WHERE "array" = ? AND field = ? AND tokenizer = ?',
            (self._tables.number, field, tokenizer),
        ).fetchone()
        return found

    def _registered(self) -> bool:
        sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return self._connection.execute(sql, (_REGISTRY,)).fetchone() is not None

    def search(self, table: str, expressions: Sequence[str], k: int | None) -> Ranked:
        """As :meth:`docstore.textindex.base.TextIndex.search`."""
        return search_index(self._connection, table, expressions, k)

    def empty(self, table: str) -> bool:
        """Whether no document has a text in this index."""
        sql = f'SELECT 1 FROM {table}_docsize LIMIT 1'
        return self._connection.execute(sql).fetchone() is None

    def make(self, field: str, tokenizer: str) -> str:
        """Make an index anew, inside the transaction of the caller; returns its table."""
        self._connection.execute(
            f'CREATE TABLE IF NOT EXISTS {_REGISTRY} (number INTEGER PRIMARY KEY, '
            '"array" INTEGER NOT NULL, field TEXT NOT NULL, tokenizer TEXT NOT NULL, '
            'version INTEGER NOT NULL, UNIQUE ("array", field, tokenizer))'
        )
        mark_text(self._connection, self._tables.number)
        old = self._entry(field, tokenizer)
        if old is not None:
            self._drop(old[0])
        number = self._connection.execute(
            f'INSERT INTO {_REGISTRY} ("array", field, tokenizer, version) VALUES (?, ?, ?, ?)',
            (self._tables.number, field, tokenizer, _VERSION),
        ).lastrowid
        assert number is not None
        table = _name(number)
        create_index(self._connection, table, tokenizer)
        words = _sql(field, '')
        self._connection.execute(
            f'INSERT INTO {table} (rowid, words) SELECT row, {words} '
            f'FROM {self._tables.documents} WHERE {words} IS NOT NULL'
        )
        for statement in _triggers(table, self._tables.documents, field):
            self._connection.execute(statement)
        return table

    def _drop(self, number: int) -> None:
        execute = self._connection.execute
        for event in ('insert', 'delete', 'update'):
            execute(f'DROP TRIGGER IF EXISTS {_name(number)}_{event}')
        table = _name(number)
        try:
            execute(f'DROP TABLE IF EXISTS {table}')
        except sqlite3.Error:
            # It has to be readable to be dropped: let it be an empty one.
            create_index(self._connection, f'{table}_new', 'unicode61')
            for part in _PARTS:
                execute(f'DELETE FROM {table}_{part}')
                execute(f'INSERT INTO {table}_{part} SELECT * FROM {table}_new_{part}')
            execute(f'DROP TABLE {table}_new')
            execute(f'DROP TABLE {table}')
        execute(f'DELETE FROM {_REGISTRY} WHERE number = ?', (number,))

    def drop_all(self) -> bool:
        """Remove all text indexes of the array: each is made again by a search.

        Returns
        -------
        bool
            Whether there was any.
        """
        numbers = self._numbers()
        for number in numbers:
            self._drop(number)
        return bool(numbers)

    def _numbers(self) -> list[int]:
        if not self._registered():
            return []
        sql = f'SELECT number FROM {_REGISTRY} WHERE "array" = ?'
        return [number for (number,) in self._connection.execute(sql, (self._tables.number,))]

    def optimize(self) -> None:
        """Leave nothing of deleted texts in the indexes of this array."""
        for number in self._numbers():
            table = _name(number)
            self._connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")

    @staticmethod
    def damaged(error: sqlite3.Error) -> bool:
        """Whether an index that raises this has to be made anew."""
        return any(words in str(error) for words in _DAMAGED)


def _name(number: int) -> str:
    # No array can have a name that begins so.
    return f'docstore_text_{number}'


def _sql(field: str, row: str) -> str:
    """SQL for the text to search in a line of the documents table; ``row`` is its prefix."""
    if field in PLAIN:
        bit = 1 << (PLAIN.index(field) + 1)
        return (
            f"nullif(CASE WHEN {row}lossy & {bit} THEN docstore_words({row}payload, '{field}') "
            f"ELSE {row}{field} END, '')"
        )
    quoted = field.replace("'", "''")
    return (
        f'CASE WHEN {row}tags IS NULL AND NOT {row}lossy & 1 THEN NULL '
        f"ELSE docstore_words({row}payload, '{quoted}') END"
    )


def _triggers(table: str, documents: str, field: str) -> list[str]:
    old, new = _sql(field, 'OLD.'), _sql(field, 'NEW.')
    removal = (
        f"INSERT INTO {table} ({table}, rowid, words) SELECT 'delete', OLD.row, {old} "
        f'WHERE {old} IS NOT NULL;'
    )
    addition = f'INSERT INTO {table} (rowid, words) SELECT NEW.row, {new} WHERE {new} IS NOT NULL;'
    column = field if field in PLAIN else 'tags'
    update = (
        f'CREATE TRIGGER {table}_update AFTER UPDATE OF {column}, lossy, payload ON {documents} '
        f'WHEN {old} IS NOT {new} BEGIN {removal} {addition} END'
    )
    return [
        f'CREATE TRIGGER {table}_insert AFTER INSERT ON {documents} BEGIN {addition} END',
        f'CREATE TRIGGER {table}_delete AFTER DELETE ON {documents} BEGIN {removal} END',
        update,
    ]


def _words(payload: Any, field: str) -> str | None:
    """The text to search at a path of a packed document; None if it is unreadable."""
    steps = field.split('__')
    try:
        # Numbers may be keys or places in a list: each step asks the value itself.
        value = _core.unpack_paths([payload], steps[:1])[0]
    except DocstoreError:
        return None
    for step in steps[1:]:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, (list, tuple)) and step.removeprefix('-').isdecimal():
            place = int(step)
            value = value[place] if -len(value) <= place < len(value) else None
        else:
            return None
    return words_of(value)
