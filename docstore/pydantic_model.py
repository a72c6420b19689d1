"""A Document as a pydantic model, field by field: for requests and responses of web APIs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Optional

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

    value: Optional[float] = None  # noqa: UP045
    op_name: Optional[str] = None  # noqa: UP045
    description: Optional[str] = None  # noqa: UP045
    ref_id: Optional[str] = None  # noqa: UP045


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

    id: Optional[str] = None  # noqa: UP045
    parent_id: Optional[str] = None  # noqa: UP045
    granularity: Optional[int] = None  # noqa: UP045
    adjacency: Optional[int] = None  # noqa: UP045
    blob: Optional[str] = None  # noqa: UP045
    tensor: Optional[Any] = None  # noqa: UP045
    mime_type: Optional[str] = None  # noqa: UP045
    text: Optional[str] = None  # noqa: UP045
    weight: Optional[float] = None  # noqa: UP045
    uri: Optional[str] = None  # noqa: UP045
    tags: Optional[dict[str, Any]] = None  # noqa: UP045
    offset: Optional[float] = None  # noqa: UP045
    location: Optional[list[float]] = None  # noqa: UP045
    embedding: Optional[Any] = None  # noqa: UP045
    modality: Optional[str] = None  # noqa: UP045
    evaluations: Optional[dict[str, PydanticScore]] = None  # noqa: UP045
    scores: Optional[dict[str, PydanticScore]] = None  # noqa: UP045
    chunks: Optional[list[PydanticDocument]] = None  # noqa: UP045
    matches: Optional[list[PydanticDocument]] = None  # noqa: UP045
    metadata_: Optional[dict[str, Any]] = Field(default=None, alias='_metadata')  # noqa: UP045

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
