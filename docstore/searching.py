"""The searching side of a DocumentArray: find and match."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .distance import check_limit
from .document import Document
from .errors import InvalidArgument, did_you_mean
from .explanation import Explanation
from .matching import (
    Found,
    Options,
    document_queries,
    filtered,
    query_matrix,
    search,
    search_roots,
)
from .memory import MemoryRecords
from .sequence import DocumentSequence
from .subindex import roots_of, searched
from .tabular import TabularSequence

if TYPE_CHECKING:
    from .records import Records

__all__ = ['SearchedSequence']


class _Default(int):
    """The limit of a search that was not given one."""


_LIMIT = _Default(20)


class SearchedSequence(TabularSequence):
    """A sequence of Documents that is searched by vector, by text and by filter."""

    _explanation: Explanation | None = None

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
        text: str | Sequence[str] | None = None,
        hybrid: bool = False,
        explain: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The Documents nearest to query vectors or words, or those that match a filter.

        Parameters
        ----------
        query : array, str, list of str, Document, DocumentArray or dict
            A vector gives one array of hits; a matrix (a query a line), a
            Document or a DocumentArray give a list of them. A str is searched
            as text, a list of them too. A dict is a filter.
        metric : str or callable
            ``'cosine'`` (the default, unless the store has an index of
            another metric), ``'euclidean'``, ``'sqeuclidean'``, ``'ip'``
            (``1 - x.y``), ``'hamming'`` and ``'jaccard'`` on bits, or
            ``(queries, vectors) -> distances``.
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
        index : str
            The field that text is searched in: ``'text'``, another field of
            text, or a tag such as ``'tags__title'`` (or ``'title'``).
        return_root : bool
            With ``on``: the hits are the Documents of this array that what was
            found is nested in, one for each, in the same order and with the
            same scores.
        on : str, optional
            The subindex to search, such as ``'@c'``; ``'@r'`` is the array itself.
        text : str or list of str, optional
            Words to search for besides the query vectors: the two rankings are
            fused. Without a query, the same as a str as ``query``.
        hybrid : bool
            Search with the text of the query Documents besides their embedding.
        explain : bool
            Whether hits tell in ``.explanation`` how they were found.
        **kwargs
            ``normalization``, ``use_scipy`` as in :meth:`match`. About text:
            ``tokenizer`` (``'unicode61'``, ``'porter'``, ``'trigram'``),
            ``syntax='fts5'`` for expressions of SQLite's FTS5 instead of words,
            ``rrf_k`` and ``depth`` of the fusion.

        Returns
        -------
        DocumentArray or list of DocumentArray
            Copies, made when looked at, best first, with the distance in
            ``hit.scores[metric].value``. For a text the score is ``'bm25'``,
            for text and vector ``'rrf'``, and both are larger for better hits.
            For a filter alone the Documents themselves.

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
        >>> da.texts = ['red shoes', 'a blue hat', 'shoes, red or blue']
        >>> da.find('Hats', tokenizer='porter')[:, 'text']
        ['a blue hat']
        """
        records = searched(self._records, on)
        roots = return_root and records is not self._records
        vector_options, text_options = _split_options(kwargs, 'find')
        if isinstance(query, dict) and filter is not None:
            raise InvalidArgument('a dict as query is a filter: give it, or filter=, not both')
        if (query is None and text is None) or isinstance(query, dict):
            return self._find_filter(
                records, query if filter is None else filter, limit, roots, explain
            )
        options = Options(
            metric,
            limit,
            metric_name=metric_name,
            exclude_self=exclude_self,
            filter=filter,
            only_id=only_id,
            **vector_options,
        )
        asked = Question(query, text, hybrid, {'index': index, **text_options})
        found = asked.search(records, options, roots)
        hits = [self._shown(found, i, explain) for i in range(len(found))]
        return hits[0] if asked.single else hits

    def _shown(self, found: Found, query: int, explain: bool) -> Any:
        hits = self._of(found.hits(query))
        if explain:
            hits._explanation = found.explanation
        return hits

    @property
    def explanation(self) -> Explanation | None:
        """How these hits were found, if ``find`` was asked with ``explain=True``.

        Examples
        --------
        >>> from docstore import Document, DocumentArray
        >>> da = DocumentArray([Document(text='a red shoe'), Document(text='a hat')])
        >>> da.find('shoes', tokenizer='porter', explain=True).explanation.index
        'fts5 in memory'
        """
        return self._explanation

    def _find_filter(
        self, records: Records, filter: Any, limit: Any, roots: bool, explain: bool
    ) -> Any:
        if filter is None:
            raise InvalidArgument('find needs a query, a text, a filter, or several of them')
        if filter == {} and (limit is None or limit is _LIMIT) and not roots and not explain:
            return self if records is self._records else self._of(records)
        most = None if limit is None or limit is _LIMIT else check_limit(limit)
        with records.lock:
            mask, facts = filtered(records, filter)
            matching = np.flatnonzero(np.asarray(mask)).astype(np.int64)[:most]
            if roots:
                records, matching = roots_of(records, matching)
            found = self._of(records.take(matching))
        if explain:
            found._explanation = Explanation('filter', None, queries=0, **facts)
        return found

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
        hybrid: bool = False,
        explain: bool = False,
        **kwargs: Any,
    ) -> Explanation | None:
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
        hybrid : bool
            Search with the text of the Documents besides their embedding.
        explain : bool
            Whether to return how the matches were found.
        **kwargs
            ``text``, ``index``, ``return_root`` and what :meth:`find` has about text.

        Returns
        -------
        Explanation or None
            Only with ``explain``.

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
        text_options = _split_options(kwargs, 'match')[1]
        text = kwargs.get('text')
        if not len(self) or not len(records):
            return None
        options = Options(
            metric, limit, normalization, metric_name, exclude_self, filter, only_id, use_scipy
        )
        roots = kwargs.get('return_root', False) and records is not darray._records
        found = Question(self, text, hybrid, text_options).search(records, options, roots)
        levels = self._records.gather('adjacency')
        self._records.put_matches(
            [found.hits(i, (level or 0) + 1) for i, level in enumerate(levels)]
        )
        return found.explanation if explain else None


