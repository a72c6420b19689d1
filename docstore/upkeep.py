"""Keeps the indexes of a store in step with it: that of vectors, and those of texts."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .index import INDEXES
from .stores.base import Clear, Delete, Operation, SetColumn, Store, Update

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from .index.base import Index
    from .text_upkeep import StoreTexts

__all__ = ['StoreIndex']

RowArray = npt.NDArray[np.int64]
Found = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]


class StoreIndex:
    """The index that goes with a store, made, loaded and kept up when needed.

    Writes are only noted; the next search brings the index up to date. The
    store is the truth: an index that is missing, damaged, or was saved at
    another state of the store is built anew from it.

    Parameters
    ----------
    store : Store
        Whose ``index_config`` says which index it is.
    writing : context manager
        Held while the store is written.
    """

    def __init__(self, store: Store, writing: AbstractContextManager[Any]) -> None:
        self._store = store
        self._writing = writing
        self._texts: StoreTexts | None = None
        self._inside = False
        self._config = store.index_config
        self._index: Index | None = None
        self._fresh: set[int] = set()
        self._gone: set[int] = set()
        self._cleared = False
        self._saved: int | None = None
        self._lock = threading.RLock()
        if self.approximate:
            INDEXES.load(self._config.index)

    @property
    def approximate(self) -> bool:
        """Whether searches go through an index at all."""
        return self._config.index != 'exact'

    @property
    def name(self) -> str:
        """Its name in the registry of indexes."""
        return self._config.index

    @property
    def metric(self) -> str:
        """The metric that the index is built for."""
        return self._config.metric

    def serves(self, metric: str | None) -> bool:
        """Whether searches by this metric of the core go through the index."""
        return self.approximate and metric == self._config.metric

    @property
    def texts(self) -> StoreTexts:
        """Text search in the store, from its first use on."""
        if self._texts is None:
            from .text_upkeep import StoreTexts

            with self._lock:
                if self._texts is None:
                    self._texts = StoreTexts(self._store, self._writing, self._inside)
        return self._texts

    def before(self, operations: Sequence[Operation]) -> None:
        """Called before these operations are done."""
        if self._texts is not None and self._texts.live:
            self._texts.before(operations)

    def note(self, operations: Sequence[Operation], inserted: RowArray) -> None:
        """Remember which rows these operations changed."""
        if self._texts is not None and self._texts.live:
            self._texts.note(inserted)
        if not self.approximate:
            return
        with self._lock:
            for operation in operations:
                self._note(operation)
            self._fresh.update(inserted.tolist())

    def _note(self, operation: Operation) -> None:
        if isinstance(operation, Clear):
            self._forget_vectors()
            self._cleared = True
        elif isinstance(operation, Delete):
            self._gone.update(operation.rows)
            self._fresh.difference_update(operation.rows)
        elif isinstance(operation, Update):
            self._fresh.update(
                row
                for row, record in zip(operation.rows, operation.records, strict=False)
                if operation.replace or 'embedding' in record
            )
        elif isinstance(operation, SetColumn) and operation.name == 'embedding':
            self._fresh.update(operation.rows.tolist())

    def begin(self) -> None:
        """A transaction starts."""
        self._inside = True
        if self._texts is not None:
            self._texts.begin()

    def commit(self) -> None:
        """The transaction was kept."""
        self._inside = False
        if self._texts is not None:
            self._texts.commit()

    def rollback(self) -> None:
        """The transaction was undone."""
        self._inside = False
        if self._texts is not None:
            self._texts.rollback()
        self._forget_vectors()

    def forget(self) -> None:
        """The store went to another state: load or build when next needed."""
        if self._texts is not None:
            self._texts.forget()
        self._forget_vectors()

    def _forget_vectors(self) -> None:
        with self._lock:
            self._index = None
            self._cleared = False
            self._fresh.clear()
            self._gone.clear()

    def search(
        self, queries: npt.NDArray[Any], k: int, mask: npt.NDArray[np.bool_] | None
    ) -> Found:
        """Positions and distances of the nearest rows, as the core's search gives them."""
        index = self._up_to_date(queries.shape[1])
        allowed = None
        if mask is not None:
            allowed = np.sort(self._store.rows()[mask])
        rows, distances = index.search(queries, k, allowed)
        positions = self._store.positions(rows.reshape(-1)).reshape(rows.shape)
        return positions, distances

    def _up_to_date(self, dim: int) -> Index:
        # Nothing is written meanwhile, so that rows and vectors belong together.
        with self._writing, self._lock:
            index = self._index
            if index is None:
                index = self._load(dim)
            if index is None:
                index = self._build(dim)
            elif self._fresh or self._gone:
                self._catch_up(index)
            self._index = index
            self._cleared = False
            self._fresh.clear()
            self._gone.clear()
            return index

    def _load(self, dim: int) -> Index | None:
        """The index as of the last commit; what a transaction has done since is noted."""
        if self._cleared:
            return None
        kind: type[Index] = INDEXES.load(self._config.index)
        vectors = self._store.vectors()
        if vectors is not None:
            dim = vectors.matrix.shape[1]
        loaded = kind.load(self._store.index_path, self._store.sequence, self._config, dim)
        if loaded is not None:
            self._saved = self._store.sequence
        return loaded

    def _build(self, dim: int) -> Index:
        kind: type[Index] = INDEXES.load(self._config.index)
        vectors = self._store.vectors()
        if vectors is not None:
            dim = vectors.matrix.shape[1]
        index = kind(self._config, dim)
        if vectors is not None:
            there = vectors.lines >= 0
            index.add(self._store.rows()[there], vectors.matrix[vectors.lines[there]])
        return index

    def _catch_up(self, index: Index) -> None:
        rows = np.fromiter(self._fresh, dtype=np.int64, count=len(self._fresh))
        positions = self._store.positions(rows)
        vectors = self._store.vectors()
        lines = np.full(len(rows), -1, dtype=np.int64)
        if vectors is not None:
            lines[positions >= 0] = vectors.lines[positions[positions >= 0]]
        without = rows[lines < 0].tolist()
        index.remove(np.asarray([*self._gone, *without], dtype=np.int64))
        if vectors is not None and (lines >= 0).any():
            index.add(rows[lines >= 0], vectors.matrix[lines[lines >= 0]])

    def compact(self) -> None:
        """Leave nothing of deleted texts beside the store."""
        if not self._store.read_only:
            self.texts.compact()

    def close(self) -> None:
        """Save the indexes and let go of those of texts."""
        self.save()
        if self._texts is not None:
            self._texts.close()

    def save(self) -> None:
        """Put the index, brought up to date, beside the store."""
        if self._texts is not None:
            # One of texts is written whole, so each change has to wait for the end.
            self._texts.save(again=False)
        with self._writing, self._lock:
            if self._index is None or self._store.read_only:
                return
            vectors = self._store.vectors()
            if vectors is None or self._saved == self._store.sequence:
                return
            index = self._up_to_date(vectors.matrix.shape[1])
            index.save(self._store.index_path, self._store.sequence)
            self._saved = self._store.sequence
