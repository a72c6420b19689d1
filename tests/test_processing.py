"""Batches, samples, reducing, and functions that run over an array by many workers."""

from __future__ import annotations

import functools
import inspect
import multiprocessing
import os
import random
import subprocess
import sys
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docstore import Document, DocumentArray
from docstore.errors import (
    CorruptData,
    EncodeError,
    InvalidArgument,
    MissingDependency,
    WorkerFailed,
)
from docstore.stored import StoredRecords

pytest.importorskip('loky')


@pytest.fixture(autouse=True, scope='module')
def _sent_by_value() -> Iterator[None]:
    """Worker processes cannot import this module: pytest finds it by its path."""
    import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


STORES = {
    'memory': lambda path: None,
    'sqlite': lambda path: {'connection': str(path / 'x.db'), 'table_name': 'docs'},
    'disk': lambda path: {'path': str(path / 'store')},
}


def make(count: int) -> list[Document]:
    return [Document(id=f'd{i}', text=f'text {i}', tags={'i': i}) for i in range(count)]


def opened(storage: str, path: Path, count: int) -> DocumentArray:
    return DocumentArray(make(count), storage=storage, config=STORES[storage](path))


def ids(docs: Any) -> list[str]:
    return [doc.id for doc in docs]


def notes(error: BaseException) -> str:
    return '\n'.join(getattr(error, '__notes__', []))


def double(doc: Document) -> Document:
    """At the top of a module: what pools without cloudpickle can be given."""
    doc.tags['i'] *= 2
    return doc


class Scale:
    """A callable with a state."""

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def __call__(self, doc: Document) -> int:
        return doc.tags['i'] * self.factor


def times(factor: int) -> Any:
    return lambda doc: doc.tags['i'] * factor


def scaled(factor: int, doc: Document) -> int:
    return doc.tags['i'] * factor


# ------------------------------------------------------ against plain lists

counts = st.integers(0, 30)
storages = st.sampled_from(sorted(STORES))


@pytest.mark.spec('12')
@settings(max_examples=60)
@given(storages, counts, st.integers(1, 12), st.booleans())
def test_batches_are_slices(
    tmp_path_factory: Any, storage: str, count: int, size: int, shuffle: bool
) -> None:
    da = opened(storage, tmp_path_factory.mktemp('a'), count)
    random.seed(count)
    batches = [ids(part) for part in da.batch(size, shuffle=shuffle)]
    names = [f'd{i}' for i in range(count)]
    if shuffle:
        assert Counter(name for part in batches for name in part) == Counter(names)
        names = [name for part in batches for name in part]
    assert batches == [names[at : at + size] for at in range(0, count, size)]
    random.seed(count)
    assert list(da.batch_ids(size, shuffle=shuffle)) == batches
    random.seed(count)
    assert list(da.map_batch(ids, size, shuffle=shuffle, num_worker=2)) == batches
    da.close()


@pytest.mark.spec('12')
@settings(max_examples=60)
@given(storages, counts, st.data())
def test_samples_are_those_of_random(
    tmp_path_factory: Any, storage: str, count: int, data: Any
) -> None:
    da = opened(storage, tmp_path_factory.mktemp('a'), count)
    k = data.draw(st.integers(0, count))
    seed = data.draw(st.one_of(st.integers(), st.text()))
    names = [f'd{i}' for i in range(count)]
    assert ids(da.sample(k, seed=seed)) == random.Random(seed).sample(names, k)
    assert ids(da.shuffle(seed=seed)) == random.Random(seed).sample(names, count)
    assert ids(da) == names
    da.close()


tables = st.lists(
    st.tuples(
        st.sampled_from('abcdef'),
        st.sets(st.sampled_from(['text', 'weight', 'modality', 'offset'])),
        st.lists(st.sampled_from('xyz'), max_size=3, unique=True),
    ),
    max_size=6,
    unique_by=lambda row: row[0],
)


def rows_of(table: list[Any], mark: int) -> list[dict[str, Any]]:
    return [
        {'id': name, **{field: 1.0 + mark if field != 'text' else f'from {mark}'
                        for field in fields if field != 'modality'},
         **({'modality': f'm{mark}'} if 'modality' in fields else {}), 'chunks': chunks}
        for name, fields, chunks in table
    ]  # fmt: skip


