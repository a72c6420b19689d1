"""The growable columns of vectors in the core."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from docstore import _core, errors


def test_holds_what_was_appended() -> None:
    rng = np.random.default_rng(20)
    column = _core.Column('float32', 5)
    assert len(column) == 0
    assert column.dim == 5
    assert column.dtype == np.float32
    assert column.array().shape == (0, 5)
    blocks = [rng.standard_normal((n, 5)).astype(np.float32) for n in (1, 0, 7, 500, 3)]
    firsts = [column.append(block) for block in blocks]
    assert firsts == [0, 1, 1, 8, 508]
    np.testing.assert_array_equal(column.array(), np.concatenate(blocks))
    assert column.nbytes >= column.array().nbytes
    assert column.array().ctypes.data % 64 == 0
    assert column.array().flags.c_contiguous


def test_views_never_change_and_never_dangle() -> None:
    column = _core.Column(np.float64, 3)
    column.append(np.ones((4, 3)))
    view = column.array()
    with pytest.raises(ValueError, match='read-only'):
        view[0, 0] = 5
    column.set([1], np.full((1, 3), 2.0))
    column.append(np.full((100000, 3), 3.0))
    column.truncate(2)
    column.append(np.full((1, 3), 4.0))
    later = column.array()
    column.truncate(0)
    column.append(np.full((3, 3), 9.0))
    del column
    assert view.shape == (4, 3)
    assert (view == 1).all()
    np.testing.assert_array_equal(later[:, 0], [1, 2, 4])


def test_growth_in_place_needs_no_copy_for_a_view() -> None:
    column = _core.Column('float32', 4)
    column.append(np.zeros((1000, 4), np.float32))
    column.append(np.zeros((1, 4), np.float32))
    view = column.array()
    column.append(np.ones((1, 4), np.float32))
    assert np.shares_memory(view, column.array())


def test_converts_within_a_kind_only() -> None:
    column = _core.Column('float16', 2)
    column.append(np.array([[1.5, 2.5]]))
    assert column.array().dtype == np.float16
    with pytest.raises(errors.InvalidType, match='int8'):
        _core.Column('int8', 2).append(np.ones((1, 2)))
    with pytest.raises(errors.InvalidType):
        _core.Column('complex64', 2)
    column.append(np.asfortranarray(np.array([[3, 4], [5, 6]], np.float16)))
    column.append(np.arange(8, dtype=np.float16).reshape(4, 2)[::-2])
    np.testing.assert_array_equal(column.array(), [[1.5, 2.5], [3, 4], [5, 6], [6, 7], [2, 3]])


def test_refuses_what_does_not_fit() -> None:
    column = _core.Column('float32', 2)
    column.append(np.zeros((3, 2), np.float32))
    with pytest.raises(errors.DimensionMismatch):
        column.append(np.zeros((1, 3)))
    with pytest.raises(errors.InvalidArgument):
        column.append(np.zeros(2))
    for line in (-1, 3):
        with pytest.raises(errors.InvalidArgument, match=f'line {line} '):
            column.set([0, line], np.ones((2, 2)))
    with pytest.raises(errors.InvalidArgument, match='2 lines'):
        column.set([0, 1], np.ones((1, 2)))
    with pytest.raises(errors.InvalidArgument):
        column.truncate(4)
    with pytest.raises(errors.InvalidArgument):
        _core.Column('float32', 0)
    assert (column.array() == 0).all()
    assert len(column) == 3


def test_is_searched_without_a_copy_while_it_grows() -> None:
    rng = np.random.default_rng(21)
    vectors = rng.standard_normal((20000, 16)).astype(np.float32)
    column = _core.Column('float32', 16)
    column.append(vectors)
    expected = _core.search(vectors, vectors[:5], 4, 'ip')[0]
    view = column.array()
    stop = threading.Event()

    def grow() -> None:
        while not stop.is_set():
            column.append(vectors[:100])
            column.set([0, 1], vectors[5:7])
            column.truncate(20000)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        for _ in range(20):
            found = _core.search(view, vectors[:5], 4, 'ip', threads=2)[0]
            np.testing.assert_array_equal(found, expected)
    finally:
        stop.set()
        writer.join()
