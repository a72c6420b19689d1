"""Pydantic models as Documents, and Documents as models again.

A nested model becomes a chunk, an array marked with :data:`Embedding` or
:data:`Tensor` that field, and any other value its JSON form in the tags. What
would not come back as it is, is refused.
"""

from __future__ import annotations

import json
from copy import deepcopy
from math import isnan
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .document import Document
from .errors import EncodeError, InvalidDocument, InvalidType
from .modal import SCHEMA, lookup, schema_of
from .model_parts import Embedding, Part, Tensor, Vector, parts_of, pydantic

if TYPE_CHECKING:
    from pydantic import BaseModel

    from .document_fields import DocumentFields

__all__ = ['Embedding', 'Tensor', 'Vector', 'to_document', 'to_model']

M = TypeVar('M')

#: Fields of this name and type go into the Document's own, where there is room.
_OWN: dict[str, type] = {'id': str, 'text': str, 'uri': str, 'blob': bytes}
_CONTENT = frozenset({'text', 'blob', 'tensor'})
_FIELDS = frozenset(_OWN) | {'tensor', 'embedding'}


# ---- to a Document


def to_document(model: Any) -> Document:
    """The Document of a pydantic model, or of an instance of a ``@docstore.dataclass``.

    Raises
    ------
    InvalidType
        If it is neither.
    EncodeError
        If a value would not come back as it is.
    """
    convert = getattr(type(model), '__docstore_document__', None)
    if convert is not None:
        made: Document = convert(model)
        return made
    if not isinstance(model, pydantic().BaseModel):
        raise InvalidType(
            'expected a pydantic model or an instance of a @docstore.dataclass, got '
            f'{type(model).__name__}'
        )
    return _Writer(type(model).__name__, ()).document(model)


class _Writer:
    """Fills the fields of one Document with one model."""

    def __init__(self, place: str, above: tuple[int, ...]) -> None:
        self.place = place
        self.above = above
        self.schema: dict[str, Any] = {}
        self.tags: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}
        self.chunks: list[Document] = []

    def document(self, model: BaseModel) -> Document:
        if id(model) in self.above:
            raise RecursionError(f'{self.place}: the model contains itself')
        self.above = (*self.above, id(model))
        for part in parts_of(type(model)):
            self.write(part, getattr(model, part.name))
        for name, value in (model.__pydantic_extra__ or {}).items():
            plain = Part(name, name, None, None, False, pydantic().TypeAdapter(Any))
            self.plain(plain, value, 'extra')
        if self.tags:
            self.fields['tags'] = self.tags
        return Document(
            {**self.fields, '_metadata': {SCHEMA: self.schema}, 'chunks': self.chunks or None}
        )

    def write(self, part: Part, value: Any) -> None:
        if value is None:
            self.tags[part.name] = None
            self.enter(part, 'primitive', 'None')
        elif part.vector is not None:
            self.vector(part, value)
        elif part.many:
            if type(value) is not list:
                raise self.wrong(part, value, f'a list of {part.nested.__name__}')
            items = [self.nested(part, item, f'[{i}]') for i, item in enumerate(value)]
            self.chunk(
                part, 'iterable_nested', part.nested.__name__, Document(chunks=items or None)
            )
        elif part.nested is not None:
            self.chunk(part, 'nested', part.nested.__name__, self.nested(part, value))
        elif type(value) is _OWN.get(part.name) and value and self.free(part.name):
            self.fields[part.name] = value
            self.enter(part, 'field', part.name)
        else:
            self.plain(part, value, type(value).__name__)
            if part.name == 'id' and type(value) is int:
                self.fields['id'] = str(value)

    def free(self, field: str) -> bool:
        taken = _CONTENT if field in _CONTENT else {field}
        return taken.isdisjoint(self.fields)

    def enter(self, part: Part, kind: str, type_name: str) -> None:
        self.schema[part.name] = {'attribute_type': kind, 'type': type_name}

    def chunk(self, part: Part, kind: str, type_name: str, doc: Document) -> None:
        self.enter(part, kind, type_name)
        self.schema[part.name]['position'] = len(self.chunks)
        self.chunks.append(doc)

    def vector(self, part: Part, value: Any) -> None:
        assert part.vector is not None
        if not isinstance(value, np.ndarray):
            raise self.wrong(part, value, 'a NumPy array')
        if self.free(part.vector):
            self.fields[part.vector] = value
            self.enter(part, 'field', part.vector)
        else:
            # The second of its kind: a Document has room for one.
            self.chunk(part, 'document', part.vector, Document({part.vector: value}))

    def nested(self, part: Part, value: Any, index: str = '') -> Document:
        if type(value) is not part.nested:
            # A subclass would come back without what it adds.
            raise self.wrong(part, value, f'exactly {part.nested.__name__}', index)
        return _Writer(f'{self.place}.{part.name}{index}', self.above).document(value)

    def plain(self, part: Part, value: Any, type_name: str) -> None:
        place = f'{self.place}.{part.name}'
        hint = (
            '; mark it with docstore.models.Embedding or Tensor'
            if isinstance(value, np.ndarray)
            else ''
        )
        try:
            tag = part.adapter.dump_python(value, mode='json', by_alias=True, warnings=False)
            again = part.adapter.validate_json(json.dumps(tag))
        except (ValueError, TypeError, RecursionError, pydantic().PydanticUserError) as error:
            raise EncodeError(
                f'{place}: {value!r:.60} has no form in JSON{hint}: {error}'
            ) from error
        if not _same(value, again):
            raise EncodeError(
                f'{place}: {value!r:.60} would come back from JSON as {again!r:.60}{hint}'
            )
        self.tags[part.name] = tag
        self.enter(part, 'primitive', type_name)

    def wrong(self, part: Part, value: Any, expected: str, index: str = '') -> EncodeError:
        return EncodeError(
            f'{self.place}.{part.name}{index}: expected {expected}, got {type(value).__name__} '
            f'({value!r:.60})'
        )


