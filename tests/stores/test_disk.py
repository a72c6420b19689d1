"""The store in a directory, as the seam sees it."""

from __future__ import annotations

import logging
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore.errors import (
    CorruptStore,
    DimensionMismatch,
    DocumentGone,
    DuplicateId,
    EncodeError,
    InvalidConfig,
    InvalidDocument,
    InvalidVector,
    NotAStore,
    ReadOnlyStore,
    StorageError,
    StorageFull,
    StoreClosed,
    StoreLocked,
    TransactionError,
)
from docstore.stores.base import Clear, Delete, Insert, Reorder, SetColumn, Update
from docstore.stores.disk import DiskStore, open_disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'store'


@pytest.fixture
def store(path: Path) -> Any:
    opened = open_disk({'path': path})
    yield opened
    opened.close()


def reopened(store: DiskStore) -> DiskStore:
    store.close()
    return open_disk(store.config)


def three(store: DiskStore) -> Any:
    return store.write(
        [
            Insert(
                0,
                [
                    {'id': 'a', 'text': 'one', 'tags': {'n': 1, 'deep': {'x': [1, 2.0]}}},
                    {'id': 'b', 'blob': b'\x00\xff', 'embedding': [1, 2, 3]},
                    {'id': 'c', 'tensor': np.arange(6).reshape(2, 3), 'weight': 0.5},
                ],
            )
        ]
    )


def plain(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in record.items()}
        for record in records
    ]


def test_everything_comes_back(store: DiskStore) -> None:
    rows = three(store)
    before = plain(store.read(rows))
    assert before == [
        {'id': 'a', 'text': 'one', 'tags': {'n': 1, 'deep': {'x': [1, 2.0]}}},
        {'id': 'b', 'blob': b'\x00\xff', 'embedding': [1.0, 2.0, 3.0]},
        {'id': 'c', 'tensor': [[0, 1, 2], [3, 4, 5]], 'weight': 0.5},
    ]
    assert 'embedding' not in store.read(rows, vectors=False)[1]
    again = reopened(store)
    assert plain(again.read(again.rows())) == before
    assert again.rows().tolist() == rows.tolist()
    assert again.sequence == 1
    again.close()


def test_each_operation(store: DiskStore) -> None:
    rows = three(store)
    store.write([Update([rows[0]], [{'text': None, 'uri': 'u', 'embedding': np.ones(3)}])])
    assert plain(store.read(rows[:1])) == [
        {'id': 'a', 'tags': {'n': 1, 'deep': {'x': [1, 2.0]}}, 'uri': 'u', 'embedding': [1, 1, 1]}
    ]
    store.write([Update([rows[0]], [{'id': 'A', 'text': 'new'}], replace=True)])
    assert store.read(rows[:1]) == [{'id': 'A', 'text': 'new'}]
    store.write([SetColumn(rows, 'weight', [1.0, None, 3.0]), SetColumn(rows, 'text', None)])
    assert store.column('weight') == [1.0, None, 3.0]
    assert store.column('text') == [None] * 3
    store.write([Reorder(rows[::-1])])
    assert store.column('id') == ['c', 'b', 'A']
    assert store.positions(rows).tolist() == [2, 1, 0]
    store.write([Delete([rows[1]])])
    assert store.positions(rows).tolist() == [1, -1, 0]
    assert store.lookup(['A', 'b', 'c', '\ud800']).tolist() == [rows[0], -1, rows[2], -1]
    with pytest.raises(DocumentGone):
        store.read([rows[1]])
    store.write([Clear()])
    assert len(store) == 0
    assert store.vectors() is None


def test_operations_of_one_batch_see_each_other(store: DiskStore) -> None:
    rows = three(store)
    store.write(
        [
            Update([rows[0]], [{'text': 'x'}]),
            SetColumn(rows, 'weight', [7.0, 8.0, 9.0]),
            Update([rows[0], rows[0]], [{'uri': 'first'}, {'uri': 'second'}]),
            SetColumn(np.array([rows[1], rows[1]]), 'text', ['no', 'yes']),
            Delete([rows[2]]),
            Insert(0, [{'id': 'c'}]),
        ]
    )
    assert store.column('id') == ['c', 'a', 'b']
    assert store.column('uri') == [None, 'second', None]
    assert store.column('text') == [None, 'x', 'yes']
    assert store.column('weight') == [None, 7.0, 8.0]


