"""Arrays as pictures and sound: checks with errors that say what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CorruptData, InvalidArgument, InvalidType

__all__ = [
    'array_of',
    'as_uint8',
    'axis_of',
    'channels_last',
    'check_decoded',
    'from_buffer',
    'positive_ints',
]

Array = npt.NDArray[Any]


def array_of(value: Any, what: str = 'a tensor') -> Array:
    """``value`` as a NumPy array: lists and the arrays of other frameworks too.

    Raises
    ------
    InvalidArgument
        If there is none.
    InvalidType
        If it is no array of numbers.
    """
    if value is None:
        raise InvalidArgument(f'expected {what}, and there is none')
    if hasattr(value, 'detach'):
        value = value.detach()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidType(
            f'expected {what}, and a {type(value).__name__} is no array of numbers: {error}'
        ) from error
    if array.dtype.kind not in 'biuf':
        raise InvalidType(
            f'expected {what} of numbers, not a {type(value).__name__} of {array.dtype}'
        )
    return array


def from_buffer(blob: bytes, dtype: Any = None, count: int = -1, offset: int = 0) -> Array:
    """The numbers that ``blob`` holds; the array owns them.

    Raises
    ------
    InvalidArgument
        If it holds fewer, or no whole number of them.
    """
    try:
        kind = np.dtype(dtype)
        if kind.hasobject:
            raise InvalidArgument(f'{kind} is no type of numbers')
        if not blob and count < 1 and not offset:
            return np.zeros(0, kind)
        return np.frombuffer(blob, kind, count, offset).copy()
    except (TypeError, ValueError) as error:
        raise InvalidArgument(
            f'{len(blob)} bytes from {offset!r} are not {"whole" if count == -1 else count!r} '
            f'numbers of {dtype or "float64"}: {error}'
        ) from error


def axis_of(array: Array, axis: int, name: str = 'channel_axis') -> int:
    """``axis`` counted from the front."""
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
        raise InvalidType(f'{name} must be an int, not {type(axis).__name__}: {axis!r}')
    if not -array.ndim <= axis < array.ndim:
        raise InvalidArgument(
            f'{name} {axis} is out of range for a tensor of shape {array.shape}, '
            f'which has {array.ndim} axes'
        )
    return int(axis) % array.ndim


def channels_last(value: Any, channel_axis: int) -> Array:
    """A picture of three axes, seen with its channels last; no copy."""
    array = array_of(value, 'an image tensor')
    if array.ndim != 3:
        raise InvalidArgument(
            'expected an image tensor of three axes (height, width, channels), '
            f'not of shape {array.shape}'
        )
    return np.moveaxis(array, axis_of(array, channel_axis), -1)


def as_uint8(array: Array) -> npt.NDArray[np.uint8]:
    """Numbers as bytes, where that loses nothing: whole numbers from 0 to 255."""
    if array.dtype == np.uint8:
        return array
    if array.size:
        low, high = array.min(), array.max()
        whole = array.dtype.kind != 'f' or bool((array == np.floor(array)).all())
        if not (whole and low >= 0 and high <= 255):
            raise InvalidArgument(
                f'expected uint8, or whole numbers from 0 to 255, not {array.dtype} from {low} '
                f'to {high}; scale it and use .astype("uint8"), or set_image_tensor_inv_'
                'normalization for a normalised image'
            )
    return array.astype(np.uint8)


def positive_ints(values: Any, name: str, count: int = 2) -> tuple[int, ...]:
    """``count`` whole numbers, each at least 1."""
    sizes = values if isinstance(values, (Sequence, np.ndarray)) else None
    if sizes is None or isinstance(sizes, str) or len(sizes) != count:
        raise InvalidArgument(f'{name} must be {count} positive ints, not {values!r}')
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise InvalidArgument(f'{name} must be {count} positive ints, not {values!r}')
    return tuple(int(size) for size in sizes)


def check_decoded(nbytes: int, limit: int | None, what: str) -> None:
    """Refuse what would become larger than ``limit`` bytes when it is decoded."""
    if limit is not None and nbytes > limit:
        raise CorruptData(
            f'{what} takes at least {nbytes} bytes once it is decoded, and only {limit} are allowed'
        )
