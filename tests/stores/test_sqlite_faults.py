"""SQLite stores that are damaged, killed, out of room, or used by many threads."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading

import numpy as np
import pytest

from docstore.errors import (
    CorruptStore,
    DocstoreError,
    DuplicateId,
    EncodeError,
    NotAStore,
    StorageError,
    TransactionError,
)
from docstore.stores import sqlite_sync
from docstore.stores.base import Clear, Delete, Insert, SetColumn, Update
from docstore.stores.sqlite import open_sqlite

DIM = 8


def records(count, start=0):
    rng = np.random.default_rng(start)
    return [
        {
            'id': f'd{i}',
            'text': f'text {i}',
            'tags': {'n': i, 'x': i / 3},
            'embedding': rng.random(DIM, dtype=np.float32),
        }
        for i in range(start, start + count)
    ]


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'a.db'


@pytest.fixture
def filled(path):
    """A store of 3000 documents: blocks, a tail, and a dead line in each."""
    store = open_sqlite({'connection': path})
    rows = store.write([Insert(0, records(2990))])
    for record in records(10, 2990):
        store.write([Insert(len(store), [record])])
    store.write([Delete([int(rows[5])])])
    store.close()
    return path


def damage(path, sql, *values):
    user = sqlite3.connect(path)
    with user:
        assert user.execute(sql, values).rowcount == 1
    user.close()


# --------------------------------------------------------------------------- damage


@pytest.mark.parametrize('column', ['payload', 'crc'])
def test_a_damaged_payload(filled, column):
    change = {'payload': "CAST(payload || x'00' AS BLOB)", 'crc': 'crc + 1'}[column]
    damage(filled, f"UPDATE docs SET {column} = {change} WHERE id = 'd7'")
    store = open_sqlite({'connection': filled})
    row = int(store.lookup(['d7'])[0])
    for read in (
        lambda: store.read([row]),
        lambda: store.read(store.rows()),
        lambda: store.column('tags__n'),
        lambda: store.write([Update([row], [{'text': 'x'}])]),
    ):
        with pytest.raises(CorruptStore) as caught:
            read()
        assert caught.value.file == str(filled)
        assert (caught.value.table, caught.value.row) == ('docs', row)
    # The others are not touched by it.
    assert store.read(store.lookup(['d8']))[0]['text'] == 'text 8'
    store.close()


def flip(path, table, key, place):
    """Turn one bit of a blob of vectors."""
    user = sqlite3.connect(path)
    (data,) = user.execute(f'SELECT data FROM {table} WHERE {key} = ?', (place,)).fetchone()
    data = bytearray(data)
    data[len(data) // 2] ^= 4
    with user:
        user.execute(f'UPDATE {table} SET data = ? WHERE {key} = ?', (bytes(data), place))
    user.close()


@pytest.mark.parametrize('table', ['docs_vector_blocks', 'docs_vector_tail'])
def test_damaged_vectors(filled, table):
    user = sqlite3.connect(filled)
    key = 'first' if table.endswith('blocks') else 'line'
    (place,) = user.execute(f'SELECT max({key}) FROM {table}').fetchone()
    (name,) = user.execute('SELECT id FROM docs WHERE line = ?', (place,)).fetchone()
    user.close()
    flip(filled, table, key, place)
    store = open_sqlite({'connection': filled})
    for read in (lambda: store.read(store.lookup([name])), store.vectors):
        with pytest.raises(CorruptStore, match=str(place)):
            read()
    store.close()


@pytest.mark.parametrize(
    'sql',
    [
        'DELETE FROM docs_vector_blocks WHERE first = (SELECT max(first) FROM docs_vector_blocks)',
        'DELETE FROM docs_vector_tail WHERE line = (SELECT max(line) FROM docs_vector_tail)',
        "UPDATE docs SET line = 999999 WHERE id = 'd2'",
        "DELETE FROM docs WHERE id = 'd2'",
        'UPDATE docs_vector_blocks SET data = substr(data, 9) WHERE first = 0',
        "UPDATE docs_vector_blocks SET data = 'text' WHERE first = 0",
    ],
)
def test_missing_pieces(filled, sql):
    damage(filled, sql)
    store = open_sqlite({'connection': filled})
    with pytest.raises(CorruptStore):
        store.vectors()
    store.close()


def test_a_cut_file(filled):
    """Cut anywhere, a store is refused or gives what it had; it never makes things up."""
    whole = filled.read_bytes()
    store = open_sqlite({'connection': filled, 'read_only': True})
    wanted = store.column('text')
    store.close()
    for share in (0.999, 0.9, 0.6, 0.3, 0.1, 0.01):
        filled.write_bytes(whole[: int(len(whole) * share)])
        try:
            store = open_sqlite({'connection': filled})
        except (CorruptStore, NotAStore):
            continue
        try:
            store.vectors()
            assert store.column('text') == wanted
        except CorruptStore:
            pass
        finally:
            store.close()


def test_flipped_bytes_in_the_file(filled):
    whole = bytearray(filled.read_bytes())
    store = open_sqlite({'connection': filled})
    wanted = store.read(store.rows())
    store.close()
    rng = random.Random(3)
    for _ in range(40):
        places = [rng.randrange(100, len(whole)) for _ in range(20)]
        spoilt = bytearray(whole)
        for place in places:
            spoilt[place] ^= 1 << rng.randrange(8)
        filled.write_bytes(spoilt)
        try:
            store = open_sqlite({'connection': filled})
        except DocstoreError:
            continue
        try:
            for row, before in zip(store.rows().tolist(), wanted, strict=False):
                try:
                    record = store.read([row])[0]
                except DocstoreError:
                    continue
                # SQLite has no checksums of its own, so the order may be
                # another one; what is read of a row is what was written.
                if record['id'] == before['id']:
                    assert record['tags'] == before['tags']
        except DocstoreError:
            pass
        finally:
            store.close()


# --------------------------------------------------------------------------- room


FULL = """
import resource, sys
import numpy as np
from docstore.errors import StorageFull, TransactionError
from docstore.stores.base import Insert
from docstore.stores.sqlite import open_sqlite
store = open_sqlite({'connection': sys.argv[1]})
inside = sys.argv[2] == 'inside'
def add(start, count):
    new = [{'id': str(i), 'text': 'x' * 500, 'embedding': np.full(8, i, 'f')}
           for i in range(start, start + count)]
    store.write([Insert(len(store), new)])
