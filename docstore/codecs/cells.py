"""What tables of other programs hold, as the fields of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InvalidDocument
from ..schema import FIELD_BY_NAME
from .jsons import read_field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ['TAG', 'field_names', 'read_cells', 'with_tags']

#: What the name of a column starts with that is one of the tags.
TAG = 'tag__'


def field_names(columns: Iterable[Any], resolver: Mapping[str, str] | None) -> list[str]:
    """The names of columns, as ``resolver`` renames them.

    Raises
    ------
    InvalidDocument
        If two columns have one name, or a name is no str.

    Examples
    --------
    >>> field_names(['id', 'body'], {'body': 'text'})
    ['id', 'text']
    """
    names: list[str] = []
    for column in columns:
        if not isinstance(column, str):
            raise InvalidDocument(
                f'the column {column!r:.80} has a name of type {type(column).__name__}: '
                'columns are named by str'
            )
        name = (resolver or {}).get(column, column)
        if name in names:
            raise InvalidDocument(
                f'two columns of the table stand for {name!r}: rename one of them, '
                'or use field_resolver'
            )
        names.append(name)
    return names


def read_cells(name: str, values: list[Any], first: int = 0) -> list[Any]:
    """The values of a column as those of the field ``name``; None stays None.

    Parameters
    ----------
    name : str
        A field of Document.
    values : list
    first : int
        The number of the first row, for error messages.

    Raises
    ------
    InvalidDocument
        If a value is of another type than the field; the message has the row.

    Examples
    --------
    >>> read_cells('weight', [1, None, 0.5])
    [1.0, None, 0.5]
    """
    kind = FIELD_BY_NAME[name].kind
    plain = {'str': str, 'float': float, 'bytes': bytes, 'int': int}.get(kind)
    if plain is not None and set(map(type, values)) <= {plain, type(None)}:
        return values
    return [
        None if value is None else read_field(name, _native(name, kind, value), f'row {at}: ')
        for at, value in enumerate(values, first)
    ]


def _native(name: str, kind: str, value: Any) -> Any:
    """A value without what table libraries wrap it in."""
    if isinstance(value, np.generic):
        value = value.item()
    if kind == 'int' and isinstance(value, float) and value.is_integer():
        return int(value)  # a column of ints with gaps is one of floats in many tables
    if name == 'id' and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(int(value)) if value == value // 1 else value
    if kind == 'floats' and isinstance(value, np.ndarray):
        return value.tolist()
    return value


def with_tags(columns: dict[str, list[Any]], extra: Mapping[str, list[Any]], count: int) -> None:
    """Put columns that are no fields into the column ``tags``; None is left out.

    >>> columns = {'id': ['a', 'b']}
    >>> with_tags(columns, {'price': [3, None], 'tag__x': [1, 2]}, 2)
    >>> columns['tags']
    [{'price': 3, 'x': 1}, {'x': 2}]
    """
    if not extra:
        return
    names = [name.removeprefix(TAG) for name in extra]
    rows = zip(*extra.values(), strict=True)
    made: list[dict[str, Any]] = [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in rows
    ]
    known = columns.get('tags')
    if known is not None:
        made = [{**(old or {}), **new} for old, new in zip(known, made, strict=True)]
    assert len(made) == count
    columns['tags'] = [tags or None for tags in made]