def as_docs(rows: list[dict[str, Any]]) -> list[Document]:
    return [
        Document(**{**row, 'chunks': [Document(id=name) for name in row['chunks']]}) for row in rows
    ]


def as_rows(docs: Any) -> list[dict[str, Any]]:
    return [
        {name: getattr(doc, name) for name in doc.non_empty_fields if name != 'chunks'}
        | {'chunks': ids(doc.chunks)}
        for doc in docs
    ]


@pytest.mark.spec('12')
@settings(max_examples=60)
@given(storages, tables, st.lists(tables, max_size=3))
def test_reducing_is_merging_of_dicts(
    tmp_path_factory: Any, storage: str, mine: list[Any], others: list[list[Any]]
) -> None:
    merged = {row['id']: row for row in rows_of(mine, 0)}
    arrays = []
    for mark, other in enumerate(others, 1):
        rows = rows_of(other, mark)
        arrays.append(DocumentArray(as_docs(rows)))
        for row in rows:
            old = merged.get(row['id'], {})
            chunks = list(dict.fromkeys([*old.get('chunks', []), *row['chunks']]))
            merged[row['id']] = {**row, **old, 'chunks': chunks}
    config = STORES[storage](tmp_path_factory.mktemp('a'))
    da = DocumentArray(as_docs(rows_of(mine, 0)), storage=storage, config=config)
    assert da.reduce_all(arrays) is da
    assert as_rows(da) == list(merged.values())
    da.close()


@pytest.mark.spec('12')
@settings(max_examples=60)
@given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.sampled_from('ab'))))
def test_parts_by_tag_are_groups(values: list[Any]) -> None:
    da = DocumentArray(
        Document(id=str(i), tags={} if value is None else {'deep': {'k': value}})
        for i, value in enumerate(values)
    )
    groups: dict[Any, list[str]] = {}
    for i, value in enumerate(values):
        if value is not None:
            groups.setdefault(value, []).append(str(i))
    assert {key: ids(part) for key, part in da.split_by_tag('deep__k').items()} == groups


# ------------------------------------------------------------------ workers


@pytest.mark.spec('12')
@pytest.mark.parametrize(
    'func',
    [
        Scale(3),
        functools.partial(scaled, 3),
        lambda doc: doc.tags['i'] * 3,
        times(3),
    ],
    ids=['object', 'partial', 'lambda', 'closure'],
)
def test_functions_of_all_kinds_go_to_processes(func: Any) -> None:
    da = DocumentArray(make(10))
    assert list(da.map(func, backend='process', num_worker=1)) == [3 * i for i in range(10)]


@pytest.mark.spec('12')
def test_what_processes_give_back() -> None:
    da = DocumentArray(make(4))
    da.embeddings = np.eye(4)
    da[0].chunks = [Document(id='c', matches=[Document(id='m', scores={'x': {'value': 1.5}})])]
    pid = os.getpid()
    docs = list(da.map(lambda doc: doc, backend='process', num_worker=1))
    assert docs == list(da)
    assert docs[0] is not da[0]
    assert docs[0].chunks[0].parent_id == 'd0'
    docs[1].embedding[0] = 5  # it is their own
    parts = list(da.map_batch(lambda part: part[::-1], 3, backend='process', num_worker=1))
    assert [ids(part) for part in parts] == [['d2', 'd1', 'd0'], ['d3']]
    assert all(type(part) is DocumentArray for part in parts)
    found = da.map(lambda doc: (os.getpid(), doc.embedding.sum()), backend='process', num_worker=1)
    assert [(other != pid, total) for other, total in found] == [(True, 1.0)] * 4


@pytest.mark.spec('12')
def test_exceptions_come_from_processes_as_they_are() -> None:
    class Odd(Exception):
        """Pickled well, and then impossible to make anew."""

        def __init__(self, one: int, two: int) -> None:
            super().__init__(f'{one} and {two}')

    def plain(doc: Document) -> None:
        raise KeyError(f'of {doc.id}')

    def odd(doc: Document) -> None:
        raise Odd(1, 2)

    da = DocumentArray(make(2))
    with pytest.raises(KeyError, match='of d0') as caught:
        list(da.map(plain, backend='process', num_worker=1))
    assert "position 0 (id 'd0')" in notes(caught.value)
    assert 'in plain' in notes(caught.value)  # the traceback of the other process
    with pytest.raises(WorkerFailed, match='Odd: 1 and 2') as failed:
        list(da.map(odd, backend='process', num_worker=1))
    assert "position 0 (id 'd0')" in notes(failed.value)


