"""Many small pictures in one, a square each."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..display.pixels import Pixels, fit, png, stamp
from ..display.progress import tracked_steps
from ..errors import InvalidArgument
from .pictures import check_source, has_picture, picture_of

if TYPE_CHECKING:
    from ..document import Document

__all__ = [
    'Grid',
    'Positions',
    'check_size',
    'chosen_positions',
    'dots_per_inch',
    'evenly',
    'grid_of',
    'picked',
    'sheet',
    'sheet_file',
]


#: As records take them.
Positions = range | npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grid:
    """How pictures are laid out: how many, how many in a line, how many pixels each."""

    count: int
    columns: int
    size: int

    @property
    def rows(self) -> int:
        """How many lines there are."""
        return ceil(self.count / self.columns)


def evenly(count: int, most: int) -> Positions:
    """All positions of ``count``, or ``most`` of them at even distances.

    Examples
    --------
    >>> evenly(10, 4)
    array([0, 2, 5, 7])
    """
    return range(count) if count <= most else np.arange(most, dtype=np.int64) * count // most


def picked(positions: Positions, most: int) -> Positions:
    """``most`` of the positions at even distances, or all."""
    if len(positions) <= most:
        return positions
    return np.asarray(positions, dtype=np.int64)[evenly(len(positions), most)]


def check_size(value: Any, name: str) -> int:
    """An int of at least 1; what else there is becomes an error."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InvalidArgument(f'{name} must be an int of at least 1, not {value!r}')
    return int(value)


def grid_of(count: int, canvas_size: int, min_size: int) -> Grid:
    """The layout of as many pictures as fit, in squares as large as possible."""
    canvas, least = check_size(canvas_size, 'canvas_size'), check_size(min_size, 'min_size')
    if least > canvas:
        raise InvalidArgument(f'no picture of {least} pixels fits into canvas_size={canvas}')
    shown = min(count, (canvas // least) ** 2)
    columns = max(1, ceil(sqrt(shown)))
    return Grid(shown, columns, canvas // columns)


def chosen_positions(
    docs: Sequence[Document], source: str, skip_empty: bool, grid_for: Any
) -> tuple[Positions, Grid]:
    """Which Documents are drawn, and how; a warning tells of those left out for room.

    Raises
    ------
    InvalidArgument
        If no Document has a picture.
    """
    check_source(source)
    there: Positions = range(len(docs))
    if skip_empty:
        there = np.array(
            [i for i, doc in enumerate(docs) if has_picture(doc, source)], dtype=np.int64
        )
    if not len(there):
        what = f'no document has a {source}' if len(docs) else 'the array is empty'
        raise InvalidArgument(f'{what}: there are no pictures to show')
    grid = grid_for(len(there))
    if grid.count < len(there):
        warnings.warn(
            f'{grid.count} of {len(there)} pictures are shown, at even distances: no more fit '
            'into canvas_size with min_size pixels each',
            stacklevel=4,
        )
    return picked(there, grid.count), grid


def sheet(
    docs: Sequence[Document],
    positions: Positions,
    grid: Grid,
    source: str = 'tensor',
    channel_axis: int = -1,
    keep_aspect_ratio: bool = False,
    show_index: bool = False,
    show_progress: bool = False,
) -> Pixels:
    """The pictures of the Documents at ``positions``, line by line on white."""
    size = grid.size
    canvas = np.full((grid.rows * size, grid.columns * size, 3), 255, dtype=np.uint8)
    steps = [int(position) for position in positions]
    for at, position in enumerate(tracked_steps(steps, 'Drawing', show_progress)):
        picture = fit(picture_of(docs[position], source, channel_axis), size, keep_aspect_ratio)
        if show_index:
            picture = stamp(picture, position)
        top, left = at // grid.columns * size, at % grid.columns * size
        canvas[top : top + size, left : left + size] = picture
    return canvas


def dots_per_inch(picture: Pixels, inches: Any) -> float | None:
    """The resolution at which a picture has at most this width and height."""
    if inches is None:
        return None
    try:
        width, height = (float(side) for side in inches)
    except (TypeError, ValueError):
        width = height = 0.0
    if not (0 < width < float('inf') and 0 < height < float('inf')):
        raise InvalidArgument(f'fig_size must be two positive numbers of inches, not {inches!r}')
    return float(max(picture.shape[1] / width, picture.shape[0] / height))


def sheet_file(
    docs: Sequence[Document],
    canvas_size: int,
    min_size: int,
    fig_size: Any = None,
    skip_empty: bool = False,
    source: str = 'tensor',
    **options: Any,
) -> bytes:
    """The sheet of all Documents, or of as many as fit, as a PNG file."""
    positions, grid = chosen_positions(
        docs, source, skip_empty, lambda count: grid_of(count, canvas_size, min_size)
    )
    picture = sheet(docs, positions, grid, source, **options)
    return png(picture, dots_per_inch(picture, fig_size))
