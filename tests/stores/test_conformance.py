"""Every registered storage is the same array; whoever registers one is enrolled here."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path

import pytest

from docstore import Document, DocumentArray
from docstore.stores import STORES
from docstore.testing.arrays import ArrayTests
from docstore.testing.arrays.base import ArraySuite
from docstore.testing.checks import DIM, contents, ids, make_docs, vectors
from docstore.testing.indexes import IndexTests
from docstore.testing.stores import StoreTests

pytestmark = pytest.mark.spec('16')

#: What opens a storage that wants more, or other keys, than a path.
CONFIGS = {
    'sqlite': lambda path: {'connection': str(path / 'store.db'), 'table_name': 'documents'},
    'annlite': lambda path: {'n_dim': DIM, 'metric': 'cosine', 'data_path': str(path / 'store')},
}
#: annlite searches by the metric that it was configured with, whatever it is asked for.
METRICS = {'annlite': ('cosine',)}
NEEDS = {'annlite': 'hnswlib'}
#: annlite is the disk store with a graph index.
KINDS = {'annlite': 'disk'}


class PicklingTests(ArraySuite):
    """Not in the public suite: the package itself reads no pickles."""

    def test_content_or_address(self, tmp_path):
        array = self.open(tmp_path, make_docs(5))
        data = pickle.dumps(array)
        array[0].text = 'changed'
        array.append(Document(id='later'))
        array.close()
        again = pickle.loads(data)
        assert isinstance(again, DocumentArray)
        if self.persistent:
            assert ids(again) == ['d0', 'd1', 'd2', 'd3', 'd4', 'later']
            assert again[0].text == 'changed'
        else:
            assert contents(again) == contents(make_docs(5))
        again.close()

    def test_a_document_is_free(self, da):
        again = pickle.loads(pickle.dumps(da[1]))
        assert contents([again]) == contents(make_docs(2)[1:])
        again.tags['nested']['x'].append('changed')
        again.text = 'changed'
        assert contents(da) == contents(make_docs(5))

    def test_parts_bring_their_content(self, da):
        hits = da.find(vectors(5)[0], limit=2)
        for part in (da[1:3], da.find({'tags__i': {'$lt': 2}}), hits):
            assert contents(pickle.loads(pickle.dumps(part))) == contents(part)


class TestMemoryArray(PicklingTests, ArrayTests):
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

    class Suite(PicklingTests, ArrayTests):
        storage = name
        kind = KINDS.get(name)
        metrics = METRICS.get(name, ArrayTests.metrics)
        approximate = name in KINDS

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
    if _name not in KINDS:
        _suite = store_suite(_name)
        globals()[_suite.__name__] = _suite
del _suite


@pytest.mark.parametrize('suite', [ArrayTests, StoreTests, IndexTests], ids=lambda s: s.__name__)
def test_no_part_of_a_suite_hides_a_test_of_another(suite):
    where = {}
    for part in suite.__mro__:
        for name in vars(part):
            if name.startswith('test_'):
                assert name not in where, f'{name} is in {part} and in {where.get(name)}'
                where[name] = part
    assert len(where) > 10
