"""Which metric an argument means, limits, normalization, and top-k for any metric."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docstore import _core, distance
from docstore.distance import (
    Metric,
    check_limit,
    check_normalization,
    distance_range,
    normalize,
    resolve_metric,
    top_k,
)
from docstore.errors import (
    DimensionMismatch,
    InvalidArgument,
    InvalidType,
    InvalidVector,
    UnknownMetric,
    UnknownName,
)


def cityblock(x: Any, y: Any) -> Any:
    return np.abs(x[:, None] - y[None]).sum(-1)


@pytest.mark.parametrize('name', ['cosine', 'euclidean', 'sqeuclidean', 'ip'])
def test_core_metrics(name: str) -> None:
    assert name in _core.METRICS
    metric = resolve_metric(name)
    assert (metric.name, metric.core, metric.function) == (name, name, None)
    assert resolve_metric(name, metric_name='mine').name == 'mine'
    assert resolve_metric(name, use_scipy=True).core == name


def test_alias() -> None:
    metric = resolve_metric('inner_product')
    assert (metric.name, metric.core) == ('inner_product', 'ip')


def test_callable() -> None:
    assert resolve_metric(cityblock) == Metric('cityblock', None, cityblock)
    assert resolve_metric(cityblock, metric_name='city').name == 'city'


def test_unknown_name() -> None:
    with pytest.raises(UnknownMetric, match="did you mean 'cosine'"):
        resolve_metric('cosin')
    with pytest.raises(NotImplementedError):
        resolve_metric('cosin')
    with pytest.raises(UnknownName):
        resolve_metric('cosin')
    with pytest.raises(UnknownMetric, match='use_scipy=True'):
        resolve_metric('cityblock')


@pytest.mark.parametrize('metric', [3, None, ['cosine'], b'cosine'])
def test_wrong_type(metric: Any) -> None:
    with pytest.raises(InvalidType, match='metric must be a name or a function'):
        resolve_metric(metric)
    with pytest.raises(InvalidType, match='metric_name must be a str'):
        resolve_metric('cosine', metric_name=metric or 1)


def test_limit() -> None:
    assert check_limit(None) is None
    assert check_limit(3) == 3
    assert check_limit(3.7) == 3
    assert type(check_limit(np.int32(3))) is int
    for bad in (0, -1, 0.5, math.nan, math.inf):
        with pytest.raises(InvalidArgument, match='limit must be at least 1'):
            check_limit(bad)
    for wrong in (True, '3', [3]):
        with pytest.raises(InvalidType, match='limit must be a number'):
            check_limit(wrong)


def test_normalization() -> None:
    assert check_normalization(None) is None
    assert check_normalization((1, 0)) == (1.0, 0.0)
    for bad in (3, (1,), (1, 2, 3), ('a', 'b'), (0, math.inf)):
        with pytest.raises(InvalidArgument, match='normalization'):
            check_normalization(bad)


def reference(
    matrix: np.ndarray, k: int, candidates: np.ndarray
) -> tuple[list[list[int]], list[list[float]]]:
    """Sorted by distance, then position, in plain Python."""
    positions, distances = [], []
    for row in matrix:
        order = sorted(candidates.tolist(), key=lambda i: (row[i], i))[:k]
        positions.append(order)
        distances.append([float(row[i]) for i in order])
    return positions, distances


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_top_k_against_sorting(data: Any) -> None:
    # Few different values, so that there are many ties.
    n, q = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 4))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    vectors = rng.integers(-2, 3, (n, 2)).astype(np.float32)
    queries = rng.integers(-2, 3, (q, 2)).astype(np.float32)
    rows = rng.permutation(n)[: data.draw(st.integers(0, n))] if data.draw(st.booleans()) else None
    size = n if rows is None else len(rows)
    mask = rng.random(size) < 0.6 if data.draw(st.booleans()) else None
    k = data.draw(st.integers(1, 40))
    scope = data.draw(st.sampled_from(['pairs', 'vectors', 'all']))
    block = data.draw(st.sampled_from([1, 7, 1 << 22]))
    given_vectors = list(vectors) if data.draw(st.booleans()) else vectors
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distance, '_BLOCK', block)
        metric = Metric('city', None, cityblock, scope, finite=True)
        positions, distances = top_k(metric, given_vectors, queries, k, rows, mask)
        low, high = distance_range(metric, given_vectors, queries, rows, mask)
    searched = vectors if rows is None else vectors[rows]
    candidates = np.arange(size) if mask is None else np.flatnonzero(mask)
    full = cityblock(queries, searched)
    expected = reference(full, k, candidates)
    assert (positions.tolist(), distances.tolist()) == expected
    assert positions.shape == distances.shape == (q, min(k, len(candidates)))
    assert positions.dtype == np.int64
    if len(candidates):
        assert low.tolist() == full[:, candidates].min(axis=1).tolist()
        assert high.tolist() == full[:, candidates].max(axis=1).tolist()
    else:
        assert np.isnan([low, high]).all()


def test_nan_distances_come_last() -> None:
    def strange(x: Any, y: Any) -> Any:
        return np.where(y[:, 0] > 1, np.nan, y[:, 0])[None].repeat(len(x), 0)

    metric = resolve_metric(strange)
    vectors = np.array([[2.0], [1.0], [3.0], [0.0]])
    for k, expected in ((1, [3]), (2, [3, 1]), (3, [3, 1, 0]), (9, [3, 1, 0, 2])):
        assert top_k(metric, vectors, np.zeros((1, 1)), k)[0].tolist() == [expected]


def test_core_metric_goes_to_the_core() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.random((50, 8)).astype(np.float32)
    queries = rng.random((3, 8)).astype(np.float32)
    for name in _core.METRICS:
        metric = resolve_metric(name)
        positions, distances = top_k(metric, vectors, queries, 5)
        slow = Metric(name, None, lambda x, y, name=name: _core.pairwise(x, y, name), 'pairs')
        assert positions.tolist() == top_k(slow, vectors, queries, 5)[0].tolist()
        low, high = distance_range(metric, vectors, queries)
        np.testing.assert_allclose(low, distances[:, 0], rtol=1e-5, atol=1e-6)
        assert (high >= low).all()


def test_bad_vectors() -> None:
    metric = Metric('city', None, cityblock, 'pairs', finite=True)
    vectors = np.zeros((3, 2))
    with pytest.raises(DimensionMismatch, match='query has 3 dimensions, the vectors have 2'):
        top_k(metric, vectors, np.zeros((1, 3)), 1)
    vectors[2, 1] = np.nan
    with pytest.raises(InvalidVector, match='document 2') as caught:
        top_k(metric, vectors, np.zeros((1, 2)), 1)
    assert caught.value.row == 2
    with pytest.raises(InvalidVector, match='query 1') as caught:
        top_k(metric, vectors[:2], np.array([[0, 0], [0, np.inf]]), 1)
    assert caught.value.row == -2
    with pytest.raises(InvalidArgument, match='k must be at least 1'):
        top_k(metric, vectors, np.zeros((1, 2)), 0)


def test_function_that_gives_a_wrong_shape() -> None:
    metric = resolve_metric(lambda x, y: [1, 2, 3], metric_name='flat')
    with pytest.raises(InvalidArgument, match=r"'flat' must give .* \(1, 2\), it gave \(3,\)"):
        top_k(metric, np.zeros((2, 2)), np.zeros((1, 2)), 1)


def test_normalize_maps_the_whole_row() -> None:
    distances = np.array([[1.0, 2.0, 5.0], [0.0, 0.0, 0.0]])
    low, high = np.array([1.0, 0.0]), np.array([5.0, 0.0])
    similar = normalize(distances, low, high, (1, 0))
    np.testing.assert_allclose(similar, [[1, 0.75, 0], [1, 1, 1]], atol=1e-6)
    # Values outside of the range, by rounding, are clipped.
    assert normalize(np.array([[0.99, 5.01]]), low[:1], high[:1], (-1, 1)).tolist()[0] == [-1, 1]


@pytest.mark.parametrize('name', ['cityblock', 'jensenshannon', 'seuclidean', 'mahalanobis'])
def test_scipy_metrics(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cdist = pytest.importorskip('scipy.spatial.distance').cdist
    rng = np.random.default_rng(1)
    vectors = rng.random((40, 4)).astype(np.float32)
    queries = rng.random((3, 4)).astype(np.float32)
    monkeypatch.setattr(distance, '_BLOCK', 16)
    positions, distances = top_k(resolve_metric(name, use_scipy=True), vectors, queries, 7)
    full = cdist(queries, vectors, name)
    assert positions.tolist() == np.argsort(full, axis=1, kind='stable')[:, :7].tolist()
    np.testing.assert_allclose(distances, np.sort(full, axis=1)[:, :7], rtol=1e-12)


def test_unknown_scipy_metric() -> None:
    pytest.importorskip('scipy')
    with pytest.raises(UnknownMetric, match="did you mean 'cityblock'"):
        resolve_metric('cityblok', use_scipy=True)
