"""The exact index: the suite that every index runs, and the edges of its own parts."""

from __future__ import annotations

import numpy as np

from docstore.index import INDEXES
from docstore.index.exact import ExactIndex
from docstore.index.vectors import RowVectors
from docstore.testing.indexes import IndexTests


class TestExactIndex(IndexTests):
    index_class = ExactIndex


def test_registered() -> None:
    assert INDEXES.load('exact') is ExactIndex


def test_row_vectors_against_a_dict() -> None:
    rng = np.random.default_rng(0)
    vectors, held = RowVectors(2), {}
    for step in range(400):
        rows = rng.integers(0, 60, rng.integers(1, 6))
        if rng.random() < 0.6:
            values = rng.random((len(rows), 2)).astype(np.float32)
            new, old = vectors.put(rows, values)
            replaced = [row for row in np.unique(rows).tolist() if row in held]
            assert len(old) == len(replaced)
            assert vectors.owners[new].tolist() == np.unique(rows).tolist()
            held.update(zip(rows.tolist(), values.tolist(), strict=True))
        else:
            vectors.drop(rows)
            for row in rows.tolist():
                held.pop(row, None)
        if step % 50 == 49:
            vectors = vectors.compacted()
            assert vectors.used == len(held)
        live, lines = vectors.live()
        lines = np.arange(len(live)) if lines is None else lines
        assert live.tolist() == sorted(held)
        assert vectors.matrix[lines].tolist() == [held[row] for row in sorted(held)]
        assert vectors.locate(np.arange(60)).tolist() == [
            int(lines[live.tolist().index(row)]) if row in held else -1 for row in range(60)
        ]


def test_row_vectors_take_the_wider_type() -> None:
    vectors = RowVectors(1)
    vectors.put(np.array([0]), np.array([[0.5]], np.float16))
    assert vectors.matrix.dtype == np.float16
    vectors.put(np.array([1]), np.array([[300]], np.uint16))
    assert vectors.matrix.dtype == np.float32
    vectors.put(np.array([2]), np.array([[0.1]], np.float64))
    assert vectors.matrix.dtype == np.float64
    assert vectors.matrix.ravel().tolist() == [0.5, 300.0, 0.1]
