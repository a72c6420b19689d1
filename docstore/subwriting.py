"""From what is done to a subindex to what is done to the Documents that it selects from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .derived import ROOT_TAG, Place, loose_id, nested
from .errors import UnsupportedOperation
from .stores.base import Clear, Delete, Insert, Operation, Record, Reorder, SetColumn, Update

if TYPE_CHECKING:
    from .subkeeping import Keeper

__all__ = ['Push']

# What says where a Document is nested; it stays when another takes its place.
_MARKS = ('parent_id', 'granularity', 'adjacency')


class Push:
    """Collects what changes in each root, and writes all of it at once.

    Parameters
    ----------
    keeper : Keeper
        Of the subindex that is written to.
    """

    def __init__(self, keeper: Keeper) -> None:
        keeper.current()
        assert keeper.owners is not None
        self._keeper = keeper
        self._owners = keeper.owners
        self._roots: dict[int, Record] = {}
        self._places: dict[int, dict[int, Place]] = {}
        self._touched: dict[int, set[str]] = {}
        self._removed: list[int] = []
        self._loose: list[Operation] = []
        self._kept: set[int] = set()

    def do(self, operations: Sequence[Operation]) -> None:
        """Do operations on rows of the subindex, all or none."""
        for operation in operations:
            self._add(operation)
        writes = self._root_writes()
        keeper = self._keeper
        if writes and self._loose:
            keeper.root.begin()
            try:
                self._write(writes)
            except BaseException:
                keeper.root.end(failed=True)
                raise
            keeper.root.end(failed=False)
        else:
            self._write(writes)

    def _write(self, writes: list[Operation]) -> None:
        keeper = self._keeper
        if writes:
            keeper.pushing = frozenset(self._kept)
            try:
                keeper.root.write(writes)
            finally:
                keeper.pushing = frozenset()
            for write in writes:
                if isinstance(write, Update):
                    names = {name for record in write.records for name in record}
                    keeper.root.changed(write.rows, names)
                elif isinstance(write, Delete):
                    keeper.root.changed(write.rows)
        if self._loose:
            keeper.current()
            keeper.write_loose(self._loose)

    def _add(self, operation: Operation) -> None:
        if isinstance(operation, Update):
            rows = [int(row) for row in operation.rows]
            if not operation.replace:
                self._kept.update(rows)
            self._load(rows)
            for row, record in zip(rows, operation.records, strict=True):
                self._update(row, record, operation.replace)
        elif isinstance(operation, SetColumn):
            self._set_column(operation)
        elif isinstance(operation, Delete):
            rows = [int(row) for row in operation.rows]
            self._load(rows)
            for row in rows:
                self._delete(row)
        elif isinstance(operation, Clear):
            self._add(Delete(self._keeper.base.rows().tolist()))
        elif isinstance(operation, Insert):
            for record in _with_vectors(operation):
                self._insert(record)
        elif isinstance(operation, Reorder):
            self._check_order(operation)

    def _check_order(self, operation: Reorder) -> None:
        if operation.rows.tolist() != self._keeper.base.rows().tolist():
            raise UnsupportedOperation(
                f'the order of {self._keeper.selection.selector!r} is that of its array: reorder '
                'the array, or the chunks and matches of its documents'
            )

    # -- finding what a row is ---------------------------------------------------

    def _load(self, rows: Sequence[int]) -> None:
        """Read the roots of rows, and find the nested record of each row."""
        keeper, paths = self._keeper, self._owners.paths
        codes = self._owners.codes_of(rows)
        roots = np.unique(codes[codes >= 0] // paths)
        wanted = [row for row in roots.tolist() if row not in self._roots]
        if not wanted:
            return
        for root, record in zip(wanted, keeper.root.store.read(wanted), strict=True):
            self._roots[root] = record
            self._places[root] = {}
        owned = self._owners.of(np.array(wanted, dtype=np.int64))
        mine, codes = self._owners.rows[owned], self._owners.codes[owned]
        order = np.argsort(keeper.base.positions(mine), kind='stable')
        found: dict[int, list[int]] = {}
        for row, code in zip(mine[order].tolist(), codes[order].tolist(), strict=True):
            found.setdefault(code, []).append(row)
        for code, group in found.items():
            root, path = divmod(code, paths)
            places = keeper.selection.places(self._roots[root], path)
            self._places[root].update(zip(group, places, strict=True))

    def _place(self, row: int) -> tuple[int, Place] | None:
        """The root and the place of a row; None if it has none."""
        code = int(self._owners.codes_of([row])[0])
        if code < 0:
            return None
        root = code // self._owners.paths
        return root, self._places[root][row]

    def _touch(self, root: int, place: Place, names: set[str]) -> None:
        fields = names if place.holder is None else set(self._keeper.selection.fields)
        self._touched.setdefault(root, set()).update(fields - {'_metadata'})

    # -- the operations ------------------------------------------------------------

    def _update(self, row: int, record: Record, replace: bool) -> None:
        keeper = self._keeper
        found = self._place(row)
        if found is None:
            loose = {**record, 'id': loose_id(record['id'])} if 'id' in record else record
            self._loose.append(Update([row], [loose], replace=replace))
            return
        root, place = found
        item, names = place.item, set(record)
        changes = nested(record, keeper.root_id)
        if replace:
            marks = {name: item[name] for name in _MARKS if name in item}
            names |= set(item)
            item.clear()
            changes = {**changes, **marks}
        for name, value in changes.items():
            if value is None:
                item.pop(name, None)
            else:
                item[name] = value
        self._touch(root, place, names)

    def _set_column(self, operation: SetColumn) -> None:
        rows, values = operation.rows.tolist(), operation.values
        self._load(rows)
        for at, row in enumerate(rows):
            value = None if values is None else values[at]
            if isinstance(value, np.ndarray):
                value = value.copy()
            self._update(row, {operation.name: value}, replace=False)

    def _delete(self, row: int) -> None:
        found = self._place(row)
        if found is None:
            self._loose.append(Delete([row]))
            return
        root, place = found
        if place.holder is None:
            self._removed.append(root)
            return
        place.holder[:] = [item for item in place.holder if item is not place.item]
        self._touch(root, place, set())

    def _insert(self, record: Record) -> None:
        keeper = self._keeper
        root = self._home(record)
        if root is None:
            own = {**record, 'id': loose_id(record['id'])}
            self._loose.append(Insert(0, [own]))
            return
        if root not in self._roots:
            self._roots[root] = keeper.root.store.read([root])[0]
            self._places[root] = {}
            self._load_places(root)
        whole, field = self._roots[root], str(keeper.selection.home)
        item = dict(nested(record, keeper.root_id))
        if field == 'chunks':
            item['parent_id'] = whole['id']
            item['granularity'] = (whole.get('granularity') or 0) + 1
        else:
            item['adjacency'] = (whole.get('adjacency') or 0) + 1
        # A list in place: what was found in it before stays found.
        if whole.get(field) is None:
            whole[field] = []
        whole[field].append({name: value for name, value in item.items() if value is not None})
        self._touched.setdefault(root, set()).add(field)

    def _load_places(self, root: int) -> None:
        rows = self._owners.rows[self._owners.of(np.array([root], dtype=np.int64))]
        if len(rows):
            del self._roots[root]
            self._load(rows.tolist())

    def _home(self, record: Record) -> int | None:
        """The root that a new Document says it belongs to, if its place there is clear."""
        keeper = self._keeper
        field = keeper.selection.home
        if field is None:
            return None
        names: list[Any] = [(record.get('tags') or {}).get(ROOT_TAG)]
        if field == 'chunks':
            names.append(record.get('parent_id'))
        for name in names:
            if isinstance(name, str) and name:
                row = int(keeper.root.store.lookup([name])[0])
                if row >= 0:
                    return row
        return None

    def _root_writes(self) -> list[Operation]:
        writes: list[Operation] = []
        changed = [root for root in self._touched if root not in self._removed]
        by_names: dict[frozenset[str], list[int]] = {}
        for root in changed:
            by_names.setdefault(frozenset(self._touched[root]), []).append(root)
        for names, roots in by_names.items():
            records = [
                {
                    name: self._roots[root].get(name) or None
                    if name in ('chunks', 'matches')
                    else self._roots[root].get(name)
                    for name in names
                }
                for root in roots
            ]
            writes.append(Update(roots, records))
        if self._removed:
            writes.append(Delete(list(dict.fromkeys(self._removed))))
        return writes


def _with_vectors(operation: Insert) -> list[Record]:
    records = [dict(record) for record in operation.records]
    for name, matrix in operation.vectors.items():
        for record, vector in zip(records, matrix, strict=True):
            record[name] = vector.copy()
    return records
