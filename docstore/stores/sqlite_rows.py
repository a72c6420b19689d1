"""A record as a line of the documents table, and back.

The payload is the record; the other columns are copies of fields for people,
tools and filters. Where a copy cannot be faithful (NaN in tags, bytes, a
number where text belongs) its bit in ``lossy`` is set, and nobody trusts it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .. import _core
from ..errors import CorruptData, EncodeError, InvalidDocument
from .sqlite_errors import corrupt
from .sqlite_schema import PLAIN

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    import numpy as np
    import numpy.typing as npt

    from .base import Record

    IntArray = npt.NDArray[np.int64]

__all__ = ['CONTENT', 'SHOWN', 'check_id', 'checked', 'encode', 'insert_rows', 'or_null', 'unpack']

#: Columns of the documents table that show a field.
SHOWN = ('tags', *PLAIN)
#: Columns that every document needs.
CONTENT = ('lossy', 'crc', 'payload')

_AT_ONCE = 1024  # documents that are packed before they are inserted
_TEXT = frozenset(('text', 'uri', 'mime_type', 'modality', 'parent_id'))
_pack, _crc32c = _core.pack, _core.crc32c


def encode(rows: IntArray, records: list[Record], shown: Sequence[str]) -> tuple[list[Any], ...]:
    """Columns for records: those that are shown, then :data:`CONTENT`.

    Payloads are bytearrays: sqlite3 takes these as they are, but looks for
    adapters of bytes and of None, which costs more than the packing.

    Raises
    ------
    EncodeError
        If a value cannot be stored; the message names id and field.
    """
    try:
        payloads, checksums = _core.pack_rows(records, rows, 'embedding')
    except EncodeError:
        _refuse(records)
        raise
    lossy = [0] * len(records)
    columns = []
    for name in shown:
        if name == 'tags':
            values = _tags(records, payloads)
        else:
            values = [_plain(name, record.get(name)) for record in records]
        bit = 1 << SHOWN.index(name)
        for i, value in enumerate(values):
            if value is None and records[i].get(name) is not None:
                lossy[i] |= bit
        columns.append(values)
    return (*columns, lossy, checksums, payloads)


def insert_rows(
    connection: sqlite3.Connection,
    documents: str,
    entries: IntArray,
    ids: Sequence[str],
    records: Sequence[Record],
) -> None:
    """Insert documents, inside the transaction of the caller.

    Columns that none of the records shows anything in are not named: binding a
    null costs as much as packing a field.

    Parameters
    ----------
    connection : sqlite3.Connection
        The database.
    documents : str
        The table.
    entries : ndarray of shape (3, count)
        The ranks, rows and vector lines.
    ids : sequence of str
        The ids, which were checked.
    records : sequence of mapping
        The plain fields.
    """
    names: set[str] = set().union(*records)
    shown = [name for name in SHOWN if name in names]
    columns = ('rank', 'row', 'line', 'id', *shown, *CONTENT)
    sql = f'INSERT INTO {documents} ({", ".join(columns)}) VALUES ({", ".join("?" * len(columns))})'
    for start in range(0, len(ids), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        ranks, rows, lines = entries[:, part]
        content = encode(rows, list(records[part]), shown)
        values = zip(
            ranks.tolist(), rows.tolist(), or_null(lines), ids[part], *content, strict=True
        )
        connection.executemany(sql, values)


def or_null(lines: IntArray) -> list[int | None]:
    """Vector lines as the database has them."""
    return [None if line < 0 else line for line in lines.tolist()]


def _refuse(records: Iterable[Record]) -> None:
    """Raise the error of the first record that cannot be packed."""
    for record in records:
        try:
            _pack({name: value for name, value in record.items() if name != 'embedding'})
        except EncodeError as error:
            raise EncodeError(f'document {record["id"]!r} cannot be stored: {error}') from None


def checked(row: int, crc: int, payload: Any, path: str, table: str) -> bytes:
    """A payload whose checksum is right.

    Raises
    ------
    CorruptStore
        If it is not.
    """
    if type(payload) is not bytes or _crc32c(payload, row & 0xFFFFFFFF) != crc:
        raise corrupt(path, 'the checksum of its payload is wrong', table, row)
    return payload


def unpack(row: int, crc: int, payload: Any, path: str, table: str) -> Record:
    """The record of a payload, without its vectors.

    Raises
    ------
    CorruptStore
        If it is damaged.
    """
    try:
        record: Record = _core.unpack(checked(row, crc, payload, path, table))
    except CorruptData as error:
        raise corrupt(path, str(error), table, row) from error
    return record


def check_id(record: Record) -> str:
    """The id of a record, if it can be one.

    Raises
    ------
    InvalidDocument
        If it is missing, no string, or not valid Unicode.
    """
    name = record.get('id')
    if not isinstance(name, str):
        raise InvalidDocument(
            f'a stored document needs a str as id, got {type(name).__name__} {name!r}'
        )
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:
            raise InvalidDocument(f'the id {name!r} is not valid Unicode') from None
    return name


def _tags(records: Sequence[Record], payloads: list[bytearray]) -> list[str | None]:
    """Tags as JSON that says the same; None if there is none."""
    texts = _core.json_paths(payloads, ('tags',))
    return [
        text if type(record.get('tags')) is dict else None
        for record, text in zip(records, texts, strict=True)
    ]


def _plain(name: str, value: Any) -> Any:
    """What a readable column holds; None if it would not be the value itself."""
    kind = type(value)
    if kind is str:
        # That it is valid Unicode was seen to when it was packed.
        good = name in _TEXT and '\0' not in value
    elif kind is float:
        good = name not in _TEXT and math.isfinite(value)
    else:
        good = name not in _TEXT and kind is int and -(1 << 63) <= value < 1 << 63
    return value if good else None
