"""What docarray 0.13 to 0.21 left behind: its SQLite databases.

Its files need no module of their own: ``DocumentArray.load_binary`` reads them when
their protocol is named. A database is another matter, since it holds one pickled (or
protobuf) Document a row and does not say which. :func:`load_sqlite` finds out row by
row, builds nothing but Documents of what it reads, and leaves the file as it is.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .array import DocumentArray
from .codecs.transfer import load_record
from .display.progress import tracked_steps
from .document import Document
from .errors import (
    CorruptData,
    InvalidArgument,
    InvalidConfig,
    InvalidType,
    NotAStore,
    StorageError,
    did_you_mean,
)
from .stores.sqlite_errors import corrupt, translate

if TYPE_CHECKING:
    from .codecs.compression import Limits

__all__ = ['load_sqlite', 'tables']

_BATCH = 1000
_PROTOCOLS = ('pickle', 'protobuf')
_REGISTRY = {'table_name', 'schema_version', 'container_type'}
_COLUMNS = {'doc_id', 'serialized_value', 'item_order'}

# No protobuf message of a Document starts with any of these.
_COMPRESSED = (
    (b'\x1f\x8b', 'gzip'),
    (b'\x04"M\x18', 'lz4'),
    (b'BZh', 'bz2'),
    (b'\xfd7zXZ\0', 'lzma'),
)


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the values of a table are turned into plain fields."""

    serialized: Mapping[str, Any] | None
    limits: Limits | None
    trusted: bool

    def record(self, data: bytes) -> dict[str, Any]:
        """The plain fields of one value."""
        given = self.serialized
        compress = _compression(data) if given is None else given.get('compress')
        protocol = None if given is None else given.get('protocol', 'pickle')
        if protocol is None:
            # What is packed is only known when it is unpacked: the start is enough.
            start = _unpacked(data, compress, self.limits) if compress else data
            protocol = 'pickle' if start[:1] == b'\x80' else 'protobuf'
            data, compress = start, None
        trusted = {'trusted': True} if self.trusted and protocol == 'pickle' else {}
        return load_record(data, protocol, compress, self.limits, **trusted)


def tables(path: str | os.PathLike[str]) -> dict[str, int]:
    """The arrays of a database of docarray, and how many Documents each holds.

    Parameters
    ----------
    path : str or Path
        The database file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    NotAStore
        If docarray did not write it.

    Examples
    --------
    >>> tables('no-such.db')
    Traceback (most recent call last):
    FileNotFoundError: there is no file 'no-such.db'
    """
    with _opened(path) as connection:
        return {name: _count(connection, name) for name in _names(connection, path)}


def load_sqlite(
    path: str | os.PathLike[str],
    table_name: str | None = None,
    *,
    storage: str = 'memory',
    config: Mapping[str, Any] | None = None,
    serialize_config: Mapping[str, Any] | None = None,
    streaming: bool = False,
    show_progress: bool = False,
    limits: Limits | None = None,
    trusted: bool = False,
) -> Any:
    """The Documents that docarray 0.13 to 0.21 kept in a SQLite database, in their order.

    The database is only read. Into a store it goes in batches and in one transaction:
    all Documents are added behind those that are there, or none.

    Parameters
    ----------
    path : str or Path
        The database file.
    table_name : str, optional
        Which of its arrays (:func:`tables`). The only one, if not given; tables that
        docarray made for subindices of it do not count.
    storage, config
        Where the Documents go, as for :class:`~docstore.DocumentArray`.
    serialize_config : dict, optional
        What docarray was given for the table: ``protocol`` (``'pickle'`` or
        ``'protobuf'``) and ``compress``. Without it each value tells.
    streaming : bool
        Give the Documents one after the other instead of an array.
    show_progress : bool
        Whether to show a progress bar.
    limits : Limits, optional
        How much compressed values may grow.
    trusted : bool
        Let pickles build objects of any class, which can run any code.

    Returns
    -------
    DocumentArray
        Or an iterator of Document, with ``streaming``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    NotAStore
        If docarray did not write it.
    InvalidArgument
        If there is no such table, or there are several and none was named.
    CorruptData
        If a value cannot be read; the message names file, table and Document.
    StorageError
        If somebody writes to the database meanwhile.

    Examples
    --------
    >>> load_sqlite('old.db', 'articles', storage='disk', config={'path': 'articles'})
    Traceback (most recent call last):
    FileNotFoundError: there is no file 'old.db'
    """
    reading = _Reading(_checked(serialize_config), limits, trusted)
    table = _table(path, table_name)
    if streaming:
        if storage != 'memory' or config is not None:
            raise InvalidArgument('streaming gives Documents, and keeps them in no storage')
        return _documents(path, table, reading, show_progress)
    _refuse_same(path, storage, config)
    array = DocumentArray(storage=storage, config=config)
    try:
        with array:
            for batch in _batches(path, table, reading, show_progress):
                array.extend(batch)
    except BaseException:
        array.close()
        raise
    return array


