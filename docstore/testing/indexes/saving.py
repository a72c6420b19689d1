"""What an index is after it was saved and loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from docstore.errors import StorageError
from docstore.stores.base import IndexConfig

from .base import IndexSuite

__all__ = ['IndexSavingTests']


class IndexSavingTests(IndexSuite):
    """Files that are whole, damaged, of another index, or not there."""

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
