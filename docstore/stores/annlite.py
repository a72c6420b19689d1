"""The storage name ``annlite`` of docarray: a disk store with an approximate index."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidConfig, UnsupportedOperation, did_you_mean
from . import STORES
from .config import as_mapping

if TYPE_CHECKING:
    from .base import Store

__all__ = ['metric_name', 'open_annlite']

# Passed on to the disk store under these names.
_PASSED = {
    'n_dim': 'n_dim',
    'metric': 'metric',
    'ef_construction': 'ef_construction',
    'ef_search': 'ef_search',
    'max_connection': 'max_connection',
    'durability': 'durability',
    'tokenizer': 'tokenizer',
}
# Accepted, and without effect: lists always work, every tag can be filtered
# on, and the format on disk is our own.
_IGNORED = ('columns', 'list_like', 'serialize_config', 'root_id')
_KNOWN = (*_PASSED, *_IGNORED, 'data_path', 'n_components')
_METRICS = {'inner_product': 'ip', 'inner product': 'ip', 'innerproduct': 'ip'}
_COLUMN_TYPES = ('str', 'float', 'int')


def open_annlite(config: Any = None) -> Store:
    """Open a disk store with ``index='hnsw'`` by the config of docarray's annlite.

    Parameters
    ----------
    config : mapping or dataclass
        ``n_dim`` is required; ``metric`` ('cosine', 'euclidean',
        'inner_product', ...), ``ef_construction``, ``ef_search`` and
        ``max_connection`` belong to the index. ``data_path`` is a directory;
        without it the data live in a temporary one, which goes when the
        store is closed. ``columns``, ``list_like``, ``serialize_config`` and
        ``root_id`` are accepted and not needed.

    Raises
    ------
    InvalidConfig
        If ``n_dim`` is missing, or a key is unknown or has a bad value.
    UnsupportedOperation
        If ``n_components`` asks for the vectors to be projected.
    """
    given = as_mapping(config, "storage 'annlite'")
    _check(given)
    path = given.get('data_path')
    options = {_PASSED[k]: v for k, v in given.items() if k in _PASSED and v is not None}
    if 'metric' in options:
        options['metric'] = metric_name(options['metric'])
    options['index'] = 'hnsw'
    open_disk = STORES.load('disk')
    if path is not None:
        store: Store = open_disk({**options, 'path': path})
        return store
    directory = tempfile.mkdtemp(prefix='docstore-annlite-')
    try:
        # Inside of it, since a store wants to make its own directory.
        store = open_disk({**options, 'path': str(Path(directory) / 'store')})
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return _removed_at_close(store, directory)


def metric_name(name: Any) -> Any:
    """What the metric of an annlite config is called here."""
    return _METRICS.get(name.lower(), name.lower()) if isinstance(name, str) else name


def _removed_at_close(store: Store, directory: str) -> Store:
    """``store``, made to remove its directory when it is closed, lost, or at exit."""
    remove = weakref.finalize(store, shutil.rmtree, directory, ignore_errors=True)
    kind = type(store)

    def close(self: Store) -> None:
        kind.close(self)
        remove()

    # A class of its own, so that the store stays what it is in every other way.
    store.__class__ = type(kind.__name__, (kind,), {'close': close, '__slots__': ()})
    return store


def _check(given: Mapping[str, Any]) -> None:
    for key in given:
        if key not in _KNOWN:
            raise InvalidConfig(
                f"storage 'annlite' has no config key {key!r}{did_you_mean(key, _KNOWN)}"
            )
    if given.get('n_dim') is None:
        raise InvalidConfig("storage 'annlite' needs the config key 'n_dim': the vector length")
    if given.get('n_components') is not None:
        raise UnsupportedOperation(
            "storage 'annlite': n_components (a projection by PCA) is not supported; project the "
            'embeddings before they are stored, or leave n_components out'
        )
    columns = given.get('columns') or {}
    pairs = columns.items() if isinstance(columns, Mapping) else columns
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or pair[1] not in _COLUMN_TYPES:
            names = ', '.join(map(repr, _COLUMN_TYPES))
            raise InvalidConfig(
                f"storage 'annlite': columns maps names to one of {names}, got {pair!r}"
            )
