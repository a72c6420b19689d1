"""What a Document holds: a mapping of the fields that are set.

A free-standing Document holds a plain dict. One that belongs to a columnar
array or to a store holds a :class:`LiveState`, which reads and writes its
row. The functions here turn either into plain fields and back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from gc import is_tracked
from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import new_id
from .errors import InvalidDocument
from .schema import FIELD_BY_NAME, FIELDS
from .score import Scores
from .tracked import track

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .array import DocumentArray
    from .document import Document
    from .nested import ChunkArray, MatchArray

__all__ = [
    'LiveState',
    'NestedState',
    'State',
    'adopt_value',
    'array_of',
    'as_id',
    'clone',
    'freeze',
    'freeze_value',
    'hydrate',
    'new_id',
    'to_record',
]

Notify = Callable[[], None]

# What is plain in every field that may hold it.
_PLAIN = frozenset({str, bytes, np.ndarray})
_IMMUTABLE = frozenset({str, int, float, bool, bytes, type(None)})
# The fields besides tags whose value may change without being set; most Documents have none.
_CHANGEABLE = frozenset(field.name for field in FIELDS if field.container) - {'tags'}


class LiveState(ABC):
    """The fields of a row that lives somewhere else."""

    __slots__ = ()

    @abstractmethod
    def get(self, name: str) -> Any:
        """The value of a field, None when unset; containers write through."""

    @abstractmethod
    def assign(self, changes: Mapping[str, Any]) -> None:
        """Set fields, all at once; None unsets."""

    @abstractmethod
    def items(self) -> Iterator[tuple[str, Any]]:
        """The fields that are set."""

    @abstractmethod
    def container(self, name: str) -> Any:
        """The container field ``name``, made if it is unset."""


State = dict[str, Any] | LiveState


class NestedState(LiveState):
    """The fields of a Document nested in a stored one.

    Parameters
    ----------
    record : dict
        Its plain fields.
    notify : callable
        Called after each change: it stores the outermost Document.
    """

    __slots__ = ('__weakref__', '_fields', '_notify')

    def __init__(self, record: Mapping[str, Any], notify: Notify) -> None:
        self._notify = notify
        self._fields: dict[str, Any] = {}
        for name, value in record.items():
            if value is not None:
                self._fields[name] = hydrate(name, value, self, notify)

    def get(self, name: str) -> Any:
        return self._fields.get(name)

    def assign(self, changes: Mapping[str, Any]) -> None:
        for name, value in changes.items():
            if value is None:
                self._fields.pop(name, None)
            else:
                plain = plain_value(name, value)
                self._fields[name] = hydrate(name, plain, self, self._notify)
        self._notify()

    def items(self) -> Iterator[tuple[str, Any]]:
        return iter(self._fields.items())

    def container(self, name: str) -> Any:
        if name not in self._fields:
            empty = FIELD_BY_NAME[name].default()
            self._fields[name] = hydrate(name, empty, self, self._notify)
        return self._fields[name]


def as_id(value: Any) -> str:
    """``value`` as an id: ids are str, an int becomes its digits."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return str(int(value))
    raise InvalidDocument(f'an id must be a str (or an int), not {type(value).__name__}: {value!r}')


def nested_types() -> tuple[type[ChunkArray], type[MatchArray]]:
    """The array types of chunks and matches.

    Documents and arrays contain each other, so one of the two imports has to
    wait until it is needed.
    """
    from .nested import ChunkArray, MatchArray

    return ChunkArray, MatchArray


def array_of(docs: Iterable[Document]) -> DocumentArray:
    """A free array in memory of Documents, for what a Document lets an array do."""
    from .array import DocumentArray

    return DocumentArray(docs)


def nested_array(name: str, docs: Any, owner: State, notify: Notify | None = None) -> Any:
    """The array of chunks or matches of the Document whose state is ``owner``."""
    chunk_type, match_type = nested_types()
    kind = chunk_type if name == 'chunks' else match_type
    return kind(docs, reference=owner, notify=notify)


def hydrate(name: str, value: Any, owner: State, notify: Notify | None = None) -> Any:
    """A plain field value as a Document shows it.

    Parameters
    ----------
    name : str
        The field.
    value : Any
        What a store or a file gave.
    owner : State
        The Document that it belongs to.
    notify : callable, optional
        Called after each change of a container, at any depth.
    """
    kind = FIELD_BY_NAME[name].kind
    if kind == 'documents':
        return nested_array(name, value, owner, notify)
    if kind == 'scores':
        return Scores(value, notify)
    if notify is None:
        return value
    if kind == 'array' and isinstance(value, np.ndarray) and value.flags.writeable:
        value = value.view()
        value.flags.writeable = False
        return value
    return track(value, notify)


def adopt_value(name: str, value: Any, owner: State) -> Any:
    """A field value as the Document of state ``owner`` keeps it: nested arrays and
    scores become its own, anything else stays as it is.
    """
    kind = FIELD_BY_NAME[name].kind
    if kind == 'documents' and not isinstance(value, nested_types()[name == 'matches']):
        return nested_array(name, value, owner)
    if kind == 'scores' and not isinstance(value, Scores):
        return Scores(value)
    return value


