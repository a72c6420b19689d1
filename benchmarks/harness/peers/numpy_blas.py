"""NumPy: one matrix product and a partition, as most people write it."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.inputs import vectors
from harness.task import Operation, Task

__all__ = ['OPERATIONS', 'versions']


def versions() -> dict[str, str]:
    """The packages of this peer."""
    return {'numpy': np.__version__}


def search(base: str, queries: str, count: int, k: int, threads: int, metric: str) -> Task:
    """Exact nearest neighbours of unit vectors by inner product."""
    from threadpoolctl import threadpool_limits

    del metric  # on unit vectors all metrics give this order

    matrix, asked = vectors(base), vectors(queries)[:count]
    limits = threadpool_limits(threads)

    def call() -> Any:
        scores = asked @ matrix.T
        nearest = np.argpartition(-scores, k, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, nearest, 1), axis=1, kind='stable')
        return np.take_along_axis(nearest, order, 1)

    return Task(
        call,
        check=lambda found: {'rows': found.tolist()},
        close=limits.restore_original_limits,
    )


OPERATIONS: dict[str, Operation] = {'search': search}
