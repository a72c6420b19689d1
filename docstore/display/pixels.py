"""Pictures as arrays: from tensors, to smaller ones, to PNG; with NumPy alone."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InvalidArgument

__all__ = ['Pixels', 'fit', 'png', 'rgb_of', 'shrink', 'stamp', 'thumbnail']

Pixels = npt.NDArray[np.uint8]

# Digits of three by five dots, a line in three bits, from above.
_DIGITS = (31599, 11415, 29671, 29647, 23497, 31183, 31215, 29257, 31727, 31695)


def rgb_of(tensor: Any, channel_axis: int = -1) -> Pixels:
    """A tensor as a picture: height, width, and red, green and blue.

    Two axes, or one channel, are grey; a fourth channel is opacity, shown over
    white. Bytes are taken as they are, floats from 0 to 1 are spread over 0 to
    255, and what is outside of both is spread from its least to its greatest.

    Raises
    ------
    InvalidArgument
        If it is no picture: empty, of other axes, with NaN, or not of numbers.

    Examples
    --------
    >>> rgb_of(np.array([[0.0, 1.0]]))[0]
    array([[  0,   0,   0],
           [255, 255, 255]], dtype=uint8)
    """
    array = _numbers(tensor)
    if array.ndim == 2:
        array = array[..., None]
    elif array.ndim == 3:
        if not isinstance(channel_axis, (int, np.integer)) or not -3 <= channel_axis < 3:
            raise InvalidArgument(f'channel_axis must be from -3 to 2, not {channel_axis!r}')
        array = np.moveaxis(array, channel_axis, -1)
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4) or not array.size:
        raise InvalidArgument(
            'expected a picture of height x width, or with a third axis of 1, 3 or 4 channels, '
            f'not a tensor of shape {np.shape(tensor)} with channel_axis={channel_axis}'
        )
    array = _as_bytes(array)
    if array.shape[-1] == 4:
        opacity = array[..., 3:].astype(np.uint16)
        over = array[..., :3] * opacity + 255 * (255 - opacity)
        return np.asarray((over + 127) // 255, dtype=np.uint8)
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3)))


def _numbers(tensor: Any) -> npt.NDArray[Any]:
    if hasattr(tensor, 'detach'):
        tensor = tensor.detach()
    try:
        array = np.asarray(tensor)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidArgument(
            f'a {type(tensor).__name__} is no array of numbers: {error}'
        ) from None
    if array.dtype.kind not in 'biuf':
        raise InvalidArgument(f'expected an array of numbers, not {array.dtype}')
    return array


def _as_bytes(array: npt.NDArray[Any]) -> Pixels:
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    values = array.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise InvalidArgument('the picture has NaN or infinity in it')
    if array.dtype.kind == 'f' and low >= 0 and high <= 1:
        values = values * 255
    elif low < 0 or high > 255:
        values = (values - low) * (255 / ((high - low) or 1.0))
    return np.rint(values).astype(np.uint8)


def shrink(picture: Pixels, height: int, width: int) -> Pixels:
    """A picture of another size: means of what a pixel covers, or pixels said again.

    Examples
    --------
    >>> shrink(np.array([[[0] * 3, [100] * 3]], dtype=np.uint8), 1, 1)
    array([[[50, 50, 50]]], dtype=uint8)
    """
    for axis, size in ((0, height), (1, width)):
        length = picture.shape[axis]
        starts = np.arange(size) * length // size
        if size >= length:
            picture = picture.take(starts, axis)
        else:
            # uint32 holds the sums of 16 million bytes.
            sums = np.add.reduceat(picture, starts, axis, dtype=np.uint32)
            counts = np.diff(starts, append=length).astype(np.uint32)
            counts = counts.reshape([-1 if i == axis else 1 for i in range(3)])
            picture = ((sums + counts // 2) // counts).astype(np.uint8)
    return picture


def fit(picture: Pixels, size: int, keep_aspect_ratio: bool = True) -> Pixels:
    """A square of ``size`` with the picture in it: in the middle on white, or stretched."""
    if not keep_aspect_ratio:
        return shrink(picture, size, size)
    height, width = _inside(picture, size)
    square = np.full((size, size, 3), 255, dtype=np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = shrink(picture, height, width)
    return square


def _inside(picture: Pixels, size: int) -> tuple[int, int]:
    height, width = picture.shape[:2]
    longest = max(height, width)
    return max(1, height * size // longest), max(1, width * size // longest)


def thumbnail(picture: Pixels, size: int) -> Pixels:
    """A picture whose longer side is at most ``size``."""
    return picture if max(picture.shape[:2]) <= size else shrink(picture, *_inside(picture, size))


def stamp(picture: Pixels, number: int) -> Pixels:
    """The picture with a number in its upper left corner, as far as there is room."""
    rows = [
        [
            _DIGITS[int(digit)] >> (14 - 3 * y - x) & 1
            for digit in str(number)
            for x in (0, 1, 2, -1)
        ]
        for y in range(5)
    ]
    dots = np.array(rows, dtype=bool)
    dots[:, 3::4] = False  # between the digits
    dots = np.pad(dots, ((1, 1), (1, 0)))
    scale = max(1, picture.shape[0] // 40)
    label = np.where(dots.repeat(scale, 0).repeat(scale, 1)[..., None], 255, 0).astype(np.uint8)
    marked = picture.copy()
    corner = marked[: label.shape[0], : label.shape[1]]
    corner[:] = label[: corner.shape[0], : corner.shape[1]]
    return marked


def png(picture: Pixels, pixels_per_inch: float | None = None) -> bytes:
    r"""A picture as a PNG file.

    Examples
    --------
    >>> png(np.zeros((1, 1, 3), dtype=np.uint8))[:8]
    b'\x89PNG\r\n\x1a\n'
    """
    height, width = picture.shape[:2]
    lines = np.zeros((height, 1 + 3 * width), dtype=np.uint8)
    lines[:, 1:] = picture.reshape(height, 3 * width)
    chunks = [(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))]
    if pixels_per_inch is not None:
        per_metre = max(1, round(pixels_per_inch / 0.0254))
        chunks.append((b'pHYs', struct.pack('>IIB', per_metre, per_metre, 1)))
    chunks += [(b'IDAT', zlib.compress(lines.tobytes(), 6)), (b'IEND', b'')]
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(body)) + name + body + struct.pack('>I', zlib.crc32(name + body))
        for name, body in chunks
    )
