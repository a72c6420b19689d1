"""The fields of a Document: name, default, wire number, said once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ['CONTENT_FIELDS', 'FIELDS', 'FIELD_BY_NAME', 'FIELD_NAMES', 'VECTOR_FIELDS', 'Field']


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a Document.

    Parameters
    ----------
    name : str
        The attribute.
    kind : str
        What it holds, one of ``str int float bytes array dict scores floats
        documents``.
    default : callable
        Makes the value that an unset field shows.
    wire : int
        Its number in the legacy protobuf ``DocumentProto``.
    content : bool
        Whether it is one of the three that exclude each other.
    vector : bool
        Whether stores keep it in a native column.
    """

    name: str
    kind: str
    default: Callable[[], Any]
    wire: int
    content: bool = False
    vector: bool = False

    @property
    def container(self) -> bool:
        """Whether an empty value counts as unset."""
        return self.kind in {'dict', 'scores', 'floats', 'documents'}


def _none() -> None:
    return None


# The canonical order: of non_empty_fields, repr and tables.
FIELDS: tuple[Field, ...] = (
    Field('id', 'str', str, 1),
    Field('parent_id', 'str', str, 7),
    Field('granularity', 'int', int, 5),
    Field('adjacency', 'int', int, 6),
    Field('blob', 'bytes', bytes, 2, content=True),
    Field('tensor', 'array', _none, 3, content=True),
    Field('mime_type', 'str', str, 11),
    Field('text', 'str', str, 4, content=True),
    Field('weight', 'float', float, 8),
    Field('uri', 'str', str, 9),
    Field('tags', 'dict', dict, 17),
    Field('_metadata', 'dict', dict, 20),
    Field('offset', 'float', float, 12),
    Field('location', 'floats', list, 13),
    Field('embedding', 'array', _none, 16, vector=True),
    Field('modality', 'str', str, 10),
    Field('evaluations', 'scores', dict, 19),
    Field('scores', 'scores', dict, 18),
    Field('chunks', 'documents', list, 14),
    Field('matches', 'documents', list, 15),
)

FIELD_BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}
FIELD_NAMES: tuple[str, ...] = tuple(FIELD_BY_NAME)
CONTENT_FIELDS: tuple[str, ...] = tuple(f.name for f in FIELDS if f.content)
VECTOR_FIELDS: tuple[str, ...] = tuple(f.name for f in FIELDS if f.vector)
