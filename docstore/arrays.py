"""Arrays of any framework as NumPy arrays, by what they offer: none is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ['as_numpy', 'is_sparse']


def is_sparse(value: Any) -> bool:
    """Whether a value is a sparse matrix or array of SciPy, or behaves like one."""
    return hasattr(value, 'toarray') and hasattr(value, 'nnz')


def as_numpy(value: Any) -> npt.NDArray[Any]:
    """An array, tensor, sparse matrix or list of numbers as a NumPy array.

    Tensors of torch, TensorFlow, Paddle, JAX or CuPy are known by their
    methods and by the array protocols; a copy is made only where the framework
    has to.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        If it cannot be made one.

    Examples
    --------
    >>> as_numpy([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if isinstance(value, np.ndarray):
        return value
    if is_sparse(value):
        return np.asarray(value.toarray())
    if isinstance(value, (list, tuple)):
        first = value[0] if value else None
        foreign = hasattr(first, 'shape') and not isinstance(first, (np.ndarray, np.generic))
        return np.stack([as_numpy(item) for item in value]) if foreign else np.asarray(value)
    for step in ('detach', 'cpu'):
        # Of torch and Paddle: off the tape, off the device.
        method = getattr(value, step, None)
        if callable(method):
            value = method()
    return _converted(value)


def _converted(value: Any) -> npt.NDArray[Any]:
    """A tensor in main memory, by the first way that works."""
    errors: list[Exception] = []
    for way in (_numpy, _dlpack, _asarray, _wider):
        try:
            found = way(value)
        except (TypeError, ValueError, RuntimeError, AttributeError, BufferError) as error:
            errors.append(error)
            continue
        if found is not None:
            return found
    raise TypeError(f'{type(value).__name__} cannot be made a NumPy array: {errors[0]}')


def _numpy(value: Any) -> npt.NDArray[Any] | None:
    method = getattr(value, 'numpy', None)
    found = method() if callable(method) else None
    return found if isinstance(found, np.ndarray) else None


def _dlpack(value: Any) -> npt.NDArray[Any] | None:
    return np.from_dlpack(value) if hasattr(value, '__dlpack__') else None


def _asarray(value: Any) -> npt.NDArray[Any] | None:
    found = np.asarray(value)
    # An object that NumPy does not understand becomes an array of itself.
    return None if found.dtype == object and found.ndim == 0 else found


def _wider(value: Any) -> npt.NDArray[Any]:
    """A type that NumPy does not know, such as bfloat16, as float32."""
    method: Callable[[], Any] | None = getattr(value, 'float', None)
    if not callable(method):
        raise TypeError('it offers neither numpy(), __dlpack__ nor __array__')
    return np.asarray(_numpy(method()))
