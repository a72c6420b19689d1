"""Document: one item with its text, blob or tensor, embedding, tags and nesting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from .errors import DocumentGone, InvalidArgument, InvalidDocument, UnknownField, did_you_mean
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
from .state import (
    LiveState,
    State,
    as_id,
    canonical,
    clone,
    hydrate,
    is_empty,
    new_id,
    to_record,
)

if TYPE_CHECKING:
    from typing_extensions import Self

    from .nested import ChunkArray, MatchArray

__all__ = ['Document']

T = TypeVar('T')
D = TypeVar('D', bound='Document')


# The fields that need no work when a Document is made of keywords alone.
_PLAIN = frozenset(FIELD_NAMES) - {'blob', 'tensor', 'uri', 'mime_type', 'chunks', 'matches', 'id'}
_PLAIN_OR_ID = _PLAIN | {'id'}
# The others are applied through their setters, in this order: the last content wins.
_SETTERS = ('text', 'blob', 'tensor', 'content', 'uri', 'mime_type', 'chunks', 'matches')
_KNOWN = frozenset(FIELD_NAMES) | {'content'}


class Document:
    """One item: content, embedding, tags and nested documents.

    A Document stands by itself, or is a view of a row of an array: then
    reading reads the row and setting writes to it.

    Parameters
    ----------
    _obj : Document or dict, optional
        A Document to share the fields of (a copy of them if ``copy``, or if
        fields are given too), or a dict of fields.
    copy : bool
        Whether to make a deep copy of ``_obj``; the id stays the same.
    field_resolver : dict, optional
        New names for given names.
    unknown_fields_handler : {'catch', 'drop', 'raise'}
        What to do with names that are no fields: put them into ``tags``,
        leave them out, or raise.
    **kwargs
        Fields: ``id``, ``text``, ``blob``, ``tensor``, ``content``, ``uri``,
        ``mime_type``, ``embedding``, ``tags``, ``weight``, ``chunks``,
        ``matches``, ``scores``, ``evaluations``, ``parent_id``,
        ``granularity``, ``adjacency``, ``offset``, ``location``,
        ``modality``.

    Raises
    ------
    InvalidDocument
        If ``_obj`` is of another type.
    UnknownField
        If a name is unknown and ``unknown_fields_handler='raise'``.

    Examples
    --------
    >>> doc = Document(id='a', text='hello', price=3)
    >>> doc
    <Document ('id', 'text', 'tags') at a>
    >>> doc.tags
    {'price': 3}
    """

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
        _obj: Document | Mapping[str, Any] | None = None,
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
            self._data = kwargs
        elif isinstance(_obj, Document):
            self._from_document(_obj, copy, _resolve(kwargs, field_resolver))
        elif _obj is None or isinstance(_obj, Mapping):
            fields = _resolve({**kwargs, **(_obj or {})}, field_resolver)
            self._data = {'id': as_id(fields['id']) if fields.get('id') is not None else new_id()}
            self._fill(fields, unknown_fields_handler)
        else:
            raise InvalidDocument(
                f'Failed to initialize a Document from {_obj!r} of type {type(_obj).__name__}: '
                'expected a Document or a dict; a text goes into text=...'
            )

    def _from_document(self, other: Document, copy: bool, fields: dict[str, Any]) -> None:
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
        doc._data = data
        return doc

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

    def copy_from(self, other: Document) -> None:
        """Take over a deep copy of all fields of ``other``, its id too."""
        self._replace(clone(other._data))

    def clear(self) -> None:
        """Unset every field, the id too."""
        self._replace({})

    def pop(self, *fields: str) -> None:
        """Unset fields; unknown names are ignored."""
        self._assign({name: None for name in fields if name in FIELD_BY_NAME})

    def _replace(self, data: dict[str, Any]) -> None:
        IdField.changes += 1
        self._assign({**dict.fromkeys(FIELD_NAMES), **data})

    # -- as bytes and text -------------------------------------------------

    def to_bytes(self, protocol: str = 'docstore', compress: str | None = None) -> bytes:
        """The Document as bytes.

        Parameters
        ----------
        protocol : str
            ``'docstore'`` (our own format), ``'protobuf'`` or ``'pickle'`` as
            legacy docarray wrote them, or ``'json'``.
        compress : str, optional
            ``'lz4'``, ``'gzip'``, ``'bz2'``, ``'lzma'`` or ``'zlib'``.

        Raises
        ------
        EncodeError
            If the format cannot hold a value; the message names the field.

        Examples
        --------
        >>> data = Document(id='a', text='x').to_bytes(compress='gzip')
        >>> Document.from_bytes(data, compress='gzip')
        <Document ('id', 'text') at a>
        """
        from .codecs.transfer import dump_record

        return dump_record(to_record(self._data), protocol, compress)

    def __bytes__(self) -> bytes:
        return self.to_bytes()

    @property
    def nbytes(self) -> int:
        """The length of ``bytes(self)``."""
        return len(bytes(self))

    @classmethod
    def from_bytes(
        cls, data: bytes, protocol: str = 'docstore', compress: str | None = None
    ) -> Self:
        """The Document that :meth:`to_bytes` wrote.

        Raises
        ------
        CorruptData
            If the bytes are damaged, or of another format.
        """
        from .codecs.transfer import load_record

        return cls._of_record(load_record(data, protocol, compress))

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON has them, the unset ones as None."""
        from .codecs.jsons import to_plain

        return to_plain(to_record(self._data))

    @classmethod
    def from_dict(cls, obj: Mapping[str, Any]) -> Self:
        """The Document that :meth:`to_dict` gave."""
        from .codecs.jsons import from_plain

        return cls._of_record(from_plain(obj))

    def to_json(self) -> str:
        """The Document as JSON text; arrays become lists, blobs base64."""
        return self.to_bytes('json').decode('utf-8')

    @classmethod
    def from_json(cls, data: str | bytes) -> Self:
        """The Document that :meth:`to_json` wrote."""
        return cls.from_bytes(data.encode('utf-8') if isinstance(data, str) else data, 'json')

    @classmethod
    def _of_record(cls, record: Mapping[str, Any]) -> Self:
        """The Document of plain fields."""
        data: dict[str, Any] = {}
        for name, value in record.items():
            data[name] = hydrate(name, value, data)
        if data.get('id') is None:
            data['id'] = new_id()
        return cls._wrap(data)

    # -- comparing, copying, showing -------------------------------------

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Document)
        if self._data is other._data:
            return True
        names = self.non_empty_fields
        return names == other.non_empty_fields and all(
            _same(getattr(self, name), getattr(other, name)) for name in names
        )

    def __hash__(self) -> int:
        # By name, not in the order of setting, and no defaults: equal Documents hash equal.
        return hash(
            tuple(
                (name, value)
                for name, value in sorted(self._data.items(), key=lambda item: item[0])
                if FIELD_BY_NAME[name].kind != 'array'
                and (FIELD_BY_NAME[name].container or not is_empty(name, value))
                and value is not None
            )
        )

    def __copy__(self) -> Self:
        return self._wrap(dict(self._data.items()))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        doc = self._wrap(clone(self._data, memo))
        memo[id(self)] = doc
        doc.__dict__.update(self.__dict__)
        return doc

    def __reduce__(self) -> Any:
        return type(self)._of_record, (to_record(self._data),), self.__dict__ or None

    def __repr__(self) -> str:
        try:
            return f'<{type(self).__name__} {self.non_empty_fields!r} at {self._data.get("id")}>'
        except DocumentGone:
            # Debuggers and test reports show what is no longer there, too.
            return f'<{type(self).__name__} deleted from its store>'

    def __rich_console__(self, console: Any, options: Any) -> Any:
        from .display.summary import document_tree

        yield repr(self)
        yield document_tree(to_record(self._data))

    def summary(self) -> None:
        """Print the fields and the nested documents as a tree."""
        from .display.summary import show

        show(self)

    def _ipython_display_(self) -> None:
        self.summary()


def _resolve(fields: dict[str, Any], resolver: Mapping[str, str] | None) -> dict[str, Any]:
    if not resolver:
        return fields
    return {resolver.get(name, name): value for name, value in fields.items()}


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return type(left) is type(right) and np.array_equal(left, right)
    same = left == right
    if hasattr(same, 'shape') or hasattr(same, 'all'):
        return bool(np.asarray(same).all()) and np.shape(left) == np.shape(right)
    return bool(same)
