"""The list side of a DocumentArray: order, indexes, bulk attributes, paths."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from .contents import get_contents, set_bulk, set_contents, stacked, values_of
from .document import Document
from .indexing import check_document, checked, delete_item, get_item, set_item
from .memory import MemoryRecords
from .stored import StoredRecords
from .traverse import ROOT, flatten, parse_paths, walk

if TYPE_CHECKING:
    from typing_extensions import Self

    from .records import Records

__all__ = ['DocumentSequence']

S = TypeVar('S', bound='DocumentSequence')


class DocumentSequence(MutableSequence[Document]):
    """Documents in an order, over records that keep them."""

    _records: Records

    @classmethod
    @abstractmethod
    def _of(cls, records: Records) -> Any:
        """The array over other records."""

    # -- the list ---------------------------------------------------------

    def __len__(self) -> int:
        return len(self._records)

    def __bool__(self) -> bool:
        return len(self._records) > 0

    def __iter__(self) -> Iterator[Document]:
        return iter(self._records)

    def __contains__(self, item: object) -> bool:
        if isinstance(item, Document):
            item = item.id
        return isinstance(item, str) and self._records.find_id(item) is not None

    @overload
    def __getitem__(self, key: int) -> Document: ...
    @overload
    def __getitem__(self, key: slice) -> Any: ...
    @overload
    def __getitem__(self, key: Any) -> Any: ...
    def __getitem__(self, key: Any) -> Any:
        # The commonest key first: telling all kinds apart costs more than the reading.
        if type(key) is int and 0 <= key < len(self._records):
            return self._records.get(key)
        with self._records.lock:
            return get_item(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        with self._records.lock:
            set_item(self, key, value)

    def __delitem__(self, key: Any) -> None:
        with self._records.lock:
            delete_item(self, key)

    def append(self, value: Document, **kwargs: Any) -> None:
        """Add a Document at the end."""
        if type(value) is not Document:
            check_document(value)
        self._records.append(value)

    def extend(self, values: Iterable[Document], **kwargs: Any) -> None:
        """Add Documents at the end, all or none."""
        if isinstance(values, DocumentSequence) and self._records.extend_from(values._records):
            return
        docs = checked(values)
        with self._records.lock:
            self._records.insert(len(self._records), docs)

    def insert(self, index: int, value: Document, **kwargs: Any) -> None:
        """Put a Document before a position."""
        check_document(value)
        with self._records.lock:
            start = range(*slice(int(index), None).indices(len(self))).start
            self._records.insert(start, [value])

    def pop(self, index: int = -1) -> Document:
        """Remove a Document and return it; one of a store as a free copy."""
        with self._records.lock:
            doc: Document = self[index]
            if isinstance(self._records, StoredRecords):
                doc = Document(doc, copy=True)
            del self[index]
        return doc

    def reverse(self) -> None:
        """Turn the order round, in place."""
        with self._records.lock:
            self._records.reorder(np.arange(len(self), dtype=np.int64)[::-1])

    def clear(self) -> None:
        """Remove all Documents."""
        self._records.clear()

    def upsert(self, docs: Iterable[Document] | Document) -> None:
        """Replace the Documents of the same ids, append the others; all or none.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> da = DocumentArray([Document(id='a', text='old')])
        >>> da.upsert([Document(id='a', text='new'), Document(id='b')])
        >>> da[:, ['id', 'text']]
        [['a', 'b'], ['new', '']]
        """
        new = [docs] if isinstance(docs, Document) else checked(docs)
        with self._records.lock:
            self._records.upsert(new)

    def __iadd__(self, other: Iterable[Document]) -> Self:
        self.extend(other)
        return self

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, DocumentSequence)
        mine, theirs = self._records, other._records
        if isinstance(mine, StoredRecords) or isinstance(theirs, StoredRecords):
            return (
                isinstance(mine, StoredRecords)
                and isinstance(theirs, StoredRecords)
                and (mine.name, mine.store.config) == (theirs.name, theirs.store.config)
            )
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=False))

    __hash__ = None  # type: ignore[assignment]  # it changes, as a list does

    # -- bulk content -------------------------------------------------------

    @property
    def texts(self) -> list[str] | None:
        """The texts of all Documents; None for an empty array."""
        return values_of(self._records, 'text') if len(self) else None

    @texts.setter
    def texts(self, values: Sequence[str] | None) -> None:
        set_bulk(self._records, 'text', values)

    @property
    def blobs(self) -> list[bytes] | None:
        """The blobs of all Documents; None for an empty array."""
        return values_of(self._records, 'blob') if len(self) else None

    @blobs.setter
    def blobs(self, values: Sequence[bytes] | None) -> None:
        set_bulk(self._records, 'blob', values)

    @property
    def tensors(self) -> Any:
        """The tensors of all Documents, stacked; None if there are none."""
        return stacked(self._records, 'tensor') if len(self) else None

    @tensors.setter
    def tensors(self, values: Any) -> None:
        set_bulk(self._records, 'tensor', values)

    @property
    def embeddings(self) -> Any:
        """The embeddings of all Documents, one a line; None if there are none.

        Where the array keeps them as one matrix this is a read-only view of
        it, without a copy.
        """
        return stacked(self._records, 'embedding') if len(self) else None

    @embeddings.setter
    def embeddings(self, values: Any) -> None:
        set_bulk(self._records, 'embedding', values)

    @property
    def contents(self) -> Any:
        """The contents of all Documents, by the content type of the first."""
        return get_contents(self._records)

    @contents.setter
    def contents(self, values: Any) -> None:
        set_contents(self._records, values)

    # -- paths --------------------------------------------------------------

    def traverse(
        self, traversal_paths: str, filter_fn: Callable[[Document], bool] | None = None
    ) -> Iterator[Any]:
        """One array for each parent that a path leads to.

        Parameters
        ----------
        traversal_paths : str
            Paths such as ``'c,m[:3]'``: steps ``r`` (the array itself), ``c``
            (chunks) and ``m`` (matches), each with an index or a slice that
            holds for each parent, and commas between paths.
        filter_fn : callable, optional
            Only Documents that it is true for come.

        Raises
        ------
        InvalidArgument
            If a path does not follow the grammar.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> da = DocumentArray([Document(chunks=[Document(id='a'), Document(id='b')]), Document()])
        >>> [group[:, 'id'] for group in da.traverse('c')]
        [['a', 'b'], []]
        """
        paths = [walk(self, steps) for steps in parse_paths(traversal_paths)]
        return (self._of(self._nested(group, filter_fn)) for path in paths for group in path)

    def traverse_flat(
        self, traversal_paths: str, filter_fn: Callable[[Document], bool] | None = None
    ) -> Any:
        """All Documents that the paths lead to, in one array; as ``da['@c']``.

        The path ``'r'`` without a filter gives the array itself. The
        parameters and errors are those of :meth:`traverse`.
        """
        paths = parse_paths(traversal_paths)
        if len(paths) == 1 and paths[0] == ROOT and filter_fn is None:
            return self
        groups = (group for steps in paths for group in walk(self, steps))
        return self._of(self._nested((doc for group in groups for doc in group), filter_fn))

    def traverse_flat_per_path(
        self, traversal_paths: str, filter_fn: Callable[[Document], bool] | None = None
    ) -> Iterator[Any]:
        """One array for each path, of all Documents that it leads to.

        The parameters and errors are those of :meth:`traverse`.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> da = DocumentArray([Document(id='a', chunks=[Document(id='c')]) for _ in range(2)])
        >>> [part[:, 'id'] for part in da.traverse_flat_per_path('r,c')]
        [['a', 'a'], ['c', 'c']]
        """
        paths = [walk(self, steps) for steps in parse_paths(traversal_paths)]
        return (
            self._of(self._nested((doc for group in path for doc in group), filter_fn))
            for path in paths
        )

    def flatten(self) -> Any:
        """All Documents with their chunks and matches, children before parents.

        A Document that is met twice is there twice, its children once. A
        flattened array gives itself.

        Raises
        ------
        RecursionError
            If a Document contains itself.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> da = DocumentArray([Document(id='a', chunks=[Document(id='c')])])
        >>> da.flatten()[:, 'id']
        ['c', 'a']
        """
        if self._records.flat:
            return self
        records = self._nested(flatten(self))
        records.flat = True
        records._changed = partial(setattr, records, 'flat', False)
        return self._of(records)

    def _nested(
        self, docs: Iterable[Document], filter_fn: Callable[[Document], bool] | None = None
    ) -> MemoryRecords:
        """Documents found in those of this array: they are stored with it."""
        records = MemoryRecords(docs if filter_fn is None else filter(filter_fn, docs))
        records.gathers = self._records.one_write
        return records

    # -- transactions ---------------------------------------------------------

    def _together(self) -> AbstractContextManager[Any]:
        """A context in which changes of a store are one transaction."""
        return self if self._records.persistent else nullcontext()

    def __enter__(self) -> Self:
        self._records.begin()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._records.end(failed=kind is not None)
