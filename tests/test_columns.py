from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore.columns import MatrixColumn, PackedColumn
from docstore.errors import EncodeError, InvalidArgument, InvalidIndex, LengthMismatch

ROWS = st.lists(st.none() | st.text(st.characters(codec='utf-8')) | st.integers(), max_size=8)


@given(ROWS, st.integers(-10, 10), st.integers(-10, 10))
def test_a_packed_column_is_like_its_list(rows: list[object], start: int, stop: int) -> None:
    column = PackedColumn.of(rows)
    assert len(column) == len(rows)
    assert column.tolist() == list(column) == rows
    assert [column[i] for i in range(-len(rows), len(rows))] == rows + rows
    assert column[start:stop].tolist() == rows[start:stop]
    assert column.present.tolist() == [row is not None for row in rows]


@given(st.lists(st.tuples(ROWS, st.integers(0, 3)), min_size=1, max_size=4))
def test_columns_are_joined_whatever_part_of_a_blob_they_are(
    parts: list[tuple[list[object], int]],
) -> None:
    joined = PackedColumn.concat([PackedColumn.of(rows)[cut:] for rows, cut in parts])
    assert joined.tolist() == [row for rows, cut in parts for row in rows[cut:]]


def test_some_rows_of_a_packed_column() -> None:
    column = PackedColumn.of(['a', 'b', 'c'])
    assert column.tolist(np.array([2, 0, -1], np.int32)) == ['c', 'a', 'c']
    with pytest.raises(IndexError):
        column.tolist(np.array([3]))


def test_a_path_of_a_packed_column() -> None:
    column = PackedColumn.of([{'a': {'b': 1}}, None, {'a': [5, 6]}])
    assert column.path(('a', 'b')) == [1, None, None]
    assert column.path(('a', 1)) == [None, None, 6]


def test_a_packed_column_refuses_what_it_cannot_do() -> None:
    column = PackedColumn.of(['a', 'b'])
    with pytest.raises(InvalidIndex):
        column[::2]
    with pytest.raises(IndexError):
        column[2]
    with pytest.raises(EncodeError, match='object of type set'):
        PackedColumn.of([{1}])
    with pytest.raises(InvalidArgument):
        PackedColumn(b'', np.zeros(0, np.uint64))


def test_a_matrix_column_has_one_line_a_row() -> None:
    matrix = np.arange(6.0).reshape(3, 2)
    column = MatrixColumn(matrix)
    assert len(column) == 3
    assert np.shares_memory(column[1], matrix)
    assert [line.tolist() for line in column.tolist()] == matrix.tolist()
    some = MatrixColumn(matrix, np.array([True, False, True]))
    assert some[1] is None
    assert [line is None for line in some.tolist()] == [False, True, False]
    assert some.nbytes == matrix.nbytes


def test_a_matrix_column_checks_its_shape() -> None:
    with pytest.raises(LengthMismatch, match='expected 2 marks of presence, got 1'):
        MatrixColumn(np.eye(2), np.array([True]))
    with pytest.raises(InvalidArgument):
        MatrixColumn(np.float32(1) * np.ones(()))
