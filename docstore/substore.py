"""The records of a subindex in a store: read as their own, written through the array."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from .derived import ROOT_TAG, real_id
from .errors import InvalidArgument
from .stored import StoredRecords
from .stores.base import IndexConfig, Operation, Record, Store, Vectors
from .subwriting import Push
from .upkeep import StoreIndex

if TYPE_CHECKING:
    from pathlib import Path

    from .document import Document
    from .predicate import Predicate
    from .records import Records
    from .subkeeping import Keeper
    from .text_lists import Texts

__all__ = ['SubRecords', 'SubStore', 'warn_untied']

RowArray = npt.NDArray[np.int64]
T = TypeVar('T')

_UNTIED = (
    'Not every document says which document of the array it belongs to, by parent_id or by the '
    "tag '_root_id_'"
)


class SubStore(Store):
    """The store of a subindex, brought up to date before each reading.

    Parameters
    ----------
    keeper : Keeper
        What keeps it in step.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self.name = keeper.base.name  # type: ignore[misc]  # it is that of the array
        self._aliases: tuple[int, dict[str, list[int]]] | None = None

    @property
    def _now(self) -> Store:
        self._keeper.current()
        return self._keeper.base

    @property
    def read_only(self) -> bool:  # type: ignore[override]  # it is that of the array
        return self._keeper.root.store.read_only

    @property
    def index_config(self) -> IndexConfig:  # type: ignore[override]  # as above
        return self._keeper.base.index_config

    @property
    def sequence(self) -> int:  # type: ignore[override]  # as above
        return self._now.sequence

    @property
    def version(self) -> int:  # type: ignore[override]  # as above
        return self._now.version

    # -- ids -------------------------------------------------------------------

    @property
    def aliases(self) -> dict[str, list[int]]:
        """The rows whose id is not that of their Document, in order, by the id that is."""
        base = self._now
        if self._aliases is None or self._aliases[0] != base.version:
            found: dict[str, list[int]] = {}
            names = base.column('id')
            for at, name in enumerate(names):
                if '\x1f' in name:
                    found.setdefault(real_id(name), []).append(at)
            rows = base.rows()
            self._aliases = (
                base.version,
                {name: rows[places].tolist() for name, places in found.items()},
            )
        return self._aliases[1]

    def lookup(self, ids: Sequence[str]) -> RowArray:
        base, aliases = self._now, self.aliases
        rows = base.lookup(ids)
        for at, name in enumerate(ids):
            if name in aliases:
                # The last in the order, as in memory.
                same = np.array([row for row in (*aliases[name], rows[at]) if row >= 0])
                rows[at] = same[np.argmax(base.positions(same))]
        return rows

    # -- reading ---------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._now)

    def rows(self, start: int = 0, stop: int | None = None) -> RowArray:
        return self._now.rows(start, stop)

    def positions(self, rows: Sequence[int] | RowArray) -> RowArray:
        return self._now.positions(rows)

    def read(self, rows: Sequence[int] | RowArray, vectors: bool = True) -> list[Record]:
        records = self._now.read(rows, vectors)
        for record in records:
            if '\x1f' in record['id']:
                record['id'] = real_id(record['id'])
        return records

    def column(self, path: str, rows: RowArray | None = None) -> list[Any]:
        values = self._now.column(path, rows)
        return [real_id(name) for name in values] if path == 'id' else values

    def vectors(self, name: str = 'embedding') -> Vectors | None:
        return self._now.vectors(name)

    def select(self, predicate: Predicate) -> npt.NDArray[np.bool_] | None:
        return None if self.aliases else self._now.select(predicate)

    # -- changing --------------------------------------------------------------

    def write(self, operations: Sequence[Operation]) -> RowArray:
        """Do in the array what gives the subindex this content."""
        Push(self._keeper).do(operations)
        return np.empty(0, dtype=np.int64)

    def begin(self) -> None:
        self._keeper.root.begin()

    def commit(self) -> None:
        self._keeper.root.end(failed=False)

    def rollback(self) -> None:
        self._keeper.root.end(failed=True)

    def flush(self) -> None:
        self._keeper.root.flush()

    def refresh(self) -> bool:
        return self._keeper.root.refresh()

    def compact(self) -> None:
        self._keeper.root.compact()

    def close(self) -> None:
        """Nothing: it is closed with its array."""

    def beside(self, name: str, config: Mapping[str, Any]) -> Store:
        raise InvalidArgument('a subindex has no subindices')

    def names_beside(self) -> list[str]:
        return []

    def info(self) -> dict[str, str]:
        return {**self._now.info(), 'subindex': self._keeper.selection.selector}

    @property
    def config(self) -> dict[str, Any]:
        return {**self._keeper.root.store.config, 'subindex': self._keeper.selection.selector}

    @property
    def index_path(self) -> Path:
        return self._keeper.base.index_path


