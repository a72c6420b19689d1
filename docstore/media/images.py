"""Pictures: files to arrays and back."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import CorruptData, DocstoreError, InvalidArgument, InvalidType, MissingDependency
from .arrays import array_of, as_uint8, axis_of, channels_last, check_decoded

__all__ = ['FORMATS', 'decode', 'decode_depth', 'encode', 'png_of']

T = TypeVar('T')
Pixels = npt.NDArray[np.uint8]

#: What images can be written as, and what Pillow calls it.
FORMATS = {'png': 'PNG', 'jpeg': 'JPEG', 'jpg': 'JPEG'}


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependency.of('Pillow', 'media', 'reading and writing images') from error
    return Image


def decode(
    data: bytes,
    width: int | None = None,
    height: int | None = None,
    channel_axis: int = -1,
    max_decoded: int | None = None,
) -> list[Pixels]:
    """The frames of an image file: one, but for animations and paged files.

    Parameters
    ----------
    data : bytes
        The file.
    width, height : int, optional
        The size to make of it; one that is not given stays as it is.
    channel_axis : int
        Where the three channels (red, green, blue) go.
    max_decoded : int, optional
        Refuse what takes more bytes than this.

    Raises
    ------
    CorruptData
        If the bytes are no image, are cut short, or would become too large.
    """
    for name, size in (('width', width), ('height', height)):
        if size is not None and (isinstance(size, bool) or not isinstance(size, (int, np.integer))):
            raise InvalidType(f'{name} must be an int, not {size!r}')
        if size is not None and size < 1:
            raise InvalidArgument(f'{name} must be at least 1, not {size}')
    axis_of(np.empty((1, 1, 3)), channel_axis)

    def frames(image: Any) -> list[Pixels]:
        made = []
        target = (int(width or image.width), int(height or image.height))
        # Cameras put a preview behind the picture; that is no second frame.
        count = 1 if image.format == 'MPO' else getattr(image, 'n_frames', 1)
        _check_pixels(image, count, target, max_decoded)
        for index in range(count):
            if count > 1:
                image.seek(index)
            rgb = _as_rgb(image)
            pixels = np.asarray(rgb if rgb.size == target else rgb.resize(target))
            made.append(np.moveaxis(pixels, -1, channel_axis).copy())
        return made

    return _opened(data, frames)


def decode_depth(data: bytes, max_decoded: int | None = None) -> npt.NDArray[Any]:
    """A picture of one channel with its numbers as they are: a depth image."""

    def depth(image: Any) -> npt.NDArray[Any]:
        _check_pixels(image, 1, image.size, max_decoded)
        numbers = np.array(image)
        return numbers.astype(np.uint16) if _is_16_bit(image) else numbers

    pixels = _opened(data, depth)
    if pixels.ndim != 2:
        raise InvalidArgument(
            f'expected a depth image of one channel, not an array of shape {pixels.shape}'
        )
    return pixels


def _opened(data: bytes, use: Callable[[Any], T]) -> T:
    pillow = _pillow()
    try:
        with pillow.open(BytesIO(data)) as image:
            return use(image)
    except (DocstoreError, MemoryError):
        raise
    except (pillow.DecompressionBombError, pillow.DecompressionBombWarning) as error:
        raise CorruptData(f'the image is too large to be opened: {error}') from error
    except Exception as error:  # decoders raise what they stumble over
        raise CorruptData(
            f'{len(data)} bytes that start with {data[:8]!r} are no readable image: {error}'
        ) from error


def _check_pixels(image: Any, count: int, target: tuple[int, int], limit: int | None) -> None:
    shown = target[0] * target[1] * count
    check_decoded(3 * max(shown, image.width * image.height), limit, 'the image')


def _is_16_bit(image: Any) -> bool:
    # Older versions of Pillow read such PNG files into 32 bits.
    return bool(image.mode.startswith('I;16') or (image.mode == 'I' and image.format == 'PNG'))


def _as_rgb(image: Any) -> Any:
    if _is_16_bit(image):
        # Pillow would cut off all above 255.
        grey = (np.asarray(image).astype(np.uint32) + 128) // 257
        return _pillow().fromarray(grey.astype(np.uint8)).convert('RGB')
    return image.convert('RGB')


def encode(tensor: Any, channel_axis: int = -1, image_format: str = 'png') -> bytes:
    """An image tensor as a PNG or JPEG file.

    Parameters
    ----------
    tensor : array
        Of two axes (grey) or three (1, 3 or 4 channels, the fourth is left out);
        uint8, or other whole numbers from 0 to 255. One axis of 784 numbers is
        a grey picture of 28 x 28.
    channel_axis : int
        Which of the three axes has the channels.
    image_format : {'png', 'jpeg', 'jpg'}
        The kind of file.
    """
    name = FORMATS.get(image_format) if isinstance(image_format, str) else None
    if name is None:
        raise InvalidArgument(f"image_format must be 'png' or 'jpeg', not {image_format!r}")
    pixels = as_uint8(_grey_or_rgb(tensor, channel_axis))
    file = BytesIO()
    _pillow().fromarray(np.ascontiguousarray(pixels)).save(file, format=name)
    return file.getvalue()


def _grey_or_rgb(tensor: Any, channel_axis: int) -> npt.NDArray[Any]:
    array = array_of(tensor, 'an image tensor')
    while array.ndim > 3 and 1 in array.shape[: array.ndim - 3]:
        array = array[0]
    if not array.size:
        raise InvalidArgument(f'an image tensor of shape {array.shape} has no pixels')
    if array.ndim == 1:
        if array.size != 28 * 28:
            raise InvalidArgument(
                f'one axis of {array.size} numbers is no image; only 784 are one, of 28 x 28'
            )
        return array.reshape(28, 28)
    if array.ndim == 2:
        return array
    array = channels_last(array, channel_axis)
    if array.shape[-1] == 1:
        return array[..., 0]
    if array.shape[-1] not in (3, 4):
        raise InvalidArgument(
            f'expected 1, 3 or 4 channels and not {array.shape[-1]}, at channel_axis '
            f'{channel_axis}: is it another axis?'
        )
    return array[..., :3]


def png_of(image: Any) -> bytes:
    """A Pillow image as a PNG file."""
    pillow = _pillow()
    if not isinstance(image, pillow.Image):
        raise InvalidType(f'expected a Pillow image, not {type(image).__name__}')
    file = BytesIO()
    try:
        image.save(file, format='PNG')
    except OSError:
        # A colour model that PNG lacks.
        file = BytesIO()
        image.convert('RGB').save(file, format='PNG')
    return file.getvalue()
