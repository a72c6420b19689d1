"""What brings the rows of a subindex up to date with their roots."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .derived import derived, real_id, same, unique_id
from .errors import InvalidArgument
from .index.files import read_file, write_file
from .stores.base import Delete, Insert, Operation, Record, Store, Update

if TYPE_CHECKING:
    from pathlib import Path

    from .subkeeping import Keeper

__all__ = ['Owners', 'Plan', 'load_owners', 'owners_path', 'save_owners', 'scratch_store']

RowArray = npt.NDArray[np.int64]


class Owners:
    """Which row of a subindex belongs to which root. It never changes.

    Parameters
    ----------
    rows : ndarray of int64
        The rows of the subindex, ascending.
    codes : ndarray of int64
        For each ``root row * paths + path``; -1 for a row that has no root.
    paths : int
        How many paths the selector has.
    """

    def __init__(self, rows: RowArray, codes: RowArray, paths: int) -> None:
        self.rows = rows
        self.codes = codes
        self.paths = paths

    @property
    def roots(self) -> RowArray:
        """The root row of each row; negative for none."""
        return self.codes // self.paths

    def codes_of(self, rows: Sequence[int] | RowArray) -> RowArray:
        """The codes of some rows, each of which is there."""
        return self.codes[np.searchsorted(self.rows, np.asarray(rows, dtype=np.int64))]

    def of(self, roots: RowArray) -> npt.NDArray[np.bool_]:
        """Which rows belong to these roots."""
        return np.isin(self.roots, roots)

    def changed(self, gone: RowArray, new: RowArray, codes: RowArray) -> Owners:
        """Without some rows, and with new ones."""
        left = ~np.isin(self.rows, gone)
        rows = np.concatenate([self.rows[left], new])
        every = np.concatenate([self.codes[left], codes])
        order = np.argsort(rows, kind='stable')
        return Owners(rows[order], every[order], self.paths)


def scratch_store(metric: str) -> Store:
    """A store in memory, for a reader: it cannot write what is behind."""
    from .stores import STORES

    store: Store = STORES.load('sqlite')({'connection': ':memory:', 'metric': metric})
    return store


def owners_path(base: Store) -> Path | None:
    """Where the owners of the rows of a store are saved; None if it is all in memory."""
    try:
        path = base.index_path
    except InvalidArgument:
        return None
    return path.with_name(path.name + '.owners')


def save_owners(path: Path, header: dict[str, Any], owners: Owners) -> None:
    """Write the owners to a file, marked with ``header``."""
    rows, codes = owners.rows.astype('<i8'), owners.codes.astype('<i8')
    write_file(
        path,
        {**header, 'count': len(rows)},
        {
            'rows': (rows.nbytes, lambda: [rows.tobytes()]),
            'codes': (codes.nbytes, lambda: [codes.tobytes()]),
        },
    )


def load_owners(path: Path, header: dict[str, Any], count: int, paths: int) -> Owners | None:
    """The owners of ``count`` rows that were written with this header; None if there are none."""
    try:
        with read_file(path, {**header, 'count': count}) as (_, reader):
            parts = np.empty((2, count), dtype='<i8')
            for part, name in zip(parts, ('rows', 'codes'), strict=True):
                if reader.length(name) != part.nbytes:
                    return None
                if count:
                    reader.into(name, part.data)
            if not reader.checked():
                return None
    except (ValueError, OSError, EOFError):
        return None
    rows, codes = parts.astype(np.int64)
    return Owners(rows, codes, paths)


class Plan:
    """The operations that bring the rows of some roots up to date, none where nothing differs."""

    def __init__(self, keeper: Keeper, owners: Owners, roots: RowArray) -> None:
        self._keeper = keeper
        self._owners = owners
        self.gone: list[int] = []
        self.codes: list[int] = []
        self.operations: list[Operation] = []
        self._updates: tuple[list[int], list[Record]] = ([], [])
        new = self._selected(roots)
        old = self._there(roots)
        layouts = {
            code: self._compare(old.get(code, []), new.get(code, []))
            for code in dict.fromkeys([*old, *new])
        }
        if self.gone:
            self.operations.append(Delete(self.gone))
        if self._updates[0]:
            self.operations.append(Update(*self._updates, replace=True))
        self._insert({code: layout for code, layout in layouts.items() if None in layout}, new)

    def _selected(self, roots: RowArray) -> dict[int, list[Record]]:
        keeper, paths = self._keeper, self._owners.paths
        selection, found = keeper.selection, {}
        records = keeper.root.store.read(roots, vectors=selection.roots)
        for row, record in zip(roots.tolist(), records, strict=True):
            for path in range(paths):
                items = selection.items(record, path)
                if items:
                    found[row * paths + path] = [
                        derived(item, record, keeper.root_id) for item in items
                    ]
        return found

    def _there(self, roots: RowArray) -> dict[int, list[tuple[int, Record]]]:
        """The rows that these roots have now, in their order."""
        base, owned = self._keeper.base, self._owners.of(roots)
        rows, codes = self._owners.rows[owned], self._owners.codes[owned]
        order = np.argsort(base.positions(rows), kind='stable')
        found: dict[int, list[tuple[int, Record]]] = {}
        if len(rows):
            for row, code, record in zip(
                rows[order].tolist(), codes[order].tolist(), base.read(rows[order]), strict=True
            ):
                found.setdefault(code, []).append((row, record))
        return found

    def _compare(self, old: list[tuple[int, Record]], new: list[Record]) -> list[int | None]:
        """For each new record the row that becomes or is it, None where one is to be made."""
        where: dict[str, list[int]] = {}
        for at, (_, record) in enumerate(old):
            where.setdefault(real_id(record['id']), []).append(at)
        layout: list[int | None] = []
        kept: set[int] = set()
        following = 0
        for record in new:
            places = where.get(record['id'], [])
            found = bisect_left(places, following)
            if found == len(places):
                layout.append(None)
                continue
            at = places[found]
            following = at + 1
            row, before = old[at]
            kept.add(row)
            layout.append(row)
            after = {**record, 'id': before['id']}
            if not same(before, after):
                self._updates[0].append(row)
                self._updates[1].append(after)
        self.gone += [row for row, _ in old if row not in kept]
        return layout

    def _insert(self, layouts: dict[int, list[int | None]], new: dict[int, list[Record]]) -> None:
        if not layouts:
            return
        keeper = self._keeper
        rows = np.asarray(keeper.base.rows())
        rows = rows[~np.isin(rows, np.array(self.gone, dtype=np.int64))]
        keys = keeper.keys(self._owners.codes_of(rows))
        codes = np.array(list(layouts), dtype=np.int64)
        own = keeper.keys(codes)
        starts = np.searchsorted(keys, own, side='left')
        shift = 0
        run: Insert | None = None
        names = self._names([n for c in layouts for n in new[c]])
        for at in np.argsort(own, kind='stable').tolist():
            code, position = int(codes[at]), int(starts[at]) + shift
            for row, record in zip(layouts[code], new[code], strict=True):
                if row is None:
                    if run is None or run.position + len(run.records) != position:
                        run = Insert(position, [])
                        self.operations.append(run)
                    assert isinstance(run.records, list)
                    run.records.append({**record, 'id': names(record['id'])})
                    self.codes.append(code)
                    shift += 1
                position += 1

    def _names(self, records: list[Record]) -> Callable[[str], str]:
        """Gives ids of rows: a Document's own, unless another row has it."""
        base, gone = self._keeper.base, set(self.gone)
        wanted = list({record['id'] for record in records})
        taken = {
            name
            for name, row in zip(wanted, base.lookup(wanted).tolist(), strict=True)
            if row >= 0 and row not in gone
        }

        def name(wanted: str) -> str:
            if not wanted or '\x1f' in wanted or wanted in taken:
                return unique_id(wanted)
            taken.add(wanted)
            return wanted

        return name
