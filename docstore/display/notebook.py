"""Documents and arrays as HTML, for notebooks: what users wrote is never run or loaded."""

from __future__ import annotations

import re
import sys
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from ..errors import InvalidArgument
from .pixels import png, rgb_of, thumbnail
from .summary import Overview, describe, printable

__all__ = ['array_html', 'document_html', 'frame_html', 'in_notebook', 'picture_html', 'show_html']

Record = Mapping[str, Any]

_THUMBNAIL = 128
# A picture that comes as a file is shown as it is up to this size, in bytes.
_LARGEST_FILE = 256 << 10
# Tensors with more numbers are not made small just for being looked at.
_LARGEST_TENSOR = 1 << 25
_LONGEST_TEXT = 2000
# So many nested Documents of a kind are shown, and so many levels of them.
_NESTED = 10
_LEVELS = 3
_ROWS = 10
_LONGEST_BAR = 1000

# Only formats that cannot have scripts inside.
_PICTURE_URI = re.compile(r'data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}')
_MAGIC = {b'\x89PNG\r\n\x1a\n': 'png', b'\xff\xd8\xff': 'jpeg', b'GIF8': 'gif'}

_TABLE = 'border-collapse:collapse;margin:.3em 0;text-align:left'
_CELL = 'padding:.15em .8em .15em 0;vertical-align:top;text-align:left'


def in_notebook() -> bool:
    """Whether this runs in a notebook, which shows HTML."""
    package = sys.modules.get('IPython')
    shell = package.get_ipython() if package is not None else None
    return shell is not None and hasattr(shell, 'kernel')


def show_html(make: Callable[[], str], otherwise: Callable[[], object]) -> None:
    """Show HTML in a notebook; elsewhere do something else."""
    if not in_notebook():
        otherwise()
        return
    from IPython.display import HTML, display

    display(HTML(make()))


def picture_html(data: bytes, kind: str = 'png', text: str = '', width: int | None = None) -> str:
    """An image file as an element, with the bytes inside."""
    source = f'data:image/{kind};base64,{b64encode(data).decode("ascii")}'
    style = f' style="width:{int(width)}px;max-width:100%"' if width else ''
    return f'<img src="{source}" alt="{escape(text)}"{style}>'


def frame_html(page: bytes, height: int = 600) -> str:
    """A page inside a page; it may run its script, and reach nothing around it."""
    inside = escape(page.decode('utf-8'))
    return (
        f'<iframe srcdoc="{inside}" sandbox="allow-scripts" title="plot" '
        f'style="width:100%;height:{int(height)}px;border:0"></iframe>'
    )


def document_html(record: Record, level: int = 0) -> str:
    """The fields of a Document as a table, with those nested in it to unfold."""
    head = f'<b>Document</b> <code>{_text(str(record.get("id", "")))}</code>'
    rows = [
        _row(name, _value(value))
        for name, value in record.items()
        if name not in {'id', 'chunks', 'matches'}
    ]
    nested = [
        _nested(name, record[name], level) for name in ('chunks', 'matches') if record.get(name)
    ]
    return f'<div>{head}<table style="{_TABLE}">{"".join(rows)}</table>{"".join(nested)}</div>'


def _nested(name: str, records: Sequence[Record], level: int) -> str:
    inside = ''.join(
        document_html(record, level + 1) for record in records[: _NESTED if level < _LEVELS else 0]
    )
    left = len(records) - _NESTED if level < _LEVELS else len(records)
    more = f'<p>... and {left:,} more</p>' if left > 0 else ''
    return (
        f'<details style="margin-left:1em"><summary>{name} ({len(records):,})</summary>'
        f'{inside}{more}</details>'
    )


def array_html(overview: Overview, first: Iterable[Record]) -> str:
    """The summary of an array, and its first Documents in a row each."""
    facts = ''.join(_row(name, _text(value)) for name, value in overview.facts.items())
    parts = [f'<table style="{_TABLE}">{facts}</table>']
    if overview.attributes:
        heads = ('Attribute', 'Data type', '#Unique values', 'Has empty value')
        parts.append(_grid(overview.title, heads, [[*map(_text, r)] for r in overview.attributes]))
    rows = [
        [f'<code>{_text(str(record.get("id", "")))}</code>', _content(record), _tags(record)]
        for _, record in zip(range(_ROWS), first, strict=False)
    ]
    if rows:
        title = 'The Documents' if len(rows) < _ROWS else f'The first {len(rows)} Documents'
        parts.append(_grid(title, ('id', 'content', 'tags'), rows))
    return f'<div>{"".join(parts)}</div>'


