"""Two arrays made one by the ids of their Documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .document import Document
from .schema import CONTENT_FIELDS, FIELD_BY_NAME
from .state import clone

if TYPE_CHECKING:
    from .records import Records

__all__ = ['reduce_into']


def reduce_into(records: Records, docs: Iterable[Document]) -> None:
    """Append Documents of ids that are not there, and complete those that are.

    A Document takes fields that it has not; its chunks and matches are
    reduced in the same way. Of text, blob and tensor it has one: it takes
    none if it has another.
    """
    if records.persistent:
        _reduce_stored(records, docs)
        return
    for doc in list(docs):
        mine = records.named(doc.id)
        if mine is None:
            records.append(doc)
        else:
            _complete(mine, doc)


def _reduce_stored(records: Records, docs: Iterable[Document]) -> None:
    """The same on copies, which are written at once."""
    changed: dict[str, Document] = {}
    for doc in docs:
        mine = changed.get(doc.id)
        position = records.find_id(doc.id) if mine is None else None
        if mine is None and position is not None:
            mine = Document._wrap(records.detached(position))
        if mine is None:
            changed[doc.id] = Document._wrap(clone(doc._data))
            continue
        changed[doc.id] = mine
        _complete(mine, doc)
    if changed:
        records.upsert(list(changed.values()))


def _complete(mine: Document, other: Document) -> None:
    """Give a Document what it lacks and another one has."""
    if mine._data is other._data:
        return
    there = set(mine.non_empty_fields)
    if not there.isdisjoint(CONTENT_FIELDS):
        there.update(CONTENT_FIELDS)
    lacking: dict[str, Any] = {}
    for name in other.non_empty_fields:
        if FIELD_BY_NAME[name].kind == 'documents':
            reduce_into(getattr(mine, name)._records, getattr(other, name))
        elif name not in there:
            lacking[name] = other._data.get(name)
    if lacking:
        mine._assign(clone(lacking))