@pytest.mark.spec('12')
def test_a_process_that_dies() -> None:
    def die(doc: Document) -> Document:
        if doc.id == 'd3':
            os._exit(3)
        return doc

    da = DocumentArray(make(6))
    with pytest.raises(WorkerFailed, match=r"ended before its work did.*id 'd"):
        da.apply(die, backend='process', num_worker=1)
    assert da.texts == [f'text {i}' for i in range(6)]


@pytest.mark.spec('12')
def test_what_cannot_go_to_a_process() -> None:
    lock = threading.Lock()
    da = DocumentArray(make(3))
    with pytest.raises(EncodeError, match=r'cannot be sent to another process.*lock'):
        list(da.map(lambda doc: lock, backend='process', num_worker=1))
    da[1].tags['x'] = object()
    with pytest.raises(EncodeError, match='tags'):
        list(da.map(len, backend='process', num_worker=1))
    with pytest.raises(TypeError, match='lock') as caught:
        list(da[:1].map(lambda doc: threading.Lock(), backend='process', num_worker=1))
    assert "(id 'd0')" in notes(caught.value)


@pytest.mark.spec('12')
@pytest.mark.parametrize('storage', ['sqlite', 'disk'])
def test_an_open_store_stays_here(storage: str, tmp_path: Path) -> None:
    da = opened(storage, tmp_path, 4)
    with pytest.raises(OSError, match=r'open|lock') as caught:
        list(da.map(lambda doc: len(da), backend='process', num_worker=1))
    assert 'could not be loaded in a worker process' in notes(caught.value)
    da.append(Document(id='later'))
    assert len(da) == 5
    da.close()


