"""docarray 0.21: the same script as for docstore, with another import."""

from __future__ import annotations

from typing import Any

import docarray
import numpy as np
from docarray import Document, DocumentArray

from harness.inputs import vectors
from harness.peers.arrays import Library, memory_operations
from harness.peers.stored import stored_operations
from harness.task import Operation, Task

__all__ = ['OPERATIONS', 'versions']


def versions() -> dict[str, str]:
    """The packages of this peer."""
    return {'docarray': docarray.__version__, 'numpy': np.__version__}


def search(base: str, queries: str, count: int, k: int, threads: int, metric: str) -> Task:
    """``DocumentArray.find``."""
    del threads  # it has no setting that changes this
    matrix, asked = vectors(base), vectors(queries)[:count]
    da = DocumentArray.empty(len(matrix))
    da.embeddings = matrix
    places = {id_: row for row, id_ in enumerate(da[:, 'id'])}

    def call() -> Any:
        return da.find(asked, metric=metric, limit=k)

    def check(found: Any) -> dict[str, Any]:
        return {'rows': [[places[id_] for id_ in hits[:, 'id']] for hits in found]}

    return Task(call, check=check)


_LEGACY = Library('docarray', Document, DocumentArray, to_bytes='pickle-array')

OPERATIONS: dict[str, Operation] = {
    'search': search,
    **memory_operations(_LEGACY),
    **stored_operations(_LEGACY),
}
