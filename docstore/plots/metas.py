"""The table beside the vectors: what is known of each Document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import IO, Any

import numpy as np

from ..errors import InvalidArgument
from ..schema import FIELD_BY_NAME, FIELDS
from ..state import is_empty
from .sprites import Positions

__all__ = ['Metas']

Gather = Callable[[str, Positions], Any]

# What is neither read by people nor fits into a cell.
_LEFT_OUT = {
    'embedding', 'tensor', 'blob', 'chunks', 'matches', 'scores', 'evaluations', '_metadata',
}  # fmt: skip
_BLOCK = 2048
# The page has so many columns at most, with texts of this length.
_MOST_COLUMNS = 30
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Metas:
    """Fields and tags of Documents as a table, tags as ``tag__name``.

    Attributes
    ----------
    names : tuple of str
        The columns.
    """

    names: tuple[str, ...]
    _gather: Gather
    _positions: Positions

    @classmethod
    def of(cls, gather: Gather, positions: Positions, exclude: Sequence[str] | None) -> Metas:
        """The table of the Documents at ``positions``, without fields named in ``exclude``."""
        left_out = _LEFT_OUT | _excluded(exclude)
        used: dict[str, None] = {}
        tags: dict[str, None] = {}
        for block in _blocks(positions):
            for field in FIELDS:
                if field.name in left_out or field.name in used:
                    continue
                values = gather(field.name, block)
                if not all(is_empty(field.name, value) for value in values):
                    used[field.name] = None
            if 'tags' not in left_out:
                for value in gather('tags', block):
                    tags.update(dict.fromkeys(f'tag__{key}' for key in value or ()))
        fields = [field.name for field in FIELDS if field.name in used and field.name != 'tags']
        names = (name for name in [*fields, *tags] if name not in left_out)
        return cls(tuple(names), gather, positions)

    def _table(self, positions: Positions) -> Iterator[list[Any]]:
        for block in _blocks(positions):
            columns = []
            tags = None
            for name in self.names:
                if name in FIELD_BY_NAME:
                    columns.append(list(self._gather(name, block)))
                    continue
                tags = list(self._gather('tags', block)) if tags is None else tags
                columns.append([(each or {}).get(name[5:]) for each in tags])
            yield from (list(row) for row in zip(*columns, strict=True))

    def write(self, file: IO[str]) -> None:
        """Write the table, with its header unless there is but one column."""
        if len(self.names) > 1:
            file.write('\t'.join(map(_cell, self.names)) + '\n')
        for row in self._table(self._positions):
            file.write('\t'.join(map(_cell, row)) + '\n')

    def columns(self, positions: Positions) -> dict[str, list[Any]]:
        """The first columns for some of the Documents, as the page shows them."""
        names = self.names[:_MOST_COLUMNS]
        columns: dict[str, list[Any]] = {name: [] for name in names}
        for row in self._table(positions):
            for name, value in zip(names, row, strict=False):
                columns[name].append(_shown(value))
        return columns


def _blocks(positions: Positions) -> Iterator[Positions]:
    for start in range(0, len(positions), _BLOCK):
        yield positions[start : start + _BLOCK]


def _excluded(exclude: Sequence[str] | None) -> set[str]:
    if isinstance(exclude, str) or not all(isinstance(name, str) for name in exclude or ()):
        raise InvalidArgument(f'exclude_fields_metas must be a list of names, not {exclude!r}')
    return set(exclude or ())


def _cell(value: Any) -> str:
    """A value as one cell: tabs and ends of lines would start another."""
    text = str(_plain(value))
    return ' '.join(text.split()) if not text.isprintable() else text


def _plain(value: Any) -> Any:
    if value is None:
        return ''
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value


def _shown(value: Any) -> Any:
    """A value as the page has it: a number where it is one, else a short text."""
    if value is None:
        return None
    if isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_)):
        number = value.item() if isinstance(value, np.number) else value
        if isinstance(number, float):
            return number if isfinite(number) else None
        # What is larger is no longer the same number in JavaScript.
        return number if abs(number) < 1 << 53 else str(number)
    text = str(_plain(value))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + '...'
