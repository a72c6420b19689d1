"""What a peer prepares and the worker measures."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ['Operation', 'Sample', 'Task', 'calibrate', 'sample']


@dataclass
class Task:
    """One operation, ready to be run again and again.

    Parameters
    ----------
    call : callable
        The measured part.
    setup : callable, optional
        Runs before every call and is not measured.
    check : callable, optional
        From the last result to facts about it (ids found, lengths), which
        show that every peer did the same work. Not measured.
    close : callable, optional
        Lets go of files.
    """

    call: Callable[[], Any]
    setup: Callable[[], None] | None = None
    check: Callable[[Any], dict[str, Any]] | None = None
    close: Callable[[], None] | None = None


Operation = Callable[..., Task]


@dataclass
class Sample:
    """Mean seconds of a call: elapsed, and CPU of all threads of the process."""

    wall: float
    cpu: float


def sample(task: Task, calls: int) -> tuple[Sample, Any]:
    """Run a task so many times; return the mean and the last result."""
    gc.collect()
    wall = cpu = 0.0
    result = None
    # Without a setup the clocks are read once round the loop: cheaper than a fast call.
    inner, outer = (1, calls) if task.setup else (calls, 1)
    for _ in range(outer):
        result = None
        if task.setup:
            task.setup()
        started = time.perf_counter(), time.process_time()
        for _ in range(inner):
            result = task.call()
        wall += time.perf_counter() - started[0]
        cpu += time.process_time() - started[1]
    return Sample(wall / calls, cpu / calls), result


def calibrate(task: Task, seconds: float, most: int = 100_000) -> int:
    """Warm up; how many calls make a sample of at least so many seconds of CPU time.

    Fewer, where what is not measured would take ten times as long.
    """
    calls = 1
    while True:
        started = time.perf_counter()
        taken = sample(task, calls)[0].cpu * calls
        elapsed = time.perf_counter() - started
        if taken >= seconds or elapsed >= 10 * seconds or calls >= most:
            return calls
        growth = min(seconds / max(taken, 1e-6), 10 * seconds / elapsed)
        calls = min(most, max(calls + 1, int(calls * min(growth * 1.1, 10))))
