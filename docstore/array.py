"""DocumentArray: Documents in something that behaves like a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from . import generators
from .display.summary import array_tables, show
from .distance import check_limit
from .document import Document
from .errors import InvalidArgument, InvalidType, UnsupportedOperation, did_you_mean
from .generators import Maker
from .indexing import checked
from .matching import Options, document_queries, query_matrix, search, select
from .memory import MemoryRecords
from .opening import open_path, open_records
from .saving import SavedSequence
from .state import to_record
from .stored import StoredRecords
from .table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from .records import Records

__all__ = ['DocumentArray']


class _Default(int):
    """The limit of a search that was not given one."""


_LIMIT = _Default(20)


class DocumentArray(SavedSequence):
    """Documents in an order, in memory or in a store.

    In memory it is a list of references. In a store (``storage='sqlite'``,
    ``'disk'``, ``'annlite'``) each operation is atomic and lasting when it
    returns, ids are unique, and a Document taken out is a view: what is set
    on it is stored. ``with da:`` makes one transaction of what is done inside.

    Parameters
    ----------
    docs : DocumentArray, Document or iterable of Document, optional
        What it holds. Given together with a store, it replaces what is there.
        Another array in memory is shared, not copied, unless ``copy``.
    copy : bool
        Whether to deep-copy the Documents.
    storage : str
        Where they are kept.
    config : dict, optional
        Where and how the store keeps them.
    subindex_configs : dict, optional
        Not supported yet.

    Raises
    ------
    UnknownName
        If there is no such storage.
    InvalidConfig
        If the store does not know a key of ``config``.

    Examples
    --------
    >>> da = DocumentArray([Document(id='a', text='x'), Document(id='b', text='y')])
    >>> da['b'].text, da[:, 'id'], len(da[1:])
    ('y', ['a', 'b'], 1)
    """

    def __init__(
        self,
        docs: Iterable[Document] | Document | None = None,
        copy: bool = False,
        storage: str = 'memory',
        config: Mapping[str, Any] | None = None,
        subindex_configs: Mapping[str, Any] | None = None,
    ) -> None:
        if subindex_configs:
            raise UnsupportedOperation('subindex_configs are not supported yet')
        if storage == 'memory':
            self._records = _in_memory(docs, copy)
            return
        records = open_records(storage, config)
        self._records = records
        if docs is not None:
            try:
                records.overwrite([docs] if isinstance(docs, Document) else checked(docs))
            except BaseException:
                records.close()
                raise

    @classmethod
    def _of(cls, records: Records) -> DocumentArray:
        """The array over records that exist already."""
        array = DocumentArray.__new__(DocumentArray)
        array._records = records
        return array

    @classmethod
    def open(cls, path: str | Path, **config: Any) -> DocumentArray:
        """The array kept at ``path``, whatever store wrote it.

        Parameters
        ----------
        path : str or Path
            A directory of the disk store, or a database file.
        **config
            Further configuration, such as ``read_only=True``.

        Raises
        ------
        NotAStore
            If there is none at ``path``.
        """
        return cls._of(open_path(path, config))

    @classmethod
    def empty(cls, size: int = 0, *args: Any, **kwargs: Any) -> DocumentArray:
        """An array of ``size`` empty Documents with random ids.

        Examples
        --------
        >>> len(DocumentArray.empty(1_000_000))
        1000000
        """
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 0:
            raise InvalidArgument(f'size must be an int of at least 0, not {size!r}')
        made = cls._of(MemoryRecords.of(Table(int(size)), range(int(size))))
        return made if not (args or kwargs) else cls(made, *args, **kwargs)

    def __add__(self, other: Iterable[Document]) -> DocumentArray:
        if isinstance(other, Document):
            raise InvalidType('a DocumentArray can be extended by an iterable of Documents only')
        result = DocumentArray(self, copy=True)
        result.extend(other)
        return result

    # -- from elsewhere ---------------------------------------------------------

    from_ndarray = Maker(generators.from_ndarray)
    from_files = Maker(generators.from_files)
    from_csv = Maker(generators.from_csv)
    from_lines = Maker(generators.from_lines)
    from_ndjson = Maker(generators.from_lines)
    from_huggingface_datasets = Maker(generators.from_huggingface_datasets)

    # -- searching ------------------------------------------------------------

    def find(
        self,
        query: Any = None,
        metric: str | Callable[..., Any] | None = None,
        limit: float | None = _LIMIT,
        metric_name: str | None = None,
        exclude_self: bool = False,
        filter: Mapping[str, Any] | None = None,
        only_id: bool = False,
        index: str = 'text',
        return_root: bool = False,
        on: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """The Documents nearest to query vectors, or those that match a filter.

        Parameters
        ----------
        query : array, Document, DocumentArray or dict
            A vector gives one array of hits; a matrix (a query a line), a
            Document or a DocumentArray give a list of them; a dict is a
            filter.
        metric : str or callable
            ``'cosine'`` (the default, unless the store has an index of
            another metric), ``'euclidean'``, ``'sqeuclidean'``, ``'ip'``
            (``1 - x.y``), or ``(queries, vectors) -> distances``.
        limit : int or None
            How many hits a query has at most: 20 unless given, None for all.
            A filter alone gives all unless a limit is given.
        metric_name : str, optional
            The name of the score instead of the metric's.
        exclude_self : bool
            Leave out hits that have the id of the query Document.
        filter : dict, optional
            Conditions that hits have to match; applied before the ranking.
        only_id : bool
            Hits have only id and score.
        **kwargs
            ``normalization``, ``use_scipy`` as in :meth:`match`.

        Returns
        -------
        DocumentArray or list of DocumentArray
            Copies, made when looked at, best first, with the distance in
            ``hit.scores[metric].value``. For a filter alone the Documents
            themselves.

        Raises
        ------
        InvalidArgument
            If the query or a stored vector is of no use: wrong length, NaN,
            missing; the message names the document.

        Examples
        --------
        >>> da = DocumentArray.empty(3)
        >>> da.embeddings = np.eye(3)
        >>> hits = da.find(np.array([0.0, 1.0, 0.1]), limit=2)
        >>> hits[0].id == da[1].id, round(hits[0].scores['cosine'].value, 3)
        (True, 0.005)
        """
        _no_subindex(on, return_root)
        if isinstance(query, str) or (
            isinstance(query, list) and query and all(isinstance(item, str) for item in query)
        ):
            raise UnsupportedOperation(
                'find by text is not supported yet; find by a filter '
                "such as {'text': {'$regex': 'word'}} is"
            )
        if isinstance(query, dict) and filter is not None:
            raise InvalidArgument('a dict as query is a filter: give it, or filter=, not both')
        if query is None or isinstance(query, dict):
            return self._find_filter(query if filter is None else filter, limit)
        options = Options(
            metric,
            limit,
            metric_name=metric_name,
            exclude_self=exclude_self,
            filter=filter,
            only_id=only_id,
            **_known_options(kwargs),
        )
        if isinstance(query, (Document, DocumentArray)):
            asked = query if isinstance(query, DocumentArray) else DocumentArray([query])
            found = search(
                self._records,
                document_queries(asked._records),
                options,
                list(asked._records.gather('id')),
            )
            return [self._of(found.hits(i)) for i in range(len(asked))]
        matrix, single = query_matrix(query)
        found = search(self._records, matrix, options)
        hits = [self._of(found.hits(i)) for i in range(len(matrix))]
        return hits[0] if single else hits

    def _find_filter(self, filter: Any, limit: Any) -> DocumentArray:
        if filter is None:
            raise InvalidArgument('find needs a query, a filter, or both')
        if filter == {} and (limit is None or limit is _LIMIT):
            return self
        most = None if limit is None or limit is _LIMIT else check_limit(limit)
        with self._records.lock:
            matching = np.flatnonzero(select(self._records, filter)).astype(np.int64)
            return self._of(self._records.take(matching[:most]))

    def match(
        self,
        darray: DocumentArray,
        metric: str | Callable[..., Any] | None = None,
        limit: float | None = 20,
        normalization: tuple[float, float] | None = None,
        metric_name: str | None = None,
        batch_size: int | None = None,
        exclude_self: bool = False,
        filter: Mapping[str, Any] | None = None,
        only_id: bool = False,
        use_scipy: bool = False,
        device: str = 'cpu',
        num_worker: int | None = 1,
        on: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Fill the matches of each Document with its nearest ones of ``darray``.

        Parameters
        ----------
        darray : DocumentArray
            Where to search.
        metric, limit, metric_name, exclude_self, filter, only_id
            As in :meth:`find`.
        normalization : pair of float, optional
            Map the distances of each query from their range to this one:
            ``(1, 0)`` makes similarities of them.
        use_scipy : bool
            Allow any metric of ``scipy.spatial.distance.cdist``.
        batch_size, device, num_worker
            Accepted for legacy code; the core batches and uses all cores.

        Examples
        --------
        >>> a, b = DocumentArray.empty(2), DocumentArray.empty(5)
        >>> a.embeddings, b.embeddings = np.eye(2, 3), np.ones((5, 3))
        >>> a.match(b, limit=3)
        >>> len(a[0].matches), round(a[0].matches[0].scores['cosine'].value, 3)
        (3, 0.423)
        """
        _no_subindex(on, False)
        if batch_size is not None and batch_size < 1:
            raise InvalidArgument(f'batch_size must be at least 1, got {batch_size!r}')
        if not len(self) or not len(darray):
            return
        options = Options(
            metric, limit, normalization, metric_name, exclude_self, filter, only_id, use_scipy
        )
        found = search(
            darray._records,
            document_queries(self._records),
            options,
            list(self._records.gather('id')),
        )
        levels = self._records.gather('adjacency')
        self._records.put_matches(
            [found.hits(i, (level or 0) + 1) for i, level in enumerate(levels)]
        )

    # -- the store --------------------------------------------------------------

    @property
    def storage(self) -> str:
        """The name of the storage, such as ``'memory'`` or ``'disk'``."""
        return self._records.name

    def sync(self) -> None:
        """The same as :meth:`flush`."""
        self.flush()

    def flush(self) -> None:
        """Return when everything written is safe against power loss, too."""
        self._records.flush()

    def refresh(self) -> bool:
        """For an array opened with ``read_only=True``: see what was committed since.

        Returns
        -------
        bool
            Whether anything was.
        """
        return self._records.refresh()

    def compact(self) -> None:
        """Give the space of deleted and changed Documents back to the file system."""
        self._records.compact()

    def close(self) -> None:
        """Make everything safe and let go of files and locks."""
        self._records.close()

    # -- copying, showing -------------------------------------------------------

    def __copy__(self) -> DocumentArray:
        return self._of(self._records.take(range(len(self))))

    def __deepcopy__(self, memo: dict[int, Any]) -> DocumentArray:
        return _copied(self, memo)

    def __reduce__(self) -> Any:
        if isinstance(self._records, StoredRecords):
            return _reconnect, (self._records.name, self._records.store.config)
        return DocumentArray, (list(self),)

    def summary(self) -> None:
        """Print what the array holds, and where it is kept."""
        show(self._tables())

    def _tables(self) -> Any:
        facts = {'Type': type(self).__name__, 'Storage': self.storage}
        if isinstance(self._records, StoredRecords):
            index = self._records.index
            facts.update(self._records.store.info())
            facts['index'] = f'{index.name} ({index.metric})' if index.approximate else 'exact'
        records = ((to_record(doc._data), '_metadata' in doc.non_empty_fields) for doc in self)
        return array_tables(records, len(self), facts)

    def __rich_console__(self, console: Any, options: Any) -> Any:
        yield repr(self)
        yield self._tables()

    def _ipython_display_(self) -> None:
        self.summary()

    def __repr__(self) -> str:
        kind = type(self).__name__ + (f'[{self.storage}]' if self._records.persistent else '')
        return f'<{kind} (length={len(self)}) at {id(self)}>'


