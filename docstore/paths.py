"""Field paths such as ``tags__a__b``: reading what they lead to.

Steps are keys of mappings, positions in lists, and fields of Documents and
scores; nothing else of an object can be reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .errors import UnknownField, did_you_mean
from .schema import FIELD_NAMES

__all__ = ['check_path', 'get_path', 'step', 'walk_all']

_READABLE = frozenset((*FIELD_NAMES, 'content', 'content_type'))
_ATTRIBUTES = _READABLE | {'value', 'op_name', 'description', 'ref_id'}


def check_path(path: str) -> str:
    """``path`` itself, if it begins with something that a Document has.

    Raises
    ------
    UnknownField
        If it does not.
    """
    first = path.partition('__')[0] if not path.startswith('_') else '_metadata'
    if first not in _READABLE:
        raise UnknownField(f'Document has no field {first!r}{did_you_mean(first, _READABLE)}')
    return path


def step(value: Any, key: str) -> Any:
    """One step of a path; what is not there is None.

    Raises
    ------
    UnknownField
        If ``value`` is an object that has no such field.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        return value.get(key)
    if key in _ATTRIBUTES and hasattr(value, key):
        return getattr(value, key)
    if hasattr(value, '__getitem__'):
        if not len(value):
            return None
        if key.removeprefix('-').isdecimal():
            position = int(key)
            return value[position] if -len(value) <= position < len(value) else None
    raise UnknownField(f'{type(value).__name__} has no {key!r}')


def get_path(holder: Any, path: str) -> Any:
    """What a field path leads to in a Document, or in a mapping of fields.

    Examples
    --------
    >>> get_path({'tags': {'a': [1, {'b': 2}]}}, 'tags__a__1__b')
    2
    """
    value = holder
    for key in path.split('__'):
        value = step(value, key)
    return value


def walk_all(values: Iterable[Any], keys: tuple[str, ...]) -> list[Any]:
    """What the same further steps of a path lead to in many values."""
    result = values if isinstance(values, list) else list(values)
    for key in keys:
        result = [
            value.get(key) if value.__class__ is dict else step(value, key) for value in result
        ]
    return result
