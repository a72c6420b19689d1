"""The schema in a multimodal Document: which chunk is which attribute.

A Document made of a ``@docstore.dataclass`` says in its ``_metadata`` which
attributes it has, and where. It may come from a file, so nothing of it is
trusted: each entry is checked before it is followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .errors import InvalidDocument, InvalidType, UnknownAttribute, did_you_mean

if TYPE_CHECKING:
    from .document import Document
    from .document_fields import DocumentFields

__all__ = [
    'KINDS',
    'LISTS',
    'SCHEMA',
    'assign',
    'is_multimodal',
    'lookup',
    'members',
    'read',
    'schema_of',
]

#: The key of the schema in ``_metadata``.
SCHEMA = 'multi_modal_schema'

#: What an attribute can be. A field is one of the Document itself, as its text.
KINDS = frozenset({
    'document', 'iterable_document', 'nested', 'iterable_nested',
    'primitive', 'iterable_primitive', 'field',
})  # fmt: skip

#: The kinds that are a chunk whose chunks are the items.
LISTS = frozenset({'iterable_document', 'iterable_nested'})
_CHUNKS = LISTS | {'document', 'nested'}


def schema_of(doc: DocumentFields) -> Mapping[str, Any] | None:
    """The schema as it stands in the Document; None if it has none."""
    metadata = doc._data.get('_metadata')
    schema = metadata.get(SCHEMA) if isinstance(metadata, Mapping) else None
    return schema if isinstance(schema, Mapping) else None


def is_multimodal(doc: DocumentFields) -> bool:
    """Whether the Document was made of a dataclass or of a model."""
    return schema_of(doc) is not None


def lookup(doc: DocumentFields, name: str) -> tuple[str, int]:
    """The kind of an attribute, and the position of its chunk (-1 if it is in no chunk).

    Raises
    ------
    InvalidDocument
        If the Document is not multimodal, or its schema cannot be right.
    UnknownAttribute
        If it has no such attribute.
    """
    schema = schema_of(doc)
    if schema is None:
        raise InvalidDocument(
            f'the document {doc.id!r} is not multimodal: it has no attributes such as {name!r}, '
            'only one that was made of a @docstore.dataclass has'
        )
    if name not in schema:
        raise UnknownAttribute(
            f'the document {doc.id!r} has no attribute {name!r}{did_you_mean(name, schema)}'
        )
    entry = schema[name]
    kind = entry.get('attribute_type') if isinstance(entry, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidDocument(
            f'{_place(doc, name)}: the schema says {entry!r:.80}, which is no kind of attribute'
        )
    if kind not in _CHUNKS:
        return kind, -1
    position = entry.get('position')
    # Numbers of a protobuf are floats.
    if isinstance(position, float) and position.is_integer():
        position = int(position)
    count = len(doc.chunks)
    if type(position) is not int or not 0 <= position < count:
        raise InvalidDocument(
            f'{_place(doc, name)}: the schema says chunk {position!r:.40}, of {count} chunks'
        )
    return kind, position


def _place(doc: DocumentFields, name: str) -> str:
    return f'the attribute {name!r} of the document {doc.id!r}'


def _chunk(doc: DocumentFields, name: str) -> tuple[str, int]:
    kind, position = lookup(doc, name)
    if position < 0:
        where = f'doc.tags[{name!r}]' if kind != 'field' else 'a field of the document itself'
        raise UnknownAttribute(
            f'{_place(doc, name)} is a {kind}, which is not a Document: it is in {where}'
        )
    return kind, position


def read(doc: DocumentFields, name: str) -> Any:
    """The Document of an attribute, or the array of Documents of a list."""
    kind, position = _chunk(doc, name)
    chunk = doc.chunks[position]
    return chunk.chunks if kind in LISTS else chunk


def members(doc: DocumentFields, name: str) -> Iterable[Document]:
    """The Documents of an attribute: one, or those of a list."""
    kind, position = _chunk(doc, name)
    chunk = doc.chunks[position]
    return chunk.chunks if kind in LISTS else [chunk]


def assign(doc: DocumentFields, name: str, value: Any) -> None:
    """Put other Documents where an attribute is.

    Raises
    ------
    InvalidType
        If ``value`` is not a Document, or for a list an iterable of them.
    """
    kind, position = _chunk(doc, name)
    if hasattr(value, '_data'):
        docs = [value]
    elif isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise InvalidType(
            f'{_place(doc, name)}: expected a Document'
            f'{" or an iterable of them" if kind in LISTS else ""}, got {type(value).__name__} '
            f'({value!r:.40})'
        )
    else:
        docs = list(value)
    for item in docs:
        if not hasattr(item, '_data'):
            raise InvalidType(
                f'{_place(doc, name)}: expected Documents, got {type(item).__name__} ({item!r:.40})'
            )
    if kind in LISTS:
        doc.chunks[position].chunks = docs
    elif len(docs) == 1:
        doc.chunks[position] = docs[0]
    else:
        raise InvalidType(f'{_place(doc, name)} is one Document, got {len(docs)}')
