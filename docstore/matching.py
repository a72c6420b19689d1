"""find and match: from queries and records to hits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from .arrays import as_numpy
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
from .explanation import Explanation
from .hits import Hits
from .memory import MemoryRecords
from .query import parse
from .stored import StoredRecords
from .subindex import roots_of

if TYPE_CHECKING:
    from .records import Records, SearchSet

__all__ = [
    'Found',
    'Options',
    'collect',
    'copies_of_self',
    'document_queries',
    'filtered',
    'metric_of',
    'nearest',
    'query_matrix',
    'search',
    'search_roots',
    'select',
    'steady',
]

T = TypeVar('T')
Mask = npt.NDArray[np.bool_]


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
    explanation : Explanation
        Which path the search took.
    origins : ndarray of int64
        Where the Documents of ``records`` were found.
    more : mapping of str to list of ndarray
        Further scores of the hits of each query, NaN for none.
    """

    records: Records
    positions: Sequence[npt.NDArray[np.int64]]
    distances: Sequence[npt.NDArray[Any]]
    score: str
    only_id: bool
    explanation: Explanation
    origins: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    more: Mapping[str, Sequence[npt.NDArray[Any]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.positions)

    def hits(self, query: int, adjacency: int | None = None) -> MemoryRecords:
        """The hits of one query, no Document made yet."""
        positions = self.positions[query]
        source = Hits(
            self.records,
            positions,
            self.distances[query],
            self.score,
            self.only_id,
            adjacency,
            {name: values[query] for name, values in self.more.items()},
        )
        return MemoryRecords.of(source, range(len(positions)))


def select(records: Records, filter: Any) -> tuple[Mask, str]:
    """Which positions match a filter, and whether ``'database'`` or ``'columns'`` told."""
    if not isinstance(filter, dict):
        raise InvalidType(
            f'a filter must be a dict such as {{"tags__x": {{"$lt": 3}}}}, not '
            f'{type(filter).__name__}: {filter!r}'
        )
    return records.select_by(parse(filter))


def filtered(records: Records, filter: Any) -> tuple[Mask | None, dict[str, Any]]:
    """The mask of a filter (None: no filter), and what an explanation says of it."""
    if filter is None:
        return None, {'documents': len(records), 'candidates': len(records)}
    mask, how = select(records, filter)
    facts = {'documents': len(mask), 'candidates': int(np.count_nonzero(mask)), 'filter': how}
    return mask, facts


def query_matrix(query: Any) -> tuple[npt.NDArray[Any], bool]:
    """Query vectors as a matrix, and whether it was a single one.

    Raises
    ------
    InvalidArgument
        If it has not one or two dimensions, or is no array of numbers.
    """
    try:
        array = as_numpy(query)
    except (TypeError, ValueError, RuntimeError) as error:
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
    if not isinstance(vectors.vectors, np.ndarray):
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
    return steady(records, lambda: _search(records, queries, options, own_ids))


def steady(records: Records, work: Callable[[], T]) -> T:
    """The result of several reads that belong together."""
    return records.steady(work) if isinstance(records, StoredRecords) else work()


def _search(
    records: Records,
    queries: npt.NDArray[Any],
    options: Options,
    own_ids: Sequence[str] | None,
) -> Found:
    limit = check_limit(options.limit)
    span = check_normalization(options.normalization)
    metric = metric_of(records, options)
    mask, facts = filtered(records, options.filter)
    told = Explanation(_path(records, metric), metric.name, queries=len(queries), **facts)
    length = len(records)
    k = length if limit is None else min(limit, length)
    exclude = options.exclude_self and own_ids is not None
    if not length or not len(queries):
        nothing = [np.empty(0, dtype=np.int64)] * len(queries)
        return Found(records, nothing, nothing, metric.name, options.only_id, told)
    wanted = min(k + copies_of_self(records, own_ids or ()), length) if exclude else k
    positions, distances = nearest(records, queries, wanted, metric, mask)
    if span is not None:
        found, among, _ = _candidates(records, mask)
        low, high = distance_range(metric, found.vectors, queries, found.lines, among)
        distances = normalize(distances, low, high, span)
    found_records, rows, origins = collect(records, list(positions))
    if not exclude:
        return Found(
            found_records, rows, list(distances), metric.name, options.only_id, told, origins
        )
    kept = list(_without_self(found_records, rows, distances, own_ids or (), k))
    return Found(
        found_records,
        [p for p, _ in kept],
        [d for _, d in kept],
        metric.name,
        options.only_id,
        told,
        origins,
    )


def collect(
    records: Records, positions: Sequence[npt.NDArray[np.int64]]
) -> tuple[Records, list[npt.NDArray[np.int64]], npt.NDArray[np.int64]]:
    """What was found by several queries, as it stands now, where in it their hits are.

    Last of all, where in ``records`` it was found.
    """
    if len(positions) == 1:
        return records.found(positions[0]), [np.arange(len(positions[0]))], positions[0]
    unique, places = np.unique(np.concatenate(positions), return_inverse=True)
    ends = np.cumsum([len(part) for part in positions])[:-1]
    return records.found(unique), np.split(places.reshape(-1), ends), unique


def search_roots(records: Records, work: Callable[[], Found]) -> Found:
    """Search a subindex by ``work``: the hits are the roots of what it finds.

    Raises
    ------
    InvalidArgument
        If a hit has no root.
    """
    with records.lock:
        found = work()
        if not len(found.origins):
            return found
        source, positions = roots_of(records, found.origins)
        unique, places = np.unique(positions, return_inverse=True)
        places = places.reshape(-1)
        return replace(
            found,
            records=source.found(unique),
            positions=[places[hits] for hits in found.positions],
            origins=unique,
        )


def _path(records: Records, metric: Metric) -> str:
    if isinstance(records, StoredRecords) and records.index.serves(metric.core):
        return records.index.name
    return 'exact' if metric.core is not None else 'function'


def metric_of(records: Records, options: Options) -> Metric:
    """The metric of a search: that of the array's index unless another is asked for."""
    metric = options.metric
    if metric is None:
        metric = records.index.metric if isinstance(records, StoredRecords) else 'cosine'
    return resolve_metric(metric, options.use_scipy, options.metric_name)


def nearest(
    records: Records,
    queries: npt.NDArray[Any],
    k: int,
    metric: Metric,
    mask: Mask | None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """Positions and distances of the nearest ``k`` of each query, one a line."""
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
    records: Records, mask: Mask | None
) -> tuple[SearchSet, Mask | None, npt.NDArray[np.int64] | None]:
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


def copies_of_self(records: Records, own_ids: Iterable[str]) -> int:
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
    positions: Sequence[npt.NDArray[np.int64]],
    distances: npt.NDArray[Any],
    own_ids: Sequence[str],
    k: int,
) -> Iterable[tuple[npt.NDArray[np.int64], npt.NDArray[Any]]]:
    ids = np.asarray(list(records.gather('id')), dtype=object)
    for row, own, measured in zip(positions, own_ids, distances, strict=True):
        keep = ids[row] != own
        yield row[keep][:k], measured[keep][:k]
