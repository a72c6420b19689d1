"""The directory that format 1 was frozen with is read for ever."""

from __future__ import annotations

import importlib.util
import math
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from docstore.stores.base import Insert
from docstore.stores.disk import open_disk

FOLDER = Path(__file__).with_name('v1')


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location('make_store', FOLDER / 'make_store.py')
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('read_only', [False, True])
@pytest.mark.parametrize('checkpoint', [True, False])
def test_the_frozen_sample(tmp_path: Path, read_only: bool, checkpoint: bool) -> None:
    path = shutil.copytree(FOLDER / 'store', tmp_path / 'store')
    if not checkpoint:
        (path / 'checkpoint-1').unlink()
    store = open_disk({'path': path, 'read_only': read_only, 'create': False})
    module = load()
    wanted, vectors = module.records(), module.vectors()
    assert store.index_config.metric == 'ip'
    found = store.read(store.rows())
    assert [record['id'] for record in found] == [record['id'] for record in wanted]
    for record, expected in zip(found, wanted, strict=True):
        vector = record.pop('embedding', None)
        assert (vector is None) == (record['id'] not in vectors)
        if vector is not None:
            assert vector.dtype == np.float16
            np.testing.assert_array_equal(vector, vectors[record['id']])
        assert record.keys() == expected.keys()
        if 'nan' in record.get('tags', {}):
            assert math.isnan(record['tags'].pop('nan'))
            expected['tags'].pop('nan')
        if 'tensor' in record:
            tensor = record.pop('tensor')
            assert tensor.dtype == np.int16
            np.testing.assert_array_equal(tensor, expected.pop('tensor'))
        assert record == expected
    if not read_only:
        store.write([Insert(0, [{'id': 'new'}])])
        assert len(store) == len(wanted) + 1
    store.close()
