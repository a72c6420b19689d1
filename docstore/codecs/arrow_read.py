"""From Arrow to columns of documents: our own tables, and those of others.

A matrix of embeddings is a view of Arrow's memory. Columns that are no fields
become tags.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ..columns import ColumnBlock, MatrixColumn, PackedColumn
from ..errors import CorruptData, InvalidDocument
from ..schema import FIELD_BY_NAME
from .arrow_write import MARK, pyarrow
from .cells import field_names, read_cells, with_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ['read_batches']


def read_batches(
    batches: Iterable[Any],
    field_resolver: Mapping[str, str] | None = None,
    filter_fields: bool = False,
) -> Iterator[ColumnBlock]:
    """Record batches as blocks of columns.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
    field_resolver : dict, optional
        The fields that columns mean.
    filter_fields : bool
        Whether to leave out columns that ``field_resolver`` does not name.

    Raises
    ------
    InvalidDocument
        If a column has another type than its field, or two columns one name.
    """
    first = 0
    for batch in batches:
        yield _block(batch, field_resolver, filter_fields, first)
        first += batch.num_rows


def _block(
    batch: Any, resolver: Mapping[str, str] | None, filter_fields: bool, first: int
) -> ColumnBlock:
    reader = _Reader(first)
    fields = [
        (field, column)
        for field, column in zip(batch.schema, batch.columns, strict=True)
        if not filter_fields or field.name in (resolver or {})
    ]
    names = field_names([field.name for field, _ in fields], resolver)
    columns: dict[str, Any] = {}
    extra: dict[str, list[Any]] = {}
    for name, (field, column) in zip(names, fields, strict=True):
        mark = (field.metadata or {}).get(MARK)
        if name not in FIELD_BY_NAME:
            extra[name] = reader.plain(name, _storage(column))
        elif (made := reader.read(name, _storage(column), mark)) is not None:
            columns[name] = made
    if extra:
        if isinstance(columns.get('tags'), PackedColumn):
            columns['tags'] = columns['tags'].tolist()
        with_tags(columns, extra, batch.num_rows)
    return ColumnBlock(batch.num_rows, columns)


def _storage(column: Any) -> Any:
    """A column without what lies around its values."""
    pa = pyarrow('Arrow')
    if isinstance(column.type, pa.FixedShapeTensorType):
        shape, made = column.type.shape, column.storage.type.value_type
        order = column.type.permutation
        if order is not None and list(order) != sorted(order):
            raise InvalidDocument('a tensor column whose axes are permuted: store it as it is')
        for size in reversed(shape[1:]):
            made = pa.list_(made, size)
        return (
            column.storage.cast(pa.list_(made, shape[0]))
            if len(shape) == 1
            else _nested(pa, column.storage, shape)
        )
    while isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column


def _nested(pa: Any, storage: Any, shape: list[int]) -> Any:
    """A column of flat lists as one of lists in lists."""
    made = storage.values
    for size in reversed(shape[1:]):
        made = pa.FixedSizeListArray.from_arrays(made, size)
    buffers = [storage.buffers()[0]]
    kind = pa.list_(made.type, shape[0])
    return pa.Array.from_buffers(
        kind, len(storage), buffers, storage.null_count, storage.offset, children=[made]
    )


#: What may be packed, also where the mark of it was lost on the way.
_PACKABLE = frozenset(('array', 'documents', 'dict'))


class _Reader:
    """Reads the columns of one batch.

    Parameters
    ----------
    first : int
        The number of its first row, for error messages.
    """

    def __init__(self, first: int) -> None:
        self._arrow = pyarrow('Arrow')
        self._first = first

    def read(self, name: str, column: Any, mark: bytes | None) -> Any:
        """A column as that of a field; None if no row has it."""
        types, kind = self._arrow.types, FIELD_BY_NAME[name].kind
        if types.is_null(column.type) or column.null_count == len(column):
            return None
        if mark == b'packed' or (kind in _PACKABLE and _is_binary(types, column.type)):
            return self._packed(name, column)
        if kind == 'array':
            return self._arrays(name, column)
        if kind in {'dict', 'scores', 'documents'} and _is_text(types, column.type):
            return read_cells(name, self._parsed(name, column), self._first)
        if name == 'id' and types.is_integer(column.type):
            column = column.cast(self._arrow.string())
        values = self.plain(name, column)
        if kind in {'dict', 'scores', 'documents'}:
            values = [_without_none(value) for value in values]
        return read_cells(name, values, self._first)

    def plain(self, name: str, column: Any) -> list[Any]:
        """The values of a column as Python has them."""
        types = self._arrow.types
        values: list[Any]
        try:
            if _is_text(types, column.type) or _is_binary(types, column.type):
                values = column.to_numpy(zero_copy_only=False).tolist()
            elif not column.null_count and (
                types.is_integer(column.type) or types.is_floating(column.type)
            ):
                values = column.to_numpy().tolist()
            else:
                values = column.to_pylist()
            return values
        except (UnicodeDecodeError, ValueError, self._arrow.ArrowException) as error:
            raise InvalidDocument(f'the column {name!r} cannot be read: {error}') from error

    def _parsed(self, name: str, column: Any) -> list[Any]:
        """The values of a column of JSON texts."""
        parsed = []
        for at, text in enumerate(self.plain(name, column), self._first):
            try:
                parsed.append(None if text is None else json.loads(text))
            except (ValueError, RecursionError) as error:
                raise InvalidDocument(f'row {at}: {name}: expected JSON: {error}') from None
        return parsed

    def _packed(self, name: str, column: Any) -> Any:
        pa = self._arrow
        if not pa.types.is_large_binary(column.type):
            column = column.cast(pa.large_binary())
        _, offsets, blob = column.buffers()
        ends = np.frombuffer(offsets, np.int64)[column.offset :][: len(column) + 1]
        if column.null_count and (np.diff(ends)[~_present(column)] > 0).any():
            raise InvalidDocument(f'the column {name!r} has values where it says that none are')
        made = PackedColumn(memoryview(blob or b''), ends.view(np.uint64))
        try:
            values = made.tolist()  # what is damaged is told now, not when somebody looks
        except CorruptData as error:
            raise InvalidDocument(f'the column {name!r} is damaged: {error}') from error
        read_cells(name, [_seen(value) for value in values], self._first)
        return made

    def _arrays(self, name: str, column: Any) -> Any:
        """A column of lists of numbers, as a matrix where the lengths are equal."""
        types = self._arrow.types
        shape: list[int] = []
        values, present = column, None
        while types.is_fixed_size_list(values.type):
            if not shape:
                present = _present(values) if values.null_count else None
            elif values.null_count and (present is None or _holes(values, present)):
                return self._one_by_one(name, column)
            size, count, start = values.type.list_size, len(values), values.offset
            shape.append(size)
            values = values.values.slice(start * size, count * size)
        if not shape and (types.is_list(values.type) or types.is_large_list(values.type)):
            sizes = np.diff(values.offsets.to_numpy())
            if not values.null_count and len(sizes) and (sizes == sizes[0]).all():
                shape, values = [int(sizes[0])], values.flatten()
        if not shape or not _is_number(types, values.type):
            return self._one_by_one(name, column)
        if values.null_count and (present is None or _holes(values, present)):
            raise InvalidDocument(f'the column {name!r} has lists with null among the numbers')
        if types.is_boolean(values.type):
            flat = values.to_numpy(zero_copy_only=False).astype(bool)
        else:
            dtype = values.type.to_pandas_dtype()
            start = values.offset * np.dtype(dtype).itemsize
            flat = np.frombuffer(values.buffers()[1] or b'', dtype, len(values), start)
        return MatrixColumn(flat.reshape(len(column), *shape), present)

    def _one_by_one(self, name: str, column: Any) -> list[Any]:
        types, leaf = self._arrow.types, column.type
        while types.is_list(leaf) or types.is_large_list(leaf) or types.is_fixed_size_list(leaf):
            leaf = leaf.value_type
        made = read_cells(name, self.plain(name, column), self._first)
        if not _is_number(types, leaf):
            return made
        dtype = leaf.to_pandas_dtype()
        return [None if value is None else value.astype(dtype, copy=False) for value in made]


def _holes(values: Any, present: Any) -> bool:
    """Whether a value is missing in a row that is there."""
    there = _present(values).reshape(len(present), -1)
    return bool((~there[present]).any())


def _present(column: Any) -> Any:
    return column.is_valid().to_numpy(zero_copy_only=False)


def _seen(value: Any) -> Any:
    """A packed value as :func:`read_cells` checks it: lists stand for their arrays."""
    return value if isinstance(value, (list, dict, np.ndarray)) or value is None else [value]


def _is_text(types: Any, kind: Any) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_binary(types: Any, kind: Any) -> bool:
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))


def _is_number(types: Any, kind: Any) -> bool:
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _without_none(value: Any) -> Any:
    """A struct without the fields that other rows have, and this one has not."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):  # a map
            return {key: _without_none(item) for key, item in value}
        return [_without_none(item) for item in value]
    return value
