"""From the operations of the store seam to the batches of the disk engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..errors import EncodeError, InvalidDocument, LengthMismatch, UnsupportedOperation
from ..schema import VECTOR_FIELDS
from .base import Clear, Delete, Insert, Reorder, SetColumn, Update
from .intake import intake

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from .base import Operation, Record, RowArray

__all__ = ['BatchBuilder']

#: What happens to the vector of a row; the numbers are those of the engine.
_KEEP, _SET, _UNSET = 0, 1, 2
_VECTOR = VECTOR_FIELDS[0]
#: Stands for a vector that is not mentioned.
_SAME = object()


class BatchBuilder:
    """Makes one batch of the engine out of operations.

    A row that one operation changes, and a later one changes again, is
    remembered in between, since the engine does not have it yet.

    Parameters
    ----------
    engine : DiskEngine
        It must not be written to meanwhile.
    n_dim : int, optional
        The length that vectors must have; None if the first one decides.
    """

    def __init__(self, engine: _core.DiskEngine, n_dim: int | None) -> None:
        self._engine = engine
        self._n_dim = n_dim
        self._shape = engine.vector_type if engine.vector_count else None
        self._changed: dict[int, Record] = {}
        self._renamed: dict[int, str] = {}
        self._more = False
        self.batch = _core.DiskBatch()

    def add_all(self, operations: Sequence[Operation]) -> None:
        """Put operations into the batch, each after those before it."""
        for number, operation in enumerate(operations, 1):
            self._more = number < len(operations)
            self._add(operation)

    def _add(self, operation: Operation) -> None:
        if isinstance(operation, Insert):
            self._insert(operation)
        elif isinstance(operation, Update):
            self._update(operation)
        elif isinstance(operation, SetColumn):
            self._set_column(operation)
        elif isinstance(operation, Delete):
            rows = _row_array(operation.rows)
            if len(rows) == len(self._engine):
                self._shape = None
            self.batch.delete(rows)
        elif isinstance(operation, Reorder):
            self.batch.reorder(_row_array(operation.rows))
        elif isinstance(operation, Clear):
            self._shape = None
            self._changed.clear()
            self.batch.clear()
        else:
            raise UnsupportedOperation(f'a store cannot {type(operation).__name__}')

    def _insert(self, operation: Insert) -> None:
        ids = [_id_of(record.get('id')) for record in operation.records]
        if not ids:
            return
        for name, matrix in operation.vectors.items():
            _check_vector_field(name)
            if len(matrix) != len(ids):
                raise LengthMismatch(f'{len(matrix)} vectors for {len(ids)} documents')
        blob, offsets = _pack([_body(record) for record in operation.records], ids)
        lines: npt.NDArray[Any] | None
        actions: npt.NDArray[np.uint8] | None
        if _VECTOR in operation.vectors:
            lines = self._lines(operation.vectors[_VECTOR], ids)
            actions = np.full(len(ids), _SET, np.uint8)
        else:
            values = [record.get(_VECTOR) for record in operation.records]
            lines, actions = self._some_lines(values, ids, _KEEP)
        self.batch.insert(operation.position, ids, blob, offsets, lines, actions)

    def _update(self, operation: Update) -> None:
        rows = _row_array(operation.rows)
        if len(rows) != len(operation.records):
            raise LengthMismatch(f'{len(operation.records)} records for {len(rows)} rows')
        if len(set(rows.tolist())) == len(rows):
            self._update_rows(rows, operation.records, operation.replace)
            return
        # A row that comes twice ends as its last record says.
        for at in range(len(rows)):
            self._more = True
            self._update_rows(rows[at : at + 1], operation.records[at : at + 1], operation.replace)

    def _update_rows(self, rows: RowArray, records: Sequence[Record], replace: bool) -> None:
        if not len(rows):
            return
        ids = self._new_ids(rows, records)
        changed = replace or any(
            name not in ('id', _VECTOR) for record in records for name in record
        )
        blob = offsets = None
        if changed:
            bodies = [{}] * len(rows) if replace else self._bodies(rows)
            bodies = [_merged(old, _body(new)) for old, new in zip(bodies, records, strict=True)]
            blob, offsets = self._keep(rows, bodies, ids or self._names(rows))
        lines = actions = None
        if replace or any(_VECTOR in record for record in records):
            # What is missing keeps its vector, unless the record is the whole content.
            values = [record.get(_VECTOR, None if replace else _SAME) for record in records]
            lines, actions = self._some_lines(values, ids or self._names(rows), _UNSET)
        self.batch.update(rows, ids, blob, offsets, lines, actions)

    def _set_column(self, operation: SetColumn) -> None:
        rows, values = _row_array(operation.rows), operation.values
        if values is not None and len(values) != len(rows):
            raise LengthMismatch(f'{len(values)} values for {len(rows)} rows')
        if len(np.unique(rows)) != len(rows):
            # The last value of a row counts.
            last = {row: at for at, row in enumerate(rows.tolist())}
            rows, at = np.fromiter(last, np.int64, len(last)), list(last.values())
            values = None if values is None else [values[i] for i in at]
        if not len(rows):
            return
        if operation.name == _VECTOR:
            self._set_vectors(rows, values)
            return
        if operation.name == 'id':
            if values is None:
                raise InvalidDocument('a stored document must keep an id')
            ids = [_id_of(value) for value in values]
            self._renamed.update(zip(rows.tolist(), ids, strict=True))
            self.batch.update(rows, ids)
            return
        bodies = self._bodies(rows)
        for place, body in enumerate(bodies):
            value = None if values is None else values[place]
            if value is None:
                body.pop(operation.name, None)
            else:
                body[operation.name] = value
        blob, offsets = self._keep(rows, bodies, self._names(rows))
        self.batch.update(rows, None, blob, offsets)

    def _set_vectors(self, rows: RowArray, values: Sequence[Any] | npt.NDArray[Any] | None) -> None:
        lines: npt.NDArray[Any] | None
        actions: npt.NDArray[np.uint8] | None
        if values is None:
            lines, actions = None, np.full(len(rows), _UNSET, np.uint8)
        elif isinstance(values, np.ndarray) and values.ndim == 2:
            lines, actions = self._lines(values, self._names(rows)), np.full(len(rows), 1, np.uint8)
        else:
            lines, actions = self._some_lines(values, self._names(rows), _UNSET)
        self.batch.update(rows, None, None, None, lines, actions)

    # -- parts -------------------------------------------------------------

    def _bodies(self, rows: RowArray) -> list[Record]:
        """The content of rows as it is, without id and vectors."""
        numbers = rows.tolist()
        missing = [row for row in numbers if row not in self._changed]
        blob, offsets = self._engine.payloads(np.array(missing, np.int64))
        stored = dict(zip(missing, _core.unpack_many(blob, offsets), strict=True))
        return [
            dict(self._changed[row]) if row in self._changed else stored[row] for row in numbers
        ]

    def _keep(
        self, rows: RowArray, bodies: list[Record], names: Sequence[str]
    ) -> tuple[bytes, npt.NDArray[np.uint64]]:
        if self._more:
            self._changed.update(zip(rows.tolist(), bodies, strict=True))
        return _pack(bodies, names)

    def _new_ids(self, rows: RowArray, records: Sequence[Record]) -> list[str] | None:
        if not any('id' in record for record in records):
            return None
        ids = [
            _id_of(record['id']) if 'id' in record else name
            for record, name in zip(records, self._names(rows), strict=True)
        ]
        self._renamed.update(zip(rows.tolist(), ids, strict=True))
        return ids

    def _names(self, rows: RowArray) -> list[str]:
        names = self._engine.ids(rows)
        if self._renamed:
            new = self._renamed
            return [new.get(row, name) for row, name in zip(rows.tolist(), names, strict=True)]
        return names

    def _some_lines(
        self, values: Sequence[Any] | npt.NDArray[Any], names: Sequence[str], absent: int
    ) -> tuple[npt.NDArray[Any] | None, npt.NDArray[np.uint8] | None]:
        """Lines of the vectors that are there, and what happens to each row.

        A value of None does ``absent``.
        """
        actions = np.full(len(values), _SET, np.uint8)
        for at, value in enumerate(values):
            if value is None:
                actions[at] = absent
            elif value is _SAME:
                actions[at] = _KEEP
        there = np.flatnonzero(actions == _SET).tolist()
        if not there:
            return None, actions if actions.any() else None
        if len(there) < len(values):
            values, names = [values[at] for at in there], [names[at] for at in there]
        return self._lines(values, names), actions

    def _lines(
        self, values: Sequence[Any] | npt.NDArray[Any], names: Sequence[str]
    ) -> npt.NDArray[Any]:
        dtype, dim = (None, self._n_dim) if self._shape is None else self._shape
        lines = np.ascontiguousarray(intake(values, names, dtype, dim))
        self._shape = (lines.dtype.name, lines.shape[1])
        return lines


def _row_array(rows: Sequence[int] | RowArray) -> RowArray:
    return np.ascontiguousarray(np.asarray(rows, dtype=np.int64))


def _id_of(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidDocument(f'a stored document needs a str as its id, got {value!r}')
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidDocument(f'the id {value!r} is text that UTF-8 cannot hold') from None
    return value


def _check_vector_field(name: str) -> None:
    if name not in VECTOR_FIELDS:
        raise UnsupportedOperation(f'{name!r} is not kept as a column of vectors')


def _body(record: Mapping[str, Any]) -> Record:
    return {name: record[name] for name in record if name not in ('id', _VECTOR)}


def _merged(old: Record, new: Record) -> Record:
    merged = {**old, **new}
    return {name: value for name, value in merged.items() if value is not None}


def _pack(bodies: Sequence[Record], names: Sequence[str]) -> tuple[bytes, npt.NDArray[np.uint64]]:
    try:
        return _core.pack_many(bodies)
    except EncodeError:
        for body, name in zip(bodies, names, strict=True):
            try:
                _core.pack(body)
            except EncodeError as error:
                raise EncodeError(f'document {name!r}: {error}') from None
        raise
