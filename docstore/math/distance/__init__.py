"""All distances between two sets of vectors, of any framework, as a NumPy matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import InvalidArgument, UnknownMetric, did_you_mean
from ..ndarray import get_array_type, to_numpy_array
from . import numpy

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

__all__ = ['cdist', 'pdist']

_DENSE: dict[str, Callable[..., npt.NDArray[Any]]] = {
    'cosine': numpy.cosine,
    'euclidean': numpy.euclidean,
    'sqeuclidean': numpy.sqeuclidean,
}
_SPARSE: dict[str, Callable[..., npt.NDArray[Any]]] = {
    'cosine': numpy.sparse_cosine,
    'euclidean': numpy.sparse_euclidean,
    'sqeuclidean': numpy.sparse_sqeuclidean,
}


def cdist(x_mat: Any, y_mat: Any, metric: str, device: str = 'cpu') -> npt.NDArray[Any]:
    """The distances between all rows of two matrices.

    Parameters
    ----------
    x_mat, y_mat : matrix
        Both of the same framework: NumPy, SciPy sparse, torch, TensorFlow,
        Paddle, or lists of lists.
    metric : {'cosine', 'euclidean', 'sqeuclidean'}
    device : str
        Accepted for legacy code; the work is done by the processor.

    Returns
    -------
    ndarray of shape (x rows, y rows)

    Raises
    ------
    UnknownMetric
        If there is no such metric.
    InvalidArgument
        If the two are of different frameworks, or not of one length.

    Examples
    --------
    >>> import numpy as np
    >>> cdist(np.array([[0.0, 3.0]]), np.array([[4.0, 0.0], [0.0, 3.0]]), 'euclidean')
    array([[5., 0.]])
    """
    if metric not in _DENSE:
        raise UnknownMetric(f'metric={metric!r} is not supported{did_you_mean(metric, _DENSE)}')
    kinds = get_array_type(x_mat), get_array_type(y_mat)
    if kinds[0] != kinds[1]:
        raise InvalidArgument(
            f'cdist needs two arrays of the same type: the left one is {kinds[0]}, the right one '
            f'{kinds[1]} (framework, is sparse)'
        )
    if kinds[0] == ('scipy', True):
        return _SPARSE[metric](x_mat, y_mat)
    return _DENSE[metric](to_numpy_array(x_mat), to_numpy_array(y_mat))


def pdist(x_mat: Any, metric: str) -> npt.NDArray[Any]:
    """The distances between all rows of a matrix: ``cdist(x_mat, x_mat, metric)``."""
    return cdist(x_mat, x_mat, metric)
