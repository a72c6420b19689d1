"""The tables of a docstore database, and what it remembers of each array."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import _core
from ..errors import InvalidConfig, NotAStore, UnsupportedFormat
from .config import dump_index, load_index
from .sqlite_errors import corrupt

if TYPE_CHECKING:
    import sqlite3

    from .base import IndexConfig

__all__ = [
    'APPLICATION_ID',
    'FORMAT',
    'PLAIN',
    'State',
    'Tables',
    'choose_table',
    'create_table',
    'load_state',
    'mark_text',
    'names_beside',
    'save_index',
    'save_state',
]

#: ``PRAGMA application_id`` of databases that docstore made: 'dcst'.
APPLICATION_ID = 0x64637374
#: Version of the layout, in ``PRAGMA user_version`` and for each array.
FORMAT = 1
#: Version of an array whose texts are indexed: writers must know what its triggers call.
_WITH_TEXT = 2

_REGISTRY = 'docstore_tables'
_SUFFIXES = ('_vector_blocks', '_vector_tail')

#: Fields that have a readable column of their own, besides id and tags; the
#: place of each, counted from 1, is its bit in ``lossy`` (tags: bit 0).
PLAIN = (
    'text',
    'uri',
    'mime_type',
    'modality',
    'parent_id',
    'weight',
    'granularity',
    'adjacency',
    'offset',
)


@dataclass(slots=True)
class State:
    """What a store knows of its array without reading it; saved by each write."""

    sequence: int = 0
    rows: int = 0
    next_row: int = 0
    vectors: int = 0
    next_line: int = 0
    first_tail: int = 0
    dtype: str | None = None
    dim: int | None = None

    def copy(self) -> State:
        """Another one with the same values, made by every write."""
        return State(
            self.sequence,
            self.rows,
            self.next_row,
            self.vectors,
            self.next_line,
            self.first_tail,
            self.dtype,
            self.dim,
        )


_STATE = tuple(State.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Tables:
    """The names of the tables of one array, quoted for SQL."""

    number: int
    name: str

    @property
    def documents(self) -> str:
        return f'"{self.name}"'

    @property
    def blocks(self) -> str:
        return f'"{self.name}{_SUFFIXES[0]}"'

    @property
    def tail(self) -> str:
        return f'"{self.name}{_SUFFIXES[1]}"'

    @property
    def order(self) -> str:
        return f'"{self.name}_order"'


def choose_table(connection: sqlite3.Connection, wanted: str | None, path: str) -> tuple[str, bool]:
    """Which array of a database is meant, and whether it exists.

    Raises
    ------
    InvalidConfig
        If there are several and none was named, or the name cannot be used.
    NotAStore
        If the name belongs to a table of somebody else.
    UnsupportedFormat
        If a newer version of docstore made it.
    """
    names = _table_names(connection)
    ours = _arrays(connection, path) if _REGISTRY in names else {}
    if wanted is None:
        wanted = _only_one(ours, path)
        if wanted is None:
            _refuse_legacy_database(connection, names, path)
    name = wanted or 'docs'
    if name.lower() in ours:
        return ours[name.lower()], True
    _check_name(name)
    taken = {other.lower() for other in names}
    if name.lower() in taken:
        _refuse_foreign(connection, name, path)
    for suffix in (*_SUFFIXES, '_order'):
        if (name + suffix).lower() in taken:
            raise InvalidConfig(
                f'the name {name + suffix!r} is taken in {path}: use another table_name'
            )
    return name, False


def create_table(
    connection: sqlite3.Connection, name: str, index: IndexConfig, fresh: bool
) -> None:
    """Make the tables of a new array, inside the transaction of the caller."""
    if fresh:
        connection.execute(f'PRAGMA application_id = {APPLICATION_ID}')
        connection.execute(f'PRAGMA user_version = {FORMAT}')
    connection.execute(
        f'CREATE TABLE IF NOT EXISTS {_REGISTRY} (number INTEGER PRIMARY KEY, '
        'name TEXT NOT NULL UNIQUE COLLATE NOCASE, format INTEGER NOT NULL, '
        'index_config TEXT NOT NULL, sequence INTEGER NOT NULL, rows INTEGER NOT NULL, '
        'next_row INTEGER NOT NULL, vectors INTEGER NOT NULL, next_line INTEGER NOT NULL, '
        'first_tail INTEGER NOT NULL, dtype TEXT, dim INTEGER)'
    )
    state = State(dim=index.n_dim)
    marks = ', '.join('?' * (3 + len(_STATE)))
    connection.execute(
        f'INSERT INTO {_REGISTRY} (name, format, index_config, {", ".join(_STATE)}) '
        f'VALUES ({marks})',
        (name, FORMAT, _dump(index), *(getattr(state, key) for key in _STATE)),
    )
    tables = Tables(0, name)
    columns = ', '.join(f'{field}{_TYPES.get(field, "")}' for field in PLAIN)
    connection.execute(
        f'CREATE TABLE {tables.documents} (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, '
        f'rank INTEGER NOT NULL, line INTEGER, tags TEXT, {columns}, '
        'lossy INTEGER NOT NULL, crc INTEGER NOT NULL, payload BLOB NOT NULL)'
    )
    connection.execute(f'CREATE INDEX {tables.order} ON {tables.documents} (rank, line)')
    connection.execute(
        f'CREATE TABLE {tables.blocks} (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, '
        'crc INTEGER NOT NULL, data BLOB NOT NULL)'
    )
    connection.execute(
        f'CREATE TABLE {tables.tail} (line INTEGER PRIMARY KEY, crc INTEGER NOT NULL, '
        'data BLOB NOT NULL)'
    )


# Numbers have no declared type, so that an int stays an int.
_TYPES = dict.fromkeys(('text', 'uri', 'mime_type', 'modality', 'parent_id'), ' TEXT')


def load_state(connection: sqlite3.Connection, name: str) -> tuple[int, State, IndexConfig]:
    """The number of an array, its state, and the configuration of its index."""
    number, index, *values = connection.execute(
        f'SELECT number, index_config, {", ".join(_STATE)} FROM {_REGISTRY} WHERE name = ?', (name,)
    ).fetchone()
    return number, State(*values), _parse_index(connection, name, index)


def save_state(connection: sqlite3.Connection, number: int, state: State) -> None:
    """Write the state, inside the transaction of the caller."""
    connection.execute(
        _SAVE,
        (
            state.sequence,
            state.rows,
            state.next_row,
            state.vectors,
            state.next_line,
            state.first_tail,
            state.dtype,
            state.dim,
            number,
        ),
    )


_SAVE = f'UPDATE {_REGISTRY} SET {", ".join(f"{key} = ?" for key in _STATE)} WHERE number = ?'


def names_beside(connection: sqlite3.Connection, name: str) -> list[str]:
    """The arrays that stand beside another one, without its name."""
    found = connection.execute(f'SELECT name FROM {_REGISTRY} ORDER BY number')
    return [other[len(name) :] for (other,) in found if other.startswith(name + '@')]


def save_index(connection: sqlite3.Connection, number: int, index: IndexConfig) -> None:
    """Write the configuration of the index."""
    connection.execute(
        f'UPDATE {_REGISTRY} SET index_config = ? WHERE number = ?', (_dump(index), number)
    )


def mark_text(connection: sqlite3.Connection, number: int) -> None:
    """Say that an array has text indexes, inside the transaction of the caller."""
    connection.execute(
        f'UPDATE {_REGISTRY} SET format = ? WHERE number = ? AND format < ?',
        (_WITH_TEXT, number, _WITH_TEXT),
    )


def _dump(index: IndexConfig) -> str:
    plain = dump_index(index)
    return json.dumps({**plain, 'crc': _checksum(plain)})


def _parse_index(connection: sqlite3.Connection, table: str, text: str) -> IndexConfig:
    """What :func:`_dump` wrote, its checksum proven; an index of another name would be built."""
    try:
        plain = json.loads(text)
        # The first databases of this format have no checksum here.
        crc = plain.pop('crc', None)
        if crc is None or crc == _checksum(plain):
            return load_index(plain)
    except (AttributeError, TypeError, ValueError):
        pass
    path = connection.execute('PRAGMA database_list').fetchone()[2]
    raise corrupt(path, 'the configuration of its index fails its checksum', table)


def _checksum(plain: dict[str, object]) -> int:
    return _core.crc32c(json.dumps(plain, sort_keys=True).encode())


def _table_names(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute('SELECT name FROM sqlite_master')}


def _arrays(connection: sqlite3.Connection, path: str) -> dict[str, str]:
    """The arrays of the database, by lower-case name."""
    found = connection.execute(f'SELECT name, format FROM {_REGISTRY}').fetchall()
    for name, version in found:
        if version > _WITH_TEXT:
            raise UnsupportedFormat(
                f'table {name!r} of {path} has format {version}; this version of docstore reads '
                f'up to {_WITH_TEXT}: install a newer one'
            )
    return {name.lower(): name for name, _ in found}


def _only_one(ours: dict[str, str], path: str) -> str | None:
    # Those beside another array are found through it.
    ours = {key: name for key, name in ours.items() if '@' not in name}
    if len(ours) > 1 and 'docs' not in ours:
        raise InvalidConfig(
            f'{path} holds several arrays, say which with table_name: '
            + ', '.join(map(repr, sorted(ours.values())))
        )
    if 'docs' in ours:
        return ours['docs']
    return next(iter(ours.values()), None)


def _check_name(name: str) -> None:
    lower = name.lower()
    if lower.startswith(('sqlite_', 'docstore_')) or lower.endswith((*_SUFFIXES, '_order')):
        raise InvalidConfig(f'table_name {name!r} is reserved: use another one')


def _columns(connection: sqlite3.Connection, name: str) -> set[str]:
    return {row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')}


def _refuse_foreign(connection: sqlite3.Connection, name: str, path: str) -> None:
    if {'doc_id', 'serialized_value', 'item_order'} <= _columns(connection, name):
        raise _legacy(path, [name])
    raise NotAStore(
        f'{path} has a table {name!r} that docstore did not make: use another table_name', code=0
    )


def _refuse_legacy_database(connection: sqlite3.Connection, names: set[str], path: str) -> None:
    if 'metadata' not in names:
        return
    if {'table_name', 'schema_version', 'container_type'} <= _columns(connection, 'metadata'):
        found = connection.execute('SELECT table_name FROM metadata').fetchall()
        raise _legacy(path, [str(name) for (name,) in found])


def _legacy(path: str, names: list[str]) -> NotAStore:
    table = f', table_name={names[0]!r}' if names else ''
    return NotAStore(
        f'{path} was written by docarray 0.x (tables: {", ".join(map(repr, names))}) and cannot '
        f'be opened in place. Import it: docstore.legacy.load_sqlite({path!r}{table}, '
        "storage='sqlite', config={'connection': 'new.db'}); or give a new table_name to keep an "
        'array beside the old ones',
        code=0,
    )
