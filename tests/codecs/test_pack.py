"""The packed values: every kind of value survives, and no bytes do harm."""

from __future__ import annotations

import enum
import math
import struct
from collections import OrderedDict, defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from docstore import _core
from docstore.errors import CorruptData, EncodeError

# Text without lone surrogates, which have no UTF-8 form.
TEXT = st.text(st.characters(exclude_categories=['Cs']), max_size=80)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=100)
DTYPES = st.sampled_from(
    ['?', 'i1', 'u1', 'i2', 'u2', 'i4', 'u4', 'i8', 'u8', 'f2', 'f4', 'f8', 'c8', 'c16']
)
ARRAYS = DTYPES.flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, min_side=0)))
VALUES = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXT, inner, max_size=6),
    max_leaves=20,
)


def same(a: Any, b: Any) -> bool:
    """Equal in value and in type, with NaN equal to itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return struct.pack('<d', a) == struct.pack('<d', b) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values()))
    return bool(a == b)


@given(VALUES)
def test_a_value_survives(value: Any) -> None:
    assert same(_core.unpack(_core.pack(value)), value)


@given(VALUES)
def test_a_value_survives_as_a_copy(value: Any) -> None:
    assert same(_core.unpack(_core.pack(value), copy=True), value)


@pytest.mark.parametrize(
    'value',
    [
        *(sign * (2**bits + off) for sign in (1, -1) for bits in (0, 5, 6, 7, 31, 63, 64, 200)
          for off in (-1, 0, 1)),
        True, False, 1, 0, 1.0, 0.0, -0.0, math.inf, -math.inf, math.nan,
        '', 'a' * 63, 'a' * 64, 'ä\U0001f600\0', b'', b'\0' * 300,
        [], {}, [[[]]], {'': {'': ''}}, {'id': 1, 'ref_id': 2, 'idd': 3},
    ],
)  # fmt: skip
def test_corner_values_keep_value_and_type(value: Any) -> None:
    assert same(_core.unpack(_core.pack(value)), value)


@pytest.mark.parametrize(
    'array',
    [
        np.array('2020-01-01T00:00:00.5', 'M8[ms]'),
        np.array([1, 2], 'm8[25s]'),
        np.array(['NaT'], 'M8'),
        np.array(['ab', 'ä\U0001f600'], 'U5'),
        np.array([b'ab', b'c'], 'S3'),
        np.zeros((0, 3, 0), 'f4'),
        np.zeros((), 'f2'),
        np.zeros((1,) * 32, 'u1'),
    ],
)
def test_arrays_of_special_types_and_shapes(array: np.ndarray) -> None:
    assert same(_core.unpack(_core.pack(array)), array)


@pytest.mark.parametrize(
    'array',
    [
        np.arange(24.0).reshape(2, 3, 4).T,
        np.arange(24.0)[::-2],
        np.arange(24, dtype='>f8'),
        np.arange(6, dtype='>i2').reshape(2, 3)[:, ::2],
        np.array(['ab'], '>U3'),
        np.broadcast_to(np.float32(3), (4, 5)),
    ],
)
def test_any_layout_of_an_array_is_stored_as_its_content(array: np.ndarray) -> None:
    back = _core.unpack(_core.pack(array))
    assert back.dtype == array.dtype.newbyteorder('=')
    np.testing.assert_array_equal(back, array)


def test_arrays_are_aligned_readonly_views_that_keep_the_bytes_alive() -> None:
    data = _core.pack(['odd', np.arange(100.0), b'x', np.arange(9, dtype='i2')])
    value = _core.unpack(data)
    for array in (value[1], value[3]):
        assert array.flags.aligned
        assert not array.flags.writeable
        assert array.base is data
        with pytest.raises(ValueError, match='read-only'):
            array[0] = 1
    first = np.frombuffer(data, 'u1').__array_interface__['data'][0]
    assert first <= value[1].__array_interface__['data'][0] < first + len(data)
    del data
    np.testing.assert_array_equal(value[1], np.arange(100.0))


def test_arrays_of_bytes_that_may_change_are_copies() -> None:
    data = bytearray(_core.pack(np.arange(4.0)))
    array = _core.unpack(data)
    data[:] = bytes(len(data))
    np.testing.assert_array_equal(array, np.arange(4.0))
    assert not array.flags.writeable


def test_a_copied_array_is_the_readers_own() -> None:
    array = _core.unpack(_core.pack(np.arange(4.0)), copy=True)
    array[0] = 7
    assert array.flags.owndata


def test_a_view_of_misplaced_bytes_is_still_aligned() -> None:
    data = b'x' + _core.pack(np.arange(4.0))
    array = _core.unpack(memoryview(data)[1:])
    assert array.flags.aligned
    np.testing.assert_array_equal(array, np.arange(4.0))


def test_subclasses_are_written_as_their_base() -> None:
    class Text(str):
        pass

    class Colour(enum.IntEnum):
        RED = 3

    class Real(float):
        pass

    class Items(list):  # type: ignore[type-arg]
        pass

    value = {
        Text('k'): Text('v'),
        'i': Items([Colour.RED, Real(2.5)]),
        'o': OrderedDict(b=1, a=2),
        'd': defaultdict(int, x=1),
        't': (1, 'a'),
    }
    assert same(
        _core.unpack(_core.pack(value)),
        {'k': 'v', 'i': [3, 2.5], 'o': {'b': 1, 'a': 2}, 'd': {'x': 1}, 't': [1, 'a']},
    )


def test_numpy_scalars_become_plain_numbers() -> None:
    value = [np.float64(0.1), np.float32(0.5), np.int8(-3), np.uint64(2**64 - 1), np.bool_(True)]
    assert same(_core.unpack(_core.pack(value)), [0.1, 0.5, -3, 2**64 - 1, True])


def test_what_has_an_array_is_stored_as_one() -> None:
    class Tensor:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            return np.arange(3, dtype='f4')

    assert same(_core.unpack(_core.pack({'a': Tensor()})), {'a': np.arange(3, dtype='f4')})


def _loop() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        ({'tags': {'a': [1, 2, {3}]}}, r'tags\.a\[2\]: cannot store an object of type set; use'),
        ({'a': {1: 2}}, r'a: the key 1 is of type int, but keys are str; use str\(key\)'),
        ([object()], r'\[0\]: cannot store an object of type object'),
        ({'x': np.array([None])}, 'x: cannot store an array of type object'),
        ({'x': np.zeros(2, 'i4,f4')}, 'x: cannot store an array of type'),
        ({'x': np.ma.masked_array([1.0], [True])}, r'x: cannot store a masked array; use'),
        ({'x': np.longdouble(1) * np.ones(2, 'g')}, 'x: cannot store an array of type'),
        ({'x': ['\ud800']}, r'x\[0\]: the text holds a lone surrogate'),
        ({'\udfff': 1}, 'a key holds a lone surrogate'),
        (1j, 'cannot store an object of type complex'),
        ({'when': np.datetime64('2020-01-01', 'ns')}, 'when: cannot store'),
        (_loop(), 'is nested too deep, or contains itself'),
        (bytearray(b'x'), r'use bytes\(value\)'),
    ],
)
def test_what_cannot_be_stored_is_named_with_its_place(value: Any, message: str) -> None:
    with pytest.raises(EncodeError, match=message):
        _core.pack(value)


def test_a_value_that_changes_while_it_is_written_is_refused() -> None:
    items: list[Any] = []

    class Evil:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            items.clear()
            return np.zeros(1)

    items += [Evil(), 1, 2]
    with pytest.raises(EncodeError, match='changed'):
        _core.pack(items)

    mapping: dict[str, Any] = {}

    class Worse:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            mapping['new'] = 1
            return np.zeros(1)

    mapping['x'] = Worse()
    with pytest.raises(EncodeError, match='changed'):
        _core.pack(mapping)


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_the_depth_limit_is_the_same_on_both_sides() -> None:
    deepest = _nested(256)
    assert _core.unpack(_core.pack(deepest)) == deepest
    with pytest.raises(EncodeError, match='too deep'):
        _core.pack(_nested(257))
    with pytest.raises(CorruptData, match='deeper'):
        _core.unpack(b'\x88\x01' * 100_000 + b'\x00')
    with pytest.raises(CorruptData, match='deeper'):
        _core.unpack_path(b'\x89\x02\x01' + b'\x88\x01' * 100_000 + b'\x00\x03\x00', ('x',))


SAMPLE = {
    'id': 'a1',
    'text': 'häuser' * 12,
    'tags': {'n': 300, 'big': 2**70, 'f': 1.5, 'l': [None, True, b'xy']},
    'embedding': np.arange(5, dtype='f4'),
    'flags': np.array([True, False]),
    'when': np.array(['2020-01-01'], 'M8[D]'),
}


def test_every_truncation_is_refused() -> None:
    data = _core.pack(SAMPLE)
    for size in range(len(data)):
        with pytest.raises(CorruptData):
            _core.unpack(data[:size])
    with pytest.raises(CorruptData, match='followed'):
        _core.unpack(data + b'\0')


def test_no_flipped_bit_does_harm() -> None:
    # The checksum is a layer above; here a changed value or CorruptData is right.
    data = _core.pack(SAMPLE)
    for at in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            try:
                value = _core.unpack(bytes(damaged))
            except CorruptData:
                continue
            repr(value)
            _core.pack(value)


@given(st.binary(max_size=60))
@settings(max_examples=300)
def test_no_bytes_do_harm(data: bytes) -> None:
    try:
        value = _core.unpack(data)
    except CorruptData:
        return
    repr(value)


@pytest.mark.parametrize(
    'data',
    [
        b'\x88\xff\xff\xff\xff\x0f',  # a list of 4 G items
        b'\x89\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01',  # a dict of 2**64 - 1
        b'\x86\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01',  # a text of 2**64 - 1 bytes
        b'\x83\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02',  # a number of more than 64 bits
        b'\x83\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01',
        b'\x8a\x0b\x02\xff\xff\xff\xff\x0f\xff\xff\xff\xff\x0f\x00',  # 2**64 elements
        b'\x8a\x0b\x02\x00' + b'\xff' * 8 + b'\x7f\x00',  # 0 x 2**63
        b'\x8a\x0b\x21' + b'\x01' * 33 + b'\x00',  # 33 dimensions
        b'\x8a\x00\x01\x01\x00\x07',  # a bool that is 7
        b'\x8a\xff\x03<U1\x01\x01\x00\xff\xff\xff\xff',  # no code point
        b'\x8a\xff\x02|O\x01\x01\x00' + b'\0' * 8,  # an array of pointers
        b'\x8a\xff\x03<f4\x00\x00' + b'\0' * 4,  # a type by name that has a number
        b'\x8a\xff\x07<M8[zz]\x00\x00' + b'\0' * 8,
        b'\x8a\xff\x03|V8\x00\x00' + b'\0' * 8,
        b'\x8a\x0b\x00\x01\x01' + b'\0' * 8,  # padding that is not zero
        b'\x86\x02\xc3\x28',  # no UTF-8
        b'\x89\x01\x04\xc3\x28\x00',
        b'\x89\x02\x01\x00\x01\x00',  # one key twice
        b'\x89\x01\x7f\x00',  # key number 63
        b'\xff',
        b'',
    ],
)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(CorruptData):
        _core.unpack(data)


@given(st.lists(VALUES, max_size=10))
def test_many_values_in_one_blob(values: list[Any]) -> None:
    blob, offsets = _core.pack_many(values)
    assert offsets.dtype == np.uint64
    assert len(offsets) == len(values) + 1
    assert same(_core.unpack_many(blob, offsets), values)
    for i in range(-len(values), len(values)):
        assert same(_core.unpack_at(blob, offsets, i), values[i])
    rows = np.arange(len(values), dtype=np.int64)[::-1]
    assert same(_core.unpack_many(blob, offsets, rows), values[::-1])


def test_arrays_in_a_blob_are_aligned_views() -> None:
    blob, offsets = _core.pack_many([['a' * i, np.arange(3.0)] for i in range(9)])
    assert all(value[1].base is blob for value in _core.unpack_many(blob, offsets))


def test_lines_and_offsets_are_checked() -> None:
    blob, offsets = _core.pack_many([1, 2])
    for line in (2, -3):
        with pytest.raises(IndexError):
            _core.unpack_at(blob, offsets, line)
    for bad in ([0, 3, 2], [0, 1, 2**63], [2, 1, 2]):
        with pytest.raises(CorruptData):
            _core.unpack_many(blob, np.array(bad, np.uint64))
    with pytest.raises(ValueError, match='offsets'):
        _core.unpack_at(blob, np.zeros(0, np.uint64), 0)


@pytest.mark.parametrize(
    ('path', 'expected'),
    [
        (('id',), 'a1'),
        (('tags', 'n'), 300),
        (('tags', 'l', 2), b'xy'),
        (('tags', 'l', -1), b'xy'),
        (('tags', 'l', '1'), True),
        (('tags', 'l', 3), None),
        (('tags', 'l', -4), None),
        (('tags', 'l', 'x'), None),
        (('tags', 'none'), None),
        (('tags', 'n', 'deeper'), None),
        (('id', 0), None),
        (('nothing', 'at', 'all'), None),
    ],
)
def test_one_path_of_a_value(path: tuple[Any, ...], expected: Any) -> None:
    data = _core.pack(SAMPLE)
    assert same(_core.unpack_path(data, path), expected)
    blob, offsets = _core.pack_many([SAMPLE, None, {}, 3])
    assert same(_core.unpack_column(blob, offsets, path), [expected, None, None, None])
    assert same(_core.unpack_paths([data, None, _core.pack(3)], path), [expected, None, None])


def test_the_empty_path_is_the_value() -> None:
    assert _core.unpack_path(_core.pack([1]), ()) == [1]


def test_crc32c_of_the_standard_example() -> None:
    assert _core.crc32c(b'123456789') == 0xE3069283
    assert _core.crc32c(b'6789', _core.crc32c(b'12345')) == 0xE3069283
