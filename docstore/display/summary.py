"""What ``summary()`` prints: a tree for a Document, tables for an array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.tree import Tree

__all__ = ['array_tables', 'document_tree', 'show']

Record = Mapping[str, Any]

_LONGEST_TEXT = 100
# Arrays of one dimension below this length are drawn as a bar of colours.
_LONGEST_BAR = 1000
# So many Documents are looked at for the table of attributes.
_SAMPLE = 10_000
# Brightness of the 24 grey steps of a terminal, as its colour numbers.
_GREYS = range(232, 256)


def show(thing: RenderableType) -> None:
    """Print something on the terminal."""
    from rich.console import Console

    Console().print(thing)


def document_tree(record: Record) -> Tree:
    """The fields of a Document and of those nested in it."""
    from rich.table import Table
    from rich.tree import Tree

    tree = Tree(f'[b]Document[/b] [dim]{record.get("id", "")}[/dim]')
    table = Table('Attribute', 'Value', header_style='bold')
    for name, value in record.items():
        if name not in {'id', 'chunks', 'matches'}:
            table.add_row(name, _value(value))
    if table.row_count:
        tree.add(table)
    for name in ('matches', 'chunks'):
        if record.get(name):
            branch = tree.add(f'[b]{name}[/b] ({len(record[name])})')
            for child in record[name]:
                branch.add(document_tree(child))
    return tree


def _value(value: Any) -> RenderableType:
    from rich.text import Text

    if isinstance(value, np.ndarray):
        kind = f'ndarray of shape {value.shape}, {value.dtype}'
        if value.ndim == 1 and 0 < len(value) < _LONGEST_BAR and value.dtype.kind in 'fiu':
            return Text.assemble(kind, '\n', *_bar(value))
        return Text(kind)
    if isinstance(value, bytes):
        return Text(f'{len(value)} bytes')
    text = str(value)
    return Text(text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + '...')


def _bar(vector: np.ndarray[Any, Any]) -> Iterable[tuple[str, str]]:
    values = vector.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    steps = (values - low) / ((high - low) or 1.0) * (len(_GREYS) - 1)
    return [('█', f'color({_GREYS[round(step)]})') for step in steps]


def array_tables(
    records: Iterable[tuple[Record, bool]],
    length: int,
    facts: Mapping[str, str],
) -> RenderableType:
    """The panels of an array.

    Parameters
    ----------
    records : iterable of (record, multimodal)
        The plain fields of the Documents; the first of them are looked at.
    length : int
        How many there are.
    facts : dict of str to str
        What is known of the array and its store, shown line by line.
    """
    from itertools import islice

    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table

    looked = list(islice(records, _SAMPLE))
    sample = [record for record, _ in looked]
    head = Table.grid(padding=(0, 2))
    shapes = Counter(tuple(record) for record in sample)
    lines = {
        **facts,
        'Length': f'{length:,}',
        'Homogenous Documents': str(len(shapes) <= 1),
        'Common Attributes': str(_common(sample)),
        'Nested Documents': str(any(r.get('chunks') or r.get('matches') for r in sample)),
        'Multimodal dataclass': str(any(multimodal for _, multimodal in looked)),
    }
    for name, value in lines.items():
        head.add_row(name, value)
    panels: list[RenderableType] = [Panel(head, title='Documents Summary', expand=False)]
    if sample:
        title = 'Attributes Summary'
        if length > len(sample):
            title += f' of the first {len(sample):,}'
        panels.append(Panel(_attributes(sample), title=title, expand=False))
    return Group(*panels)


def _common(sample: list[Record]) -> tuple[str, ...]:
    if not sample:
        return ()
    shared = set.intersection(*(set(record) for record in sample))
    return tuple(name for name in sample[0] if name in shared)


def _attributes(sample: list[Record]) -> RenderableType:
    from rich.table import Table

    table = Table('Attribute', 'Data type', '#Unique values', 'Has empty value')
    for name in dict.fromkeys(name for record in sample for name in record):
        values = [record.get(name) for record in sample]
        present = [value for value in values if value is not None]
        kinds = sorted({_kind(value) for value in present})
        table.add_row(
            name,
            ', '.join(kinds),
            _unique(present),
            str(len(present) < len(values)),
        )
    return table


def _kind(value: Any) -> str:
    """The name of a type as users know it: those that write through look plain."""
    for plain in (dict, list):
        if isinstance(value, plain):
            return plain.__name__
    return type(value).__name__


def _unique(values: list[Any]) -> str:
    try:
        return f'{len(set(values)):,}'
    except TypeError:
        return '-'
