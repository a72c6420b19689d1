"""Documents one after the other, as an animated GIF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..display.pixels import Pixels, shrink, stamp
from ..display.progress import tracked_steps
from ..errors import InvalidArgument, MissingDependency
from .pictures import check_source, has_picture, picture_of
from .staging import staged_file

if TYPE_CHECKING:
    from ..document import Document

__all__ = ['write_gif']


def write_gif(
    docs: Sequence[Document],
    output: Any,
    source: str = 'tensor',
    channel_axis: int = -1,
    duration: int = 200,
    size_ratio: float = 1.0,
    skip_empty: bool = False,
    show_index: bool = False,
    show_progress: bool = False,
) -> None:
    """Write a GIF with a frame for each Document; all have the size of the first."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependency.of('Pillow', 'media', 'writing a GIF') from error
    check_source(source)
    _positive(duration, 'duration', 655_350)
    _positive(size_ratio, 'size_ratio', 1000)
    positions = [i for i, doc in enumerate(docs) if not skip_empty or has_picture(doc, source)]
    if not positions:
        raise InvalidArgument(f'there are no pictures for {output!r}: no document has a {source}')
    first = _scaled(picture_of(docs[positions[0]], source, channel_axis), size_ratio)

    def frames() -> Iterator[Any]:
        for position in tracked_steps(positions, 'Drawing', show_progress):
            picture = shrink(picture_of(docs[position], source, channel_axis), *first.shape[:2])
            yield Image.fromarray(stamp(picture, position) if show_index else picture)

    made = frames()
    with staged_file(output) as temporary, open(temporary, 'wb') as file:
        # Pillow takes one frame after the other, so they are never all in memory.
        next(made).save(
            file, 'GIF', save_all=True, append_images=made, duration=int(duration), loop=0
        )


def _positive(value: Any, name: str, most: float) -> None:
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not number or not 0 < value <= most:
        raise InvalidArgument(f'{name} must be a positive number up to {most}, not {value!r}')


def _scaled(picture: Pixels, ratio: float) -> Pixels:
    height, width = (max(1, round(side * ratio)) for side in picture.shape[:2])
    if max(height, width) > 65_535:
        raise InvalidArgument(
            f'a GIF of {width} x {height} pixels is too large: the limit is 65535'
        )
    return shrink(picture, height, width)
