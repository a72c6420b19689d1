"""Subindices under random changes, and beside those of docarray 0.21.

What every storage has to do is in ``docstore.testing.arrays.subindices``, run on
all of them by ``stores/test_conformance.py``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from docstore import Document, DocumentArray
from docstore.errors import CorruptStore
from docstore.stores.base import Insert
from docstore.testing.arrays.subindices import check_subindex, parents, part
from docstore.testing.checks import DIM, contents, ids, vectors

pytestmark = pytest.mark.spec('11')

PLACE = st.integers(0, 10**6)
KIND = st.integers(0, 19)
Change = Callable[['SubindexMachine', int], Any]
STORAGES = ['memory', 'sqlite', 'disk', 'annlite']


def config_of(storage: str, path: Path) -> dict[str, Any] | None:
    return {
        'memory': None,
        'sqlite': {'connection': str(path / 'x.db')},
        'disk': {'path': str(path / 'x')},
        'annlite': {'n_dim': DIM, 'data_path': str(path / 'x')},
    }[storage]


def open_array(storage: str, path: Path, docs: Any = None, **more: Any) -> DocumentArray:
    if storage == 'annlite' and importlib.util.find_spec('hnswlib') is None:
        pytest.skip('annlite needs hnswlib')
    return DocumentArray(docs, storage=storage, config=config_of(storage, path), **more)


class Undo(Exception):
    pass


class SubindexMachine(RuleBasedStateMachine):
    """Any changes of an array and of its nested Documents; the chunks are looked at after each,
    the matches and the chunks of the chunks only now and then, so that changes add up.
    """

    storage = 'memory'

    def __init__(self) -> None:
        super().__init__()
        self.path = Path(tempfile.mkdtemp())
        self.count = 0
        self.undo = False

    @initialize()
    def begin(self) -> None:
        self.array = open_array(
            self.storage,
            self.path,
            parents(3),
            subindex_configs={'@c': None, '@m[:2]': None, '@cc': None},
        )

    def teardown(self) -> None:
        if hasattr(self, 'array'):
            self.look()
            self.array.close()
        shutil.rmtree(self.path)

    @invariant()
    def in_step(self) -> None:
        if hasattr(self, 'array'):
            check_subindex(self.array)

    @rule()
    def look(self) -> None:
        check_subindex(self.array, '@m[:2]')
        check_subindex(self.array, '@cc')

    # -- changes, each of which may be inside of a transaction that is undone ------

    def new(self, deep: bool = False) -> Document:
        self.count += 1
        doc = parents(1, start=100 + self.count)[0]
        if deep:
            doc.chunks[0].chunks = [part(f'deep{self.count}', self.count)]
        return doc

    def at(self, place: int) -> int:
        return place % len(self.array) if len(self.array) else 0

    @rule(kind=KIND, place=PLACE)
    def change_one(self, kind: int, place: int) -> None:
        self.count += 1
        CHANGES[kind](self, place)

    def held(self) -> Any:
        held = contents(self.array['@c'])
        if self.storage == 'memory':
            # A parent that was renamed has its chunks marked anew when it is copied.
            for record in held:
                record.pop('parent_id', None)
        return held

    @rule(steps=st.lists(st.tuples(KIND, PLACE), max_size=4), look=st.booleans())
    def undone(self, steps: list[tuple[int, int]], look: bool) -> None:
        before = self.held()
        with pytest.raises(Undo), self.array:
            for kind, place in steps:
                self.count += 1
                CHANGES[kind](self, place)
                if look:
                    check_subindex(self.array)
            raise Undo
        assert self.held() == before

    @rule(steps=st.lists(st.tuples(KIND, PLACE), max_size=4))
    def together(self, steps: list[tuple[int, int]]) -> None:
        with self.array:
            for kind, place in steps:
                self.count += 1
                CHANGES[kind](self, place)

    @precondition(lambda self: self.storage != 'memory')
    @rule(saved=st.booleans())
    def reopen(self, saved: bool) -> None:
        before = contents(self.array['@c'])
        if not saved:
            # As a killed process leaves it.
            for follower in self.array._records.followers:  # type: ignore[attr-defined]
                follower.keeper.owners = None
        self.array.close()
        self.array = open_array(self.storage, self.path)
        assert contents(self.array['@c']) == before


def _append(m: SubindexMachine, place: int) -> None:
    m.array.append(m.new(deep=True))


def _splice(m: SubindexMachine, place: int) -> None:
    at = m.at(place)
    m.array[at : at + 2] = [m.new(), m.new(deep=True), Document(id=f'b{m.count}')]


def _upsert(m: SubindexMachine, place: int) -> None:
    if m.array:
        old = Document(id=m.array[m.at(place)].id, chunks=[part('u', place)])
        m.array.upsert([old, m.new()])


def _in_chunk(m: SubindexMachine, place: int) -> None:
    chunks = m.array[m.at(place)].chunks if m.array else []
    if chunks:
        chunk = chunks[place % len(chunks)]
        chunk.embedding = vectors(1, seed=place)[0]
        chunk.chunks.append(part(f'below{m.count}', place))


def _drop_chunk(m: SubindexMachine, place: int) -> None:
    if m.array and m.array[m.at(place)].chunks:
        del m.array[m.at(place)].chunks[0]


def _of_one(work: Callable[[SubindexMachine, Document, int], Any]) -> Change:
    def change(m: SubindexMachine, place: int) -> None:
        if m.array:
            work(m, m.array[m.at(place)], place)

    return change


def _of_sub(selector: str, work: Callable[[DocumentArray, int], Any]) -> Change:
    def change(m: SubindexMachine, place: int) -> None:
        if m.array[selector]:
            work(m.array[selector], place)

    return change


CHANGES: list[Change] = [
    _append,
    _append,
    _splice,
    _upsert,
    _in_chunk,
    _drop_chunk,
    lambda m, place: m.array.insert(m.at(place), m.new()),
    lambda m, place: m.array.reverse(),
    lambda m, place: m.array.__setitem__(slice(None), []) if place % 3 == 0 else None,
    _of_one(lambda m, doc, place: m.array.__delitem__(doc.id)),
    _of_one(lambda m, doc, place: m.array.__setitem__(doc.id, m.new(deep=True))),
    _of_one(lambda m, doc, place: doc.chunks.insert(place % 2, part(f'n{m.count}', place))),
    _of_one(lambda m, doc, place: doc.matches.append(part('often', place))),
    _of_one(lambda m, doc, place: doc.chunks.reverse()),
    _of_one(lambda m, doc, place: setattr(doc, 'id', f'renamed{m.count}-{place}')),
    _of_one(
        lambda m, doc, place: m.array['@c'].append(Document(part('tied', place), parent_id=doc.id))
    ),
    _of_sub('@c', lambda sub, place: setattr(sub, 'embeddings', vectors(len(sub), seed=place))),
    _of_sub('@c', lambda sub, place: setattr(sub[place % len(sub)], 'text', f'{place}')),
    _of_sub('@c', lambda sub, place: sub.__delitem__(place % len(sub))),
    _of_sub('@cc', lambda sub, place: setattr(sub[0], 'tags', {'x': place})),
]


@pytest.mark.parametrize('storage', STORAGES)
def test_any_changes(storage: str) -> None:
    if storage == 'annlite' and importlib.util.find_spec('hnswlib') is None:
        pytest.skip('annlite needs hnswlib')
    machine = type('Machine', (SubindexMachine,), {'storage': storage})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


# -- where it is kept --------------------------------------------------------------


def test_tables_beside_each_other(tmp_path: Path) -> None:
    path = str(tmp_path / 'x.db')
    configs = {'@c': None, '@c[0]m': {'metric': 'euclidean'}}
    one = DocumentArray(
        parents(2), storage='sqlite', config={'connection': path}, subindex_configs=configs
    )
    # Another array of the same database, with a subindex of the same name.
    two = DocumentArray(
        parents(4),
        storage='sqlite',
        config={'connection': path, 'table_name': 'other'},
        subindex_configs={'@c': None},
    )
    check_subindex(one)
    check_subindex(two)
    one.clear()
    check_subindex(two)
    assert ids(one.find({'text': {'$regex': 'x'}})) == []
    assert len(two.find({'text': {'$regex': 'c0'}}, on='@c')) == 4
    assert len(two.find({'text': {'$regex': 'parent'}})) == 4
    one.compact()
    check_subindex(two)
    one.close()
    two.close()
    with DocumentArray.open(path) as again:
        assert len(again) == 0
        assert list(again._records.subindices) == ['@c', '@c[0]m']
        again.append(parents(1)[0])
        check_subindex(again)
    again.close()


@pytest.mark.parametrize('storage', ['sqlite', 'disk'])
def test_a_saved_subindex_is_not_made_again(storage: str, tmp_path: Path, monkeypatch: Any) -> None:
    array = open_array(storage, tmp_path, parents(20), subindex_configs={'@c': None})
    array.close()
    array = open_array(storage, tmp_path)
    from docstore import subkeeping

    def never(*_: Any) -> None:
        raise AssertionError('it was made again')

    with monkeypatch.context() as patched:
        patched.setattr(subkeeping, 'Plan', never)
        assert len(array['@c']) == 40
        check_subindex(array)
    array.append(parents(1, start=30)[0])
    check_subindex(array)
    array.close()


@pytest.mark.parametrize('storage', ['sqlite', 'disk'])
def test_damaged_files_are_not_believed(storage: str, tmp_path: Path) -> None:
    array = open_array(storage, tmp_path, parents(20), subindex_configs={'@c': None})
    array.close()
    file = next(iter(tmp_path.rglob('*.owners')))
    data = file.read_bytes()
    for damaged in (b'', data[:-1], data[:100], data[:-40] + b'x' + data[-39:], data + b'x'):
        file.write_bytes(damaged)
        array = open_array(storage, tmp_path)
        check_subindex(array)
        array.close()


def test_a_damaged_store_says_so(tmp_path: Path) -> None:
    array = open_array('disk', tmp_path, parents(20), subindex_configs={'@c': None})
    array.close()
    (tmp_path / 'x' / 'beside' / '@c' / 'CURRENT').write_bytes(b'nonsense')
    with pytest.raises(CorruptStore):
        open_array('disk', tmp_path)


@pytest.mark.parametrize('storage', ['sqlite', 'disk'])
def test_many_are_followed_in_parts(storage: str, tmp_path: Path, monkeypatch: Any) -> None:
    from docstore import subkeeping

    monkeypatch.setattr(subkeeping, '_CHUNK', 7)
    monkeypatch.setattr(subkeeping, '_MOST_NOTED', 30)
    array = open_array(storage, tmp_path, subindex_configs={'@c': None, '@c,m': None})
    for start in range(0, 50, 5):
        array.extend(parents(5, start=start))
    del array[::3]
    array.reverse()
    array.insert(4, parents(1, start=80)[0])
    check_subindex(array)
    check_subindex(array, '@c,m')
    array.close()


def test_a_full_disk_leaves_the_subindex_behind_and_says_so(
    tmp_path: Path, monkeypatch: Any
) -> None:
    from docstore.errors import StorageFull

    array = open_array('disk', tmp_path, parents(3), subindex_configs={'@c': None})
    check_subindex(array)
    base = array._records.subindices['@c'].keeper.base  # type: ignore[attr-defined]

    def full(operations: Any) -> Any:
        raise StorageFull('no space', code=28)

    with monkeypatch.context() as patched:
        patched.setattr(base, 'write', full)
        array.append(parents(1, start=9)[0])
        assert len(array) == 4
        for _ in range(2):
            with pytest.raises(StorageFull):
                len(array['@c'])
    check_subindex(array)
    array.close()


def test_the_index_of_a_subindex(tmp_path: Path) -> None:
    pytest.importorskip('hnswlib')
    docs = parents(50)
    array = DocumentArray(
        docs,
        storage='disk',
        config={'path': str(tmp_path / 'x')},
        subindex_configs={'@c': {'index': 'hnsw', 'metric': 'euclidean', 'n_dim': DIM}},
    )
    wanted = docs[7].chunks[1].embedding
    for _ in range(2):
        hit = array.find(wanted, on='@c', limit=1)[0]
        assert (hit.id, list(hit.scores)) == ('p7.c1', ['euclidean'])
        index = array._records.subindices['@c'].index  # type: ignore[attr-defined]
        assert (index.approximate, index.metric) == (True, 'euclidean')
        array.close()
        array = DocumentArray.open(tmp_path / 'x')
    array[7].chunks[1].embedding = -wanted
    assert array.find(-wanted, on='@c', limit=1)[0].id == 'p7.c1'
    array.close()


@pytest.mark.parametrize('storage', STORAGES[1:])
def test_threads_search_while_one_writes(storage: str, tmp_path: Path) -> None:
    array = open_array(storage, tmp_path, parents(30), subindex_configs={'@c': None})
    stopped, failed = threading.Event(), []

    def search() -> None:
        try:
            while not stopped.is_set():
                for roots in (False, True):
                    hits = array.find(np.ones(DIM), on='@c', limit=5, return_root=roots)
                    assert len([hit.id + hit.text for hit in hits]) == 5
        except Exception as error:  # noqa: BLE001 - shown by the main thread
            failed.append(error)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for i in range(40):
        array.append(parents(1, start=100 + i)[0])
        del array[0]
        array[3].chunks[0].embedding = vectors(1, seed=i)[0]
        if i % 5 == 0:
            with array:
                array.reverse()
                array[0].chunks.append(part(f'n{i}', i))
    stopped.set()
    for thread in threads:
        thread.join()
    assert failed == []
    check_subindex(array)
    array.close()


def test_a_store_of_another_kind_has_none() -> None:
    from docstore.errors import UnsupportedOperation
    from docstore.stores.base import Store

    class Plain(Store):
        name = 'plain'

    Plain.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]
    with pytest.raises(UnsupportedOperation, match='plain'):
        Plain().beside('@c', {})  # type: ignore[abstract]
    assert Plain().names_beside() == []  # type: ignore[abstract]


def test_multimodal_schemas_of_strangers(tmp_path: Path) -> None:
    """What metadata says is followed only where it leads somewhere."""
    from docstore.derived import Place, _members

    chunk = {'id': 'a', 'chunks': [{'id': 'b'}]}
    record = {'id': 'r', 'chunks': [chunk]}

    def found(entry: Any) -> list[str]:
        whole = {**record, '_metadata': {'multi_modal_schema': {'x': entry}}}
        return [place.item['id'] for place in _members(whole, 'x')]

    assert isinstance(_members({**record}, 'x'), list)
    assert found({'attribute_type': 'document', 'position': 0}) == ['a']
    assert found({'attribute_type': 'document', 'position': 0.0}) == ['a']
    assert found({'attribute_type': 'iterable_document', 'position': 0}) == ['b']
    for bad in (
        None,
        3,
        {},
        {'attribute_type': 'document'},
        {'attribute_type': 'document', 'position': 1},
        {'attribute_type': 'document', 'position': -1},
        {'attribute_type': 'document', 'position': float('nan')},
        {'attribute_type': 'document', 'position': 'x'},
        {'attribute_type': 'primitive', 'position': 0},
        {'attribute_type': [], 'position': 0},
    ):
        assert found(bad) == []
    assert Place(None, record).item is record


def test_it_is_pickled_as_a_place(tmp_path: Path) -> None:
    array = open_array('disk', tmp_path, parents(2), subindex_configs={'@c': None})
    data = pickle.dumps(array['@c'])
    assert array['@c'] == array['@c']
    assert array['@c'] != array
    array.close()
    again = pickle.loads(data)
    assert ids(again) == ['p0.c0', 'p0.c1', 'p1.c0', 'p1.c1']
    del again


# -- memory --------------------------------------------------------------------------


def test_memory_holds_the_documents_themselves() -> None:
    docs = parents(2)
    array = DocumentArray(docs, subindex_configs={'@c': None})
    assert array['@c'][0] is docs[0].chunks[0]
    docs[1].chunks = [part('other', 1)]
    assert ids(array['@c']) == ['p0.c0', 'p0.c1', 'other']
    docs[0].pop('chunks')
    assert ids(array['@c']) == ['other']
    docs[0].copy_from(parents(1)[0])
    check_subindex(array)
    array.reverse()
    check_subindex(array)


def test_memory_follows_matches_and_columns() -> None:
    array = DocumentArray(DocumentArray.empty(3), subindex_configs={'@m': None, '@c': None})
    array.embeddings = vectors(3)
    array.match(array, limit=2)
    check_subindex(array, '@m')
    assert len(array['@m']) == 6
    del array[1].matches[0]
    check_subindex(array, '@m')
    array[:, 'chunks'] = [[part('a', 1)], [part('b', 2)], [part('c', 3)]]
    check_subindex(array)
    del array[:2, ['chunks']]
    check_subindex(array)
    assert ids(array['@c']) == ['c']


def test_reading_one_by_one_in_memory_finds_the_paths_once(monkeypatch: Any) -> None:
    from docstore.submemory import TracedRecords

    array = DocumentArray(parents(20), subindex_configs={'@c': None})
    calls = []
    trace = TracedRecords._trace
    monkeypatch.setattr(TracedRecords, '_trace', lambda self: (calls.append(1), trace(self)))
    assert [array['@c'][i].id for i in range(40)] == ids(array.traverse_flat('c'))
    assert len(calls) == 1


# -- beside docarray 0.21 ------------------------------------------------------------

LEGACY = os.environ.get('DOCSTORE_LEGACY_PYTHON', '')

SCRIPT = """
import json, warnings
import numpy as np
warnings.simplefilter('ignore')
from {package} import Document, DocumentArray
out = []
for storage in ('memory', 'sqlite'):
    rng = np.random.default_rng(1)
    def doc(i):
        return Document(id=str(i), text='t%d' % i, chunks=[
            Document(id='%d_%d' % (i, j), embedding=rng.random(3)) for j in range(2)])
    da = DocumentArray(storage=storage, subindex_configs={{'@c': None}})
    query = rng.random(3)
    def note():
        sub = da['@c']
        hits = da.find(query, on='@c', limit=4)
        roots = da.find(query, on='@c', limit=4, return_root=True)
        out.append([
            storage, len(sub), sub[:, 'id'], sub[:, 'parent_id'],
            [d.tags.get('_root_id_') for d in sub],
            hits[:, 'id'], [round(d.scores['cosine'].value, 5) for d in hits],
            roots[:, 'id'], roots[:, 'text'],
            [round(d.scores['cosine'].value, 5) for d in roots][:1],
            da.find({{'id': {{'$eq': '1_0'}}}}, on='@c')[:, 'id'],
        ])
    da.extend([doc(i) for i in range(4)])
    note()
    da.append(doc(4)); note()
    da[1] = doc(5); note()
    da['2'] = doc(6); note()
    del da[0]; note()
    q = DocumentArray([Document(embedding=query)])
    q.match(da, on='@c', limit=3)
    out.append(q[0].matches[:, 'id'])
    for wrong in ('@m', 'c'):
        try:
            da.find(query, on=wrong)
        except ValueError as error:
            out.append('ValueError')
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        da['@c'].extend([Document(id='x', embedding=rng.random(3))])
        da['@c'][0] = Document(id='w', embedding=rng.random(3))
    out.append([w.category.__name__ for w in caught if w.category is UserWarning])
    da.clear()
    if storage != 'memory':  # there docarray forgets the subindex
        out.append(len(da['@c']))
