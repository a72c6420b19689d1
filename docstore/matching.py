"""find and match: from queries and records to hits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .distance import (
    Metric,
    check_limit,
    check_normalization,
    distance_range,
    normalize,
    resolve_metric,
    top_k,
)
from .errors import InvalidArgument, InvalidType, InvalidVector
from .hits import Hits
from .memory import MemoryRecords
from .query import parse
from .stored import StoredRecords
from .subindex import roots_of

if TYPE_CHECKING:
    from .records import Records, SearchSet

__all__ = ['Found', 'Options', 'query_matrix', 'search', 'search_roots', 'select']


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments that ``find`` and ``match`` have in common.

    Parameters
    ----------
    metric : str, callable or None
        None stands for the metric of the array's index, else cosine.
    limit : int or None
        How many hits a query has at most; None for all.
    normalization : pair of float, optional
        To what the distances of a query are mapped.
    metric_name : str, optional
        The name of the score.
    exclude_self : bool
        Whether hits of the query's own id are left out.
    filter : dict, optional
        What a hit has to match.
    only_id : bool
        Whether hits have only id and score.
    use_scipy : bool
        Whether ``metric`` may be any that SciPy knows.
    """

    metric: Any = None
    limit: Any = 20
    normalization: Any = None
    metric_name: str | None = None
    exclude_self: bool = False
    filter: Any = None
    only_id: bool = False
    use_scipy: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a search of many queries found.

    Attributes
    ----------
    records : Records
        The Documents that were found, once each.
    positions, distances : list of ndarray
        For each query, best first.
    score : str
        The name of the score.
    only_id : bool
        Whether hits have only id and score.
    origins : ndarray of int64
        Where the Documents of ``records`` were found.
    """

    records: Records
    positions: Sequence[npt.NDArray[np.int64]]
    distances: Sequence[npt.NDArray[Any]]
    score: str
    only_id: bool
    origins: npt.NDArray[np.int64]

    def hits(self, query: int, adjacency: int | None = None) -> MemoryRecords:
        """The hits of one query, no Document made yet."""
        positions = self.positions[query]
        source = Hits(
            self.records, positions, self.distances[query], self.score, self.only_id, adjacency
        )
        return MemoryRecords.of(source, range(len(positions)))


def select(records: Records, filter: Any) -> npt.NDArray[np.bool_]:
    """Which positions match a filter."""
    if not isinstance(filter, dict):
        raise InvalidType(
            f'a filter must be a dict such as {{"tags__x": {{"$lt": 3}}}}, not '
            f'{type(filter).__name__}: {filter!r}'
        )
    return records.select(parse(filter))


def query_matrix(query: Any) -> tuple[npt.NDArray[Any], bool]:
    """Query vectors as a matrix, and whether it was a single one.

    Raises
    ------
    InvalidArgument
        If it has not one or two dimensions, or is no array of numbers.
    """
    try:
        array = np.asarray(query)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f'a query must be an array of numbers: {error}') from None
    if array.dtype.kind not in 'fiub':
        raise InvalidArgument(
            f'a query must be an array of numbers, not of {array.dtype}: {type(query).__name__}'
        )
    if array.ndim not in (1, 2):
        raise InvalidArgument(
            f'queries must be one vector, or a matrix with one vector a line; this has shape '
            f'{array.shape}'
        )
    return (array[None, :], True) if array.ndim == 1 else (array, False)


def document_queries(records: Records) -> npt.NDArray[Any]:
    """The embeddings of Documents as queries.

    Raises
    ------
    InvalidVector
        If one has none, or they are not of one length.
    """
    vectors = records.search_set()
    if isinstance(vectors.vectors, list):
        lengths = {len(vector) for vector in vectors.vectors}
        if len(lengths) > 1:
            raise InvalidVector(f'the queries have embeddings of different lengths: {lengths}')
        return np.stack(vectors.vectors)
    return vectors.vectors if vectors.lines is None else vectors.vectors[vectors.lines]


def search(
    records: Records,
    queries: npt.NDArray[Any],
    options: Options,
    own_ids: Sequence[str] | None = None,
) -> Found:
    """Search records with query vectors.

    Parameters
    ----------
    records : Records
    queries : ndarray of shape (q, dim)
    options : Options
    own_ids : sequence of str, optional
        The ids of the queries, for ``exclude_self``.

    Raises
    ------
    InvalidArgument
        If an option, the dimension or a value is of no use; the message
        names the document.
    """
    if isinstance(records, StoredRecords):
        return records.steady(lambda: _search(records, queries, options, own_ids))
    return _search(records, queries, options, own_ids)


def _search(
    records: Records,
    queries: npt.NDArray[Any],
    options: Options,
    own_ids: Sequence[str] | None,
) -> Found:
    limit = check_limit(options.limit)
    span = check_normalization(options.normalization)
    metric = resolve_metric(_metric_of(records, options), options.use_scipy, options.metric_name)
    mask = None if options.filter is None else select(records, options.filter)
    length = len(records)
    k = length if limit is None else min(limit, length)
    exclude = options.exclude_self and own_ids is not None
    if not length or not len(queries):
        nothing = [np.empty(0, dtype=np.int64)] * len(queries)
        none = np.empty(0, dtype=np.int64)
        return Found(records, nothing, nothing, metric.name, options.only_id, none)
    wanted = min(k + _copies_of_self(records, own_ids or ()), length) if exclude else k
    positions, distances = _nearest(records, queries, wanted, metric, mask)
    if span is not None:
        found, among, _ = _candidates(records, mask)
        low, high = distance_range(metric, found.vectors, queries, found.lines, among)
        distances = normalize(distances, low, high, span)
    # Only what was found is held on to, as it stands now.
    if len(positions) == 1:
        origins = positions[0]
        rows: npt.NDArray[Any] = np.arange(positions.size).reshape(1, -1)
    else:
        origins, places = np.unique(positions, return_inverse=True)
        rows = places.reshape(positions.shape)
    found_records = records.found(origins)
    if not exclude:
        return Found(
            found_records, list(rows), list(distances), metric.name, options.only_id, origins
        )
    kept = list(_without_self(found_records, rows, distances, own_ids or (), k))
    return Found(
        found_records,
        [p for p, _ in kept],
        [d for _, d in kept],
        metric.name,
        options.only_id,
        origins,
    )


def search_roots(
    records: Records,
    queries: npt.NDArray[Any],
    options: Options,
    own_ids: Sequence[str] | None = None,
) -> Found:
    """Search a subindex as :func:`search` does: the hits are the roots of what was found.

    Raises
    ------
    InvalidArgument
        If a hit has no root.
    """
    with records.lock:
        found = search(records, queries, options, own_ids)
        if not len(found.origins):
            return found
        source, positions = roots_of(records, found.origins)
        unique, places = np.unique(positions, return_inverse=True)
        return replace(
            found,
            records=source.found(unique),
            positions=[places[hits] for hits in found.positions],
            origins=unique,
        )


def _metric_of(records: Records, options: Options) -> Any:
    if options.metric is not None:
        return options.metric
    if isinstance(records, StoredRecords):
        return records.index.metric
    return 'cosine'


def _nearest(
    records: Records,
    queries: npt.NDArray[Any],
    k: int,
    metric: Metric,
    mask: npt.NDArray[np.bool_] | None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    if isinstance(records, StoredRecords) and records.index.serves(metric.core):
        return records.index.search(queries, k, mask)
    found, mask, chosen = _candidates(records, mask)
    if not len(found.vectors):
        return np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0))
    try:
        positions, distances = top_k(metric, found.vectors, queries, k, found.lines, mask)
    except InvalidVector as error:
        if error.row < 0:
            raise
        position = error.row if chosen is None else int(chosen[error.row])
        raise InvalidVector(f'{records.identity(position)}: {error}', row=position) from None
    return positions if chosen is None else chosen[positions], distances


def _candidates(
    records: Records, mask: npt.NDArray[np.bool_] | None
) -> tuple[SearchSet, npt.NDArray[np.bool_] | None, npt.NDArray[np.int64] | None]:
    """The vectors to search, the mask over them, and their positions (None: all in order).

    A Document without an embedding is no obstacle when the filter leaves it out.
    """
    try:
        return records.search_set(), mask, None
    except InvalidVector:
        if mask is None:
            raise
    chosen = np.flatnonzero(mask).astype(np.int64)
    try:
        return records.take(chosen).search_set(), None, chosen
    except InvalidVector as error:
        position = int(chosen[error.row])
        raise InvalidVector(
            f'{records.identity(position)} has no embedding: set it, or filter it out',
            row=position,
        ) from None


def _copies_of_self(records: Records, own_ids: Iterable[str]) -> int:
    """How many hits of one query at most have its own id."""
    if isinstance(records, StoredRecords) and records.unique:
        return 1
    counts: dict[str, int] = {}
    wanted = set(own_ids)
    for key in records.gather('id'):
        if key in wanted:
            counts[key] = counts.get(key, 0) + 1
    return max(counts.values(), default=0)


def _without_self(
    records: Records,
    positions: npt.NDArray[np.int64],
    distances: npt.NDArray[Any],
    own_ids: Sequence[str],
    k: int,
) -> Iterable[tuple[npt.NDArray[np.int64], npt.NDArray[Any]]]:
    ids = np.asarray(list(records.gather('id')), dtype=object)
    for row, own, measured in zip(positions, own_ids, distances, strict=True):
        keep = ids[row] != own
        yield row[keep][:k], measured[keep][:k]
