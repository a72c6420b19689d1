"""Image tensors to image tensors: axes, size, normalization, windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InvalidArgument, InvalidType
from .arrays import array_of, axis_of, channels_last, positive_ints

__all__ = ['Window', 'denormalize', 'move_channels', 'normalize', 'resample', 'resize', 'windows']

Array = npt.NDArray[Any]
Window = tuple[tuple[int, int, int, int], Array]

#: The usual mean and deviation of red, green and blue, of pictures from 0 to 1.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def move_channels(tensor: Any, original: int, new: int) -> Array:
    """An image tensor with its channel axis elsewhere."""
    array = array_of(tensor, 'an image tensor')
    source = axis_of(array, original, 'original_channel_axis')
    return np.moveaxis(array, source, axis_of(array, new, 'new_channel_axis')).copy()


def resize(tensor: Any, shape: Sequence[int], channel_axis: int = -1) -> Array:
    """An image tensor of ``shape`` (height, width), by nearest neighbours.

    Examples
    --------
    >>> resize(np.arange(12).reshape(2, 2, 3), (1, 1)).ravel()
    array([0, 1, 2])
    """
    height, width = positive_ints(shape, 'shape')
    array = channels_last(tensor, channel_axis)
    if not array.size:
        raise InvalidArgument(f'an image tensor of shape {array.shape} has no pixels')
    rows = np.arange(height) * array.shape[0] // height
    columns = np.arange(width) * array.shape[1] // width
    made = array[rows[:, None], columns]
    return np.ascontiguousarray(np.moveaxis(made, -1, channel_axis))


def resample(tensor: Any, ratio: float, channel_axis: int = -1) -> Array:
    """An image tensor ``ratio`` times as high and wide."""
    if isinstance(ratio, bool) or not isinstance(ratio, (int, float, np.number)):
        raise InvalidType(f'ratio must be a number, not {ratio!r}')
    if not 0 < ratio < float('inf'):
        raise InvalidArgument(f'ratio must be positive, not {ratio}')
    height, width = channels_last(tensor, channel_axis).shape[:2]
    target = (int(height * ratio), int(width * ratio))
    if 0 in target:
        raise InvalidArgument(f'nothing is left of {height} x {width} pixels times {ratio}')
    return resize(tensor, target, channel_axis)


def _checked(tensor: Any, dtype: Any, channel_axis: int) -> Array:
    array = array_of(tensor, 'an image tensor')
    if array.dtype != dtype or array.ndim != 3:
        raise InvalidArgument(
            f'expected an image tensor of {np.dtype(dtype)} with 3 axes, '
            f'not of {array.dtype} with {array.ndim}'
        )
    return channels_last(array, channel_axis)


def _of_channels(values: Sequence[float], name: str, channels: int) -> npt.NDArray[np.float32]:
    try:
        array = np.asarray(values, dtype=np.float32).ravel()
    except (TypeError, ValueError) as error:
        raise InvalidType(f'{name} must be numbers, not {values!r}') from error
    if len(array) not in (1, channels) or not np.isfinite(array).all():
        raise InvalidArgument(
            f'{name} must be a number for each of {channels} channels, not {values!r}'
        )
    return array


def normalize(
    tensor: Any,
    channel_axis: int = -1,
    img_mean: Sequence[float] = MEAN,
    img_std: Sequence[float] = STD,
) -> npt.NDArray[np.float32]:
    """A uint8 image as float32, ``(x / 255 - mean) / std`` in each channel.

    Examples
    --------
    >>> grey = np.full((1, 1, 3), 255, dtype=np.uint8)
    >>> normalize(grey, img_mean=(0.5,), img_std=(0.5,)).ravel()
    array([1., 1., 1.], dtype=float32)
    """
    array = _checked(tensor, np.uint8, channel_axis)
    mean = _of_channels(img_mean, 'img_mean', array.shape[-1])
    std = _of_channels(img_std, 'img_std', array.shape[-1])
    if not std.all():
        raise InvalidArgument(f'img_std must have no zero: {img_std!r}')
    made = (array.astype(np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(np.moveaxis(made, -1, channel_axis))


def denormalize(
    tensor: Any,
    channel_axis: int = -1,
    img_mean: Sequence[float] = MEAN,
    img_std: Sequence[float] = STD,
) -> npt.NDArray[np.uint8]:
    """The inverse of :func:`normalize`, rounded, and cut to 0 to 255."""
    array = _checked(tensor, np.float32, channel_axis)
    mean = _of_channels(img_mean, 'img_mean', array.shape[-1])
    std = _of_channels(img_std, 'img_std', array.shape[-1])
    if np.isnan(array).any():
        raise InvalidArgument('the image tensor has NaN')
    made = np.clip(np.rint((array * std + mean) * np.float32(255)), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.moveaxis(made, -1, channel_axis))


def windows(
    tensor: Any,
    window_shape: Sequence[int] = (64, 64),
    strides: Sequence[int] | None = None,
    padding: bool = False,
    channel_axis: int = -1,
) -> list[Window]:
    """The windows of an image, row by row, each with its ``(y, x, height, width)``.

    Parameters
    ----------
    tensor : array
        The image, of three axes.
    window_shape : (int, int)
        Height and width of a window.
    strides : (int, int), optional
        From one to the next; the windows touch when it is not given.
    padding : bool
        Whether to complete the last windows with zeros; else what is left over
        at the right and at the bottom is in no window.
    channel_axis : int
        Of the image and of the windows.
    """
    height, width = positive_ints(window_shape, 'window_shape')
    down, right = (height, width) if strides is None else positive_ints(strides, 'strides')
    array = channels_last(tensor, channel_axis)
    tops = _starts(array.shape[0], height, down, padding)
    lefts = _starts(array.shape[1], width, right, padding)
    if not tops or not lefts:
        raise InvalidArgument(
            f'no window of {height} x {width} fits into an image of {array.shape[0]} x '
            f'{array.shape[1]}; padding=True completes it with zeros'
        )
    if padding:
        below = max(0, tops[-1] + height - array.shape[0])
        beside = max(0, lefts[-1] + width - array.shape[1])
        array = np.pad(array, ((0, below), (0, beside), (0, 0)))
    return [
        ((y, x, height, width), np.moveaxis(array[y : y + height, x : x + width], -1, channel_axis))
        for y in tops
        for x in lefts
    ]


def _starts(size: int, window: int, stride: int, padding: bool) -> list[int]:
    """Where windows start; with padding also one that holds the rest."""
    starts = list(range(0, size - window + 1, stride))
    if padding and size:
        following = len(starts) * stride
        covered = starts[-1] + window if starts else 0
        if following < size and covered < size:
            starts.append(following)
    return starts
