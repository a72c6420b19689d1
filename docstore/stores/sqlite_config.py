"""The configuration of a SQLite store, as users of legacy docarray know it."""

from __future__ import annotations

import os
import re
import sqlite3
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InvalidConfig, did_you_mean
from .config import split_config

if TYPE_CHECKING:
    from .base import IndexConfig

__all__ = ['Options', 'parse_config']

_DEFAULTS: dict[str, Any] = {
    'connection': None,
    'table_name': None,
    'conn_config': None,
    'journal_mode': 'WAL',
    'durability': None,
    'synchronous': None,
    'read_only': False,
    'serialize_config': None,
    'list_like': True,
    'root_id': True,
}
_JOURNALS = ('DELETE', 'PERSIST', 'TRUNCATE', 'WAL')
_DURABILITY = ('full', 'normal')
_SYNCHRONOUS = {
    'OFF': 'normal',
    'NORMAL': 'normal',
    'FULL': 'full',
    'EXTRA': 'full',
    '0': 'normal',
    '1': 'normal',
    '2': 'full',
    '3': 'full',
}
# What a user may say to sqlite3.connect. Threads, transactions and types are
# the business of the store, whatever legacy users wrote there.
_CONNECT = ('cached_statements', 'timeout')
_IGNORED = ('check_same_thread', 'detect_types', 'isolation_level', 'uri')


@dataclass(frozen=True, slots=True)
class Options:
    """A checked configuration."""

    path: str | None
    connection: sqlite3.Connection | None
    table: str | None
    connect: dict[str, Any]
    journal: str
    durability: str
    read_only: bool
    index: IndexConfig


def parse_config(config: Mapping[str, Any] | None) -> Options:
    """Check a configuration.

    Raises
    ------
    InvalidConfig
        If a key is unknown or a value cannot be used.
    """
    given, index = split_config(config, _DEFAULTS, 'sqlite')
    path, connection = _target(given['connection'])
    if given['list_like'] is not True:
        raise InvalidConfig("storage 'sqlite': list_like must be True, every array has an order")
    read_only = given['read_only']
    if not isinstance(read_only, bool):
        raise InvalidConfig(f"storage 'sqlite': read_only must be a bool, got {read_only!r}")
    if read_only and path in (None, ':memory:'):
        raise InvalidConfig("storage 'sqlite': read_only needs the path of a database file")
    return Options(
        path=path,
        connection=connection,
        table=_table(given['table_name']),
        connect=_connect(given['conn_config']),
        journal=_journal(given['journal_mode']),
        durability=_durability(given['durability'], given['synchronous']),
        read_only=read_only,
        index=index,
    )


def _target(value: Any) -> tuple[str | None, sqlite3.Connection | None]:
    """The path of the database, and a connection that is used as it is."""
    if value is None:
        return None, None
    if isinstance(value, sqlite3.Connection):
        if value.in_transaction:
            raise InvalidConfig(
                "storage 'sqlite': the connection is inside of a transaction; commit it first"
            )
        # A file is opened anew: what users set on their connection, such as a
        # row factory, is theirs, and so are its transactions.
        file = next(
            (row[2] for row in value.execute('PRAGMA database_list') if row[1] == 'main'), ''
        )
        return (file, None) if file else (':memory:', value)
    try:
        path = os.fspath(value)
    except TypeError:
        raise InvalidConfig(
            "storage 'sqlite': connection must be a path, a sqlite3.Connection or None, got "
            f'{type(value).__name__}'
        ) from None
    if not isinstance(path, str) or not path or '\0' in path:
        raise InvalidConfig(f"storage 'sqlite': connection {path!r} is not a path")
    return (path if path == ':memory:' else os.path.abspath(path)), None


def _table(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidConfig(
            f"storage 'sqlite': table_name must be a str, got {type(value).__name__}"
        )
    name = re.sub(r'\W', '', value, flags=re.ASCII)
    if not name:
        raise InvalidConfig(f"storage 'sqlite': table_name {value!r} has no letter or digit")
    if name != value:
        warnings.warn(
            f'table_name {value!r} has characters other than letters, digits and "_": '
            f'{name!r} is used',
            UserWarning,
            stacklevel=2,
        )
    return name


def _connect(value: Any) -> dict[str, Any]:
    given = {} if value is None else value
    if not isinstance(given, Mapping):
        raise InvalidConfig(
            f"storage 'sqlite': conn_config must be a mapping, got {type(value).__name__}"
        )
    for key in given:
        if key not in (*_CONNECT, *_IGNORED):
            raise InvalidConfig(
                f"storage 'sqlite': conn_config has no key {key!r}{did_you_mean(key, _CONNECT)}"
            )
    timeout = given.get('timeout', 5.0)
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout < 0:
        raise InvalidConfig(f"storage 'sqlite': timeout must be seconds, got {timeout!r}")
    return {key: given[key] for key in _CONNECT if key in given}


def _journal(value: Any) -> str:
    mode = value.upper() if isinstance(value, str) else value
    if mode in ('OFF', 'MEMORY'):
        raise InvalidConfig(
            f"storage 'sqlite': journal_mode {value!r} may destroy the database in a crash; use "
            "'WAL' (the default)"
        )
    if mode not in _JOURNALS:
        raise InvalidConfig(
            f"storage 'sqlite': no journal_mode {value!r}{did_you_mean(value, _JOURNALS)}"
        )
    return str(mode)


def _durability(durability: Any, synchronous: Any) -> str:
    if durability is None:
        if synchronous is None:
            return 'normal'
        try:
            return _SYNCHRONOUS[str(synchronous).upper()]
        except KeyError:
            raise InvalidConfig(
                f"storage 'sqlite': no synchronous {synchronous!r}"
                f'{did_you_mean(synchronous, _SYNCHRONOUS)}'
            ) from None
    if durability not in _DURABILITY:
        raise InvalidConfig(
            f"storage 'sqlite': no durability {durability!r}{did_you_mean(durability, _DURABILITY)}"
        )
    return str(durability)
