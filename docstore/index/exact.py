"""The exact index: the vectors themselves, searched by the core."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .base import Index
from .files import read_file, write_file
from .lock import ReadWriteLock
from .vectors import (
    Hits,
    RowVectors,
    check_queries,
    check_rows,
    check_vectors,
    load_vectors,
    scan,
    vector_sections,
)

__all__ = ['ExactIndex']

RowArray = npt.NDArray[np.int64]


class ExactIndex(Index):
    """Compares a query with every vector.

    Parameters
    ----------
    config : IndexConfig
        Of which only the metric matters.
    dim : int
        Length of the vectors.

    Examples
    --------
    >>> from docstore.stores.base import IndexConfig
    >>> index = ExactIndex(IndexConfig(metric='euclidean'), 2)
    >>> index.add(np.array([7, 9]), np.array([[0.0, 0.0], [3.0, 4.0]]))
    >>> index.search(np.array([[0.0, 0.0]]), 5)
    (array([[7, 9]]), array([[0., 5.]], dtype=float32))
    """

    def __init__(self, config: Any, dim: int) -> None:
        self._metric = config.metric
        self._dim = dim
        self._lock = ReadWriteLock()
        self._vectors = RowVectors(dim)

    def __len__(self) -> int:
        return len(self._vectors)

    def add(self, rows: RowArray, vectors: npt.NDArray[Any]) -> None:
        """Add rows, or give known rows a new vector.

        Raises
        ------
        DimensionMismatch, InvalidVector
            If a vector has not the length of the others, NaN or infinity, or
            is zero under cosine; nothing was added then.
        """
        rows = check_rows(rows)
        vectors = check_vectors(rows, vectors, self._dim, self._metric)
        if len(rows):
            with self._lock.write():
                self._vectors.put(rows, vectors)
                self._tidy()

    def remove(self, rows: Sequence[int] | RowArray) -> None:
        """Forget rows; unknown rows are ignored."""
        with self._lock.write():
            self._vectors.drop(check_rows(rows))
            self._tidy()

    def search(self, queries: npt.NDArray[Any], k: int, allowed: RowArray | None = None) -> Hits:
        """The nearest rows of each query, best first; see :meth:`Index.search`."""
        queries = check_queries(queries, k, self._dim, self._metric)
        with self._lock.read():
            if allowed is None:
                rows, lines = self._vectors.live()
            else:
                rows = check_rows(allowed)
                lines = self._vectors.locate(rows)
                rows, lines = rows[lines >= 0], lines[lines >= 0]
            return scan(self._vectors.matrix, queries, k, self._metric, rows, lines)

    def save(self, path: Path, stamp: int) -> None:
        """Write to ``path`` atomically, marked with ``stamp``, with checksums."""
        with self._lock.read():
            header, sections = vector_sections(self._vectors.compacted())
            write_file(path, {**_header(self._metric, self._dim, stamp), **header}, sections)

    @classmethod
    def load(cls, path: Path, stamp: int, config: Any, dim: int) -> ExactIndex | None:
        """What ``save`` wrote; None when it is missing, damaged or of another stamp."""
        index = cls(config, dim)
        try:
            with read_file(path, _header(config.metric, dim, stamp)) as (header, reader):
                index._vectors = load_vectors(header, reader, dim)
                if not reader.checked():
                    return None
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            return None
        return index

    def _tidy(self) -> None:
        if self._vectors.used - len(self._vectors) > max(1024, len(self._vectors) // 2):
            self._vectors = self._vectors.compacted()


def _header(metric: str, dim: int, stamp: int) -> dict[str, Any]:
    return {'kind': 'exact', 'metric': metric, 'dim': dim, 'stamp': stamp}
