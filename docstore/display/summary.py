"""What ``summary()`` prints: a tree for a Document, tables for an array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text
    from rich.tree import Tree

__all__ = ['Overview', 'array_tables', 'describe', 'document_tree', 'heading', 'printable', 'show']

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


def heading(thing: object) -> Text:
    """The repr of something as the first line."""
    from rich.text import Text

    return Text(printable(repr(thing)))


def document_tree(record: Record) -> Tree:
    """The fields of a Document and of those nested in it."""
    from rich.table import Table
    from rich.text import Text
    from rich.tree import Tree

    # Texts of users are never read as markup, and their control signs do nothing.
    doc_id = printable(str(record.get('id', '')))
    tree = Tree(Text.assemble(('Document', 'bold'), ' ', (doc_id, 'dim')))
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

    if isinstance(value, np.ndarray) and value.ndim == 1 and 0 < len(value) < _LONGEST_BAR:
        return Text.assemble(describe(value), '\n', *_bar(value))
    return Text(printable(describe(value)))


def printable(text: str) -> str:
    """A text without signs that steer a terminal; ends of lines and tabs stay."""
    if text.isprintable():
        return text
    return ''.join(c if c in '\n\t' or c.isprintable() or c.isspace() else '\ufffd' for c in text)


def describe(value: Any) -> str:
    """A value in a few words: what an array is, the start of a long text."""
    if isinstance(value, np.ndarray):
        return f'ndarray of shape {value.shape}, {value.dtype}'
    if hasattr(value, 'shape') and hasattr(value, 'dtype'):
        return f'{type(value).__name__} of shape {tuple(value.shape)}, {value.dtype}'
    if isinstance(value, bytes):
        return f'{len(value)} bytes'
    text = str(value)
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + '...'


def _bar(vector: np.ndarray[Any, Any]) -> Iterable[tuple[str, str]]:
    if vector.dtype.kind not in 'fiu':
        return []
    values = vector.astype(np.float64)
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    last = len(_GREYS) - 1
    steps = np.clip((values - low) / ((high - low) or 1.0) * last, 0, last)
    return [
        ('?', 'red') if np.isnan(step) else ('█', f'color({_GREYS[round(step)]})') for step in steps
    ]


@dataclass(frozen=True, slots=True)
class Overview:
    """What the summary of an array says, before it is laid out.

    Attributes
    ----------
    facts : dict of str to str
        Line by line.
    attributes : list of tuple of str
        Name, types, how many values, whether it is missing somewhere.
    looked_at : int
        How many Documents the table of attributes is about.
    """

    facts: dict[str, str]
    attributes: list[tuple[str, str, str, str]]
    looked_at: int

    @classmethod
    def of(
        cls, records: Iterable[tuple[Record, bool]], length: int, facts: Mapping[str, str]
    ) -> Overview:
        """Look at the first of the plain fields of Documents; the bool says if it is multimodal."""
        looked = list(islice(records, _SAMPLE))
        sample = [record for record, _ in looked]
        shapes = Counter(tuple(record) for record in sample)
        nested = tuple(name for name in ('chunks', 'matches') if any(r.get(name) for r in sample))
        lines = {
            **facts,
            'Length': f'{length:,}',
            'Homogeneous Documents': str(len(shapes) <= 1),
            'Common Attributes': str(_common(sample)),
            'Nested Documents': f'in {nested}' if nested else 'False',
            'Multimodal dataclass': str(any(multimodal for _, multimodal in looked)),
        }
        return cls(lines, _attributes(sample), len(sample))

    @property
    def title(self) -> str:
        """The title of the table of attributes."""
        some = self.facts['Length'] != f'{self.looked_at:,}'
        return 'Attributes Summary' + (f' of the first {self.looked_at:,}' if some else '')


def array_tables(overview: Overview) -> RenderableType:
    """The panels of an array."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    head = Table.grid(padding=(0, 2))
    for name, value in overview.facts.items():
        head.add_row(Text(printable(name)), Text(printable(value)))
    panels: list[RenderableType] = [Panel(head, title='Documents Summary', expand=False)]
    if overview.attributes:
        table = Table('Attribute', 'Data type', '#Unique values', 'Has empty value')
        for row in overview.attributes:
            table.add_row(*map(Text, row))
        panels.append(Panel(table, title=overview.title, expand=False))
    return Group(*panels)


def _common(sample: list[Record]) -> tuple[str, ...]:
    if not sample:
        return ()
    shared = set.intersection(*(set(record) for record in sample))
    return tuple(name for name in sample[0] if name in shared)


def _attributes(sample: list[Record]) -> list[tuple[str, str, str, str]]:
    rows = []
    for name in dict.fromkeys(name for record in sample for name in record):
        values = [record.get(name) for record in sample]
        present = [value for value in values if value is not None]
        kinds = ', '.join(sorted({_kind(value) for value in present}))
        rows.append((name, kinds, _unique(present), str(len(present) < len(values))))
    return rows


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
