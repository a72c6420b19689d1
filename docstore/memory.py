"""The Documents of an array in memory: a list of references, columns beneath."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import repeat
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from .document import Document
from .errors import LengthMismatch, TransactionError
from .fields import NestedField
from .frozen import FrozenSource
from .lookup import IdLookup
from .paths import walk_all
from .query import evaluate
from .records import Positions, Records, SearchSet
from .schema import FIELD_BY_NAME
from .sparse import vectors_of
from .state import clone, freeze, nested_types
from .table import Table, range_of, subset_of

if TYPE_CHECKING:
    from .predicate import Predicate
    from .table import Rows, Source
    from .text_lists import ListTexts

__all__ = ['MemoryRecords']

Adopt = Callable[[Document], Document]
#: Makes the context of :meth:`docstore.records.Records.one_write`.
Gathers = Callable[[], AbstractContextManager[None]]


def _nothing() -> None:
    return None


class MemoryRecords(Records):
    """A list of Documents.

    Those at the first ``len(rows)`` positions may not have been made yet:
    they are rows of ``source``, which makes a Document when it is asked for.

    Parameters
    ----------
    docs : iterable of Document, optional
        What it holds.
    adopt : callable, optional
        Called with each Document that comes in; what it returns is kept.
    changed : callable, optional
        Called after each change of the list.
    """

    name = label = 'memory'
    persistent = False

    def __init__(
        self,
        docs: Iterable[Document] = (),
        adopt: Adopt | None = None,
        changed: Callable[[], None] = _nothing,
    ) -> None:
        self._adopt = adopt
        self._changed = changed
        self._docs: list[Document | None] = (
            list(docs) if adopt is None else [adopt(doc) for doc in docs]
        )
        self._rows: Rows = range(0)
        self._source: Source | None = None
        self._ids = IdLookup()
        self._texts: ListTexts | None = None
        self._saved: list[Any] = []
        self._failed = False
        self.gathers: Gathers = nullcontext

    @classmethod
    def of(cls, source: Source, rows: Rows) -> MemoryRecords:
        """The Documents of rows that nobody has looked at."""
        records = cls()
        records._docs = [None] * len(rows)
        records._rows = rows
        records._source = source
        records.gathers = getattr(source, 'one_write', nullcontext)
        return records

    # -- reading ---------------------------------------------------------

    def __len__(self) -> int:
        return len(self._docs)

    def get(self, position: int) -> Document:
        doc = self._docs[position]
        return doc if doc is not None else self._make(position)

    def _make(self, position: int) -> Document:
        doc = cast('Source', self._source).document(int(self._rows[position]))
        self._docs[position] = doc
        return doc

    def __iter__(self) -> Iterator[Document]:
        if not len(self._rows):
            return cast('Iterator[Document]', iter(self._docs))
        return self._iterate()

    def _iterate(self) -> Iterator[Document]:
        for position, doc in enumerate(self._docs):
            yield doc if doc is not None else self._make(position)

    def take(self, positions: Positions) -> MemoryRecords:
        if self._all_rows() and self._source is not None:
            rows = subset_of(self._rows, positions)
            return MemoryRecords.of(self._source, rows)
        taken = MemoryRecords(self.get(position) for position in positions)
        taken.gathers = self.gathers
        return taken

    def found(self, positions: Positions) -> MemoryRecords:
        source = self._source
        if source is not None and self._all_rows():
            rows = subset_of(self._rows, positions)
            return MemoryRecords.of(source.kept(rows), rows)
        wanted = _ints(positions)
        if source is None or not len(self._rows):
            docs = cast('list[Document]', self._docs)
            frozen = FrozenSource([docs[i]._data for i in wanted])
            return MemoryRecords.of(frozen, range(len(positions)))
        rows = np.full(len(self._docs), -1, dtype=np.int64)
        rows[: len(self._rows)] = self._rows
        rows = rows[np.asarray(positions, dtype=np.int64)]
        records = MemoryRecords.of(source.kept(rows[rows >= 0]), rows)
        for at, position in enumerate(wanted):
            if rows[at] < 0:
                doc = cast('Document', self._docs[position])
                records._docs[at] = Document._wrap(freeze(doc._data))
        return records

    def detached(self, position: int, skip: tuple[str, ...] = ()) -> dict[str, Any]:
        doc = self._docs[position]
        if doc is None:
            return cast('Source', self._source).detached(int(self._rows[position]), skip)
        return clone(doc._data, skip=skip)

    def find_id(self, key: str) -> int | None:
        return self._ids.find(key, len(self._docs), self._id_at, self._all_ids)

    def _id_at(self, position: int) -> Any:
        doc = self._docs[position]
        if doc is None:
            return cast('Source', self._source).gather('id', range_of(self._rows, position))[0]
        return doc._data.get('id')

    def _all_ids(self) -> Sequence[Any]:
        return list(self.gather('id'))

    # -- changing --------------------------------------------------------

    def append(self, doc: Document) -> None:
        """Add one Document at the end."""
        self._docs.append(doc if self._adopt is None else self._adopt(doc))
        self._changed()

    def overwrite(self, docs: Sequence[Document]) -> None:
        self.clear()
        self.insert(0, docs)

    def put_matches(self, hits: Sequence[Records]) -> None:
        match_type = nested_types()[1]
        for doc, found in zip(self, hits, strict=False):
            doc.matches = match_type._over(cast('MemoryRecords', found), doc._data)

    def begin(self) -> None:
        if self._saved:
            self._saved.append(None)
            return
        self._saved.append((list(self), [clone(doc._data) for doc in self], self._untied()))

    def end(self, failed: bool) -> None:
        if not self._saved:
            raise TransactionError('there is no transaction to end')
        saved = self._saved.pop()
        self._failed = self._failed or failed
        if saved is None:
            return
        undo, self._failed = self._failed, False
        if undo:
            docs, states, loose = saved
            self.overwrite(docs)
            for doc, state in zip(docs, states, strict=False):
                doc._replace(state)
            for sub, untied in loose:
                sub.loose = untied
            if not failed:
                raise TransactionError(
                    'the transaction was undone, because a `with` block inside it failed'
                )

    def insert(self, position: int, docs: Sequence[Document]) -> None:
        own = docs if self._adopt is None else [self._adopt(doc) for doc in docs]
        if position >= len(self._docs):
            self._docs.extend(own)
        else:
            if position < len(self._rows):
                self._rows = np.insert(
                    np.asarray(self._rows, dtype=np.int64), position, [-1] * len(own)
                )
            self._docs[position:position] = own
            self._ids.forget()
        self._changed()

    def replace(self, positions: Sequence[int], docs: Sequence[Document]) -> None:
        own = docs if self._adopt is None else [self._adopt(doc) for doc in docs]
        self._stand_alone(positions)
        for position, doc in zip(positions, own, strict=False):
            self._docs[position] = doc
        self._ids.forget()
        self._changed()

    def splice(self, start: int, stop: int, docs: Sequence[Document]) -> None:
        own = docs if self._adopt is None else [self._adopt(doc) for doc in docs]
        if start < len(self._rows):
            rows = np.asarray(self._rows, dtype=np.int64)
            self._rows = np.concatenate(
                [rows[:start], np.full(len(own), -1, dtype=np.int64), rows[stop:]]
            )
        self._docs[start:stop] = own
        self._ids.forget()
        self._changed()

    def delete(self, positions: Sequence[int]) -> None:
        if len(positions) == 1:
            position = int(positions[0])
            if position < len(self._rows):
                self._rows = np.delete(np.asarray(self._rows, dtype=np.int64), position)
            del self._docs[position]
            self._ids.deleted(position)
        else:
            self._delete_many(np.asarray(positions, dtype=np.int64))
        self._changed()

    def _delete_many(self, positions: npt.NDArray[np.int64]) -> None:
        keep = np.ones(len(self._docs), dtype=bool)
        keep[positions] = False
        self._docs = [self._docs[i] for i in np.flatnonzero(keep).tolist()]
        covered = len(self._rows)
        if covered:
            self._rows = np.asarray(self._rows, dtype=np.int64)[keep[:covered]]
        self._ids.forget()

    def reorder(self, positions: npt.NDArray[np.int64]) -> None:
        if len(self._rows):
            rows = np.full(len(self._docs), -1, dtype=np.int64)
            rows[: len(self._rows)] = self._rows
            self._rows = rows[positions]
        self._docs[:] = [self._docs[i] for i in positions.tolist()]
        self._ids.forget()
        self._changed()

    def clear(self) -> None:
        self._docs.clear()
        self._rows = range(0)
        self._source = None
        self._ids.forget()
        for sub, _ in self._untied():
            sub.loose = []
        self._changed()

    def _untied(self) -> list[tuple[Any, list[Document]]]:
        """The subindices, each with those of its Documents that are in none of these."""
        return [(sub, sub.loose) for sub in self.subindices.values() if hasattr(sub, 'loose')]

    def upsert(self, docs: Sequence[Document]) -> None:
        for doc in docs:
            position = self.find_id(doc.id)
            if position is None:
                self.append(doc)
            else:
                self.replace([position], [doc])

    def _stand_alone(self, positions: Sequence[int]) -> None:
        """Take positions out of the source's rows: they will be given other Documents."""
        covered = len(self._rows)
        inside = [position for position in positions if position < covered]
        if inside:
            self._rows = np.array(self._rows, dtype=np.int64)
            self._rows[inside] = -1

    def flush(self) -> None:
        pass

    def refresh(self) -> bool:
        return False

    def compact(self) -> None:
        pass

    def close(self) -> None:
        pass

    def one_write(self) -> AbstractContextManager[None]:
        return self.gathers()

    # -- in bulk ---------------------------------------------------------

    def _all_rows(self) -> bool:
        """Whether every Document is a row of the source."""
        covered = len(self._rows)
        if covered != len(self._docs) or not covered:
            return False
        return isinstance(self._rows, range) or bool((self._rows >= 0).all())

    def gather(self, path: str, positions: Positions | None = None) -> list[Any] | npt.NDArray[Any]:
        if self._all_rows() and self._source is not None:
            rows = self._rows if positions is None else subset_of(self._rows, positions)
            return self._source.gather(path, rows)
        if positions is None and len(self._rows):
            return self._gather_mixed(path)
        name, *keys = path.split('__')
        docs = self if positions is None else (self.get(i) for i in _ints(positions))
        return walk_all([doc._data.get(name) for doc in docs], tuple(keys))

    def _gather_mixed(self, path: str) -> list[Any]:
        """Values of rows of the source in bulk, of other Documents one by one."""
        rows = np.full(len(self._docs), -1, dtype=np.int64)
        rows[: len(self._rows)] = self._rows
        values: list[Any] = [None] * len(rows)
        inside = np.flatnonzero(rows >= 0)
        bulk = cast('Source', self._source).gather(path, rows[inside]) if len(inside) else []
        for position, value in zip(inside.tolist(), bulk, strict=False):
            values[position] = value
        name, *keys = path.split('__')
        outside = np.flatnonzero(rows < 0).tolist()
        own = [cast('Document', self._docs[i])._data.get(name) for i in outside]
        for position, value in zip(outside, walk_all(own, tuple(keys)), strict=False):
            values[position] = value
        return values

    def origin(self) -> tuple[Source, Rows] | None:
        """The source and the rows of it that all these Documents are; else None."""
        known = self._source is not None and self._all_rows()
        return (cast('Source', self._source), self._rows) if known else None

    def whole_table(self) -> Table | None:
        """The table whose rows, all of them and in order, these are; else None."""
        table = self._source
        whole = isinstance(table, Table) and range(table.count)
        if whole and isinstance(self._rows, range) and self._rows == whole and self._all_rows():
            return cast('Table', table)
        return None

    def put(
        self,
        name: str,
        values: Sequence[Any] | npt.NDArray[Any] | None,
        positions: Positions | None = None,
    ) -> None:
        wanted = range(len(self._docs)) if positions is None else positions
        if values is not None and len(values) != len(wanted):
            raise LengthMismatch(
                f'Length must match: {len(wanted)} documents, {len(values)} values of {name!r}'
            )
        with self.one_write():
            if self._all_rows() and self._source is not None:
                self._source.put(name, subset_of(self._rows, wanted), values)
            else:
                given = repeat(None) if values is None else values
                for position, value in zip(_ints(wanted), given, strict=False):
                    setattr(self.get(position), name, value)
            if name == 'id':
                self._ids.forget()
            if FIELD_BY_NAME[name].kind == 'documents':
                NestedField.changes += 1
            self._changed()

    def search_set(self, name: str = 'embedding') -> SearchSet:
        if self._all_rows() and self._source is not None:
            found = self._source.search_set(name, self._rows)
            if found is not None:
                return found
        vectors = list(self.gather(name))
        return SearchSet(vectors_of(vectors, self.identity))

    def select_by(self, predicate: Predicate) -> tuple[npt.NDArray[np.bool_], str]:
        if len(self._rows):
            return evaluate(predicate, self.gather, len(self._docs)), 'columns'
        fields: dict[str, Any] = {}

        def column(path: str) -> Any:
            # The Documents are looked at once for all conditions on their tags.
            name, *keys = path.split('__')
            if name not in fields:
                fields[name] = self.gather(name)
            return walk_all(fields[name], tuple(keys))

        return evaluate(predicate, column, len(self._docs)), 'columns'

    @property
    def texts(self) -> ListTexts:
        if self._texts is None:
            from .text_lists import ListTexts

            self._texts = ListTexts(self.gather)
        return self._texts


def _ints(positions: Positions) -> Iterable[int]:
    return positions if isinstance(positions, range) else positions.tolist()