def test_columns_and_paths(store: DiskStore) -> None:
    rows = three(store)
    assert store.column('tags__n') == [1, None, None]
    assert store.column('tags__deep__x', rows[:1]) == [[1, 2.0]]
    assert store.column('content_type') == ['text', 'blob', 'tensor']
    assert store.column('content')[:2] == ['one', b'\x00\xff']
    store.column('text').clear()
    assert store.column('text') == ['one', None, None]
    store.write([SetColumn(rows, 'text', ['n', 'e', 'w'])])
    assert store.column('text') == ['n', 'e', 'w']


def test_vectors_are_views_that_outlive_everything(store: DiskStore) -> None:
    matrix = np.random.default_rng(0).normal(size=(500, 16)).astype(np.float32)
    ids = [{'id': str(i)} for i in range(500)]
    rows = store.write([Insert(0, ids, {'embedding': matrix})])
    vectors = store.vectors()
    assert vectors is not None
    assert vectors.contiguous
    assert not vectors.matrix.flags.writeable
    assert not vectors.matrix.flags.owndata
    np.testing.assert_array_equal(vectors.matrix, matrix)
    store.write([Delete(rows[:250])])
    store.write([Insert(0, [{'id': 'z', 'embedding': matrix[0]}])])
    moved = store.vectors()
    assert moved is not None
    assert not moved.contiguous
    np.testing.assert_array_equal(moved.matrix[moved.lines[1:]], matrix[250:])
    store.compact()
    compacted = store.vectors()
    assert compacted is not None
    assert compacted.contiguous
    store.close()
    np.testing.assert_array_equal(vectors.matrix, matrix)
    np.testing.assert_array_equal(compacted.matrix[1:], matrix[250:])


def test_the_first_vector_says_what_the_others_are(store: DiskStore) -> None:
    store.write([Insert(0, [{'id': 'a', 'embedding': np.ones(3, np.float16)}])])
    store.write([Insert(1, [{'id': 'b', 'embedding': np.full(3, 2.0)}])])
    vectors = store.vectors()
    assert vectors is not None
    assert vectors.matrix.dtype == np.float16
    for bad, error in (
        (np.ones(4), DimensionMismatch),
        ([1.0, float('nan'), 1.0], InvalidVector),
        (['x', 'y', 'z'], InvalidDocument),
        (np.ones((1, 3)), InvalidDocument),
    ):
        with pytest.raises(error, match="'c'"):
            store.write([Insert(0, [{'id': 'c', 'embedding': bad}])])
    assert len(store) == 2
    store.write([Clear(), Insert(0, [{'id': 'c', 'embedding': np.ones(4)}])])
    again = reopened(store)
    vectors = again.vectors()
    assert vectors is not None
    assert vectors.matrix.shape[1] == 4
    again.close()


def test_bad_batches_change_nothing(store: DiskStore) -> None:
    rows = three(store)
    version = store.version
    with pytest.raises(DuplicateId) as caught:
        store.write([Insert(0, [{'id': 'new'}, {'id': 'b'}])])
    assert caught.value.id == 'b'
    with pytest.raises(EncodeError, match=r"'bad'.*tags"):
        store.write([Insert(0, [{'id': 'ok'}, {'id': 'bad', 'tags': {'x': object()}}])])
    with pytest.raises(InvalidDocument, match='id'):
        store.write([Insert(0, [{'text': 'nameless'}])])
    with pytest.raises(DocumentGone):
        store.write([Delete([rows[0]]), Update([rows[0]], [{'text': 'x'}])])
    assert store.column('id') == ['a', 'b', 'c']
    assert store.version == version


