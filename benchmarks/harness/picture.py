"""The picture of the benchmark page: how many times faster, by bars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.cases import GROUPS, PEERS

__all__ = ['draw']

_OURS, _BEHIND, _INK, _PALE = '#1f6f8b', '#c8553d', '#222222', '#8a8a8a'


def draw(data: dict[str, Any], path: Path) -> None:
    """Write an SVG of the cases with a number to reach, search in a panel of its own."""
    import matplotlib as mpl

    mpl.use('svg')
    import matplotlib.pyplot as plt

    rows = [row for row in data['rows'] if row['ratio'][row['clock']] and _headline(row)]
    panels = [
        ('Exact search: times as fast as the best peer', ['search']),
        ('The rest: times as fast as docarray 0.21', list(GROUPS)[1:]),
    ]
    chosen = [(title, [r for r in rows if r['group'] in groups]) for title, groups in panels]
    chosen = [(title, lines) for title, lines in chosen if lines]
    if not chosen:
        return
    heights = [len(lines) + 1.5 for _, lines in chosen]
    plt.rcParams.update({'font.size': 9, 'svg.hashsalt': 'docstore'})
    figure, axes = plt.subplots(
        len(chosen),
        1,
        figsize=(9, 0.26 * sum(heights) + 1),
        height_ratios=heights,
        squeeze=False,
    )
    for axis, (title, lines) in zip(axes[:, 0], chosen, strict=True):
        _panel(axis, title, lines)
    figure.text(0.01, 0.005, 'A black tick is the number to reach.', color=_PALE)
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={'Date': None})
    plt.close(figure)


def _headline(row: dict[str, Any]) -> bool:
    return row['target'] is not None or (row['group'] == 'disk' and 'find' in row['name'])


def _panel(axis: Any, title: str, rows: list[dict[str, Any]]) -> None:
    values = [row['ratio'][row['clock']] for row in rows]
    most = max(max(value, row['target'] or 0) for value, row in zip(values, rows, strict=True))
    wide = most > 10
    # On a logarithmic scale the bars start at 1: to the left of it docstore is slower.
    start = 1.0 if wide else 0.0
    colours = [_OURS if value >= 1 else _BEHIND for value in values]
    lengths = [value - start for value in values]
    axis.barh(range(len(rows)), lengths, left=start, color=colours, height=0.66, zorder=2)
    if wide:
        axis.set_xscale('log')
        axis.set_xlim(min(0.5, min(values) * 0.8), most * 2)
        axis.xaxis.set_minor_formatter(lambda value, _: '')
    else:
        axis.set_xlim(0, most * 1.08)
    for place, (row, value) in enumerate(zip(rows, values, strict=True)):
        text = f'{value:.2f}x' if value < 10 else f'{value:,.0f}x'
        axis.text(1.01, place, text, transform=axis.get_yaxis_transform(), va='center', color=_INK)
        if row['target']:
            axis.plot([row['target']] * 2, [place - 0.42, place + 0.42], color=_INK, lw=1.8)
    axis.axvline(1, color=_PALE, lw=1, zorder=1.5)
    axis.set_yticks(range(len(rows)), [_label(row) for row in rows])
    axis.invert_yaxis()
    axis.xaxis.set_major_formatter(lambda value, _: f'{value:g}x')
    axis.grid(axis='x', color='#ececec', zorder=0)
    axis.set_axisbelow(True)
    axis.spines[['top', 'right', 'left']].set_visible(False)
    axis.tick_params(left=False)
    axis.set_title(title, loc='left', weight='bold', fontsize=10)


def _label(row: dict[str, Any]) -> str:
    prefix = {'sqlite': 'sqlite: ', 'disk': 'disk: '}.get(row['group'], '')
    against = f'  [{PEERS[row["peer"]].label.split(" ")[0]}]' if row['group'] == 'search' else ''
    return f'{prefix}{row["name"]}{against}'
