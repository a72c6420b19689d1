"""Ranking metrics over many rankings at once.

All results of all queries lie one after the other in one array, so that no
metric looks at a result in Python. What each metric is, and where it comes
from, stands with the functions of one ranking in :mod:`docstore.evaluation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from .errors import InvalidArgument, InvalidType, UnknownMetric, did_you_mean

__all__ = [
    'RANKING_METRICS',
    'RankingMetric',
    'Rankings',
    'ranking_metric',
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rankings:
    """The relevance of the results of many queries.

    Attributes
    ----------
    gains : ndarray of float64
        The relevance of each result, query after query, best rank first.
    lengths : ndarray of int64 of shape (queries,)
        How many results each query has.
    max_rel : ndarray of int64 of shape (queries,), optional
        How many relevant documents there are for each query, found or not.

    Examples
    --------
    >>> rankings = Rankings.of([[1, 0], [], [0, 1, 1]])
    >>> rankings.ranks, rankings.queries
    (array([1, 2, 1, 2, 3]), array([0, 0, 2, 2, 2]))
    """

    gains: Floats
    lengths: Ints
    max_rel: Ints | None = None

    @classmethod
    def of(cls, rankings: Iterable[Sequence[float]], max_rel: Any = None) -> Rankings:
        """Those of lists of numbers."""
        lists = list(rankings)
        flat = np.fromiter((gain for ranking in lists for gain in ranking), np.float64)
        lengths = np.fromiter(map(len, lists), np.int64, len(lists))
        return cls(flat, lengths, None if max_rel is None else np.asarray(max_rel, np.int64))

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def starts(self) -> Ints:
        """Where each query's results start."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def queries(self) -> Ints:
        """Which query each result belongs to."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    @cached_property
    def ranks(self) -> Ints:
        """The rank of each result, from 1."""
        return np.arange(1, len(self.gains) + 1) - np.repeat(self.starts, self.lengths)

    @cached_property
    def relevant(self) -> Floats:
        """1 for each result that is relevant at all, else 0."""
        return np.asarray(self.gains != 0, dtype=np.float64)

    def total(self, values: Floats, k: int | None = None) -> Floats:
        """For each query the sum of values of its results, or of the first k."""
        if k is not None:
            values = np.where(self.ranks <= k, values, 0.0)
        return np.asarray(np.bincount(self.queries, values, len(self)), dtype=np.float64)

    def cut(self, k: int | None) -> Ints:
        """How many results each query has among the first k."""
        cut: Ints = self.lengths if k is None else np.minimum(self.lengths, np.int64(k))
        return cut


def _ratio(part: Floats, whole: Floats | Ints) -> Floats:
    """``part / whole``, and 0 where there is nothing."""
    filled = whole != 0
    return np.divide(part, whole, out=np.zeros(len(part)), where=filled)


def _r_precision(rankings: Rankings) -> Floats:
    relevant = rankings.total(rankings.relevant)
    first = rankings.ranks <= relevant[rankings.queries]
    return _ratio(rankings.total(np.where(first, rankings.relevant, 0.0)), relevant)


def _precision(rankings: Rankings, k: int | None = None) -> Floats:
    return _ratio(rankings.total(rankings.relevant, k), rankings.cut(k))


def _hit(rankings: Rankings, k: int | None = None) -> Floats:
    return (rankings.total(rankings.relevant, k) > 0).astype(np.float64)


def _average_precision(rankings: Rankings) -> Floats:
    relevant = rankings.relevant
    # Counts of relevant results up to each rank: whole numbers, so that sums over
    # all queries are exact, and what came before the query can be taken off.
    count = np.cumsum(relevant)
    before = np.repeat((count - relevant)[_firsts(rankings)], rankings.lengths[_filled(rankings)])
    precision = (count - before) / rankings.ranks
    return _ratio(rankings.total(precision * relevant), rankings.total(relevant))


def _reciprocal_rank(rankings: Rankings) -> Floats:
    found = rankings.relevant > 0
    queries, places = np.unique(rankings.queries[found], return_index=True)
    result = np.zeros(len(rankings))
    result[queries] = 1.0 / rankings.ranks[found][places]
    return result


def _recall(rankings: Rankings, k: int | None = None) -> Floats:
    return _recall_named('recall_at_k', rankings, k)


def _recall_named(name: str, rankings: Rankings, k: int | None) -> Floats:
    if rankings.max_rel is None:
        raise InvalidArgument(
            f'the metric {name} needs max_rel, the number of all relevant documents; an evaluation '
            'by labels takes it from num_relevant_documents_per_label'
        )
    found = rankings.total(rankings.relevant, k)
    wrong = np.flatnonzero(found > rankings.max_rel)
    if len(wrong):
        first = int(wrong[0])
        raise InvalidArgument(
            f'max_rel={int(rankings.max_rel[first])}, but {int(found[first])} of the results are '
            'relevant: max_rel must be the number of all relevant documents, found or not',
            query=first,
        )
    return _ratio(found, rankings.max_rel)


def _f1(rankings: Rankings, k: int | None = None) -> Floats:
    recall = _recall_named('f1_score_at_k', rankings, k)
    precision = _precision(rankings, k)
    return _ratio(2 * precision * recall, precision + recall)


def _dcg(rankings: Rankings, method: int = 0, k: int | None = None) -> Floats:
    return rankings.total(rankings.gains * _discount(rankings.ranks, method), k)


def _ndcg(rankings: Rankings, method: int = 0, k: int | None = None) -> Floats:
    order = np.lexsort((-rankings.gains, rankings.queries))
    ideal = Rankings(rankings.gains[order], rankings.lengths)
    return _ratio(_dcg(rankings, method, k), _dcg(ideal, method, k))


def _discount(ranks: Ints, method: int) -> Floats:
    """What a gain at each rank counts.

    ``method`` 0 (Järvelin and Kekäläinen, with base 2): 1, 1, 1/log2(3) ...;
    1 (Burges et al.): 1/log2(rank + 1).
    """
    result: Floats = 1.0 / np.log2(np.maximum(ranks, 2) if method == 0 else ranks + 1)
    return result


def _filled(rankings: Rankings) -> npt.NDArray[np.bool_]:
    return rankings.lengths > 0


def _firsts(rankings: Rankings) -> Ints:
    """Where the results of each query start, without the queries that have none."""
    firsts: Ints = rankings.starts[_filled(rankings)]
    return firsts


@dataclass(frozen=True)
class RankingMetric:
    """A metric over many rankings.

    Attributes
    ----------
    name : str
        What users call it.
    function : callable
        ``(rankings, **options) -> values``, one a query.
    options : frozenset of str
        What it takes of ``k``, ``method`` and ``max_rel``.
    """

    name: str
    function: Callable[..., Floats]
    options: frozenset[str] = frozenset()

    def __call__(self, rankings: Rankings, **options: Any) -> Floats:
        """The value of each ranking; options that it does not take are ignored.

        Raises
        ------
        InvalidArgument
            If ``k`` is below 1, ``method`` unknown, or ``max_rel`` missing or
            smaller than what was found.
        """
        used = {name: value for name, value in options.items() if name in self.options}
        if 'k' in used:
            used['k'] = _check_k(used['k'])
        if used.get('method', 0) not in (0, 1):
            raise InvalidArgument(f'method must be 0 or 1, not {used["method"]!r}')
        used.pop('max_rel', None)
        return self.function(rankings, **used)


def _metric(name: str, function: Callable[..., Floats], *options: str) -> RankingMetric:
    return RankingMetric(name, function, frozenset(options))


#: The metrics by name.
RANKING_METRICS: dict[str, RankingMetric] = {
    metric.name: metric
    for metric in (
        _metric('r_precision', _r_precision),
        _metric('precision_at_k', _precision, 'k'),
        _metric('hit_at_k', _hit, 'k'),
        _metric('average_precision', _average_precision),
        _metric('reciprocal_rank', _reciprocal_rank),
        _metric('recall_at_k', _recall, 'k', 'max_rel'),
        _metric('f1_score_at_k', _f1, 'k', 'max_rel'),
        _metric('dcg_at_k', _dcg, 'k', 'method'),
        _metric('ndcg_at_k', _ndcg, 'k', 'method'),
    )
}


def ranking_metric(name: str) -> RankingMetric:
    """The metric of this name.

    Raises
    ------
    UnknownMetric
        If there is none.
    """
    if name not in RANKING_METRICS:
        raise UnknownMetric(
            f'the ranking metric {name!r} is not known{did_you_mean(name, RANKING_METRICS)}'
        )
    return RANKING_METRICS[name]


def _check_k(k: Any) -> int | None:
    if k is None:
        return None
    if isinstance(k, (bool, np.bool_)) or not isinstance(k, SupportsIndex):
        raise InvalidType(f'k must be an int or None, got {type(k).__name__} {k!r}')
    number = int(k.__index__())
    if number < 1:
        raise InvalidArgument(f'k must be at least 1, or None for all results, got {number}')
    return number
