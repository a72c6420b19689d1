"""The approximate index: a navigable graph (the package hnswlib), re-ranked exactly."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InvalidVector
from .base import Index
from .files import read_file, storage_errors, write_file
from .hnsw_graph import LARGEST, Graph
from .lock import ReadWriteLock
from .vectors import (
    Hits,
    RowVectors,
    check_queries,
    check_rows,
    check_vectors,
    load_vectors,
    scan,
    vector_sections,
)

__all__ = ['HnswIndex']

RowArray = npt.NDArray[np.int64]

# Rows that are added at once; searches go on in between.
_BATCH = 256
# Asked of the graph beyond what is wanted: float32 and the exact order may
# disagree about the last places.
_SLACK = 8
# Nodes that may be deleted before the graph is worth building anew.
_SPARE = 1024


class HnswIndex(Index):
    """Finds most of the nearest rows, and looks at few.

    What is found has the same distances, and the same order, as in the exact
    index. Small sets, and filters that leave few rows, are scanned exactly.
    Deleted and changed vectors stay in the graph as dead nodes until they
    outnumber the living; then the writer that notices builds it anew, while
    searches go on.

    Parameters
    ----------
    config : IndexConfig
        Metric, ``max_connection``, ``ef_construction`` and ``ef_search``.
    dim : int
        Length of the vectors.

    Raises
    ------
    MissingDependency
        If hnswlib is not installed.
    """

    def __init__(self, config: Any, dim: int) -> None:
        self._config = config
        self._dim = dim
        self._lock = ReadWriteLock()
        self._writer = threading.Lock()
        self._graph = Graph(dim, config)
        self._vectors = RowVectors(dim)

    def __len__(self) -> int:
        return len(self._vectors)

    # ----------------------------------------------------------------- changing

    def add(self, rows: RowArray, vectors: npt.NDArray[Any]) -> None:
        """Add rows, or give known rows a new vector.

        Raises
        ------
        DimensionMismatch, InvalidVector
            If a vector has not the length of the others, NaN or infinity, is
            zero under cosine, or too large for float32; nothing was added then.
        """
        rows = check_rows(rows)
        vectors = check_vectors(rows, vectors, self._dim, self._config.metric)
        for i in self._graph.too_large(vectors)[:1].tolist():
            raise InvalidVector(
                f'the vector of row {rows[i]} has a number above {LARGEST:g}, '
                "too large for index='hnsw'",
                row=int(rows[i]),
            )
        with self._writer:
            for start in range(0, len(rows), _BATCH):
                self._add(rows[start : start + _BATCH], vectors[start : start + _BATCH])
            self._tidy()

    def _add(self, rows: RowArray, vectors: npt.NDArray[Any]) -> None:
        _, last = np.unique(rows[::-1], return_index=True)
        chosen = len(rows) - 1 - last
        rows, vectors = rows[chosen], vectors[chosen]
        # A vector that is as it was needs no new node: dead twins of living
        # nodes are what a graph search copes with worst.
        lines = self._vectors.locate(rows)
        known = np.flatnonzero(lines >= 0)
        same = (self._vectors.matrix[lines[known]] == vectors[known]).all(axis=1)
        changed = np.delete(np.arange(len(rows)), known[same])
        if not len(changed):
            return
        rows, vectors = rows[changed], vectors[changed]
        prepared = self._graph.prepared(vectors)
        with self._lock.write():
            new, old = self._vectors.put(rows, vectors)
            self._graph.delete(old)
            self._graph.add(new, prepared)

    def remove(self, rows: Sequence[int] | RowArray) -> None:
        """Forget rows; unknown rows are ignored."""
        known = check_rows(rows)
        with self._writer:
            with self._lock.write():
                self._graph.delete(self._vectors.drop(known))
            self._tidy()

    def _tidy(self) -> None:
        alive = len(self._vectors)
        if self._vectors.used - alive <= max(_SPARE, alive):
            return
        # Only writers change what is read here, and this one is alone.
        vectors = self._vectors.compacted()
        graph = Graph(self._dim, self._config)
        for start in range(0, vectors.used, 1 << 14):
            block = vectors.matrix[start : start + (1 << 14)]
            labels = np.arange(start, start + len(block), dtype=np.int64)
            graph.add(labels, graph.prepared(block))
        with self._lock.write():
            self._vectors, self._graph = vectors, graph

    # ----------------------------------------------------------------- searching

    def search(self, queries: npt.NDArray[Any], k: int, allowed: RowArray | None = None) -> Hits:
        """The nearest rows of each query, best first; see :meth:`Index.search`."""
        queries = check_queries(queries, k, self._dim, self._config.metric)
        for i in self._graph.too_large(queries)[:1].tolist():
            raise InvalidVector(f'query {i} has a number above {LARGEST:g}', row=-1 - i)
        with self._lock.read():
            rows: RowArray
            lines: RowArray | None
            if allowed is None:
                rows, lines = self._vectors.live()
            else:
                rows = check_rows(allowed)
                lines = self._vectors.locate(rows)
                rows, lines = rows[lines >= 0], lines[lines >= 0]
            if self._effort(k, len(rows)) >= self._scan_effort(len(rows), len(queries)):
                return self._scan(queries, k, rows, lines)
            return self._search_graph(queries, min(k, len(rows)), rows, lines, allowed is not None)

    def _scan(
        self, queries: npt.NDArray[Any], k: int, rows: RowArray, lines: RowArray | None
    ) -> Hits:
        return scan(self._vectors.matrix, queries, k, self._config.metric, rows, lines)

    def _breadth(self, k: int, candidates: int) -> int:
        """How many nodes to ask for, so that k of the candidates should be among them."""
        return int((k + _SLACK) * 1.2 * len(self._vectors) / max(candidates, 1)) + 1

    def _effort(self, k: int, candidates: int) -> float:
        """The cost of a graph search, in microseconds of some machine."""
        breadth = max(self._config.ef_search, self._breadth(k, candidates))
        return self._graph_effort(breadth)

    def _graph_effort(self, breadth: int) -> float:
        return breadth * (0.5 + 0.008 * self._dim)

    def _scan_effort(self, candidates: int, queries: int) -> float:
        """The cost of a scan, in the same unit; many queries share the reading."""
        each = 0.00016 if queries < 4 else 0.00003
        return candidates * self._dim * each

    def _search_graph(
        self,
        queries: npt.NDArray[Any],
        k: int,
        rows: RowArray,
        lines: RowArray | None,
        filtered: bool,
    ) -> Hits:
        found_rows = np.empty((len(queries), k), dtype=np.int64)
        found = np.empty((len(queries), k), dtype=np.float32)
        allowed = None
        if filtered:
            allowed = np.zeros(self._vectors.used, dtype=np.bool_)
            allowed[lines] = True
        prepared = self._graph.prepared(queries)
        breadth = self._breadth(k, len(rows))
        open_ = np.arange(len(queries))
        while len(open_):
            breadth = min(breadth, len(self._vectors))
            nodes = self._graph.search(prepared[open_], breadth)
            missed = []
            for query, labels in zip(open_.tolist(), nodes, strict=True):
                if labels is not None and allowed is not None:
                    labels = labels[allowed[labels]]
                if labels is None or len(labels) < k:
                    missed.append(query)
                    continue
                found_rows[query], found[query] = self._ranked(queries[query], k, labels)
            open_ = np.array(missed, dtype=np.intp)
            everything = breadth == len(self._vectors)
            breadth *= 4
            scan_effort = self._scan_effort(len(rows), len(open_))
            if everything or self._graph_effort(breadth) > scan_effort:
                break
        if len(open_):
            found_rows[open_], found[open_] = self._scan(queries[open_], k, rows, lines)
        return found_rows, found

    def _ranked(self, query: npt.NDArray[Any], k: int, lines: RowArray) -> tuple[Any, Any]:
        """The best k of a few lines, by the distances that the exact index gives."""
        rows = self._vectors.owners[lines]
        order = np.argsort(rows)
        found = self._scan(query[None], k, rows[order], lines[order])
        return found[0][0], found[1][0]

    # ----------------------------------------------------------------- saving

    def save(self, path: Path, stamp: int) -> None:
        """Write to ``path`` atomically, marked with ``stamp``, with checksums."""
        with (
            storage_errors(path),
            self._writer,
            tempfile.TemporaryDirectory(dir=path.parent, prefix=path.name) as directory,
        ):
            graph = Path(directory) / 'graph'
            self._graph.save(graph)
            header, sections = vector_sections(self._vectors)
            sections['graph'] = graph.stat().st_size, lambda: _chunks(graph)
            header = {**self._header(self._config, self._dim, stamp), **header}
            write_file(path, header, sections)

    @classmethod
    def load(cls, path: Path, stamp: int, config: Any, dim: int) -> HnswIndex | None:
        """What ``save`` wrote; None when it is missing, damaged or of another build."""
        index = cls(config, dim)
        try:
            with (
                read_file(path, cls._header(config, dim, stamp)) as (header, reader),
                tempfile.TemporaryDirectory() as directory,
            ):
                index._vectors = load_vectors(header, reader, dim)
                graph = Path(directory) / 'graph'
                with open(graph, 'wb') as file:
                    reader.copy('graph', file)
                if not reader.checked():
                    return None
                index._graph = Graph.load(graph, dim, config, index._vectors.owners < 0)
        except (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError):
            return None
        return index

    @staticmethod
    def _header(config: Any, dim: int, stamp: int) -> dict[str, Any]:
        return {
            'kind': 'hnsw',
            'metric': config.metric,
            'max_connection': config.max_connection,
            'ef_construction': config.ef_construction,
            'dim': dim,
            'stamp': stamp,
        }


def _chunks(path: Path) -> Iterable[bytes]:
    with open(path, 'rb') as file:
        while part := file.read(1 << 20):
            yield part
