"""Arrays of any framework, told apart without importing one."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.errors import InvalidArgument, InvalidType
from docstore.math.ndarray import (
    check_arraylike_equality,
    detach_tensor_if_present,
    get_array_rows,
    get_array_type,
    ravel,
    to_list,
    to_numpy_array,
    unravel,
)

pytestmark = pytest.mark.spec('18')


def made_by(package: str, name: str, **members: Any) -> Any:
    return type(name, (), {'__module__': package, **members})()


@pytest.mark.parametrize(
    ('array', 'expected'),
    [
        ([1, 2], ('python', False)),
        ((1, 2), ('python', False)),
        (np.zeros(3), ('numpy', False)),
        (np.float32(1), ('numpy', False)),
        (made_by('tensorflow.python.framework.ops', 'EagerTensor'), ('tensorflow', False)),
        (
            made_by('tensorflow.python.framework.sparse_tensor', 'SparseTensor'),
            ('tensorflow', True),
        ),
        (made_by('paddle', 'Tensor', is_sparse=lambda self: True), ('paddle', True)),
        (made_by('paddle', 'Tensor', is_sparse=lambda self: False), ('paddle', False)),
    ],
)
def test_types(array: Any, expected: tuple[str, bool]) -> None:
    assert get_array_type(array) == expected


@pytest.mark.parametrize('array', [3, 2.5, 'x', {}, True, b'x', object()])
def test_what_is_no_array(array: Any) -> None:
    with pytest.raises(InvalidType, match=f'expected an array, got .*{type(array).__name__}'):
        get_array_type(array)
    assert get_array_type(array, raise_error_if_not_array=False) == ('python', False)
    with pytest.raises(TypeError):
        to_numpy_array(array)


def test_none() -> None:
    with pytest.raises(ValueError, match='got None: is the embedding'):
        get_array_type(None)


@pytest.mark.parametrize('layout', ['csr_matrix', 'coo_array', 'bsr_matrix', 'csc_matrix'])
def test_scipy(layout: str) -> None:
    sparse = pytest.importorskip('scipy.sparse')
    array = getattr(sparse, layout)(np.eye(3))
    assert get_array_type(array) == ('scipy', True)
    assert np.array_equal(to_numpy_array(array), np.eye(3))
    assert get_array_rows(array) == (3, 2)
    assert to_list(array) == np.eye(3).tolist()


def test_torch() -> None:
    torch = pytest.importorskip('torch')
    dense = torch.eye(3, requires_grad=True)
    assert get_array_type(dense) == ('torch', False)
    assert get_array_type(torch.nn.Parameter(torch.eye(2))) == ('torch', False)
    assert np.array_equal(to_numpy_array(dense), np.eye(3))
    assert not detach_tensor_if_present(dense).requires_grad
    assert to_numpy_array(torch.ones(2, dtype=torch.bfloat16)).dtype == np.float32
    assert get_array_type(torch.eye(3).to_sparse()) == ('torch', True)
    assert np.array_equal(to_numpy_array(torch.eye(3).to_sparse()), np.eye(3))
    assert to_list(torch.ones(2)) == [1.0, 1.0]
    assert check_arraylike_equality(torch.eye(2), torch.eye(2))
    assert not check_arraylike_equality(torch.eye(2), np.eye(2))


def test_nothing_is_imported() -> None:
    code = (
        'import sys, numpy\n'
        'from docstore.math import distance, evaluation, helper, ndarray\n'
        'from docstore.math.distance import paddle, tensorflow, torch\n'
        'distance.cdist([[1.0]], [[2.0]], "cosine")\n'
        'ndarray.to_numpy_array(numpy.eye(2))\n'
        'print([n for n in ("torch", "tensorflow", "paddle", "scipy") if n in sys.modules])\n'
    )
    shown = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == '[]'


@pytest.mark.parametrize(
    ('array', 'expected'),
    [
        ([1, 2], (1, 1)),
        ([[1, 2], [3, 4]], (2, 2)),
        ([np.zeros(2), np.zeros(2)], (1, 1)),
        (np.zeros(3), (1, 1)),
        (np.zeros((3, 2)), (3, 2)),
        (np.zeros((3, 2, 2)), (3, 3)),
    ],
)
def test_rows(array: Any, expected: tuple[int, int]) -> None:
    # As docarray 0.21 counts them.
    assert get_array_rows(array) == expected


def test_single_numbers_have_no_rows() -> None:
    with pytest.raises(InvalidArgument, match='at least one dimension'):
        get_array_rows(np.float32(1))
    with pytest.raises(InvalidType, match='cannot be a list'):
        to_list(np.float32(1))


@pytest.mark.parametrize(
    ('x', 'y', 'equal'),
    [
        (np.eye(2), np.eye(2), True),
        (np.eye(2), np.eye(3), False),
        (np.eye(2), np.eye(2, dtype='f4'), True),
        (np.zeros((2, 1)), np.zeros(2), False),
        (np.array([np.nan]), np.array([np.nan]), False),
        ([1], [1], True),
        ([1], [2], False),
        ([1], np.ones(1), False),
    ],
)
def test_equality(x: Any, y: Any, equal: bool) -> None:
    assert check_arraylike_equality(x, y) is equal


def test_ravel_and_unravel() -> None:
    da = DocumentArray.empty(2)
    assert unravel(da, 'embedding') is None
    ravel(np.eye(2), da, 'embedding')
    assert da[1].embedding.tolist() == [0, 1]
    assert np.array_equal(unravel(da, 'embedding'), np.eye(2))
    ravel([[1, 2], [3, 4]], da, 'tensor')
    assert unravel(da, 'tensor') == [[1, 2], [3, 4]]
    assert np.array_equal(unravel([Document(embedding=np.ones(2))], 'embedding'), np.ones((1, 2)))
    with pytest.raises(ValueError, match='Length must match'):
        ravel(np.eye(3), da, 'embedding')
    with pytest.raises(ValueError, match="no field 'embeding'"):
        ravel(np.eye(2), da, 'embeding')


def test_ravel_sparse() -> None:
    sparse = pytest.importorskip('scipy.sparse')
    da = DocumentArray.empty(3)
    ravel(sparse.coo_matrix(np.eye(3)), da, 'embedding')
    assert np.array_equal(unravel(da, 'embedding').toarray(), np.eye(3))
