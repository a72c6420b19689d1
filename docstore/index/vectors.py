"""The vectors that an index holds: rows to lines of one growing matrix."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _core
from ..errors import DimensionMismatch, InvalidArgument, InvalidType, InvalidVector, LengthMismatch

if TYPE_CHECKING:
    from .files import Reader, Section

__all__ = [
    'Hits',
    'RowVectors',
    'check_queries',
    'check_rows',
    'check_vectors',
    'load_vectors',
    'scan',
    'vector_sections',
]

RowArray = npt.NDArray[np.int64]
Hits = tuple[RowArray, npt.NDArray[np.float32]]


class RowVectors:
    """Rows, each with a vector in a line of a matrix.

    A new vector always gets a new line, so that a line means the same vector
    until :meth:`compact`. Not safe to change while another thread reads: the
    index that owns it locks.

    Parameters
    ----------
    dim : int
        Length of the vectors.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._matrix: npt.NDArray[Any] = np.empty((0, dim), dtype=np.float32)
        self._owners = np.empty(0, dtype=np.int64)
        # Of every row ever seen since the last compaction, ascending: its
        # line, -1 when it was dropped.
        self._rows = np.empty(0, dtype=np.int64)
        self._lines = np.empty(0, dtype=np.int64)
        self._used = 0
        self._known = 0
        self._alive = 0
        self._live: tuple[RowArray, RowArray | None] | None = None

    def __len__(self) -> int:
        return self._alive

    @property
    def used(self) -> int:
        """How many lines are in use, those of dropped vectors included."""
        return self._used

    @property
    def matrix(self) -> npt.NDArray[Any]:
        """The lines, as a view that is valid until the next change."""
        return self._matrix[: self._used]

    @property
    def owners(self) -> RowArray:
        """The row of each line, -1 where the vector was dropped."""
        return self._owners[: self._used]

    def live(self) -> tuple[RowArray, RowArray | None]:
        """All rows, ascending, and their lines; None stands for 0, 1, 2, ..."""
        if self._live is None:
            rows, lines = self._rows[: self._known], self._lines[: self._known]
            if self._alive < self._known:
                rows, lines = rows[lines >= 0], lines[lines >= 0]
            plain = len(lines) == self._used and bool((lines[1:] > lines[:-1]).all())
            self._live = rows.copy(), None if plain else lines.copy()
        return self._live

    def locate(self, rows: RowArray) -> RowArray:
        """The line of each row, -1 where there is none."""
        at, there = self._find(rows)
        lines = np.full(len(rows), -1, dtype=np.int64)
        lines[there] = self._lines[at[there]]
        return lines

    def put(self, rows: RowArray, vectors: npt.NDArray[Any]) -> tuple[RowArray, RowArray]:
        """Give rows a vector; of a row named twice the last counts.

        Returns
        -------
        new, old : ndarray of int64
            The lines of ``rows`` (each once, ascending), and the lines that
            lost their row.
        """
        _, last = np.unique(rows[::-1], return_index=True)
        if len(last) < len(rows) or not bool((rows[1:] > rows[:-1]).all()):
            chosen = len(rows) - 1 - last
            rows, vectors = rows[chosen], vectors[chosen]
        old = self.drop(rows)
        start = self._used
        self._reserve(start + len(rows), np.result_type(_storage(vectors.dtype), self._type()))
        new = np.arange(start, start + len(rows), dtype=np.int64)
        self._matrix[new[0] : new[0] + len(new)] = vectors
        self._owners[new[0] : new[0] + len(new)] = rows
        self._link(rows, new)
        self._used += len(rows)
        self._alive += len(rows)
        self._live = None
        return new, old

    def drop(self, rows: RowArray) -> RowArray:
        """Forget rows; unknown ones are ignored. Returns the lines that they had."""
        at, there = self._find(np.unique(rows))
        at = at[there]
        lines: RowArray = self._lines[at]
        at, lines = at[lines >= 0], lines[lines >= 0]
        if len(lines):
            self._lines[at] = -1
            self._owners[lines] = -1
            self._alive -= len(lines)
            self._live = None
        return lines

    def compacted(self) -> RowVectors:
        """The same rows without the lines of dropped vectors, in ascending order."""
        rows, lines = self.live()
        fresh = RowVectors(self.dim)
        if len(rows):
            fresh.put(rows, self.matrix if lines is None else self.matrix[lines])
        return fresh

    @classmethod
    def restored(cls, owners: RowArray, matrix: npt.NDArray[Any]) -> RowVectors:
        """What has these ``owners`` and this ``matrix``, which it takes over."""
        vectors = cls(matrix.shape[1])
        lines = np.flatnonzero(owners >= 0)
        order = np.argsort(owners[lines], kind='stable')
        vectors._matrix, vectors._owners = matrix, owners
        vectors._lines = lines[order].astype(np.int64)
        vectors._rows = owners[vectors._lines]
        vectors._used = len(owners)
        vectors._known = vectors._alive = len(lines)
        return vectors

    def _find(self, rows: RowArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        known = self._rows[: self._known]
        at = np.searchsorted(known, rows)
        there = at < self._known
        there[there] = known[at[there]] == rows[there]
        return at, there

    def _link(self, rows: RowArray, lines: RowArray) -> None:
        """Note the lines of ascending rows that have none."""
        if self._known and rows[0] <= self._rows[self._known - 1]:
            at, there = self._find(rows)
            self._lines[at[there]] = lines[there]
            fresh = ~there
            if not fresh.any():
                return
            tail = at[fresh]
            self._rows = np.insert(self._rows[: self._known], tail, rows[fresh])
            self._lines = np.insert(self._lines[: self._known], tail, lines[fresh])
            self._known = len(self._rows)
            return
        end = self._known + len(rows)
        if end > len(self._rows):
            self._rows = _grown(self._rows, end)
            self._lines = _grown(self._lines, end)
        self._rows[self._known : end] = rows
        self._lines[self._known : end] = lines
        self._known = end

    def _type(self) -> np.dtype[Any]:
        # Nothing stored yet: whatever comes first decides.
        return self._matrix.dtype if self._used else np.dtype(np.float16)

    def _reserve(self, lines: int, dtype: np.dtype[Any]) -> None:
        if not self._used:
            self._matrix = np.empty((lines, self.dim), dtype=dtype)
        elif dtype != self._matrix.dtype:
            self._matrix = self._matrix.astype(dtype)
        if lines > len(self._matrix):
            self._matrix = _grown(self._matrix, lines)
        if lines > len(self._owners):
            self._owners = _grown(self._owners, lines)


def _grown(array: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """The array with room for ``size`` entries, and some to spare."""
    grown = np.empty((max(size, len(array) * 3 // 2, 64), *array.shape[1:]), dtype=array.dtype)
    grown[: len(array)] = array
    return grown


def _storage(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The floating type that holds every value of ``dtype``."""
    if dtype.kind == 'f':
        return np.dtype(dtype.type) if dtype.itemsize <= 8 else np.dtype(np.float64)
    return np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)


# --------------------------------------------------------------------------- searching


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


# --------------------------------------------------------------------------- checks


def check_rows(rows: Any) -> RowArray:
    """Rows as an int64 array.

    Raises
    ------
    InvalidType, InvalidArgument
        If they are not integers in one dimension.
    """
    array = np.asarray(rows)
    if array.size == 0:
        return np.empty(0, dtype=np.int64)
    if array.dtype.kind not in 'iu':
        raise InvalidType(f'rows must be integers, got an array of {array.dtype}')
    if array.ndim != 1 or array.min() < 0:
        raise InvalidArgument('rows must be one-dimensional and not negative')
    return array.astype(np.int64, copy=False)


def check_vectors(rows: RowArray, vectors: Any, dim: int, metric: str) -> npt.NDArray[Any]:
    """Vectors for ``rows`` as a two-dimensional array of numbers.

    Raises
    ------
    DimensionMismatch, LengthMismatch, InvalidType
        If they have not the shape (rows, dim) or are no numbers.
    InvalidVector
        If one has NaN or infinity, or is zero under cosine.
    """
    matrix = _numbers(vectors, 'vectors')
    if len(matrix) != len(rows):
        raise LengthMismatch(f'{len(rows)} rows came with {len(matrix)} vectors')
    if matrix.shape[1] != dim:
        raise DimensionMismatch(
            f'the index has vectors of {dim} dimensions, got vectors of {matrix.shape[1]}'
        )
    _check_values(matrix, metric, lambda i: (f'row {rows[i]}', int(rows[i])))
    return matrix


def check_queries(queries: Any, k: Any, dim: int, metric: str) -> npt.NDArray[Any]:
    """Queries as a two-dimensional floating array, and ``k`` as a positive int.

    Raises
    ------
    DimensionMismatch, InvalidType, InvalidVector
        As :func:`check_vectors`; the ``row`` of query q is -1 - q.
    InvalidArgument
        If k is not positive.
    """
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
        raise InvalidType(f'k must be an int, got {type(k).__name__}')
    if k < 1:
        raise InvalidArgument(f'k must be at least 1, got {k}')
    matrix = _numbers(queries, 'queries')
    if matrix.shape[1] != dim:
        raise DimensionMismatch(
            f'the index has vectors of {dim} dimensions, got queries of {matrix.shape[1]}'
        )
    _check_values(matrix, metric, lambda i: (f'query {i}', -1 - i))
    return np.ascontiguousarray(matrix, dtype=_storage(matrix.dtype))


def _numbers(values: Any, what: str) -> npt.NDArray[Any]:
    matrix = np.asarray(values)
    if matrix.dtype.kind not in 'biuf':
        raise InvalidType(f'{what} must be numbers, got an array of {matrix.dtype}')
    if matrix.ndim != 2:
        raise DimensionMismatch(f'{what} must be two-dimensional, got the shape {matrix.shape}')
    return matrix


def _check_values(matrix: npt.NDArray[Any], metric: str, place: Any) -> None:
    problem = 'has NaN or infinity'
    bad = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if not len(bad) and metric == 'cosine':
        problem = 'is zero, which has no direction for cosine'
        bad = np.flatnonzero(~matrix.any(axis=1))
    if len(bad):
        name, row = place(int(bad[0]))
        raise InvalidVector(f'the vector of {name} {problem}', row=row)


# --------------------------------------------------------------------------- files


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
