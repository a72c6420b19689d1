"""Work on all Documents of an array: batches, samples, functions that run over them."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, SupportsIndex, cast

import numpy as np

from .contents import values_of
from .display.progress import tracked_steps
from .document import Document
from .errors import CorruptData, DocumentNotFound, InvalidArgument, InvalidType
from .fields import IdField
from .indexing import checked
from .memory import MemoryRecords
from .schema import FIELD_BY_NAME, FIELD_NAMES
from .state import clone, nested_array
from .stored import StoredRecords
from .workers import Task, Workers, results

if TYPE_CHECKING:
    from .records import Positions, Records

__all__ = [
    'Job',
    'apply_batches',
    'apply_each',
    'batches',
    'check_batch_size',
    'file_records',
    'load_batches',
    'map_batches',
    'map_each',
    'sampled',
    'tag_values',
]

Tasks = Generator[Task, None, None]

#: So many Documents are at most given to a worker, or written to a store, at once.
_CHUNK = 16
_WRITTEN = 256


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
    """
    if isinstance(k, bool) or not isinstance(k, SupportsIndex) or not 0 <= k.__index__() <= count:
        raise InvalidArgument(f'k must be an int from 0 to {count}, the length; got {k!r}')
    choose = random.sample if seed is None else random.Random(seed).sample  # noqa: S311
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


def _chunks(count: int, workers: Workers) -> Iterator[range]:
    """Positions for each task: few, and fewer where the workers might go idle."""
    size = max(1, min(_CHUNK, count // (16 * workers.number)))
    return (range(start, min(start + size, count)) for start in range(0, count, size))


def _copies(records: Records, positions: Positions) -> list[Document]:
    """Free copies of Documents."""
    if isinstance(records, StoredRecords):
        with records.lock:
            rows = records._rows_at(positions)
            return [Document._of_record(record) for record in records.store.read(rows)]
    return [Document._wrap(records.detached(int(position))) for position in positions]


def _given(records: Records, positions: Positions, job: Job) -> list[Document]:
    """The Documents that workers may change: copies, if only on the way to another process."""
    if records.persistent or not job.workers.remote:
        return _copies(records, positions)
    return list(records.take(positions))


def map_each(records: Records, job: Job) -> Iterator[Any]:
    """What the function gives for each Document, in order."""
    count = len(records)
    docs = islice(iter(records), count)  # of a store they are read ahead

    def tasks() -> Tasks:
        for places in _chunks(count, job.workers):
            remote = job.workers.remote and records.persistent
            items = _copies(records, places) if remote else list(islice(docs, len(places)))
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


# -------------------------------------------------------------------- apply


def apply_each(records: Records, job: Job) -> None:
    """Put what the function gives for each Document into the place of its id.

    The function gets copies. If it raises, or gives something else, the array
    is as it was.
    """
    plan = _chunks(len(records), job.workers)
    tasks = (Task(_given(records, places, job), places.start) for places in plan)
    made = enumerate(job.run(tasks, 'Applying', len(records)))

    def changes() -> Iterator[dict[int, Document]]:
        while part := list(islice(made, _WRITTEN)):
            yield _places(
                records, ((position, _one(records, position, doc)) for position, doc in part)
            )

    _write(records, changes())


def _one(records: Records, position: int, value: Any) -> Document:
    if not isinstance(value, Document):
        hint = ': it needs `return doc` at its end' if value is None else ''
        raise InvalidType(
            f'the function must return a Document, and gave {type(value).__name__} for '
            f'{records.identity(position)}{hint}'
        )
    return value


def apply_batches(records: Records, plan: Sequence[Positions], job: Job) -> None:
    """Put the Documents that the function gives for each batch into the places of their ids.

    As :func:`apply_each`, one write a batch.
    """

    def tasks() -> Tasks:
        for at, places in enumerate(plan):
            docs = _given(records, places, job)
            yield Task([job.make(MemoryRecords(docs))], at)

    def changes() -> Iterator[dict[int, Document]]:
        made = job.run(tasks(), 'Applying', len(plan))
        for at, (places, value) in enumerate(zip(plan, made, strict=True)):
            try:
                docs = checked(value)
            except InvalidType as error:
                raise InvalidType(
                    f'the function must return a DocumentArray, and gave {type(value).__name__} '
                    f'for batch {at}, from {records.identity(int(places[0]))}: {error}'
                ) from None
            yield _places(records, zip(_padded(places, len(docs)), docs, strict=True))

    _write(records, changes())


def _padded(places: Positions, count: int) -> list[int | None]:
    return [*(int(place) for place in places[:count]), *[None] * (count - len(places))]


def _places(records: Records, pairs: Iterable[tuple[int | None, Document]]) -> dict[int, Document]:
    """Where Documents go: to their ids, nearly always at the positions they came from."""
    placed: dict[int, Document] = {}
    pairs = list(pairs)
    likely = [position for position, _ in pairs if position is not None]
    ids = dict(zip(likely, records.gather('id', np.asarray(likely, dtype=np.int64)), strict=True))
    for position, doc in pairs:
        there = position if position is not None and ids[position] == doc.id else None
        if there is None:
            there = records.find_id(doc.id)
        if there is None:
            came = '' if position is None else f' for {records.identity(position)}'
            raise DocumentNotFound(
                f'the function gave a Document of the id {doc.id!r}{came}, and the array has none '
                'of this id: it may change everything but the id'
            )
        placed[there] = doc
    return placed


def _write(records: Records, changes: Iterator[dict[int, Document]]) -> None:
    """Write all changes or, if one cannot be made, none."""
    if not records.persistent:
        for part in list(changes):
            for position, doc in part.items():
                _become(records.get(position), doc)
        return
    records.begin()
    try:
        for part in changes:
            if part:
                records.replace(list(part), list(part.values()))
    except BaseException:
        records.end(failed=True)
        raise
    records.end(failed=False)


def _become(doc: Document, other: Document) -> None:
    """Let a Document have the fields of another one, without copying them."""
    if doc._data is other._data:
        return
    IdField.changes += 1
    if type(doc._data) is not dict:
        doc._assign({**dict.fromkeys(FIELD_NAMES), **dict(other._data.items())})
        return
    data = doc._data
    # What another row shows writes to that row: it is not taken over.
    fields = other._data if type(other._data) is dict else clone(other._data)
    data.clear()
    for name, value in fields.items():
        if value is not None and FIELD_BY_NAME[name].kind == 'documents':
            value = nested_array(name, list(value), data)
        data[name] = value