class SubRecords(StoredRecords):
    """The Documents of a subindex in a store.

    They are read like those of any stored array. What is written goes into the
    Documents that they are nested in, and the subindex follows.

    Parameters
    ----------
    keeper : Keeper
        Knows the array, and brings the subindex up to date with it.
    """

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        super().__init__(SubStore(keeper))
        keeper.records = self
        self.lock = keeper.root.lock
        self.label = keeper.root.label
        self.index = StoreIndex(keeper.base, self.lock)

    derived = True

    def use(self, base: Store) -> None:
        """Read from another store from now on."""
        self.keeper.base = base
        self.index.forget()
        self.index = StoreIndex(base, self.lock)
        # The same number is another row there.
        for view in list(self._live.values()):
            view.end()
        self._live.clear()

    @property
    def unique(self) -> bool:
        return not cast('SubStore', self.store).aliases

    @property
    def observed(self) -> bool:
        """Whether somebody holds a view of a row, or what a search found."""
        return bool(self._live) or bool(self._found)

    def keep(self, rows: Sequence[int]) -> None:
        """Let what searches found stay as it is, although these rows will change."""
        for source in list(self._found):
            source.keep(rows)

    @property
    def texts(self) -> Texts:
        self.keeper.current()
        return self.index.texts

    def steady(self, work: Callable[[], T]) -> T:
        # Whoever reads first brings it up to date, so an index is not left alone by readers.
        if not self.index.approximate:
            return super().steady(work)
        with self.lock:
            return work()

    # -- roots -----------------------------------------------------------------

    def roots(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The positions in the array of the roots of these Documents.

        Raises
        ------
        InvalidArgument
            If one has no root, or the roots are not told by a tag.
        """
        keeper = self.keeper
        if not keeper.root_id:
            raise InvalidArgument(
                f'return_root needs the tag {ROOT_TAG!r}, which root_id=False leaves out of the '
                f'documents of {keeper.selection.selector!r}'
            )
        rows = self._rows_at(positions)
        keeper.current()
        assert keeper.owners is not None
        codes = keeper.owners.codes_of(rows)
        if (codes < 0).any():
            name = self.store.column('id', rows[np.argmin(codes)][None])[0]
            raise InvalidArgument(
                f'return_root: the document {name!r} of {keeper.selection.selector!r} belongs to '
                f'no document of the array: it has no tag {ROOT_TAG!r} that names one'
            )
        return keeper.root.store.positions(codes // keeper.owners.paths)

    # -- changing --------------------------------------------------------------

    def write(self, operations: Sequence[Operation]) -> RowArray:
        with self.lock:
            return self.store.write(operations)

    def append(self, doc: Document) -> None:
        self.insert(len(self), [doc])

    def extend_from(self, source: Records) -> bool:
        return False

    def insert(self, position: int, docs: Sequence[Document]) -> None:
        warn_untied(docs)
        super().insert(position, docs)

    def replace(self, positions: Sequence[int], docs: Sequence[Document]) -> None:
        warn_untied(docs)
        super().replace(positions, docs)

    def splice(self, start: int, stop: int, docs: Sequence[Document]) -> None:
        if len(docs) == stop - start:
            self.replace(range(start, stop), docs)
            return
        warn_untied(docs)
        super().splice(start, stop, docs)

    def begin(self) -> None:
        self.store.begin()

    def end(self, failed: bool) -> None:
        self.keeper.root.end(failed)

    def flush(self) -> None:
        self.store.flush()

    def refresh(self) -> bool:
        return self.store.refresh()

    def close(self) -> None:
        """Nothing: it is closed with its array."""

    # -- what the array tells ----------------------------------------------------

    def check(self, operations: Sequence[Operation]) -> None:
        """Raise if the array cannot do these without the subindex failing."""
        self.keeper.check(operations)

    def note(self, operations: Sequence[Operation], inserted: RowArray) -> None:
        """The array has done these operations."""
        self.keeper.note(operations, inserted)

    def forget(self) -> None:
        """The array went to another state."""
        for source in list(self._found):
            self.keeper.inside(partial(source.keep, None))
        self.keeper.base.refresh()
        self.keeper.forget()
        if self._live:
            # A view must not learn only while it reads that its row is another one by now.
            self.keeper.current()

    def begun(self) -> None:
        """The array starts a transaction."""
        self.keeper.begun()

    def ended(self, undo: bool) -> None:
        """The array has ended its transaction."""
        self.keeper.ended(undo)

    def save(self) -> None:
        """Put all of it on the disk."""
        self.keeper.save()

    def shrink(self) -> None:
        """Give unused space back."""
        self.keeper.base.compact()
        self.index.compact()

    def release(self) -> None:
        """Let go of files."""
        try:
            self.keeper.save(last=True)
        finally:
            self.index.forget()
            self.keeper.base.close()


def warn_untied(docs: Iterable[Document]) -> None:
    """Warn if a Document does not say what it belongs to."""
    for doc in docs:
        tags = doc._data.get('tags') or {}
        if not doc._data.get('parent_id') and ROOT_TAG not in tags:
            warnings.warn(_UNTIED, UserWarning, stacklevel=5)
            return