def _in_memory(docs: Iterable[Document] | Document | None, copy: bool) -> Records:
    if docs is None:
        return MemoryRecords()
    if isinstance(docs, Document):
        docs = [docs]
    if copy:
        return _copied(docs, {})._records
    if isinstance(docs, DocumentArray):
        docs = docs._records
    if isinstance(docs, MemoryRecords):
        return docs
    return MemoryRecords(checked(docs))


def _copied(docs: Iterable[Document], memo: dict[int, Any]) -> DocumentArray:
    copies = (doc.__deepcopy__(memo) for doc in docs)
    return DocumentArray._of(MemoryRecords(copies))


def _reconnect(storage: str, config: dict[str, Any]) -> DocumentArray:
    return DocumentArray(storage=storage, config=config)


def _no_subindex(on: str | None, return_root: bool) -> None:
    if (on is not None and on.strip() != '@r') or return_root:
        raise UnsupportedOperation('searching a subindex (on=, return_root=) is not supported yet')


def _known_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The further options of ``find``: unknown ones are an error, not ignored."""
    known = {'normalization', 'use_scipy'}
    ignored = {'batch_size', 'device', 'num_worker'}
    for name in given:
        if name not in known | ignored:
            raise InvalidArgument(
                f'find has no argument {name!r}{did_you_mean(name, known | ignored)}'
            )
    return {name: value for name, value in given.items() if name in known}
