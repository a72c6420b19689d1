"""Keeps the store of a subindex in step with the store of its array."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .derived import Selection, is_loose
from .errors import InvalidArgument, StorageError
from .stores.base import (
    Clear,
    Delete,
    Insert,
    Operation,
    Record,
    Reorder,
    SetColumn,
    Store,
    Update,
)
from .stores.intake import intake
from .subplan import Owners, Plan, load_owners, owners_path, save_owners, scratch_store

if TYPE_CHECKING:
    from .stored import StoredRecords
    from .substore import SubRecords

__all__ = ['Keeper']

RowArray = npt.NDArray[np.int64]

# So many root rows are read and followed at a time.
_CHUNK = 4096
# So many changed roots are remembered before they are followed without being asked.
_MOST_NOTED = 65_536

_NO_ROWS = np.empty(0, dtype=np.int64)


class Keeper:
    """Brings a subindex up to date before it is read.

    Writes to the array are only noted. The array is the truth: a subindex that
    was not saved at just this state of it is compared with it and written anew.

    Parameters
    ----------
    root : StoredRecords
        The records of the array.
    base : Store
        Where the selected Documents are kept.
    selection : Selection
    root_id : bool
        Whether each gets the id of its root as a tag.
    """

    def __init__(
        self, root: StoredRecords, base: Store, selection: Selection, root_id: bool
    ) -> None:
        self.root = root
        self.base = base
        self.selection = selection
        self.root_id = root_id
        self.records: SubRecords  # set by the records, which need this first
        self.owners: Owners | None = None
        self.pushing: frozenset[int] = frozenset()
        self._noted: set[int] = set()
        self._moved = self._emptied = False
        self._busy = False
        self._joined = False
        self._before: tuple[Owners | None, set[int], bool, bool] | None = None
        self._saved: tuple[int, int] | None = None
        self._dim: int | None = None
        self._unread = True

    # -- what is told ---------------------------------------------------------

    def check(self, operations: Sequence[Operation]) -> None:
        """Raise if what these would select has embeddings that cannot be kept together.

        Raises
        ------
        DimensionMismatch, InvalidVector, InvalidDocument
            The message names the nested Document.
        """
        if self._unread and self._before is None:
            # After the write it would no longer be known what the saved rows belong to.
            self._read()
        items = [item for operation in operations for item in self._coming(operation)]
        named = [(i.get('id', ''), i['embedding']) for i in items if i.get('embedding') is not None]
        if not named:
            return
        if self.owners is None:
            self.current()
        ids, values = [str(name) for name, _ in named], [value for _, value in named]
        try:
            self._intake(values, ids)
        except InvalidArgument:
            # What decided the length may be gone.
            self._dim = None
            clears = any(isinstance(operation, Clear) for operation in operations)
            if not clears:
                self.current()
            self._intake(values, ids, fresh=clears)

    def _intake(self, values: list[Any], ids: list[str], fresh: bool = False) -> None:
        dim, dtype = self.base.index_config.n_dim, None
        if dim is None and not fresh:
            dim = self._dim
        if dim is None and not fresh and self.owners is not None:
            vectors = self.base.vectors()
            if vectors is not None:
                dim, dtype = vectors.matrix.shape[1], str(vectors.matrix.dtype)
        self._dim = intake(values, ids, dtype, dim).shape[1]

    def _coming(self, operation: Operation) -> Iterable[Record]:
        if isinstance(operation, Insert):
            if self.selection.roots and 'embedding' in operation.vectors:
                for record, vector in zip(
                    operation.records, operation.vectors['embedding'], strict=True
                ):
                    yield from self._select({**record, 'embedding': vector})
                return
            records: Iterable[Record] = operation.records
        elif not self._touches(operation):
            return
        elif isinstance(operation, Update):
            records = operation.records
            if not operation.replace and '_metadata' in self.selection.fields:
                whole = self.root.store.read(operation.rows, vectors=False)
                records = [{**a, **b} for a, b in zip(whole, operation.records, strict=True)]
        elif isinstance(operation, SetColumn) and operation.values is not None:
            records = ({operation.name: value} for value in operation.values)
        else:
            return
        for record in records:
            yield from self._select(record)

    def _select(self, record: Record) -> Iterable[Record]:
        for path in range(len(self.selection.paths)):
            yield from self.selection.items(record, path)

    def _touches(self, operation: Operation) -> bool:
        """Whether this changes what is selected in rows that stay."""
        if isinstance(operation, Update):
            names = {name for record in operation.records for name in record}
            return operation.replace or self._concerns(names)
        return isinstance(operation, SetColumn) and self._concerns({operation.name})

    def _concerns(self, names: set[str]) -> bool:
        if self.selection.roots or not self.selection.fields.isdisjoint(names):
            return bool(names)
        return self.root_id and 'id' in names

    def note(self, operations: Sequence[Operation], inserted: RowArray) -> None:
        """Remember what these operations, which were done, have changed."""
        self._emptied = self._emptied or any(isinstance(op, Clear) for op in operations)
        if self.owners is None:
            return
        changed: set[int] = set(inserted.tolist())
        for operation in operations:
            if isinstance(operation, Clear):
                changed.update(np.unique(self.owners.roots[self.owners.codes >= 0]).tolist())
            elif isinstance(operation, Delete) or (
                isinstance(operation, (Update, SetColumn)) and self._touches(operation)
            ):
                changed.update(int(row) for row in operation.rows)
            elif isinstance(operation, Reorder):
                self._moved = True
        # Loose Documents, which have no root, go with all others only.
        self._announce(changed | {-1} if self._emptied else changed)
        self._noted |= changed
        if len(self._noted) > _MOST_NOTED:
            try:
                self.current()
            except StorageError:
                self.forget()  # the array is written; whoever reads the subindex is told

    def _announce(self, roots: set[int]) -> None:
        """Let what was read from the rows of these roots not be stale."""
        records = self.records
        if self.owners is None or not (roots and records.observed):
            return
        rows = self.owners.rows[self.owners.of(_sorted(roots))].tolist()
        self.inside(lambda: records.keep(rows))
        records.changed([row for row in rows if row not in self.pushing])

    def forget(self) -> None:
        """The store went to another state: compare when next needed."""
        self.owners = self._dim = None
        self._unread = True
        self._noted, self._moved = set(), False
        self.records.index.forget()
        self.records.changed(None)

    # -- transactions ---------------------------------------------------------

    def begun(self) -> None:
        """The array starts a transaction."""
        if self._unread:
            self._read()
        self._before = (self.owners, set(self._noted), self._moved, self._emptied)
        self.records.index.begin()

    def ended(self, undo: bool) -> None:
        """The array has kept its transaction, or undone it."""
        before, self._before = self._before, None
        joined, self._joined = self._joined, False
        if not undo:
            self.records.index.commit()
        if undo:
            if joined:
                self.base.rollback()
            self.records.index.rollback()
            self.forget()
            if before is not None:
                self.owners, self._noted, self._moved, self._emptied = before
        elif joined:
            try:
                self.base.commit()
            except StorageError:
                self.forget()

    def _join(self) -> None:
        """Let what is written be part of the transaction of the array."""
        if self._before is not None and not self._joined:
            self.base.begin()
            self._joined = True

    # -- following ------------------------------------------------------------

    def inside(self, work: Callable[[], Any]) -> None:
        """Do work that reads what is kept as it is, without bringing it up to date."""
        busy, self._busy = self._busy, True
        try:
            work()
        finally:
            self._busy = busy

    def current(self) -> None:
        """Bring the subindex up to date, if it is not."""
        if self.owners is not None and not (self._noted or self._moved or self._emptied):
            return
        with self.root.lock:
            if not self._busy:
                self.inside(self._catch_up)

    def _catch_up(self) -> None:
        if self.owners is None:
            self._load()
        assert self.owners is not None
        if self._emptied:
            self._remove(self.owners.rows[self.owners.codes < 0])
            self._emptied = False
        if self._moved or self._noted:
            self._dim = None
            noted = _sorted(self._noted)
            positions = self.root.store.positions(noted)
            gone = noted[positions < 0]
            if len(gone):
                self._remove(self.owners.rows[self.owners.of(gone)])
            if self._moved:
                self._reorder()
            there = positions >= 0
            noted = noted[there][np.argsort(positions[there])]
            for start in range(0, len(noted), _CHUNK):
                self._follow(noted[start : start + _CHUNK])
            self._noted, self._moved = set(), False

    def _load(self) -> None:
        """Know whose the rows are: as saved with this state, or from the array."""
        paths = len(self.selection.paths)
        if self._unread and self._before is None:
            self._read()
        if self.owners is None:
            if self.base.read_only:
                self.records.use(scratch_store(self.base.index_config.metric))
            names = self.base.column('id')
            loose = np.array([is_loose(name) for name in names], dtype=bool)
            rows = np.asarray(self.base.rows())
            kept = np.sort(rows[loose])
            self.owners = Owners(rows[~loose], np.full((~loose).sum(), -1), paths)
            self._remove(rows[~loose])
            self.owners = Owners(kept, np.full(len(kept), -1, dtype=np.int64), paths)
            self._noted = set(self.root.store.rows().tolist())

    def _read(self) -> None:
        self._unread = False
        self.owners = self._read_map()

    def _write(self, operations: Sequence[Operation], owners: Callable[[RowArray], Owners]) -> None:
        """Do operations in the base; whatever happens, the owners belong to what is there."""
        self._join()
        self.owners = None
        self.records.index.before(operations)
        inserted = self.base.write(operations)
        self.records.index.note(operations, inserted)
        self.owners = owners(inserted)

    def _remove(self, rows: RowArray) -> None:
        before = self.owners
        assert before is not None
        if len(rows):
            self._write([Delete(rows.tolist())], lambda _: before.changed(rows, _NO_ROWS, _NO_ROWS))

    def keys(self, codes: RowArray) -> RowArray:
        """What the order of the subindex goes by: path, then root; last what has no root."""
        paths, length = len(self.selection.paths), len(self.root.store)
        keys = np.full(len(codes), paths * length, dtype=np.int64)
        there = codes >= 0
        positions = self.root.store.positions(codes[there] // paths)
        keys[there] = codes[there] % paths * length + positions
        return keys

    def _reorder(self) -> None:
        before = self.owners
        assert before is not None
        rows = np.asarray(self.base.rows())
        keys = self.keys(before.codes_of(rows))
        if len(keys) and (keys[1:] < keys[:-1]).any():
            self._write([Reorder(rows[np.argsort(keys, kind='stable')])], lambda _: before)

    def _follow(self, roots: RowArray) -> None:
        """Let the base hold what is selected in these roots, which are in order."""
        before = self.owners
        assert before is not None
        plan = Plan(self, before, roots)
        if plan.operations:
            self._write(
                plan.operations,
                lambda inserted: before.changed(
                    np.array(plan.gone, dtype=np.int64),
                    inserted,
                    np.array(plan.codes, dtype=np.int64),
                ),
            )

    def write_loose(self, operations: Sequence[Operation]) -> None:
        """Do operations on Documents that are in no Document of the array."""
        before, at = self.owners, len(self.base)
        assert before is not None
        gone: list[int] = []
        for operation in operations:
            if isinstance(operation, Insert):
                operation.position, at = at, at + len(operation.records)
            elif isinstance(operation, (Update, Delete)):
                rows = [int(row) for row in operation.rows]
                self.inside(partial(self.records.keep, rows))
                if isinstance(operation, Delete):
                    gone += rows
                    at -= len(rows)
        self.inside(
            lambda: self._write(
                operations,
                lambda new: before.changed(
                    np.array(gone, dtype=np.int64), new, np.full(len(new), -1, dtype=np.int64)
                ),
            )
        )

    # -- saving ---------------------------------------------------------------

    def save(self, last: bool = False) -> None:
        """Put the subindex, brought up to date, on the disk, with the state it belongs to.

        Parameters
        ----------
        last : bool
            Whether the store will be closed: what waits for that is saved, too.
        """
        if self.base.read_only or self.owners is None or self._before is not None:
            return
        self.current()
        self.base.flush()
        if last:
            self.records.index.close()
        else:
            self.records.index.save()
        state = (self.root.store.sequence, self.base.sequence)
        path = owners_path(self.base)
        if path is None or state == self._saved:
            return
        save_owners(path, self._header(state), self.owners)
        self._saved = state

    def _header(self, state: tuple[int, int]) -> dict[str, Any]:
        return {
            'kind': 'subindex',
            'selector': self.selection.selector,
            'root_id': self.root_id,
            'sequences': list(state),
        }

    def _read_map(self) -> Owners | None:
        store, paths = self.root.store, len(self.selection.paths)
        state = (store.sequence, self.base.sequence)
        if not len(store) and not len(self.base):
            return Owners(_NO_ROWS, _NO_ROWS, paths)
        path = owners_path(self.base)
        if path is None:
            return None
        owners = load_owners(path, self._header(state), len(self.base), paths)
        self._saved = None if owners is None else state
        return owners


def _sorted(rows: Iterable[int]) -> RowArray:
    return np.array(sorted(rows), dtype=np.int64)
