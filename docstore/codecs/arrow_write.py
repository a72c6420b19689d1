"""From columns of documents to Arrow: one schema, and a batch for each block.

A field of plain values is a column of its type. ``embedding`` and ``tensor``
are fixed-size lists over our own matrix, without a copy, where all rows have
one type and shape; otherwise, like nested documents, they are packed as in our
own format. Tags and scores are JSON, which keeps int, float and bool apart.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..columns import MatrixColumn, PackedColumn
from ..errors import EncodeError, MissingDependency
from ..schema import FIELD_BY_NAME, FIELD_NAMES
from .jsons import plain_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..columns import Column
    from .base import Blocks

__all__ = ['ArrowPlan', 'pyarrow', 'sliced']

#: Marks, in the metadata of a field, a column that is not what its type says.
MARK = b'docstore'
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
_TYPES = {'b': 'bool_', 'i': 'int', 'u': 'uint', 'f': 'float'}


def pyarrow(purpose: str) -> Any:
    """The module ``pyarrow``.

    Raises
    ------
    MissingDependency
        If it is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingDependency.of('pyarrow', 'arrow', purpose) from None
    return pa


class ArrowPlan:
    """How each field of an array lies in Arrow.

    Parameters
    ----------
    blocks : callable
        The array; it is looked through once for the fields, types and shapes.
    """

    def __init__(self, blocks: Blocks) -> None:
        self._arrow = pyarrow('Arrow')
        names: set[str] = {'id'}
        shapes: dict[str, set[Any]] = {'tensor': set(), 'embedding': set()}
        for _, columns in blocks():
            names.update(columns)
            for name, found in shapes.items():
                if name in columns and len(found) < 2:
                    found |= _shapes(columns[name])
        unknown = names - FIELD_BY_NAME.keys()
        if unknown:
            raise EncodeError(f'a Document has no field {min(unknown)!r}')
        self._shapes = {
            name: next(iter(found)) for name, found in shapes.items() if _regular(found)
        }
        self.schema = self._arrow.schema(
            [self._field(name) for name in FIELD_NAMES if name in names]
        )

    def _field(self, name: str) -> Any:
        pa, kind = self._arrow, FIELD_BY_NAME[name].kind
        plain = {
            'str': pa.large_string(),
            'int': pa.int64(),
            'float': pa.float64(),
            'bytes': pa.large_binary(),
            'floats': pa.large_list(pa.float64()),
        }
        if kind in plain:
            return pa.field(name, plain[kind])
        if name in self._shapes:
            dtype, shape = self._shapes[name]
            made = _arrow_type(pa, np.dtype(dtype))
            for size in reversed(shape):
                made = pa.list_(made, size)
            return pa.field(name, made)
        if kind in {'dict', 'scores'}:
            return pa.field(name, pa.large_string(), metadata={MARK: b'json'})
        return pa.field(name, pa.large_binary(), metadata={MARK: b'packed'})

    def batch(self, count: int, columns: Mapping[str, Column], first: int = 0) -> Any:
        """A block of rows as a record batch.

        Parameters
        ----------
        count : int
            How many rows.
        columns : mapping of str to column
        first : int
            How many rows came before, for error messages.

        Raises
        ------
        EncodeError
            If a value cannot be written; the message names field and row.
        """
        pa, arrays = self._arrow, []
        for name in columns:
            if name not in self.schema.names:
                raise EncodeError(
                    f'{name}: set in row {first} or later, but in no row before: a table has '
                    'the columns that its first rows have'
                )
        for field in self.schema:
            column = columns.get(field.name)
            if column is None:
                arrays.append(pa.nulls(count, field.type))
            else:
                arrays.append(self._array(field, column, first))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _array(self, field: Any, column: Column, first: int) -> Any:
        if field.name in self._shapes:
            return self._matrix(field, column, first)
        mark = (field.metadata or {}).get(MARK)
        if mark == b'packed':
            return self._packed(field.name, column, first)
        values = column if isinstance(column, list) else column.tolist()
        if mark == b'json':
            if not isinstance(column, PackedColumn):
                _pack(field.name, values, first)  # tells of keys that JSON would make str
            values = _jsons(field.name, values, first)
        pa = self._arrow
        try:
            return pa.array(values, field.type)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            for at, value in enumerate(values, first):
                try:
                    pa.array([value], field.type)
                except (pa.ArrowException, TypeError, ValueError, OverflowError) as reason:
                    raise EncodeError(f'{field.name} of row {at}: {reason}') from None
            raise EncodeError(f'{field.name}: {error}') from error

    def _matrix(self, field: Any, column: Column, first: int) -> Any:
        pa = self._arrow
        dtype, shape = self._shapes[field.name]
        matrix = _as_matrix(field.name, column, np.dtype(dtype), shape, first)
        flat = np.ascontiguousarray(matrix.array).reshape(-1)
        if flat.dtype.kind == 'b':
            made = pa.array(flat)
        else:
            kind = _arrow_type(pa, flat.dtype)
            made = pa.Array.from_buffers(kind, len(flat), [None, pa.py_buffer(flat)])
        types = [field.type]
        while len(types) < len(shape):
            types.append(types[-1].value_type)
        for depth in range(len(shape) - 1, 0, -1):
            size = len(matrix) * int(np.prod(shape[:depth]))
            made = pa.Array.from_buffers(types[depth], size, [None], children=[made])
        validity, missing = None, 0
        if matrix.present is not None:
            bits = np.packbits(matrix.present, bitorder='little')
            validity, missing = pa.py_buffer(bits), int((~matrix.present).sum())
        return pa.Array.from_buffers(types[0], len(matrix), [validity], missing, children=[made])

    def _packed(self, name: str, column: Column, first: int) -> Any:
        pa = self._arrow
        if not isinstance(column, PackedColumn):
            values = column if isinstance(column, list) else column.tolist()
            column = _pack(name, values, first)
        offsets = np.ascontiguousarray(column.offsets).view(np.int64)
        present = column.present
        validity = None
        if not present.all():
            validity = pa.py_buffer(np.packbits(present, bitorder='little'))
        blob = pa.py_buffer(column.blob)
        buffers = [validity, pa.py_buffer(offsets), blob]
        return pa.Array.from_buffers(pa.large_binary(), len(column), buffers)


