"""docstore: the shared operations, and search through its array and its core."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import numpy as np

from docstore import Document, DocumentArray, _core
from harness.inputs import vectors
from harness.peers.arrays import Library, memory_operations
from harness.peers.ours_text import TEXT_OPERATIONS
from harness.peers.stored import stored_operations
from harness.task import Operation, Task

__all__ = ['OPERATIONS', 'versions']


def versions() -> dict[str, str]:
    """The packages of this peer."""
    return {
        'docstore': importlib.metadata.version('docstore'),
        'kernel': _core.kernel_name(),
        'numpy': np.__version__,
    }


def search(base: str, queries: str, count: int, k: int, threads: int, metric: str) -> Task:
    """``DocumentArray.find``: results are arrays whose Documents are made when looked at."""
    matrix, asked = vectors(base), vectors(queries)[:count]
    da = DocumentArray.empty(len(matrix))
    da.embeddings = matrix
    places = {id_: row for row, id_ in enumerate(da[:, 'id'])}
    _core.set_num_threads(threads)
    query = asked[0] if count == 1 else asked

    def call() -> Any:
        return da.find(query, metric=metric, limit=k)

    def check(found: Any) -> dict[str, Any]:
        lists = [found] if count == 1 else found
        return {'rows': [[places[id_] for id_ in hits[:, 'id']] for hits in lists]}

    return Task(call, check=check, close=_all_threads)


def kernel(base: str, queries: str, count: int, k: int, threads: int, metric: str) -> Task:
    """The search of the core: arrays in, arrays out."""
    matrix, asked = vectors(base), vectors(queries)[:count]
    _core.set_num_threads(threads)

    def call() -> Any:
        return _core.search(matrix, asked, k, metric)[0]

    return Task(call, check=lambda found: {'rows': found.tolist()}, close=_all_threads)


def _all_threads() -> None:
    _core.set_num_threads(0)


_OURS = Library('docstore', Document, DocumentArray, to_bytes='docstore')

OPERATIONS: dict[str, Operation] = {
    'search': search,
    'kernel': kernel,
    **memory_operations(_OURS),
    **stored_operations(_OURS),
    **TEXT_OPERATIONS,
}
