"""The picture of the benchmark page: how many times faster, by bars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.cases import GROUPS, PEERS

__all__ = ['draw']

_OURS, _BEHIND, _INK, _PALE = '#1f6f8b', '#c8553d', '#222222', '#8a8a8a'


def draw(data: dict[str, Any], path: Path) -> None:
    """Write an SVG with two panels: search beside the best peer, the rest beside docarray."""
    import matplotlib as mpl

    mpl.use('svg')
    import matplotlib.pyplot as plt

    rows = [row for row in data['rows'] if row['ratio'][row['clock']] is not None]
    panels = [
        ('Exact search, against the best of faiss, NumPy and docarray', ['search']),
        ('Documents, stores and formats, against docarray 0.21', list(GROUPS)[1:]),
    ]
    chosen = [(title, [r for r in rows if r['group'] in groups]) for title, groups in panels]
    chosen = [(title, lines) for title, lines in chosen if lines]
    if not chosen:
        return
    heights = [len(lines) + 1.5 for _, lines in chosen]
    plt.rcParams.update({'font.size': 9, 'svg.hashsalt': 'docstore', 'svg.fonttype': 'none'})
    figure, axes = plt.subplots(
        len(chosen),
        1,
        figsize=(9, 0.26 * sum(heights) + 1),
        height_ratios=heights,
        squeeze=False,
    )
    for axis, (title, lines) in zip(axes[:, 0], chosen, strict=True):
        _panel(axis, title, lines)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={'Date': None})
    plt.close(figure)


def _panel(axis: Any, title: str, rows: list[dict[str, Any]]) -> None:
    values = [row['ratio'][row['clock']] for row in rows]
    places = range(len(rows))
    colours = [_OURS if value >= 1 else _BEHIND for value in values]
    # Bars start at 1: to the right docstore is faster, to the left slower.
    axis.barh(places, [v - 1 for v in values], left=1, color=colours, height=0.66, zorder=2)
    axis.set_xscale('log')
    for place, row, value in zip(places, rows, values, strict=True):
        text = f'{value:.2f}x' if value < 10 else f'{value:,.0f}x'
        axis.annotate(
            text,
            (max(value, 1), place),
            xytext=(4, 0),
            textcoords='offset points',
            va='center',
            color=_INK,
        )
        if row['target']:
            axis.plot([row['target']] * 2, [place - 0.4, place + 0.4], color=_INK, lw=1.6, zorder=3)
    axis.axvline(1, color=_INK, lw=0.8, zorder=3)
    axis.set_yticks(places, [_label(row) for row in rows])
    axis.invert_yaxis()
    axis.set_xlim(min(0.5, min(values) * 0.8), max(2.0, max(values) * 2.2))
    axis.xaxis.set_major_formatter(lambda value, _: f'{value:g}x')
    axis.xaxis.set_minor_formatter(lambda value, _: '')
    axis.grid(axis='x', color='#e5e5e5', zorder=0)
    axis.spines[['top', 'right', 'left']].set_visible(False)
    axis.tick_params(left=False)
    axis.set_title(f'{title}  (times faster; a tick is the target)', loc='left', weight='bold')


def _label(row: dict[str, Any]) -> str:
    prefix = {'sqlite': 'sqlite: ', 'disk': 'disk: '}.get(row['group'], '')
    against = f'  [{PEERS[row["peer"]].label.split(" ")[0]}]' if row['group'] == 'search' else ''
    return f'{prefix}{row["name"]}{against}'
