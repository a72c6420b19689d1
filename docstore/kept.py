"""Stored rows as a search found them, whatever is written to the store later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .paths import walk_all
from .state import hydrate
from .stores.base import Clear, Delete, Operation, SetColumn, Update
from .views import StoredSource

if TYPE_CHECKING:
    from .stored import StoredRecords
    from .table import Rows

__all__ = ['KeptSource']


class KeptSource(StoredSource):
    """Some rows of stored records, as they are now.

    Nothing is copied until a row is about to be changed or deleted: then the
    records tell, and its content of before is kept here.

    Parameters
    ----------
    records : StoredRecords
        Where the rows belong.
    rows : ndarray of int64
        Which rows.
    """

    def __init__(self, records: StoredRecords, rows: npt.NDArray[np.int64]) -> None:
        super().__init__(records)
        self._own = frozenset(rows.tolist())
        self._kept: dict[int, dict[str, Any]] = {}

    def keep(self, rows: Iterable[int] | None) -> None:
        """Called before these rows (None: all) are changed."""
        changing = self._own if rows is None else self._own.intersection(rows)
        fresh = [row for row in changing if row not in self._kept]
        if fresh:
            self._kept.update(zip(fresh, self._records.store.read(fresh), strict=True))

    def keep_before(self, operations: Sequence[Operation]) -> None:
        """Called before these operations are done."""
        for operation in operations:
            if isinstance(operation, Clear):
                self.keep(None)
            elif isinstance(operation, (Update, SetColumn, Delete)):
                self.keep(int(row) for row in operation.rows)

    def kept(self, rows: Rows) -> StoredSource:
        """Itself: its rows are kept already."""
        return self

    def detached(self, row: int, skip: tuple[str, ...]) -> dict[str, Any]:
        """A deep copy of the fields of a row."""
        with self._records.lock:
            record = self._kept.get(row)
            if record is None:
                return super().detached(row, skip)
        data: dict[str, Any] = {}
        for name, value in record.items():
            if name not in skip:
                data[name] = hydrate(name, _copy(value), data)
        return data

    def gather(self, path: str, rows: Rows) -> list[Any] | npt.NDArray[Any]:
        """The values of a field path in rows, None where unset."""
        with self._records.lock:
            if not self._kept:
                return super().gather(path, rows)
            name, *keys = path.split('__') if not path.startswith('_') else (path,)
            stored = [int(row) for row in rows if int(row) not in self._kept]
            others = iter(super().gather(path, np.asarray(stored, dtype=np.int64)))
            values = [
                next(others) if int(row) not in self._kept else self._kept[int(row)].get(name)
                for row in rows
            ]
            for at, row in enumerate(rows):
                if keys and int(row) in self._kept:
                    values[at] = walk_all([values[at]], tuple(keys))[0]
            return values


def _copy(value: Any) -> Any:
    """A deep copy of the containers in a plain value."""
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value
