"""The fields of a Document: making one, reading and setting what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from .errors import InvalidArgument, InvalidDocument, UnknownField, did_you_mean
from .fields import (
    ContainerField,
    ContentField,
    IdField,
    MimeTypeField,
    NestedField,
    PlainField,
    ScoresField,
    UriField,
)
from .paths import check_path, get_path
from .schema import CONTENT_FIELDS, FIELD_BY_NAME, FIELD_NAMES
from .state import LiveState, State, as_id, canonical, clone, hydrate, is_empty, new_id

if TYPE_CHECKING:
    from typing_extensions import Self

    from .nested import ChunkArray, MatchArray

__all__ = ['DocumentFields']

# The fields that need no work when a Document is made of keywords alone.
_PLAIN = frozenset(FIELD_NAMES) - {'blob', 'tensor', 'uri', 'mime_type', 'chunks', 'matches', 'id'}
_PLAIN_OR_ID = _PLAIN | {'id'}
# The others are applied through their setters, in this order: the last content wins.
_SETTERS = ('text', 'blob', 'tensor', 'content', 'uri', 'mime_type', 'chunks', 'matches')
_KNOWN = frozenset(FIELD_NAMES) | {'content'}


class DocumentFields:
    """What every Document has: its fields, in a state of its own or in a row."""

    __slots__ = ('__dict__', '__weakref__', '_data')

    _data: State

    id = IdField('id')
    parent_id = PlainField[str]('parent_id')
    granularity = PlainField[int]('granularity')
    adjacency = PlainField[int]('adjacency')
    blob = ContentField[bytes]('blob')
    tensor = ContentField[Any]('tensor')
    mime_type = MimeTypeField('mime_type')
    text = ContentField[str]('text')
    weight = PlainField[float]('weight')
    uri = UriField('uri')
    tags = ContainerField[dict[str, Any]]('tags')
    _metadata = ContainerField[dict[str, Any]]('_metadata')
    offset = PlainField[float]('offset')
    location = ContainerField[list[float]]('location')
    embedding = PlainField[Any]('embedding')
    modality = PlainField[str]('modality')
    evaluations = ScoresField('evaluations')
    scores = ScoresField('scores')
    chunks: NestedField[ChunkArray] = NestedField('chunks')
    matches: NestedField[MatchArray] = NestedField('matches')

    def __init__(
        self,
        _obj: DocumentFields | Mapping[str, Any] | Any = None,
        copy: bool = False,
        field_resolver: Mapping[str, str] | None = None,
        unknown_fields_handler: str = 'catch',
        **kwargs: Any,
    ) -> None:
        if _obj is None and _PLAIN_OR_ID.issuperset(kwargs):
            given = kwargs.get('id')
            if given is None:
                kwargs['id'] = new_id()
            elif type(given) is not str:
                kwargs['id'] = as_id(given)
            _hold(self, kwargs)
        elif isinstance(_obj, DocumentFields):
            self._from_document(_obj, copy, _resolve(kwargs, field_resolver))
        elif _obj is None or isinstance(_obj, Mapping):
            fields = _resolve({**kwargs, **(_obj or {})}, field_resolver)
            self._data = {'id': as_id(fields['id']) if fields.get('id') is not None else new_id()}
            self._fill(fields, unknown_fields_handler)
        elif convert := getattr(type(_obj), '__docstore_document__', None):
            # An instance of a @docstore.dataclass says itself what Document it is.
            made = convert(_obj, kwargs.pop('id', None))
            self._from_document(made, False, _resolve(kwargs, field_resolver))
        else:
            raise InvalidDocument(
                f'Failed to initialize a Document from {_obj!r} of type {type(_obj).__name__}: '
                'expected a Document or a dict; a text goes into text=...'
            )

    def _from_document(self, other: DocumentFields, copy: bool, fields: dict[str, Any]) -> None:
        if copy:
            self._data = clone(other._data)
        elif not fields:
            self._data = other._data
            return
        else:
            self._data = dict(other._data.items())
            tags = fields.get('tags')
            if isinstance(tags, dict):
                other.tags.update(tags)
                self._data['tags'] = other.tags
                del fields['tags']
        if fields.get('id') is not None:
            self._data['id'] = as_id(fields['id'])
        self._fill(fields, 'catch')

    def _fill(self, fields: dict[str, Any], unknown_fields_handler: str) -> None:
        data = self._data
        assert type(data) is dict
        unknown = {}
        for name, value in fields.items():
            if name in _PLAIN and name != 'text':
                data[name] = value
            elif name not in _KNOWN:
                unknown[name] = value
        if unknown:
            self._handle_unknown(unknown, unknown_fields_handler)
        for name in _SETTERS:
            if fields.get(name) is not None:
                setattr(self, name, fields[name])

    def _handle_unknown(self, unknown: dict[str, Any], handler: str) -> None:
        if handler == 'catch':
            self.tags.update(unknown)
        elif handler == 'raise':
            name = next(iter(unknown))
            raise UnknownField(f'Document has no field {name!r}{did_you_mean(name, _KNOWN)}')
        elif handler != 'drop':
            raise InvalidArgument(
                f"unknown_fields_handler must be 'catch', 'drop' or 'raise', not {handler!r}"
            )

    @classmethod
    def _wrap(cls, data: State) -> Self:
        """A Document whose fields are ``data`` itself."""
        doc = cls.__new__(cls)
        _hold(doc, data)
        return doc

    @classmethod
    def _of_record(cls, record: Mapping[str, Any]) -> Self:
        """The Document of plain fields."""
        data: dict[str, Any] = {}
        for name, value in record.items():
            data[name] = hydrate(name, value, data)
        if data.get('id') is None:
            data['id'] = new_id()
        return cls._wrap(data)

    def _assign(self, changes: dict[str, Any]) -> None:
        if type(self._data) is dict:
            self._data.update(changes)
        else:
            cast('LiveState', self._data).assign(changes)

    # -- content ---------------------------------------------------------

    @property
    def content_type(self) -> str | None:
        """Which of ``'text'``, ``'tensor'``, ``'blob'`` is set; None for none."""
        for name in ('text', 'tensor', 'blob'):
            if not is_empty(name, self._data.get(name)):
                return name
        return None

    @property
    def content(self) -> Any:
        """Whichever of text, tensor and blob is set, or None.

        Setting a str sets ``text``, bytes ``blob``, anything else ``tensor``;
        None clears all three.
        """
        name = self.content_type
        return None if name is None else self._data.get(name)

    @content.setter
    def content(self, value: Any) -> None:
        changes: dict[str, Any] = dict.fromkeys(CONTENT_FIELDS)
        if isinstance(value, bytes):
            changes['blob'] = value
        elif isinstance(value, str):
            changes['text'] = value
        elif value is not None:
            changes['tensor'] = value
        self._assign(changes)

    @property
    def content_hash(self) -> int:
        """``hash(self)``."""
        return hash(self)

    # -- fields ----------------------------------------------------------

    @property
    def non_empty_fields(self) -> tuple[str, ...]:
        """The names of the fields that are set, in the canonical order."""
        return canonical({name for name, value in self._data.items() if not is_empty(name, value)})

    def _get_attributes(self, *names: str) -> Any:
        """The values at field paths such as ``tags__a__b``; one value for one name."""
        values = [get_path(self, check_path(name)) for name in names]
        return values[0] if len(names) == 1 else values

    def copy_from(self, other: DocumentFields) -> None:
        """Take over a deep copy of all fields of ``other``, its id too."""
        self._replace(clone(other._data))

    def clear(self) -> None:
        """Unset every field, the id too."""
        self._replace({})

    def pop(self, *fields: str) -> None:
        """Unset fields; unknown names are ignored."""
        self._assign({name: None for name in fields if name in FIELD_BY_NAME})
        NestedField.changes += 1

    def _replace(self, data: dict[str, Any]) -> None:
        IdField.changes += 1
        self._assign({**dict.fromkeys(FIELD_NAMES), **data})


# How the state is set, past the __setattr__ of a later link: each Document made does so.
_hold = DocumentFields.__dict__['_data'].__set__


def _resolve(fields: dict[str, Any], resolver: Mapping[str, str] | None) -> dict[str, Any]:
    if not resolver:
        return fields
    return {resolver.get(name, name): value for name, value in fields.items()}
