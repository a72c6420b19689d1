"""From a Document to those nested in it that a subindex holds, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import new_id
from .errors import InvalidArgument, InvalidType
from .traverse import Selector, parse_paths

if TYPE_CHECKING:
    from .stores.base import Record

__all__ = [
    'ROOT_TAG',
    'Place',
    'Selection',
    'derived',
    'is_loose',
    'loose_id',
    'nested',
    'normalised',
    'real_id',
    'same',
    'unique_id',
]

#: The tag that names the root of a nested Document, as in legacy docarray.
ROOT_TAG = '_root_id_'

# Ids are unique in a store, but the same nested Document may be selected twice. What comes
# after this character makes the id of a row unique, and is never shown.
_MARK = '\x1f'
_LOOSE = 'L'


def real_id(stored: str) -> str:
    """The id of a Document whose row has this id."""
    return stored.rpartition(_MARK)[0] if _MARK in stored else stored


def unique_id(name: str) -> str:
    """An id that no other row has."""
    return f'{name}{_MARK}{new_id()}'


def loose_id(name: str) -> str:
    """An id that no other row has, of a Document that is in no other one."""
    return f'{name}{_MARK}{_LOOSE}{new_id()}'


def is_loose(stored: str) -> bool:
    """Whether the row of this id is of a Document that is in no other one."""
    return _MARK in stored and stored.rpartition(_MARK)[2].startswith(_LOOSE)


def normalised(selector: str) -> str:
    """A selector without white space, so that ``'@ c'`` is ``'@c'``."""
    return re.sub(r'\s+', '', selector)


@dataclass(slots=True)
class Place:
    """A nested Document and the list that it stands in; None for a root itself.

    Both are plain (a dict in a list of dicts), or a Document in an array.
    """

    holder: Any
    item: Any


class Selection:
    """The paths of a subindex.

    Parameters
    ----------
    selector : str
        Such as ``'@c'`` or ``'@m[:3],cc'``.

    Raises
    ------
    InvalidArgument
        If it is no path, or one that depends on other Documents than its root.
    """

    def __init__(self, selector: str) -> None:
        if not isinstance(selector, str):
            raise InvalidType(
                f"the selector of a subindex must be a str such as '@c', not "
                f'{type(selector).__name__}: {selector!r}'
            )
        if not selector.startswith('@'):
            raise InvalidArgument(
                f"the selector of a subindex starts with '@', as '@c' does, not {selector!r}"
            )
        self.selector = selector
        try:
            paths = parse_paths(selector[1:])
        except InvalidArgument as error:
            raise InvalidArgument(f'the selector {selector!r}: {error}') from None
        self.paths = [_without_root(steps, selector) for steps in paths]
        #: Whether it selects roots themselves.
        self.roots = any(not steps for steps in self.paths)
        first = {steps[0].kind for steps in self.paths if steps}
        #: The fields of a root that decide what is selected.
        self.fields = frozenset(
            name for kind, names in _FIELDS.items() if kind in first for name in names
        )

    def places(self, root: Any, path: int) -> Iterator[Place]:
        """What one of the paths leads to in a root, plain or a Document."""
        return _walk([Place(None, root)], self.paths[path])

    def items(self, root: Any, path: int) -> list[Any]:
        """The Documents of :meth:`places`, found faster where the path is simple."""
        steps = self.paths[path]
        if len(steps) == 1 and steps[0].kind in _CHILDREN and steps[0].which == _ALL:
            holder = _state(root).get(_CHILDREN[steps[0].kind])
            return [] if holder is None else list(holder)
        return [place.item for place in self.places(root, path)]

    @property
    def home(self) -> str | None:
        """The field of the root that a new Document belongs into, if only one is possible."""
        if len(self.paths) == 1 and len(self.paths[0]) == 1:
            step = self.paths[0][0]
            if step.which == _ALL:
                return _CHILDREN.get(step.kind)
        return None


_ALL = slice(None)
_CHILDREN = {'c': 'chunks', 'm': 'matches'}
_FIELDS = {'c': ('chunks',), 'm': ('matches',), '.': ('chunks', '_metadata')}


def _without_root(steps: list[Selector], selector: str) -> list[Selector]:
    if steps[0].kind != 'r':
        return steps
    if steps[0].which != _ALL:
        raise InvalidArgument(
            f'{selector!r} cannot be the selector of a subindex: which documents a slice of the '
            'root selects depends on the others; leave the slice out'
        )
    return steps[1:] and _without_root(steps[1:], selector)


def _walk(group: list[Place], steps: list[Selector]) -> Iterator[Place]:
    if not steps:
        yield from group
        return
    step, *rest = steps
    if step.kind == 'r':
        groups = [group[step.which]]
    elif step.kind == '.':
        names: tuple[str, ...] = getattr(step, 'fields', ())
        groups = [_members(place.item, name)[step.which] for place in group for name in names]
    else:
        field = _CHILDREN[step.kind]
        groups = [_children(place.item, field)[step.which] for place in group]
    for chosen in groups:
        if rest:
            yield from _walk(chosen, rest)
        else:
            yield from chosen


def _state(item: Any) -> Any:
    return item if type(item) is dict else item._data


def _children(item: Any, field: str) -> list[Place]:
    holder = _state(item).get(field)
    return [] if holder is None else [Place(holder, child) for child in holder]


def _members(item: Any, name: str) -> list[Place]:
    """The Documents of an attribute of a multimodal Document; none if it has no such one."""
    metadata = _state(item).get('_metadata')
    schema = metadata.get('multi_modal_schema') if isinstance(metadata, Mapping) else None
    entry = schema.get(name) if isinstance(schema, Mapping) else None
    if not isinstance(entry, Mapping):
        return []
    kind, position = entry.get('attribute_type'), entry.get('position')
    chunks = _children(item, 'chunks')
    if kind not in ('document', 'nested', 'iterable_document', 'iterable_nested'):
        return []
    # Numbers of a protobuf are floats, and nothing in metadata is to be trusted.
    if not isinstance(position, (int, float)) or position not in range(len(chunks)):
        return []
    place = chunks[int(position)]
    return _children(place.item, 'chunks') if kind.startswith('iterable') else [place]


def same(left: Any, right: Any) -> bool:
    """Whether two plain values are the same in every part; False where that is hard to tell."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(v, right[k]) for k, v in left.items())
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, np.ndarray):
        return (
            bool(left.dtype == right.dtype)
            and left.dtype != object
            and left.shape == right.shape
            and bool(left.tobytes() == right.tobytes())
        )
    return isinstance(left, (str, bytes, int, float)) and bool(left == right)


def derived(item: Record, root: Record, root_id: bool) -> Record:
    """The record that a subindex keeps of a nested one."""
    record = {name: value for name, value in item.items() if value is not None}
    record.setdefault('id', '')
    if root_id:
        record['tags'] = {**(record.get('tags') or {}), ROOT_TAG: root['id']}
    return record


def nested(record: Record, root_id: bool) -> Record:
    """The nested record of one that a subindex was given: without what belongs to the subindex."""
    tags = record.get('tags')
    if not root_id or not tags or ROOT_TAG not in tags:
        return record
    own = {name: value for name, value in tags.items() if name != ROOT_TAG}
    return {**record, 'tags': own or None}
