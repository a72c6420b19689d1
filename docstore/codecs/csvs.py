"""Tables of comma-separated values: documents as lines of text, and back.

A CSV file has no types. What is not text is written as JSON, and read back by
the type of its field; tags come back as text.
"""

from __future__ import annotations

import csv
import io
import json
from contextlib import contextmanager
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any

from ..errors import CorruptData, EncodeError, InvalidArgument, InvalidDocument, did_you_mean
from ..schema import FIELD_BY_NAME, FIELD_NAMES
from .cells import TAG, field_names
from .files import atomic_write
from .jsons import plain_value, read_field
from .places import reading

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from .base import Blocks

__all__ = ['load_text_file', 'read_csv', 'save_text', 'write_csv', 'write_embeddings']

# So many lines of a table are looked at to guess how it is written.
_SNIFFED_LINES = 100
_LINES = str.maketrans({'\n': ' ', '\r': ' '})
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


def write_csv(
    blocks: Blocks,
    file: str | os.PathLike[str] | IO[str],
    flatten_tags: bool = True,
    exclude_fields: Collection[str] | None = None,
    dialect: Any = 'excel',
    with_header: bool = True,
    encoding: str = 'utf-8',
) -> None:
    """Write documents as lines, with a column for each field that any of them has.

    Raises
    ------
    InvalidArgument
        If ``dialect``, ``encoding`` or a name in ``exclude_fields`` is unknown.
    EncodeError
        If a value has no form as text; the message names the row and field.
    """
    unknown = set(exclude_fields or ()) - FIELD_BY_NAME.keys()
    if unknown:
        name = min(unknown)
        raise InvalidArgument(
            f'exclude_fields has {name!r}, which is no field{did_you_mean(name, FIELD_NAMES)}'
        )
    names, tags = _header(blocks, flatten_tags, frozenset(exclude_fields or ()))
    with _text_file(file, encoding) as text:
        writer = _checked_dialect(lambda: csv.writer(text, dialect))
        if with_header:
            writer.writerow([*names, *(TAG + name for name in tags)])
        first = 0
        for count, columns in blocks():
            lines = [_texts(name, columns.get(name), count, first) for name in names]
            if tags:
                lines += _tag_texts(tags, columns['tags'] if 'tags' in columns else [None] * count)
            writer.writerows(zip(*lines, strict=True))
            first += count


def _header(
    blocks: Blocks, flatten_tags: bool, excluded: frozenset[str]
) -> tuple[list[str], list[str]]:
    """The fields, and the tags, that any document has."""
    names: set[str] = {'id'}
    tags: dict[str, None] = {}
    for _, columns in blocks():
        names.update(columns)
        if flatten_tags and 'tags' in columns and 'tags' not in excluded:
            for value in _values(columns['tags']):
                tags.update(dict.fromkeys(value or ()))
    if flatten_tags:
        names.discard('tags')
    return [name for name in FIELD_NAMES if name in names and name not in excluded], list(tags)


def _texts(name: str, column: Any, count: int, first: int) -> list[Any]:
    """A column as csv writes it: texts, numbers, and '' where a field is not set."""
    if column is None:
        return [''] * count
    values = _values(column)
    if FIELD_BY_NAME[name].kind == 'str':
        return [_line(value) for value in values]
    if FIELD_BY_NAME[name].kind in {'int', 'float'}:
        return ['' if value is None else value for value in values]
    return [
        '' if value is None else _text(plain_value(name, value, f'row {at}: '))
        for at, value in enumerate(values, first)
    ]


def _values(column: Any) -> list[Any]:
    return column if isinstance(column, list) else column.tolist()


def _tag_texts(names: list[str], column: Any) -> list[list[Any]]:
    values = [value or {} for value in _values(column)]
    return [[_text(value.get(name)) for value in values] for name in names]


def _line(value: Any) -> Any:
    return '' if value is None else value.translate(_LINES) if isinstance(value, str) else value


def _text(value: Any) -> Any:
    if value is None:
        return ''
    if isinstance(value, (str, bool, int, float)):
        return _line(value)
    try:
        return _ENCODE(value)
    except (TypeError, ValueError):
        return _ENCODE(plain_value('tags', value))


@contextmanager
def _text_file(file: Any, encoding: str) -> Iterator[Any]:
    """A text file that replaces what is at a path as a whole; or one that is open."""
    if hasattr(file, 'write'):
        yield file
        return
    with atomic_write(file) as raw:
        try:
            text = io.TextIOWrapper(raw, encoding, newline='')
        except LookupError:
            raise InvalidArgument(f'encoding={encoding!r} is not known') from None
        try:
            yield text
            text.flush()
        except UnicodeEncodeError as error:
            raise EncodeError(f'a text cannot be written as {encoding}: {error}') from error
        finally:
            text.detach()