def _same(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, float):
        return left == right or (isnan(left) and isnan(right))
    return isinstance(left == right, bool) and left == right


# ---- to a model


def to_model(kind: type[M], doc: DocumentFields) -> M:
    """The model, or instance of a ``@docstore.dataclass``, that a Document holds.

    A Document that was not made of a model gives its fields and tags by name.

    Raises
    ------
    InvalidDocument
        If it lacks a field, or has a value that is not valid.
    """
    if getattr(kind, '__is_multimodal__', False):
        return kind(doc)  # type: ignore[call-arg]  # the decorator lets it
    if not (isinstance(kind, type) and issubclass(kind, pydantic().BaseModel)):
        raise InvalidType(f'expected a pydantic model or a @docstore.dataclass, got {kind!r}')
    model: Any = kind
    values = _values(model, doc)
    made: M = _checked(
        lambda: model.model_validate(values), f'{kind.__name__} of the document {doc.id!r}'
    )
    return made


def _checked(make: Any, place: str) -> Any:
    try:
        return make()
    except pydantic().ValidationError as error:
        problems = '; '.join(
            f'{".".join(map(str, problem["loc"])) or "value"}: {problem["msg"]}'
            for problem in error.errors()[:5]
        )
        raise InvalidDocument(f'{place}: {problems}') from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidDocument(f'{place}: {error}') from error


def _values(kind: type[BaseModel], doc: DocumentFields) -> Any:
    schema = schema_of(doc)
    values: dict[str, Any] = {}
    for part in parts_of(kind):
        place = f'{kind.__name__}.{part.name} of the document {doc.id!r}'
        if schema is None:
            if (found := _by_name(part, doc)) is not None:
                values[part.alias] = _decoded(part, found, place)
        elif part.name in schema:
            values[part.alias] = _value(part, doc, schema, place)
    if schema is not None and kind.model_config.get('extra') == 'allow':
        known = kind.model_fields
        extra = (name for name in schema if name not in known and name in doc.tags)
        values.update((name, deepcopy(doc.tags[name])) for name in extra)
    if issubclass(kind, pydantic().RootModel):
        return values.get('root')
    return values


def _by_name(part: Part, doc: DocumentFields) -> Any:
    field = part.vector or part.name
    if field in _FIELDS and doc._data.get(field) is not None:
        return doc._data.get(field)
    return doc.tags.get(part.name)


def _value(part: Part, doc: DocumentFields, schema: Any, place: str) -> Any:
    kind, position = lookup(doc, part.name)
    if kind == 'field':
        return _own(schema[part.name].get('type'), part, doc, place)
    if kind in ('primitive', 'iterable_primitive'):
        if part.name not in doc.tags:
            raise InvalidDocument(f'{place} should be in its tags, which lack it')
        return _decoded(part, doc.tags[part.name], place)
    chunk = doc.chunks[position]
    expected = 'iterable_nested' if part.many else 'nested' if part.nested else 'document'
    if kind != expected or (kind == 'document' and part.vector is None):
        raise InvalidDocument(f'{place}: the document has a {kind} there')
    if kind == 'document':
        return _own(part.vector, part, chunk, place)
    if kind == 'nested':
        return to_model(part.nested, chunk)
    return [to_model(part.nested, item) for item in chunk.chunks]


def _own(field: Any, part: Part, doc: DocumentFields, place: str) -> Any:
    allowed = part.vector or part.name
    value = doc._data.get(allowed) if field == allowed and allowed in _FIELDS else None
    if value is None:
        raise InvalidDocument(f'{place} should be in {field!r:.40}, which is not set')
    return value


def _decoded(part: Part, value: Any, place: str) -> Any:
    if part.adapter is None or value is None or isinstance(value, bytes):
        return value
    return _checked(lambda: part.adapter.validate_json(json.dumps(value)), place)
