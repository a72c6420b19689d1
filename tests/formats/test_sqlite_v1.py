"""The database that format 1 was frozen with is read for ever."""

from __future__ import annotations

import importlib.util
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from docstore.query import parse
from docstore.stores.sqlite import open_sqlite

FOLDER = Path(__file__).with_name('v1')


def wanted():
    spec = importlib.util.spec_from_file_location('make_sqlite', FOLDER / 'make_sqlite.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    records = module.records()
    records[0]['embedding'] = np.array([9, 8, 7, 6], dtype=np.float32)
    del records[10:12]
    records.insert(3, {'id': 'odd'})
    return records


@pytest.mark.parametrize('read_only', [False, True])
def test_the_frozen_sample(tmp_path, read_only):
    path = shutil.copy(FOLDER / 'sqlite.db', tmp_path / 'sample.db')
    store = open_sqlite({'connection': path, 'read_only': read_only})
    records = wanted()
    assert store.sequence == 4
    assert store.index_config.metric == 'ip'
    assert store.column('id') == [record['id'] for record in records]
    found = store.read(store.rows())
    odd = found.pop(3)['tags']
    assert math.isnan(odd['nan'])
    assert (odd['big'], odd['b']) == (2**70, b'\0')
    del records[3]
    vectors = store.vectors()
    lines = np.delete(vectors.lines, 3)
    for one, record, line in zip(found, records, lines, strict=True):
        assert one.keys() == record.keys()
        assert (one['text'], one['tags']) == (record['text'], record['tags'])
        assert np.array_equal(one['embedding'], record['embedding'])
        assert np.array_equal(vectors.matrix[line], record['embedding'])
    mask = store.select(parse({'text': {'$regex': '^text 1. é$'}}))
    assert mask.sum() == 8
    store.close()
