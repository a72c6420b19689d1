"""The searching side of a DocumentArray: find and match."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .distance import check_limit
from .document import Document
from .errors import InvalidArgument, UnsupportedOperation, did_you_mean
from .matching import Options, document_queries, query_matrix, search, select
from .memory import MemoryRecords
from .sequence import DocumentSequence
from .tabular import TabularSequence

__all__ = ['SearchedSequence']


class _Default(int):
    """The limit of a search that was not given one."""


_LIMIT = _Default(20)


class SearchedSequence(TabularSequence):
    """A sequence of Documents that is searched by vector and by filter."""

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
        >>> from docstore import DocumentArray
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
        if isinstance(query, (Document, DocumentSequence)):
            records = (
                query._records if isinstance(query, DocumentSequence) else MemoryRecords([query])
            )
            found = search(
                self._records,
                document_queries(records),
                options,
                list(records.gather('id')),
            )
            return [self._of(found.hits(i)) for i in range(len(records))]
        matrix, single = query_matrix(query)
        found = search(self._records, matrix, options)
        hits = [self._of(found.hits(i)) for i in range(len(matrix))]
        return hits[0] if single else hits

    def _find_filter(self, filter: Any, limit: Any) -> Any:
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
        darray: DocumentSequence,
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
        >>> from docstore import DocumentArray
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
