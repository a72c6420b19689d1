"""The Documents of an array in a persistent store.

Each row that a Document is a view of has one :class:`StoredRow`, shared by
all views of it, so that what one view sets the others see.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet, WeakValueDictionary

import numpy as np
import numpy.typing as npt

from .bulk import record_of, rows_of
from .document import Document
from .errors import (
    DocstoreError,
    InvalidVector,
    LengthMismatch,
    TransactionError,
)
from .kept import KeptSource
from .memory import MemoryRecords
from .query import evaluate
from .records import Positions, Records, SearchSet
from .schema import CONTENT_FIELDS, FIELD_BY_NAME, VECTOR_FIELDS
from .state import plain_value
from .stores.base import Clear, Delete, Insert, Operation, Reorder, SetColumn, Store, Update
from .upkeep import StoreIndex
from .views import (
    Follower,
    StoredRow,
    StoredSource,
    Unsaved,
    gather_vectors,
    marked,
    one_write,
)

if TYPE_CHECKING:
    from .predicate import Predicate
    from .text_lists import Texts

__all__ = ['StoredRecords']

T = TypeVar('T')

# So many rows are read at once when a stored array is walked through.
_READ_AHEAD = 256

# So often reads that belong together are tried before writers have to wait.
_TRIES = 3
# Up to so many positions it is cheaper to ask for the row of each than for all rows.
_FEW = 64

RowArray = npt.NDArray[np.int64]


class StoredRecords(Records):
    """The rows of a persistent store, as Documents that write through.

    Parameters
    ----------
    store : Store
        Where the rows are; closed with these records.
    """

    persistent = True
    #: Whether more is kept of a Document than what was written.
    derived = False

    def __init__(self, store: Store) -> None:
        self.store = store
        self.followers: list[Follower] = []
        self.name = self.label = store.name
        self.lock = threading.RLock()
        self.index = StoreIndex(store, self.lock)
        self._source = StoredSource(self)
        self._live: WeakValueDictionary[int, StoredRow] = WeakValueDictionary()
        # What searches found, as long as somebody holds on to it.
        self._found: WeakSet[KeptSource] = WeakSet()
        self.unsaved: Unsaved | None = None
        self._depth = 0
        self._broken = False
        self._closed = False

    # -- reading ---------------------------------------------------------

    def __len__(self) -> int:
        return len(self.store)

    def _view(self, row: int) -> StoredRow:
        with self.lock:
            live = self._live.get(row)
            if live is None:
                live = self._live[row] = StoredRow(self, row)
            return live

    def document(self, row: int) -> Document:
        return Document._wrap(self._view(row))

    def get(self, position: int) -> Document:
        return self.document(int(self.store.rows(position, position + 1)[0]))

    def __iter__(self) -> Iterator[Document]:
        position = 0
        while position < len(self.store):
            rows = self.store.rows(position, position + _READ_AHEAD)
            version = self.store.version
            for row, record in zip(
                rows.tolist(), self.store.read(rows, vectors=False), strict=False
            ):
                view = self._view(row)
                if not view.loaded:
                    view.fill(record)
                yield Document._wrap(view)
                position += 1
                if self.store.version != version:
                    break

    def take(self, positions: Positions) -> MemoryRecords:
        return MemoryRecords.of(self._source, self._rows_at(positions))

    def _rows_at(self, positions: Positions | None) -> RowArray:
        if positions is None:
            return self.store.rows()
        if isinstance(positions, range) and positions.step == 1:
            return self.store.rows(positions.start, positions.stop)
        if len(positions) <= _FEW:
            runs = [self.store.rows(int(p), int(p) + 1) for p in positions]
            return np.concatenate(runs) if runs else np.empty(0, dtype=np.int64)
        return self.store.rows()[np.asarray(positions, dtype=np.int64)]

    def found(self, positions: Positions) -> MemoryRecords:
        rows = self._rows_at(positions)
        return MemoryRecords.of(self.kept(rows), rows)

    def kept(self, rows: RowArray) -> KeptSource:
        """A source that shows rows as they are now, whatever is written later."""
        source = KeptSource(self, rows)
        with self.lock:
            self._found.add(source)
        return source

    def detached(self, position: int, skip: tuple[str, ...] = ()) -> dict[str, Any]:
        return self._source.detached(int(self.store.rows(position, position + 1)[0]), skip)

    def find_id(self, key: str) -> int | None:
        rows = self.store.lookup([key])
        return None if rows[0] < 0 else int(self.store.positions(rows)[0])

    def named(self, key: str) -> Document | None:
        row = int(self.store.lookup([key])[0])
        return None if row < 0 else self.document(row)

    # -- changing --------------------------------------------------------

    def write(self, operations: Sequence[Operation]) -> RowArray:
        """Do all operations, or none."""
        if self._broken:
            raise TransactionError(
                'a `with` block inside this one failed: this transaction will be undone, leave it'
            )
        with self.lock:
            for follower in self.followers:
                follower.check(operations)
            for source in list(self._found) if self._found else ():
                source.keep_before(operations)
            self.index.before(operations)
            inserted = self.store.write(operations)
            self.index.note(operations, inserted)
            for follower in self.followers:
                follower.note(operations, inserted)
        return inserted

    @property
    def unique(self) -> bool:
        """Whether no two Documents have the same id."""
        return True

    def changed(self, rows: Iterable[int] | None, names: Iterable[str] | None = None) -> None:
        """Make the live views of these rows (None: of all) read fields anew."""
        with self.lock:
            live = (
                list(self._live.values())
                if rows is None
                else [self._live[row] for row in rows if row in self._live]
            )
        for view in live:
            view.renew(names)

    def steady(self, work: Callable[[], T]) -> T:
        """The result of several reads that belong together: done again if a write came between."""
        for _ in range(_TRIES):
            before = self.store.version
            try:
                result = work()
            except DocstoreError:
                if self.store.version == before:
                    raise
                continue
            if self.store.version == before:
                return result
        with self.lock:
            return work()

    def append(self, doc: Document) -> None:
        with self.lock:
            self.write([Insert(len(self), [record_of(doc)])])

    def extend_from(self, source: Records) -> bool:
        rows = rows_of(source)
        if rows is not None:
            with self.lock:
                self.write([Insert(len(self), *rows)])
        return rows is not None

    def overwrite(self, docs: Sequence[Document]) -> None:
        records = [record_of(doc) for doc in docs]
        self.write([Clear(), Insert(0, records)])
        self.changed(None)

    def put_matches(self, hits: Sequence[Records]) -> None:
        self.put('matches', list(hits))

    def insert(self, position: int, docs: Sequence[Document]) -> None:
        self.write([Insert(min(position, len(self)), [record_of(doc) for doc in docs])])

    def replace(self, positions: Sequence[int], docs: Sequence[Document]) -> None:
        rows = self._rows_at(np.asarray(positions, dtype=np.int64)).tolist()
        self.write([Update(rows, [record_of(doc) for doc in docs], replace=True)])
        self.changed(rows)

    def splice(self, start: int, stop: int, docs: Sequence[Document]) -> None:
        rows = self.store.rows(start, stop).tolist()
        records = [record_of(doc) for doc in docs]
        self.write([Delete(rows), Insert(start, records)])
        self.changed(rows)

    def delete(self, positions: Sequence[int]) -> None:
        rows = self._rows_at(np.asarray(positions, dtype=np.int64)).tolist()
        self.write([Delete(rows)])
        self.changed(rows)

    def reorder(self, positions: RowArray) -> None:
        self.write([Reorder(self.store.rows()[positions])])

    def clear(self) -> None:
        self.write([Clear()])
        self.changed(None)

    def upsert(self, docs: Sequence[Document]) -> None:
        latest = {record['id']: record for record in map(record_of, docs)}
        rows = self.store.lookup(list(latest)).tolist()
        old = {row: record for row, record in zip(rows, latest.values(), strict=False) if row >= 0}
        new = [record for row, record in zip(rows, latest.values(), strict=False) if row < 0]
        operations: list[Operation] = []
        if old:
            operations.append(Update(list(old), list(old.values()), replace=True))
        if new:
            operations.append(Insert(len(self), new))
        self.write(operations)
        self.changed(old)

    one_write = one_write

    # -- in bulk ---------------------------------------------------------

    def gather(self, path: str, positions: Positions | None = None) -> list[Any] | npt.NDArray[Any]:
        return self.gather_rows(path, None if positions is None else self._rows_at(positions))

    def gather_rows(self, path: str, rows: RowArray | None) -> list[Any] | npt.NDArray[Any]:
        """The values of a field path in rows (None: all in order)."""
        if path in FIELD_BY_NAME and FIELD_BY_NAME[path].container:
            wanted = self.store.rows() if rows is None else rows
            return [self._view(row).get(path) for row in wanted.tolist()]
        return self._column(path, rows)

    def _column(self, path: str, rows: RowArray | None = None) -> list[Any] | npt.NDArray[Any]:
        if path in VECTOR_FIELDS:
            return gather_vectors(self.store, path, rows)
        return self.store.column(path, rows)

    def put(
        self,
        name: str,
        values: Sequence[Any] | npt.NDArray[Any] | None,
        positions: Positions | None = None,
    ) -> None:
        self.put_rows(name, self._rows_at(positions), values)

    def put_rows(
        self,
        name: str,
        rows: RowArray,
        values: Sequence[Any] | npt.NDArray[Any] | None,
    ) -> None:
        if values is not None and len(values) != len(rows):
            raise LengthMismatch(
                f'Length must match: {len(rows)} documents, {len(values)} values of {name!r}'
            )
        if values is not None and not isinstance(values, np.ndarray):
            if FIELD_BY_NAME[name].kind == 'documents':
                values = marked(name, map(self._view, rows.tolist()), values)
            values = [None if value is None else plain_value(name, value) for value in values]
        names = [name]
        if FIELD_BY_NAME[name].content and values is not None:
            names = [other for other in CONTENT_FIELDS if other != name] + names
        self.write([SetColumn(rows, n, values if n == name else None) for n in names])
        self.changed(rows.tolist(), names)

    def search_set(self, name: str = 'embedding') -> SearchSet:
        vectors = self.store.vectors(name)
        if vectors is None or (len(vectors.lines) and int(vectors.lines.min()) < 0):
            position = 0 if vectors is None else int(np.argmin(vectors.lines))
            raise InvalidVector(
                f'{self.identity(position)} has no embedding: set it, or search in a '
                'selection that has one',
                row=position,
            )
        if vectors.contiguous:
            return SearchSet(vectors.matrix[: len(vectors.lines)])
        return SearchSet(vectors.matrix, vectors.lines)

    def select_by(self, predicate: Predicate) -> tuple[npt.NDArray[np.bool_], str]:
        mask = self.store.select(predicate)
        if mask is None:
            return evaluate(predicate, self._column, len(self)), 'columns'
        return mask, 'database'

    @property
    def texts(self) -> Texts:
        return self.index.texts

    # -- transactions and life -------------------------------------------

    def begin(self) -> None:
        if self._depth == 0:
            for follower in self.followers:
                follower.begun()
            self.store.begin()
            self.index.begin()
        self._depth += 1

    def end(self, failed: bool) -> None:
        if self._depth == 0:
            raise TransactionError('there is no transaction to end')
        self._depth -= 1
        self._broken = self._broken or failed
        if self._depth:
            return
        undo, self._broken = self._broken, False
        if not undo:
            self.store.commit()
            self.index.commit()
            for follower in self.followers:
                follower.ended(False)
            return
        self.store.rollback()
        self.index.rollback()
        for follower in self.followers:
            follower.ended(True)
        self.changed(None)
        if not failed:
            raise TransactionError(
                'the transaction was undone, because a `with` block inside it failed'
            )

    def flush(self) -> None:
        if not self._depth:
            self.store.flush()
            self.index.save()
            for follower in self.followers:
                follower.save()

    def refresh(self) -> bool:
        moved = self.store.refresh()
        if moved:
            self.index.forget()
            self.changed(None)
            for follower in self.followers:
                follower.forget()
        return moved

    def compact(self) -> None:
        self.store.compact()
        self.index.compact()
        for follower in self.followers:
            follower.shrink()

    def close(self) -> None:
        """Undo an open transaction, save the index, close the store."""
        if self._closed:
            return
        if self._depth:
            self._depth = 1
            self.end(failed=True)
        self.index.close()
        if self.followers:
            self.store.flush()  # what is saved with them must be there for sure
        for follower in self.followers:
            follower.release()
        self.store.close()
        self._closed = True
