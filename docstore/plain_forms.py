"""Documents as dicts and JSON text, in the two dialects that docarray had.

``'jsonschema'`` has a key for each field, ``'protobuf'`` is what the protobuf
package makes of a message.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from .codecs.jsons import from_plain, parse_json, read_plain, to_plain
from .errors import (
    CorruptData,
    EncodeError,
    InvalidArgument,
    InvalidType,
    UnknownName,
    UnsupportedOperation,
    did_you_mean,
)
from .schema import FIELD_NAMES

__all__ = ['dump_text', 'load_plain', 'load_text', 'plain', 'split_options']

Record = dict[str, Any]

PROTOCOLS = ('jsonschema', 'protobuf')
#: What pydantic took: which fields. The rest is for ``json.dumps``.
_CHOICES = ('by_alias', 'exclude', 'exclude_defaults', 'exclude_none', 'exclude_unset', 'include')
_WRITER = ('ensure_ascii', 'indent', 'separators', 'sort_keys')


def _check(protocol: str, known: Collection[str] = PROTOCOLS) -> None:
    if protocol not in known:
        raise UnknownName(f'protocol={protocol!r} is not supported{did_you_mean(protocol, known)}')


def plain(record: Record, protocol: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """A record as a dict of plain values.

    Raises
    ------
    UnknownName
        If there is no such protocol.
    InvalidType
        If the protocol does not know an option.
    EncodeError
        If a value has no such form; the message names the field.
    """
    _check(protocol)
    if protocol == 'protobuf':
        from .codecs.proto_objects import plain_of

        try:
            return plain_of(record, **options)
        except EncodeError:
            raise
        except TypeError as error:
            raise InvalidType(f'protocol={protocol!r}: {error}') from error
    return to_plain(record, *_chosen(options))


def _chosen(options: Mapping[str, Any]) -> tuple[bool, Collection[str], Collection[str] | None]:
    for name in options:
        if name not in _CHOICES:
            raise InvalidType(
                f"protocol='jsonschema' takes no {name!r}{did_you_mean(name, _CHOICES)}"
            )
    names = ('exclude_none', 'exclude_unset', 'exclude_defaults')
    exclude, include = options.get('exclude'), options.get('include')
    return (
        any(options.get(name) for name in names),
        _names('exclude', exclude) if exclude is not None else (),
        _names('include', include) if include is not None else None,
    )


def _names(option: str, given: Any) -> Collection[str]:
    """The names of fields in a set, or in a dict as pydantic takes them."""
    if isinstance(given, str) or not isinstance(given, Collection):
        raise InvalidType(f'{option}: expected a set of field names, got {type(given).__name__}')
    if isinstance(given, Mapping) and not all(value in (True, ...) for value in given.values()):
        raise UnsupportedOperation(f'{option}: name whole fields; parts of nested ones stay')
    for name in given:
        if name not in FIELD_NAMES:
            raise InvalidArgument(f'{option}: no field {name!r}{did_you_mean(name, FIELD_NAMES)}')
    return given


def split_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What says which fields to take, and what says how to write the text."""
    chosen = {name: value for name, value in options.items() if name not in _WRITER}
    return chosen, {name: options[name] for name in _WRITER if name in options}


def dump_text(value: Any, options: Mapping[str, Any]) -> str:
    """JSON text of what :func:`plain` gave, or of a list of it.

    Raises
    ------
    EncodeError
        If a text cannot be written.
    """
    try:
        return json.dumps(value, **{'ensure_ascii': False, **options})
    except (TypeError, ValueError) as error:
        raise EncodeError(f'cannot be written as JSON: {error}') from error


def load_plain(
    values: Any, protocol: str, options: Mapping[str, Any], place: str | None = None
) -> Record:
    """The record of what :func:`plain` gave.

    Parameters
    ----------
    values : dict
    protocol : str
    options : mapping
        For ``google.protobuf.json_format.ParseDict``.
    place : str, optional
        Where in a file it is, for error messages.

    Raises
    ------
    InvalidDocument
        If a field has a value of another type than its own; CorruptData for
        what comes from a file.
    """
    if protocol == 'protobuf':
        from .codecs.proto_objects import record_of_plain

        try:
            return record_of_plain(values, **options)
        except CorruptData as error:
            raise CorruptData(f'{place or ""}{error}') from error
    if options:
        raise InvalidType(f'protocol={protocol!r} takes none of {sorted(options)}')
    return from_plain(values) if place is None else read_plain(values, place)


def load_text(data: str | bytes | bytearray | memoryview) -> Any:
    """The value of JSON text.

    Raises
    ------
    CorruptData
        If it is no JSON, or no UTF-8.
    """
    if isinstance(data, str):
        try:
            data = data.encode('utf-8')
        except UnicodeEncodeError as error:
            raise CorruptData(f'this is no JSON: {error}') from error
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise InvalidType(f'expected JSON as str or bytes, got {type(data).__name__}')
    return parse_json(bytes(data).removeprefix(b'\xef\xbb\xbf'))