def _checked_dialect(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (csv.Error, TypeError) as error:
        known = did_you_mean('', csv.list_dialects())
        raise InvalidArgument(f'dialect cannot be used: {error}{known}') from None


def write_embeddings(embeddings: Any, file: Any, encoding: str, **options: Any) -> None:
    """Write a matrix as text with :func:`numpy.savetxt`."""
    import numpy as np

    with _text_file(file, encoding) as text:
        np.savetxt(text, embeddings, **options)


def save_text(text: str, file: Any, encoding: str) -> None:
    """Write a text to a path, which is replaced as a whole, or to an open file.

    Raises
    ------
    InvalidArgument
        If there is no such encoding.
    EncodeError
        If the text cannot be written in it.
    """
    if hasattr(file, 'write') and not _takes_text(file):
        try:
            file.write(text.encode(encoding))
        except LookupError:
            raise InvalidArgument(f'encoding={encoding!r} is not known') from None
        except UnicodeEncodeError as error:
            raise EncodeError(f'a text cannot be written as {encoding}: {error}') from error
        return
    with _text_file(file, encoding) as opened:
        opened.write(text)


def _takes_text(file: Any) -> bool:
    if isinstance(file, io.TextIOBase):
        return True
    return hasattr(file, 'encoding') or 'b' not in str(getattr(file, 'mode', 'b'))


def load_text_file(file: Any, encoding: str) -> str | bytes:
    """The text of a path or of an open file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CorruptData
        If it is not in this encoding.
    """
    if hasattr(file, 'read'):
        data = file.read()
    else:
        with reading(file) as (raw, _):
            data = raw.read()
    if isinstance(data, str):
        return data
    try:
        return bytes(data).decode(encoding)
    except LookupError:
        raise InvalidArgument(f'encoding={encoding!r} is not known') from None
    except UnicodeDecodeError as error:
        raise CorruptData(f'the text is not in this encoding: {error}') from None


# ---- reading


def read_csv(
    lines: Iterable[str],
    field_resolver: Mapping[str, str] | None = None,
    dialect: Any = 'excel',
) -> Iterator[dict[str, Any]]:
    """The fields of each line; columns that are no fields are tags, as text.

    Raises
    ------
    InvalidDocument
        If a line has not a value for each column, or one that its field cannot
        hold; the message has the line.
    CorruptData
        If the lines are no text, or not written in the dialect.
    """
    if dialect == 'auto':
        dialect, lines = _sniffed(iter(lines))
    reader = _checked_dialect(lambda: csv.reader(lines, dialect))
    rows = _rows(reader)
    header = next(rows, None)
    if header is None:
        return
    header[0] = header[0].removeprefix('\ufeff')
    names = field_names(header, field_resolver)
    for row in rows:
        if len(row) != len(names):
            more = 'more' if len(row) > len(names) else 'fewer'
            raise InvalidDocument(
                f'line {reader.line_num} has {len(row)} values, {more} values than the '
                f'{len(names)} columns of the table'
            )
        yield _fields(names, row, reader.line_num)


def _sniffed(lines: Iterator[str]) -> tuple[Any, Iterable[str]]:
    try:
        head = list(islice(lines, _SNIFFED_LINES))
        return csv.Sniffer().sniff(''.join(head)), chain(head, lines)
    except UnicodeDecodeError as error:
        raise CorruptData(f'the table is not in this encoding: {error}') from None
    except csv.Error as error:
        raise InvalidDocument(
            f"the table does not show its dialect ({error}): name one instead of 'auto'"
        ) from None


def _rows(reader: Any) -> Iterator[list[str]]:
    """The lines that are not empty."""
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError as error:
            raise CorruptData(
                f'line {reader.line_num + 1} or a later one is not in this encoding: {error}'
            ) from None
        except csv.Error as error:
            hint = ''
            if 'field limit' in str(error):
                hint = ': csv.field_size_limit(...) of Python raises it'
            raise CorruptData(f'line {reader.line_num}: {error}{hint}') from None
        if row:
            yield row


def _fields(names: list[str], row: list[str], line: int) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    tags: dict[str, Any] = {}
    for name, text in zip(names, row, strict=True):
        if not text:
            continue
        if '\0' in text:
            raise CorruptData(f'line {line}: {name}: there is a NUL character in the text')
        if name in FIELD_BY_NAME:
            fields[name] = _cell(name, text, line)
        else:
            tags[name.removeprefix(TAG)] = text
    if tags:
        fields['tags'] = {**fields.get('tags', {}), **tags}
    return fields


def _cell(name: str, text: str, line: int) -> Any:
    """The value of a field, of the text of a cell."""
    kind = FIELD_BY_NAME[name].kind
    if kind in {'str', 'bytes'}:
        return read_field(name, text, f'line {line}: ')
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = _literal(text)
    return read_field(name, text if value is None else value, f'line {line}: ')


def _literal(text: str) -> Any:
    """What legacy docarray wrote: dicts and lists as Python shows them."""
    from ast import literal_eval

    try:
        return literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
