"""Measure docstore beside its peers: ``make bench``, or ``python benchmarks/run.py --help``."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rich.console import Console

sys.path.insert(0, str(Path(__file__).parent))  # also where PYTHONSAFEPATH is set

from harness.cases import GROUPS, Case, cases, write_inputs
from harness.imports import measure_imports
from harness.legacy import legacy_python
from harness.machine import load, machine
from harness.pool import Pool, Result
from harness.report import as_data, markdown, print_group

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs' / 'benchmarks.md'
PICTURE = ROOT / 'docs' / 'img' / 'benchmarks.svg'
RESULTS = ROOT / 'benchmarks' / 'results.json'


def main() -> int:
    """Measure, or only write the page from results; 0 unless docstore itself failed."""
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 140)
    if options.report:
        _write(json.loads(options.report.read_text()), console)
        return 0
    with tempfile.TemporaryDirectory(prefix='docstore-bench-', dir=options.folder) as folder:
        os.environ['DOCSTORE_BENCH_FOLDER'] = folder
        data = _measure(options, Path(folder), console)
    target = options.json or (None if options.quick or options.only or options.case else RESULTS)
    if target:
        target.write_text(json.dumps(data, indent=1) + '\n')
        console.print(f'results: {target}')
    if target == RESULTS:
        _write(data, console)
    return 1 if any(row['peers']['docstore']['error'] for row in data['rows']) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add('--quick', action='store_true', help='a tenth of the rows and few rounds')
    add('--only', action='append', choices=list(GROUPS), metavar='GROUP', help='; '.join(GROUPS))
    add('--case', metavar='TEXT', help='only the cases whose name contains this')
    add('--rounds', type=int, help='how often each peer runs (default 7, quick 3)')
    add('--json', type=Path, metavar='PATH', help='write the results here')
    add('--report', type=Path, metavar='PATH', help='write page and picture from such a file')
    add('--folder', type=Path, help='where data and stores go while measuring')
    return parser.parse_args()


def _measure(options: argparse.Namespace, folder: Path, console: Console) -> dict[str, Any]:
    pythons = _pythons()
    write_inputs(options.quick)
    before = load()
    rounds = options.rounds or (3 if options.quick else 7)
    seconds = 0.02 if options.quick else 0.1
    rows: list[dict[str, Any]] = []
    with closing(Pool(pythons, folder)) as pool:
        for group in options.only or GROUPS:
            chosen = [case for case in cases(options.quick) if _wanted(case, group, options)]
            for case in chosen:
                console.print(f'{group}: {case.name}', style='dim', markup=False, highlight=False)
                rows.append(as_data(_one(case, pool, pythons, rounds, seconds)))
            if chosen:
                print_group(group, rows[-len(chosen) :], console)
        versions, blas = pool.versions, pool.blas
    return {
        'date': datetime.now(timezone.utc).date().isoformat(),
        'quick': options.quick,
        'machine': machine(),
        'load': [before, load()],
        'versions': versions,
        'blas': blas,
        'rows': rows,
    }


def _wanted(case: Case, group: str, options: argparse.Namespace) -> bool:
    return case.group == group and (not options.case or options.case in case.name)


def _one(case: Case, pool: Pool, pythons: dict[str, Path], rounds: int, seconds: float) -> Result:
    if case.operation == 'import':
        return measure_imports(case, pythons, rounds)
    return pool.measure(case, rounds, seconds)


def _pythons() -> dict[str, Path]:
    """The interpreter of each peer that is installed."""
    here = Path(sys.executable)
    found = {'ours': here, 'numpy_blas': here}
    if importlib.util.find_spec('faiss'):
        found['faiss_flat'] = here
    else:
        print('faiss is left out: pip install ".[bench]"', file=sys.stderr)
    if importlib.util.find_spec('rank_bm25'):
        found['plain_bm25'] = here
    else:
        print('rank_bm25 is left out: pip install ".[bench]"', file=sys.stderr)
    legacy = legacy_python(ROOT / '.cache')
    if legacy:
        found['legacy_docarray'] = legacy
    return found


def _write(data: dict[str, Any], console: Console) -> None:
    from harness.picture import draw

    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(markdown(data))
    draw(data, PICTURE)
    console.print(f'page: {PAGE}, picture: {PICTURE}')


if __name__ == '__main__':
    sys.exit(main())
