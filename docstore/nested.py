"""The arrays of chunks and matches of a Document."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from .array import DocumentArray
from .document import Document
from .fields import NestedField
from .memory import MemoryRecords
from .state import NestedState, State, hydrate, to_record

__all__ = ['ChunkArray', 'MatchArray']

Docs = Document | Iterable[Document | Mapping[str, Any]] | None


def _count() -> None:
    NestedField.changes += 1


class NestedArray(DocumentArray):
    """Documents inside another Document.

    Parameters
    ----------
    docs : Document or iterable, optional
        Documents, taken by reference; or mappings of plain fields as a store
        has them.
    reference : Document or its state, optional
        The Document that they are inside of: what comes in is marked so.
    notify : callable, optional
        For a stored Document: called after each change at any depth. What
        comes in is then copied, as it is into any persistent array.
    """

    _levels: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        docs: Docs = None,
        reference: Document | State | None = None,
        notify: Callable[[], None] | None = None,
    ) -> None:
        if docs is None:
            docs = ()
        elif isinstance(docs, Document):
            docs = (docs,)
        self._reference = reference._data if isinstance(reference, Document) else reference
        self._notify = notify
        made = [self._take_in(doc) for doc in docs]
        self._records = MemoryRecords(made, changed=notify or _count)
        self._records._adopt = self._adopt if self._reference is not None else None
        # Those of a stored Document: changes of many of them can be one write.
        self._records.gathers = getattr(notify, 'one_write', self._records.gathers)

    @classmethod
    def _over(cls, records: MemoryRecords, reference: State) -> Any:
        """The array over records that are marked already."""
        array = cls(reference=reference)
        array._records = records
        records._adopt = array._adopt
        records._changed = _count
        return array

    @property
    def reference_doc(self) -> Document | None:
        """The Document that these are inside of."""
        return None if self._reference is None else Document._wrap(self._reference)

    def _take_in(self, doc: Document | Mapping[str, Any]) -> Document:
        if isinstance(doc, Document):
            return doc if self._reference is None else self._adopt(doc)
        if self._notify is not None:
            return Document._wrap(NestedState(doc, self._notify))
        data: dict[str, Any] = {}
        for name, value in doc.items():
            data[name] = hydrate(name, value, data)
        return Document._wrap(data)

    def _adopt(self, doc: Document) -> Document:
        """Mark ``doc`` as nested here; a copy of it, if the parent is stored."""
        marks = self._marks()
        if self._notify is not None:
            return Document._wrap(NestedState({**to_record(doc._data), **marks}, self._notify))
        doc._assign(marks)
        return doc

    @abstractmethod
    def _marks(self) -> dict[str, Any]:
        """What tells that a Document is nested here."""

    def __reduce__(self) -> Any:
        return type(self), (list(self), self._reference if type(self._reference) is dict else None)


class ChunkArray(NestedArray):
    """The chunks of a Document: its parts.

    What comes in gets the ``parent_id`` of the Document and its
    ``granularity`` plus one.
    """

    def _marks(self) -> dict[str, Any]:
        parent = self._reference
        assert parent is not None
        return {
            'parent_id': parent.get('id') or '',
            'granularity': (parent.get('granularity') or 0) + 1,
        }


class MatchArray(NestedArray):
    """The matches of a Document: what a search found for it.

    What comes in gets the ``adjacency`` of the Document plus one.
    """

    def _marks(self) -> dict[str, Any]:
        parent = self._reference
        assert parent is not None
        return {'adjacency': (parent.get('adjacency') or 0) + 1}
