"""What the suites for indexes share: an index full of vectors, and brute force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from docstore.stores.base import IndexConfig

if TYPE_CHECKING:
    from docstore.index.base import Index

__all__ = ['Array', 'IndexSuite', 'reference']

Array = npt.NDArray[Any]


def reference(queries: Array, vectors: Array, metric: str) -> npt.NDArray[np.float64]:
    """All distances in float64, without the code under test."""
    x, y = queries.astype(np.float64), vectors.astype(np.float64)
    if metric == 'ip':
        return np.asarray(1 - x @ y.T)
    if metric == 'cosine':
        norms = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(y, axis=1)
        return np.asarray(1 - x @ y.T / norms)
    squares = np.stack([np.square(y - q).sum(axis=1) for q in x])
    return squares if metric == 'sqeuclidean' else np.sqrt(squares)


class IndexSuite:
    """What all index suites share: how an index is made, and what its answers are held against.

    Attributes
    ----------
    index_class : type
        The index.
    metrics : tuple of str
        The metrics that it offers.
    min_recall : float
        The share of the true nearest rows that must be found; 1 for an exact
        index. The distances of what is found are exact in any case.
    size, dim : int
        How many vectors the larger tests use, and how long they are.
    """

    index_class: ClassVar[type[Index]]
    metrics: ClassVar[tuple[str, ...]] = ('cosine', 'euclidean', 'sqeuclidean', 'ip')
    min_recall: ClassVar[float] = 1.0
    size: ClassVar[int] = 1500
    dim: ClassVar[int] = 16

    def make(self, metric: str = 'cosine', dim: int | None = None) -> Index:
        """An empty index."""
        return self.index_class(IndexConfig(metric=metric), dim or self.dim)

    def data(self, n: int, seed: int = 0) -> Array:
        """Vectors in clusters, as real ones are."""
        rng = np.random.default_rng(seed)
        centres = np.random.default_rng(7).normal(size=(20, self.dim))
        noise = rng.normal(size=(n, self.dim)) * 0.4
        return np.asarray(centres[rng.integers(0, 20, n)] + noise, dtype=np.float32)

    def filled(self, metric: str = 'cosine') -> tuple[Index, Array, Array]:
        """An index of rows that are not their positions."""
        vectors = self.data(self.size)
        rows = np.arange(self.size, dtype=np.int64) * 3 + 5
        index = self.make(metric)
        index.add(rows, vectors)
        return index, rows, vectors

    def check(
        self, metric: str, rows: Array, vectors: Array, queries: Array, k: int, hits: Any
    ) -> None:
        """Shape, order, distances and recall of an answer against brute force."""
        found, distances = hits
        m = min(k, len(rows))
        assert found.shape == distances.shape == (len(queries), m)
        assert found.dtype == np.int64
        assert distances.dtype == np.float32
        if not m:
            return
        full = reference(queries, vectors, metric)
        order = np.argsort(rows)
        assert np.isin(found, rows).all()
        places = order[np.searchsorted(rows[order], found)]
        expected = np.take_along_axis(full, places, axis=1)
        np.testing.assert_allclose(distances, expected, rtol=2e-5, atol=2e-5)
        hit = 0
        for i in range(len(queries)):
            assert (np.diff(distances[i]) >= 0).all(), 'ascending distance'
            assert len(set(found[i].tolist())) == m
            hit += int((expected[i] <= np.sort(full[i])[m - 1] + 2e-5).sum())
        recall = hit / (len(queries) * m)
        assert recall >= self.min_recall, f'{metric}: recall {recall}'