add(0, 500)
store.vectors()
before = len(store), store.sequence, store.vectors().lines.tolist()
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
if inside:
    store.begin()
    add(500, 10)
try:
    add(1000, 20000)
    if inside:  # SQLite may keep all of it in memory until then
        store.commit()
except StorageFull:
    print('full')
try:
    store.rollback()
except TransactionError:
    pass
assert before == (len(store), store.sequence, store.vectors().lines.tolist())
assert store.column('id') == [str(i) for i in range(500)]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
add(5000, 1)
assert store.read(store.lookup(['5000']))[0]['embedding'].tolist() == [5000.0] * 8
store.close()
store = open_sqlite({'connection': sys.argv[1]})
print(len(store), store.vectors().matrix[store.vectors().lines[-1]][0])
store.close()
"""


@pytest.mark.parametrize('where', ['alone', 'inside'])
def test_no_room(path, where):
    done = subprocess.run(
        [sys.executable, '-c', FULL, path, where],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.stderr) == ('full\n501 5000.0\n', '')


# --------------------------------------------------------------------------- kill


WRITER = """
import random, sys
import numpy as np
from docstore.stores.base import Delete, Insert, Update
from docstore.stores.sqlite import open_sqlite

path, seed, journal = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rng = random.Random(seed)
store = open_sqlite({'connection': path, 'journal_mode': journal})

def record(name, value):
    return {'id': name, 'text': value, 'tags': {'v': value},
            'embedding': np.full(4, float(value), 'f')}

print('ready', flush=True)
count = 0
while True:
    names = store.column('id')
    kind = rng.choice(['append', 'extend', 'delete', 'update', 'transaction', 'insert'])
    new = [f'{seed}-{count}-{i}' for i in range(1 if kind == 'append' else rng.randint(2, 40))]
    value = str(count)
    if kind == 'delete' and names:
        some = rng.sample(names, min(len(names), 5))
        plan = [['-', *some]]
        work = lambda: store.write([Delete(store.lookup(some).tolist())])
    elif kind == 'update' and names:
        some = rng.sample(names, min(len(names), 5))
        plan = [['=', value, *some]]
        work = lambda: store.write([Update(store.lookup(some).tolist(),
            [{k: v for k, v in record(n, value).items() if k != 'id'} for n in some])])
    elif kind == 'transaction':
        plan = [['+', value, *new], ['-', new[0]]]
        def work():
            store.begin()
            store.write([Insert(len(store), [record(n, value) for n in new])])
            store.write([Delete(store.lookup(new[:1]).tolist())])
            store.commit()
    else:
        at = len(store) if kind != 'insert' else rng.randint(0, len(store))
        plan = [['+', value, *new]]
        work = lambda: store.write([Insert(at, [record(n, value) for n in new])])
    print('try', plan, flush=True)
    work()
    print('did', flush=True)
    count += 1