# --------------------------------------------------------------------- what is asked for


def _checked(given: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise InvalidType(f'serialize_config must be a mapping, not {type(given).__name__}')
    for key in given:
        if key not in ('protocol', 'compress'):
            hint = did_you_mean(key, ('protocol', 'compress'))
            raise InvalidConfig(f'serialize_config has no key {key!r}{hint}')
    protocol = given.get('protocol', 'pickle')
    if protocol not in _PROTOCOLS:
        raise InvalidConfig(
            f'serialize_config: docarray kept no table as protocol={protocol!r}'
            f'{did_you_mean(protocol, _PROTOCOLS)}'
        )
    return given


def _table(path: str | os.PathLike[str], wanted: str | None) -> str:
    if wanted is not None and not isinstance(wanted, str):
        raise InvalidType(f'table_name must be a str, not {type(wanted).__name__}')
    with _opened(path) as connection:
        names = _names(connection, path)
    if wanted is None:
        roots = [name for name in names if not _is_part(name, names)]
        if len(roots) == 1:
            return roots[0]
        raise InvalidArgument(f'{os.fspath(path)} has the arrays {names}: give one as table_name')
    # docarray left other characters out, and SQLite does not care for upper case.
    for same in (str, str.lower, lambda name: re.sub(r'\W', '', name, flags=re.ASCII).lower()):
        found = [name for name in names if same(name) == same(wanted)]
        if found:
            return found[0]
    raise InvalidArgument(
        f'{os.fspath(path)} has no array {wanted!r}{did_you_mean(wanted, names)}; it has {names}'
    )


def _is_part(name: str, names: list[str]) -> bool:
    """Whether a table is of a subindex: docarray wrote the name of its array before it."""
    return any(name.startswith(f'{other}subindex') for other in names)


def _refuse_same(
    path: str | os.PathLike[str], storage: str, config: Mapping[str, Any] | None
) -> None:
    target = (config or {}).get('connection') if storage == 'sqlite' else None
    if not isinstance(target, (str, os.PathLike)) or not os.path.exists(target):
        return
    if os.path.samefile(path, target):
        raise InvalidConfig(f'{os.fspath(path)} is only read: give another file as connection')


# ------------------------------------------------------------------------- the database


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[sqlite3.Connection]:
    """The database, for reading one state of it; nothing is written, not even beside it."""
    try:
        name = os.fspath(path)
    except TypeError:
        raise InvalidType(f'expected the path of a file, got {type(path).__name__}') from None
    if not os.path.exists(name):
        raise FileNotFoundError(f'there is no file {name!r}')
    if os.path.isdir(name):
        raise NotAStore(f'{name} is a folder, not a database of docarray', code=0)
    # Changes that are still in a log must be seen, which takes SQLite's own locking.
    # Otherwise the file is read as it lies there, even from a medium that is read-only;
    # that nobody changed it is then for us to see.
    logged = any(_size(name + suffix) for suffix in ('-wal', '-journal'))
    before = _stamp(name)
    mode = 'mode=ro' if logged else 'mode=ro&immutable=1'
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(
            f'file:{quote(os.path.abspath(name))}?{mode}',
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute('PRAGMA trusted_schema = OFF')
        connection.execute('BEGIN')
        yield connection
        if not logged and _stamp(name) != before:
            raise StorageError(f'{name} was written to while it was read: try again', code=0)
    except sqlite3.Error as error:
        if 'decode' in str(error):
            raise corrupt(name, f'a text is not UTF-8: {error}') from error
        raise translate(error, name, opening=True) from error
    finally:
        if connection is not None:
            connection.close()


def _size(path: str) -> int:
    return os.stat(path).st_size if os.path.exists(path) else 0


def _stamp(path: str) -> tuple[int, ...]:
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns, _size(path + '-wal')


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f'PRAGMA table_info({_quoted(table)})')}


