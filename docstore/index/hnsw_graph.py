"""The graph of the hnswlib package, made safe to save, load and delete from."""

from __future__ import annotations

import errno
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import MissingDependency

__all__ = ['LARGEST', 'Graph']

Labels = npt.NDArray[np.int64]

# The square of a larger number, summed up, may leave the range of float32.
LARGEST = 1e17
_HEADER = struct.Struct('<6QiI3QdQ')
_SEED = 100


class Graph:
    """Nodes named 0, 1, 2, ... by the order in which they came.

    Searches may run at the same time, changes may not: neither together with
    another change nor with a search.

    Parameters
    ----------
    dim : int
        Length of the vectors.
    config : IndexConfig
        Metric, links of a node, breadth of the searches.

    Raises
    ------
    MissingDependency
        If hnswlib is not installed.
    """

    def __init__(self, dim: int, config: Any) -> None:
        self._dim = dim
        self._config = config
        self._native = _new(dim, config)
        self._native.init_index(64, config.max_connection, config.ef_construction, _SEED)
        self._native.set_ef(config.ef_search)

    def too_large(self, vectors: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        """Which vectors have numbers whose distances float32 cannot hold."""
        if self._config.metric == 'cosine' or not vectors.size:
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero((np.abs(vectors.astype(np.float64)) > LARGEST).any(axis=1))

    def prepared(self, vectors: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Vectors as the graph compares them."""
        if self._config.metric != 'cosine':
            return vectors.astype(np.float32)
        wide = vectors.astype(np.float64)
        wide /= np.abs(wide).max(axis=1, keepdims=True)
        wide /= np.sqrt(np.einsum('ij,ij->i', wide, wide))[:, None]
        return wide.astype(np.float32)

    def add(self, labels: Labels, vectors: npt.NDArray[np.float32]) -> None:
        """Add nodes; ``labels`` go on from those that are there."""
        need = self._native.element_count + len(labels)
        if need > self._native.max_elements:
            self._native.resize_index(max(need, self._native.max_elements * 3 // 2))
        self._native.add_items(vectors, labels)

    def delete(self, labels: Labels) -> None:
        """Keep nodes out of all results from now on."""
        for label in labels.tolist():
            self._native.mark_deleted(label)

    def search(self, queries: npt.NDArray[np.float32], k: int) -> list[Labels | None]:
        """About the k nearest nodes of each query; None where fewer were reached."""
        if not len(queries):
            return []
        try:
            labels, _ = self._native.knn_query(queries, k=k)
        except RuntimeError:
            # One of the queries reached fewer than k nodes; find out which.
            if len(queries) == 1:
                return [None]
            half = len(queries) // 2
            return self.search(queries[:half], k) + self.search(queries[half:], k)
        return list(labels.astype(np.int64))

    def save(self, path: Path) -> None:
        """Write to a file, in hnswlib's own format.

        Raises
        ------
        OSError
            If it could not be written whole.
        """
        try:
            self._native.save_index(str(path))
            written = path.stat().st_size
        except RuntimeError as error:
            raise OSError(errno.EIO, str(error)) from error
        # The package does not look at the outcome of its writes.
        if written != self._native.index_file_size():
            raise OSError(errno.ENOSPC, 'the graph was not written whole')

    @classmethod
    def load(cls, path: Path, dim: int, config: Any, deleted: npt.NDArray[np.bool_]) -> Graph:
        """What ``save`` wrote, after a look at every link in it.

        Parameters
        ----------
        path : Path
            A file that nobody else writes to.
        dim, config
            What it was built with.
        deleted : ndarray of bool
            Of each node whether it was deleted.

        Raises
        ------
        ValueError
            If the file is not such a graph.
        """
        _check(path, dim, config, deleted)
        graph = cls(dim, config)
        graph._native = _new(dim, config)
        graph._native.load_index(str(path), max_elements=max(len(deleted), 64))
        graph._native.set_ef(config.ef_search)
        return graph


def _new(dim: int, config: Any) -> Any:
    try:
        import hnswlib
    except ImportError:
        raise MissingDependency.of('hnswlib', 'hnsw', "index='hnsw'") from None
    space = 'ip' if config.metric in {'cosine', 'ip'} else 'l2'
    return hnswlib.Index(space, dim)


# --------------------------------------------------------------------------- checking


def _check(path: Path, dim: int, config: Any, deleted: npt.NDArray[np.bool_]) -> None:
    """Refuse a file that would make the loader, or a search, read outside of it."""
    data: npt.NDArray[np.uint8] = np.fromfile(path, dtype=np.uint8)
    if len(data) < _HEADER.size:
        raise ValueError('the graph has no header')
    fields = _HEADER.unpack(data[: _HEADER.size].tobytes())
    offset, _, count, width, label_at, data_at, top, entry, m, m0, links, mult, ef = fields
    wanted = config.max_connection
    data_width = 4 * (2 * wanted + 1)
    _require(offset == 0 and m == links == wanted and m0 == 2 * wanted, 'links')
    _require(ef == max(config.ef_construction, wanted), 'ef')
    _require(mult == 1 / math.log(float(wanted)) if wanted > 1 else True, 'mult')
    _require(data_at == data_width and label_at == data_at + 4 * dim, 'layout')
    _require(width == label_at + 8 and count == len(deleted), 'size')
    _require(len(data) >= _HEADER.size + count * width, 'length')
    nodes = data[_HEADER.size : _HEADER.size + count * width].reshape(count, width)
    _check_ground(nodes, m0, label_at, deleted)
    heights = _check_upper(data[_HEADER.size + count * width :], count, m)
    if count:
        _require(entry < count and heights[entry] == top == heights.max(), 'entry')
    else:
        _require(top == -1, 'entry')


def _check_ground(
    nodes: npt.NDArray[np.uint8], m0: int, label_at: int, deleted: npt.NDArray[np.bool_]
) -> None:
    """The lowest level, where every node is: links, labels and deletion marks."""
    count = len(nodes)
    degrees = np.ascontiguousarray(nodes[:, :2]).view('<u2')[:, 0]
    neighbours = np.ascontiguousarray(nodes[:, 4 : 4 + 4 * m0]).view('<u4')
    used = np.arange(m0) < degrees[:, None]
    _require(bool((degrees <= m0).all()), 'degree')
    _require(bool((neighbours[used] < count).all()), 'neighbour')
    labels = np.ascontiguousarray(nodes[:, label_at : label_at + 8]).view('<u8')[:, 0]
    _require(bool((np.sort(labels) == np.arange(count, dtype=np.uint64)).all()), 'labels')
    marks = nodes[:, 2] & 1
    _require(bool((marks == deleted[labels.astype(np.int64)]).all()), 'deletion marks')


def _check_upper(data: npt.NDArray[np.uint8], count: int, m: int) -> npt.NDArray[np.int64]:
    """The levels above, of a few nodes only; returns the height of each node."""
    view = np.ascontiguousarray(data).data
    read_size: Callable[..., tuple[int]] = struct.Struct('<I').unpack_from
    level_bytes = 4 * (m + 1)
    heights = np.zeros(count, dtype=np.int64)
    tall = []
    at = 0
    for node in range(count):
        _require(at + 4 <= len(view), 'end')
        (size,) = read_size(view, at)
        at += 4
        if size:
            _require(size % level_bytes == 0 and at + size <= len(view), 'level')
            heights[node] = size // level_bytes
            tall.append(np.frombuffer(view[at : at + size], '<u4').reshape(-1, m + 1))
            at += size
    _require(at == len(view), 'end')
    for lists in tall:
        for level, row in enumerate(lists, start=1):
            degree = int(row[0]) & 0xFFFF
            linked = row[1 : degree + 1]
            sound = degree <= m and bool((linked < count).all())
            _require(sound and bool((heights[linked] >= level).all()), 'upper links')
    return heights


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f'the graph is damaged: {what}')
