"""Functions that change all Documents of an array: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from .document import Document
from .errors import DocumentNotFound, InvalidType
from .fields import IdField
from .indexing import checked
from .memory import MemoryRecords
from .processing import Job, chunks, copier
from .schema import FIELD_BY_NAME, FIELD_NAMES
from .state import clone, nested_array
from .workers import Task

if TYPE_CHECKING:
    from .records import Positions, Records

__all__ = ['apply_batches', 'apply_each']

#: So many Documents are written to a store at once.
_WRITTEN = 256

#: Documents, and the positions where they probably belong.
Pairs = list[tuple['int | None', Document]]


def apply_each(records: Records, job: Job) -> None:
    """Put what the function gives for each Document into the place of its id.

    The function gets copies. If it raises, or gives something else, the array
    is as it was.
    """
    copies = copier(records, job.workers.remote)
    plan = chunks(len(records), job.workers)
    tasks = (Task(copies(places), places.start) for places in plan)
    made = enumerate(job.run(tasks, 'Applying', len(records)))

    def changes() -> Iterator[Pairs]:
        while part := list(islice(made, _WRITTEN)):
            yield [(position, _one(records, position, doc)) for position, doc in part]

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
    copies = copier(records, job.workers.remote)
    tasks = (Task([job.make(MemoryRecords(copies(places)))], at) for at, places in enumerate(plan))

    def changes() -> Iterator[Pairs]:
        made = job.run(tasks, 'Applying', len(plan))
        for at, (places, value) in enumerate(zip(plan, made, strict=True)):
            try:
                docs = checked(value)
            except InvalidType as error:
                raise InvalidType(
                    f'the function must return a DocumentArray, and gave {type(value).__name__} '
                    f'for batch {at}, from {records.identity(int(places[0]))}: {error}'
                ) from None
            yield list(zip(_padded(places, len(docs)), docs, strict=True))

    _write(records, changes())


def _padded(places: Positions, count: int) -> list[int | None]:
    return [*(int(place) for place in places[:count]), *[None] * (count - len(places))]


def _places(records: Records, pairs: Pairs) -> dict[int, Document]:
    """Where Documents go: to their ids, nearly always at the positions they came from."""
    placed: dict[int, Document] = {}
    likely = [at for at, _ in pairs if at is not None and at < len(records)]
    ids = dict(zip(likely, records.gather('id', np.asarray(likely, dtype=np.int64)), strict=True))
    for position, doc in pairs:
        there = position if position in ids and ids[position] == doc.id else None
        if there is None:
            there = records.find_id(doc.id)
        if there is None:
            came = f' for {records.identity(position)}' if position in ids else ''
            raise DocumentNotFound(
                f'the function gave a Document of the id {doc.id!r}{came}, and the array has none '
                'of this id: it may change everything but the id'
            )
        placed[there] = doc
    return placed


def _write(records: Records, changes: Iterator[Pairs]) -> None:
    """Write all changes or, if one cannot be made, none."""
    if not records.persistent:
        made = [
            (doc, other, _unchanged(doc, other))
            for placed in [_places(records, pairs) for pairs in changes]
            for doc, other in ((records.get(at), other) for at, other in placed.items())
        ]
        with records.one_write():
            for doc, other, kept in made:
                _become(doc, other, kept)
        return
    records.begin()
    try:
        for pairs in changes:
            with records.lock:
                placed = _places(records, pairs)
                if placed:
                    records.replace(list(placed), list(placed.values()))
    except BaseException:
        records.end(failed=True)
        raise
    records.end(failed=False)


def _unchanged(doc: Document, other: Document) -> frozenset[str]:
    """The nested fields that both have in the same way.

    They are left as they are: what is nested may be among the Documents that
    the function was called with, and be changed itself.
    """
    return frozenset(
        name
        for name in ('chunks', 'matches')
        if list(doc._data.get(name) or ()) == list(other._data.get(name) or ())
    )


def _become(doc: Document, other: Document, kept: frozenset[str]) -> None:
    """Let a Document have the fields of another one, but for ``kept``, without copying them."""
    if doc._data is other._data:
        return
    IdField.changes += 1
    data = doc._data
    # What another row shows writes to that row: it is not taken over.
    fields = other._data if type(other._data) is dict else clone(other._data)
    fields = {name: value for name, value in fields.items() if name not in kept}
    if type(data) is not dict:
        doc._assign({**{name: None for name in FIELD_NAMES if name not in kept}, **fields})
        return
    nested = {name: data[name] for name in kept if name in data}
    data.clear()
    data.update(nested)
    for name, value in fields.items():
        if value is not None and FIELD_BY_NAME[name].kind == 'documents':
            value = nested_array(name, list(value), data)
        data[name] = value
