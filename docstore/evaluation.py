"""Ranking metrics: how well an order of results serves who asked.

A ranking is the relevance of its results, best rank first: 1 and 0, or
degrees of relevance for the gain metrics. The names, arguments and results are
those of legacy docarray; ``**kwargs`` are ignored, so that the same arguments
can be given to all. Each metric is computed by :mod:`docstore.rankings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np

from .errors import InvalidArgument, InvalidType
from .rankings import RANKING_METRICS, Rankings

__all__ = [
    'average_precision',
    'dcg_at_k',
    'f1_score_at_k',
    'hit_at_k',
    'ndcg_at_k',
    'precision_at_k',
    'r_precision',
    'recall_at_k',
    'reciprocal_rank',
]


def _one(name: str, relevance: Any, max_rel: Any = None, **options: Any) -> float:
    """One metric of one ranking."""
    try:
        gains = np.asarray(relevance, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidType(
            f'{name}: a ranking is a list of numbers, got {type(relevance).__name__}'
        ) from None
    if gains.ndim != 1:
        raise InvalidArgument(f'{name}: a ranking has one dimension, got the shape {gains.shape}')
    if not np.isfinite(gains).all():
        rank = int(np.argmin(np.isfinite(gains))) + 1
        raise InvalidArgument(f'{name}: the relevance at rank {rank} is not finite')
    known = None if max_rel is None else np.array([_check_max_rel(max_rel)], dtype=np.int64)
    rankings = Rankings(gains, np.array([len(gains)], dtype=np.int64), known)
    return float(RANKING_METRICS[name](rankings, **options)[0])


def _check_max_rel(max_rel: Any) -> int:
    if isinstance(max_rel, (bool, np.bool_)) or not isinstance(max_rel, SupportsIndex):
        raise InvalidType(f'max_rel must be an int, got {type(max_rel).__name__} {max_rel!r}')
    return int(max_rel.__index__())


def r_precision(binary_relevance: Sequence[float], **kwargs: Any) -> float:
    """The precision at rank R, where R is how many results are relevant.

    Defined in Manning, Raghavan and Schütze, Introduction to Information
    Retrieval (2008), section 8.4; R counts the relevant ones of the ranking.

    Examples
    --------
    >>> r_precision([0, 1, 0, 0, 1, 1, 1])
    0.25
    """
    return _one('r_precision', binary_relevance)


def precision_at_k(binary_relevance: Sequence[float], k: int | None = None, **kwargs: Any) -> float:
    """The part of the first ``k`` results that is relevant.

    Where there are fewer than ``k`` results, the part of those.

    Parameters
    ----------
    binary_relevance : sequence of 0 and 1
        By rank, best first.
    k : int, optional
        How many results count; by default all.

    Raises
    ------
    InvalidArgument
        If ``k`` is below 1.

    Examples
    --------
    >>> precision_at_k([1, 0, 1, 0], k=3)
    0.6666666666666666
    """
    return _one('precision_at_k', binary_relevance, k=k)


def hit_at_k(binary_relevance: Sequence[float], k: int | None = None, **kwargs: Any) -> int:
    """1 if any of the first ``k`` results is relevant, else 0.

    Examples
    --------
    >>> hit_at_k([0, 0, 1], k=2), hit_at_k([0, 0, 1])
    (0, 1)
    """
    return int(_one('hit_at_k', binary_relevance, k=k))


def average_precision(binary_relevance: Sequence[float], **kwargs: Any) -> float:
    """The mean of the precision at the rank of each relevant result.

    Manning, Raghavan and Schütze (2008), section 8.4, over the relevant ones
    that the ranking has.

    Examples
    --------
    >>> average_precision([1, 0, 1])  # (1/1 + 2/3) / 2
    0.8333333333333333
    """
    return _one('average_precision', binary_relevance)


def reciprocal_rank(binary_relevance: Sequence[float], **kwargs: Any) -> float:
    """1 divided by the rank of the first relevant result; 0 if there is none.

    Voorhees, The TREC-8 Question Answering Track Report (1999).

    Examples
    --------
    >>> reciprocal_rank([0, 1, 1])
    0.5
    """
    return _one('reciprocal_rank', binary_relevance)


def recall_at_k(
    binary_relevance: Sequence[float], max_rel: int | None, k: int | None = None, **kwargs: Any
) -> float:
    """The part of all relevant documents that is among the first ``k`` results.

    Parameters
    ----------
    binary_relevance : sequence of 0 and 1
        By rank, best first.
    max_rel : int
        How many relevant documents there are, found or not.
    k : int, optional
        How many results count; by default all.

    Raises
    ------
    InvalidArgument
        If ``max_rel`` is None, or smaller than what was found.

    Examples
    --------
    >>> recall_at_k([1, 0, 1, 1], max_rel=4, k=3)
    0.5
    """
    return _one('recall_at_k', binary_relevance, max_rel, k=k)


def f1_score_at_k(
    binary_relevance: Sequence[float], max_rel: int | None, k: int | None = None, **kwargs: Any
) -> float:
    """The harmonic mean of precision and recall among the first ``k`` results.

    Van Rijsbergen, Information Retrieval (1979), chapter 7, with equal weights.
    The parameters and errors are those of :func:`recall_at_k`.

    Examples
    --------
    >>> round(f1_score_at_k([1, 0, 1, 1], max_rel=4, k=3), 6)  # of 2/3 and 1/2
    0.571429
    """
    return _one('f1_score_at_k', binary_relevance, max_rel, k=k)


def dcg_at_k(
    relevance: Sequence[float], method: int = 0, k: int | None = None, **kwargs: Any
) -> float:
    """Discounted cumulative gain: the sum of the gains, later ones counting less.

    Parameters
    ----------
    relevance : sequence of float
        How relevant each result is, by rank, best first.
    method : {0, 1}
        0: ranks 1 and 2 count whole, rank i counts ``1 / log2(i)`` (Järvelin
        and Kekäläinen, Cumulated gain-based evaluation of IR techniques, ACM
        TOIS 20(4), 2002, with base 2). 1: rank i counts ``1 / log2(i + 1)``
        (Burges et al., Learning to rank using gradient descent, ICML 2005).
        Both with the gain as it is given; Burges takes ``2**gain - 1``, which
        is the same for 0 and 1.
    k : int, optional
        How many results count; by default all.

    Examples
    --------
    >>> round(dcg_at_k([3, 2, 3, 0, 1, 2]), 6)  # 3 + 2 + 3/log2(3) + 0 + 1/log2(5) + 2/log2(6)
    8.097171
    >>> round(dcg_at_k([3, 2, 3, 0, 1, 2], method=1), 6)
    6.861127
    """
    return _one('dcg_at_k', relevance, k=k, method=method)


def ndcg_at_k(
    relevance: Sequence[float], method: int = 0, k: int | None = None, **kwargs: Any
) -> float:
    """DCG divided by that of the best order of the same results.

    The parameters are those of :func:`dcg_at_k`. The best order is that of all
    results given, of which the first ``k`` count.

    Examples
    --------
    >>> round(ndcg_at_k([3, 2, 3, 0, 1, 2]), 6)
    0.931509
    >>> ndcg_at_k([1, 0, 1], k=2)
    0.5
    """
    return _one('ndcg_at_k', relevance, k=k, method=method)
