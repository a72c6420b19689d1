"""The exact index: the vectors themselves, searched by the core."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .base import Index
from .files import Reader, Section, read_file, write_file
from .lock import ReadWriteLock
from .vectors import RowVectors, check_queries, check_rows, check_vectors

__all__ = ['ExactIndex', 'load_vectors', 'scan', 'vector_sections']

RowArray = npt.NDArray[np.int64]
Hits = tuple[RowArray, npt.NDArray[np.float32]]


class ExactIndex(Index):
    """Compares a query with every vector.

    Parameters
    ----------
    config : IndexConfig
        Of which only the metric matters.
    dim : int
        Length of the vectors.

    Examples
    --------
    >>> from docstore.stores.base import IndexConfig
    >>> index = ExactIndex(IndexConfig(metric='euclidean'), 2)
    >>> index.add(np.array([7, 9]), np.array([[0.0, 0.0], [3.0, 4.0]]))
    >>> index.search(np.array([[0.0, 0.0]]), 5)
    (array([[7, 9]]), array([[0., 5.]], dtype=float32))
    """

    def __init__(self, config: Any, dim: int) -> None:
        self._metric = config.metric
        self._dim = dim
        self._lock = ReadWriteLock()
        self._vectors = RowVectors(dim)

    def __len__(self) -> int:
        return len(self._vectors)

    def add(self, rows: RowArray, vectors: npt.NDArray[Any]) -> None:
        """Add rows, or give known rows a new vector.

        Raises
        ------
        DimensionMismatch, InvalidVector
            If a vector has not the length of the others, NaN or infinity, or
            is zero under cosine; nothing was added then.
        """
        rows = check_rows(rows)
        vectors = check_vectors(rows, vectors, self._dim, self._metric)
        if len(rows):
            with self._lock.write():
                self._vectors.put(rows, vectors)
                self._tidy()

    def remove(self, rows: Sequence[int] | RowArray) -> None:
        """Forget rows; unknown rows are ignored."""
        with self._lock.write():
            self._vectors.drop(check_rows(rows))
            self._tidy()

    def search(self, queries: npt.NDArray[Any], k: int, allowed: RowArray | None = None) -> Hits:
        """The nearest rows of each query, best first; see :meth:`Index.search`."""
        queries = check_queries(queries, k, self._dim, self._metric)
        with self._lock.read():
            if allowed is None:
                rows, lines = self._vectors.live()
            else:
                rows = check_rows(allowed)
                lines = self._vectors.locate(rows)
                rows, lines = rows[lines >= 0], lines[lines >= 0]
            return scan(self._vectors.matrix, queries, k, self._metric, rows, lines)

    def save(self, path: Path, stamp: int) -> None:
        """Write to ``path`` atomically, marked with ``stamp``, with checksums."""
        with self._lock.read():
            header, sections = vector_sections(self._vectors.compacted())
            write_file(path, {**_header(self._metric, self._dim, stamp), **header}, sections)

    @classmethod
    def load(cls, path: Path, stamp: int, config: Any, dim: int) -> ExactIndex | None:
        """What ``save`` wrote; None when it is missing, damaged or of another stamp."""
        index = cls(config, dim)
        try:
            with read_file(path, _header(config.metric, dim, stamp)) as (header, reader):
                index._vectors = load_vectors(header, reader, dim)
                if not reader.checked():
                    return None
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            return None
        return index

    def _tidy(self) -> None:
        if self._vectors.used - len(self._vectors) > max(1024, len(self._vectors) // 2):
            self._vectors = self._vectors.compacted()


def _header(metric: str, dim: int, stamp: int) -> dict[str, Any]:
    return {'kind': 'exact', 'metric': metric, 'dim': dim, 'stamp': stamp}


def scan(
    matrix: npt.NDArray[Any],
    queries: npt.NDArray[Any],
    k: int,
    metric: str,
    rows: RowArray,
    lines: RowArray | None,
) -> Hits:
    """Exact search over ``rows`` (ascending) that are in ``lines`` (None: in 0, 1, 2, ...)."""
    if not len(rows):
        shape = (len(queries), 0)
        return np.empty(shape, np.int64), np.empty(shape, np.float32)
    positions, distances = _core.search(matrix, queries, k, metric, lines)
    return rows[positions], distances


def vector_sections(
    vectors: RowVectors,
) -> tuple[dict[str, Any], dict[str, tuple[int, Section]]]:
    """Header fields and sections that keep vectors in a file."""
    matrix, owners = vectors.matrix, vectors.owners
    little = matrix.dtype.newbyteorder('<')
    header = {'dtype': little.str, 'lines': len(owners)}

    def blocks(array: npt.NDArray[Any], dtype: Any) -> Section:
        def parts() -> Iterable[bytes]:
            step = max(1, (1 << 20) // max(1, array[:1].nbytes))
            for start in range(0, len(array), step):
                yield array[start : start + step].astype(dtype, copy=False).tobytes()

        return parts

    return header, {
        'owners': (owners.nbytes, blocks(owners, '<i8')),
        'vectors': (matrix.nbytes, blocks(matrix, little)),
    }


def load_vectors(header: dict[str, Any], reader: Reader, dim: int) -> RowVectors:
    """Take what :func:`vector_sections` wrote; the caller checks the checksum."""
    lines, dtype = header['lines'], header['dtype']
    if dtype not in {'<f2', '<f4', '<f8'} or type(lines) is not int:
        raise ValueError('impossible vectors')
    width = np.dtype(dtype).itemsize * dim
    # The lengths fit the file, so what is allocated is no more than is there.
    if reader.length('owners') != 8 * lines or reader.length('vectors') != width * lines:
        raise ValueError('impossible lengths')
    owners = np.empty(lines, dtype='<i8')
    matrix = np.empty((lines, dim), dtype=dtype)
    if lines:
        reader.into('owners', owners.data)
        reader.into('vectors', matrix.data)
    alive = owners[owners >= 0]
    if len(np.unique(alive)) != len(alive):
        raise ValueError('a row comes twice')
    native = matrix.astype(np.dtype(dtype).newbyteorder('='), copy=False)
    return RowVectors.restored(owners.astype(np.int64, copy=False), native)
