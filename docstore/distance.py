"""Metrics: which one is meant, and top-k for those that the core does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from . import _core
from .bits import BIT_METRICS
from .errors import (
    DimensionMismatch,
    InvalidArgument,
    InvalidType,
    InvalidVector,
    UnknownMetric,
    did_you_mean,
)
from .scipy_metrics import FITTED, SCIPY_METRICS, scipy_metric
from .sparse import SparseLines

__all__ = [
    'Metric',
    'check_limit',
    'check_normalization',
    'distance_range',
    'normalize',
    'resolve_metric',
    'smallest',
    'top_k',
]

Vectors = Union['npt.NDArray[Any]', 'Sequence[npt.NDArray[Any]]']
Matrix = npt.NDArray[Any]
Hits = tuple['npt.NDArray[np.int64]', 'npt.NDArray[Any]']

# Names that users of other libraries bring along.
_ALIASES = {'inner_product': 'ip'}
# How many distances, or vector elements, are held at once.
_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True)
class Metric:
    """A way to measure distance.

    Attributes
    ----------
    name : str
        The key under which scores are given.
    core : str or None
        The metric of the core that it is, if it is one.
    function : callable or None
        Otherwise ``(queries, vectors) -> distances`` of shape (q, n).
    scope : str
        What a call of ``function`` must see: 'all' there is, all 'vectors'
        and some queries, or any 'pairs' of them.
    finite : bool
        Whether NaN and infinity are refused before it is called.
    """

    name: str
    core: str | None = None
    function: Callable[[Matrix, Matrix], Any] | None = None
    scope: str = 'vectors'
    finite: bool = False


def resolve_metric(metric: Any, use_scipy: bool = False, metric_name: str | None = None) -> Metric:
    """The metric that the arguments of ``find`` and ``match`` stand for.

    Parameters
    ----------
    metric : str or callable
        A metric of the core, any that ``scipy.spatial.distance.cdist`` knows
        if ``use_scipy``, or a function ``(x_mat, y_mat) -> matrix``.
    use_scipy : bool
    metric_name : str, optional
        The key of the scores, instead of the name of the metric.

    Raises
    ------
    UnknownMetric
        If no metric has this name.
    InvalidType
        If ``metric`` is neither a name nor callable.
    MissingDependency
        If SciPy is asked for and not installed.

    Examples
    --------
    >>> resolve_metric('cosine', metric_name='cos')
    Metric(name='cos', core='cosine', function=None, scope='pairs', finite=True)
    """
    if not isinstance(metric_name, (str, type(None))):
        raise InvalidType(f'metric_name must be a str, got {type(metric_name).__name__}')
    if isinstance(metric, str):
        core = _ALIASES.get(metric, metric)
        if core in _core.METRICS:
            return Metric(metric_name or metric, core, scope='pairs', finite=True)
        if metric in BIT_METRICS and not use_scipy:
            return Metric(metric_name or metric, None, BIT_METRICS[metric], scope='pairs')
        if use_scipy:
            scope = 'all' if metric in FITTED else 'pairs'
            return Metric(metric_name or metric, None, scipy_metric(metric), scope, finite=True)
        known = (*_core.METRICS, *_ALIASES, *BIT_METRICS)
        more = '; with use_scipy=True those of SciPy too' if metric in SCIPY_METRICS else ''
        raise UnknownMetric(f'metric={metric!r} is not known{did_you_mean(metric, known)}{more}')
    if callable(metric):
        own = getattr(metric, '__name__', type(metric).__name__)
        return Metric(metric_name or own, None, metric)
    raise InvalidType(
        f'metric must be a name or a function (x_mat, y_mat) -> matrix, got {type(metric).__name__}'
    )


def check_limit(limit: Any) -> int | None:
    """``limit`` as an int; None stands for all.

    Raises
    ------
    InvalidType
        If it is no number.
    InvalidArgument
        If it is not positive.
    """
    if limit is None:
        return None
    if isinstance(limit, (bool, np.bool_)) or not isinstance(
        limit, (int, float, np.integer, np.floating)
    ):
        raise InvalidType(f'limit must be a number or None, got {type(limit).__name__} {limit!r}')
    if not limit >= 1 or limit == float('inf'):
        raise InvalidArgument(f'limit must be at least 1, got {limit!r}; None asks for all')
    return int(limit)


def check_normalization(span: Any) -> tuple[float, float] | None:
    """``normalization`` as two floats; None stands for none.

    Raises
    ------
    InvalidArgument
        If it is not a pair of finite numbers.
    """
    if span is None:
        return None
    try:
        start, end = (float(x) for x in span)
    except (TypeError, ValueError):
        raise InvalidArgument(
            f'normalization must be a pair of numbers such as (1, 0), got {span!r}'
        ) from None
    if not (np.isfinite(start) and np.isfinite(end)):
        raise InvalidArgument(f'normalization must be finite, got {span!r}')
    return start, end


# --------------------------------------------------------------------------- search


def top_k(
    metric: Metric,
    vectors: Vectors,
    queries: Matrix,
    k: int,
    rows: npt.NDArray[np.int64] | None = None,
    mask: npt.NDArray[np.bool_] | None = None,
) -> Hits:
    """The nearest vectors of each query, as ``_core.search`` gives them, for any metric.

    Parameters
    ----------
    metric : Metric
    vectors : ndarray of shape (n, dim), or sequence of n 1-D arrays
    queries : ndarray of shape (q, dim)
    k : int
    rows : ndarray of int64, optional
        Lines of ``vectors`` to search, in this order.
    mask : ndarray of bool, optional
        Which positions (of ``rows``, or of all lines) may be found.

    Returns
    -------
    positions, distances : ndarray of shape (q, min(k, candidates))
        Ascending distance, equal ones by ascending position, NaN last.
    """
    if metric.core is not None and isinstance(vectors, (np.ndarray, list)):
        core: Hits = _core.search(vectors, queries, k, metric.core, rows, mask)
        return core
    if k < 1:
        raise InvalidArgument(f'k must be at least 1, got {k}')
    candidates = _Candidates(vectors, queries, rows, mask)
    parts = [
        _first_of(metric, queries[block], candidates, k)
        for block in _query_blocks(metric, queries, len(candidates))
    ]
    m = min(k, len(candidates))
    if not parts:
        return np.empty((0, m), np.int64), np.empty((0, m), np.float64)
    found = np.concatenate([part[0] for part in parts])
    return candidates.positions[found], np.concatenate([part[1] for part in parts])


def distance_range(
    metric: Metric,
    vectors: Vectors,
    queries: Matrix,
    rows: npt.NDArray[np.int64] | None = None,
    mask: npt.NDArray[np.bool_] | None = None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The least and the greatest distance of each query to the candidates of a search.

    Both are NaN where there are no candidates.
    """
    candidates = _Candidates(vectors, queries, rows, mask)
    low = np.full(len(queries), np.nan)
    high = np.full(len(queries), np.nan)
    for block in _query_blocks(metric, queries, len(candidates)):
        for _, lines in candidates.blocks(metric, block.stop - block.start):
            distances = _distances(metric, queries[block], lines)
            low[block] = np.fmin(low[block], distances.min(axis=1))
            high[block] = np.fmax(high[block], distances.max(axis=1))
    return low, high


