"""A page that shows points, whole in one file: it loads nothing, and runs nothing but itself."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ['as_json', 'page_of', 'plot_of']

# What stays inside a <script> of JSON, whatever is in the texts.
_GUARDED = str.maketrans({'<': '\\u003c', '>': '\\u003e', '&': '\\u0026'})


def as_json(value: Any) -> str:
    """JSON that may stand inside HTML: plain ASCII, without the signs that HTML knows."""
    return json.dumps(value, allow_nan=False, separators=(',', ':')).translate(_GUARDED)


def plot_of(
    title: str,
    about: str,
    points: npt.NDArray[np.float32],
    columns: Mapping[str, Sequence[Any]],
    axes: int = 3,
    deep: bool = False,
    colour: str = '',
    sprite: Mapping[str, Any] | None = None,
    edges: Sequence[Any] = (),
) -> dict[str, Any]:
    """What the page knows of one plot.

    Parameters
    ----------
    title, about : str
        Shown above it.
    points : ndarray of shape (n, 3)
        Coordinates within -1 to 1.
    columns : dict of str to sequence
        A value for each point: str, int, float or None.
    axes : int
        How many coordinates say something.
    deep : bool
        Whether three of them are shown at first.
    colour : str
        The column that colours the points at first.
    sprite : dict, optional
        A PNG of pictures, side by side in the order of the points: ``image`` (a
        data URI), ``size`` and ``columns``.
    edges : sequence of pairs of int
        Lines between points.
    """
    data = np.ascontiguousarray(points, dtype='<f4').tobytes()
    made = {
        'title': title,
        'about': about,
        'count': len(points),
        'points': b64encode(data).decode('ascii'),
        'axes': ['x', 'y', 'z'][:axes],
        'deep': deep,
        'colour': colour,
        'columns': {name: list(values) for name, values in columns.items()},
    }
    if sprite:
        made['sprite'] = dict(sprite)
    if len(edges):
        made['edges'] = [[int(a), int(b)] for a, b in edges]
    return made


def page_of(plots: Sequence[Mapping[str, Any]]) -> bytes:
    """The page with these plots, the first in view."""
    folder = Path(__file__).parent
    html, style, script = (
        (folder / f'page.{kind}').read_text(encoding='utf-8') for kind in ('html', 'css', 'js')
    )
    page = Template(html).substitute(
        title=escape(str(plots[0]['title'])),
        style=style,
        style_hash=_digest(style),
        script=script,
        script_hash=_digest(script),
        data=as_json(list(plots)),
    )
    return page.encode('utf-8', 'replace')


def _digest(text: str) -> str:
    """What the browser compares with what it is about to run."""
    return b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')