"""


def replay(model, plan):
    for sign, *what in plan:
        if sign == '-':
            for name in what:
                del model[name]
        else:
            value, *some = what
            for name in some:
                model[name] = value
    return model


def kill_round(path, seed, journal, model):
    """One life of a writer; returns the content that it left."""
    child = subprocess.Popen(
        [sys.executable, '-c', WRITER, path, str(seed), journal],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == 'ready\n'
    timer = threading.Timer(random.Random(seed).uniform(0.005, 0.15), child.kill)
    timer.start()
    pending, text = None, child.stdout.read()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    for line in text.splitlines():
        if line.startswith('try') and line.endswith(']]'):
            pending = eval(line[4:])
        elif line == 'did':
            model, pending = replay(model, pending), None
    store = open_sqlite({'connection': path, 'journal_mode': journal})
    found = dict(zip(store.column('id'), store.column('text'), strict=True))
    allowed = [model] + ([replay(dict(model), pending)] if pending else [])
    assert found in allowed
    vectors = store.vectors()
    for name, line, one in zip(
        found, vectors.lines if vectors else [], store.read(store.rows()), strict=False
    ):
        assert vectors.matrix[line].tolist() == [float(found[name])] * 4
        assert one['tags'] == {'v': found[name]}
    store.close()
    return found


def kill_rounds(path, journal, count):
    model = {}
    for seed in range(count):
        model = kill_round(path, seed, journal, model)
    assert model
    user = sqlite3.connect(path)
    assert user.execute('PRAGMA integrity_check').fetchone() == ('ok',)
    user.close()


@pytest.mark.parametrize('journal', ['WAL', 'DELETE'])
def test_killed(path, journal):
    kill_rounds(path, journal, int(os.environ.get('DOCSTORE_KILL_ROUNDS', '6')))


# --------------------------------------------------------------------------- threads


def test_reading_while_writing(path):
    store = open_sqlite({'connection': path})
    store.write([Insert(0, records(300))])
    first = store.vectors()
    frozen = first.matrix.copy()
    stop, errors, reads = threading.Event(), [], [0]

    def read():
        rng = random.Random(1)
        try:
            while not stop.is_set():
                found = store.vectors()
                assert found.lines.max() < len(found.matrix)
                at = rng.randrange(250)
                record = store.read(store.rows(at, at + 1))[0]
                assert record['text'] == f'text {record["id"][1:]}'
                reads[0] += 1
        except BaseException as error:  # noqa: BLE001 - of any kind
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(300, 600):
        store.write([Insert(len(store), records(1, i))])
        if i % 10 == 0:
            store.write([Delete(store.rows(280, 281).tolist())])
    stop.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert reads[0]
    # What was handed out at the start is as it was.
    assert np.array_equal(first.matrix, frozen)
    store.close()


# --------------------------------------------------------------------------- refusals


def test_a_refused_write_changes_nothing(path):
    store = open_sqlite({'connection': path})
    store.write([Insert(0, records(5))])
    before = store.vectors()
    with pytest.raises(DuplicateId) as caught:
        store.write([Insert(0, [{'id': 'new'}, {'id': 'd3'}])])
    assert caught.value.id == 'd3'
    with pytest.raises(EncodeError, match=r"'bad'.*tags"):
        store.write([Insert(0, [{'id': 'bad', 'tags': {'x': object()}}])])
    with pytest.raises(DuplicateId):
        store.write([Update([0, 1], [{'id': 'd4'}, {'id': 'fine'}])])
    assert store.column('id') == [f'd{i}' for i in range(5)]
    # Nothing was forgotten either: the next search costs nothing.
    assert store.vectors() is before or store.vectors().matrix.base is before.matrix.base
    store.close()


def test_an_error_inside_a_transaction_keeps_what_was_before(path):
    store = open_sqlite({'connection': path})
    store.begin()
    store.write([Insert(0, records(2))])
    with pytest.raises(DuplicateId):
        store.write([Insert(0, records(1, 10)), Insert(0, records(1))])
    store.write([Insert(2, records(1, 2))])
    store.commit()
    assert store.column('id') == ['d0', 'd1', 'd2']
    assert len(store.vectors().lines) == 3
    store.close()


def test_a_transaction_that_sqlite_gave_up(path):
    store = open_sqlite({'connection': path})
    store.write([Insert(0, records(1))])
    store.begin()
    store.write([Insert(1, records(1, 1))])
    # As it does by itself after an I/O error.
    store._connection.execute(
        "CREATE TEMP TRIGGER t BEFORE INSERT ON docs BEGIN SELECT RAISE(ROLLBACK, 'no'); END"
    )
    with pytest.raises(DocstoreError):
        store.write([Insert(0, records(1, 2))])
    assert store.column('id') == ['d0']
    with pytest.raises(TransactionError):
        store.write([Insert(0, records(1, 2))])
    with pytest.raises(TransactionError):
        store.commit()
    store._connection.execute('DROP TRIGGER IF EXISTS t')
    store.write([Insert(1, records(1, 3))])
    assert store.column('id') == ['d0', 'd3']
    store.close()


def test_a_failed_sync_is_told(path, monkeypatch):
    store = open_sqlite({'connection': path})
    store.write([Insert(0, records(1))])

    def refuse(handle):
        raise OSError(5, 'Input/output error')

    monkeypatch.setattr(sqlite_sync.os, 'fsync', refuse)
    with pytest.raises(StorageError, match='could not be synced'):
        store.flush()
    monkeypatch.undo()
    # A second sync would tell nothing of what the first has lost.
    for use in (store.flush, lambda: store.write([Clear()])):
        with pytest.raises(StorageError):
            use()
    with pytest.raises(StorageError):
        store.close()
    store = open_sqlite({'connection': path})
    assert len(store) == 1
    store.close()


def test_single_writes_are_synced_soon(path, monkeypatch):
    synced = threading.Event()
    real = os.fsync

    def fsync(handle):
        real(handle)
        synced.set()

    monkeypatch.setattr(sqlite_sync.os, 'fsync', fsync)
    store = open_sqlite({'connection': path})
    store.write([Insert(0, records(1))])
    assert synced.wait(10)
    store.close()


# --------------------------------------------------------------------------- space


def test_compact_leaves_no_trace(path):
    store = open_sqlite({'connection': path})
    secret = np.frombuffer(b'VECTORSECRET' * 4, dtype=np.float32)
    new = [{**one, 'embedding': np.ones(12, np.float32)} for one in records(2000)]
    new[7].update(text='text SECRETWORD', tags={'k': 'SECRETTAG'}, embedding=secret)
    store.write([Insert(0, new)])
    store.write([Insert(0, [{**new[7], 'id': 'SECRETNAME'}])])
    assert b'SECRET' in b''.join(p.read_bytes() for p in path.parent.iterdir())
    gone = store.lookup(['d7', 'SECRETNAME']).tolist()
    some = store.rows(100, 1500).tolist()
    store.write([Delete(gone), Delete(some)])
    size = sum(p.stat().st_size for p in path.parent.iterdir())
    kept = store.read(store.rows())
    store.compact()
    assert sum(p.stat().st_size for p in path.parent.iterdir()) < size / 2
    found = store.read(store.rows())
    assert [one['id'] for one in found] == [one['id'] for one in kept]
    assert store.vectors().contiguous
    store.close()
    assert b'SECRET' not in b''.join(p.read_bytes() for p in path.parent.iterdir())


def test_changed_vectors_do_not_pile_up(path):
    store = open_sqlite({'connection': path})
    rows = store.write([Insert(0, records(500))])
    assert store.vectors().contiguous
    for i in range(30):
        matrix = np.full((400, DIM), i, dtype=np.float32)
        store.write([SetColumn(rows[:400], 'embedding', matrix)])
        found = store.vectors()
        assert (found.matrix[found.lines[:400]] == i).all()
        assert len(found.matrix) <= 2 * 500 + 4096 + 400
    store.close()


def test_insertions_at_one_place(path):
    """Ranks run out between neighbours and are spread anew, a few at a time."""
    store = open_sqlite({'connection': path})
    store.write([Insert(0, [{'id': f'old{i}'} for i in range(300)])])
    wanted = [f'old{i}' for i in range(300)]
    for i in range(200):
        store.write([Insert(150, [{'id': f'new{i}'}])])
        wanted.insert(150, f'new{i}')
    ranks = dict(store._connection.execute('SELECT id, rank FROM docs'))
    far = [f'old{i}' for i in (*range(40), *range(260, 300))]
    assert [ranks[name] for name in far] == [(int(name[3:]) + 1) << 32 for name in far]
    assert store.column('id') == wanted
    store.close()
    store = open_sqlite({'connection': path})
    assert store.column('id') == wanted
    store.close()


def test_ranks_that_reach_the_end(path):
    store = open_sqlite({'connection': path})
    store.write([Insert(0, [{'id': f'{i}'} for i in range(100)])])
    store.close()
    user = sqlite3.connect(path)
    with user:
        user.execute(f'UPDATE docs SET rank = rank + {(1 << 62) - (101 << 32)}')
    user.close()
    store = open_sqlite({'connection': path})
    for i in range(100, 110):
        store.write([Insert(len(store), [{'id': f'{i}'}])])
    assert store.column('id') == [str(i) for i in range(110)]
    store.close()


def test_a_stranger_to_threads_gets_errors_of_ours(path):
    connection = sqlite3.connect(':memory:')
    store = open_sqlite({'connection': connection})
    caught = []

    def use():
        try:
            store.read([1])
        except DocstoreError as error:
            caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert isinstance(caught[0], StorageError)
    store.close()
    connection.close()
