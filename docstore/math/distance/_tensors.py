"""Distances of the tensors of any framework."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..ndarray import to_numpy_array
from . import numpy

__all__ = ['cosine', 'euclidean', 'sqeuclidean']

Distances = npt.NDArray[np.float64]


def cosine(x_mat: Any, y_mat: Any, eps: float = 1e-7, device: str = 'cpu') -> Distances:
    """1 minus the cosine of the angle between all rows; ``device`` is ignored."""
    return numpy.cosine(to_numpy_array(x_mat), to_numpy_array(y_mat), eps)


def sqeuclidean(x_mat: Any, y_mat: Any, device: str = 'cpu') -> Distances:
    """The squared Euclidean distance between all rows; ``device`` is ignored."""
    return numpy.sqeuclidean(to_numpy_array(x_mat), to_numpy_array(y_mat))


def euclidean(x_mat: Any, y_mat: Any, device: str = 'cpu') -> Distances:
    """The Euclidean distance between all rows; ``device`` is ignored."""
    return numpy.euclidean(to_numpy_array(x_mat), to_numpy_array(y_mat))
