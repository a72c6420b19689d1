"""Vectors in two or three dimensions: their principal components."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ['principal', 'to_unit']

Floats = npt.NDArray[np.float64]

# Up to this size the eigenvectors are computed exactly.
_EXACT = 2048
_BLOCK = 8192


def principal(vectors: npt.NDArray[Any], count: int = 3) -> tuple[Floats, Floats]:
    """The coordinates along the directions in which vectors differ most.

    The same vectors give the same coordinates: of a direction and its opposite,
    the one is taken whose largest part is positive.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
    count : int
        How many directions; there may be fewer.

    Returns
    -------
    coordinates : ndarray of shape (n, count)
    shares : ndarray of shape (count,)
        What part of the variance is along each.

    Examples
    --------
    >>> points, shares = principal(np.array([[0.0, 1], [0, 3], [0, 5]]), 1)
    >>> points.ravel().tolist(), shares.tolist()
    ([-2.0, 0.0, 2.0], [1.0])
    """
    n, d = vectors.shape
    count = min(count, n, d)
    centre = vectors.mean(axis=0, dtype=np.float64)
    # Numbers near the limits of float64 would overflow when they are squared.
    scale = max((float(np.abs(block).max()) for block in _blocks(vectors, centre)), default=0) or 1
    total = sum(float(((block / scale) ** 2).sum()) for block in _blocks(vectors, centre))
    directions = _directions(vectors, centre, scale, count)
    largest = np.abs(directions).argmax(axis=0)
    directions *= np.where(directions[largest, np.arange(count)] < 0, -1.0, 1.0)
    points = np.concatenate([block @ directions for block in _blocks(vectors, centre)])
    along = ((points / scale) ** 2).sum(axis=0)
    return points, along / (total or 1.0)


def _blocks(vectors: npt.NDArray[Any], centre: Floats) -> Any:
    for start in range(0, len(vectors), _BLOCK):
        yield vectors[start : start + _BLOCK].astype(np.float64) - centre


def _directions(vectors: npt.NDArray[Any], centre: Floats, scale: float, count: int) -> Floats:
    """Orthogonal directions, the one of the greatest variance first, as columns."""
    n, d = vectors.shape
    if d <= _EXACT:
        spread = np.zeros((d, d))
        for block in _blocks(vectors, centre):
            block /= scale
            spread += block.T @ block
        return np.linalg.eigh(spread)[1][:, ::-1][:, :count]
    # Long vectors: a few directions, turned towards the greatest variance again and again.
    basis = np.random.default_rng(0).standard_normal((d, min(count + 8, n, d)))
    for _ in range(20):
        basis = np.linalg.qr(basis)[0]
        turned = np.zeros_like(basis)
        for block in _blocks(vectors, centre):
            block /= scale
            turned += block.T @ (block @ basis)
        basis = turned
    basis = np.linalg.qr(basis)[0]
    seen = np.concatenate([block / scale @ basis for block in _blocks(vectors, centre)])
    return np.asarray(basis @ np.linalg.eigh(seen.T @ seen)[1][:, ::-1][:, :count])


def to_unit(points: Floats) -> npt.NDArray[np.float32]:
    """Three coordinates for each point, within -1 to 1, all scaled alike; missing ones are 0.

    Examples
    --------
    >>> to_unit(np.array([[0.0, 0], [4, 2]])).tolist()
    [[-1.0, -0.5, 0.0], [1.0, 0.5, 0.0]]
    """
    low, high = points.min(axis=0), points.max(axis=0)
    centred = points - (low / 2 + high / 2)
    made = np.zeros((len(points), 3), dtype=np.float32)
    made[:, : points.shape[1]] = centred / (np.abs(centred).max() or 1.0)
    return made