class Question:
    """What ``find`` and ``match`` search with: vectors, texts, or both.

    Parameters
    ----------
    query : array, str, list of str, Document or DocumentArray, optional
    text : str or list of str, optional
        Words besides the vectors, or alone.
    hybrid : bool
        Whether the texts of the Documents in ``query`` are searched too.
    options : mapping
        The fields of :class:`docstore.text_search.TextOptions` that were given.
    """

    def __init__(
        self,
        query: Any,
        text: str | Sequence[str] | None,
        hybrid: bool,
        options: Mapping[str, Any],
    ) -> None:
        if _is_text(query) and text is not None:
            raise InvalidArgument('the query is a text: give it, or text=, not both')
        words = text if query is None else query
        self._words = words if _is_text(words) or query is None else None
        self._text = text
        self._query = query
        self._documents = isinstance(query, (Document, DocumentSequence))
        self._hybrid = hybrid
        self._options = options
        #: Whether the answer is one array of hits.
        self.single = isinstance(self._words, str)
        if hybrid and text is None and not self._documents:
            raise InvalidArgument(
                'hybrid=True searches with the embedding and the text of a Document; with a '
                "vector say what words to search for: text='...'"
            )

    def search(self, records: Records, options: Options, roots: bool = False) -> Found:
        """The hits of all queries; with ``roots`` what they are nested in."""
        if roots:
            return search_roots(records, lambda: self._search(records, options))
        return self._search(records, options)

    def _search(self, records: Records, options: Options) -> Found:
        if self._words is not None:
            from .text_search import TextOptions, as_texts, search_text

            words = self._words
            texts = as_texts(words, 1 if isinstance(words, str) else len(words))
            return search_text(records, texts, options, TextOptions(**self._options))
        if not self._documents:
            matrix, self.single = query_matrix(self._query)
            return self._by_vector(records, matrix, options, self._text, None)
        query = self._query
        own = query._records if isinstance(query, DocumentSequence) else MemoryRecords([query])
        text = self._text
        if text is None and self._hybrid:
            text = [value or '' for value in own.gather('text')]
        return self._by_vector(
            records, document_queries(own), options, text, list(own.gather('id'))
        )

    def _by_vector(
        self,
        records: Records,
        matrix: Any,
        options: Options,
        text: str | Sequence[str] | None,
        own_ids: list[str] | None,
    ) -> Found:
        if text is None:
            return search(records, matrix, options, own_ids)
        from .text_search import TextOptions, as_texts, search_both

        texts = as_texts(text, len(matrix))
        return search_both(records, matrix, texts, options, TextOptions(**self._options), own_ids)


def _is_text(query: Any) -> bool:
    if isinstance(query, str):
        return True
    several = isinstance(query, (list, tuple)) and len(query) > 0
    return several and all(isinstance(item, str) for item in query)


# Options that have no place in the signature, and those that have no effect here.
_VECTOR_OPTIONS = {'normalization', 'use_scipy'}
_TEXT_OPTIONS = {'tokenizer', 'syntax', 'rrf_k', 'depth'}
_MATCH_OPTIONS = _TEXT_OPTIONS | {'index', 'text', 'return_root'}
_IGNORED = {'batch_size', 'device', 'num_worker'}


def _split_options(given: Mapping[str, Any], method: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Further options for vectors and for text: unknown ones are an error, not ignored."""
    known = _VECTOR_OPTIONS | _TEXT_OPTIONS | _IGNORED if method == 'find' else _MATCH_OPTIONS
    for name in given:
        if name not in known:
            raise InvalidArgument(f'{method} has no argument {name!r}{did_you_mean(name, known)}')
    about_text = _TEXT_OPTIONS | ({'index'} if method == 'match' else set())
    return (
        {name: value for name, value in given.items() if name in _VECTOR_OPTIONS},
        {name: value for name, value in given.items() if name in about_text},
    )
