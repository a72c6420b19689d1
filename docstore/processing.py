"""Work on all Documents of an array: batches, samples, functions that run over them."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, SupportsIndex, cast

import numpy as np

from .contents import values_of
from .display.progress import tracked_steps
from .document import Document
from .errors import CorruptData, InvalidArgument, InvalidType
from .memory import MemoryRecords
from .stored import StoredRecords
from .workers import Task, Workers, results

if TYPE_CHECKING:
    from .records import Positions, Records

__all__ = [
    'Job',
    'batches',
    'check_batch_size',
    'chunks',
    'copier',
    'file_records',
    'load_batches',
    'map_batches',
    'map_each',
    'sampled',
    'tag_values',
]

Tasks = Generator[Task, None, None]

#: So many Documents are at most given to a worker at once.
_CHUNK = 16


@dataclass(frozen=True, slots=True)
class Job:
    """A function, and how it is run over Documents.

    Parameters
    ----------
    function : callable
        Called with each Document, or with each batch.
    workers : Workers
        Who calls it.
    show_progress : bool
        Whether to show a progress bar.
    make : callable
        Makes an array of Records.
    """

    function: Callable[[Any], Any]
    workers: Workers
    show_progress: bool
    make: Callable[[Records], Any]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InvalidType(f'func must be callable, not {type(self.function).__name__}')

    def run(self, tasks: Tasks, text: str, total: int | None) -> Iterator[Any]:
        """The results of all items of the tasks, in order."""
        made = results(self.workers, self.function, tasks)
        with closing(tasks), closing(made):
            yield from tracked_steps(made, text, bool(self.show_progress), total)


# ------------------------------------------------------------------ batches


def check_batch_size(size: Any) -> int:
    """A batch size as an int.

    Raises
    ------
    InvalidArgument
        If it is no positive int.
    """
    if isinstance(size, bool) or not isinstance(size, SupportsIndex) or size.__index__() < 1:
        raise InvalidArgument(f'batch_size must be an int of at least 1, got {size!r}')
    return size.__index__()


def batches(count: int, size: int, shuffle: bool) -> Sequence[Positions]:
    """The positions of each batch; ``random.seed`` decides about a shuffled order."""
    starts = range(0, count, size)
    if not shuffle:
        return [range(start, min(start + size, count)) for start in starts]
    order = np.asarray(random.sample(range(count), count), dtype=np.int64)
    return [order[start : start + size] for start in starts]


def sampled(count: int, k: Any, seed: Any) -> Positions:
    """``k`` different positions in a random order.

    The same ones as ``random.sample`` after ``random.seed(seed)`` gives, but
    other users of :mod:`random` do not notice.

    Raises
    ------
    InvalidArgument
        If there are not as many.
    InvalidType
        If ``seed`` is of another type than :mod:`random` takes.
    """
    if isinstance(k, bool) or not isinstance(k, SupportsIndex) or not 0 <= k.__index__() <= count:
        raise InvalidArgument(f'k must be an int from 0 to {count}, the length; got {k!r}')
    if isinstance(seed, np.integer):
        seed = int(seed)
    if not isinstance(seed, (int, float, str, bytes, type(None))):
        raise InvalidType(f'seed must be an int (or a float, str or bytes), got {seed!r}')
    choose = random.sample if seed is None else random.Random(seed).sample  # noqa: S311 - no secret
    return np.asarray(choose(range(count), k.__index__()), dtype=np.int64)


def tag_values(records: Records, tag: str) -> dict[Any, Positions]:
    """The positions of the Documents that have each value of a tag, in order.

    Raises
    ------
    InvalidType
        If a value is no key for a dict; the message names the Document.
    """
    if not isinstance(tag, str):
        raise InvalidType(f'tag must be a str, not {type(tag).__name__}')
    found: dict[Any, list[int]] = {}
    for position, value in enumerate(values_of(records, f'tags__{tag}')):
        if value is None:
            continue
        try:
            found.setdefault(value, []).append(position)
        except TypeError:
            raise InvalidType(
                f'{records.identity(position)} has a {type(value).__name__} as tag {tag!r}: only '
                'values that can be keys of a dict split an array'
            ) from None
    return {value: np.asarray(places, dtype=np.int64) for value, places in found.items()}


# ---------------------------------------------------------------------- map


def chunks(count: int, workers: Workers) -> Iterator[range]:
    """Positions for each task: few, and fewer where the workers might go idle."""
    size = max(1, min(_CHUNK, count // (16 * workers.number)))
    return (range(start, min(start + size, count)) for start in range(0, count, size))


def copier(records: Records, remote: bool) -> Callable[[Positions], list[Document]]:
    """What gives the Documents at positions, for workers that may change them.

    The positions are those of now, wherever the Documents are later. They are
    copies, if only because they go to another process.
    """
    if isinstance(records, StoredRecords):
        store, rows = records.store, records.store.rows()
        return lambda places: [
            Document._of_record(record) for record in store.read(rows[_as_index(places)])
        ]
    chosen = records.take(range(len(records)))
    if remote:
        return lambda places: list(chosen.take(places))
    return lambda places: [Document._wrap(chosen.detached(int(place))) for place in places]


def _as_index(places: Positions) -> Any:
    return slice(places.start, places.stop) if isinstance(places, range) else places


def map_each(records: Records, job: Job) -> Iterator[Any]:
    """What the function gives for each Document, in order."""
    count = len(records)
    docs = islice(iter(records), count)  # of a store they are read ahead
    copies = copier(records, remote=True) if job.workers.remote else None

    def tasks() -> Tasks:
        for places in chunks(count, job.workers):
            items = copies(places) if copies else list(islice(docs, len(places)))
            if items:
                yield Task(items, places.start)

    return job.run(tasks(), 'Mapping', count)


def map_batches(records: Records, plan: Sequence[Positions], job: Job) -> Iterator[Any]:
    """What the function gives for each batch, in order."""
    chosen = records.take(range(len(records)))  # by row, whatever is deleted meanwhile

    def tasks() -> Tasks:
        for at, places in enumerate(plan):
            yield Task([job.make(chosen.take(places))], at)

    return job.run(tasks(), 'Mapping', len(plan))


def file_records(
    path: str | os.PathLike[str], protocol: str | None, compress: str | None
) -> Generator[dict[str, Any], None, None]:
    """The plain fields of each Document in a file, as they are read.

    Without a protocol the first bytes tell our own format from framed protobuf,
    which is what legacy code means when it names none.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    from .codecs.array_file import MAGIC
    from .codecs.compression import DecompressReader, protocol_and_compress_from_file_path
    from .codecs.transfer import load_records

    settled, compression = protocol_and_compress_from_file_path(path, protocol, compress)
    with open(path, 'rb') as file:
        if settled is None:
            try:
                start = DecompressReader(file, compression) if compression else file
                settled = 'docstore' if start.read(len(MAGIC)) == MAGIC else 'protobuf'
            except CorruptData:  # it is compressed document by document
                settled = 'protobuf'
    return cast('Generator[dict[str, Any], None, None]', load_records(path, settled, compression))


def load_batches(
    source: Generator[dict[str, Any], None, None], size: int, job: Job
) -> Iterator[Any]:
    """What the function gives for each batch of Documents that come as plain fields."""

    def tasks() -> Tasks:
        with closing(source) as records:
            at = 0
            while docs := [Document._of_record(record) for record in islice(records, size)]:
                yield Task([job.make(MemoryRecords(docs))], at)
                at += 1

    return job.run(tasks(), 'Loading', None)
