"""Subindices: arrays of selected nested Documents, kept in step with the array they are in."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from .derived import Selection, normalised
from .errors import InvalidConfig, UnknownName, did_you_mean
from .memory import MemoryRecords
from .stores.base import IndexConfig
from .stores.config import as_mapping, dump_index
from .stores.intake import intake
from .subkeeping import Keeper
from .submemory import TracedRecords
from .substore import SubRecords

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from .records import Records
    from .stored import StoredRecords

__all__ = ['in_memory', 'in_store', 'roots_of', 'searched', 'subindex_of']

# Where a subindex lives is not for its config to say: it is a part of the store.
_PLACES = ('connection', 'table_name', 'path', 'data_path')
# What a config may say, and what then is that of the array.
_SHARED = (
    'conn_config', 'journal_mode', 'synchronous', 'serialize_config', 'list_like', 'durability',
    'read_only', 'create', 'columns', 'n_components',
)  # fmt: skip
# So many roots are looked at together when a subindex is added to what is there.
_CHUNK = 4096


def subindex_of(records: Records, selector: str) -> Records | None:
    """The subindex of a selector: of just this one, else of one that differs in white space."""
    found = records.subindices.get(selector)
    if found is not None or not records.subindices:
        return found
    wanted = normalised(selector)
    return next((sub for key, sub in records.subindices.items() if normalised(key) == wanted), None)


def searched(records: Records, on: str | None) -> Records:
    """The records that ``on=`` of a search means.

    Raises
    ------
    UnknownName
        If there is no such subindex.
    """
    if on is None or (isinstance(on, str) and normalised(on) == '@r'):
        return records
    found = subindex_of(records, on) if isinstance(on, str) else None
    if found is None:
        known = ', '.join(map(repr, ['@r', *records.subindices]))
        raise UnknownName(
            f'No subindex available for on={on!r}; there are: {known}. Name it in '
            'subindex_configs= when the array is opened'
        )
    return found


def roots_of(
    records: Records, positions: npt.NDArray[np.int64]
) -> tuple[Records, npt.NDArray[np.int64]]:
    """The records, and the positions in them, of the roots of Documents of a subindex.

    Raises
    ------
    InvalidArgument
        If one has none.
    """
    if isinstance(records, TracedRecords):
        return records.rooted(positions)
    assert isinstance(records, SubRecords)
    return records.keeper.root, records.roots(positions)


def in_memory(records: Records, configs: Mapping[str, Any] | None) -> Records:
    """The records with these subindices."""
    for selector, config in _checked(configs).items():
        selection = Selection(selector)
        as_mapping(config, repr(selector))
        if selector not in records.subindices and isinstance(records, MemoryRecords):
            records.subindices = {
                **records.subindices,
                selector: TracedRecords(records, selection),
            }
    return records


def in_store(
    records: StoredRecords,
    storage: str,
    config: Any,
    configs: Mapping[str, Any] | None,
) -> None:
    """Open the subindices of a store, and make those that are new.

    Raises
    ------
    InvalidArgument, InvalidConfig
        If a selector or a config is of no use; or what the array holds does not
        go together in one subindex.
    """
    given = {
        selector: as_mapping(sub, repr(selector)) for selector, sub in _checked(configs).items()
    }
    store = records.store
    known = store.names_beside()
    root_config = as_mapping(config, f'storage {storage!r}')
    selections = {name: Selection(name) for name in dict.fromkeys([*known, *given])}
    for name, selection in selections.items():
        own = given.get(name, {})
        index = _index_keys(own, storage, name)
        if name not in known:
            index = {**dump_index(store.index_config), **index}
            _check_content(records, selection, index['n_dim'])
        root_id = own.get('root_id', root_config.get('root_id', True))
        if not isinstance(root_id, bool):
            raise InvalidConfig(f'root_id must be True or False, got {root_id!r}')
        sub = SubRecords(Keeper(records, store.beside(name, index), selection, root_id))
        records.followers.append(sub)
        records.subindices = {**records.subindices, name: sub}


def _checked(configs: Any) -> Mapping[str, Any]:
    if configs is None:
        return {}
    if not isinstance(configs, Mapping):
        raise InvalidConfig(
            "subindex_configs must map selectors to configs, as {'@c': None} does, got "
            f'{type(configs).__name__}'
        )
    return configs


def _index_keys(own: Mapping[str, Any], storage: str, selector: str) -> dict[str, Any]:
    """What a config says of the index of its subindex."""
    if storage == 'annlite' and 'metric' in own:
        from .stores.annlite import metric_name

        own = {**own, 'metric': metric_name(own['metric'])}
    index: dict[str, Any] = {}
    names = tuple(field.name for field in fields(IndexConfig))
    for key, value in own.items():
        if key in names:
            if value is not None:
                index[key] = value
        elif key in _PLACES:
            if value is not None:
                warnings.warn(
                    f'subindex {selector!r}: {key} has no effect, a subindex is kept in the store '
                    'of its array',
                    UserWarning,
                    stacklevel=5,
                )
        elif key not in _SHARED and key != 'root_id':
            every = (*names, *_PLACES, *_SHARED, 'root_id')
            raise InvalidConfig(
                f'the config of subindex {selector!r} has no key {key!r}{did_you_mean(key, every)}'
            )
    return index


def _check_content(records: StoredRecords, selection: Selection, dim: int | None) -> None:
    """Raise if what is there cannot be kept together, before anything is made for it."""
    store = records.store
    for start in range(0, len(store), _CHUNK):
        rows = store.rows(start, start + _CHUNK)
        items = [
            item
            for record in store.read(rows, vectors=selection.roots)
            for path in range(len(selection.paths))
            for item in selection.items(record, path)
            if item.get('embedding') is not None
        ]
        if items:
            ids = [str(item.get('id', '')) for item in items]
            dim = intake([item['embedding'] for item in items], ids, None, dim).shape[1]
