"""Arrays as tables of other libraries: pandas, polars, Arrow, Hugging Face."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .blocks import blocks_of
from .codecs.arrow_read import read_batches
from .codecs.arrow_write import ArrowPlan, pyarrow
from .codecs.cells import field_names, read_cells, with_tags
from .codecs.jsons import plain_value
from .columns import ColumnBlock, MatrixColumn
from .errors import InvalidType, MissingDependency, UnknownName, did_you_mean
from .schema import FIELD_BY_NAME, FIELD_NAMES
from .state import freeze_value

if TYPE_CHECKING:
    from .records import Records

__all__ = ['arrow_reader', 'read_dataset', 'read_frame', 'read_table', 'to_dataset', 'to_frame']

# So many rows of a data set are read at once.
_DATASET_ROWS = 1 << 13

LIBRARIES = ('pandas', 'polars')


def arrow_reader(records: Records) -> Any:
    """The array as a ``pyarrow.RecordBatchReader``, which reads a block at a time.

    Raises
    ------
    MissingDependency
        If ``pyarrow`` is not installed.
    EncodeError
        If a value has no form in Arrow; the message names field and row.
    """
    pa = pyarrow('Arrow')
    blocks = blocks_of(records)
    plan = ArrowPlan(blocks)

    def batches() -> Iterator[Any]:
        first = 0
        for count, columns in blocks():
            yield plan.batch(count, columns, first)
            first += count

    return pa.RecordBatchReader.from_batches(plan.schema, batches())


def read_table(
    source: Any, field_resolver: Mapping[str, str] | None = None
) -> Iterator[ColumnBlock]:
    """The rows of a table of Arrow, or of whatever gives one (``__arrow_c_stream__``).

    Raises
    ------
    InvalidType
        If it is no table.
    InvalidDocument
        If a column has another type than its field, or two columns one name.
    """
    pa = pyarrow('Arrow')
    if isinstance(source, pa.RecordBatch):
        reader: Any = [source]
    elif hasattr(source, '__arrow_c_stream__'):
        reader = pa.RecordBatchReader.from_stream(source)
    elif hasattr(source, '__arrow_c_array__'):
        reader = [pa.record_batch(source)]
    else:
        raise InvalidType(
            f'expected a table of Arrow, or an object with __arrow_c_stream__, got '
            f'{type(source).__name__}'
        )
    return read_batches(reader, field_resolver)


def to_pandas(records: Records, options: Mapping[str, Any]) -> Any:
    """The array as a ``pandas.DataFrame``; embeddings are arrays, tags dicts.

    Raises
    ------
    MissingDependency
        If ``pandas`` is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise MissingDependency.of('pandas', 'dataframe', 'a DataFrame') from None
    data: dict[str, list[Any]] = {}
    start = 0
    for count, columns in blocks_of(records)():
        for name, column in columns.items():
            values = data.setdefault(name, [None] * start)
            values += _cells(name, column)
        start += count
        for values in data.values():
            values += [None] * (start - len(values))
    data.setdefault('id', [])
    ordered = {name: _series(pd, name, data[name]) for name in FIELD_NAMES if name in data}
    return pd.DataFrame(ordered, **options)


def _cells(name: str, column: Any) -> list[Any]:
    """The values of a column as cells that may be changed without harm to the array."""
    kind = FIELD_BY_NAME[name].kind
    if isinstance(column, MatrixColumn):
        array = column.array.view()
        array.flags.writeable = False
        return MatrixColumn(array, column.present).tolist()
    values = column if isinstance(column, list) else column.tolist()
    if kind == 'dict':
        return [None if value is None else freeze_value(name, value) for value in values]
    if kind in {'scores', 'documents'}:
        return [None if value is None else plain_value(name, value) for value in values]
    return list(values)


def _series(pd: Any, name: str, values: list[Any]) -> Any:
    """A column of objects where pandas would make something else of them."""
    if FIELD_BY_NAME[name].kind in {'array', 'dict', 'floats', 'scores', 'documents', 'bytes'}:
        cells = np.empty(len(values), object)
        for at, value in enumerate(values):
            cells[at] = value
        return pd.Series(cells, dtype=object)
    return values


def to_polars(records: Records, options: Mapping[str, Any]) -> Any:
    """The array as a ``polars.DataFrame``, in the columns of Arrow.

    Raises
    ------
    MissingDependency
        If ``polars`` or ``pyarrow`` is not installed.
    """
    try:
        import polars as pl
    except ImportError:
        raise MissingDependency.of('polars', 'dataframe', 'a DataFrame') from None
    return pl.DataFrame(arrow_reader(records).read_all(), **options)


def to_frame(records: Records, library: str, options: Mapping[str, Any]) -> Any:
    """The array as a DataFrame of a library.

    Raises
    ------
    UnknownName
        If it is neither pandas nor polars.
    """
    if library not in LIBRARIES:
        raise UnknownName(f'library={library!r} is not supported{did_you_mean(library, LIBRARIES)}')
    return (to_pandas if library == 'pandas' else to_polars)(records, options)


def read_frame(
    frame: Any, field_resolver: Mapping[str, str] | None = None
) -> Iterator[ColumnBlock]:
    """The rows of a DataFrame of pandas, or of anything that gives a table of Arrow.

    Raises
    ------
    InvalidType
        If it is none.
    InvalidDocument
        If a value is of another type than its field, or two columns have one
        name; the message has row and field.
    """
    if type(frame).__module__.partition('.')[0] != 'pandas' or not hasattr(frame, 'columns'):
        yield from read_table(frame, field_resolver)
        return
    names = field_names(frame.columns, field_resolver)
    columns: dict[str, Any] = {}
    extra: dict[str, list[Any]] = {}
    for at, name in enumerate(names):
        series = frame.iloc[:, at]
        missing = series.isna().to_numpy()
        values = series.tolist()
        if missing.any():
            values = [None if gone else v for v, gone in zip(values, missing, strict=True)]
        if name not in FIELD_BY_NAME:
            extra[name] = [v.item() if isinstance(v, np.generic) else v for v in values]
        elif not missing.all() or name == 'id':
            columns[name] = read_cells(name, values)
    with_tags(columns, extra, len(frame))
    yield ColumnBlock(len(frame), columns)


def to_dataset(records: Records) -> Any:
    """The array as a ``datasets.Dataset``, in the columns of Arrow.

    Raises
    ------
    MissingDependency
        If ``datasets`` or ``pyarrow`` is not installed.
    """
    try:
        from datasets import Dataset
    except ImportError:
        raise MissingDependency.of('datasets', 'datasets', 'a data set of Hugging Face') from None
    return Dataset(arrow_reader(records).read_all())


def read_dataset(
    dataset: Any, field_resolver: Mapping[str, str] | None, filter_fields: bool
) -> Iterator[ColumnBlock]:
    """The rows of a ``datasets.Dataset`` that is loaded.

    Parameters
    ----------
    dataset : datasets.Dataset
    field_resolver : dict, optional
        The fields that columns mean.
    filter_fields : bool
        Whether to leave out columns that ``field_resolver`` does not name.
    """
    tables = dataset.with_format('arrow').iter(_DATASET_ROWS)
    batches = (batch for table in tables for batch in table.to_batches())
    yield from read_batches(batches, field_resolver, filter_fields)
