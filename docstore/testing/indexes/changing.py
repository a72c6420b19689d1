"""What an index finds after rows came, moved and went, and what it refuses."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from docstore.errors import (
    DimensionMismatch,
    DocstoreError,
    InvalidArgument,
    InvalidType,
    InvalidVector,
    LengthMismatch,
)

from .base import Array, IndexSuite, reference

__all__ = ['IndexChangingTests']


class IndexChangingTests(IndexSuite):
    """Adding, updating and removing rows, in one thread and in several."""

    def test_update_moves_a_row(self) -> None:
        index, rows, vectors = self.filled()
        vectors = vectors.copy()
        vectors[10:30] = -vectors[10:30]
        index.add(rows[10:30], vectors[10:30])
        assert len(index) == self.size
        queries = vectors[10:30]
        hits = index.search(queries, 10)
        self.check('cosine', rows, vectors, queries, 10, hits)
        assert hits[0][:, 0].tolist() == rows[10:30].tolist()

    def test_row_given_twice_has_the_last_vector(self) -> None:
        vectors = self.data(3)
        index = self.make()
        index.add(np.array([4, 9, 4]), vectors)
        assert len(index) == 2
        rows, distances = index.search(vectors[2:], 2)
        assert rows.tolist() == [[4, 9]]
        assert distances[0, 0] == pytest.approx(0, abs=1e-6)

    def test_removed_rows_are_never_found(self) -> None:
        index, rows, vectors = self.filled()
        gone = rows[::2]
        index.remove(np.concatenate([gone, [1, 10**9]]))
        index.remove(gone[:5])
        assert len(index) == self.size - len(gone)
        queries = vectors[:40]
        for k in (1, 10, self.size):
            hits = index.search(queries, k)
            assert not np.isin(hits[0], gone).any()
            self.check('cosine', rows[1::2], vectors[1::2], queries, k, hits)
        rest = index.search(queries, 10, np.sort(rows[:100]))
        assert np.isin(rest[0], rows[1:100:2]).all()
        index.add(gone, vectors[::2])
        hits = index.search(queries, 10)
        self.check('cosine', rows, vectors, queries, 10, hits)

    def test_everything_removed(self) -> None:
        index, rows, vectors = self.filled()
        index.remove(rows)
        assert len(index) == 0
        assert index.search(vectors[:2], 5)[0].shape == (2, 0)
        index.add(rows[:9], vectors[:9])
        hits = index.search(vectors[:2], 5)
        self.check('cosine', rows[:9], vectors[:9], vectors[:2], 5, hits)

    def test_churn(self) -> None:
        index, _, vectors = self.filled()
        rng = np.random.default_rng(5)
        held = {int(row): vector for row, vector in zip(_, vectors, strict=True)}
        fresh = 10**6
        for step in range(12):
            old = rng.choice(sorted(held), self.size // 10, replace=False)
            index.remove(old)
            for row in old.tolist():
                del held[row]
            new = self.data(self.size // 10, seed=100 + step)
            rows = np.arange(fresh, fresh + len(new))
            fresh += len(new)
            index.add(rows, new)
            held.update(zip(rows.tolist(), new, strict=True))
        rows, vectors = np.array(list(held)), np.stack(list(held.values()))
        assert len(index) == len(held)
        queries = self.data(60, seed=6)
        self.check('cosine', rows, vectors, queries, 10, index.search(queries, 10))

    def test_single_steps_against_a_dict(self) -> None:
        rng = np.random.default_rng(8)
        index = self.make('euclidean')
        held: dict[int, Array] = {}
        for _ in range(300):
            row = int(rng.integers(0, 40))
            if rng.random() < 0.6:
                held[row] = self.data(1, seed=int(rng.integers(10**6)))[0]
                index.add(np.array([row]), held[row][None])
            else:
                held.pop(row, None)
                index.remove([row])
            assert len(index) == len(held)
            if held and rng.random() < 0.3:
                rows, vectors = np.array(list(held)), np.stack(list(held.values()))
                query = self.data(1, seed=9)
                self.check('euclidean', rows, vectors, query, 5, index.search(query, 5))

    def test_bad_vectors_change_nothing(self) -> None:
        index, _, vectors = self.filled()
        new = np.array([1, 2])
        for value in (np.nan, np.inf, 0.0):
            bad = vectors[:2].copy()
            bad[1] = value
            with pytest.raises(InvalidVector) as caught:
                index.add(new, bad)
            assert caught.value.row == 2
            with pytest.raises(InvalidVector) as caught:
                index.search(bad, 3)
            assert caught.value.row == -2
        with pytest.raises(DimensionMismatch):
            index.add(new, np.ones((2, self.dim + 1)))
        with pytest.raises(DimensionMismatch):
            index.search(np.ones((2, self.dim - 1)), 3)
        with pytest.raises(DimensionMismatch):
            index.search(np.ones(self.dim), 3)
        with pytest.raises(LengthMismatch):
            index.add(new, vectors[:3])
        with pytest.raises(InvalidType):
            index.add(new, np.array([['a'] * self.dim] * 2))
        with pytest.raises(InvalidType):
            index.add(np.array([0.5, 1.0]), vectors[:2])
        assert len(index) == self.size
        assert not np.isin(index.search(vectors[:20], 5)[0], new).any()

    def test_bad_k(self) -> None:
        index, _, vectors = self.filled()
        for k in (0, -1):
            with pytest.raises(InvalidArgument):
                index.search(vectors[:1], k)
        for wrong in (True, 1.5, '3', None):
            with pytest.raises(InvalidType):
                index.search(vectors[:1], wrong)

    def test_searching_while_adding_and_removing(self) -> None:
        vectors = self.data(self.size)
        index = self.make()
        index.add(np.arange(50), vectors[:50])
        done = threading.Event()
        problems: list[Any] = []

        def search(seed: int) -> None:
            queries = self.data(4, seed=seed)
            while not done.is_set():
                try:
                    rows, distances = index.search(queries, 10)
                except DocstoreError as error:
                    problems.append(error)
                    return
                full = reference(queries, vectors, 'cosine')
                truth = np.take_along_axis(full, rows, axis=1)
                if rows.shape != (4, 10) or not np.allclose(distances, truth, atol=1e-4):
                    problems.append((rows, distances))
                    return

        threads = [threading.Thread(target=search, args=(seed,)) for seed in range(3)]
        for thread in threads:
            thread.start()
        for start in range(50, self.size, 25):
            index.add(np.arange(start, start + 25), vectors[start : start + 25])
            index.remove(np.arange(start - 20, start - 10))
        done.set()
        for thread in threads:
            thread.join(60)
        assert not problems
        removed = {r for s in range(50, self.size, 25) for r in range(s - 20, s - 10)}
        rows = np.array(sorted(set(range(len(vectors) // 25 * 25)) - removed))
        assert len(index) == len(rows)
        self.check('cosine', rows, vectors[rows], vectors[:9], 10, index.search(vectors[:9], 10))
