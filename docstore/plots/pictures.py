"""The picture of a Document, as pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..display.pixels import Pixels, rgb_of
from ..errors import DocstoreError, InvalidArgument, MissingDependency, did_you_mean

if TYPE_CHECKING:
    from ..document import Document

__all__ = ['SOURCES', 'check_source', 'has_picture', 'picture_of']

#: The fields that a picture can come from.
SOURCES = ('tensor', 'uri', 'blob')

# What is opened for a picture: enough for any photograph, and it ends.
_LARGEST_FILE = 1 << 28
_LARGEST_PICTURE = 1 << 30
_LONGEST_WAIT = 60.0


def check_source(source: str) -> None:
    """Refuse what is no field that a picture can come from."""
    if source not in SOURCES:
        hint = did_you_mean(source, SOURCES)
        raise InvalidArgument(f'image_source={source!r} is none of the fields with pictures{hint}')


def has_picture(doc: Document, source: str) -> bool:
    """Whether the field that the picture would come from is set."""
    value = doc._data.get(source)
    return value is not None and (source == 'tensor' or len(value) > 0)


def picture_of(doc: Document, source: str = 'tensor', channel_axis: int = -1) -> Pixels:
    """The picture of a Document: height, width, and red, green and blue.

    Raises
    ------
    InvalidArgument, CorruptData, UriError
        If there is none, or it cannot be read; the message names the Document.
    """
    if not has_picture(doc, source):
        raise InvalidArgument(
            f'document {doc.id!r} has no {source}, so it has no picture; try another '
            'image_source, or skip_empty=True'
        )
    value = doc._data.get(source)
    try:
        if source == 'tensor':
            return rgb_of(value, channel_axis)
        return _decoded(value, source)
    except MissingDependency:
        raise
    except DocstoreError as error:
        message = f'{source} of document {doc.id!r}: {error}; try another image_source'
        if source == 'tensor':
            message += ' or channel_axis'
        raise type(error)(message, **vars(error)) from error


def _decoded(value: Any, source: str) -> Pixels:
    from ..media import images, uris

    if source == 'uri':
        policy = uris.UriPolicy(max_bytes=_LARGEST_FILE, timeout=_LONGEST_WAIT)
        value = uris.read(value, policy)
    return images.decode(value, max_decoded=_LARGEST_PICTURE)[0]
