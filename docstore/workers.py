"""Functions run over many items by threads or processes.

Results come in order, and only so many tasks are given out ahead of them that
the workers stay busy. Worker processes get the items as bytes of our own
format and the function as a pickle: never an array or a store that is open
here, and they are started afresh, not forked.
"""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, SupportsIndex

import numpy as np

from .bulk import columns_of, join_blocks
from .document import Document
from .errors import (
    EncodeError,
    InvalidArgument,
    InvalidType,
    MissingDependency,
    WorkerFailed,
    did_you_mean,
)
from .memory import MemoryRecords
from .state import array_of, clone

__all__ = ['Task', 'Workers', 'results']

_BACKENDS = ('thread', 'process')
#: So many tasks for each worker are given out before the first result is waited for.
_AHEAD = 2

Call = Callable[[Any], Any]
Outcome = tuple[list[Any], 'tuple[int, Exception] | None']
#: Gives a function and its arguments to a worker; what comes back waits for the result.
Submit = Callable[..., Callable[[], Any]]


class Task:
    """What one worker does in one go.

    Parameters
    ----------
    items : sequence
        Documents, or arrays of them that are not empty: the function is
        called with each.
    first : int
        The position of the first item, for messages.
    """

    __slots__ = ('_first', '_marks', 'items')

    def __init__(self, items: Sequence[Any], first: int) -> None:
        self.items = items
        self._first = first
        # Taken now: the function may change the items before it raises.
        self._marks = [_mark(item) for item in items]

    def name(self, at: int) -> str:
        """How messages name an item."""
        mark, at = self._marks[at], self._first + at
        if isinstance(mark, tuple):
            return f'batch {at} (documents {mark[0]!r} to {mark[1]!r})'
        return f'the document at position {at} (id {mark!r})'


def _mark(item: Any) -> Any:
    """The id of a Document, or the first and the last one of an array."""
    if isinstance(item, Document):
        return item.id
    return tuple(item._records.gather('id', np.asarray([0, len(item) - 1])))


@dataclass(frozen=True, slots=True)
class Workers:
    """Who does the work.

    Parameters
    ----------
    backend : {'thread', 'process'}
        What kind of workers are started.
    count : int, optional
        How many; by default one for each core.
    pool : executor or pool, optional
        What does the work instead: with ``submit`` like those of
        :mod:`concurrent.futures`, or with ``apply_async`` like those of
        multiprocessing. It stays open.

    Raises
    ------
    InvalidArgument
        If there is no such backend, or ``count`` is no positive int.
    InvalidType
        If ``pool`` is no pool.
    MissingDependency
        If processes are asked for and loky is not installed.
    """

    backend: str = 'thread'
    count: int | None = None
    pool: Any = None

    def __post_init__(self) -> None:
        if self.backend not in _BACKENDS:
            raise InvalidArgument(
                f'backend={self.backend!r} is not known{did_you_mean(self.backend, _BACKENDS)}'
            )
        count = self.count
        if count is not None and (
            isinstance(count, bool) or not isinstance(count, SupportsIndex) or count.__index__() < 1
        ):
            raise InvalidArgument(f'num_worker must be an int of at least 1, got {count!r}')
        if self.pool is not None:
            if not hasattr(self.pool, 'submit') and not hasattr(self.pool, 'apply_async'):
                raise InvalidType(
                    'pool must have a method submit, as the executors of concurrent.futures '
                    'do, or apply_async, as the pools of multiprocessing do; '
                    f'{type(self.pool).__name__} has neither'
                )
        elif self.backend == 'process':
            _loky()

    @property
    def remote(self) -> bool:
        """Whether the work may be done in another process."""
        if self.pool is None:
            return self.backend == 'process'
        from concurrent.futures import ThreadPoolExecutor

        threads = any(kind.__name__ == 'ThreadPool' for kind in type(self.pool).__mro__)
        return not (threads or isinstance(self.pool, ThreadPoolExecutor))

    @property
    def number(self) -> int:
        """How many workers there are, or are likely to be."""
        for name in ('_max_workers', '_processes'):
            known = getattr(self.pool, name, None)
            if isinstance(known, int) and known > 0:
                return known
        return int(self.count or os.cpu_count() or 1)

    @contextmanager
    def opened(self) -> Iterator[Submit]:
        """What gives tasks to the workers."""
        if self.pool is not None:
            yield _submitter(self.pool)
            return
        if self.backend == 'process':
            executor = _loky().ProcessPoolExecutor(max_workers=self.number)
        else:
            from concurrent.futures import ThreadPoolExecutor

            executor = ThreadPoolExecutor(self.number, thread_name_prefix='docstore')
        try:
            yield _submitter(executor)
        finally:
            executor.shutdown(wait=True)


def _loky() -> Any:
    try:
        import loky
    except ImportError:
        raise MissingDependency.of('loky', 'process', "backend='process'") from None
    return loky


class _Waiting:
    """The result of a task that was given out."""

    __slots__ = ('_future',)

    def __init__(self, future: Any) -> None:
        self._future = future

    def __call__(self) -> Any:
        return self._future.result()

    def cancel(self) -> None:
        """Do not start it any more, if that is possible."""
        self._future.cancel()


def _submitter(pool: Any) -> Submit:
    if hasattr(pool, 'submit'):
        return lambda *call: _Waiting(pool.submit(*call))
    return lambda function, *given: pool.apply_async(function, given).get


