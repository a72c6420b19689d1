"""The searching side of a DocumentArray: find and match."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .distance import check_limit
from .document import Document
from .errors import InvalidArgument, UnsupportedOperation, did_you_mean
from .matching import Options, document_queries, query_matrix, search, search_roots, select
from .memory import MemoryRecords
from .saving import SavedSequence
from .sequence import DocumentSequence
from .subindex import roots_of, searched

if TYPE_CHECKING:
    from .records import Records

__all__ = ['SearchedSequence']


class _Default(int):
    """The limit of a search that was not given one."""


_LIMIT = _Default(20)


class SearchedSequence(SavedSequence):
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
        return_root : bool
            With ``on``: the hits are the Documents of this array that what was
            found is nested in, one for each, in the same order and with the
            same scores.
        on : str, optional
            The subindex to search, such as ``'@c'``; ``'@r'`` is the array itself.
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
        UnknownName
            If there is no subindex ``on``.
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
        records = searched(self._records, on)
        roots = return_root and records is not self._records
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
            return self._find_filter(records, query if filter is None else filter, limit, roots)
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
            given = (
                query._records if isinstance(query, DocumentSequence) else MemoryRecords([query])
            )
            found = (search_roots if roots else search)(
                records, document_queries(given), options, list(given.gather('id'))
            )
            return [self._of(found.hits(i)) for i in range(len(given))]
        matrix, single = query_matrix(query)
        found = (search_roots if roots else search)(records, matrix, options)
        hits = [self._of(found.hits(i)) for i in range(len(matrix))]
        return hits[0] if single else hits

    def _find_filter(self, records: Records, filter: Any, limit: Any, roots: bool) -> Any:
        if filter is None:
            raise InvalidArgument('find needs a query, a filter, or both')
        if filter == {} and (limit is None or limit is _LIMIT) and not roots:
            return self if records is self._records else self._of(records)
        most = None if limit is None or limit is _LIMIT else check_limit(limit)
        with records.lock:
            matching = np.flatnonzero(select(records, filter)).astype(np.int64)[:most]
            if roots:
                records, matching = roots_of(records, matching)
            return self._of(records.take(matching))

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
        on : str, optional
            The subindex of ``darray`` to search.
        **kwargs
            ``return_root`` as in :meth:`find`.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> a, b = DocumentArray.empty(2), DocumentArray.empty(5)
        >>> a.embeddings, b.embeddings = np.eye(2, 3), np.ones((5, 3))
        >>> a.match(b, limit=3)
        >>> len(a[0].matches), round(a[0].matches[0].scores['cosine'].value, 3)
        (3, 0.423)
        """
        records = searched(darray._records, on)
        if batch_size is not None and batch_size < 1:
            raise InvalidArgument(f'batch_size must be at least 1, got {batch_size!r}')
        if not len(self) or not len(records):
            return
        options = Options(
            metric, limit, normalization, metric_name, exclude_self, filter, only_id, use_scipy
        )
        roots = kwargs.get('return_root', False) and records is not darray._records
        found = (search_roots if roots else search)(
            records,
            document_queries(self._records),
            options,
            list(self._records.gather('id')),
        )
        levels = self._records.gather('adjacency')
        self._records.put_matches(
            [found.hits(i, (level or 0) + 1) for i, level in enumerate(levels)]
        )


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
