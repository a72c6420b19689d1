"""The media types: a value becomes a Document, and the Document the value again.

What a value was given as (a URI, an array, bytes) is kept in ``_metadata``, so
that the same comes back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

import numpy as np

from .. import typing as media_types
from ..array import DocumentArray
from ..document import Document
from ..errors import InvalidDocument, InvalidType, MissingDependency

__all__ = ['MEDIA']

Setter = Callable[[Any], Document]
Getter = Callable[[Document], Any]

#: How many points of a mesh are taken.
_POINTS = 1000


def _wrong(value: Any, expected: str) -> InvalidType:
    return InvalidType(f'expected {expected}, got {type(value).__name__} ({value!r:.60})')


def _uri(value: Any) -> str | None:
    return os.fspath(value) if isinstance(value, (str, os.PathLike)) else None


def _given_as(doc: Document, key: str) -> str:
    """What a value was given as."""
    metadata = doc._data.get('_metadata')
    kind = metadata.get(key) if isinstance(metadata, dict) else None
    if not isinstance(kind, str):
        raise InvalidDocument(f'the document {doc.id!r} does not say its {key} in _metadata')
    return kind


def _set_text(value: Any) -> Document:
    if not isinstance(value, str):
        raise _wrong(value, 'a str')
    return Document(text=value, modality='text')


def _set_uri(value: Any) -> Document:
    uri = _uri(value)
    if uri is None:
        raise _wrong(value, 'a URI (a str)')
    return Document(uri=uri)


def _set_blob(value: Any) -> Document:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Document(blob=bytes(value), _metadata={'blob_type': 'bytes'})
    uri = _uri(value)
    if uri is None:
        raise _wrong(value, 'bytes or a URI')
    return _loaded(Document(uri=uri, _metadata={'blob_type': 'uri'}), 'load_uri_to_blob')


def _get_blob(doc: Document) -> Any:
    return doc.uri if _given_as(doc, 'blob_type') == 'uri' else doc.blob


def _set_json(value: Any) -> Document:
    if isinstance(value, dict):
        return Document(modality='json', tags=value)
    # Tags are a dict; what is none goes inside one.
    return Document(modality='json', tags={'value': value}, _metadata={'json_type': 'value'})


def _get_json(doc: Document) -> Any:
    metadata = doc._data.get('_metadata')
    if isinstance(metadata, dict) and metadata.get('json_type') == 'value':
        return deepcopy(doc.tags.get('value'))
    # A copy: tags of a stored Document would write through.
    return deepcopy(doc.tags)


def _set_tabular(value: Any) -> Document:
    uri = _uri(value)
    if uri is None:
        raise _wrong(value, 'the path of a CSV file')
    rows = DocumentArray.from_csv(uri)
    return Document(uri=uri, modality='tabular', chunks=rows)


def _loaded(doc: Document, method: str, *args: Any) -> Document:
    getattr(cast(Any, doc), method)(*args)
    return doc


def _array_setter(modality: str, method: str, *args: Any) -> Setter:
    """The setter of a medium that is given as a URI or as an array."""

    def setter(value: Any) -> Document:
        uri, key = _uri(value), f'{modality}_type'
        if uri is not None:
            doc = Document(uri=uri, modality=modality, _metadata={key: 'uri'})
            return _loaded(doc, method, *args)
        if not isinstance(value, np.ndarray):
            image = modality == 'image'
            raise _wrong(value, f'a URI or a NumPy array{" or a Pillow image" if image else ""}')
        return Document(tensor=value, modality=modality, _metadata={key: 'ndarray'})

    return setter


def _array_getter(modality: str) -> Getter:
    def getter(doc: Document) -> Any:
        return doc.uri if _given_as(doc, f'{modality}_type') == 'uri' else doc.tensor

    return getter


_set_array_image = _array_setter('image', 'load_uri_to_image_tensor')


def _set_image(value: Any) -> Document:
    # Known by its module: Pillow need not be there for the others.
    if any(kind.__module__.startswith('PIL.') for kind in type(value).__mro__):
        return Document(tensor=np.array(value), modality='image', _metadata={'image_type': 'PIL'})
    return _set_array_image(value)


def _get_image(doc: Document) -> Any:
    kind = _given_as(doc, 'image_type')
    if kind != 'PIL':
        return doc.uri if kind == 'uri' else doc.tensor
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependency.of('pillow', 'media', 'an image of Pillow') from error
    try:
        return Image.fromarray(doc.tensor)
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidDocument(f'the tensor of the document {doc.id!r} is no image') from error


#: The setter and the getter of each type.
MEDIA: dict[Any, tuple[Setter, Getter]] = {
    media_types.Text: (_set_text, lambda doc: doc.text),
    media_types.URI: (_set_uri, lambda doc: doc.uri),
    media_types.Blob: (_set_blob, _get_blob),
    media_types.JSON: (_set_json, _get_json),
    media_types.Tabular: (_set_tabular, lambda doc: doc.uri),
    media_types.Image: (_set_image, _get_image),
    media_types.Audio: (_array_setter('audio', 'load_uri_to_audio_tensor'), _array_getter('audio')),
    media_types.Video: (_array_setter('video', 'load_uri_to_video_tensor'), _array_getter('video')),
    media_types.Mesh: (
        _array_setter('mesh', 'load_uri_to_point_cloud_tensor', _POINTS),
        _array_getter('mesh'),
    ),
}
