"""The graph index: planned and forced, on made and on real vectors, and its file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore.errors import InvalidVector, MissingDependency, StorageFull
from docstore.index import INDEXES, hnsw_graph
from docstore.index.exact import ExactIndex
from docstore.index.hnsw import HnswIndex
from docstore.index.hnsw_graph import Graph
from docstore.stores.base import IndexConfig
from docstore.testing.indexes import IndexTests, reference

pytest.importorskip('hnswlib')

DATA = Path(__file__).parents[1] / 'data' / 'wordnet-minilm-tiny'


class Forced(HnswIndex):
    """An index that never prefers a scan, however small it is."""

    def _scan_effort(self, candidates: int, queries: int) -> float:
        return float('inf')


class TestHnswIndex(IndexTests):
    index_class = HnswIndex
    min_recall = 0.95


class TestGraphOnly(IndexTests):
    index_class = Forced
    min_recall = 0.95


@pytest.fixture(scope='module')
def real() -> tuple[Any, Any, Any]:
    embeddings = np.load(DATA / 'embeddings.f16.npy').astype(np.float32)
    queries = np.load(DATA / 'queries.f16.npy').astype(np.float32)
    return embeddings, queries, np.load(DATA / 'gt.i32.npy')


def recall(found: Any, truth: Any) -> float:
    hits = [len(set(a) & set(b)) for a, b in zip(found.tolist(), truth.tolist(), strict=True)]
    return sum(hits) / truth.size


def test_registered() -> None:
    assert INDEXES.load('hnsw') is HnswIndex


def test_real_vectors(real: Any) -> None:
    embeddings, queries, truth = real
    index = Forced(IndexConfig(), 384)
    index.add(np.arange(len(embeddings)), embeddings)
    rows, distances = index.search(queries, 10)
    assert recall(rows, truth) >= 0.98
    # What is found has exactly the distance that the exact index gives it.
    exact = ExactIndex(IndexConfig(), 384)
    exact.add(np.arange(len(embeddings)), embeddings)
    for query in range(len(queries)):
        known = exact.search(queries[query : query + 1], 10, np.sort(rows[query]))
        assert known[0].tolist() == rows[query : query + 1].tolist()
        assert known[1].tolist() == distances[query : query + 1].tolist()


def test_real_vectors_after_churn(real: Any) -> None:
    embeddings, queries, _ = real
    index = Forced(IndexConfig(), 384)
    index.add(np.arange(1500), embeddings[:1500])
    rng = np.random.default_rng(0)
    held = dict(enumerate(embeddings[:1500]))
    for _ in range(30):
        # Half of all rows go in the end, others come, and some change.
        gone = rng.choice(sorted(held), 25, replace=False)
        index.remove(gone)
        for row in gone.tolist():
            del held[row]
        new = np.arange(len(embeddings))[1500:]
        new = rng.choice(new, 25)
        rows = np.concatenate([new + 10_000, rng.choice(sorted(held), 10, replace=False)])
        vectors = embeddings[np.concatenate([new, rng.integers(0, 2000, 10)])]
        index.add(rows, vectors)
        held.update(zip(rows.tolist(), vectors, strict=True))
    rows, vectors = np.array(list(held)), np.stack(list(held.values()))
    full = reference(queries, vectors, 'cosine')
    bound = np.sort(full, axis=1)[:, 9:10] + 1e-6
    found = index.search(queries, 10)
    assert np.isin(found[0], rows).all()
    assert (found[1] <= bound).mean() >= 0.95


@pytest.mark.parametrize('percent', [1, 5, 20, 60])
def test_real_filters(real: Any, percent: int) -> None:
    embeddings, queries, _ = real
    chosen = np.sort(np.random.default_rng(1).permutation(2000)[: 20 * percent])
    truth = np.argsort(reference(queries, embeddings[chosen], 'cosine'), axis=1)[:, :10]
    for kind in (HnswIndex, Forced):
        index = kind(IndexConfig(), 384)
        index.add(np.arange(2000), embeddings)
        rows, _ = index.search(queries, 10, chosen)
        assert rows.shape == (100, 10)
        assert recall(rows, chosen[truth]) >= 0.95


def test_planner_scans_small_sets_and_walks_large_ones() -> None:
    asked = []

    class Watched(HnswIndex):
        def _scan(self, queries: Any, k: int, rows: Any, lines: Any) -> Any:
            asked.append(len(rows))
            return super()._scan(queries, k, rows, lines)

    index = Watched(IndexConfig(), 4)
    index._vectors.put(np.arange(200_000), np.ones((200_000, 4), np.float32))
    assert index._effort(10, 200_000) < index._scan_effort(200_000, 1)
    assert index._effort(10, 200) > index._scan_effort(200, 1)
    # Everything is wanted: only a scan gives that.
    assert index._effort(200_000, 200_000) > index._scan_effort(200_000, 1)


def test_dead_nodes_are_cleared_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('docstore.index.hnsw._SPARE', 100)
    rng = np.random.default_rng(2)
    index = Forced(IndexConfig(metric='euclidean'), 8)
    for _ in range(20):
        vectors = rng.normal(size=(200, 8)).astype(np.float32)
        index.add(np.arange(200), vectors)
        assert index._vectors.used <= 600
    found = index.search(vectors, 1)[0].ravel()
    assert (found == np.arange(200)).mean() >= 0.98
    index.remove(np.arange(1, 200))
    assert index._vectors.used == 1
    assert index.search(vectors[:1], 3)[0].tolist() == [[0]]


def test_vector_that_did_not_change_makes_no_node() -> None:
    vectors = np.random.default_rng(2).normal(size=(200, 8)).astype(np.float32)
    index = Forced(IndexConfig(), 8)
    for _ in range(5):
        index.add(np.arange(200), vectors)
    assert index._vectors.used == 200
    index.add(np.array([3, 4]), np.stack([vectors[3], -vectors[4]]))
    assert index._vectors.used == 201
    assert index.search(-vectors[4:5], 1)[0].tolist() == [[4]]


def test_config_that_shapes_the_graph(tmp_path: Path) -> None:
    index = HnswIndex(IndexConfig(), 4)
    index.add(np.arange(50), np.random.default_rng(0).normal(size=(50, 4)))
    index.save(tmp_path / 'i', 1)
    load = HnswIndex.load
    assert load(tmp_path / 'i', 1, IndexConfig(max_connection=8), 4) is None
    assert load(tmp_path / 'i', 1, IndexConfig(ef_construction=100), 4) is None
    # The breadth of a search is no part of the graph.
    other = load(tmp_path / 'i', 1, IndexConfig(ef_search=10), 4)
    assert other is not None
    assert other._graph._native.ef == 10


def test_number_too_large_for_the_graph() -> None:
    index = HnswIndex(IndexConfig(metric='euclidean'), 2)
    with pytest.raises(InvalidVector, match='too large') as caught:
        index.add(np.array([5, 6]), np.array([[1.0, 2.0], [1e30, 0.0]]))
    assert caught.value.row == 6
    assert len(index) == 0
    with pytest.raises(InvalidVector) as caught:
        index.search(np.array([[1e30, 0.0]]), 1)
    assert caught.value.row == -1
    cosine = HnswIndex(IndexConfig(), 2)
    cosine.add(np.array([5, 6]), np.array([[1e-30, 0.0], [1e30, 1e30]]))
    assert cosine.search(np.array([[1.0, 1.0]]), 2)[0].tolist() == [[6, 5]]


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Any]:
    graph = Graph(4, IndexConfig())
    vectors = np.random.default_rng(3).normal(size=(300, 4)).astype(np.float32)
    graph.add(np.arange(300), graph.prepared(vectors))
    graph.delete(np.array([7, 8]))
    graph.save(tmp_path / 'graph')
    deleted = np.zeros(300, dtype=np.bool_)
    deleted[[7, 8]] = True
    return tmp_path / 'graph', deleted


def test_graph_file_is_accepted_as_written(saved: Any) -> None:
    path, deleted = saved
    graph = Graph.load(path, 4, IndexConfig(), deleted)
    found = graph.search(np.eye(4, dtype=np.float32), 250)
    assert all(labels is None or not np.isin([7, 8], labels).any() for labels in found)
    with pytest.raises(ValueError, match='deletion marks'):
        Graph.load(path, 4, IndexConfig(), np.zeros(300, np.bool_))
    with pytest.raises(ValueError, match='size'):
        Graph.load(path, 4, IndexConfig(), deleted[:-1])


def test_links_to_nowhere_never_reach_the_loader(
    saved: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, deleted = saved
    data = path.read_bytes()
    monkeypatch.setattr(hnsw_graph, '_new', lambda *_: pytest.fail('the loader was reached'))
    width = 4 * 33 + 16 + 8
    ground = 96
    upper = ground + 300 * width
    places = {
        'another count': (16, b'\xff\xff'),
        'another width': (24, b'\x01'),
        'top level': (48, b'\x63'),
        'entry': (52, b'\xff\xff'),
        'too many links': (ground + 5 * width, b'\xff\x7f'),
        'link outside': (ground + 5 * width + 4, b'\xff\xff\xff\x7f'),
        'label twice': (
            ground + 5 * width + 4 * 33 + 16,
            data[ground + width - 8 : ground + width],
        ),
        'height': (upper, b'\x03'),
    }
    for name, (place, content) in places.items():
        damaged = data[:place] + content + data[place + len(content) :]
        assert damaged != data, name
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match='damaged'):
            Graph.load(path, 4, IndexConfig(), deleted)
    for end in (0, 50, 96, 1000, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match='graph'):
            Graph.load(path, 4, IndexConfig(), deleted)


def test_graph_that_was_not_written_whole(tmp_path: Path) -> None:
    class Full:
        def save_index(self, path: str) -> None:
            Path(path).write_bytes(b'only a part')

        def index_file_size(self) -> int:
            return 1000

    index = HnswIndex(IndexConfig(), 4)
    index.save(tmp_path / 'index', 1)
    before = (tmp_path / 'index').read_bytes()
    index._graph._native = Full()
    with pytest.raises(StorageFull):
        index.save(tmp_path / 'index', 2)
    assert (tmp_path / 'index').read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ['index']


def test_without_hnswlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'hnswlib', None)
    with pytest.raises(MissingDependency, match=r'docstore\[hnsw\]'):
        HnswIndex(IndexConfig(), 4)
