"""docstore.math.distance and helper, against formulas, SciPy and docarray 0.21."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import docstore
from docstore.errors import DimensionMismatch, InvalidArgument, UnknownMetric
from docstore.math import helper
from docstore.math.distance import cdist, numpy, paddle, pdist, tensorflow, torch

pytestmark = pytest.mark.spec('18')

X = np.array([[1.0, 2.0], [0.0, 0.0]])
Y = np.array([[2.0, 1.0], [0.0, 0.0], [3.0, 3.0]])

# What docarray 0.21.0 gave.
LEGACY = {
    'cosine': [[0.2, 0.0, 0.0513167], [0.0, 0.0, 0.0]],
    'euclidean': [[1.41421356, 2.23606798, 2.23606798], [2.23606798, 0.0, 4.24264069]],
    'sqeuclidean': [[2.0, 5.0, 5.0], [5.0, 0.0, 18.0]],
}


@pytest.mark.parametrize('metric', LEGACY)
def test_as_in_legacy_docarray(metric: str) -> None:
    assert np.allclose(cdist(X, Y, metric), LEGACY[metric], atol=1e-6)
    assert np.allclose(cdist(X.tolist(), Y.tolist(), metric), LEGACY[metric], atol=1e-6)
    assert np.allclose(pdist(Y, metric), cdist(Y, Y, metric, device='cpu'))
    assert np.allclose(getattr(numpy, metric)(X, Y), LEGACY[metric], atol=1e-6)


@pytest.mark.parametrize('metric', LEGACY)
@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64, np.int32, bool])
def test_against_scipy(metric: str, dtype: Any) -> None:
    theirs = pytest.importorskip('scipy.spatial.distance').cdist
    rng = np.random.default_rng(0)
    x, y = ((rng.normal(size=(n, 6)) * 3 + 4).astype(dtype) for n in (5, 7))
    expected = theirs(x.astype(float), y.astype(float), metric)
    assert np.allclose(cdist(x, y, metric), expected, atol=1e-5)


@pytest.mark.parametrize('metric', LEGACY)
@pytest.mark.parametrize('layout', ['csr_matrix', 'csr_array', 'coo_matrix', 'bsr_matrix'])
def test_sparse(metric: str, layout: str) -> None:
    make = getattr(pytest.importorskip('scipy.sparse'), layout)
    assert np.allclose(cdist(make(X), make(Y), metric), LEGACY[metric], atol=1e-6)
    assert np.allclose(
        getattr(numpy, f'sparse_{metric}')(make(X), make(Y)), LEGACY[metric], atol=1e-6
    )


@pytest.mark.parametrize('metric', LEGACY)
def test_torch(metric: str) -> None:
    tensor = pytest.importorskip('torch').tensor
    x, y = tensor(X, requires_grad=True), tensor(Y)
    assert np.allclose(cdist(x, y, metric), LEGACY[metric], atol=1e-6)
    assert np.allclose(getattr(torch, metric)(x, y, device='cpu'), LEGACY[metric], atol=1e-6)


@pytest.mark.parametrize('module', [tensorflow, paddle])
@pytest.mark.parametrize('metric', LEGACY)
def test_other_frameworks(module: Any, metric: str) -> None:
    assert np.allclose(getattr(module, metric)(X, Y), LEGACY[metric], atol=1e-6)


def test_no_metric() -> None:
    with pytest.raises(UnknownMetric, match=r"metric='cosin' is not .*did you mean 'cosine'"):
        cdist(X, Y, 'cosin')
    with pytest.raises(NotImplementedError):
        pdist(X, 'hamming')


def test_arrays_of_no_use() -> None:
    with pytest.raises(ValueError, match=r"left one is \('python', False\), the right one"):
        cdist(X.tolist(), Y, 'cosine')
    for metric in LEGACY:
        with pytest.raises(DimensionMismatch, match='vectors of 2 and of 3 dimensions'):
            cdist(X, np.ones((1, 3)), metric)
        with pytest.raises(InvalidArgument, match='two matrices'):
            cdist(np.ones(2), np.ones(2), metric)
        with pytest.raises(InvalidArgument, match='of numbers, got one of <U1'):
            cdist([['a']], [['b']], metric)


# ------------------------------------------------------------------ helper


def test_minmax_normalize() -> None:
    # As docarray 0.21 does it, with the small number that it adds.
    x = np.array([[1.0, 2, 3], [4, 4, 8]])
    normalize = helper.minmax_normalize
    assert np.allclose(normalize(x), [[0, 0.49999998, 0.99999995], [0, 0, 0.99999998]], atol=1e-8)
    assert np.allclose(normalize(x, (1, 0))[0], [1, 0.5, 0], atol=1e-6)
    assert np.allclose(normalize(x, x_range=(0, 10))[1], [0.4, 0.4, 0.8], atol=1e-6)
    assert np.allclose(normalize(x, (2, 4))[0], [2, 3, 4], atol=1e-6)
    assert normalize(np.array([2.0, 2.0])).tolist() == [0, 0]


VALUES = st.lists(st.lists(st.integers(-5, 5), min_size=4, max_size=4), min_size=1, max_size=4)


@given(values=VALUES, k=st.integers(0, 6), descending=st.booleans(), kind=st.sampled_from('fib'))
def test_top_k(values: list[list[int]], k: int, descending: bool, kind: str) -> None:
    dtype = {'f': np.float64, 'i': np.int8, 'b': bool}[kind]
    matrix = np.array(values, dtype=dtype)
    found, places = helper.top_k(matrix, k, descending)
    for row, ours, where in zip(matrix.tolist(), found, places, strict=True):
        order = sorted(range(4), key=lambda i: -row[i] if descending else row[i])[:k]
        assert where.tolist() == order
        assert ours.tolist() == [row[i] for i in order]


def test_top_k_of_what_is_no_matrix() -> None:
    with pytest.raises(TypeError, match='expected a matrix'):
        helper.top_k(np.ones(3), 1)
    with pytest.raises(TypeError, match='expected a matrix, got list'):
        helper.top_k([[1.0]], 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='k must not be negative'):
        helper.top_k(np.ones((1, 3)), -1)


@given(values=VALUES, cut=st.integers(1, 3), k=st.integers(1, 5))
def test_best_of_batches_are_the_best_of_all(values: list[list[int]], cut: int, k: int) -> None:
    matrix = np.array(values, dtype=float)
    places = np.tile(np.arange(4), (len(matrix), 1))
    first = helper.top_k(matrix[:, :cut], k)
    best = helper.update_rows_x_mat_best(*first, matrix[:, cut:], places[:, cut:], k)
    for ours, expected in zip(best, helper.top_k(matrix, k), strict=True):
        assert np.array_equal(ours, expected)


def test_epsilon() -> None:
    assert helper.EPSILON == 1e-9


def test_the_package_has_its_parts() -> None:
    assert docstore.math.distance.cdist is cdist
    assert docstore.math.evaluation.ndcg_at_k([1]) == 1.0
    assert docstore.helper.typename(3) == 'builtins.int'
