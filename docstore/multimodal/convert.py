"""An instance of a decorated class becomes a Document, and the other way round."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np

from ..document import Document
from ..errors import DocstoreError, InvalidDocument, InvalidType
from ..modal import SCHEMA, lookup, schema_of
from .annotations import Attribute, attributes_of

__all__ = ['to_document', 'values_from']

T = TypeVar('T')

#: What a primitive field takes: the types, and how they become plain.
_PLAIN: dict[type, tuple[tuple[type, ...], Callable[[Any], Any]]] = {
    str: ((str,), str),
    bool: ((bool, np.bool_), bool),
    int: ((Integral, np.bool_), lambda value: value if type(value) is bool else int(value)),
    float: ((Real, np.bool_), lambda value: value if type(value) in (int, bool) else float(value)),
    bytes: (
        (bytes, bytearray, memoryview),
        lambda value: base64.b64encode(value).decode('ascii'),
    ),
}


# ---- to a Document


def to_document(obj: Any, id: str | None = None) -> Document:
    """The Document that holds an instance of a decorated class.

    Raises
    ------
    InvalidType
        If a field has an annotation or a value that cannot be used.
    """
    return _document(obj, id, type(obj).__qualname__, ())


def _document(obj: Any, id: str | None, place: str, above: tuple[int, ...]) -> Document:
    if id_of(obj) in above:
        raise RecursionError(f'{place}: the object contains itself')
    above = (*above, id_of(obj))
    schema: dict[str, Any] = {}
    chunks: list[Document] = []
    tags: dict[str, Any] = {}
    for attribute in attributes_of(type(obj)):
        value = getattr(obj, attribute.name, None)
        if value is None:
            continue
        here = f'{place}.{attribute.name}'
        entry: dict[str, Any] = {'attribute_type': attribute.kind, 'type': attribute.type}
        if attribute.kind.endswith('primitive'):
            tags[attribute.name] = _primitives(attribute, value, here)
        else:
            entry['position'] = len(chunks)
            chunks.append(_chunk(attribute, value, here, above))
        schema[attribute.name] = entry
    fields: dict[str, Any] = {'tags': tags} if tags else {}
    if id is not None:
        fields['id'] = id
    return Document({**fields, '_metadata': {SCHEMA: schema}, 'chunks': chunks or None})


id_of = id


def _items(value: Any, place: str) -> list[Any]:
    if isinstance(value, (str, bytes, Mapping, Document)) or not isinstance(value, Iterable):
        raise InvalidType(f'{place}: expected a list, got {type(value).__name__} ({value!r:.60})')
    return list(value)


def _primitives(attribute: Attribute, value: Any, place: str) -> Any:
    if attribute.kind == 'primitive':
        return _primitive(attribute.item, value, place)
    return [
        _primitive(attribute.item, item, f'{place}[{i}]')
        for i, item in enumerate(_items(value, place))
    ]


def _primitive(kind: type, value: Any, place: str) -> Any:
    accepted, plain = _PLAIN[kind]
    if not isinstance(value, accepted):
        raise InvalidType(
            f'{place}: expected {kind.__name__}, got {type(value).__name__} ({value!r:.60})'
        )
    return plain(value)


def _chunk(attribute: Attribute, value: Any, place: str, above: tuple[int, ...]) -> Document:
    if not attribute.kind.startswith('iterable_'):
        return _one(attribute, value, place, above)
    items = enumerate(_items(value, place))
    chunks = [_one(attribute, item, f'{place}[{i}]', above) for i, item in items]
    return Document(chunks=chunks or None)


def _one(attribute: Attribute, value: Any, place: str, above: tuple[int, ...]) -> Document:
    if attribute.kind.endswith('nested'):
        if not isinstance(value, attribute.item):
            raise InvalidType(
                f'{place}: expected {attribute.item.__name__}, got {type(value).__name__} '
                f'({value!r:.60})'
            )
        return _document(value, None, place, above)
    assert attribute.setter is not None
    if value is None:
        raise InvalidType(f'{place}: None can stand for a field, but not for an item of a list')
    doc = _at(place, attribute.setter, value)
    if not isinstance(doc, Document):
        raise InvalidType(f'{place}: the setter must return a Document, not {type(doc).__name__}')
    return doc


def _at(place: str, function: Callable[[Any], Any], value: Any) -> Any:
    """The result of a setter or getter; its errors say which field it was."""
    try:
        return function(value)
    except DocstoreError as error:
        raise type(error)(f'{place}: {error}', **vars(error)) from error
    except FileNotFoundError as error:
        raise FileNotFoundError(f'{place}: {error}') from error


# ---- from a Document


def values_from(cls: type, doc: Document) -> dict[str, Any]:
    """The arguments that make an instance of ``cls`` of a Document.

    Raises
    ------
    InvalidDocument
        If the Document is not multimodal, lacks a field, or has another value there.
    """
    schema = schema_of(doc)
    if schema is None:
        raise InvalidDocument(
            f'{doc!r} is not a multimodal Document: no {cls.__qualname__} can be made of it; '
            'it should come from Document(instance)'
        )
    values: dict[str, Any] = {}
    for attribute in attributes_of(cls):
        name = attribute.name
        if not attribute.init:
            continue
        if name in schema:
            place = f'{cls.__qualname__}.{name} of the document {doc.id!r}'
            values[name] = _value(attribute, doc, place)
        elif attribute.default:
            pass
        elif attribute.optional:
            values[name] = None
        else:
            raise InvalidDocument(
                f'{cls.__qualname__}.{name} has no default, and the document {doc.id!r} has '
                f'no {name!r}: it has {", ".join(map(repr, schema)) or "nothing"}'
            )
    return values


def _value(attribute: Attribute, doc: Document, place: str) -> Any:
    kind, position = lookup(doc, attribute.name)
    if kind != attribute.kind:
        raise InvalidDocument(f'{place}: expected a {attribute.kind}, the document has a {kind}')
    if position < 0:
        return _from_tags(attribute, doc, place)
    chunk = doc.chunks[position]
    if not kind.startswith('iterable_'):
        return _from_chunk(attribute, chunk, place)
    return [_from_chunk(attribute, item, f'{place} [{i}]') for i, item in enumerate(chunk.chunks)]


def _from_chunk(attribute: Attribute, chunk: Document, place: str) -> Any:
    if attribute.kind.endswith('nested'):
        return attribute.item(**values_from(attribute.item, chunk))
    if attribute.getter is None:
        raise InvalidType(f'{place}: docstore.field has a setter, and no getter for the way back')
    return _at(place, attribute.getter, chunk)


def _from_tags(attribute: Attribute, doc: Document, place: str) -> Any:
    name = attribute.name
    if name not in doc.tags:
        raise InvalidDocument(f'{place} should be in its tags, which lack it')
    value = doc.tags[name]
    if attribute.kind == 'primitive':
        return _typed(attribute.item, value, place)
    if not isinstance(value, (list, tuple)):
        raise InvalidDocument(f'{place}: expected a list in its tags, got {value!r:.60}')
    return [_typed(attribute.item, item, f'{place} [{i}]') for i, item in enumerate(value)]


def _typed(kind: type, value: Any, place: str) -> Any:
    """A tag as the annotation has it: numbers of a protobuf or of JSON are floats."""
    if kind is bytes and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            pass
    elif kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    elif kind is bool and type(value) in (int, float) and value in (0, 1):
        return bool(value)
    elif isinstance(value, _PLAIN[kind][0]) and kind is not bytes:
        return value
    raise InvalidDocument(f'{place}: expected {kind.__name__}, its tags have {value!r:.60}')
