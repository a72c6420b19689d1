"""A Document as a pydantic model, field by field: for requests and responses of web APIs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from .codecs.jsons import from_plain, to_plain
from .errors import InvalidDocument, InvalidType, MissingDependency
from .state import to_record

try:
    from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
except ImportError as error:
    raise MissingDependency.of('pydantic', 'pydantic', 'docstore.pydantic_model') from error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .document_fields import DocumentFields

__all__ = [
    'PydanticDocument',
    'PydanticDocumentArray',
    'PydanticScore',
    'json_schema',
    'record_of',
    'to_pydantic',
]


class PydanticScore(BaseModel):
    """A score: a number, and how it came about."""

    model_config: ClassVar[ConfigDict] = ConfigDict(ser_json_inf_nan='constants')

    value: float | None = None
    op_name: str | None = None
    description: str | None = None
    ref_id: str | None = None


class PydanticDocument(BaseModel):
    """The fields of a Document, each None when it is not set.

    A blob is in base64, tensors and embeddings are lists of numbers.

    Examples
    --------
    >>> from docstore import Document
    >>> model = Document(id='a', text='x', tags={'n': 1}).to_pydantic_model()
    >>> model.text, model.tags
    ('x', {'n': 1})
    >>> Document.from_pydantic_model(model)
    <Document ('id', 'text', 'tags') at a>
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        populate_by_name=True, ser_json_inf_nan='constants'
    )

    id: str | None = None
    parent_id: str | None = None
    granularity: int | None = None
    adjacency: int | None = None
    blob: str | None = None
    tensor: Any | None = None
    mime_type: str | None = None
    text: str | None = None
    weight: float | None = None
    uri: str | None = None
    tags: dict[str, Any] | None = None
    offset: float | None = None
    location: list[float] | None = None
    embedding: Any | None = None
    modality: str | None = None
    evaluations: dict[str, PydanticScore] | None = None
    scores: dict[str, PydanticScore] | None = None
    chunks: list[PydanticDocument] | None = None
    matches: list[PydanticDocument] | None = None
    metadata_: dict[str, Any] | None = Field(default=None, alias='_metadata')

    @property
    def _metadata(self) -> dict[str, Any] | None:
        return self.metadata_


#: For a request or a response of many Documents.
PydanticDocumentArray = list[PydanticDocument]


def to_pydantic(doc: DocumentFields) -> PydanticDocument:
    """The model of a Document."""
    return PydanticDocument.model_validate(to_plain(to_record(doc._data), exclude_none=True))


def record_of(model: PydanticDocument) -> dict[str, Any]:
    """The plain fields of a model.

    Raises
    ------
    InvalidDocument
        If a field has a value of another type than its own.
    """
    if not isinstance(model, PydanticDocument):
        raise InvalidType(f'expected a PydanticDocument, got {type(model).__name__}')
    try:
        return from_plain(model.model_dump(by_alias=True, exclude_none=True, warnings=False))
    except (ValueError, RecursionError) as error:
        raise InvalidDocument(f'the document {model.id!r}: {error}') from error


def records_of(models: Iterable[PydanticDocument]) -> list[dict[str, Any]]:
    """The plain fields of models; an error says which one it is about."""
    records = []
    for position, model in enumerate(models):
        try:
            records.append(record_of(model))
        except (InvalidDocument, InvalidType) as error:
            raise type(error)(f'[{position}]: {error}') from error
    return records


def json_schema(many: bool, indent: int | None = 2) -> str:
    """The JSON schema of one Document, or of many."""
    kind: Any = PydanticDocumentArray if many else PydanticDocument
    return json.dumps(TypeAdapter(kind).json_schema(), indent=indent)
