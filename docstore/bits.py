"""Distances of bit vectors: Hamming and Jaccard.

Bits come packed, eight in a ``uint8`` as :func:`numpy.packbits` makes them, or
one a component: bool, or any numbers that are all 0 or 1. Values are those of
``scipy.spatial.distance.cdist`` on the single bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InvalidArgument, InvalidVector

__all__ = ['BIT_METRICS']

Matrix = npt.NDArray[Any]

# How many bits are set in each byte.
_COUNTS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(1).astype(np.uint8)


def _hamming(queries: Matrix, vectors: Matrix) -> Matrix:
    """The share of bits that differ."""
    q, x, bits = _both(queries, vectors)
    return np.stack([_count(x ^ one) for one in q]) / bits


def _jaccard(queries: Matrix, vectors: Matrix) -> Matrix:
    """One minus the share of common bits among those that either has; 0 where none has any."""
    q, x, _ = _both(queries, vectors)
    rows = []
    for one in q:
        either = _count(x | one)
        rows.append((either - _count(x & one)) / np.maximum(either, 1))
    return np.stack(rows)


#: The metrics of bits, by name.
BIT_METRICS: dict[str, Callable[[Matrix, Matrix], Matrix]] = {
    'hamming': _hamming,
    'jaccard': _jaccard,
}


def _count(packed: Matrix) -> Matrix:
    counts: Matrix = _COUNTS[packed].sum(axis=1, dtype=np.int64)
    return counts


def _both(queries: Matrix, vectors: Matrix) -> tuple[Matrix, Matrix, int]:
    """Packed bits of both sides, and how many bits a vector has."""
    q, packed_queries = _packed(queries, 'query')
    x, packed_vectors = _packed(vectors, 'document')
    if packed_queries != packed_vectors:
        packed, single = ('queries', 'documents') if packed_queries else ('documents', 'queries')
        raise InvalidArgument(
            f'the {packed} have packed bits (uint8), the {single} one bit a component '
            f'({(vectors if packed_queries else queries).dtype}): pack both with numpy.packbits, '
            'or neither'
        )
    return q, x, queries.shape[1] * (8 if packed_queries else 1)


def _packed(vectors: Matrix, what: str) -> tuple[Matrix, bool]:
    """Bits as bytes, and whether they came so."""
    if vectors.dtype == np.uint8:
        return vectors, True
    ones = vectors.astype(np.bool_)
    if vectors.dtype != np.bool_:
        bad = np.flatnonzero((vectors != ones).any(axis=1))
        if len(bad):
            row = int(bad[0])
            raise InvalidVector(
                f'the vector of {what} {row} has components other than 0 and 1: hamming and '
                'jaccard are for bits',
                row=row if what == 'document' else -1 - row,
            )
    return np.packbits(ones, axis=1), False
