"""Field paths such as ``tags__a__b``: reading what they point at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .errors import UnknownField, did_you_mean
from .schema import FIELD_NAMES

__all__ = ['check_path', 'read_path', 'step', 'walk_all']

_READABLE = frozenset((*FIELD_NAMES, 'content', 'content_type'))


def check_path(path: str) -> tuple[str, ...]:
    """The parts of ``path``.

    Raises
    ------
    UnknownField
        If the first part is no field of a Document.
    """
    parts = tuple(path.split('__'))
    if parts[0] not in _READABLE:
        raise UnknownField(f'Document has no field {parts[0]!r}{did_you_mean(parts[0], _READABLE)}')
    return parts


def step(value: Any, key: str) -> Any:
    """One step of a path into ``value``: a dict key, a list index or an attribute.

    What is missing from a dict or a list, and what is inside None or an empty
    container, is None.

    Raises
    ------
    UnknownField
        If ``value`` is another object without the attribute ``key``.
    """
    if isinstance(value, dict):
        return value.get(key, None)
    if value is None:
        return None
    if isinstance(value, (list, tuple, np.ndarray)) or hasattr(value, '__getitem__'):
        if len(value) == 0:
            return None
        if key.lstrip('-').isdigit():
            return value[int(key)] if -len(value) <= int(key) < len(value) else None
    try:
        return getattr(value, key)
    except AttributeError:
        raise UnknownField(f'{type(value).__name__} has no {key!r}') from None


def read_path(document: Any, path: str) -> Any:
    """The value at ``path`` in a Document.

    Examples
    --------
    >>> from docstore import Document
    >>> read_path(Document(tags={'a': [1, {'b': 2}]}), 'tags__a__1__b')
    2
    """
    first, *rest = check_path(path)
    value = getattr(document, first)
    for key in rest:
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
