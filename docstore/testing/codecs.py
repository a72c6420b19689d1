"""What every codec must do: subclass :class:`CodecTests` for your own.

Examples
--------
A codec author writes, in a test module::

    class TestMine(CodecTests):
        def codec(self):
            return MyCodec()
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CorruptData, DocstoreError, EncodeError, LengthMismatch

if TYPE_CHECKING:
    from ..codecs.base import Codec

__all__ = ['CodecTests']

Record = dict[str, Any]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return bool(np.shape(a) == np.shape(b) and np.array_equal(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)


class CodecTests(ABC):
    """Tests of a codec, for pytest. The class attributes say what it promises."""

    #: Whether int and float stay apart in ``tags``.
    keeps_int: bool = True
    #: Whether arrays keep their type.
    keeps_dtype: bool = True
    #: Whether a damaged byte is always noticed (there is a checksum).
    checks: bool = False

    @abstractmethod
    def codec(self) -> Codec:
        """The codec to test."""

    def records(self) -> list[Record]:
        """Documents with every field and kind of value that all formats hold."""
        full: Record = {
            'id': 'full',
            'parent_id': 'p',
            'granularity': 1,
            'adjacency': 2,
            'mime_type': 'text/plain',
            'text': 'häuser \U0001f600',
            'weight': 0.5,
            'uri': 'x.txt',
            'tags': {'x': 1.5, 'b': True, 'none': None, 's': '1', 'l': [2.5, {'é': 'y'}], '': {}},
            'offset': -1.5,
            'location': [1.0, 2.5],
            'embedding': np.arange(4, dtype=np.float32),
            'modality': 'text',
            'scores': {'cosine': {'value': 0.25, 'op_name': 'o', 'ref_id': 'q'}},
            'evaluations': {'recall': {'value': 1.0}},
            'chunks': [{'id': 'c', 'blob': b'\0\xff', 'chunks': [{'id': 'cc', 'text': 'x'}]}],
            'matches': [{'id': 'm', 'adjacency': 1}],
        }
        others = [{'id': str(i), 'embedding': np.full(4, i, np.float32)} for i in range(1, 5)]
        tensor = {'id': 'tensor', 'tensor': np.arange(6, dtype=np.int64).reshape(2, 3)}
        return [full, *others, {'id': 'bare'}, tensor]

    def dump(self, records: list[Record]) -> bytes:
        """Many documents as the codec under test writes them."""
        file = io.BytesIO()
        self.codec().dump_all(records, file, len(records))
        return file.getvalue()

    def load(self, data: bytes) -> list[Record]:
        """Many documents as the codec under test reads them."""
        return list(self.codec().load_all(io.BytesIO(data)))

    def test_one_document_survives(self) -> None:
        for record in self.records():
            data = self.codec().dumps(record)
            assert isinstance(data, bytes)
            assert _same(self.codec().loads(data), record)
            assert _same(self.codec().loads(memoryview(data)), record)

    def test_many_documents_survive_in_their_order(self) -> None:
        records = self.records()
        assert _same(self.load(self.dump(records)), records)

    def test_no_documents_are_an_empty_array(self) -> None:
        assert self.load(self.dump([])) == []

    def test_records_may_come_one_at_a_time(self) -> None:
        records, file = self.records(), io.BytesIO()
        self.codec().dump_all(iter(records), file, len(records))
        assert _same(self.load(file.getvalue()), records)

    def test_writing_leaves_the_records_alone(self) -> None:
        records = self.records()
        self.dump(records)
        assert _same(records, self.records())

    def test_numbers_keep_their_type_as_promised(self) -> None:
        tags = {'i': 1, 'f': 1.0, 'b': True, 'l': [0, 0.5, False]}
        back = self.codec().loads(self.codec().dumps({'id': 'a', 'tags': tags}))['tags']
        assert back == tags
        number = int if self.keeps_int else float
        assert [type(back[key]) for key in 'ifb'] == [number, float, bool]
        assert [type(item) for item in back['l']] == [number, float, bool]

    def test_arrays_keep_their_type_as_promised(self) -> None:
        if not self.keeps_dtype:
            return
        for dtype in ('?', 'i1', 'u1', 'i2', 'i4', 'i8', 'u8', 'f2', 'f4', 'f8'):
            array = np.array([[0, 1], [1, 0]], dtype)
            back = self.codec().loads(self.codec().dumps({'id': 'a', 'embedding': array}))
            assert back['embedding'].dtype == array.dtype
            assert np.array_equal(back['embedding'], array)

    def test_what_cannot_be_written_names_its_field(self) -> None:
        for record in ({'id': 'a', 'tags': {'here': {1, 2}}}, {'id': 'a', 'tags': {'here': 1j}}):
            try:
                self.codec().dumps(record)
            except EncodeError as error:
                assert 'here' in str(error)  # noqa: PT017 - this module does without pytest
            else:
                raise AssertionError('a value was written that no document holds')

    def test_a_wrong_count_is_refused(self) -> None:
        for count in (0, 2):
            try:
                self.codec().dump_all([{'id': 'a'}], io.BytesIO(), count)
            except LengthMismatch:
                continue
            raise AssertionError('a wrong number of documents was written')

    def test_every_truncation_is_noticed(self) -> None:
        data = self.dump(self.records()[:2])
        for size in range(len(data)):
            self._read_damaged(data[:size], self.load)

    def test_no_damaged_byte_does_harm(self) -> None:
        records = self.records()[:2]
        data = self.dump(records)
        for at in range(len(data)):
            damaged = bytearray(data)
            damaged[at] ^= 1 << at % 8
            self._read_damaged(bytes(damaged), self.load)
        one = self.codec().dumps(records[0])
        for at in range(len(one)):
            damaged = bytearray(one)
            damaged[at] ^= 1 << at % 8
            self._read_damaged(bytes(damaged), self.codec().loads)

    def test_other_data_is_refused(self) -> None:
        for data in (b'\x89PNG\r\n\x1a\n' + bytes(40), b'\xff' * 50, b'hello world ' * 5):
            for read in (self.load, self.codec().loads):
                try:
                    read(data)
                except CorruptData:
                    continue
                raise AssertionError('something else was read as documents')

    def _read_damaged(self, data: bytes, read: Any) -> None:
        """CorruptData, or (without a checksum) values of some kind."""
        try:
            value = read(data)
        except DocstoreError as error:
            assert isinstance(error, CorruptData)  # noqa: PT017
            return
        assert not self.checks, 'damaged data was read'
        repr(value)