def plain_value(name: str, value: Any) -> Any:
    """A field value of a Document as plain fields; None when it says nothing."""
    kind = FIELD_BY_NAME[name].kind
    if kind == 'documents':
        docs = [value] if hasattr(value, '_data') else value
        # Those of a row that nobody has looked at are plain already.
        return [doc if isinstance(doc, dict) else to_record(doc._data) for doc in docs] or None
    if kind == 'scores':
        if not isinstance(value, Scores):
            value = Scores(value)
        return dict(value.records()) or None
    if kind in ('dict', 'floats') and not isinstance(value, np.ndarray) and not value:
        return None
    if name == 'id':
        return as_id(value)
    return value


def to_record(data: State, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    """The plain fields of a Document, nested ones too."""
    record = {}
    for name, value in data.items():
        if value is None or name in skip:
            continue
        if value.__class__ not in _PLAIN:
            value = plain_value(name, value)
            if value is None:
                continue
        record[name] = value
    return record


def clone(
    data: State, memo: dict[int, dict[str, Any]] | None = None, skip: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A deep copy of a Document's fields, free of any row."""
    memo = {} if memo is None else memo
    if id(data) in memo:
        return memo[id(data)]
    copied: dict[str, Any] = {}
    memo[id(data)] = copied
    for name, value in data.items():
        if value is not None and name not in skip:
            copied[name] = _clone_value(name, value, copied, memo)
    return copied


def _clone_value(name: str, value: Any, owner: dict[str, Any], memo: dict[int, Any]) -> Any:
    if value.__class__ in _IMMUTABLE:
        return value
    if isinstance(value, np.ndarray):
        return value.copy()
    kind = FIELD_BY_NAME[name].kind
    if kind == 'documents':
        docs = [value] if hasattr(value, '_data') else value
        copies = [type(doc)._wrap(clone(doc._data, memo)) for doc in docs]
        return nested_array(name, copies, owner)
    if kind == 'scores':
        return Scores(
            {key: dict(Scores({key: score}).records())[key] for key, score in value.items()}
        )
    if value.__class__.__module__.startswith('torch') and hasattr(value, 'detach'):
        return value.detach().clone()
    if value.__class__ is dict and _IMMUTABLE.issuperset(map(type, value.values())):
        return value.copy()  # tags, nearly always
    from copy import deepcopy

    return deepcopy(value, memo)


def freeze(data: State) -> dict[str, Any]:
    """The fields of a Document as they are now, for a copy that is made later.

    Much cheaper than :func:`clone`: arrays are shared, and nested Documents
    are copied only as far as they could change. Matches are left out.
    """
    frozen = data.copy() if isinstance(data, dict) else dict(data.items())
    tags = frozen.get('tags')
    if tags is not None:
        # A dict that the collector does not track holds no other container. Most tags are
        # so, and telling it this way leaves their values untouched in memory.
        simple = tags.__class__ is dict and not is_tracked(tags)
        frozen['tags'] = tags.copy() if simple else freeze_value('tags', tags)
    if not _CHANGEABLE.isdisjoint(frozen):
        frozen.pop('matches', None)
        for name in _CHANGEABLE.intersection(frozen):
            frozen[name] = freeze_value(name, frozen[name])
    return frozen


def freeze_value(name: str, value: Any) -> Any:
    """One field of :func:`freeze`; nested Documents become an iterable of frozen ones."""
    if value.__class__ in _IMMUTABLE or isinstance(value, np.ndarray):
        return value
    if value.__class__ is dict and _IMMUTABLE.issuperset(map(type, value.values())):
        return value.copy()  # tags, nearly always
    kind = FIELD_BY_NAME[name].kind
    if kind == 'documents':
        if hasattr(value, '_records'):
            return value._records.found(range(len(value)))
        docs = [value] if hasattr(value, '_data') else value
        return [
            type(doc)._wrap(freeze(doc._data)) if hasattr(doc, '_data') else _frozen_plain(doc)
            for doc in docs
        ]
    if kind == 'scores':
        return dict(Scores(value).records())
    return _frozen_plain(value)


def _frozen_plain(value: Any) -> Any:
    """A copy of the dicts and lists in a value; anything else is shared."""
    if isinstance(value, dict):
        return {key: _frozen_plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_frozen_plain(item) for item in value]
    return value


def is_empty(name: str, value: Any) -> bool:
    """Whether a field with this value counts as unset."""
    if value is None:
        return True
    field = FIELD_BY_NAME[name]
    if field.kind == 'array':
        return False
    if field.container:
        return len(value) == 0
    return bool(value == field.default())


def canonical(names: Any) -> tuple[str, ...]:
    """Field names in the canonical order."""
    return tuple(field.name for field in FIELDS if field.name in names)
