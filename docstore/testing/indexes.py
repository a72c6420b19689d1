"""What every index must do: a suite for authors of indexes to inherit."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from ..errors import (
    DimensionMismatch,
    DocstoreError,
    InvalidArgument,
    InvalidType,
    InvalidVector,
    LengthMismatch,
    StorageError,
)
from ..stores.base import IndexConfig

if TYPE_CHECKING:
    from ..index.base import Index

__all__ = ['IndexTests', 'reference']

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


class IndexTests:
    """Inherit, set ``index_class``, and pytest runs the suite on it.

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

    # ------------------------------------------------------------- helpers

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

    # ------------------------------------------------------------- searching

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

    # ------------------------------------------------------------- changing

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

    # ------------------------------------------------------------- bad input

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

    # ------------------------------------------------------------- files

    def test_save_and_load(self, tmp_path: Path) -> None:
        for metric in self.metrics:
            index, rows, vectors = self.filled(metric)
            index.remove(rows[:50])
            path = tmp_path / metric
            index.save(path, 7)
            config = IndexConfig(metric=metric)
            again = self.index_class.load(path, 7, config, self.dim)
            assert again is not None
            assert len(again) == len(index)
            queries = self.data(20, seed=1)
            before, after = index.search(queries, 10), again.search(queries, 10)
            assert np.array_equal(before[0], after[0])
            assert np.array_equal(before[1], after[1])
            again.add(rows[:50], vectors[:50])
            hits = again.search(queries, 10)
            self.check(metric, rows, vectors, queries, 10, hits)
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted(self.metrics)

    def test_save_and_load_empty(self, tmp_path: Path) -> None:
        self.make().save(tmp_path / 'index', 0)
        again = self.index_class.load(tmp_path / 'index', 0, IndexConfig(), self.dim)
        assert again is not None
        assert len(again) == 0
        vectors = self.data(5)
        again.add(np.arange(5), vectors)
        assert again.search(vectors, 1)[0].ravel().tolist() == [0, 1, 2, 3, 4]

    def test_load_refuses_what_does_not_belong(self, tmp_path: Path) -> None:
        index, _, _ = self.filled()
        path = tmp_path / 'index'
        load = self.index_class.load
        assert load(path, 7, IndexConfig(), self.dim) is None
        index.save(path, 7)
        assert load(path, 8, IndexConfig(), self.dim) is None
        assert load(path, 7, IndexConfig(metric='euclidean'), self.dim) is None
        assert load(path, 7, IndexConfig(), self.dim + 1) is None
        assert load(path, 7, IndexConfig(), self.dim) is not None
        assert load(tmp_path, 7, IndexConfig(), self.dim) is None

    def test_load_refuses_damage(self, tmp_path: Path) -> None:
        vectors = self.data(200)
        index = self.make()
        index.add(np.arange(200), vectors)
        path = tmp_path / 'index'
        index.save(path, 1)
        whole = path.read_bytes()
        rng = np.random.default_rng(11)
        ends = [*range(64), *rng.integers(0, len(whole), 60).tolist(), len(whole) - 1]
        flips = [*range(64), *rng.integers(0, len(whole), 150).tolist(), len(whole) - 1]
        damaged = [whole[:end] for end in ends]
        for place in flips:
            copy = bytearray(whole)
            copy[place] ^= 1 << int(rng.integers(8))
            damaged.append(bytes(copy))
        damaged += [whole + b'\0', whole + whole, bytes(len(whole)), rng.bytes(len(whole))]
        for content in damaged:
            path.write_bytes(content)
            assert self.index_class.load(path, 1, IndexConfig(), self.dim) is None
        path.write_bytes(whole)
        assert self.index_class.load(path, 1, IndexConfig(), self.dim) is not None

    def test_failed_save_leaves_the_file(self, tmp_path: Path) -> None:
        index = self.make()
        index.add(np.arange(9), self.data(9))
        with pytest.raises(StorageError):
            index.save(tmp_path / 'missing' / 'index', 1)
        path = tmp_path / 'index'
        index.save(path, 1)
        before = path.read_bytes()
        (tmp_path / 'index.new').mkdir()
        with pytest.raises(StorageError):
            index.save(path, 2)
        assert path.read_bytes() == before

    # ------------------------------------------------------------- threads

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
