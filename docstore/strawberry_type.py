"""A Document as GraphQL types of strawberry: what an API gives, and what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

from .codecs.jsons import from_plain, to_plain
from .errors import InvalidDocument, InvalidType, MissingDependency
from .state import to_record

try:
    import strawberry
    from strawberry.scalars import JSON, Base64
except ImportError as error:
    raise MissingDependency.of(
        'strawberry-graphql', 'graphql', 'docstore.strawberry_type'
    ) from error

if TYPE_CHECKING:
    from .document_fields import DocumentFields

__all__ = [
    'StrawberryDocument',
    'StrawberryDocumentInput',
    'StrawberryNamedScore',
    'StrawberryNamedScoreInput',
    'StrawberryScore',
    'StrawberryScoreInput',
    'record_of',
    'to_strawberry',
]

_SCORES = ('evaluations', 'scores')
_NESTED = ('chunks', 'matches')


@strawberry.type
class StrawberryScore:
    """A score: a number, and how it came about."""

    value: float | None = None
    op_name: str | None = None
    description: str | None = None
    ref_id: str | None = None


@strawberry.input
class StrawberryScoreInput(StrawberryScore):
    """A score, as it is given."""


@strawberry.type
class StrawberryNamedScore:
    """A score and its name: GraphQL has no mappings."""

    name: str
    score: StrawberryScore


@strawberry.input
class StrawberryNamedScoreInput:
    """A score and its name, as they are given."""

    name: str
    score: StrawberryScoreInput


@strawberry.type
class _Fields:
    """The fields that a Document has by itself."""

    id: str | None = None
    parent_id: str | None = None
    granularity: int | None = None
    adjacency: int | None = None
    blob: Base64 | None = None
    tensor: JSON | None = None
    mime_type: str | None = None
    text: str | None = None
    weight: float | None = None
    uri: str | None = None
    tags: JSON | None = None
    offset: float | None = None
    location: list[float] | None = None
    embedding: JSON | None = None
    modality: str | None = None


@strawberry.type
class StrawberryDocument(_Fields):
    """The fields of a Document, as an API gives them.

    A blob is in base64, tensors and embeddings are lists of numbers.

    Examples
    --------
    >>> from docstore import Document
    >>> made = Document(id='a', text='x').to_strawberry_type()
    >>> made.text
    'x'
    >>> Document.from_strawberry_type(made)
    <Document ('id', 'text') at a>
    """

    evaluations: list[StrawberryNamedScore] | None = None
    scores: list[StrawberryNamedScore] | None = None
    chunks: list[StrawberryDocument] | None = None
    matches: list[StrawberryDocument] | None = None


@strawberry.input
class StrawberryDocumentInput(_Fields):
    """The fields of a Document, as an API takes them."""

    evaluations: list[StrawberryNamedScoreInput] | None = None
    scores: list[StrawberryNamedScoreInput] | None = None
    chunks: list[StrawberryDocumentInput] | None = None
    matches: list[StrawberryDocumentInput] | None = None


_Given = Union[StrawberryDocument, StrawberryDocumentInput]
_NAMES = tuple(StrawberryDocument.__dataclass_fields__)


def to_strawberry(doc: DocumentFields) -> StrawberryDocument:
    """The GraphQL type of a Document."""
    record = to_record(doc._data)
    made = _type_of(to_plain(record, exclude_none=True))
    _put_blobs(made, record)
    return made


def _type_of(plain: dict[str, Any]) -> StrawberryDocument:
    fields = {name: value for name, value in plain.items() if name in _NAMES and name != 'blob'}
    for name in _SCORES:
        if name in fields:
            fields[name] = [
                StrawberryNamedScore(name=key, score=StrawberryScore(**score))
                for key, score in fields[name].items()
            ]
    for name in _NESTED:
        if name in fields:
            fields[name] = [_type_of(child) for child in fields[name]]
    return StrawberryDocument(**fields)


def _put_blobs(made: StrawberryDocument, record: dict[str, Any]) -> None:
    """The blobs as they are: the schema writes the base64."""
    made.blob = record.get('blob')
    for name in _NESTED:
        children = zip(getattr(made, name) or (), record.get(name) or (), strict=True)
        for child, its_record in children:
            _put_blobs(child, its_record)


def record_of(model: _Given) -> dict[str, Any]:
    """The plain fields of a GraphQL type or input.

    Raises
    ------
    InvalidDocument
        If a field has a value of another type than its own.
    """
    if not isinstance(model, (StrawberryDocument, StrawberryDocumentInput)):
        raise InvalidType(
            f'expected a StrawberryDocument or StrawberryDocumentInput, got {type(model).__name__}'
        )
    try:
        return from_plain(_plain_of(model))
    except RecursionError as error:
        raise InvalidDocument(f'the document {model.id!r} is nested too deep') from error
    except InvalidDocument as error:
        raise InvalidDocument(f'the document {model.id!r}: {error}') from error


def _plain_of(model: Any) -> dict[str, Any]:
    plain = {}
    for name in _NAMES:
        value = getattr(model, name, None)
        if value is None or value is strawberry.UNSET:
            continue
        if name in _SCORES:
            value = {item.name: vars(item.score) for item in value}
        elif name in _NESTED:
            value = [_plain_of(child) for child in value]
        plain[name] = value
    return plain