def _count(connection: sqlite3.Connection, table: str) -> int:
    query = f'SELECT count(*) FROM {_quoted(table)}'  # noqa: S608 - a name, quoted
    return int(connection.execute(query).fetchone()[0])


def _names(connection: sqlite3.Connection, path: str | os.PathLike[str]) -> list[str]:
    """The arrays that the database says it has."""
    place = os.fspath(path)
    there = {
        str(name)
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    if 'metadata' not in there or not _columns(connection, 'metadata') >= _REGISTRY:
        if 'docstore_tables' in there:
            raise NotAStore(
                f'{place} was written by docstore: open it with DocumentArray.open(path)', code=0
            )
        raise NotAStore(f'{place} is a database, but docarray did not write it', code=0)
    rows = connection.execute('SELECT table_name FROM metadata ORDER BY rowid')
    names = [str(name) for (name,) in rows]
    for name in names:
        if name not in there or not _columns(connection, name) >= _COLUMNS:
            raise corrupt(place, 'docarray has noted it, but it is not there as such', table=name)
    if not names:
        raise NotAStore(f'{place} was made by docarray and holds no array', code=0)
    return names


# ------------------------------------------------------------------------- the documents


def _compression(data: bytes) -> str | None:
    for signature, name in _COMPRESSED:
        if data.startswith(signature):
            return name
    zlib = len(data) > 1 and data[0] == 0x78 and (data[0] * 256 + data[1]) % 31 == 0
    return 'zlib' if zlib else None


def _unpacked(data: bytes, compress: str, limits: Limits | None) -> bytes:
    from .codecs.compression import decompress_bytes

    return bytes(decompress_bytes(data, compress, limits))


def _batches(
    path: str | os.PathLike[str], table: str, reading: _Reading, show: bool
) -> Iterator[list[Document]]:
    columns = 'doc_id, serialized_value, item_order'
    query = f'SELECT {columns} FROM {_quoted(table)} ORDER BY item_order'  # noqa: S608 - quoted
    with _opened(path) as connection:
        steps = range(0, _count(connection, table), _BATCH)
        rows = connection.execute(query)
        for _ in tracked_steps(steps, f'Reading {table}', show):
            yield [_document(row, path, table, reading) for row in rows.fetchmany(_BATCH)]


def _documents(
    path: str | os.PathLike[str], table: str, reading: _Reading, show: bool
) -> Iterator[Document]:
    for batch in _batches(path, table, reading, show):
        yield from batch


def _document(
    row: tuple[Any, Any, Any], path: str | os.PathLike[str], table: str, reading: _Reading
) -> Document:
    key, data, order = row
    try:
        if not isinstance(data, bytes) or not data:
            raise CorruptData(f'the value is no bytes but {data!r:.40}')
        record = reading.record(data)
    except CorruptData as error:
        where = f'{os.fspath(path)}, table {table!r}, document {key!r} (item_order {order})'
        raise type(error)(
            f'{where}: {error}', file=os.fspath(path), table=table, row=order
        ) from error
    record.setdefault('id', str(key))
    return Document._of_record(record)
