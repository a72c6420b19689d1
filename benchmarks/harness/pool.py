"""The processes of the peers, and the interleaved measuring of one case."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.cases import PEERS, Case
from harness.recall import recall

__all__ = ['Measured', 'Pool', 'Result', 'WorkerError']

# These make NumPy's BLAS take the wrong kernel; a peer must run at its best.
_UNSET = ('OPENBLAS_CORETYPE', 'OPENBLAS_L2_SIZE', 'NVPL_BLAS_DEBUG_CPU_TYPE', 'OMP_NUM_THREADS')


class WorkerError(RuntimeError):
    """A peer could not do an operation."""


@dataclass
class Measured:
    """The samples of one peer at one case: seconds of a call."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    recall: float | None = None
    error: str | None = None


@dataclass
class Result:
    """All peers at one case."""

    case: Case
    peers: dict[str, Measured]

    def best_peer(self) -> str | None:
        """The fastest of those docstore is compared with, by the clock that is judged."""
        timed = {
            name: statistics.median(getattr(measured, self.case.clock))
            for name, measured in self.peers.items()
            if name != 'docstore' and not measured.error
        }
        return min(timed, key=timed.__getitem__) if timed else None

    def ratios(self, peer: str, clock: str) -> list[float]:
        """How many times faster docstore was, one ratio for each round."""
        ours = getattr(self.peers['docstore'], clock)
        theirs = getattr(self.peers[peer], clock)
        return [b / a for a, b in zip(ours, theirs, strict=False) if a > 0]

    def ratio(self, peer: str | None, clock: str) -> float | None:
        """The median of those ratios."""
        if peer is None or self.peers['docstore'].error or self.peers[peer].error:
            return None
        values = self.ratios(peer, clock)
        return statistics.median(values) if values else None


class _Worker:
    """One process; answers one command at a time."""

    def __init__(self, python: Path, module: str, folder: Path) -> None:
        environment = {name: v for name, v in os.environ.items() if name not in _UNSET}
        environment['DOCSTORE_BENCH_FOLDER'] = str(folder)
        environment['PYTHONPATH'] = str(Path(__file__).resolve().parents[1])
        self._log = open(folder / f'{module}.log', 'ab')  # noqa: SIM115 - closed in close()
        self._process = subprocess.Popen(
            [str(python), '-m', 'harness.worker', module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
        )
        self._name = module

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps({'do': do, **arguments}).encode() + b'\n')
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = b''
        if not line:
            raise WorkerError(f'the process of {self._name} ended; see {self._log.name}')
        answer: dict[str, Any] = json.loads(line)
        if 'error' in answer:
            raise WorkerError(answer['error'])
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._log.close()


class Pool:
    """Workers by module, each started when first needed.

    Parameters
    ----------
    pythons : mapping of str to path
        The interpreter of each module of ``harness.peers``.
    folder : path
        Where inputs, stores and logs go.
    """

    def __init__(self, pythons: dict[str, Path], folder: Path) -> None:
        self._pythons = pythons
        self._folder = folder
        self._workers: dict[str, _Worker] = {}
        self.versions: dict[str, dict[str, str]] = {}
        self.blas: dict[str, list[str]] = {}

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers.values():
            worker.close()

    def measure(self, case: Case, rounds: int, seconds: float) -> Result:
        """Measure a case: every round runs each peer once, in turn."""
        names = [n for n in ('docstore', *case.peers) if PEERS[n].module in self._pythons]
        result = Result(case, {name: Measured() for name in names})
        for name in names:
            self._prepare(result, name, seconds)
        for turn in range(rounds):
            # A B C, C B A, ...: a drift of the machine falls on all alike.
            for name in names if turn % 2 == 0 else reversed(names):
                self._run(result, name)
        for name in names:
            self._ask(result.peers[name], name, 'release')
        return result

    def _prepare(self, result: Result, name: str, seconds: float) -> None:
        case, measured = result.case, result.peers[name]
        answer = self._ask(
            measured,
            name,
            'prepare',
            operation=case.operation,
            seconds=seconds,
            params=case.parameters(name),
        )
        if answer:
            self.blas[PEERS[name].module] = answer['blas']
            measured.facts = answer['facts']
            rows = measured.facts.pop('rows', None)
            if rows is not None:
                measured.recall = recall(case.params, rows)

    def _run(self, result: Result, name: str) -> None:
        measured = result.peers[name]
        if measured.error:
            return
        answer = self._ask(measured, name, 'run')
        if answer:
            measured.wall.append(answer['wall'])
            measured.cpu.append(answer['cpu'])

    def _ask(self, measured: Measured, name: str, do: str, **arguments: Any) -> dict[str, Any]:
        """An answer, or an empty one when the peer failed: then it is left out."""
        module = PEERS[name].module
        try:
            if module not in self._workers:
                self._workers[module] = _Worker(self._pythons[module], module, self._folder)
                self.versions[module] = self._workers[module].ask('versions')['versions']
            return self._workers[module].ask(do, slot=name, **arguments)
        except WorkerError as error:
            measured.error = measured.error or str(error)
            return {}
