"""docstore's side of every case under pytest-benchmark, to compare commits.

    pytest benchmarks --benchmark-only --benchmark-save=before
    pytest benchmarks --benchmark-only --benchmark-compare

The clock is the CPU time of the process, so that other work on the machine
does little harm. The comparison with other libraries is ``run.py``.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness.cases import Case, cases, write_inputs

CASES = [case for case in cases(quick=True) if case.operation != 'import']


@pytest.fixture(scope='session', autouse=True)
def _inputs(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ['DOCSTORE_BENCH_FOLDER'] = str(tmp_path_factory.mktemp('bench'))
    write_inputs(quick=True)


@pytest.mark.benchmark(timer=time.process_time, warmup=False)
@pytest.mark.parametrize('case', CASES, ids=lambda case: f'{case.group}: {case.name}')
def test_operation(benchmark: Any, case: Case) -> None:
    from harness.peers.ours import OPERATIONS

    task = OPERATIONS[case.operation](**case.parameters('docstore'))
    benchmark.group = case.group
    try:
        if task.setup:
            result = benchmark.pedantic(task.call, setup=task.setup, rounds=5)
        else:
            result = benchmark(task.call)
        assert task.check is None or task.check(result)
    finally:
        if task.close:
            task.close()
