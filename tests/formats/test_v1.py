"""Version 1 of our own formats is read for ever, and still written alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from docstore.codecs.transfer import dump_record, dump_records, load_record, load_records

HERE = Path(__file__).parent / 'v1'
TAGS = {'i': 1, 'f': 1.0, 'b': True, 'none': None, 'big': -(2**70), 'l': [1, 'x', b'\xff']}


def check_full(record: dict[str, Any]) -> None:
    np.testing.assert_array_equal(record['embedding'], np.arange(4))
    assert record['embedding'].dtype == np.float32
    assert record['tags'] == TAGS
    assert [type(record['tags'][key]) for key in 'ifb'] == [int, float, bool]
    assert record['text'] == 'häuser \U0001f600'
    assert record['weight'] == 0.5
    assert record['scores'] == {'cosine': {'value': 0.25, 'op_name': 'o'}}
    (chunk,) = record['chunks']
    assert chunk['tensor'].dtype == np.dtype('M8[D]')
    assert chunk['tensor'] == np.datetime64('2020-01-01')


def test_an_array_of_version_1() -> None:
    full, second, bare = load_records(HERE / 'array.docstore')
    check_full(full)
    assert bare == {'id': 'bare'}
    assert second['tensor'].dtype == np.bool_
    np.testing.assert_array_equal(second['tensor'], np.eye(2))
    np.testing.assert_array_equal(second['embedding'], np.ones(4))


def test_a_document_of_version_1() -> None:
    check_full(load_record((HERE / 'document.docstore').read_bytes()))


def test_version_1_is_written_as_it_was() -> None:
    data = (HERE / 'array.docstore').read_bytes()
    assert dump_records(load_records(data), 3) == data
    one = (HERE / 'document.docstore').read_bytes()
    assert dump_record(load_record(one)) == one
