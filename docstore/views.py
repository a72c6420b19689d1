"""Views of stored rows: what a Document of a persistent array holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from .errors import DocumentGone, InvalidDocument
from .records import Records, SearchSet
from .schema import FIELD_BY_NAME, VECTOR_FIELDS
from .state import LiveState, adopt_value, hydrate, plain_value
from .stores.base import Update

if TYPE_CHECKING:
    from .document import Document
    from .stored import StoredRecords
    from .stores.base import Operation, Store
    from .table import Rows

__all__ = [
    'Follower',
    'StoredRow',
    'StoredSource',
    'Unsaved',
    'gather_vectors',
    'marked',
    'one_write',
]

# What cannot be changed in place, and so is shown as it is.
_SCALARS = frozenset((str, bytes, int, float, bool))


class Follower(Protocol):
    """What is kept in step with a store: it is told of every change."""

    def check(self, operations: Sequence[Operation]) -> None:
        """Raise if these must not be done."""

    def note(self, operations: Sequence[Operation], inserted: npt.NDArray[np.int64]) -> None:
        """These were done."""

    def begun(self) -> None:
        """A transaction starts."""

    def ended(self, undo: bool) -> None:
        """The transaction was kept, or undone."""

    def forget(self) -> None:
        """The store has another content now."""

    def save(self) -> None:
        """Put what belongs to the content, which is safe, beside it."""

    def shrink(self) -> None:
        """Give unused space back."""

    def release(self) -> None:
        """Save, and let go of files: the store will be closed."""


class StoredRow(LiveState):
    """The fields of a stored row, read when first asked for, written through.

    Parameters
    ----------
    records : StoredRecords
        Where the row belongs; they have one StoredRow a row at a time.
    row : int
        Which row of the store.
    """

    __slots__ = ('__weakref__', '_fields', '_records', '_row')

    def __init__(self, records: StoredRecords, row: int) -> None:
        self._records = records
        self._row = row
        self._fields: dict[str, Any] | None = None

    @property
    def loaded(self) -> bool:
        """Whether the fields were read already."""
        return self._fields is not None

    def fill(self, record: Mapping[str, Any]) -> None:
        """Take the plain fields that the store gave."""
        self._fields = {
            name: value if value.__class__ in _SCALARS else self._own(name, value)
            for name, value in record.items()
        }

    def renew(self, names: Iterable[str] | None) -> None:
        """Read these fields (None: all) anew when they are next asked for."""
        if names is None or self._fields is None:
            self._fields = None
            return
        record = self._read(vectors=False)
        for name in names:
            self._fields.pop(name, None)
            if name in record:
                self._fields[name] = self._own(name, record[name])

    def end(self) -> None:
        """The row is no longer there."""
        self._fields, self._row = None, -1

    def _read(self, vectors: bool) -> dict[str, Any]:
        return self._records.store.read([self._row], vectors=vectors)[0]

    def _own(self, name: str, value: Any) -> Any:
        watch = _Watch(self, name)
        watch.container = hydrate(name, value, self, watch)
        return watch.container

    def _all(self) -> dict[str, Any]:
        if self._fields is None:
            self.fill(self._read(vectors=False))
        return cast('dict[str, Any]', self._fields)

    def get(self, name: str) -> Any:
        fields = self._all()
        if name in VECTOR_FIELDS and name not in fields:
            fields[name] = self._own(name, self._read(vectors=True).get(name))
        return fields.get(name)

    def items(self) -> Iterator[tuple[str, Any]]:
        for name in VECTOR_FIELDS:
            self.get(name)
        return ((name, value) for name, value in list(self._all().items()) if value is not None)

    def container(self, name: str) -> Any:
        value = self.get(name)
        if value is None:
            value = self._all()[name] = self._own(name, FIELD_BY_NAME[name].default())
        return value

    def assign(self, changes: Mapping[str, Any]) -> None:
        plain = {
            name: None if value is None else plain_value(name, adopt_value(name, value, self))
            for name, value in changes.items()
        }
        if 'id' in plain and plain['id'] is None:
            raise InvalidDocument('a stored document keeps an id: it cannot be unset')
        self._records.write([Update([self._row], [plain])])
        if self._records.derived:
            self._fields = None
            return
        fields = self._all()
        for name, value in plain.items():
            fields.pop(name, None)
            if value is not None and name not in VECTOR_FIELDS:
                fields[name] = self._own(name, value)

    def save(self, name: str, container: Any) -> None:
        """Store a container that was changed in place.

        Raises
        ------
        DocumentGone
            If the row has another container by now: the change is not stored.
        """
        if self._fields is None or self._fields.get(name) is not container:
            raise DocumentGone(
                f'this {name!r} belongs to an earlier state of the stored document: read '
                'it again from the document, and change that'
            )
        with self._records.lock:
            if self._records.unsaved is not None:
                self._records.unsaved.note(self, name)
                return
            try:
                self._records.write([Update([self._row], [{name: plain_value(name, container)}])])
            except BaseException:
                self._fields = None
                raise


class Unsaved:
    """Containers that were changed in place, to be stored in one write.

    Without it, a change of each of a thousand chunks would write all thousand
    a thousand times.
    """

    def __init__(self) -> None:
        self._changed: dict[StoredRow, set[str]] = {}

    def note(self, view: StoredRow, name: str) -> None:
        """A container of a row was changed."""
        self._changed.setdefault(view, set()).add(name)

    def save(self) -> None:
        """Store all that was noted, all or nothing."""
        views, records = [], []
        for view, names in self._changed.items():
            # What was set anew since is stored already.
            fields = {name: (view._fields or {}).get(name) for name in names}
            plain = {n: plain_value(n, value) for n, value in fields.items() if value is not None}
            if plain:
                views.append(view)
                records.append(plain)
        if views:
            views[0]._records.write([Update([view._row for view in views], records)])

    def forget(self) -> None:
        """Show what is stored instead."""
        for view in self._changed:
            view.renew(None)


@contextmanager
def one_write(records: StoredRecords) -> Iterator[None]:
    """A context in which changes of nested Documents are stored at its end, in one write."""
    with records.lock:
        # A row of a subindex is read anew after each write: what was noted would be lost.
        if records.unsaved is not None or records.derived:
            yield
            return
        records.unsaved = unsaved = Unsaved()
        try:
            yield
            unsaved.save()
        except BaseException:
            unsaved.forget()
            raise
        finally:
            records.unsaved = None


class _Watch:
    """Called when a container of a stored row has changed: stores it."""

    __slots__ = ('_name', '_view', 'container')

    def __init__(self, view: StoredRow, name: str) -> None:
        self._view = view
        self._name = name
        self.container: Any = None

    def __call__(self) -> None:
        if self.container is not None:
            self._view.save(self._name, self.container)

    def one_write(self) -> AbstractContextManager[None]:
        return one_write(self._view._records)


class StoredSource:
    """The rows of stored records, for a selection of them.

    Parameters
    ----------
    records : StoredRecords
        Where the rows belong.
    """

    def __init__(self, records: StoredRecords) -> None:
        self._records = records

    def document(self, row: int) -> Document:
        return self._records.document(row)

    def detached(self, row: int, skip: tuple[str, ...]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, value in self._records.store.read([row])[0].items():
            if name not in skip:
                data[name] = hydrate(name, value, data)
        return data

    def gather(self, path: str, rows: Rows) -> list[Any] | npt.NDArray[Any]:
        return self._records.gather_rows(path, np.asarray(rows, dtype=np.int64))

    def put(self, name: str, rows: Rows, values: Sequence[Any] | npt.NDArray[Any] | None) -> None:
        self._records.put_rows(name, np.asarray(rows, dtype=np.int64), values)

    def one_write(self) -> AbstractContextManager[None]:
        """As the records themselves."""
        return one_write(self._records)

    def kept(self, rows: Rows) -> StoredSource:
        return self._records.kept(np.asarray(rows, dtype=np.int64))

    def search_set(self, name: str, rows: Rows) -> SearchSet | None:
        vectors = self._records.store.vectors(name)
        if vectors is None:
            return None
        positions = self._records.store.positions(np.asarray(rows, dtype=np.int64))
        lines = vectors.lines[positions]
        if (positions < 0).any() or (lines < 0).any():
            return None
        return SearchSet(vectors.matrix, lines)


def marked(name: str, views: Iterable[StoredRow], values: Sequence[Any]) -> list[Any]:
    """Chunks or matches, marked as those of their rows; found ones are marked already."""
    return [
        value if value is None or isinstance(value, Records) else adopt_value(name, value, view)
        for view, value in zip(views, values, strict=True)
    ]


def gather_vectors(
    store: Store, name: str, rows: npt.NDArray[np.int64] | None
) -> list[Any] | npt.NDArray[Any]:
    """A vector field of rows (None: all in order), as a matrix where all have one.

    Raises
    ------
    DocumentGone
        If a row was deleted.
    """
    vectors = store.vectors(name)
    if vectors is None:
        return [None] * (len(store) if rows is None else len(rows))
    if rows is None and vectors.contiguous:
        return vectors.matrix[: len(vectors.lines)]
    lines = vectors.lines
    if rows is not None:
        positions = store.positions(rows)
        if (positions < 0).any():
            raise DocumentGone('a document of this selection was deleted from its store')
        lines = lines[positions]
    if (lines < 0).any():
        return [vectors.matrix[line] if line >= 0 else None for line in lines.tolist()]
    gathered = vectors.matrix[lines]
    gathered.flags.writeable = False
    return gathered
