"""From the name of a storage, or from a path, to records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .errors import InvalidType, NotAStore, UnknownName, did_you_mean
from .stored import StoredRecords
from .stores import STORES

if TYPE_CHECKING:
    from pathlib import Path

    from .stores.base import Store

__all__ = ['open_path', 'open_records']


def open_records(storage: str, config: Mapping[str, Any] | None) -> StoredRecords:
    """The records of a store that is opened, or made, as ``config`` says."""
    if not isinstance(storage, str):
        raise InvalidType(f'storage must be a name, not {type(storage).__name__}')
    if storage not in STORES:
        known = [*STORES, 'memory']
        raise UnknownName(f'storage={storage!r} is not supported{did_you_mean(storage, known)}')
    store: Store = STORES.load(storage)({} if config is None else config)
    records = StoredRecords(store)
    records.label = storage
    return records


def open_path(path: str | Path, config: Mapping[str, Any]) -> StoredRecords:
    """The records of the store at ``path``: a directory, or a database file.

    The file is not looked into here: only the library of a database may open
    its file, or its locks are lost.

    Raises
    ------
    NotAStore
        If there is nothing at ``path``, or no store.
    """
    from pathlib import Path

    place = Path(path).expanduser()
    if place.is_dir():
        return open_records('disk', {**config, 'path': str(place), 'create': False})
    if place.is_file():
        if not place.stat().st_size:
            raise NotAStore(f'the file {str(place)!r} is empty: it is no store', code=0)
        return open_records('sqlite', {**config, 'connection': str(place)})
    raise NotAStore(f'there is no store at {str(place)!r}', code=2)
