"""What a DocumentArray keeps its Documents in.

There are two kinds. :class:`docstore.memory.MemoryRecords` has the semantics
of a list of references. :class:`docstore.stored.StoredRecords` keeps rows in
a persistent :class:`docstore.stores.base.Store`. The array asks both the same
questions, by position.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .document import Document
    from .predicate import Predicate
    from .text_lists import Texts

__all__ = ['Positions', 'Records', 'SearchSet']

#: Positions in an array: a run, or any list of them.
Positions = range | npt.NDArray[np.int64]


@dataclass(slots=True)
class SearchSet:
    """The vectors of an array, as the core searches them.

    Attributes
    ----------
    vectors : ndarray of shape (lines, dim), or sequence of ndarray
        The vectors, or a matrix that has them among its lines.
    lines : ndarray of int64, optional
        Which line of the matrix belongs to each position; by default line i
        to position i.
    """

    vectors: npt.NDArray[Any] | Sequence[Any]
    lines: npt.NDArray[np.int64] | None = None


class Records(ABC):
    """An ordered, mutable sequence of Documents."""

    #: The name of the storage, as ``DocumentArray(storage=...)`` takes it.
    name: str
    #: The name that it was opened by: ``'annlite'`` is a way to open ``'disk'``.
    label: str
    #: Whether the Documents outlive the process.
    persistent: bool
    #: Whether these are the Documents of another array with all that is nested in them.
    flat: bool = False
    #: Held while something is done at positions that another thread may move.
    lock: AbstractContextManager[Any] = nullcontext()
    #: The subindices, by selector.
    subindices: Mapping[str, Records] = MappingProxyType({})

    @abstractmethod
    def __len__(self) -> int:
        """How many Documents there are."""

    @abstractmethod
    def get(self, position: int) -> Document:
        """The Document at a position from 0 to before ``len``."""

    @abstractmethod
    def __iter__(self) -> Iterator[Document]:
        """The Documents in order; what is appended meanwhile is seen, as with a list."""

    @abstractmethod
    def take(self, positions: Positions) -> Records:
        """A memory sequence of the same Documents."""

    @abstractmethod
    def found(self, positions: Positions) -> Records:
        """What a search found, as it is now: for copies to be made of it later.

        Changing or deleting the Documents does not change it; in memory, only
        what is written into an array of numbers does.
        """

    @abstractmethod
    def detached(self, position: int, skip: tuple[str, ...] = ()) -> dict[str, Any]:
        """A deep copy of the fields of a Document, without those in ``skip``."""

    @abstractmethod
    def find_id(self, key: str) -> int | None:
        """The position of the (last) Document of this id, None if there is none."""

    def one_write(self) -> AbstractContextManager[None]:
        """A context in which changes of nested Documents are stored at its end, in one write."""
        return nullcontext()

    def named(self, key: str) -> Document | None:
        """The (last) Document of this id, None if there is none."""
        position = self.find_id(key)
        return None if position is None else self.get(position)

    @abstractmethod
    def insert(self, position: int, docs: Sequence[Document]) -> None:
        """Put Documents before ``position``, all or none."""

    @abstractmethod
    def replace(self, positions: Sequence[int], docs: Sequence[Document]) -> None:
        """Put other Documents in the places of these."""

    @abstractmethod
    def splice(self, start: int, stop: int, docs: Sequence[Document]) -> None:
        """Put Documents in the place of a run of them."""

    @abstractmethod
    def delete(self, positions: Sequence[int]) -> None:
        """Remove the Documents at these (different) positions."""

    @abstractmethod
    def reorder(self, positions: npt.NDArray[np.int64]) -> None:
        """Give all Documents a new order: position i gets what was at positions[i]."""

    @abstractmethod
    def clear(self) -> None:
        """Remove all Documents."""

    @abstractmethod
    def upsert(self, docs: Sequence[Document]) -> None:
        """Replace the Documents of the same ids; append those of new ids."""

    @abstractmethod
    def gather(self, path: str, positions: Positions | None = None) -> list[Any] | npt.NDArray[Any]:
        """The values of a field path, None where unset; a matrix if kept as one."""

    @abstractmethod
    def put(
        self,
        name: str,
        values: Sequence[Any] | npt.NDArray[Any] | None,
        positions: Positions | None = None,
    ) -> None:
        """Set a field of many Documents, all or none; None unsets it."""

    @abstractmethod
    def search_set(self, name: str = 'embedding') -> SearchSet:
        """The vectors of all Documents.

        Raises
        ------
        InvalidVector
            If a Document has none; the message names it.
        """

    @abstractmethod
    def select_by(self, predicate: Predicate) -> tuple[npt.NDArray[np.bool_], str]:
        """Which positions match, and whether the ``'database'`` or ``'columns'`` told."""

    def select(self, predicate: Predicate) -> npt.NDArray[np.bool_]:
        """Which positions match."""
        return self.select_by(predicate)[0]

    @property
    @abstractmethod
    def texts(self) -> Texts:
        """The text search of these Documents."""

    @abstractmethod
    def append(self, doc: Document) -> None:
        """Add one Document at the end."""

    def extend_from(self, source: Records) -> bool:
        """Add the rows of other records at the end without making Documents.

        Returns
        -------
        bool
            False if that is not possible: nothing was done.
        """
        return False

    @abstractmethod
    def overwrite(self, docs: Sequence[Document]) -> None:
        """Hold these Documents and no others, all or none."""

    @abstractmethod
    def put_matches(self, hits: Sequence[Records]) -> None:
        """Give each Document the matches that were found for it."""

    @abstractmethod
    def begin(self) -> None:
        """Start a transaction, or go one level deeper into it."""

    @abstractmethod
    def end(self, failed: bool) -> None:
        """End one level of the transaction: keep it, or undo all of it."""

    @abstractmethod
    def flush(self) -> None:
        """Make everything written safe against power loss."""

    @abstractmethod
    def refresh(self) -> bool:
        """See what another process committed since; whether it did."""

    @abstractmethod
    def compact(self) -> None:
        """Give the space of what was deleted and changed back."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and locks."""

    def identity(self, position: int) -> str:
        """How error messages name the Document at ``position``."""
        ids = self.gather('id', np.asarray([position], dtype=np.int64))
        return f'the document at position {position} (id {ids[0]!r})'
