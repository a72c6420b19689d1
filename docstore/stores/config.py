"""What the configurations of all persistent stores have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any

from ..errors import DocstoreError, InvalidConfig, did_you_mean
from ..textindex.words import tokenizer_spec
from .base import IndexConfig

__all__ = ['as_mapping', 'dump_index', 'load_index', 'settle_index', 'split_config']

_INDEX_KEYS = tuple(field.name for field in fields(IndexConfig))
_COUNTS = ('n_dim', 'max_connection', 'ef_construction', 'ef_search')


def split_config(
    config: Mapping[str, Any] | None, known: Mapping[str, Any], kind: str
) -> tuple[dict[str, Any], IndexConfig]:
    """The keys of a store itself, with defaults filled in, and those of its index.

    Parameters
    ----------
    config : mapping, optional
        What the user gave. It is not changed.
    known : mapping
        The keys of the store with their defaults.
    kind : str
        The name of the storage, for messages.

    Raises
    ------
    InvalidConfig
        If a key is unknown, or a key of the index has a value of no use.

    Examples
    --------
    >>> options, index = split_config({'path': 'x', 'metric': 'ip'}, {'path': None}, 'disk')
    >>> options, index.metric
    ({'path': 'x'}, 'ip')
    """
    given = as_mapping(config, f'storage {kind!r}')
    for key in given:
        if key not in known and key not in _INDEX_KEYS:
            names = [*known, *_INDEX_KEYS]
            raise InvalidConfig(
                f'storage {kind!r} has no config key {key!r}{did_you_mean(key, names)}'
            )
    options = {key: given.get(key, default) for key, default in known.items()}
    return options, IndexConfig(**_index_part(given, kind))


def settle_index(config: Mapping[str, Any] | None, stored: IndexConfig, where: str) -> IndexConfig:
    """The index configuration of a store that exists, when it is opened with ``config``.

    What ``config`` does not name stays as stored. A named value replaces the
    stored one (an index is a cache and is built again), except for the
    length of the vectors: it belongs to the data.

    Raises
    ------
    InvalidConfig
        If ``n_dim`` is not that of the store.
    """
    given = {k: v for k, v in _index_part(config or {}, 'index').items() if v is not None}
    wanted = given.get('n_dim')
    if wanted is not None and stored.n_dim is not None and wanted != stored.n_dim:
        raise InvalidConfig(
            f'n_dim={wanted} does not fit the store at {where}: its vectors have {stored.n_dim} '
            f'dimensions. Leave n_dim out to open it'
        )
    return replace(stored, **given)


def dump_index(config: IndexConfig) -> dict[str, Any]:
    """The index configuration as a plain mapping, to be kept in a store."""
    return asdict(config)


def load_index(plain: Mapping[str, Any]) -> IndexConfig:
    """What :func:`dump_index` made; keys of later versions are left out."""
    return IndexConfig(**{key: plain[key] for key in _INDEX_KEYS if key in plain})


def as_mapping(config: Any, owner: str) -> dict[str, Any]:
    """A config as a dict: what was given as one, as a dataclass, or not at all.

    Raises
    ------
    InvalidConfig
        If it is something else; the message names the owner.
    """
    if config is None:
        return {}
    if is_dataclass(config) and not isinstance(config, type):
        return asdict(config)
    if not isinstance(config, Mapping):
        raise InvalidConfig(f'the config of {owner} must be a mapping, got {type(config).__name__}')
    return dict(config)


def _index_part(config: Mapping[str, Any], kind: str) -> dict[str, Any]:
    part = {key: config[key] for key in _INDEX_KEYS if key in config}
    for key in _COUNTS:
        value = part.get(key)
        if key in part and not (value is None and key == 'n_dim'):
            part[key] = _count(value, key, kind)
    for key in ('index', 'metric'):
        if key in part and not isinstance(part[key], str):
            raise InvalidConfig(
                f'storage {kind!r}: {key} must be a name, got {type(part[key]).__name__}'
            )
    if 'metric' in part:
        _check_metric(part['metric'], kind)
    if 'tokenizer' in part:
        try:
            tokenizer_spec(part['tokenizer'])
        except DocstoreError as error:
            raise InvalidConfig(f'storage {kind!r}: {error}') from None
    return part


def _count(value: Any, key: str, kind: str) -> int:
    if isinstance(value, bool) or not hasattr(value, '__index__') or value.__index__() < 1:
        raise InvalidConfig(f'storage {kind!r}: {key} must be an int above 0, got {value!r}')
    return int(value.__index__())


def _check_metric(name: str, kind: str) -> None:
    # Here and not at the top: opening a store is the first time that the
    # names matter, and the core is the one that knows them.
    from .. import _core

    known: tuple[str, ...] = getattr(_core, 'METRICS', ('cosine', 'euclidean', 'sqeuclidean', 'ip'))
    if name not in known:
        raise InvalidConfig(f'storage {kind!r} has no metric {name!r}{did_you_mean(name, known)}')
