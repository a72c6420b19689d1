"""The seam of the persistent stores.

A store keeps *rows* in an order. A row is named by an int that never changes
and is never used again; its content is a mapping of plain fields: only the
fields that are set, by the names of :mod:`docstore.schema`. ``chunks`` and
``matches`` are lists of such mappings, ``scores`` and ``evaluations`` are
mappings of mappings, arrays are NumPy arrays (or lists, where the user gave
lists), and ``id`` is always there and unique in the store.

A store knows nothing of Documents: :class:`docstore.stored.StoredRecords`
makes them. Every method may be called from any thread.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import UnsupportedOperation

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from ..predicate import Predicate
    from ..textindex.base import Ranked

    RowArray = npt.NDArray[np.int64]

__all__ = [
    'Clear',
    'Delete',
    'IndexConfig',
    'Insert',
    'Operation',
    'Record',
    'Reorder',
    'SetColumn',
    'Store',
    'Update',
    'Vectors',
]

Record = dict[str, Any]


@dataclass(slots=True)
class Insert:
    """Put new rows before ``position``; ``len(store)`` appends.

    ``vectors`` may hold vector fields in bulk, one line a record; such a
    field is then not in the records.
    """

    position: int
    records: Sequence[Record]
    vectors: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Update:
    """Change rows, one record each: a field that is None becomes unset.

    With ``replace`` the record becomes the whole content of the row, whose
    place in the order stays.
    """

    rows: Sequence[int]
    records: Sequence[Record]
    replace: bool = False


@dataclass(slots=True)
class SetColumn:
    """Set one field of many rows; ``values`` None unsets it."""

    rows: RowArray
    name: str
    values: Sequence[Any] | npt.NDArray[Any] | None


@dataclass(slots=True)
class Delete:
    """Remove rows."""

    rows: Sequence[int]


@dataclass(slots=True)
class Reorder:
    """Give all rows a new order: ``rows`` names each row once."""

    rows: RowArray


@dataclass(slots=True)
class Clear:
    """Remove all rows."""


Operation = Insert | Update | SetColumn | Delete | Reorder | Clear


@dataclass(slots=True)
class Vectors:
    """A vector field of all rows, in the order of the store.

    Attributes
    ----------
    matrix : ndarray of shape (lines, dim)
        Read-only; lines that belong to no row have unspecified content. The
        array keeps its memory alive, whatever the store does next.
    lines : ndarray of int64 of shape (rows,)
        Which line of ``matrix`` holds the vector of the row at each position;
        -1 for a row without one.
    contiguous : bool
        Whether ``lines`` is ``0, 1, 2, ...``, so that ``matrix[:rows]`` is
        the field itself.
    """

    matrix: npt.NDArray[Any]
    lines: RowArray
    contiguous: bool


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """Which vector index goes with a store, kept in the store itself.

    Parameters
    ----------
    index : str
        A name of the index registry.
    metric : str
        The metric that an approximate index is built for.
    n_dim : int, optional
        Length of the vectors; by default that of the first one stored.
    max_connection : int
        Links of a graph node (``M``).
    ef_construction, ef_search : int
        Breadth of the graph search while building and while searching.
    tokenizer : str
        How text search cuts text into words, unless a search says otherwise.
    """

    index: str = 'exact'
    metric: str = 'cosine'
    n_dim: int | None = None
    max_connection: int = 16
    ef_construction: int = 200
    ef_search: int = 64
    tokenizer: str = 'unicode61'


class Store(ABC):
    """Rows of plain fields in an order, on durable ground.

    Reading methods see what was written before, inside a transaction too.
    ``write`` is the only method that changes content. What it did is whole
    and lasting (against a killed process) when it returns outside a
    transaction, or when ``commit`` returns; if it raises, nothing was done.
    """

    name: ClassVar[str]
    read_only: bool
    index_config: IndexConfig
    #: Counts commits, and is kept with the content: an index that was saved
    #: at another sequence does not belong to this content.
    sequence: int
    #: Changes with every write, rollback and refresh of this object.
    version: int

    @abstractmethod
    def __len__(self) -> int:
        """How many rows there are."""

    @abstractmethod
    def rows(self, start: int = 0, stop: int | None = None) -> RowArray:
        """The rows at the positions from ``start`` to before ``stop``."""

    @abstractmethod
    def positions(self, rows: Sequence[int] | RowArray) -> RowArray:
        """The position of each row; -1 for a row that is gone."""

    @abstractmethod
    def lookup(self, ids: Sequence[str]) -> RowArray:
        """The row of each id, -1 where there is none."""

    @abstractmethod
    def read(self, rows: Sequence[int] | RowArray, vectors: bool = True) -> list[Record]:
        """The content of rows, as new mappings; without vector fields if told so.

        Raises
        ------
        DocumentGone
            If a row was deleted.
        CorruptStore
            If what is on disk is damaged.
        """

    @abstractmethod
    def column(self, path: str, rows: RowArray | None = None) -> list[Any]:
        """The value of a field or ``tags__a__b`` path in each row (default: all,
        in order); None where it is not set.
        """

    @abstractmethod
    def vectors(self, name: str = 'embedding') -> Vectors | None:
        """A vector field of all rows; None when no row has one."""

    @abstractmethod
    def select(self, predicate: Predicate) -> npt.NDArray[np.bool_] | None:
        """Which positions match, where the store can tell by itself; else None."""

    def search_text(
        self, field: str, tokenizer: str, expressions: Sequence[str], k: int | None
    ) -> Ranked | None:
        """Rows and BM25 scores, as :meth:`docstore.textindex.base.TextIndex.search`
        gives them, where the store has a text index of its own; else None.

        Raises
        ------
        InvalidArgument
            If an expression is no FTS5 expression.
        """
        return None

    @abstractmethod
    def write(self, operations: Sequence[Operation]) -> RowArray:
        """Do all operations, or none; return the inserted rows in their order.

        Raises
        ------
        DuplicateId
            If an id would be there twice.
        DimensionMismatch, InvalidVector
            If a vector has not the length of the others, NaN or infinity.
        EncodeError
            If a value cannot be stored; the message names id and field.
        StorageFull, StorageError
            If the operating system refuses; the store is as before.
        ReadOnlyStore
            If it was opened for reading.
        """

    @abstractmethod
    def begin(self) -> None:
        """Start a transaction: writes are kept together until its end."""

    @abstractmethod
    def commit(self) -> None:
        """End the transaction and make its writes lasting."""

    @abstractmethod
    def rollback(self) -> None:
        """End the transaction and undo its writes."""

    @abstractmethod
    def flush(self) -> None:
        """Return when everything written is safe against power loss."""

    @abstractmethod
    def refresh(self) -> bool:
        """For a reader: see what the writer has committed since; True if anything."""

    @abstractmethod
    def compact(self) -> None:
        """Give the space of deleted and changed rows back to the file system."""

    @abstractmethod
    def close(self) -> None:
        """Flush and let go of files and locks; closing twice is allowed."""

    def beside(self, name: str, config: Mapping[str, Any]) -> Store:
        """A second store of the same kind, kept at the same place: opened, or made.

        Its content survives as that of this store does. Between ``begin`` and the end of
        a transaction of this store, its own ``begin``, ``commit`` and ``rollback`` are called
        right after those of this store, whose transaction may hold both.

        Parameters
        ----------
        name : str
            Starts with ``'@'``.
        config : mapping
            Fields of :class:`IndexConfig` that differ from what is stored.
        """
        raise UnsupportedOperation(
            f'storage {self.name!r} cannot keep a second store, which subindices need'
        )

    def names_beside(self) -> list[str]:
        """The names of the stores that :meth:`beside` made."""
        return []

    @abstractmethod
    def info(self) -> dict[str, str]:
        """What ``summary()`` shows: path, durability, size on disk ..."""

    @property
    @abstractmethod
    def config(self) -> dict[str, Any]:
        """What opens this store again: the argument of its ``open`` function."""

    @property
    @abstractmethod
    def index_path(self) -> Path:
        """Where an index may be saved: a file path without suffix."""
