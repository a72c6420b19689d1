"""The operations on persistent stores, one script for every library with this API."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from harness.inputs import documents, folder, vectors
from harness.peers.arrays import Library, bind, ids_of, length_of, places, value_of
from harness.task import Operation, Task

__all__ = ['stored_operations']


def stored_operations(library: Library) -> dict[str, Operation]:
    """The operations on stores, by name."""
    return bind(library, _OPERATIONS)


class _Place:
    """A store in a folder of its own.

    Parameters
    ----------
    lib : Library
        Who opens it.
    storage : str
        ``sqlite`` or ``disk``.
    """

    def __init__(self, lib: Library, storage: str) -> None:
        self._array = lib.array
        self._storage = storage
        self._folder = Path(mkdtemp(prefix=f'{lib.name}-{storage}-', dir=folder()))
        self.da = self._open()

    def _open(self) -> Any:
        if self._storage == 'sqlite':
            config = {'connection': str(self._folder / 'docs.sqlite'), 'table_name': 'docs'}
        else:
            config = {'path': str(self._folder / 'docs')}
        return self._array(storage=self._storage, config=config)

    def leave(self) -> None:
        """Close the array; the legacy library has only ``sync``."""
        getattr(self.da, 'close', self.da.sync)()

    def reopen(self) -> Any:
        """The same store in a new array."""
        self.leave()
        self.da = self._open()
        return self.da

    def remove(self) -> None:
        """Close and delete the files."""
        self.leave()
        shutil.rmtree(self._folder)

    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self._folder.rglob('*') if file.is_file())


def _filled(lib: Library, storage: str, count: int, base: str) -> _Place:
    place = _Place(lib, storage)
    place.da.extend(lib.filled(count, base))
    place.reopen()
    return place


def _fresh(
    lib: Library, storage: str, act: Callable[[Any], None], measure_size: bool = False
) -> Task:
    """A task that gets an empty store for every call."""
    current: list[_Place] = []

    def close() -> None:
        while current:
            current.pop().remove()

    def setup() -> None:
        close()
        current.append(_Place(lib, storage))

    def call() -> Any:
        act(current[0].da)
        return current[0].da

    def check(da: Any) -> dict[str, Any]:
        facts = length_of(da)
        if measure_size:
            current[0].reopen()
            facts['~bytes'] = current[0].size()
        return facts

    return Task(call, setup, check, close)


def store_extend(lib: Library, count: int, base: str, storage: str) -> Task:
    """Extend an empty store by many documents."""
    docs = lib.filled(count, base)
    return _fresh(lib, storage, lambda da: da.extend(docs), measure_size=True)


def store_append(lib: Library, count: int, base: str, storage: str) -> Task:
    """Append one by one; each is kept when the call returns."""
    docs = lib.make(count, base)

    def act(da: Any) -> None:
        for doc in docs:
            da.append(doc)

    return _fresh(lib, storage, act)


def store_reopen(lib: Library, count: int, base: str, storage: str) -> Task:
    """Open a store, ask its length and read the first document."""
    place = _filled(lib, storage, count, base)

    def call() -> Any:
        da = place.reopen()
        return len(da) + len(da[0].text)

    return Task(call, check=value_of, close=place.remove)


def store_get_id(lib: Library, count: int, base: str, storage: str) -> Task:
    """The texts of a thousand documents by id."""
    place = _filled(lib, storage, count, base)
    ids = [documents(count)[at]['id'] for at in places(count)]
    return Task(
        lambda: sum(len(place.da[id_].text) for id_ in ids), check=value_of, close=place.remove
    )


def store_iterate(lib: Library, count: int, base: str, storage: str) -> Task:
    """Go through the store and read each text."""
    place = _filled(lib, storage, count, base)
    return Task(lambda: sum(len(doc.text) for doc in place.da), check=value_of, close=place.remove)


def store_embeddings(lib: Library, count: int, base: str, storage: str) -> Task:
    """All embeddings as one matrix, from a store that was just opened."""
    place = _filled(lib, storage, count, base)
    return Task(
        lambda: place.da.embeddings,
        lambda: place.reopen() and None,
        check=lambda matrix: {'shape': list(matrix.shape)},
        close=place.remove,
    )


def store_find(
    lib: Library, count: int, base: str, storage: str, queries: str, cold: bool = False
) -> Task:
    """The ten nearest to one vector; ``cold`` from a store that was just opened."""
    place = _filled(lib, storage, count, base)
    query = vectors(queries)[0]
    setup = (lambda: place.reopen() and None) if cold else None
    return Task(lambda: place.da.find(query, limit=10), setup, ids_of, place.remove)


def store_filter(lib: Library, count: int, base: str, storage: str) -> Task:
    """The documents with a number below a limit, about 10 % of all."""
    place = _filled(lib, storage, count, base)
    condition = {'tags__price': {'$lt': 10.0}}
    return Task(lambda: place.da.find(condition), check=length_of, close=place.remove)


def store_delete(lib: Library, count: int, base: str, storage: str, deleted: int) -> Task:
    """Delete documents by id, one by one, and put them back unmeasured."""
    place = _filled(lib, storage, count, base)
    everything = lib.make(count, base)
    docs = [everything[at] for at in places(count, deleted)]

    def setup() -> None:
        missing = [doc for doc in docs if doc.id not in place.da]
        if missing:
            place.da.extend(missing)

    def call() -> Any:
        for doc in docs:
            del place.da[doc.id]
        return place.da

    return Task(call, setup, length_of, place.remove)


_OPERATIONS: tuple[Callable[..., Task], ...] = (
    store_extend,
    store_append,
    store_reopen,
    store_get_id,
    store_iterate,
    store_embeddings,
    store_find,
    store_filter,
    store_delete,
)