def _arrow_type(pa: Any, dtype: np.dtype[Any]) -> Any:
    return pa.from_numpy_dtype(dtype)


def _regular(found: set[Any]) -> bool:
    """Whether all arrays are of one type and shape that Arrow has."""
    if len(found) != 1:
        return False
    ((dtype, shape),) = found
    kind = np.dtype(dtype)
    return kind.kind in 'biuf' and kind.itemsize <= 8 and bool(shape) and 0 not in shape


def _shapes(column: Column) -> set[Any]:
    """The types and shapes of the arrays in a column."""
    if isinstance(column, MatrixColumn):
        column = column.array
    if isinstance(column, np.ndarray):
        return {(column.dtype.newbyteorder('=').str, column.shape[1:])}
    found: set[Any] = set()
    values = column if isinstance(column, list) else column.tolist()
    for value in values:
        if value is not None:
            array = _plain_array(value)
            found.add((array.dtype.newbyteorder('=').str, array.shape))
            if len(found) > 1:
                break
    return found


def _plain_array(value: Any) -> Any:
    if hasattr(value, 'toarray'):  # a sparse matrix
        value = value.toarray()
    try:
        return np.asarray(value)
    except ValueError:  # lists of different lengths
        return np.empty(0, object)


def _as_matrix(
    name: str, column: Column, dtype: np.dtype[Any], shape: tuple[int, ...], first: int
) -> MatrixColumn:
    if isinstance(column, np.ndarray):
        column = MatrixColumn(column)
    if not isinstance(column, MatrixColumn):
        values = column if isinstance(column, list) else column.tolist()
        arrays = [None if value is None else _plain_array(value) for value in values]
        present = np.array([array is not None for array in arrays], bool)
        matrix = np.zeros((len(arrays), *shape), dtype)
        for at, array in enumerate(arrays):
            if array is not None:
                _check(name, array.dtype, array.shape, dtype, shape, first + at)
                matrix[at] = array
        return MatrixColumn(matrix, None if present.all() else present)
    _check(name, column.array.dtype, column.array.shape[1:], dtype, shape, first)
    if column.present is None or column.present.all():
        return MatrixColumn(column.array.astype(dtype, copy=False))
    # What lies in the lines of unset rows is nobody's business.
    mask = column.present.reshape(-1, *[1] * len(shape))
    return MatrixColumn(np.where(mask, column.array, dtype.type(0)), column.present)


def _check(name: str, dtype: Any, shape: Any, expected: Any, rows: Any, at: int) -> None:
    if dtype.newbyteorder('=') != expected or tuple(shape) != tuple(rows):
        raise EncodeError(
            f'{name} of row {at}: an array of {dtype} and shape {tuple(shape)}, but the rows '
            f'before have {expected} and {tuple(rows)}: a table has one type for a column'
        )


def _jsons(name: str, values: list[Any], first: int) -> list[Any]:
    """Tags or scores as JSON texts."""
    try:
        return [None if value is None else _ENCODE(value) for value in values]
    except (TypeError, ValueError, RecursionError):
        # Arrays become lists; and what has no form in JSON is told with its place.
        return [
            None if value is None else _ENCODE(plain_value(name, value, f'row {at}: '))
            for at, value in enumerate(values, first)
        ]


def _pack(name: str, values: list[Any], first: int) -> PackedColumn:
    try:
        return PackedColumn.of(values)
    except EncodeError:
        for at, value in enumerate(values, first):
            try:
                _core.pack(value)
            except EncodeError as error:
                raise EncodeError(f'{name} of row {at}: {error}') from None
        raise


def sliced(count: int, columns: Mapping[str, Column], rows: int) -> Iterator[tuple[int, Any]]:
    """A block in blocks of so many rows at most."""
    for start in range(0, count, rows):
        stop = min(start + rows, count)
        yield stop - start, {name: _cut(column, start, stop) for name, column in columns.items()}


def _cut(column: Column, start: int, stop: int) -> Column:
    if isinstance(column, MatrixColumn):
        present = None if column.present is None else column.present[start:stop]
        return MatrixColumn(column.array[start:stop], present)
    return column[start:stop]
