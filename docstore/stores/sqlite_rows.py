"""A record as a line of the documents table, and back.

The payload is the record; the other columns are copies of fields for people,
tools and filters. Where a copy cannot be faithful (NaN in tags, bytes, a
number where text belongs) its bit in ``lossy`` is set, and nobody trusts it.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from .. import _core
from ..errors import CorruptData, EncodeError, InvalidDocument
from .sqlite_errors import corrupt
from .sqlite_schema import PLAIN

if TYPE_CHECKING:
    from .base import Record

__all__ = ['DOCUMENT_COLUMNS', 'check_id', 'checked', 'encode', 'unpack']

#: Columns of the documents table that :func:`encode` makes, in its order.
DOCUMENT_COLUMNS = ('tags', *PLAIN, 'lossy', 'crc', 'payload')

_TEXT = frozenset(('text', 'uri', 'mime_type', 'modality', 'parent_id'))
_BITS = {name: 1 << bit for bit, name in enumerate(('tags', *PLAIN))}
_PLACES = {name: place for place, name in enumerate(PLAIN)}
_LONG_NUMBER = re.compile(r'(?<![.\d])\d{19}')
_to_json = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(',', ':')
).encode
_pack, _crc32c = _core.pack, _core.crc32c


def encode(row: int, record: Record) -> tuple[Any, ...]:
    """The values of :data:`DOCUMENT_COLUMNS` for a record.

    Raises
    ------
    EncodeError
        If a value cannot be stored; the message names id and field.
    """
    if 'embedding' in record:
        record = {name: value for name, value in record.items() if name != 'embedding'}
    try:
        payload = _pack(record)
    except EncodeError as error:
        raise EncodeError(f'document {record["id"]!r} cannot be stored: {error}') from None
    lossy = 0
    tags = record.get('tags')
    if tags is not None:
        tags = _tags_json(tags)
        if tags is None:
            lossy = _BITS['tags']
    plain: list[Any] = [None] * len(PLAIN)
    for name, value in record.items():
        if value is not None and name in _PLACES:
            plain[_PLACES[name]] = shown = _plain(name, value)
            if shown is None:
                lossy |= _BITS[name]
    return (tags, *plain, lossy, _crc32c(payload, row & 0xFFFFFFFF), payload)


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


def _tags_json(tags: Any) -> str | None:
    """Tags as JSON that says the same; None if there is none."""
    if type(tags) is not dict:
        return None
    try:
        text = _to_json(tags)
    except (TypeError, ValueError, RecursionError):
        return None
    # Numbers beyond 64 bits, and what SQLite's JSON cannot give back. A long
    # row of digits in a text is a false alarm that does no harm.
    if '\\u0000' in text or _LONG_NUMBER.search(text):
        return None
    return text if _is_unicode(text) else None


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(name: str, value: Any) -> Any:
    """What a readable column holds; None if it would not be the value itself."""
    kind = type(value)
    if name in _TEXT:
        good = kind is str and '\0' not in value and _is_unicode(value)
    elif kind is float:
        good = math.isfinite(value)
    else:
        good = kind is int and -(1 << 63) <= value < 1 << 63
    return value if good else None
