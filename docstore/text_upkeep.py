"""Keeps text indexes in step with the store that they stand beside."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import DocstoreError, InvalidArgument
from .stores.base import Clear, Delete, Operation, SetColumn, Store, Update
from .text_lists import FEW, TextQuery, Texts
from .textindex.database import TextDatabase
from .textindex.words import words_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from .textindex.base import Ranked, TextIndex

__all__ = ['StoreTexts']

RowArray = npt.NDArray[np.int64]


class _StoreIndex:
    """The index of one field of a store, and the texts that changed rows have in it."""

    def __init__(self, index: TextIndex, saved: int | None) -> None:
        self.index = index
        self.pending: dict[int, str | None] = {}
        self.saved = saved
        self.pid = os.getpid()
        #: Whether the index knows what a transaction may undo; ``before`` it, what was pending.
        self.ahead = False
        self.before: dict[int, str | None] = {}


class StoreTexts(Texts):
    """Text search in a store: its own, or indexes beside it.

    Those beside it are told before each write which texts will change, and are
    brought up to date by the next search. They are saved when the store is
    closed; one that is missing, damaged or behind is made anew.

    Parameters
    ----------
    store : Store
        Where the rows are.
    writing : context manager
        Held while the store is written.
    inside : bool
        Whether a transaction is open.
    """

    def __init__(
        self, store: Store, writing: AbstractContextManager[Any], inside: bool = False
    ) -> None:
        super().__init__()
        self._store = store
        self._writing = writing
        self._inside = inside
        self._indexes: dict[tuple[str, str], _StoreIndex] = {}
        self._lock = threading.RLock()

    # -- searching -----------------------------------------------------------

    def search(self, query: TextQuery, k: int | None) -> tuple[Ranked, str]:
        expressions = self.expressions(query)
        field, tokenizer = query.field, query.tokenizer
        with self._writing:
            place = 'fts5 in the database'
            found = self._store.search_text(field, tokenizer, expressions, k)
            if found is None:
                place = 'fts5 beside the store'
                with self._lock:
                    found = self._current(field, tokenizer).index.search(expressions, k)
            rows, scores = found
            positions = self._store.positions(rows)
        there = positions >= 0
        return (positions[there], scores[there]), place

    def empty(self, field: str) -> bool:
        return not any(words_of(value) for value in self._store.column(field))

    def _current(self, field: str, tokenizer: str) -> _StoreIndex:
        kept = self._indexes.get((field, tokenizer))
        if kept is not None and kept.pid != os.getpid():
            kept = None
        if kept is None:
            kept = self._indexes[field, tokenizer] = self._load_or_build(field, tokenizer)
            kept.ahead = self._inside
        elif kept.pending:
            self._catch_up(field, kept)
            kept.ahead = self._inside
        return kept

    def _load_or_build(self, field: str, tokenizer: str) -> _StoreIndex:
        sequence = self._store.sequence
        path = None if self._inside else self._path(field, tokenizer)
        if path is not None:
            loaded = TextDatabase.load(path, _header(field, tokenizer, sequence), tokenizer)
            if loaded is not None:
                return _StoreIndex(loaded, sequence)
        index = TextDatabase(tokenizer, in_memory=False)
        texts = map(words_of, self._store.column(field))
        rows = self._store.rows().tolist()
        index.change([], [(row, text) for row, text in zip(rows, texts, strict=True) if text])
        return _StoreIndex(index, None)

    def _catch_up(self, field: str, kept: _StoreIndex) -> None:
        rows = np.fromiter(kept.pending, dtype=np.int64, count=len(kept.pending))
        there = rows[self._store.positions(rows) >= 0]
        now = dict(zip(there.tolist(), map(words_of, self._column(field, there)), strict=True))
        changed = [row for row, old in kept.pending.items() if old != now.get(row)]
        removed = [(row, old) for row in changed if (old := kept.pending[row])]
        added = [(row, new) for row in changed if (new := now.get(row))]
        kept.index.change(removed, added)
        kept.pending = {}

    def _column(self, field: str, rows: RowArray) -> list[Any]:
        return list(self._store.column(field, rows)) if len(rows) else []

    # -- what changes ----------------------------------------------------------

    @property
    def live(self) -> bool:
        """Whether there is an index that has to be told of changes."""
        return bool(self._indexes)

    def before(self, operations: Sequence[Operation]) -> None:
        """Remember the texts that these operations will change."""
        with self._lock:
            for (field, _), kept in self._indexes.items():
                name = field.split('__')[0]
                for operation in operations:
                    self._remember(field, kept, _changed_rows(operation, name))
            self._forget_stale()

    def _remember(self, field: str, kept: _StoreIndex, rows: Sequence[int] | None) -> None:
        if rows is None:
            kept.saved = _STALE
            return
        unknown = [row for row in dict.fromkeys(rows) if row not in kept.pending]
        try:
            texts = self._column(field, np.asarray(unknown, dtype=np.int64))
        except DocstoreError:
            # The write will say what is wrong; if it does not, nothing is known of these rows.
            kept.saved = _STALE
            return
        for row, text in zip(unknown, texts, strict=True):
            kept.pending[row] = words_of(text)

    def note(self, inserted: RowArray) -> None:
        """Remember which rows are new."""
        with self._lock:
            for kept in self._indexes.values():
                for row in inserted.tolist():
                    kept.pending.setdefault(row, None)

    def _forget_stale(self) -> None:
        most = max(FEW, len(self._store) // 2)
        for key, kept in list(self._indexes.items()):
            if kept.saved == _STALE or len(kept.pending) > most:
                del self._indexes[key]
                kept.index.close()

    def begin(self) -> None:
        """A transaction starts."""
        with self._lock:
            self._inside = True
            for kept in self._indexes.values():
                kept.ahead, kept.before = False, dict(kept.pending)

    def commit(self) -> None:
        """What the transaction wrote stays."""
        with self._lock:
            self._inside = False
            for kept in self._indexes.values():
                kept.ahead, kept.before = False, {}

    def rollback(self) -> None:
        """What the transaction wrote is gone."""
        with self._lock:
            self._inside = False
            for key, kept in list(self._indexes.items()):
                if kept.ahead:
                    del self._indexes[key]
                    kept.index.close()
                else:
                    kept.pending, kept.before = kept.before, {}

    def forget(self) -> None:
        """The store went to another state: load or build when next needed."""
        with self._lock:
            for kept in self._indexes.values():
                kept.index.close()
            self._indexes.clear()

    # -- files -----------------------------------------------------------------

    def _path(self, field: str, tokenizer: str) -> Path | None:
        """Where an index is saved; None for a store that has no such place."""
        try:
            base = self._store.index_path
        except InvalidArgument:
            return None
        number = zlib.crc32(f'{field}\n{tokenizer}'.encode())
        return base.with_name(f'{base.name}.text-{number:08x}')

    def save(self, again: bool = True) -> None:
        """Put the indexes, brought up to date, beside the store.

        Parameters
        ----------
        again : bool
            Whether those that were saved before are saved again.
        """
        if self._store.read_only:
            return
        sequence = self._store.sequence
        with self._writing, self._lock:
            for (field, tokenizer), kept in self._indexes.items():
                path = self._path(field, tokenizer)
                if path is None or kept.saved == sequence or not (again or kept.saved is None):
                    continue
                if kept.pending:
                    self._catch_up(field, kept)
                kept.index.save(path, _header(field, tokenizer, sequence))
                kept.saved = sequence

    def compact(self) -> None:
        """Remove saved indexes: they may have words of texts that were deleted."""
        with self._writing, self._lock, suppress(InvalidArgument):
            base = self._store.index_path
            for path in base.parent.glob(f'{base.name}.text-*'):
                path.unlink(missing_ok=True)
            for kept in self._indexes.values():
                kept.saved = None

    def close(self) -> None:
        """Save the indexes and let go of them."""
        try:
            self.save()
        finally:
            self.forget()


#: Marks an index that cannot be brought up to date.
_STALE = -1


def _changed_rows(operation: Operation, name: str) -> Sequence[int] | None:
    """The rows whose field an operation may change; None for all."""
    if isinstance(operation, Clear):
        return None
    if isinstance(operation, Delete):
        return [int(row) for row in operation.rows]
    if isinstance(operation, Update):
        return [
            int(row)
            for row, record in zip(operation.rows, operation.records, strict=False)
            if operation.replace or name in record
        ]
    if isinstance(operation, SetColumn) and operation.name == name:
        return [int(row) for row in operation.rows]
    return []


def _header(field: str, tokenizer: str, sequence: int) -> dict[str, Any]:
    return {'field': field, 'tokenizer': tokenizer, 'stamp': sequence}
