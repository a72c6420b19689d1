"""The share of the true nearest neighbours that a search found."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from harness.cases import real_data
from harness.inputs import vectors

__all__ = ['recall']

#: So many queries are checked; the reference takes its time.
_CHECKED = 100


def recall(params: dict[str, Any], rows: list[list[int]]) -> float:
    """Mean share of the exact nearest (by float64) among the rows that came back."""
    truth = _truth(params['base'], params['queries'], params['metric'], params['k'])
    checked = min(len(rows), len(truth))
    found = sum(len(set(rows[at]) & set(truth[at])) for at in range(checked))
    return found / (checked * int(params['k']))


@lru_cache(maxsize=8)
def _truth(base: str, queries: str, metric: str, k: int) -> list[list[int]]:
    if base == 'wordnet':
        place = real_data()
        assert place is not None
        nearest: list[list[int]] = np.load(place / 'gt.i32.npy')[:, :k].tolist()
        return nearest
    asked = vectors(queries)[:_CHECKED].astype(np.float64)
    matrix = vectors(base)
    scores = np.concatenate(
        [
            _distances(asked, matrix[start : start + 10_000].astype(np.float64), metric)
            for start in range(0, len(matrix), 10_000)
        ],
        axis=1,
    )
    order: list[list[int]] = np.argsort(scores, axis=1, kind='stable')[:, :k].tolist()
    return order


def _distances(asked: Any, rows: Any, metric: str) -> Any:
    products = asked @ rows.T
    if metric == 'sqeuclidean':
        return (asked**2).sum(1)[:, None] + (rows**2).sum(1) - 2 * products
    norms = np.linalg.norm(asked, axis=1)[:, None] * np.linalg.norm(rows, axis=1)
    return 1 - products / norms
