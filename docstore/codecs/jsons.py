"""JSON in the shape that legacy docarray gives it: every field, arrays as lists."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import numpy as np

from ..errors import CorruptData, EncodeError, InvalidDocument, LengthMismatch
from ..schema import FIELD_BY_NAME
from .base import Codec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

__all__ = [
    'JsonCodec',
    'from_plain',
    'parse_json',
    'plain_value',
    'read_field',
    'read_plain',
    'to_plain',
]

Record = dict[str, Any]

#: The order in which docarray writes the fields.
_NAMES = (
    *('id', 'parent_id', 'granularity', 'adjacency', 'blob', 'tensor', 'mime_type', 'text'),
    *('weight', 'uri', 'tags', 'offset', 'location', 'embedding', 'modality', 'evaluations'),
    *('scores', 'chunks', 'matches', '_metadata'),
)
_SCORE_NAMES = ('value', 'op_name', 'description', 'ref_id')
_DEEPEST = 200
_ENCODER = json.JSONEncoder(ensure_ascii=False)


def to_plain(
    record: Record,
    exclude_none: bool = False,
    exclude: Collection[str] = (),
    include: Collection[str] | None = None,
) -> dict[str, Any]:
    """A record as values that JSON has: arrays as lists, blobs in base64.

    Parameters
    ----------
    record : dict
        Plain fields.
    exclude_none : bool
        Leave out the fields that are not set, which otherwise are None.
    exclude : collection of str
        Names of fields to leave out. Nested documents keep theirs.
    include : collection of str, optional
        Names of the only fields to take.

    Raises
    ------
    EncodeError
        If a value has no form in JSON; the message names the field.

    Examples
    --------
    >>> to_plain({'id': 'a', 'blob': b'hi', 'embedding': np.ones(2)}, exclude_none=True)
    {'id': 'a', 'blob': 'aGk=', 'embedding': [1.0, 1.0]}
    """
    if exclude or include is not None:
        left_out = set(exclude) if include is None else {*exclude, *_NAMES} - set(include)
        left_out |= set(exclude)
        plain = _document(
            {k: v for k, v in record.items() if k not in left_out}, exclude_none, '', 0
        )
        return {name: value for name, value in plain.items() if name not in left_out}
    return _document(record, exclude_none, '', 0)


def _document(record: Record, exclude_none: bool, place: str, depth: int) -> dict[str, Any]:
    unknown = record.keys() - FIELD_BY_NAME.keys()
    if unknown:
        raise EncodeError(f'{place}a Document has no field {min(unknown)!r}')
    result: dict[str, Any] = {}
    for name in _NAMES:
        value = record.get(name)
        if value is None and (exclude_none or name == '_metadata'):
            continue
        kind, here = FIELD_BY_NAME[name].kind, place + name
        if value is None:
            result[name] = None
        elif kind == 'bytes':
            result[name] = base64.b64encode(_bytes(value, here)).decode('ascii')
        elif kind == 'documents':
            result[name] = [
                _document(child, exclude_none, f'{here}[{i}].', _deeper(depth, here))
                for i, child in enumerate(value)
            ]
        elif kind == 'scores':
            result[name] = {
                key: _score(score, exclude_none, f'{here}.{key}') for key, score in value.items()
            }
        else:
            result[name] = _value(value, here, depth)
    return result


def _bytes(value: Any, place: str) -> bytes:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise EncodeError(f'{place}: expected bytes, got {type(value).__name__}')
    return bytes(value)


def _deeper(depth: int, place: str) -> int:
    if depth >= _DEEPEST:
        raise EncodeError(f'{place[:200]}: is nested too deep, or contains itself')
    return depth + 1


def _score(score: Mapping[str, Any], exclude_none: bool, place: str) -> dict[str, Any]:
    values = {name: score.get(name) for name in _SCORE_NAMES}
    return {
        name: _value(value, f'{place}.{name}', 0)
        for name, value in values.items()
        if value is not None or not exclude_none
    }


def _value(value: Any, place: str, depth: int) -> Any:
    if value is None or isinstance(value, (str, bool, int, float)):
        # NumPy's float64 and str_ are subclasses that json writes as well.
        return value
    if isinstance(value, dict):
        deeper = _deeper(depth, place)
        for key in value:
            if not isinstance(key, str):
                raise EncodeError(
                    f'{place}: the key {key!r} is of type {type(key).__name__}, but keys are str'
                )
        return {key: _value(item, f'{place}.{key}', deeper) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        deeper = _deeper(depth, place)
        return [_value(item, f'{place}[{i}]', deeper) for i, item in enumerate(value)]
    if hasattr(value, 'toarray'):  # a sparse matrix
        value = value.toarray()
    if isinstance(value, (np.ndarray, np.generic)) or hasattr(value, '__array__'):
        array = np.asarray(value)
        if array.dtype.kind in 'biufU':
            return array.tolist()
        raise EncodeError(f'{place}: JSON has no form for an array of type {array.dtype}')
    raise EncodeError(
        f'{place}: JSON has no form for an object of type {type(value).__name__}; use None, bool, '
        'int, float, str, list or dict'
    )


def plain_value(name: str, value: Any, place: str = '') -> Any:
    """The value of one field as JSON has it.

    Raises
    ------
    EncodeError
        If it has no form in JSON; the message starts with ``place``.
    """
    here = place + name
    if FIELD_BY_NAME[name].kind == 'scores':
        return {key: _score(score, True, f'{here}.{key}') for key, score in value.items()}
    if FIELD_BY_NAME[name].kind == 'documents':
        return [_document(child, True, f'{here}[{i}].', 1) for i, child in enumerate(value)]
    if FIELD_BY_NAME[name].kind == 'bytes':
        return base64.b64encode(_bytes(value, here)).decode('ascii')
    return _value(value, here, 0)


def from_plain(values: Mapping[str, Any]) -> Record:
    """The record of what ``to_plain`` made, or of a mapping written by hand.

    Names that are no fields become tags, as in the constructor of a Document.

    Raises
    ------
    InvalidDocument
        If a field has a value of another type than its own.

    Examples
    --------
    >>> from_plain({'id': 'a', 'blob': 'aGk=', 'weight': 1, 'text': None})
    {'id': 'a', 'blob': b'hi', 'weight': 1.0}
    """
    return _record(values, '', 0)


def _record(values: Any, place: str, depth: int) -> Record:
    if not isinstance(values, dict):
        raise InvalidDocument(f'{place or "document"}: expected a mapping, got {_named(values)}')
    if depth > _DEEPEST:
        raise InvalidDocument(f'{place[:200]}: is nested too deep')
    record: Record = {}
    extra: dict[str, Any] = {}
    for name, value in values.items():
        if name not in FIELD_BY_NAME:
            extra[name] = value
        elif value is not None:
            kind = FIELD_BY_NAME[name].kind
            record[name] = _READERS[kind](value, place + name, depth)
    if extra:
        record['tags'] = {**record.get('tags', {}), **extra}
    return record


def _named(value: Any) -> str:
    return f'{type(value).__name__} ({value!r:.40})'


def _expect(kinds: type | tuple[type, ...], what: str) -> Callable[[Any, str, int], Any]:
    def read(value: Any, place: str, _depth: int) -> Any:
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise InvalidDocument(f'{place}: expected {what}, got {_named(value)}')
        return value

    return read


def _read_float(value: Any, place: str, depth: int) -> float:
    return float(_expect((int, float), 'a number')(value, place, depth))


def _read_bytes(value: Any, place: str, _depth: int) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise InvalidDocument(f'{place}: expected base64, got {_named(value)}') from None


def _read_array(value: Any, place: str, _depth: int) -> Any:
    if isinstance(value, np.ndarray):
        return value
    try:
        array = np.array(value)
    except (ValueError, TypeError, OverflowError):
        array = None
    if array is None or array.dtype.kind not in 'biuf':
        raise InvalidDocument(
            f'{place}: expected lists of numbers of one shape, got {_named(value)}'
        )
    return array


def _read_floats(value: Any, place: str, depth: int) -> list[float]:
    items = _expect((list, tuple), 'a list of numbers')(value, place, depth)
    return [_read_float(item, f'{place}[{i}]', depth) for i, item in enumerate(items)]


def _read_scores(value: Any, place: str, depth: int) -> dict[str, Any]:
    scores: dict[str, Any] = {}
    for name, score in _expect(dict, 'a mapping of scores')(value, place, depth).items():
        unknown = _expect(dict, 'a mapping')(score, f'{place}.{name}', depth).keys()
        if not unknown <= set(_SCORE_NAMES):
            raise InvalidDocument(f'{place}.{name}: a score has the fields {_SCORE_NAMES}')
        scores[name] = {key: item for key, item in score.items() if item is not None}
    return scores


def _read_documents(value: Any, place: str, depth: int) -> list[Record]:
    items = _expect((list, tuple), 'a list of documents')(value, place, depth)
    return [_record(item, f'{place}[{i}].', depth + 1) for i, item in enumerate(items)]


_READERS: dict[str, Callable[[Any, str, int], Any]] = {
    'str': _expect(str, 'a str'),
    'int': _expect(int, 'an int'),
    'float': _read_float,
    'bytes': _read_bytes,
    'array': _read_array,
    'dict': _expect(dict, 'a mapping'),
    'floats': _read_floats,
    'scores': _read_scores,
    'documents': _read_documents,
}


def read_field(name: str, value: Any, place: str = '') -> Any:
    """The value of one field, from what JSON or a table has for it.

    Raises
    ------
    InvalidDocument
        If it is of another type than the field; the message starts with ``place``.
    """
    return _READERS[FIELD_BY_NAME[name].kind](value, place + name, 0)


class JsonCodec(Codec):
    """JSON objects in UTF-8; many documents are an array of them.

    Arrays come back as NumPy arrays of float64 or int64, and a blob is in
    base64. NaN and infinity are written as ``NaN`` and ``Infinity``, which
    Python reads and strict readers do not.

    Examples
    --------
    >>> JsonCodec(exclude_none=True).dumps({'id': 'a', 'tags': {'x': 1}})
    b'{"id": "a", "tags": {"x": 1}}'
    """

    name: ClassVar[str] = 'json'

    def __init__(
        self,
        exclude_none: bool = False,
        exclude: Collection[str] = (),
        include: Collection[str] | None = None,
    ) -> None:
        self._choice = (exclude_none, exclude, include)

    def dumps(self, record: Record) -> bytes:
        plain = to_plain(record, *self._choice)
        try:
            return _ENCODER.encode(plain).encode('utf-8')
        except UnicodeEncodeError:
            raise EncodeError('a text holds a lone surrogate, which is not valid Unicode') from None

    def loads(self, data: bytes | memoryview) -> Record:
        return read_plain(parse_json(data))

    def dump_all(self, records: Iterable[Record], file: BinaryIO, count: int) -> None:
        file.write(b'[')
        written = 0
        for record in records:
            file.write((b',\n' if written else b'') + self.dumps(record))
            written += 1
        file.write(b']')
        if written != count:
            raise LengthMismatch(f'expected {count} documents, got {written}')

    def load_all(self, file: BinaryIO) -> Iterator[Record]:
        items = parse_json(file.read())
        if not isinstance(items, list):
            raise CorruptData(f'expected a JSON array of documents, got {_named(items)}')
        for index, item in enumerate(items):
            yield read_plain(item, f'[{index}].')


def parse_json(data: bytes | memoryview) -> Any:
    """A JSON value in UTF-8.

    Raises
    ------
    CorruptData
        If it is none.
    """
    try:
        return json.loads(bytes(data).decode('utf-8'))
    except UnicodeDecodeError as error:
        raise CorruptData(f'this is no JSON: {error}') from error
    except (ValueError, RecursionError) as error:
        raise CorruptData(f'this is no JSON that can be read: {error}') from error


def read_plain(value: Any, place: str = '') -> Record:
    """``from_plain`` for what comes from a file.

    Raises
    ------
    CorruptData
        If a field has a value of another type than its own; the message
        starts with ``place``.
    """
    try:
        return _record(value, place, 0)
    except InvalidDocument as error:
        raise CorruptData(str(error)) from error
