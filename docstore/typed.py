"""The typed side of an array: models of a user's classes, and schemas for web APIs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from .document import Document
from .evaluated import EvaluatedSequence

if TYPE_CHECKING:
    from typing_extensions import Self

    from .pydantic_model import PydanticDocument
    from .strawberry_type import StrawberryDocument, StrawberryDocumentInput

__all__ = ['TypedSequence']

M = TypeVar('M')


class TypedSequence(EvaluatedSequence):
    """Documents that stand for objects of a class of their users."""

    @classmethod
    def from_models(cls, models: Iterable[Any], **kwargs: Any) -> Self:
        """The Documents of pydantic models, or of instances of a ``@docstore.dataclass``.

        Parameters
        ----------
        models : iterable
            As for :meth:`docstore.Document.from_model`.
        **kwargs
            ``storage`` and ``config`` of the array that is made.

        Raises
        ------
        EncodeError
            If a value would not come back as it is; the message names the field.
        """
        from .models import to_document

        docs = [Document(to_document(model)) for model in models]
        return cls(docs, **kwargs)  # type: ignore[call-arg]  # the last link has them

    def to_models(self, kind: type[M]) -> list[M]:
        """The models, or instances of a dataclass, that the Documents were made of.

        Raises
        ------
        InvalidDocument
            If a Document lacks a field, or has a value that is not valid.
        """
        from .models import to_model

        return [to_model(kind, doc) for doc in self]

    def to_pydantic_model(self) -> list[PydanticDocument]:
        """A model of each Document, with a field for each of its fields."""
        from .pydantic_model import to_pydantic

        return [to_pydantic(doc) for doc in self]

    @classmethod
    def from_pydantic_model(cls, model: Iterable[PydanticDocument]) -> Self:
        """The array that :meth:`to_pydantic_model` gave.

        Raises
        ------
        InvalidDocument
            If a field has a value of another type than its own.
        """
        from .pydantic_model import records_of

        docs = [Document._of_record(record) for record in records_of(model)]
        return cls(docs)  # type: ignore[call-arg]  # the last link has it

    @classmethod
    def get_json_schema(cls, indent: int | None = 2) -> str:
        """The JSON schema of an array, as text."""
        from .pydantic_model import json_schema

        return json_schema(many=True, indent=indent)

    def to_strawberry_type(self) -> list[StrawberryDocument]:
        """Each Document as a GraphQL type of strawberry."""
        from .strawberry_type import to_strawberry

        return [to_strawberry(doc) for doc in self]

    @classmethod
    def from_strawberry_type(
        cls, model: Iterable[StrawberryDocument | StrawberryDocumentInput]
    ) -> Self:
        """The array of GraphQL types or inputs.

        Raises
        ------
        InvalidDocument
            If a field has a value of another type than its own.
        """
        from .strawberry_type import record_of

        docs = [Document._of_record(record_of(item)) for item in model]
        return cls(docs)  # type: ignore[call-arg]  # the last link has it
