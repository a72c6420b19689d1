"""Every registered storage is the same array; whoever registers one is enrolled here."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from docstore import DocumentArray
from docstore.stores import STORES
from docstore.testing.arrays import ArrayTests
from docstore.testing.checks import DIM
from docstore.testing.stores import StoreTests

#: What opens a storage that wants more, or other keys, than a path.
CONFIGS = {
    'sqlite': lambda path: {'connection': str(path / 'store.db'), 'table_name': 'documents'},
    'annlite': lambda path: {'n_dim': DIM, 'metric': 'cosine', 'data_path': str(path / 'store')},
}
#: annlite searches by the metric that it was configured with, whatever it is asked for.
METRICS = {'annlite': ('cosine',)}
NEEDS = {'annlite': 'hnswlib'}


class TestMemoryArray(ArrayTests):
    storage = 'memory'
    persistent = False

    def config(self, path):
        return None

    def reopen(self, array, path):
        file = path / 'saved.docstore'
        array.save(file)
        return DocumentArray.load(file)


def array_suite(name):
    """The suite of DocumentArray for a registered storage."""

    class Suite(ArrayTests):
        storage = name
        metrics = METRICS.get(name, ArrayTests.metrics)

        def config(self, path: Path):
            return CONFIGS[name](path) if name in CONFIGS else super().config(path)

    Suite.__name__ = Suite.__qualname__ = f'Test{name.title()}Array'
    package = NEEDS.get(name)
    missing = package is not None and importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f'{name} needs {package}')(Suite)


def store_suite(name):
    """The suite of the Store seam for a registered storage."""

    class Suite(StoreTests):
        def open(self, path, read_only=False, index_config=None):
            config = CONFIGS.get(name, lambda path: {'path': str(path / 'store')})(path)
            if read_only:
                config['read_only'] = True
            if index_config is not None:
                config |= {key: getattr(index_config, key) for key in index_config.__slots__}
            return STORES.load(name)(config)

    Suite.__name__ = Suite.__qualname__ = f'Test{name.title()}Store'
    return Suite


for _name in STORES:
    _suite = array_suite(_name)
    globals()[_suite.__name__] = _suite
    # annlite is the disk store with another index.
    if _name != 'annlite':
        _suite = store_suite(_name)
        globals()[_suite.__name__] = _suite
del _suite
