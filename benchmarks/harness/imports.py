"""What importing costs beyond NumPy, each time in a new process."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from harness.pool import Measured, Result

if TYPE_CHECKING:
    from harness.cases import Case

__all__ = ['measure_imports']

_CODE = """
import json, time, numpy
wall, cpu = time.perf_counter(), time.process_time()
from {name} import Document, DocumentArray
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
"""
_NAMES = {'docstore': ('docstore', 'ours'), 'docarray': ('docarray', 'legacy_docarray')}


def measure_imports(case: Case, pythons: dict[str, Path], rounds: int) -> Result:
    """Import both names of each package in turn; the first time warms the disk cache."""
    peers = {n: Measured() for n, (_, module) in _NAMES.items() if module in pythons}
    for turn in range(rounds + 1):
        for name, measured in peers.items():
            package, module = _NAMES[name]
            command = [str(pythons[module]), '-c', _CODE.format(name=package)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                measured.error = done.stderr.strip().rpartition('\n')[2]
            elif turn:
                wall, cpu = json.loads(done.stdout)
                measured.wall.append(wall)
                measured.cpu.append(cpu)
    return Result(case, peers)
