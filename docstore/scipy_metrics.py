"""The metrics of SciPy, imported when one is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from .errors import MissingDependency, UnknownMetric, did_you_mean

__all__ = ['FITTED', 'SCIPY_METRICS', 'scipy_metric']

Matrix = npt.NDArray[Any]

#: Names to suggest: SciPy itself says which there are.
SCIPY_METRICS = (
    *('braycurtis', 'canberra', 'chebyshev', 'cityblock', 'correlation', 'cosine', 'dice'),
    *('euclidean', 'hamming', 'jaccard', 'jensenshannon', 'mahalanobis', 'minkowski'),
    *('rogerstanimoto', 'russellrao', 'seuclidean', 'sokalsneath', 'sqeuclidean', 'yule'),
)
#: These take their parameters from all the data, so they must see all of it.
FITTED = frozenset({'mahalanobis', 'seuclidean'})


def scipy_metric(name: str) -> Callable[[Matrix, Matrix], Matrix]:
    """The function ``(queries, vectors) -> distances`` that SciPy has under a name.

    Raises
    ------
    UnknownMetric
        If it has none.
    MissingDependency
        If it is not installed.
    """
    try:
        from scipy.spatial import distance as scipy_distance
    except ImportError:
        raise MissingDependency.of(
            'scipy', 'scipy', f'metric={name!r} with use_scipy=True'
        ) from None
    cdist: Any = scipy_distance.cdist
    probe = np.eye(4, 2) + 0.5
    try:
        cdist(probe, probe, name)
    except ValueError as error:
        hint = did_you_mean(name, (*_core.METRICS, *SCIPY_METRICS))
        raise UnknownMetric(f'metric={name!r} is not known to SciPy{hint}') from error

    def distances(queries: Matrix, vectors: Matrix) -> Matrix:
        found: Matrix = cdist(queries, vectors, name)
        return found

    return distances
