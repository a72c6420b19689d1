"""The process of one peer: ``python -m harness.worker MODULE``.

Reads commands as JSON lines from standard input and answers on the original
standard output; whatever a library prints goes to standard error. Runs in the
environment of the peer, so it imports nothing but NumPy and that peer.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any

from harness.task import Operation, Task, calibrate, sample


class Worker:
    """Holds the prepared tasks, one a slot."""

    def __init__(self, module: str) -> None:
        peer = importlib.import_module(f'harness.peers.{module}')
        self._operations: dict[str, Operation] = peer.OPERATIONS
        self._versions: dict[str, str] = peer.versions()
        self._tasks: dict[str, tuple[Task, int]] = {}

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command."""
        return getattr(self, f'_do_{command.pop("do")}')(**command)  # type: ignore[no-any-return]

    def _do_versions(self) -> dict[str, Any]:
        return {'versions': self._versions, 'operations': sorted(self._operations)}

    def _do_prepare(
        self, slot: str, operation: str, seconds: float, params: dict[str, Any]
    ) -> dict[str, Any]:
        """Get a task ready, warm it up and show what it gives."""
        task = self._operations[operation](**params)
        first, result = sample(task, 1)
        facts = task.check(result) if task.check else {}
        del result
        calls = 1 if first.cpu > 20 * seconds else calibrate(task, seconds)
        self._tasks[slot] = task, calls
        return {'facts': facts, 'calls': calls, 'blas': _blas()}

    def _do_run(self, slot: str) -> dict[str, Any]:
        measured = sample(*self._tasks[slot])[0]
        return {'wall': measured.wall, 'cpu': measured.cpu}

    def _do_release(self, slot: str) -> dict[str, Any]:
        task, _ = self._tasks.pop(slot, (None, 0))
        if task is not None and task.close:
            task.close()
        return {}


def _blas() -> list[str]:
    """The BLAS libraries of this process and the kernels they chose."""
    try:
        import threadpoolctl
    except ImportError:
        return []
    return [
        f'{pool["internal_api"]} {pool.get("version")} {pool.get("architecture", "")}'.strip()
        for pool in threadpoolctl.threadpool_info()
        if pool['user_api'] == 'blas'
    ]


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    worker = Worker(sys.argv[1])
    for line in sys.stdin:
        try:
            reply = worker.answer(json.loads(line))
        except Exception as error:  # noqa: BLE001 - the harness reports it
            traceback.print_exc()
            reply = {'error': f'{type(error).__name__}: {error}'}
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == '__main__':
    main()
