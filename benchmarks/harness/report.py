"""Results as data, as tables on the terminal and as a page of the documentation."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from harness.cases import GROUPS, PEERS

if TYPE_CHECKING:
    from rich.console import Console

    from harness.pool import Result

__all__ = ['as_data', 'markdown', 'print_group', 'verdict']

Row = dict[str, Any]


def as_data(result: Result) -> Row:
    """One result as plain values: what is written to the JSON file."""
    case, best = result.case, result.best_peer()
    return {
        'group': case.group,
        'name': case.name,
        'unit': case.unit,
        'target': case.target,
        'limit': case.limit,
        'clock': case.clock,
        'peer': best,
        'ratio': {clock: result.ratio(best, clock) for clock in ('cpu', 'wall')},
        'spread': _spread(result, best, case.clock),
        'peers': {
            name: {
                'cpu': _per_unit(measured.cpu, case.units),
                'wall': _per_unit(measured.wall, case.units),
                'rounds': len(measured.cpu),
                'recall': measured.recall,
                'error': measured.error,
                'facts': {k: v for k, v in measured.facts.items() if k.startswith('~')},
            }
            for name, measured in result.peers.items()
        },
        'same': _same(result),
    }


def _per_unit(values: list[float], units: int) -> float | None:
    return statistics.median(values) / units if values else None


def _spread(result: Result, peer: str | None, clock: str) -> list[float] | None:
    """The smallest and the largest ratio of a round."""
    if peer is None or result.peers['docstore'].error:
        return None
    ratios = result.ratios(peer, clock)
    return [min(ratios), max(ratios)] if ratios else None


def _same(result: Result) -> bool | None:
    """Whether all peers gave the same facts; names with ``~`` (sizes) may differ."""
    facts = [
        {k: v for k, v in measured.facts.items() if not k.startswith('~')}
        for measured in result.peers.values()
        if not measured.error
    ]
    return all(fact == facts[0] for fact in facts) if len(facts) > 1 and facts[0] else None


def verdict(row: Row) -> str:
    """``yes`` or ``no`` where there is a number to reach."""
    ratio, taken = row['ratio'][row['clock']], row['peers']['docstore'][row['clock']]
    if row['target'] is None and row['limit'] is None:
        return ''
    if ratio is None or taken is None:
        return 'not measured'
    reached = taken <= row['limit'] if row['target'] is None else ratio >= row['target']
    return 'yes' if reached else '**no**'


def target(row: Row) -> str:
    """The number to reach: a ratio or a time."""
    if row['target'] is not None:
        return f'{row["target"]:g} x'
    return '' if row['limit'] is None else f'{seconds(row["limit"])}'


def seconds(value: float | None) -> str:
    """A time with a unit that suits it.

    >>> seconds(0.0000123)
    '12.3 us'
    """
    if value is None:
        return ''
    for factor, unit in ((1, 's'), (1e3, 'ms'), (1e6, 'us')):
        if value * factor >= 1:
            return f'{value * factor:.3g} {unit}'
    return f'{value * 1e9:.3g} ns'


def times(value: float | None) -> str:
    """A ratio: two digits that mean something.

    >>> times(12.345), times(1.234), times(12345.6)
    ('12 x', '1.23 x', '12,346 x')
    """
    if value is None:
        return ''
    return f'{value:.2f} x' if value < 10 else f'{value:,.0f} x'


def cells(row: Row) -> list[str]:
    """One line of a table: what every format shows."""
    ours = row['peers'].get('docstore', {})
    peer = row['peers'].get(row['peer'], {}) if row['peer'] else {}
    clock = row['clock']
    found = ours.get('recall')
    return [
        row['name'],
        row['unit'],
        seconds(ours.get(clock)) if not ours.get('error') else 'failed',
        seconds(peer.get(clock)),
        PEERS[row['peer']].label if row['peer'] else '',
        times(row['ratio']['cpu']),
        times(row['ratio']['wall']),
        target(row),
        verdict(row),
        '' if found is None else f'{found:.4f}'.rstrip('0').rstrip('.'),
    ]


HEADINGS = [
    '',
    'one',
    'docstore',
    'best peer',
    'which',
    'CPU',
    'elapsed',
    'target',
    'reached',
    'recall',
]


def print_group(group: str, rows: list[Row], console: Console) -> None:
    """A rich table of one group."""
    table = Table(title=GROUPS[group], title_justify='left')
    for heading in HEADINGS:
        table.add_column(heading, justify='left' if heading in ('', 'one', 'which') else 'right')
    for row in rows:
        line = [escape(cell) for cell in cells(row)]
        line[8] = line[8].replace('**no**', '[bold red]no[/]').replace('yes', '[green]yes[/]')
        if row['same'] is False:
            line[0] += ' [red](results differ)[/]'
        table.add_row(*line)
    console.print(table)
    for row in rows:
        for name, peer in row['peers'].items():
            if peer['error']:
                text = f'{row["name"]}: {name}: {peer["error"]}'
                console.print(text, style='red', markup=False, soft_wrap=True)


def markdown(data: dict[str, Any]) -> str:
    """The page ``docs/benchmarks.md``."""
    parts = [_introduction(data)]
    for group, title in GROUPS.items():
        rows = [row for row in data['rows'] if row['group'] == group]
        if rows:
            parts += [f'## {title}', _table(rows), _remarks(rows)]
    return '\n\n'.join(part for part in parts if part) + '\n'


def _introduction(data: dict[str, Any]) -> str:
    machine = data['machine']
    versions = '; '.join(
        ', '.join(f'{name} {version}' for name, version in packages.items())
        for packages in data['versions'].values()
    )
    blas = '; '.join(f'{name}: {", ".join(found)}' for name, found in data['blas'].items() if found)
    return f"""# Benchmarks

