"""The search kernels of the core, against a plain float64 reference."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docstore import _core, errors

DATA = Path(__file__).parent / 'data' / 'wordnet-minilm-tiny'
METRICS = _core.METRICS


def distances(vectors: Any, queries: Any, metric: str) -> Any:
    """The definition of every metric, in float64."""
    x, q = np.asarray(vectors, np.float64), np.asarray(queries, np.float64)
    if metric == 'cosine':
        lengths = np.sqrt((q * q).sum(1))[:, None] * np.sqrt((x * x).sum(1))
        return np.clip(1 - q @ x.T / lengths, 0, 2)
    if metric == 'ip':
        return 1 - q @ x.T
    squared = ((q[:, None] - x[None]) ** 2).sum(2)
    return np.sqrt(squared) if metric == 'euclidean' else squared


def assert_exact(found: Any, vectors: Any, queries: Any, k: int, metric: str) -> None:
    """Positions and distances are those of a stable sort of the reference."""
    positions, scores = found
    full = distances(vectors, queries, metric)
    width = min(k, full.shape[1])
    assert positions.shape == scores.shape == (len(full), width)
    assert positions.dtype == np.int64
    assert scores.dtype == np.float32
    wanted = np.argsort(full, axis=1, kind='stable')[:, :width]
    best = np.take_along_axis(full, wanted, 1)
    scale = max(1.0, float(np.abs(full).max(initial=0)))
    # Two float64 sums in different order may differ in their last digits, so
    # rows may change places only where the reference cannot tell them apart.
    got = np.take_along_axis(full, positions, 1)
    moved = positions != wanted
    assert np.abs(got - best)[moved].max(initial=0) <= 1e-7 * 1e-6 * scale
    assert all(len(set(row)) == width for row in positions.tolist())
    np.testing.assert_allclose(scores, best, rtol=1e-6, atol=1e-7 * scale)


@pytest.fixture(scope='module')
def wordnet() -> tuple[Any, Any, Any]:
    return (
        np.load(DATA / 'embeddings.f16.npy'),
        np.load(DATA / 'queries.f16.npy'),
        np.load(DATA / 'gt.i32.npy'),
    )


def test_metrics_are_named_by_the_core() -> None:
    assert METRICS == ('cosine', 'euclidean', 'sqeuclidean', 'ip')
    assert _core.kernel_name() in ('avx512vnni', 'avx512', 'avx2', 'neon', 'portable')


@pytest.mark.parametrize('kind', ['float16', 'float32', 'float64'])
@pytest.mark.parametrize('threads', [1, 2])
def test_real_embeddings_give_the_published_neighbours(
    wordnet: Any, kind: str, threads: int
) -> None:
    vectors, queries, truth = wordnet
    found = _core.search(
        vectors.astype(kind), queries.astype(np.float32), truth.shape[1], 'cosine', threads=threads
    )
    np.testing.assert_array_equal(found[0], truth)


@pytest.mark.parametrize('metric', METRICS)
@pytest.mark.parametrize('count', [1, 2, 5, 17, 100])
def test_real_embeddings_match_the_reference(wordnet: Any, metric: str, count: int) -> None:
    vectors, queries, _ = wordnet
    vectors, queries = vectors.astype(np.float32), queries[:count].astype(np.float32)
    assert_exact(_core.search(vectors, queries, 25, metric), vectors, queries, 25, metric)


KINDS = ['float16', 'float32', 'float64', 'int8', 'uint8', 'int16', 'int32', 'int64']


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 300),
    dim=st.integers(1, 80),
    count=st.integers(1, 70),
    k=st.integers(1, 320),
    kind=st.sampled_from(KINDS),
    layout=st.sampled_from(['matrix', 'strided', 'reversed', 'fortran', 'list', 'mixed list']),
    repeat=st.booleans(),
    choose=st.booleans(),
    masked=st.booleans(),
    threads=st.integers(1, 3),
)
def test_any_search_matches_the_reference(
    seed: int,
    rows: int,
    dim: int,
    count: int,
    k: int,
    kind: str,
    layout: str,
    repeat: bool,
    choose: bool,
    masked: bool,
    threads: int,
) -> None:
    rng = np.random.default_rng(seed)
    if kind.startswith('float'):
        vectors = rng.standard_normal((rows, dim)).astype(kind)
    else:
        vectors = rng.integers(1, 100, (rows, dim)).astype(kind)
    if repeat:
        vectors = vectors[rng.integers(0, max(1, rows // 8), rows)]
    # A query of length zero is refused under cosine; whole numbers may give one.
    queries = rng.standard_normal((count, dim)).astype(rng.choice(['float32', 'float64']))
    given_as: Any = vectors
    if layout == 'strided':
        given_as = np.repeat(vectors, 2, axis=0)[::2]
    elif layout == 'reversed':
        given_as = vectors[::-1].copy()[::-1]
    elif layout == 'fortran':
        given_as = np.asfortranarray(vectors)
    elif layout == 'list':
        given_as = list(vectors)
    elif layout == 'mixed list':
        given_as = [v.astype('float64') if i % 2 else v for i, v in enumerate(vectors)]
    lines = rng.integers(0, rows, rng.integers(1, rows + 1)) if choose else None
    among = vectors if lines is None else vectors[lines]
    mask = rng.random(len(among)) < 0.6 if masked else None
    allowed = np.arange(len(among)) if mask is None else np.flatnonzero(mask)
    back = np.full(len(among), -1)
    back[allowed] = np.arange(len(allowed))
    for metric in METRICS:
        positions, scores = _core.search(
            given_as, queries, k, metric, rows=lines, mask=mask, threads=threads
        )
        assert np.isin(positions, allowed).all()
        assert_exact((back[positions], scores), among[allowed], queries, k, metric)


@pytest.mark.parametrize('metric', METRICS)
def test_ties_go_to_the_lower_position(metric: str) -> None:
    rng = np.random.default_rng(5)
    few = rng.standard_normal((3, 20)).astype(np.float32)
    vectors = few[rng.integers(0, 3, 5000)]
    for count in (1, 3, 60):
        queries = rng.standard_normal((count, 20)).astype(np.float32)
        positions, _ = _core.search(vectors, queries, 50, metric, threads=2)
        for found, query in zip(positions, queries, strict=False):
            nearest = np.argmin(distances(few, query[None], metric)[0])
            same = np.flatnonzero((vectors == few[nearest]).all(axis=1))
            np.testing.assert_array_equal(found, same[:50])


def test_near_ties_beyond_float32_are_told_apart() -> None:
    # The squared distances differ by 2e-8 of the squared lengths, which is
    # below what float32 can tell, and come in falling order.
    rng = np.random.default_rng(6)
    base = rng.standard_normal(64)
    vectors = base * (1 + 1e-9 * np.arange(4000, 0, -1))[:, None]
    for metric in ('euclidean', 'sqeuclidean'):
        positions, _ = _core.search(vectors, base[None], 100, metric)
        np.testing.assert_array_equal(positions[0], np.arange(3999, 3899, -1))


def test_far_from_the_origin_nothing_is_lost_to_cancellation() -> None:
    rng = np.random.default_rng(7)
    vectors = (1e5 + rng.standard_normal((3000, 16))).astype(np.float32)
    queries = (1e5 + rng.standard_normal((20, 16))).astype(np.float32)
    for metric in ('euclidean', 'sqeuclidean'):
        assert_exact(_core.search(vectors, queries, 10, metric), vectors, queries, 10, metric)


@pytest.mark.parametrize('metric', METRICS)
def test_equal_vectors_have_distance_zero(metric: str) -> None:
    rng = np.random.default_rng(8)
    vectors = rng.standard_normal((200, 100)).astype(np.float32)
    positions, scores = _core.search(vectors, vectors, 1, metric)
    if metric == 'ip':
        return
    np.testing.assert_array_equal(positions[:, 0], np.arange(200))
    assert (scores == 0).all()


@pytest.mark.parametrize('scale', [1e-30, 1e-15, 1e15, 1e25, 1e30])
@pytest.mark.parametrize('metric', METRICS)
def test_squares_may_leave_float32(metric: str, scale: float) -> None:
    rng = np.random.default_rng(9)
    vectors = (rng.standard_normal((300, 24)) * scale).astype(np.float32)
    queries = (rng.standard_normal((60, 24)) * scale).astype(np.float32)
    positions, _ = _core.search(vectors, queries, 7, metric)
    full = distances(vectors, queries, metric)
    np.testing.assert_array_equal(positions, np.argsort(full, axis=1, kind='stable')[:, :7])


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('count', [1, 3, 48, 60])
@pytest.mark.parametrize('kind', ['float16', 'float32', 'float64'])
@pytest.mark.parametrize('metric', METRICS)
def test_nan_and_infinity_are_refused(metric: str, kind: str, count: int, value: float) -> None:
    rng = np.random.default_rng(10)
    vectors = rng.standard_normal((1000, 30)).astype(kind)
    queries = rng.standard_normal((count, 30))
    vectors[[617, 900], 29] = value
    with pytest.raises(errors.InvalidVector, match='617 holds NaN or infinity') as caught:
        _core.search(vectors, queries, 3, metric, threads=2)
    assert caught.value.row == 617
    mask = np.ones(1000, bool)
    mask[[617, 900]] = False
    assert_exact(
        (_core.search(vectors, queries, 3, metric, rows=np.flatnonzero(mask))),
        vectors[mask],
        queries,
        3,
        metric,
    )
    assert 617 not in _core.search(vectors, queries, 3, metric, mask=mask)[0]
    queries[count - 1, 0] = value
    with pytest.raises(errors.InvalidVector) as caught:
        _core.search(vectors, queries, 3, metric, mask=mask)
    assert caught.value.row == -count


@pytest.mark.parametrize('count', [1, 60])
def test_zero_vectors_have_no_cosine(count: int) -> None:
    rng = np.random.default_rng(11)
    vectors = rng.standard_normal((100, 8))
    queries = rng.standard_normal((count, 8))
    vectors[42] = 0
    with pytest.raises(errors.InvalidVector, match='42 has length zero') as caught:
        _core.search(vectors, queries, 3, 'cosine')
    assert caught.value.row == 42
    vectors[42] = 1
    queries[0] = 0
    with pytest.raises(errors.InvalidVector, match='query 0 has length zero') as caught:
        _core.search(vectors, queries, 3, 'cosine')
    assert caught.value.row == -1
    vectors[42] = 0
    for metric in ('ip', 'euclidean', 'sqeuclidean'):
        assert_exact(_core.search(vectors, queries, 9, metric), vectors, queries, 9, metric)


def test_bad_arguments_are_named() -> None:
    vectors, queries = np.ones((4, 3), np.float32), np.ones((2, 3), np.float32)
    with pytest.raises(errors.UnknownName, match="did you mean 'cosine'"):
        _core.search(vectors, queries, 1, 'cosin')
    for k in (0, -1):
        with pytest.raises(errors.InvalidArgument, match='k must be at least 1'):
            _core.search(vectors, queries, k, 'cosine')
    with pytest.raises(errors.DimensionMismatch, match=r'length 3.*\(4, 2\)'):
        _core.search(np.ones((4, 2)), queries, 1, 'cosine')
    with pytest.raises(errors.DimensionMismatch, match=r'vectors\[1\]'):
        _core.search([np.ones(3), np.ones(2)], queries, 1, 'cosine')
    with pytest.raises(errors.InvalidArgument, match='two dimensions'):
        _core.search(vectors, np.ones(3), 1, 'cosine')
    with pytest.raises(errors.InvalidArgument, match='two dimensions'):
        _core.search(np.ones(3), queries, 1, 'cosine')
    with pytest.raises(errors.InvalidType, match='complex128'):
        _core.search(vectors.astype(complex), queries, 1, 'cosine')
    with pytest.raises(errors.InvalidType):
        _core.search(vectors, [['a', 'b', 'c']], 1, 'cosine')
    for bad in ([4], [-1]):
        with pytest.raises(errors.InvalidArgument, match=r'rows\[0\]'):
            _core.search(vectors, queries, 1, 'cosine', rows=bad)
        with pytest.raises(errors.InvalidArgument, match=r'rows\[0\]'):
            _core.search(list(vectors), queries, 1, 'cosine', rows=bad)
    with pytest.raises(errors.InvalidType, match='whole numbers'):
        _core.search(vectors, queries, 1, 'cosine', rows=[0.5])
    with pytest.raises(errors.InvalidArgument, match='there are 4 positions'):
        _core.search(vectors, queries, 1, 'cosine', mask=np.ones(5, bool))
    with pytest.raises(errors.InvalidType, match='bool'):
        _core.search(vectors, queries, 1, 'cosine', mask=np.ones(4))
    with pytest.raises(errors.InvalidArgument, match='threads'):
        _core.search(vectors, queries, 1, 'cosine', threads=-1)


def test_nothing_to_search_gives_an_empty_result() -> None:
    vectors, queries = np.ones((4, 3)), np.ones((2, 3))
    empty: list[Any] = [np.ones((0, 3)), []]
    for nothing in empty:
        positions, scores = _core.search(nothing, queries, 5, 'cosine')
        assert positions.shape == scores.shape == (2, 0)
    assert _core.search(vectors, queries, 5, 'ip', mask=np.zeros(4, bool))[0].shape == (2, 0)
    assert _core.search(vectors, queries, 5, 'ip', rows=[])[0].shape == (2, 0)
    positions, scores = _core.search(vectors, np.ones((0, 3)), 5, 'cosine')
    assert positions.shape == scores.shape == (0, 4)


def test_unaligned_and_foreign_memory_is_read() -> None:
    rng = np.random.default_rng(12)
    vectors = rng.standard_normal((50, 7)).astype(np.float32)
    raw = bytearray(vectors.nbytes + 1)
    raw[1:] = vectors.tobytes()
    unaligned = np.frombuffer(raw, np.float32, offset=1).reshape(50, 7)
    queries = vectors[:5]
    expected = _core.search(vectors, queries, 4, 'cosine')
    for same in (unaligned, vectors.astype('>f4'), np.ascontiguousarray(vectors.T).T):
        found = _core.search(same, queries, 4, 'cosine')
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize('metric', METRICS)
def test_pairwise_gives_all_distances(metric: str) -> None:
    rng = np.random.default_rng(13)
    vectors, queries = rng.standard_normal((150, 33)), rng.standard_normal((40, 33))
    found = _core.pairwise(queries, vectors, metric)
    np.testing.assert_allclose(found, distances(vectors, queries, metric), rtol=1e-12, atol=1e-12)
    assert _core.pairwise(queries, vectors[:0], metric).shape == (40, 0)
    vectors[3, 3] = np.nan
    with pytest.raises(errors.InvalidVector):
        _core.pairwise(queries, vectors, metric)


def test_threads_can_be_set() -> None:
    default = _core.get_num_threads()
    if hasattr(os, 'sched_getaffinity'):
        assert default == len(os.sched_getaffinity(0))
    try:
        _core.set_num_threads(3)
        assert _core.get_num_threads() == 3
    finally:
        _core.set_num_threads(0)
    assert _core.get_num_threads() == default
    with pytest.raises(errors.InvalidArgument, match='threads'):
        _core.set_num_threads(-1)


def test_many_threads_may_search_at_once() -> None:
    rng = np.random.default_rng(14)
    vectors = rng.standard_normal((20000, 32)).astype(np.float32)
    queries = rng.standard_normal((60, 32)).astype(np.float32)
    expected = _core.search(vectors, queries, 10, 'cosine', threads=1)[0]
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(5):
            found = _core.search(vectors, queries, 10, 'cosine', threads=number % 3 + 1)[0]
            if not np.array_equal(found, expected):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='this system has no fork')
@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_a_forked_child_can_search() -> None:
    rng = np.random.default_rng(15)
    vectors = rng.standard_normal((50000, 32)).astype(np.float32)
    expected = _core.search(vectors, vectors[:20], 10, 'cosine', threads=4)[0]
    pid = os.fork()
    if pid == 0:
        found = _core.search(vectors, vectors[:20], 10, 'cosine', threads=4)[0]
        os._exit(0 if np.array_equal(found, expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_references_are_given_back() -> None:
    vectors = [np.ones(3, np.float32) for _ in range(4)]
    queries = np.ones((1, 3), np.float32)
    before = [sys.getrefcount(v) for v in vectors]
    for _ in range(3):
        _core.search(vectors, queries, 2, 'cosine')
        with pytest.raises(errors.InvalidArgument):
            _core.search(vectors, queries, 0, 'cosine')
    assert [sys.getrefcount(v) for v in vectors] == before