def test_transactions(store: DiskStore) -> None:
    rows = three(store)
    store.begin()
    with pytest.raises(TransactionError):
        store.begin()
    store.write([Delete(rows[:2])])
    store.write([Insert(0, [{'id': 'x'}])])
    assert store.column('id') == ['x', 'c']
    store.rollback()
    assert store.column('id') == ['a', 'b', 'c']
    with pytest.raises(TransactionError):
        store.commit()
    store.begin()
    taken = store.write([Insert(3, [{'id': 'd'}])])
    store.commit()
    # A row number is never used again, not even that of a row rolled back.
    assert taken[0] == 4
    again = reopened(store)
    assert again.column('id') == ['a', 'b', 'c', 'd']
    assert again.sequence == 2
    again.begin()
    again.write([Clear()])
    again.close()
    last = open_disk(store.config)
    assert len(last) == 4
    last.close()


def test_configuration_is_kept(path: Path) -> None:
    first = open_disk({'path': path, 'metric': 'ip', 'n_dim': 3, 'ef_search': 7})
    with pytest.raises(DimensionMismatch, match="'a'"):
        first.write([Insert(0, [{'id': 'a', 'embedding': [1.0, 2.0]}])])
    first.close()
    second = open_disk({'path': str(path), 'ef_search': 9})
    assert second.index_config.metric == 'ip'
    assert second.index_config.ef_search == 9
    second.close()
    with pytest.raises(InvalidConfig, match='3 dimensions'):
        open_disk({'path': path, 'n_dim': 4})
    reader = open_disk({'path': path, 'read_only': True})
    assert reader.index_config.ef_search == 9
    reader.close()


@pytest.mark.parametrize(
    ('config', 'words'),
    [
        ({}, 'path'),
        ({'path': ''}, 'directory'),
        ({'path': 3}, 'directory'),
        ({'path': 'x', 'durability': 'ful'}, "did you mean 'full'"),
        ({'path': 'x', 'pth': 1}, "did you mean 'path'"),
        ({'path': 'x', 'read_only': 1}, 'True or False'),
    ],
)
def test_bad_configuration(config: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidConfig, match=words):
        open_disk(config)


