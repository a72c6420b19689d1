"""The subindex of an array in memory: what the paths lead to, found again after a change."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from .derived import ROOT_TAG, Place, Selection
from .errors import UnsupportedOperation
from .fields import IdField, NestedField
from .memory import MemoryRecords
from .substore import warn_untied

if TYPE_CHECKING:
    from .document import Document
    from .records import Records

__all__ = ['TracedRecords']


class TracedRecords(MemoryRecords):
    """The Documents that are nested in those of an array, themselves and not copies.

    Nothing is kept but the list, which is made anew when Documents were put into
    an array or a Document, or taken out.

    Parameters
    ----------
    root : MemoryRecords
        The records of the array.
    selection : Selection
    """

    def __init__(self, root: MemoryRecords, selection: Selection) -> None:
        self._root = root
        self._selection = selection
        self._loose: list[Document] = []
        self._state: tuple[int, int] | None = None
        # Which root and path each run of Documents is from, and where it starts.
        self._runs: list[tuple[int, int]] = []
        self._starts: list[int] = []
        self._tied = 0
        super().__init__()
        watched = root._changed

        def changed() -> None:
            NestedField.changes += 1
            watched()

        root._changed = changed

    # What the list of references is for others, is found by the paths here.
    @property
    def _docs(self) -> list[Document | None]:
        state = (NestedField.changes, IdField.changes)
        if state != self._state:
            self._trace()
            self._state = state
        return self._found_docs

    @_docs.setter
    def _docs(self, docs: list[Document | None]) -> None:
        self._found_docs = docs

    def _trace(self) -> None:
        docs: list[Document | None] = []
        self._runs = []
        self._starts = []
        for path in range(len(self._selection.paths)):
            for owner, doc in enumerate(self._root):
                items = self._selection.items(doc, path)
                if items:
                    self._runs.append((owner, path))
                    self._starts.append(len(docs))
                    docs += items
        self._tied = len(docs)
        self._found_docs = [*docs, *self._loose]
        self._ids.forget()

    def _run(self, at: int) -> int:
        """The number of the run that a position is in."""
        return bisect_right(self._starts, at) - 1

    def rooted(self, positions: npt.NDArray[np.int64]) -> tuple[Records, npt.NDArray[np.int64]]:
        """The records, and the positions in them, of the roots of these Documents.

        A Document that is in no other is its own root.
        """
        docs = self._docs
        owners = [
            self._runs[self._run(at)][0] if at < self._tied else -1 for at in positions.tolist()
        ]
        if -1 not in owners:
            return self._root, np.array(owners, dtype=np.int64)
        roots = [
            cast('Document', docs[at]) if owner < 0 else self._root.get(owner)
            for owner, at in zip(owners, positions.tolist(), strict=True)
        ]
        return MemoryRecords(roots), np.arange(len(roots))

    @property
    def loose(self) -> list[Document]:
        """The Documents that are in no Document of the array."""
        return self._loose

    @loose.setter
    def loose(self, docs: list[Document]) -> None:
        self._loose = docs
        NestedField.changes += 1

    # -- changing ----------------------------------------------------------------

    def append(self, doc: Document) -> None:
        self.insert(len(self), [doc])

    def insert(self, position: int, docs: Sequence[Document]) -> None:
        warn_untied(docs)
        self._add(docs)

    def _add(self, docs: Sequence[Document]) -> None:
        for doc in docs:
            home = self._home(doc)
            if home is None:
                self.loose = [*self._loose, doc]
            else:
                home.append(doc)

    def _home(self, doc: Document) -> Any:
        field = self._selection.home
        names = [(doc._data.get('tags') or {}).get(ROOT_TAG)]
        if field == 'chunks':
            names.append(doc._data.get('parent_id'))
        for name in names if field else ():
            root = self._root.named(name) if isinstance(name, str) and name else None
            if root is not None:
                return getattr(root, str(field))
        return None

    def replace(self, positions: Sequence[int], docs: Sequence[Document]) -> None:
        warn_untied(docs)
        found = self._at(positions)
        for (owner, place), doc in zip(found, docs, strict=False):
            if owner < 0:
                self.loose = [doc if own is place.item else own for own in self._loose]
            elif place.holder is None:
                self._root.replace([owner], [doc])
            else:
                place.holder[_index(place)] = doc

    def splice(self, start: int, stop: int, docs: Sequence[Document]) -> None:
        if len(docs) == stop - start:
            self.replace(range(start, stop), docs)
            return
        warn_untied(docs)
        self.delete(range(start, stop))
        self._add(docs)

    def delete(self, positions: Sequence[int]) -> None:
        whole = []
        for owner, place in self._at(positions):
            if owner < 0:
                self.loose = [own for own in self._loose if own is not place.item]
            elif place.holder is None:
                whole.append(owner)
            else:
                del place.holder[_index(place)]
        if whole:
            self._root.delete(sorted(set(whole)))

    def _at(self, positions: Sequence[int]) -> list[tuple[int, Place]]:
        docs = self._docs
        places: dict[int, list[Place]] = {}
        found = []
        for at in map(int, positions):
            if at >= self._tied:
                found.append((-1, Place(None, docs[at])))
                continue
            run = self._run(at)
            owner, path = self._runs[run]
            if run not in places:
                places[run] = list(self._selection.places(self._root.get(owner), path))
            found.append((owner, places[run][at - self._starts[run]]))
        return found

    def clear(self) -> None:
        self.delete(range(len(self)))

    def reorder(self, positions: npt.NDArray[np.int64]) -> None:
        if positions.tolist() != list(range(len(self))):
            raise UnsupportedOperation(
                f'the order of {self._selection.selector!r} is that of its array: reorder the '
                'array, or the chunks and matches of its documents'
            )

    def begin(self) -> None:
        self._root.begin()

    def end(self, failed: bool) -> None:
        self._root.end(failed)


def _index(place: Place) -> int:
    return next(at for at, doc in enumerate(place.holder) if doc is place.item)