@pytest.mark.spec('12')
def test_pools_of_multiprocessing() -> None:
    da = DocumentArray(make(20))
    with ThreadPool(2) as pool:
        assert list(da.map(lambda doc: doc.id, pool=pool)) == ids(da)
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        da.apply(double, pool=pool)
        assert list(da.map(lambda doc: doc.tags['i'], pool=pool)) == list(range(0, 40, 2))
        with pytest.raises(ZeroDivisionError) as caught:
            list(da.map(lambda doc: 1 // (doc.tags['i'] - 8), pool=pool))
        assert "(id 'd4')" in notes(caught.value)


@pytest.mark.spec('12')
def test_without_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'loky', None)
    da = DocumentArray(make(2))
    with pytest.raises(MissingDependency, match=r"'loky'.*docstore\[process\]"):
        da.map(double, backend='process')
    assert da[:, 'tags__i'] == [0, 1]

    class Elsewhere:
        """A pool that is not of threads."""

        def submit(self, function: Any, *given: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_result(function(*given))
            return future

    assert list(da.map(lambda doc: doc.id, pool=Elsewhere())) == ['d0', 'd1']
    monkeypatch.setitem(sys.modules, 'cloudpickle', None)
    assert da.apply(double, pool=Elsewhere())[:, 'tags__i'] == [0, 2]
    with pytest.raises(MissingDependency, match=r"'cloudpickle'.*docstore\[process\]"):
        list(da.map(lambda doc: doc.id, pool=Elsewhere()))


@pytest.mark.spec('12')
def test_a_script_without_a_guard(tmp_path: Path) -> None:
    # Workers do not run the script again, and so do not open its store.
    script = tmp_path / 'script.py'
    script.write_text(
        'from docstore import Document, DocumentArray\n'
        f'da = DocumentArray(storage="disk", config={{"path": {str(tmp_path / "store")!r}}})\n'
        'da.extend(Document(text=str(i)) for i in range(4))\n'
        'SUFFIX = "!"\n'
        'def shout(doc):\n    doc.text += SUFFIX\n    return doc\n'
        'da.apply(shout, backend="process", num_worker=2)\n'
        'print(da.texts)\n'
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "['0!', '1!', '2!', '3!']\n", done.stderr


# -------------------------------------------------------------- apply, map


@pytest.mark.spec('12')
@pytest.mark.parametrize('storage', ['sqlite', 'disk'])
def test_what_is_applied_is_one_transaction_of_few_writes(
    storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    da = opened(storage, tmp_path, 600)
    writes: list[Any] = []
    depths = set()
    write = StoredRecords.write

    def noted(self: StoredRecords, operations: Any) -> Any:
        writes.append(operations)
        depths.add(self._depth)
        return write(self, operations)

    monkeypatch.setattr(StoredRecords, 'write', noted)
    da.apply(double)
    assert len(writes) == 3
    assert depths == {1}
    assert da[:, 'tags__i'] == list(range(0, 1200, 2))
    writes.clear()
    da.apply_batch(lambda part: [double(doc) for doc in part], 200)
    assert len(writes) == 3
    da.close()


@pytest.mark.spec('12')
def test_documents_in_memory_stay_the_same_objects() -> None:
    docs = make(40)
    da = DocumentArray(docs)
    other = DocumentArray(docs[:3])
    part = da[1:3]
    assert da.apply(double) is da
    assert all(doc is there for doc, there in zip(docs, da, strict=True))
    assert other[:, 'tags__i'] == [0, 2, 4]
    assert part[:, 'tags__i'] == [2, 4]
    docs[0].chunks = [Document(id='c', text='x')]
    da.apply(lambda doc: Document(doc, copy=True))
    assert docs[0].chunks.reference_doc == docs[0]
    docs[0].chunks.append(Document(id='e'))
    assert ids(da['@c']) == ['c', 'e']
    da.apply(lambda doc: Document(id=doc.id))
    assert docs[7].non_empty_fields == ('id',)


@pytest.mark.spec('12')
def test_rows_that_nobody_has_looked_at() -> None:
    da = DocumentArray.empty(50)
    da.embeddings = np.arange(100, dtype=np.float32).reshape(50, 2)
    names = da[:, 'id']

    def half(doc: Document) -> Document:
        doc.embedding = doc.embedding / 2
        doc.text = 'seen'
        return doc

    da.apply(half, num_worker=4)
    assert da[:, 'id'] == names
    np.testing.assert_array_equal(da.embeddings, np.arange(100).reshape(50, 2) / 2)
    assert da.texts == ['seen'] * 50
    hits = da.find(np.array([49.0, 49.5]), metric='euclidean', limit=1)
    assert ids(hits) == names[-1:]


@pytest.mark.spec('12')
def test_one_id_twice() -> None:
    da = DocumentArray([Document(id='a', text='1'), Document(id='a', text='2')])

    def more(doc: Document) -> Document:
        doc.text += '!'
        return doc

    assert da.apply(more).texts == ['1!', '2!']
    assert da.apply_batch(lambda part: [more(doc) for doc in part], 2).texts == ['1!!', '2!!']


@pytest.mark.spec('12')
def test_what_belongs_to_another_store_is_copied(tmp_path: Path) -> None:
    stored = opened('sqlite', tmp_path, 3)
    da = DocumentArray(Document(id=f'd{i}') for i in range(3))
    da.apply(lambda doc: stored[doc.id])
    da[0].tags['i'] = 'changed'
    da[1].text = 'changed'
    assert stored[:, 'tags__i'] == [0, 1, 2]
    assert stored.texts == ['text 0', 'text 1', 'text 2']
    stored.close()


@pytest.mark.spec('12')
def test_workers_work_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=20)
    da = DocumentArray(make(3))
    assert len(set(da.map(lambda doc: together.wait(), num_worker=3))) == 3


@pytest.mark.spec('12')
def test_workers_stop_when_nobody_waits_for_them() -> None:
    before = threading.active_count()
    called = []

    def slow(doc: Document) -> None:
        called.append(doc.id)
        time.sleep(0.01)
        if doc.id == 'd2':
            raise ValueError('stop')

    with pytest.raises(ValueError, match='stop'):
        list(DocumentArray(make(200)).map(slow, num_worker=2))
    assert len(called) < 20
    assert threading.active_count() == before


@pytest.mark.spec('12')
@pytest.mark.parametrize('method', ['batch', 'map', 'map_batch', 'apply', 'apply_batch'])
def test_progress(method: str, capsys: pytest.CaptureFixture[str]) -> None:
    da = DocumentArray(make(8))
    given: list[Any] = [] if method == 'batch' else [double if method == 'apply' else lambda x: x]
    given += [2] if 'batch' in method else []
    result = getattr(da, method)(*given, show_progress=True)
    assert len(list(result)) == (4 if method in ('batch', 'map_batch') else 8)
    assert '100%' in capsys.readouterr().out
    list(getattr(da, method)(*given))
    assert capsys.readouterr().out == ''


@pytest.mark.spec('12')
def test_arguments_stand_where_legacy_code_has_them() -> None:
    expected = {
        'map': 'func backend num_worker show_progress pool',
        'map_batch': 'func batch_size backend num_worker shuffle show_progress pool',
        'apply': 'func backend num_worker show_progress pool',
        'apply_batch': 'func batch_size backend num_worker shuffle show_progress pool',
        'batch': 'batch_size shuffle show_progress',
        'batch_ids': 'batch_size shuffle',
        'split_by_tag': 'tag',
        'sample': 'k seed',
        'shuffle': 'seed',
        'reduce': 'other',
        'reduce_all': 'others',
        'dataloader':
            'path func batch_size protocol compress backend num_worker pool show_progress',
        'traverse': 'traversal_paths filter_fn',
        'traverse_flat': 'traversal_paths filter_fn',
        'traverse_flat_per_path': 'traversal_paths filter_fn',
        'flatten': '',
    }  # fmt: skip
    for name, arguments in expected.items():
        found = [p for p in inspect.signature(getattr(DocumentArray, name)).parameters
                 if p != 'self']  # fmt: skip
        assert found == arguments.split(), name


# --------------------------------------------------------------- dataloader


@pytest.mark.spec('12')
@pytest.mark.parametrize('protocol', ['docstore', 'protobuf', 'pickle', 'protobuf-array', 'json'])
@pytest.mark.parametrize('compress', [None, 'gzip'])
def test_files_come_in_batches(tmp_path: Path, protocol: str, compress: str | None) -> None:
    if 'protobuf' in protocol:
        pytest.importorskip('google.protobuf')
    file = tmp_path / 'saved'
    da = DocumentArray(make(23))
    da.save_binary(file, protocol, compress)
    parts = DocumentArray.dataloader(file, lambda part: part, 5, protocol, compress, num_worker=2)
    docs = [doc for part in parts for doc in part]
    assert [(doc.id, doc.text) for doc in docs] == [(doc.id, doc.text) for doc in da]
    if protocol in ('docstore', 'protobuf'):
        found = DocumentArray.dataloader(file, ids, 10, compress=compress)
        assert list(found) == [ids(part) for part in da.batch(10)]


@pytest.mark.spec('12')
def test_files_go_to_processes_and_show_progress(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / 'saved.docstore.gzip'
    DocumentArray(make(9)).save_binary(file)
    found = DocumentArray.dataloader(
        str(file), lambda part: part.texts, 4, backend='process', num_worker=1, show_progress=True
    )
    assert [text for part in found for text in part] == [f'text {i}' for i in range(9)]
    assert 'Loading' in capsys.readouterr().out


@pytest.mark.spec('12')
def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / 'saved.docstore'
    with pytest.raises(FileNotFoundError, match='saved'):
        DocumentArray.dataloader(file, len, 3)
    DocumentArray(make(9)).save_binary(file)
    with pytest.raises(InvalidArgument, match='batch_size'):
        DocumentArray.dataloader(file, len, 0)
    data = file.read_bytes()
    file.write_bytes(data[:-20])
    with pytest.raises(CorruptData):
        list(DocumentArray.dataloader(file, len, 3))
    with pytest.raises(ZeroDivisionError) as caught:
        file.write_bytes(data)
        list(DocumentArray.dataloader(file, lambda part: 1 // 0, 3))
    assert "batch 0 (documents 'd0' to 'd2')" in notes(caught.value)


@pytest.mark.spec('12')
def test_a_file_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    pytest.importorskip('google.protobuf')
    count, size = 1500, 20_000
    file = tmp_path / 'saved.protobuf'
    DocumentArray(Document(blob=os.urandom(size)) for _ in range(count)).save_binary(file)
    tracemalloc.start()
    try:
        found = DocumentArray.dataloader(file, lambda part: len(part[0].blob), 10, num_worker=2)
        assert sum(found) == count // 10 * size
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < count * size / 4