![How many times faster docstore is](img/benchmarks.svg)

`make bench` makes this page. Every peer runs in a process of its own, docarray 0.21 in an
environment of its own, all on the same data; the runs are interleaved (A B C, C B A, ...), and a
ratio is the median over the rounds of "time of the peer / time of docstore". So 2 x means twice as
fast. Times are for one of what the second column says. **CPU** is the
processor time of all threads of the process, **elapsed** is the clock on the wall. The target is
judged by CPU time, and by elapsed time where two threads are at work. "Best peer" is the fastest
of those measured; for faiss both its default and `distance_compute_blas_threshold = 20` run.
Recall is the share of the true ten nearest (float64) among docstore's answers. Peers had to give
the same results on the operations of documents, or the line says so.

- date: {data['date']}{', reduced sizes (--quick)' if data['quick'] else ''}
- machine: {machine['processor']}, {machine['cores']} cores, {machine['memory']}, \
{machine['system']}, Python {machine['python']}
- load average (1, 5, 15 minutes) at the start {data['load'][0]}, at the end {data['load'][1]}
- versions: {versions}
- BLAS in use: {blas or 'unknown'}"""


def _table(rows: list[Row]) -> str:
    lines = [HEADINGS, [*['---'] * 2, *['--:'] * 2, '---', *['--:'] * 5]]
    lines += [[cell.replace('|', '\\|') for cell in cells(row)] for row in rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def _remarks(rows: list[Row]) -> str:
    """Misses, failures and differences, said in words."""
    remarks = []
    for row in rows:
        if verdict(row) == '**no**':
            reached = times(row['ratio'][row['clock']])
            taken = seconds(row['peers']['docstore'][row['clock']])
            what = reached if row['target'] is not None else taken
            remarks.append(f'- Missed: {row["name"]}: {what}, target {target(row)}.')
        if row['same'] is False:
            remarks.append(f'- Results differ: {row["name"]}.')
        for name, peer in row['peers'].items():
            if peer['error']:
                remarks.append(f'- Not measured: {row["name"]}, {name}: {peer["error"]}.')
    return '\n'.join(remarks)
