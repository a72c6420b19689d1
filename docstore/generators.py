"""Documents from files, lines, tables and arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import numpy as np

from .bulk import join_blocks
from .columns import MatrixColumn
from .document import Document
from .errors import (
    CorruptData,
    InvalidArgument,
    InvalidDocument,
    MissingDependency,
    UnknownField,
)
from .memory import MemoryRecords
from .table import Table

__all__ = [
    'Maker',
    'from_csv',
    'from_files',
    'from_huggingface_datasets',
    'from_lines',
    'from_ndarray',
]

T = TypeVar('T')
A = TypeVar('A')


class Maker:
    """A constructor of a class that its instances do not have.

    ``da.from_files(...)`` would look as if it filled ``da``. ``storage`` and
    ``config`` say where the new array is kept; the other arguments go to the
    function.

    Parameters
    ----------
    make : callable
        Gives the Documents.
    """

    def __init__(self, make: Callable[..., Iterable[Document]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type[A]) -> Callable[..., A]:
        if instance is not None:
            raise UnknownField(
                f'{self._name!r} makes a new array: call {owner.__name__}.{self._name}(...)'
            )

        @wraps(self._make)
        def make(*args: Any, **kwargs: Any) -> A:
            places = {name: kwargs.pop(name) for name in ('storage', 'config') if name in kwargs}
            return cast('Callable[..., A]', owner)(self._make(*args, **kwargs), **places)

        return make


def _sampled(items: Iterable[T], size: int | None, rate: float | None) -> Iterator[T]:
    """At most ``size`` items, each taken with the probability ``rate``."""
    if rate is not None:
        if not 0 <= rate <= 1:
            raise InvalidArgument(f'sampling_rate must be between 0 and 1, not {rate!r}')
        from random import random

        items = (item for item in items if random() < rate)  # noqa: S311 - a sample, no secret
    if size is not None and size < 0:
        raise InvalidArgument(f'size must be at least 0, not {size!r}')
    return islice(items, size)


def from_files(
    patterns: str | Iterable[str],
    recursive: bool = True,
    size: int | None = None,
    sampling_rate: float | None = None,
    read_mode: str | None = None,
    to_dataturi: bool = False,
    exclude_regex: str | None = None,
) -> Iterator[Document]:
    """One Document for each file that matches a pattern.

    Parameters
    ----------
    patterns : str or iterable of str
        Shell patterns such as ``'photos/**/*.jpg'``.
    recursive : bool
        Whether ``**`` goes into directories.
    size : int, optional
        How many files at most.
    sampling_rate : float, optional
        With which probability a file is taken.
    read_mode : {None, 'r', 'rb'}
        What to read: nothing (only ``uri``), the text, or the bytes.
    to_dataturi : bool
        Whether ``uri`` becomes a data URI of the content.
    exclude_regex : str, optional
        Files whose path begins with a match are left out.

    Raises
    ------
    InvalidArgument
        If ``read_mode`` or ``exclude_regex`` is of no use.
    StorageError
        If a file cannot be read.
    """
    if read_mode not in {None, 'r', 'rb'}:
        raise InvalidArgument(f"read_mode must be None, 'r' or 'rb', not {read_mode!r}")
    try:
        exclude = re.compile(exclude_regex) if exclude_regex else None
    except re.error as error:
        raise InvalidArgument(
            f'exclude_regex={exclude_regex!r} is no regular expression: {error}'
        ) from None
    names = _files([patterns] if isinstance(patterns, str) else patterns, recursive)
    wanted = (name for name in names if exclude is None or not exclude.match(name))
    return (
        _from_file(name, read_mode, to_dataturi) for name in _sampled(wanted, size, sampling_rate)
    )


def _files(patterns: Iterable[str], recursive: bool) -> Iterator[str]:
    from glob import iglob

    for pattern in patterns:
        for name in iglob(pattern, recursive=recursive):
            if Path(name).is_file():
                yield name


def _from_file(name: str, read_mode: str | None, to_datauri: bool) -> Document:
    doc = Document(uri=name)
    if read_mode == 'rb':
        doc.blob = Path(name).read_bytes()
    elif read_mode == 'r':
        doc.text = Path(name).read_text(encoding='utf-8')
    if to_datauri:
        from base64 import b64encode

        mime = doc.mime_type or 'application/octet-stream'
        encoded = b64encode(Path(name).read_bytes()).decode('ascii')
        doc.uri = f'data:{mime};base64,{encoded}'
    return doc


def from_csv(
    file: str | Path | IO[str],
    field_resolver: Mapping[str, str] | None = None,
    size: int | None = None,
    sampling_rate: float | None = None,
    dialect: Any = 'excel',
    encoding: str = 'utf-8',
) -> Iterator[Document]:
    """One Document for each line of a table; unknown columns go into ``tags``.

    Parameters
    ----------
    file : str, Path or open text file
    field_resolver : dict, optional
        The fields that columns mean.
    size, sampling_rate
        As in :func:`from_files`.
    dialect : str or csv.Dialect
        ``'auto'`` guesses it from the first lines.
    encoding : str

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InvalidDocument
        If a line has not a value for each column, two columns have one name,
        or a field cannot hold a value; the message has the line.
    CorruptData
        If the file is not in this encoding or dialect.
    """
    if hasattr(file, 'read'):
        return _read_csv(cast('IO[str]', file), field_resolver, size, sampling_rate, dialect)
    return _closing(
        Path(cast('str', file)),
        encoding,
        lambda opened: _read_csv(opened, field_resolver, size, sampling_rate, dialect),
    )


def _closing(
    path: Path, encoding: str, read: Callable[[IO[str]], Iterator[Document]]
) -> Iterator[Document]:
    if not path.exists():
        raise FileNotFoundError(f'there is no file {str(path)!r}')
    try:
        opened = path.open(encoding=encoding, newline='')
    except LookupError:
        raise InvalidArgument(f'encoding={encoding!r} is not known') from None
    with opened:
        yield from read(opened)


def _read_csv(
    lines: Iterable[str],
    field_resolver: Mapping[str, str] | None,
    size: int | None,
    sampling_rate: float | None,
    dialect: Any,
) -> Iterator[Document]:
    from .codecs.csvs import read_csv

    for fields in _sampled(read_csv(lines, field_resolver, dialect), size, sampling_rate):
        yield Document(fields)


def from_ndarray(
    array: Any, axis: int = 0, size: int | None = None, shuffle: bool = False
) -> MemoryRecords:
    """One Document for each line of ``array``, which becomes its tensor.

    Parameters
    ----------
    array : ndarray
    axis : int
        Along which ``shuffle`` changes the order.
    size : int, optional
        How many lines at most.
    shuffle : bool

    Raises
    ------
    InvalidArgument
        If ``array`` is no array with at least one dimension.

    Examples
    --------
    >>> from docstore import DocumentArray
    >>> DocumentArray.from_ndarray(np.zeros((3, 28, 28)))[0].tensor.shape
    (28, 28)
    """
    lines = np.asarray(array)
    if not lines.ndim:
        raise InvalidArgument('from_ndarray needs an array with at least one dimension')
    if shuffle:
        order = np.random.permutation(lines.shape[axis])  # noqa: NPY002 - np.random.seed steers it
        lines = np.take(lines, order, axis=axis)
    lines = lines[:size]
    column = MatrixColumn(lines) if lines.ndim > 1 else list(lines)
    return MemoryRecords.of(Table(len(lines), {'tensor': column}), range(len(lines)))


def from_lines(
    lines: Iterable[str] | None = None,
    filepath: str | Path | None = None,
    read_mode: str = 'r',
    line_format: str = 'json',
    field_resolver: Mapping[str, str] | None = None,
    size: int | None = None,
    sampling_rate: float | None = None,
) -> Iterator[Document]:
    """One Document for each line: JSON objects, or CSV with a header.

    Parameters
    ----------
    lines : iterable of str, optional
        The lines, or give ``filepath``.
    filepath : str or Path, optional
    read_mode : str
        How ``filepath`` is opened: for text.
    line_format : {'json', 'csv'}
    field_resolver, size, sampling_rate
        As in :func:`from_csv`.

    Raises
    ------
    InvalidArgument
        If there is neither ``lines`` nor ``filepath``, or the format is unknown.
    InvalidDocument
        If a line is no JSON object; the message has its number.
    """
    if line_format not in {'json', 'csv'}:
        raise InvalidArgument(f"line_format must be 'json' or 'csv', not {line_format!r}")
    if read_mode != 'r':
        raise InvalidArgument(f"lines are text: read_mode must be 'r', not {read_mode!r}")

    def read(source: Iterable[str]) -> Iterator[Document]:
        if line_format == 'csv':
            return _read_csv(source, field_resolver, size, sampling_rate, 'excel')
        numbered = ((n, line) for n, line in _numbered(source) if line.strip())
        chosen = _sampled(numbered, size, sampling_rate)
        return (_from_json(line, n, field_resolver) for n, line in chosen)

    if filepath is not None:
        return _closing(Path(filepath), 'utf-8', read)
    if lines is None:
        raise InvalidArgument('from_lines needs lines or filepath')
    return read(lines)


def _numbered(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        for number, line in enumerate(lines, 1):
            yield number, line
    except UnicodeDecodeError as error:
        raise CorruptData(f'line {number + 1} or a later one is no UTF-8: {error}') from None


def _from_json(line: str, number: int, field_resolver: Mapping[str, str] | None) -> Document:
    import json

    try:
        fields = json.loads(line)
    except ValueError as error:
        raise InvalidDocument(f'line {number} is no JSON: {error}') from None
    if not isinstance(fields, dict):
        raise InvalidDocument(f'line {number} must be a JSON object, not {type(fields).__name__}')
    return Document(fields, field_resolver=field_resolver)


def from_huggingface_datasets(
    dataset_path: Any,
    field_resolver: Mapping[str, str] | None = None,
    size: int | None = None,
    sampling_rate: float | None = None,
    filter_fields: bool = False,
    **kwargs: Any,
) -> Iterable[Document]:
    """One Document for each row of a data set of the ``datasets`` package.

    Parameters
    ----------
    dataset_path : str or datasets.Dataset
        What ``datasets.load_dataset`` takes, or a data set that is loaded.
    field_resolver : dict, optional
        The fields that columns mean.
    size, sampling_rate
        As in :func:`from_files`.
    filter_fields : bool
        Whether to leave out columns that ``field_resolver`` does not name.
    **kwargs
        For ``datasets.load_dataset``.

    Raises
    ------
    MissingDependency
        If ``datasets`` is not installed.
    InvalidArgument
        If ``filter_fields`` is asked for without a ``field_resolver``.
    """
    try:
        from datasets import load_dataset
    except ImportError:
        raise MissingDependency.of('datasets', 'datasets', 'from_huggingface_datasets') from None
    if filter_fields and not field_resolver:
        raise InvalidArgument('filter_fields=True needs a field_resolver')
    rows = load_dataset(dataset_path, **kwargs) if isinstance(dataset_path, str) else dataset_path
    if hasattr(rows, 'keys'):
        raise InvalidArgument(
            f'the data set has the splits {", ".join(map(repr, rows))}: choose one with split=...'
        )
    if not isinstance(dataset_path, str) and hasattr(rows, 'with_format') and hasattr(rows, 'data'):
        from .frames import read_dataset

        if size is not None or sampling_rate is not None:
            rows = rows.select(list(_sampled(range(len(rows)), size, sampling_rate)))
        return join_blocks(read_dataset(rows, field_resolver, filter_fields))
    return (
        Document(
            {k: v for k, v in row.items() if not filter_fields or k in (field_resolver or {})},
            field_resolver=field_resolver,
        )
        for row in _sampled(rows, size, sampling_rate)
    )
