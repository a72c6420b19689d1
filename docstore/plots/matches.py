"""The picture of a Document beside those of its matches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..display.pixels import Pixels, fit, png, rgb_of, stamp
from ..errors import DocstoreError, InvalidArgument
from .pictures import SOURCES, has_picture, picture_of
from .sprites import check_size

if TYPE_CHECKING:
    from ..document import Document

__all__ = ['matches_sheet']

_FRAME = (224, 102, 42)


def matches_sheet(
    doc: Document,
    top_k: int = 10,
    channel_axis: int = -1,
    inv_normalize: bool = False,
    skip_empty: bool = False,
    canvas_size: int = 1920,
    min_size: int = 100,
) -> bytes:
    """A PNG: the Document in a frame, then its first matches with their rank.

    Raises
    ------
    InvalidArgument
        If there are no matches, or one has no picture.
    """
    most, canvas = check_size(top_k, 'top_k'), check_size(canvas_size, 'canvas_size')
    least = check_size(min_size, 'min_size')
    if least > canvas:
        raise InvalidArgument(f'no picture of {least} pixels fits into canvas_size={canvas}')
    matches = [m for m in list(doc.matches)[:most] if _source(m) or not skip_empty]
    if not matches:
        raise InvalidArgument(
            f'document {doc.id!r} has no matches with pictures; call match() first'
        )
    shown = [doc] * (_source(doc) is not None or not skip_empty) + matches
    columns = min(len(shown), canvas // least)
    size = canvas // columns
    rows = -(-len(shown) // columns)
    sheet = np.full((rows * size, columns * size, 3), 255, dtype=np.uint8)
    for at, each in enumerate(shown):
        cell = fit(_picture(each, channel_axis, inv_normalize), size - 4)
        top, left = at // columns * size + 2, at % columns * size + 2
        if each is doc:
            sheet[top - 2 : top + size - 2, left - 2 : left + size - 2] = _FRAME
        else:
            cell = stamp(cell, at + (shown[0] is not doc))
        sheet[top : top + size - 4, left : left + size - 4] = cell
    return png(sheet)


def _source(doc: Document) -> str | None:
    return next((source for source in SOURCES if has_picture(doc, source)), None)


def _picture(doc: Document, channel_axis: int, inv_normalize: bool) -> Pixels:
    source = _source(doc)
    if source is None:
        raise InvalidArgument(
            f'document {doc.id!r} has no tensor, uri or blob to make a picture of; '
            'skip_empty=True leaves it out'
        )
    if source == 'tensor' and inv_normalize:
        from ..media.pixels import denormalize

        try:
            tensor: Any = np.asarray(doc.tensor, dtype=np.float32)
            return rgb_of(denormalize(tensor, channel_axis), channel_axis)
        except DocstoreError as error:
            raise type(error)(f'tensor of document {doc.id!r}: {error}', **vars(error)) from error
    return picture_of(doc, source, channel_axis)
