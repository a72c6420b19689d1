"""What an index finds: the nearest rows, with and without a filter."""

from __future__ import annotations

import numpy as np
import pytest

from .base import IndexSuite, reference

__all__ = ['IndexSearchingTests']


class IndexSearchingTests(IndexSuite):
    """Every answer against brute force."""

    def test_empty(self) -> None:
        index = self.make()
        assert len(index) == 0
        rows, distances = index.search(self.data(3), 5)
        assert rows.shape == distances.shape == (3, 0)
        index.add(np.empty(0, np.int64), np.empty((0, self.dim), np.float32))
        index.remove([1, 2])
        assert len(index) == 0

    def test_every_metric_against_brute_force(self) -> None:
        for metric in self.metrics:
            index, rows, vectors = self.filled(metric)
            queries = self.data(40, seed=1)
            assert len(index) == self.size
            for k in (1, 10, 100):
                hits = index.search(queries, k)
                self.check(metric, rows, vectors, queries, k, hits)

    def test_k_beyond_the_size(self) -> None:
        vectors = self.data(7)
        index = self.make()
        index.add(np.arange(7), vectors)
        hits = index.search(vectors[:2], 50)
        self.check('cosine', np.arange(7), vectors, vectors[:2], 50, hits)

    def test_no_queries(self) -> None:
        index, _, _ = self.filled()
        rows, distances = index.search(np.empty((0, self.dim), np.float32), 4)
        assert rows.shape == distances.shape == (0, 4)

    def test_equal_distances_by_ascending_row(self) -> None:
        vectors = np.repeat(self.data(5), 4, axis=0)
        rows = np.random.default_rng(3).permutation(20)
        index = self.make()
        index.add(rows, vectors)
        hits = index.search(vectors[::4], 20)
        self.check('cosine', rows, vectors, vectors[::4], 20, hits)
        for query in range(5):
            assert hits[0][query, :4].tolist() == sorted(rows[4 * query : 4 * query + 4])

    def test_same_question_same_answer(self) -> None:
        index, _, _ = self.filled()
        queries = self.data(30, seed=2)
        rows, distances = index.search(queries, 10)
        for _ in range(3):
            again = index.search(queries, 10)
            assert np.array_equal(again[0], rows)
            assert np.array_equal(again[1], distances)

    def test_types_of_vectors(self) -> None:
        for dtype in (np.float16, np.float32, np.float64, np.int8, np.int64):
            vectors = (self.data(60) * 20).astype(dtype)
            index = self.make('sqeuclidean')
            index.add(np.arange(60), vectors)
            queries = vectors[:9].astype(np.float32)
            hits = index.search(queries, 5)
            self.check('sqeuclidean', np.arange(60), vectors, queries, 5, hits)
            assert hits[0][:, 0].tolist() == list(range(9))

    @pytest.mark.parametrize('percent', [0, 0.1, 1, 10, 50, 100])
    def test_filters(self, percent: float) -> None:
        index, rows, vectors = self.filled()
        chosen = np.random.default_rng(4).permutation(self.size)
        chosen = np.sort(chosen[: round(self.size * percent / 100)])
        queries = self.data(20, seed=3)
        # Rows that the index does not know may be allowed, and change nothing.
        allowed = np.sort(np.concatenate([rows[chosen], [0, 1, 10**6]]))
        for k in (1, 10, 40):
            hits = index.search(queries, k, allowed)
            self.check('cosine', rows[chosen], vectors[chosen], queries, k, hits)

    def test_filter_far_from_the_query(self) -> None:
        # The allowed rows are the farthest ones: a search that asks for a few
        # more and drops the others finds none of them.
        index, rows, vectors = self.filled('euclidean')
        query = vectors[:1]
        far = np.argsort(reference(query, vectors, 'euclidean')[0])[-self.size // 5 :]
        chosen = np.sort(far)
        hits = index.search(query, 10, rows[chosen])
        self.check('euclidean', rows[chosen], vectors[chosen], query, 10, hits)
