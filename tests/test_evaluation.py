"""Ranking metrics: against values worked out by hand, legacy docarray, and scikit-learn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore import evaluation
from docstore.errors import InvalidArgument, InvalidType, UnknownMetric
from docstore.rankings import RANKING_METRICS, Rankings, ranking_metric

pytestmark = pytest.mark.spec('18')

LOG3, LOG5, LOG6, LOG7 = (math.log2(x) for x in (3, 5, 6, 7))

# ranking, arguments, and what each metric gives; by hand, from the formulas.
BY_HAND: list[tuple[str, list[float], dict[str, Any], float]] = [
    ('r_precision', [1, 0, 1, 1, 0], {}, 2 / 3),
    ('r_precision', [0, 1, 0, 0, 1, 1, 1], {}, 1 / 4),
    ('r_precision', [0, 0, 1], {}, 0),
    ('precision_at_k', [1, 0, 1, 1, 0], {}, 3 / 5),
    ('precision_at_k', [1, 0, 1, 1, 0], {'k': 2}, 1 / 2),
    ('precision_at_k', [1, 0, 1, 1, 0], {'k': 10}, 3 / 5),
    ('hit_at_k', [0, 0, 1], {'k': 2}, 0),
    ('hit_at_k', [0, 0, 1], {'k': 3}, 1),
    ('average_precision', [1, 0, 1, 1, 0], {}, (1 / 1 + 2 / 3 + 3 / 4) / 3),
    ('average_precision', [0, 1, 0, 0, 1, 1, 1], {}, (1 / 2 + 2 / 5 + 3 / 6 + 4 / 7) / 4),
    ('reciprocal_rank', [0, 0, 1, 1], {}, 1 / 3),
    ('reciprocal_rank', [0, 0], {}, 0),
    ('recall_at_k', [1, 0, 1, 1, 0], {'max_rel': 4}, 3 / 4),
    ('recall_at_k', [1, 0, 1, 1, 0], {'max_rel': 4, 'k': 1}, 1 / 4),
    ('f1_score_at_k', [1, 0, 1, 1, 0], {'max_rel': 4}, 2 * (3 / 5) * (3 / 4) / (3 / 5 + 3 / 4)),
    ('f1_score_at_k', [0, 0, 1], {'max_rel': 4, 'k': 2}, 0),
    ('dcg_at_k', [3, 2, 3, 0, 1, 2], {}, 3 + 2 + 3 / LOG3 + 1 / LOG5 + 2 / LOG6),
    ('dcg_at_k', [3, 2, 3, 0, 1, 2], {'method': 1}, 3 + 2 / LOG3 + 3 / 2 + 1 / LOG6 + 2 / LOG7),
    ('dcg_at_k', [3, 2, 3, 0, 1, 2], {'k': 3}, 3 + 2 + 3 / LOG3),
    ('ndcg_at_k', [0, 1, 1], {}, (1 + 1 / LOG3) / 2),
    ('ndcg_at_k', [0, 1, 1], {'method': 1}, (1 / LOG3 + 1 / 2) / (1 + 1 / LOG3)),
    ('ndcg_at_k', [1, 0, 1], {'k': 2}, 1 / 2),
]

# What docarray 0.21.0 gave, at six digits: [ranking, k, values in the order of NAMES].
NAMES = ('precision_at_k', 'hit_at_k', 'recall_at_k', 'f1_score_at_k', 'dcg_at_k', 'ndcg_at_k')
LEGACY: list[tuple[list[int], int | None, tuple[float, ...]]] = [
    ([1, 0, 1, 1, 0], None, (0.6, 1, 0.75, 0.666667, 2.13093, 0.809953)),
    ([1, 0, 1, 1, 0], 3, (0.666667, 1, 0.5, 0.571429, 1.63093, 0.619906)),
    ([0, 1, 0, 0, 1, 1, 1], None, (0.571429, 1, 1.0, 0.727273, 2.173737, 0.694278)),
    ([0, 1, 0, 0, 1, 1, 1], 3, (0.333333, 1, 0.25, 0.285714, 1.0, 0.380094)),
    ([0, 0, 0], 10, (0, 0, 0, 0, 0, 0)),
    ([1, 1, 1], 2, (1.0, 1, 0.5, 0.666667, 2.0, 1.0)),
    ([], None, (0, 0, 0, 0, 0, 0)),
]

RANKINGS = st.lists(st.lists(st.integers(0, 1), max_size=8), max_size=6)


@pytest.mark.parametrize(('name', 'ranking', 'options', 'expected'), BY_HAND)
def test_by_hand(name: str, ranking: list[float], options: dict[str, Any], expected: float) -> None:
    value = getattr(evaluation, name)(ranking, **options)
    assert type(value) is (int if name == 'hit_at_k' else float)
    assert value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(('ranking', 'k', 'expected'), LEGACY)
def test_as_in_legacy_docarray(
    ranking: list[int], k: int | None, expected: tuple[float, ...]
) -> None:
    values = [getattr(evaluation, name)(ranking, k=k, max_rel=4) for name in NAMES]
    assert values == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize('name', RANKING_METRICS)
def test_nothing_found_is_zero(name: str) -> None:
    assert getattr(evaluation, name)([], max_rel=3) == 0
    assert getattr(evaluation, name)([0, 0], max_rel=0) == 0


@pytest.mark.parametrize('name', RANKING_METRICS)
@given(rankings=RANKINGS, k=st.integers(1, 9))
def test_many_at_once_are_each_by_itself(name: str, rankings: list[list[int]], k: int) -> None:
    together = RANKING_METRICS[name](Rankings.of(rankings, [8] * len(rankings)), k=k)
    alone = [getattr(evaluation, name)(ranking, k=k, max_rel=8) for ranking in rankings]
    assert together.tolist() == pytest.approx(alone, abs=1e-12)


@pytest.mark.parametrize('name', RANKING_METRICS)
@given(ranking=st.lists(st.integers(0, 1), min_size=1, max_size=12), k=st.integers(1, 14))
def test_values_lie_between_zero_and_one(name: str, ranking: list[int], k: int) -> None:
    value = getattr(evaluation, name)(ranking, k=k, max_rel=12)
    assert 0 <= value <= (len(ranking) if name == 'dcg_at_k' else 1)


@given(ranking=st.lists(st.integers(0, 1), min_size=2, max_size=12), k=st.integers(1, 12))
def test_against_scikit_learn(ranking: list[int], k: int) -> None:
    metrics = pytest.importorskip('sklearn.metrics')
    scores = -np.arange(len(ranking), dtype=float)
    truth = np.array(ranking)
    if any(ranking):
        assert evaluation.average_precision(ranking) == pytest.approx(
            metrics.average_precision_score(truth, scores)
        )
    for ours, theirs in (
        (evaluation.ndcg_at_k, metrics.ndcg_score),
        (evaluation.dcg_at_k, metrics.dcg_score),
    ):
        assert ours(ranking, method=1, k=k) == pytest.approx(theirs([truth], [scores], k=k))
    top = np.zeros(len(ranking), dtype=int)
    top[:k] = 1
    arguments = {'zero_division': 0.0}
    total = int(truth.sum())
    assert evaluation.precision_at_k(ranking, k=k) == pytest.approx(
        metrics.precision_score(truth, top, **arguments)
    )
    if total:
        assert evaluation.recall_at_k(ranking, total, k=k) == pytest.approx(
            metrics.recall_score(truth, top, **arguments)
        )
        assert evaluation.f1_score_at_k(ranking, total, k=k) == pytest.approx(
            metrics.f1_score(truth, top, **arguments)
        )


def test_two_million_results_at_once() -> None:
    relevant = np.random.default_rng(0).random(2_000_000) < 0.3
    rankings = Rankings(relevant.astype(float), np.full(100_000, 20), np.full(100_000, 20))
    first = relevant[:20].astype(int).tolist()
    for name, metric in RANKING_METRICS.items():
        values = metric(rankings, k=10)
        assert len(values) == 100_000
        assert values[0] == pytest.approx(getattr(evaluation, name)(first, k=10, max_rel=20))


@pytest.mark.parametrize('name', [n for n, metric in RANKING_METRICS.items() if metric.options])
@pytest.mark.parametrize('k', [0, -3])
def test_k_below_one(name: str, k: int) -> None:
    with pytest.raises(InvalidArgument, match=f'k must be at least 1, .*got {k}'):
        getattr(evaluation, name)([1], k=k, max_rel=1)


@pytest.mark.parametrize('k', [1.5, '1', True])
def test_k_of_another_type(k: Any) -> None:
    with pytest.raises(InvalidType, match='k must be an int or None'):
        evaluation.precision_at_k([1], k=k)


@pytest.mark.parametrize('name', ['recall_at_k', 'f1_score_at_k'])
def test_max_rel(name: str) -> None:
    metric = getattr(evaluation, name)
    with pytest.raises(ValueError, match=f'{name} needs max_rel'):
        metric([1], max_rel=None)
    with pytest.raises(ValueError, match='max_rel=1, but 2 of the results'):
        metric([1, 1], max_rel=1)
    assert metric([1, 1], max_rel=1, k=1) == 1.0
    with pytest.raises(InvalidType, match='max_rel must be an int'):
        metric([1], max_rel='3')


def test_methods() -> None:
    with pytest.raises(ValueError, match='method must be 0 or 1, not 2'):
        evaluation.dcg_at_k([1], method=2)


@pytest.mark.parametrize(
    ('ranking', 'said'),
    [
        ('abc', 'a ranking is a list of numbers, got str'),
        ([['a']], 'a ranking is a list of numbers'),
        ([[1, 0]], 'a ranking has one dimension'),
        (1, 'a ranking has one dimension'),
        ([1, math.nan], 'the relevance at rank 2 is not finite'),
    ],
)
def test_what_is_no_ranking(ranking: Any, said: str) -> None:
    with pytest.raises((InvalidType, InvalidArgument), match=said):
        evaluation.average_precision(ranking)


def test_unknown_metric() -> None:
    with pytest.raises(UnknownMetric, match="did you mean 'precision_at_k'"):
        ranking_metric('precison_at_k')