print(json.dumps(out))
"""


def results(package: str) -> Any:
    python = LEGACY if package == 'docarray' else sys.executable
    done = subprocess.run(
        [python, '-c', SCRIPT.format(package=package)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(
    not Path(LEGACY).is_file(), reason='DOCSTORE_LEGACY_PYTHON names no interpreter'
)
def test_the_same_script_under_docarray() -> None:
    ours, theirs = results('docstore'), results('docarray')
    for mine, other in zip(ours, theirs, strict=True):
        assert unordered(mine) == unordered(other)


def unordered(result: Any) -> Any:
    """Without the order of the subindex, which in docarray is that of writing."""
    if not isinstance(result, list) or len(result) < 11:
        return result
    rows = sorted(zip(*result[2:5], strict=True))
    # In memory a root that is hit twice has one score in docarray: that of its last hit.
    return [result[:2], rows, result[5:9], result[10:]]


def test_chunks_without_ids_have_places_too(tmp_path: Path) -> None:
    for storage in ('sqlite', 'disk'):
        folder = tmp_path / storage
        folder.mkdir()
        array = open_array(storage, folder, subindex_configs={'@c': None})
        store = array._records.store  # type: ignore[attr-defined]
        array._records.write(  # type: ignore[attr-defined]
            [Insert(0, [{'id': 'r', 'chunks': [{'text': 'x'}, {'text': 'y'}]}])]
        )
        assert len(store) == 1
        assert array['@c'].texts == ['x', 'y']
        array['@c'][1].text = 'z'
        assert array[0].chunks[1].text == 'z'
        array.close()


def test_vectors_are_searched_in_bulk(tmp_path: Path, monkeypatch: Any) -> None:
    """No Document is made for a row that is not a hit, and none for one before it is looked at."""
    array = open_array('disk', tmp_path, parents(100), subindex_configs={'@c': None})
    check_subindex(array)
    made = []
    wrap = Document._wrap.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(
        Document, '_wrap', classmethod(lambda cls, data: (made.append(1), wrap(cls, data))[1])
    )
    hits = array.find(np.ones(DIM), on='@c', limit=3)
    roots = array.find(np.ones(DIM), on='@c', limit=3, return_root=True)
    assert (len(hits), len(roots), made) == (3, 3, [])
    array.close()
