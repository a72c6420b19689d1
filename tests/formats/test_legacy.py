"""Files that docarray 0.21 wrote are read for ever (legacy/README.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore.codecs.transfer import load_record, load_records

HERE = Path(__file__).parent / 'legacy'
FILES = sorted(HERE.glob('array.*'))

FULL = {
    'id': 'full',
    'mime_type': 'text/plain',
    'text': 'häuser \U0001f600',
    'weight': 0.5,
    'uri': 'file.txt',
    'tags': {'n': 3.0, 'b': True, 'none': None, 's': 'é', 'l': [1.0, {'x': 'y'}], 'd': {'e': {}}},
    'offset': 1.5,
    'location': [1.0, -2.5],
    'modality': 'text',
    'scores': {'cosine': {'value': 0.25, 'op_name': 'op', 'description': 'why', 'ref_id': 'q'}},
    'evaluations': {'precision': {'value': 1.0}},
    'chunks': [
        {
            'id': 'chunk',
            'parent_id': 'full',
            'granularity': 1,
            'blob': b'\0\xff',
            'chunks': [
                {'id': 'grandchild', 'parent_id': 'chunk', 'granularity': 2, 'text': 'deep'}
            ],
        }
    ],
    'matches': [{'id': 'match', 'adjacency': 1, 'scores': {'euclid': {'value': 2.0}}}],
}
ARRAYS: dict[str, tuple[str, Any]] = {
    'tensor': ('tensor', np.arange(6, dtype='i2').reshape(2, 3)),
    'fortran': ('tensor', np.arange(6.0).reshape(2, 3)),
    'big-endian': ('tensor', np.array([1, 258], 'i4')),
    'bools': ('embedding', np.array([True, False])),
    'list': ('embedding', [1.0, 2.5]),
    'ints': ('tensor', [[1, 2], [3, 4]]),
    'scalar': ('tensor', np.array(7.5)),
    'half': ('embedding', np.array([0.5, -1.0], 'f2')),
}


def test_the_samples_are_there() -> None:
    assert len(FILES) == 13


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_a_file_of_docarray(path: Path) -> None:
    if path.suffix == '.lz4':
        pytest.importorskip('lz4')
    full, empty, *others = load_records(path)
    embedding = full.pop('embedding')
    np.testing.assert_array_equal(embedding, np.arange(4.0))
    assert full == FULL
    assert empty == {'id': 'empty'}
    assert [record['id'] for record in others] == list(ARRAYS)
    for record in others:
        name, expected = ARRAYS[record['id']]
        assert list(record) == ['id', name]
        if path.suffix == '.json':  # there lists and types of arrays are gone
            np.testing.assert_array_equal(record[name], np.array(expected))
        elif isinstance(expected, list):
            assert record[name] == expected
        else:
            assert record[name].dtype == expected.dtype
            np.testing.assert_array_equal(record[name], expected)


@pytest.mark.parametrize('protocol', ['protobuf', 'pickle'])
def test_one_document_of_docarray(protocol: str) -> None:
    record = load_record((HERE / f'document.{protocol}').read_bytes(), protocol)
    np.testing.assert_array_equal(record.pop('embedding'), np.arange(4, dtype='f4'))
    assert record == FULL
