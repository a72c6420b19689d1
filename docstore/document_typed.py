"""The typed side of a Document: attributes of a dataclass, models and schemas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from . import modal
from .document_media import MediaDocument
from .errors import UnknownField
from .schema import FIELD_NAMES
from .state import array_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from .array import DocumentArray
    from .document import Document
    from .pydantic_model import PydanticDocument
    from .strawberry_type import StrawberryDocument, StrawberryDocumentInput

__all__ = ['TypedDocument']

M = TypeVar('M')

_set = object.__setattr__
#: What is set often, and is never an attribute of a dataclass.
_OWN = frozenset(FIELD_NAMES) | {'content', '_data'}


class TypedDocument(MediaDocument):
    """A Document that stands for an object of a class of its users."""

    __slots__ = ()

    # -- attributes ----------------------------------------------------------

    if not TYPE_CHECKING:  # so that type checkers see misspelled names

        def __getattr__(self, name: str) -> Any:
            if name[:1] != '_' and name in (modal.schema_of(self) or ()):
                return modal.read(self, name)
            raise UnknownField(f'{type(self).__name__} has no attribute {name!r}')

        def __setattr__(self, name: str, value: Any) -> None:
            if (
                name not in _OWN
                and name in (modal.schema_of(self) or ())
                and not hasattr(type(self), name)
            ):
                modal.assign(self, name, value)
            else:
                _set(self, name, value)

    @property
    def is_multimodal(self) -> bool:
        """Whether it was made of a dataclass or a model, and has its attributes."""
        return modal.is_multimodal(self)

    def get_multi_modal_attribute(self, attribute: str) -> DocumentArray:
        """The Documents of an attribute: one, or those of a list.

        Raises
        ------
        InvalidDocument
            If the Document was not made of a ``@docstore.dataclass`` or a model.
        UnknownAttribute
            If there is no such attribute, or it is no Document.

        Examples
        --------
        >>> import docstore
        >>> from docstore.typing import Text
        >>> @docstore.dataclass
        ... class Page:
        ...     titles: list[Text]
        >>> doc = docstore.Document(Page(['a', 'b']))
        >>> doc.get_multi_modal_attribute('titles').texts
        ['a', 'b']
        """
        return array_of(modal.members(self, attribute))

    def set_multi_modal_attribute(
        self, attribute: str, value: Document | Iterable[Document]
    ) -> None:
        """Put another Document, or for a list other Documents, where an attribute is.

        Raises
        ------
        InvalidDocument, UnknownAttribute
            As for :meth:`get_multi_modal_attribute`.
        InvalidType
            If ``value`` is something else.
        """
        modal.assign(self, attribute, value)

    # -- models --------------------------------------------------------------

    @classmethod
    def from_model(cls, model: Any) -> Self:
        """The Document of a pydantic model, or of a ``@docstore.dataclass``.

        A nested model becomes a chunk, an array marked with
        :data:`docstore.models.Embedding` or ``Tensor`` that field, and what is
        left goes into the tags; see the guide.

        Raises
        ------
        EncodeError
            If a value would not come back as it is; the message names the field.
        """
        from .models import to_document

        return cls(to_document(model))

    def to_model(self, kind: type[M]) -> M:
        """The model, or instance of a dataclass, that this Document was made of.

        Parameters
        ----------
        kind : type
            The class of the model. Its validators run.

        Raises
        ------
        InvalidDocument
            If the Document lacks a field, or has a value that is not valid.
        """
        from .models import to_model

        return to_model(kind, self)

    def to_pydantic_model(self) -> PydanticDocument:
        """The Document as a model with a field for each of its fields, for web APIs."""
        from .pydantic_model import to_pydantic

        return to_pydantic(self)

    @classmethod
    def from_pydantic_model(cls, model: PydanticDocument) -> Self:
        """The Document that :meth:`to_pydantic_model` gave.

        Raises
        ------
        InvalidDocument
            If a field has a value of another type than its own.
        """
        from .pydantic_model import record_of

        return cls._of_record(record_of(model))

    @classmethod
    def get_json_schema(cls, indent: int | None = 2) -> str:
        """The JSON schema of a Document, as text."""
        from .pydantic_model import json_schema

        return json_schema(many=False, indent=indent)

    def to_strawberry_type(self) -> StrawberryDocument:
        """The Document as a GraphQL type of strawberry."""
        from .strawberry_type import to_strawberry

        return to_strawberry(self)

    @classmethod
    def from_strawberry_type(cls, model: StrawberryDocument | StrawberryDocumentInput) -> Self:
        """The Document of a GraphQL type or input.

        Raises
        ------
        InvalidDocument
            If a field has a value of another type than its own.
        """
        from .strawberry_type import record_of

        return cls._of_record(record_of(model))