def test_only_stores_are_opened(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('x')
    with pytest.raises(NotAStore, match='not empty'):
        open_disk({'path': tmp_path})
    with pytest.raises(NotAStore, match='not a directory'):
        open_disk({'path': tmp_path / 'file'})
    with pytest.raises(NotAStore, match='does not exist'):
        open_disk({'path': tmp_path / 'none', 'create': False})
    with pytest.raises(NotAStore):
        open_disk({'path': tmp_path / 'none', 'read_only': True})
    assert os.listdir(tmp_path) == ['file']


def test_one_writer_and_many_readers(store: DiskStore, path: Path) -> None:
    three(store)
    with pytest.raises(StoreLocked, match='this process') as caught:
        open_disk({'path': path})
    assert caught.value.pid == os.getpid()
    code = (
        'import sys\n'
        'from docstore.errors import StoreLocked\n'
        'from docstore.stores.disk import open_disk\n'
        'reader = open_disk({"path": sys.argv[1], "read_only": True})\n'
        'assert reader.column("id") == ["a", "b", "c"]\n'
        'try:\n    open_disk({"path": sys.argv[1]})\n'
        'except StoreLocked as error:\n    print(error.pid)\n'
    )
    told = subprocess.run([sys.executable, '-c', code, str(path)], capture_output=True, check=True)
    assert int(told.stdout) == os.getpid()
    reader = open_disk({'path': path, 'read_only': True})
    with pytest.raises(ReadOnlyStore):
        reader.write([Clear()])
    store.write([Insert(3, [{'id': 'd'}])])
    assert len(reader) == 3
    assert reader.refresh()
    assert len(reader) == 4
    store.compact()
    assert not reader.refresh()
    assert reader.column('id') == ['a', 'b', 'c', 'd']
    reader.close()


def test_a_reader_needs_no_right_to_write(store: DiskStore, path: Path) -> None:
    three(store)
    store.close()
    modes = {p: p.stat().st_mode for p in (path, *path.iterdir())}
    for file in modes:
        file.chmod(stat.S_IRUSR | stat.S_IXUSR)
    names = sorted(os.listdir(path))
    reader = open_disk({'path': path, 'read_only': True})
    assert len(reader) == 3
    reader.close()
    assert sorted(os.listdir(path)) == names
    for file, mode in modes.items():
        file.chmod(mode)


def test_a_closed_store_says_so(store: DiskStore) -> None:
    rows = three(store)
    store.close()
    store.close()
    for call in (lambda: len(store), lambda: store.read(rows), lambda: store.write([Clear()])):
        with pytest.raises(StoreClosed):
            call()


def test_damage_names_file_and_offset(store: DiskStore, path: Path) -> None:
    three(store)
    store.close()
    log = path / 'log-1'
    raw = bytearray(log.read_bytes())
    at = raw.index(b'one')
    raw[at] ^= 1
    log.write_bytes(raw)
    damaged = open_disk({'path': path})
    with pytest.raises(CorruptStore, match="'a'") as caught:
        damaged.read(damaged.rows())
    assert caught.value.file == str(log)
    assert abs(caught.value.offset - at) < 64
    damaged.close()
    vectors = path / 'embedding-1-0.vec'
    raw = bytearray(vectors.read_bytes())
    raw[4096] ^= 1
    vectors.write_bytes(raw)
    damaged = open_disk({'path': path})
    with pytest.raises(CorruptStore) as caught:
        damaged.vectors()
    assert (caught.value.file, caught.value.offset) == (str(vectors), 4096)
    damaged.close()


def test_recovery_is_told(store: DiskStore, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    three(store)
    store.close()
    log = path / 'log-1'
    with log.open('ab') as file:
        file.write(b'half a record')
    with caplog.at_level(logging.WARNING, logger='docstore.stores.disk'):
        again = open_disk({'path': path})
    assert 'cut off 13 bytes' in caplog.text
    assert again.info()['cut off when opened'] == '13 bytes'
    assert len(again) == 3
    again.close()


def test_a_full_disk_leaves_the_store_as_it_was(store: DiskStore, path: Path) -> None:
    three(store)
    big = [{'id': str(i), 'text': 'x' * 1000} for i in range(1000)]
    before = sorted((p.name, p.stat().st_size) for p in path.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageFull):
            store.write([Insert(0, big)])
        with pytest.raises(StorageFull):
            store.write([Insert(0, [{'id': 'v', 'embedding': [1, 2, 3], 'blob': bytes(200_000)}])])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert sorted((p.name, p.stat().st_size) for p in path.iterdir()) == before
    assert store.column('id') == ['a', 'b', 'c']
    store.write([Insert(0, big)])
    assert len(store) == 1003


def test_a_child_process_may_read_only(store: DiskStore) -> None:
    three(store)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 2 if len(store.read(store.rows())) != 3 else 3
            store.write([Clear()])
        except StorageError:
            code = 0 if code == 3 else code
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.write([Insert(0, [{'id': 'after'}])])


def test_threads_read_whole_documents_while_one_writes(store: DiskStore) -> None:
    rows = store.write(
        [Insert(0, [{'id': f's{i}', 'text': '0', 'embedding': [0, 0]} for i in range(50)])]
    )
    stop = threading.Event()
    failures: list[BaseException] = []

    def look() -> None:
        try:
            while not stop.is_set():
                for record in store.read(rows):
                    assert float(record['text']) == record['embedding'][0]
                assert len(set(store.column('text'))) == 1
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(1, 40):
        vectors = np.full((50, 2), number, np.float32)
        store.write(
            [SetColumn(rows, 'text', [str(number)] * 50), SetColumn(rows, 'embedding', vectors)]
        )
        if number % 15 == 0:
            store.compact()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_space_is_given_back(store: DiskStore, path: Path) -> None:
    rows = store.write([Insert(0, [{'id': str(i), 'blob': bytes(10_000)} for i in range(1000)])])
    store.write([Delete(rows[10:])])
    store.close()
    assert sum(p.stat().st_size for p in path.iterdir()) < 1_000_000
    again = open_disk({'path': path})
    assert again.rows().tolist() == rows[:10].tolist()
    again.close()
