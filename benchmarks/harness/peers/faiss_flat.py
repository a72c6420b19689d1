"""faiss: its exact index (Flat)."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from harness.inputs import vectors
from harness.task import Operation, Task

__all__ = ['OPERATIONS', 'versions']

_DEFAULT_THRESHOLD = faiss.cvar.distance_compute_blas_threshold


def versions() -> dict[str, str]:
    """The packages of this peer."""
    return {'faiss-cpu': faiss.__version__, 'numpy': np.__version__}


def search(
    base: str,
    queries: str,
    count: int,
    k: int,
    threads: int,
    metric: str,
    blas_threshold: int | None = None,
) -> Task:
    """Exact nearest neighbours of unit vectors; the product is cosine there."""
    matrix, asked = vectors(base), vectors(queries)[:count]
    kind = faiss.IndexFlatL2 if metric == 'sqeuclidean' else faiss.IndexFlatIP
    index = kind(matrix.shape[1])
    index.add(matrix)

    def call() -> Any:
        # Both are settings of the process, which the tuned peer shares; setting them is nothing.
        faiss.omp_set_num_threads(threads)
        faiss.cvar.distance_compute_blas_threshold = blas_threshold or _DEFAULT_THRESHOLD
        return index.search(asked, k)[1]

    return Task(call, check=lambda found: {'rows': found.tolist()})


OPERATIONS: dict[str, Operation] = {'search': search}