def normalize(
    distances: Matrix,
    low: npt.NDArray[Any],
    high: npt.NDArray[Any],
    span: tuple[float, float],
) -> npt.NDArray[np.float64]:
    """Map distances from ``low .. high`` of each query to ``span``, clipped to it.

    Examples
    --------
    >>> low, high = np.array([1.0]), np.array([3.0])
    >>> normalize(np.array([[1.0, 2.0]]), low, high, (1, 0)).round(6)
    array([[1. , 0.5]])
    """
    start, end = span
    least = np.asarray(low, dtype=np.float64)[:, None]
    width = np.asarray(high, dtype=np.float64)[:, None] - least
    # The small number that legacy docarray adds; it keeps equal distances defined.
    mapped = (end - start) * (distances - least) / (width + 1e-7) + start
    clipped: npt.NDArray[np.float64] = np.clip(mapped, min(span), max(span))
    return clipped


# --------------------------------------------------------------------------- parts


class _Candidates:
    """The vectors that a search may find, taken out block by block."""

    def __init__(
        self,
        vectors: Vectors,
        queries: Matrix,
        rows: npt.NDArray[np.int64] | None,
        mask: npt.NDArray[np.bool_] | None,
    ) -> None:
        n = len(vectors) if rows is None else len(rows)
        self.positions = np.arange(n, dtype=np.int64) if mask is None else np.flatnonzero(mask)
        self._lines = self.positions if rows is None else rows[self.positions]
        self._all = rows is None and mask is None
        self._vectors = vectors
        self._dim = queries.shape[1]
        dim = next((self._length(line) for line in self._lines[:1].tolist()), self._dim)
        if dim != self._dim:
            raise DimensionMismatch(f'the query has {self._dim} dimensions, the vectors have {dim}')

    def __len__(self) -> int:
        return len(self.positions)

    def _length(self, line: int) -> int:
        vectors = self._vectors
        return vectors.length(line) if isinstance(vectors, SparseLines) else len(vectors[line])

    def blocks(self, metric: Metric, queries: int) -> Iterator[tuple[int, Matrix | SparseLines]]:
        """The first place of each block, and its vectors."""
        if isinstance(self._vectors, SparseLines) and metric.core is not None:
            chosen = self._lines.tolist()
            self._check_lengths(chosen)
            step = max(1, _BLOCK // queries)
            for start in range(0, len(self), step):
                yield start, self._vectors.take(chosen[start : start + step])
            return
        step = len(self)
        if metric.scope == 'pairs':
            step = _BLOCK // max(queries, self._dim)
        for start in range(0, len(self), max(step, 1)):
            lines = self._take(slice(start, start + max(step, 1)))
            if metric.finite:
                _check_finite(lines, 'document', self.positions[start:])
            yield start, lines

    def _take(self, part: slice) -> Matrix:
        if not isinstance(self._vectors, np.ndarray):
            return self._stack(self._lines[part].tolist())
        taken: Matrix = self._vectors[part if self._all else self._lines[part]]
        return taken

    def _stack(self, lines: list[int]) -> Matrix:
        self._check_lengths(lines)
        return np.stack([self._vectors[line] for line in lines])

    def _check_lengths(self, lines: list[int]) -> None:
        for line in lines:
            length = self._length(line)
            if length != self._dim:
                raise DimensionMismatch(
                    f'the query has {self._dim} dimensions, the vector of document {line} has '
                    f'{length}'
                )


def _query_blocks(metric: Metric, queries: Matrix, n: int) -> Iterator[slice]:
    """Queries, so many at once that the distances of a block are not too many."""
    if metric.finite:
        _check_finite(queries, 'query', -1 - np.arange(len(queries)))
    step = len(queries)
    if metric.scope != 'all':
        step = max(1, _BLOCK // max(n if metric.scope == 'vectors' else 1 << 10, 1))
    for start in range(0, len(queries), max(step, 1)):
        yield slice(start, min(start + step, len(queries)))


def _check_finite(vectors: Matrix, what: str, rows: npt.NDArray[Any]) -> None:
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        row = int(rows[bad[0]])
        shown = row if what == 'document' else int(bad[0])
        raise InvalidVector(f'the vector of {what} {shown} has NaN or infinity', row=row)


def _first_of(metric: Metric, queries: Matrix, candidates: _Candidates, k: int) -> Hits:
    """Top-k kept over the blocks of candidates: places among them, and distances."""
    places = np.empty((len(queries), 0), dtype=np.int64)
    best = np.empty((len(queries), 0), dtype=np.float64)
    for start, lines in candidates.blocks(metric, len(queries)):
        # What was kept before has the lower places, and comes first here too.
        here = np.arange(start, start + len(lines), dtype=np.int64)
        known = np.hstack([places, np.broadcast_to(here, (len(queries), len(here)))])
        distances = np.hstack([best, _placed(metric, queries, lines, candidates, start)])
        kept = np.stack([smallest(row, k) for row in distances])
        places = np.take_along_axis(known, kept, axis=1)
        best = np.take_along_axis(distances, kept, axis=1)
    return places, best


def _placed(
    metric: Metric,
    queries: Matrix,
    lines: Matrix | SparseLines,
    candidates: _Candidates,
    start: int,
) -> npt.NDArray[np.float64]:
    """Distances to a block of candidates; errors name the position among all."""
    try:
        return _distances(metric, queries, lines)
    except InvalidVector as error:
        if error.row < 0:
            raise
        raise InvalidVector(str(error), row=int(candidates.positions[start + error.row])) from None


def smallest(row: npt.NDArray[np.float64], k: int) -> npt.NDArray[np.intp]:
    """Where the k least values are, ascending, equal ones by place, NaN last."""
    if k < len(row):
        bound = np.partition(row, k - 1)[k - 1]
        if not np.isnan(bound):
            below = np.flatnonzero(row < bound)
            equal = np.flatnonzero(row == bound)[: k - len(below)]
            return np.concatenate([below[np.argsort(row[below], kind='stable')], equal])
    return np.argsort(row, kind='stable')[:k]


def _distances(
    metric: Metric, queries: Matrix, vectors: Matrix | SparseLines
) -> npt.NDArray[np.float64]:
    if isinstance(vectors, SparseLines):
        found = vectors.distances(queries, str(metric.core))
    elif metric.core is not None:
        found = _core.pairwise(queries, vectors, metric.core)
    elif metric.function is not None:
        found = metric.function(queries, vectors)
    else:
        raise InvalidArgument(f'the metric {metric.name!r} has no function')
    matrix = np.asarray(found, dtype=np.float64)
    if matrix.shape != (len(queries), len(vectors)):
        raise InvalidArgument(
            f'the metric {metric.name!r} must give distances of shape '
            f'{(len(queries), len(vectors))}, it gave {matrix.shape}'
        )
    return matrix