def results(workers: Workers, function: Call, tasks: Iterable[Task]) -> Generator[Any, None, None]:
    """What ``function`` gives for each item of all tasks, in order.

    Tasks are taken, and given out, a few ahead of the results that are taken.
    When the function raises, the exception is raised here, after the results
    of the items before, with a note that names the item.

    Raises
    ------
    WorkerFailed
        If a worker process ended before its work did.
    """
    run = _packed_run(function) if workers.remote else _local_run(function)
    with workers.opened() as submit:
        waiting: deque[tuple[Task, Callable[[], Any]]] = deque()
        try:
            for task in tasks:
                waiting.append((task, submit(*run(task))))
                if len(waiting) >= _AHEAD * workers.number:
                    yield from _taken(*waiting.popleft())
            while waiting:
                yield from _taken(*waiting.popleft())
        finally:
            for _, result in waiting:
                getattr(result, 'cancel', int)()


def _taken(task: Task, result: Callable[[], Any]) -> Iterator[Any]:
    """The results of one task, as they were given; the exception after those before it."""
    from concurrent.futures import BrokenExecutor

    last = len(task.items) - 1
    where = f'{task.name(0)} to {task.name(last)}' if last else task.name(0)
    try:
        values, failure = result()
    except BrokenExecutor as error:
        reason = str(error).partition('\n')[0]
        raise WorkerFailed(
            f'a worker process ended before its work did, at the latest with {where}: {reason}'
        ) from error
    except Exception as error:
        _add_note(error, f'raised by the pool for {where}')
        raise
    for value in values:
        yield _unpacked(value)
    if failure is not None:
        _add_note(failure[1], f'raised for {task.name(failure[0])}')
        raise failure[1]


def _add_note(error: Exception, text: str) -> None:
    # What Exception.add_note does, which Python 3.10 has not.
    error.__notes__ = [*getattr(error, '__notes__', ()), text]


def _run_all(function: Call, items: Iterable[Any]) -> Outcome:
    values: list[Any] = []
    for at, item in enumerate(items):
        try:
            values.append(function(item))
        except Exception as error:  # noqa: BLE001  # it is raised where the result is taken
            return values, (at, error)
    return values, None


def _local_run(function: Call) -> Callable[[Task], tuple[Any, ...]]:
    return lambda task: (_run_all, function, task.items)


# ------------------------------------------------------- in another process


@dataclass(frozen=True, slots=True)
class _Packed:
    """A Document, or an array of them (``many``), on its way between processes."""

    data: bytes
    many: bool

    @classmethod
    def of(cls, records: Any, many: bool) -> _Packed:
        """All Documents of records."""
        from .codecs.transfer import dump_columns

        return cls(dump_columns(columns_of(records), len(records)) or b'', many)

    def records(self) -> MemoryRecords:
        """What was packed, as Documents that stand alone."""
        from .codecs.transfer import load_columns

        rows = join_blocks(load_columns(self.data))
        return MemoryRecords(Document._wrap(clone(doc._data)) for doc in rows)


def _packed(value: Any) -> Any:
    if isinstance(value, Document):
        return _Packed.of(MemoryRecords([value]), many=False)
    if isinstance(getattr(value, '_records', None), MemoryRecords):
        return _Packed.of(value._records, many=True)
    return value


def _unpacked(value: Any) -> Any:
    if not isinstance(value, _Packed):
        return value
    records = value.records()
    return array_of(records) if value.many else records.get(0)


def _packed_run(function: Call) -> Callable[[Task], tuple[Any, ...]]:
    pickled = _pickled(function)

    def run(task: Task) -> tuple[Any, ...]:
        if task.items and isinstance(task.items[0], Document):
            return _run_packed, pickled, _Packed.of(MemoryRecords(task.items), many=False)
        return _run_packed, pickled, [_packed(item) for item in task.items]

    return run


def _pickled(function: Call) -> bytes:
    """A function as bytes; lambdas, partials and local functions need cloudpickle."""
    try:
        from cloudpickle import dumps
    except ImportError:
        dumps = None
    try:
        return bytes(pickle.dumps(function) if dumps is None else dumps(function))
    except Exception as error:
        if dumps is None:
            raise MissingDependency.of(
                'cloudpickle', 'process', f'sending {function!r} to another process'
            ) from error
        raise EncodeError(
            f'{function!r} cannot be sent to another process: {error}; let it make what cannot '
            'be sent itself, or use threads'
        ) from error


def _run_packed(function: bytes, items: Any) -> Outcome:
    """What a worker process does: it knows only what it is given."""
    try:
        call = _function(function)
    except Exception as error:  # noqa: BLE001  # it is raised where the result is taken
        _add_note(error, 'the function could not be loaded in a worker process')
        return [], (0, _sendable(error))
    given = items.records() if isinstance(items, _Packed) else map(_unpacked, items)
    values, failure = _run_all(lambda item: _packed(call(item)), given)
    return values, failure and (failure[0], _sendable(failure[1]))


@lru_cache(maxsize=1)
def _function(data: bytes) -> Call:
    """The function that the process which started this one has pickled."""
    function: Call = pickle.loads(data)  # noqa: S301  # the parent process made it
    return function


def _sendable(error: Exception) -> Exception:
    """An exception that arrives as it is, or one that says what it was."""
    from traceback import format_exception

    text = ''.join(format_exception(error))
    try:
        pickle.dumps(error)
        copy(error)  # Some are pickled, and then cannot be made anew.
        sent = error
    except Exception:  # noqa: BLE001  # whatever it is, it cannot be sent
        sent = WorkerFailed(f'a worker process raised {type(error).__name__}: {error}')
    _add_note(sent, f'in a worker process:\n{text}')
    return sent
