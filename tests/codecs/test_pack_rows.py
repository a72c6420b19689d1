"""Rows of a database in one go: packed without a key, with checksums, and as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore import _core
from docstore.errors import CorruptData, EncodeError

TEXT = st.text(st.characters(exclude_categories=['Cs'], exclude_characters='\0'))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 10**18, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def json_of(value):
    return _core.json_paths([_core.pack({'tags': value})], ('tags',))[0]


@given(VALUES)
def test_json_reads_as_the_value_with_its_types(value):
    assert repr(json.loads(json_of(value))) == repr(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_written_as_python_writes_it(value):
    assert json_of(value) == repr(value)


@pytest.mark.parametrize(
    'value',
    [
        float('nan'),
        float('-inf'),
        b'bytes',
        np.zeros(2),
        10**18,
        -(10**18),
        1 << 70,
        'a\0b',
        {'a\0': 1},
        [1, {'deep': [b'']}],
    ],
)
def test_what_sqlite_could_not_read_back_is_no_json(value):
    assert json_of(value) is None


def test_control_characters_are_escaped():
    text = ''.join(map(chr, range(1, 128))) + 'é\U0001f600'
    assert json.loads(json_of(text)) == text
    assert 'é\U0001f600' in json_of(text)


def test_a_path_that_leads_nowhere_is_none():
    assert _core.json_paths([_core.pack({'a': 1}), _core.pack({'tags': {}})], ('tags',)) == [
        None,
        '{}',
    ]


def test_damaged_bytes_are_refused():
    with pytest.raises(CorruptData):
        _core.json_paths([_core.pack({'tags': ['text']})[:-1]], ('tags',))


def test_rows_are_what_pack_and_crc32c_give():
    records = [{'id': 'a', 'embedding': np.ones(3), 'tensor': np.arange(5)}, {'id': 'b' * 5000}]
    rows = np.array([7, (1 << 32) + 9], dtype=np.int64)
    payloads, checksums = _core.pack_rows(records, rows, 'embedding')
    wanted = [_core.pack({'id': 'a', 'tensor': np.arange(5)}), _core.pack(records[1])]
    assert payloads == wanted
    assert all(type(payload) is bytearray for payload in payloads)
    assert checksums == [_core.crc32c(wanted[0], 7), _core.crc32c(wanted[1], 9)]
    assert list(records[0]) == ['id', 'embedding', 'tensor']


def test_rows_that_cannot_be_packed_are_refused():
    one = np.zeros(1, dtype=np.int64)
    with pytest.raises(EncodeError, match='text'):
        _core.pack_rows([{'text': object()}], one, 'embedding')
    with pytest.raises(TypeError, match='dict'):
        _core.pack_rows([['no dict']], one, 'embedding')
    with pytest.raises(ValueError, match='a row for each'):
        _core.pack_rows([{}, {}], one, 'embedding')


def test_a_list_that_shrinks_while_it_is_written_is_refused():
    class Shrinking:
        def __array__(self, dtype=None, copy=None):
            records.pop()
            return np.zeros(1)

    records = [{'tensor': Shrinking()}, {}]
    with pytest.raises(ValueError, match='changed'):
        _core.pack_rows(records, np.arange(2), 'embedding')
