"""The attributes of a Document: what reading and setting each kind of field does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, overload

from .schema import CONTENT_FIELDS, FIELD_BY_NAME
from .score import Scores
from .state import LiveState, adopt_value, as_id, hydrate

if TYPE_CHECKING:
    from .document_fields import DocumentFields

__all__ = [
    'ContainerField',
    'ContentField',
    'IdField',
    'MimeTypeField',
    'NestedField',
    'PlainField',
    'ScoresField',
    'UriField',
]

T = TypeVar('T')


class PlainField(Generic[T]):
    """A field whose value is kept as given; unset, it shows its default."""

    __slots__ = ('default', 'name')

    def __init__(self, name: str) -> None:
        self.name = name
        self.default = FIELD_BY_NAME[name].default

    @overload
    def __get__(self, doc: None, owner: Any = None) -> PlainField[T]: ...
    @overload
    def __get__(self, doc: DocumentFields, owner: Any = None) -> T: ...
    def __get__(self, doc: DocumentFields | None, owner: Any = None) -> Any:
        if doc is None:
            return self
        value = doc._data.get(self.name)
        return self.default() if value is None else value

    def __set__(self, doc: DocumentFields, value: T | None) -> None:
        data = doc._data
        if type(data) is dict:
            data[self.name] = value
        else:
            cast('LiveState', data).assign({self.name: value})


class IdField(PlainField[str]):
    """The id: always a str once set."""

    __slots__ = ()

    #: Counts changes of ids: an array's id lookup is made anew after one.
    changes: ClassVar[int] = 0

    @overload
    def __get__(self, doc: None, owner: Any = None) -> IdField: ...
    @overload
    def __get__(self, doc: DocumentFields, owner: Any = None) -> str: ...
    def __get__(self, doc: DocumentFields | None, owner: Any = None) -> Any:
        return self if doc is None else doc._data.get('id')

    def __set__(self, doc: DocumentFields, value: Any) -> None:
        super().__set__(doc, None if value is None else as_id(value))
        IdField.changes += 1


class ContentField(PlainField[T]):
    """text, blob or tensor: setting one clears the others."""

    __slots__ = ()

    def __set__(self, doc: DocumentFields, value: T | None) -> None:
        if value is None:
            super().__set__(doc, None)
        else:
            doc._assign({**dict.fromkeys(CONTENT_FIELDS), self.name: value})


class ContainerField(PlainField[T]):
    """A field that makes and keeps its container when it is first read."""

    __slots__ = ()

    @overload
    def __get__(self, doc: None, owner: Any = None) -> ContainerField[T]: ...
    @overload
    def __get__(self, doc: DocumentFields, owner: Any = None) -> T: ...
    def __get__(self, doc: DocumentFields | None, owner: Any = None) -> Any:
        if doc is None:
            return self
        data = doc._data
        if type(data) is not dict:
            return cast('LiveState', data).container(self.name)
        value = data.get(self.name)
        if value is None:
            value = data[self.name] = hydrate(self.name, self.default(), data)
        return value


class ScoresField(ContainerField[Scores]):
    """Scores by name."""

    __slots__ = ()

    @overload
    def __get__(self, doc: None, owner: Any = None) -> ScoresField: ...
    @overload
    def __get__(self, doc: DocumentFields, owner: Any = None) -> Scores: ...
    def __get__(self, doc: DocumentFields | None, owner: Any = None) -> Any:
        if doc is None:
            return self
        value: Any = super().__get__(doc, owner)
        if not isinstance(value, Scores):
            value = Scores(value)
            doc._assign({self.name: value})
        return value


class NestedField(ContainerField[T]):
    """chunks or matches: setting makes the documents children of this one."""

    __slots__ = ()

    #: Counts changes of what is nested where: a subindex in memory is made anew after one.
    changes: ClassVar[int] = 0

    def __set__(self, doc: DocumentFields, value: Any) -> None:
        data = doc._data
        if type(data) is not dict:
            cast('LiveState', data).assign({self.name: value})
        else:
            data[self.name] = None if value is None else adopt_value(self.name, value, data)
        NestedField.changes += 1


class UriField(PlainField[str]):
    """The URI: setting it guesses the mime type."""

    __slots__ = ()

    def __set__(self, doc: DocumentFields, value: str | None) -> None:
        changes: dict[str, Any] = {self.name: value}
        if value:
            from mimetypes import guess_type

            guess = guess_type(value)[0]
            if guess:
                changes['mime_type'] = guess
        doc._assign(changes)


class MimeTypeField(PlainField[str]):
    """The mime type: a file extension is turned into one."""

    __slots__ = ()

    def __set__(self, doc: DocumentFields, value: str | None) -> None:
        if value:
            from mimetypes import guess_extension, guess_type

            if guess_extension(value) is None:
                value = guess_type(f'*.{value.lstrip(".")}')[0] or value
        super().__set__(doc, value)
