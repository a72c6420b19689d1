"""Pickles as legacy docarray makes them, without its classes.

A pickle is a program for a small machine with a stack. The programs here name
the classes of docarray and give their objects the attributes that they have
there, so that docarray 0.21 unpickles its own Documents. Plain values are
pickled by Python itself, without its memo, and put in between.
"""

from __future__ import annotations

import io
import pickle
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..errors import EncodeError
from ..schema import FIELD_BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ['APPEND', 'ARRAY_END', 'STOP', 'PickleWriter', 'array_start']

Record = dict[str, Any]

#: The attributes of docarray's DocumentData, in its order.
_NAMES = (
    *('id', 'parent_id', 'granularity', 'adjacency', 'blob', 'tensor', 'mime_type', 'text'),
    *('content', 'weight', 'uri', 'tags', '_metadata', 'offset', 'location', 'embedding'),
    *('modality', 'evaluations', 'scores', 'chunks', 'matches'),
)
_SCORE_NAMES = ('value', 'op_name', 'description', 'ref_id')
_NUMPY_NAMES = {'b': 'b1'}
_NESTED = {'chunks': ('chunk', 'ChunkArray'), 'matches': ('match', 'MatchArray')}
_PROTOCOL = 3


def _text(value: str) -> bytes:
    data = value.encode('utf-8')
    return b'X' + struct.pack('<I', len(data)) + data


def _class(module: str, name: str) -> bytes:
    return f'c{module}\n{name}\n'.encode('ascii')


def _put(index: int) -> bytes:
    return b'r' + struct.pack('<I', index)


def _get(index: int) -> bytes:
    return b'j' + struct.pack('<I', index)


_KEYS = {name: _text(name) for name in (*_NAMES, *_SCORE_NAMES)}
_DATA = _text('_data')
# Two classes that come again and again are kept in the first places of the memo.
_DOCUMENT, _FIELDS, _FREE = 0, 1, 2
_NEW = b')\x81'


class PickleWriter:
    """Makes the parts of one pickle, which are written one after the other."""

    def __init__(self) -> None:
        self._next = _FREE
        self._buffer = io.BytesIO()
        self._pickler = pickle.Pickler(self._buffer, _PROTOCOL)
        # What is packed has no cycles; and numbers of the memo would clash with ours.
        self._pickler.fast = True

    def begin(self) -> bytes:
        """The start of the pickle."""
        return (
            b'\x80'
            + bytes([_PROTOCOL])
            + _class('docarray.document', 'Document')
            + _put(_DOCUMENT)
            + b'0'
            + _class('docarray.document.data', 'DocumentData')
            + _put(_FIELDS)
            + b'0'
        )

    def document(self, record: Record) -> bytes:
        """A Document, which is left on the stack.

        Raises
        ------
        EncodeError
            If a value cannot be written; the message names the field.
        """
        return b''.join(self._document(_core.unpack(_core.pack(record))))

    def _document(self, record: Record) -> Iterator[bytes]:
        unknown = record.keys() - FIELD_BY_NAME.keys()
        if unknown:
            raise EncodeError(f'a Document has no field {min(unknown)!r}')
        me = self._next
        self._next += 1
        yield _get(_DOCUMENT) + _NEW + _put(me) + b'}' + _DATA
        yield _get(_FIELDS) + _NEW + b'}(' + _text('_reference_doc') + _get(me)
        for name in _NAMES:
            yield _KEYS[name]
            value = record.get(name)
            if value is None:
                yield b'N'
            elif name in _NESTED:
                yield from self._nested(name, value, me)
            elif name in {'scores', 'evaluations'}:
                yield from self._scores(value)
            elif isinstance(value, np.ndarray):
                yield from self._array(value)
            else:
                yield self._plain(value)
        yield b'ubsb'

    def _nested(self, name: str, records: list[Record], parent: int) -> Iterator[bytes]:
        module, kind = _NESTED[name]
        yield _class(f'docarray.array.{module}', kind) + _NEW
        yield b'}(' + _text('_ref_doc') + _get(parent) + _list_state()
        for record in records:
            yield from self._document(record)
            yield b'a'
        yield b'ub'

    def _scores(self, scores: dict[str, Any]) -> Iterator[bytes]:
        named = _class('docarray.score', 'NamedScore')
        yield _class('collections', 'defaultdict') + named + b'\x85R'
        for name, score in scores.items():
            me = self._next
            self._next += 1
            yield self._plain(name) + named + _NEW + _put(me) + b'}' + _DATA
            yield _class('docarray.score.data', 'NamedScoreData') + _NEW + b'}('
            yield _text('_reference_ns') + _get(me)
            for field in _SCORE_NAMES:
                value = score.get(field)
                yield _KEYS[field] + (b'N' if value is None else self._plain(value))
            yield b'ubsbs'

    def _array(self, array: np.ndarray[Any, Any]) -> Iterator[bytes]:
        """An array as every version of NumPy reads it."""
        dtype = array.dtype
        if dtype.kind not in 'biufcSU':
            raise EncodeError(f'pickles of docarray hold no arrays of type {dtype}')
        order = dtype.str[0]
        name = _NUMPY_NAMES.get(dtype.kind, dtype.str[1:])
        size, align = (dtype.itemsize, dtype.alignment) if dtype.kind in 'SU' else (-1, -1)
        yield _class('numpy.core.multiarray', '_reconstruct') + _class('numpy', 'ndarray')
        yield self._plain((0,)) + self._plain(b'b') + b'\x87R('
        yield self._plain(1) + self._plain(array.shape)
        yield _class('numpy', 'dtype') + self._plain(name) + b'\x89\x88\x87R'
        yield self._plain((3, order, None, None, None, size, align, 0)) + b'b\x89'
        yield self._plain(array.tobytes()) + b'tb'

    def _plain(self, value: Any) -> bytes:
        buffer = self._buffer
        buffer.seek(0)
        buffer.truncate()
        try:
            self._pickler.dump(value)
        except OverflowError as error:
            raise EncodeError(f'pickles of docarray hold no value of 4 GiB: {error}') from error
        return buffer.getvalue()[2:-1]


def _list_state() -> bytes:
    """The attributes of an array, up to the list of its Documents, which is left open."""
    return (
        _text('_needs_id2offset_rebuild')
        + b'\x88'
        + _text('_is_subindex')
        + b'\x89'
        + _text('_id_to_index')
        + b'}'
        + _text('_subindices')
        + b'}'
        + _DATA
        + b']'
    )


def array_start() -> bytes:
    """An array, up to the list of its Documents; ``ARRAY_END`` closes it."""
    return _class('docarray.array.memory', 'DocumentArrayInMemory') + _NEW + b'}(' + _list_state()


#: What follows each Document of an array, and the last of them.
APPEND, ARRAY_END, STOP = b'a', b'ub', b'.'