def _grid(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = ''.join(f'<th scope="col" style="{_CELL}">{_text(head)}</th>' for head in heads)
    body = ''.join(
        '<tr>' + ''.join(f'<td style="{_CELL}">{cell}</td>' for cell in row) + '</tr>'
        for row in rows
    )
    caption = f'<caption style="text-align:left"><b>{_text(title)}</b></caption>'
    inside = f'{caption}<thead><tr>{top}</tr></thead><tbody>{body}</tbody>'
    return f'<table style="{_TABLE}">{inside}</table>'


def _row(name: str, cell: str) -> str:
    return (
        f'<tr><th scope="row" style="{_CELL};font-weight:600">{_text(name)}</th>'
        f'<td style="{_CELL}">{cell}</td></tr>'
    )


def _text(value: str, longest: int = _LONGEST_TEXT) -> str:
    cut = value if len(value) <= longest else value[: longest - 3] + '...'
    # A lone surrogate is no character, and cannot be sent to a browser.
    return escape(printable(cut).encode('utf-8', 'replace').decode('utf-8'))


def _content(record: Record) -> str:
    for name in ('tensor', 'blob', 'uri', 'text'):
        if record.get(name) is not None:
            return _value(record[name], 200)
    return ''


def _tags(record: Record) -> str:
    tags = record.get('tags')
    return _text(str(dict(tags)), 200) if tags else ''


def _value(value: Any, longest: int = _LONGEST_TEXT) -> str:
    if isinstance(value, str):
        if len(value) <= _LARGEST_FILE * 4 // 3 and _PICTURE_URI.fullmatch(value):
            return f'<img src="{value}" alt="" style="max-width:{_THUMBNAIL}px">'
        return f'<span style="white-space:pre-wrap">{_text(value, longest)}</span>'
    if isinstance(value, bytes):
        return _file(value)
    if isinstance(value, np.ndarray):
        said = _text(describe(value))
        return f'{said}<br>{_drawn(value)}' if value.size else said
    if hasattr(value, 'shape'):
        return _text(describe(value))
    return _text(str(value), longest)


def _file(data: bytes) -> str:
    said = _text(describe(data))
    kind = next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)
    if data[:4] == b'RIFF' and data[8:12] == b'WEBP':
        kind = 'webp'
    if kind is None or len(data) > _LARGEST_FILE:
        return said
    return f'{said}<br>{picture_html(data, kind, width=_THUMBNAIL)}'


def _drawn(array: np.ndarray[Any, Any]) -> str:
    """A vector as a small curve, a picture as a thumbnail, nothing for anything else."""
    if array.ndim == 1:
        return _curve(array) if array.dtype.kind in 'iuf' and len(array) < _LONGEST_BAR else ''
    axis = -1 if array.shape[-1] in (1, 3, 4) else 0
    grey = array.ndim == 2 and min(array.shape) >= 8
    colour = array.ndim == 3 and array.shape[axis] in (1, 3, 4)
    if not (grey or colour) or array.size > _LARGEST_TENSOR:
        return ''
    try:
        picture = thumbnail(rgb_of(array, axis), _THUMBNAIL)
    except InvalidArgument:
        return ''
    return picture_html(png(picture), text='the tensor as a picture')


def _curve(vector: np.ndarray[Any, Any]) -> str:
    values = vector.astype(np.float64)
    known = np.isfinite(values)
    if not known.any():
        return ''
    low, high = float(values[known].min()), float(values[known].max())
    heights = 22 - (values - low) / ((high - low) or 1.0) * 20
    across = np.linspace(1, 199, len(values))
    points = ' '.join(
        f'{x:.1f},{y:.1f}' for x, y in zip(across[known], heights[known], strict=True)
    )
    return (
        '<svg width="200" height="24" role="img" aria-label="the numbers as a curve">'
        f'<polyline points="{points}" fill="none" stroke="currentColor"/></svg>'
    )
