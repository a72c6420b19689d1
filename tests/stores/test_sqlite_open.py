"""Opening SQLite stores: configurations, foreign files, locks, readers, forks."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from docstore.errors import (
    DimensionMismatch,
    InvalidConfig,
    NotAStore,
    ReadOnlyStore,
    StorageError,
    StoreClosed,
    StoreLocked,
    TransactionError,
    UnsupportedFormat,
)
from docstore.stores.base import Insert, Update
from docstore.stores.sqlite import open_sqlite

pytestmark = pytest.mark.spec('16')


def put(store, *ids, **fields):
    return store.write([Insert(len(store), [{'id': name, **fields} for name in ids])])


def names(store):
    return store.column('id')


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'a.db'


# --------------------------------------------------------------------------- configurations


@pytest.mark.parametrize(
    ('config', 'hint'),
    [
        ({'conection': 'x'}, "did you mean 'connection'"),
        ({'connection': 3}, 'int'),
        ({'connection': ''}, 'not a path'),
        ({'table_name': 3}, 'str'),
        ({'table_name': 'sqlite_x'}, 'reserved'),
        ({'table_name': 'docs_vector_tail'}, 'reserved'),
        ({'journal_mode': 'OFF'}, 'crash'),
        ({'journal_mode': 'WALL'}, "did you mean 'WAL'"),
        ({'durability': 'ful'}, "did you mean 'full'"),
        ({'synchronous': 'never'}, "'OFF'"),
        ({'list_like': False}, 'list_like'),
        ({'conn_config': {'timeot': 1}}, "did you mean 'timeout'"),
        ({'conn_config': {'timeout': -1}}, 'seconds'),
        ({'conn_config': 7}, 'mapping'),
        ({'read_only': 1}, 'bool'),
        ({'read_only': True}, 'path'),
        ({'n_dim': 0}, 'n_dim'),
        ({'metric': 'cosin'}, "did you mean 'cosine'"),
        ('x.db', 'mapping'),
    ],
)
def test_bad_configurations(config, hint):
    with pytest.raises(InvalidConfig) as caught:
        open_sqlite(config)
    assert hint in str(caught.value)


def test_a_table_name_is_cleaned_with_a_warning(path):
    with pytest.warns(UserWarning, match="'myta_ble'"):
        store = open_sqlite({'connection': path, 'table_name': 'my ta-_ble"'})
    put(store, 'a')
    store.close()
    # A name is not needed to find the only array of a file.
    store = open_sqlite({'connection': str(path)})
    assert names(store) == ['a']
    assert store.config['table_name'] == 'myta_ble'
    store.close()
    with pytest.raises(InvalidConfig):
        open_sqlite({'connection': path, 'table_name': '-'})


def test_legacy_keys_are_taken(path):
    config = {
        'connection': path,
        'serialize_config': {},
        'list_like': True,
        'root_id': True,
        'synchronous': 'OFF',
        'conn_config': {'timeout': 1, 'check_same_thread': False},
    }
    store = open_sqlite(config)
    assert store.info()['durability'] == 'normal'
    assert store._connection.execute('PRAGMA synchronous').fetchone() == (1,)
    store.close()
    store = open_sqlite({**config, 'synchronous': 'FULL'})
    assert store.info()['durability'] == 'full'
    assert store._connection.execute('PRAGMA synchronous').fetchone() == (2,)
    reopened = store.config
    store.close()
    store = open_sqlite(reopened)
    assert store.config == reopened
    store.close()


def test_a_temporary_store_leaves_nothing():
    store = open_sqlite()
    folder = Path(store.info()['path']).parent
    put(store, 'a')
    assert folder.is_dir()
    store.close()
    assert not folder.exists()
    store = open_sqlite(None)
    folder = Path(store.info()['path']).parent
    del store
    gc.collect()
    assert not folder.exists()


def test_databases_in_memory_are_apart():
    first, second = (open_sqlite({'connection': ':memory:'}) for _ in range(2))
    put(first, 'a')
    assert len(second) == 0
    first.compact()
    first.close()
    second.close()


def test_a_connection_of_the_user(path):
    user = sqlite3.connect(path)
    user.row_factory = sqlite3.Row
    store = open_sqlite({'connection': user, 'table_name': 't'})
    put(store, 'a', text='hello')
    assert [tuple(row) for row in user.execute('SELECT id, text FROM t')] == [('a', 'hello')]
    store.close()
    user.execute('CREATE TABLE own (x)')
    user.execute('INSERT INTO own VALUES (1)')
    with pytest.raises(InvalidConfig, match='transaction'):
        open_sqlite({'connection': user})
    user.close()
    memory = sqlite3.connect(':memory:')
    store = open_sqlite({'connection': memory})
    put(store, 'a')
    store.close()
    assert memory.execute('SELECT id FROM docs').fetchall() == [('a',)]
    memory.close()


def test_the_index_configuration_is_kept(path):
    store = open_sqlite({'connection': path, 'index': 'hnsw', 'metric': 'ip', 'n_dim': 3})
    with pytest.raises(DimensionMismatch):
        put(store, 'a', embedding=[1.0, 2.0])
    put(store, 'a', embedding=[1.0, 2.0, 3.0])
    assert store.index_path.parent == path.parent
    assert not store.index_path.suffix
    store.close()
    store = open_sqlite({'connection': path, 'ef_search': 99})
    found = store.index_config
    assert (found.index, found.metric, found.n_dim, found.ef_search) == ('hnsw', 'ip', 3, 99)
    store.close()
    with pytest.raises(InvalidConfig, match='n_dim'):
        open_sqlite({'connection': path, 'n_dim': 4})
    store = open_sqlite({'connection': path, 'read_only': True})
    assert store.index_config.ef_search == 99
    store.close()


# --------------------------------------------------------------------------- foreign files


def test_what_is_no_database(tmp_path):
    text = tmp_path / 'text.db'
    text.write_text('this is not a database, it is a text that is long enough' * 50)
    with pytest.raises(NotAStore):
        open_sqlite({'connection': text})
    assert text.read_text().startswith('this is')
    with pytest.raises(NotAStore, match='directory'):
        open_sqlite({'connection': tmp_path})
    with pytest.raises(StorageError, match='no folder'):
        open_sqlite({'connection': tmp_path / 'no' / 'a.db'})
    with pytest.raises(StorageError, match='does not exist'):
        open_sqlite({'connection': tmp_path / 'none.db', 'read_only': True})
    assert sorted(p.name for p in tmp_path.iterdir()) == ['text.db']


def test_beside_tables_of_the_user(path):
    with sqlite3.connect(path) as user:
        user.execute('CREATE TABLE docs (x)')
        user.execute('CREATE TABLE other (x)')
        user.execute('INSERT INTO other VALUES (7)')
    user.close()
    with pytest.raises(NotAStore, match='did not make'):
        open_sqlite({'connection': path})
    with pytest.raises(NotAStore, match='no docstore array'):
        open_sqlite({'connection': path, 'table_name': 'mine', 'read_only': True})
    store = open_sqlite({'connection': path, 'table_name': 'mine'})
    put(store, 'a')
    store.compact()
    store.close()
    user = sqlite3.connect(path)
    assert user.execute('SELECT x FROM other').fetchall() == [(7,)]
    assert user.execute('PRAGMA application_id').fetchone() == (0,)
    user.close()


def test_tables_of_docarray(path):
    user = sqlite3.connect(path)
    user.execute(
        'CREATE TABLE metadata (table_name TEXT PRIMARY KEY, schema_version TEXT, '
        'container_type TEXT)'
    )
    user.execute("INSERT INTO metadata VALUES ('old', '0', 'DocumentArray')")
    user.execute(
        'CREATE TABLE old (doc_id TEXT NOT NULL UNIQUE, serialized_value BLOB, '
        'item_order INTEGER PRIMARY KEY)'
    )
    user.commit()
    user.close()
    for config in ({}, {'table_name': 'old'}):
        with pytest.raises(NotAStore, match='docarray') as caught:
            open_sqlite({'connection': path, **config})
        assert 'Import' in str(caught.value)
    store = open_sqlite({'connection': path, 'table_name': 'new'})
    put(store, 'a')
    store.close()


def test_several_arrays_in_a_file(path):
    one = open_sqlite({'connection': path, 'table_name': 'one'})
    two = open_sqlite({'connection': path, 'table_name': 'two'})
    put(one, 'a')
    put(two, 'a', 'b')
    one.begin()
    put(one, 'c')
    one.commit()
    assert (names(one), names(two)) == (['a', 'c'], ['a', 'b'])
    one.close()
    put(two, 'd')
    two.close()
    with pytest.raises(InvalidConfig, match="'one', 'two'"):
        open_sqlite({'connection': path})


def test_a_newer_format(path):
    open_sqlite({'connection': path}).close()
    with sqlite3.connect(path) as user:
        user.execute('UPDATE docstore_tables SET format = 99')
    user.close()
    with pytest.raises(UnsupportedFormat, match='99'):
        open_sqlite({'connection': path})


def test_the_file_says_who_made_it(path):
    store = open_sqlite({'connection': path})
    put(store, 'a', text='hello', tags={'x': {'y': 1}})
    store.close()
    assert not path.with_name('a.db-wal').exists()
    user = sqlite3.connect(path)
    assert user.execute('PRAGMA application_id').fetchone() == (0x64637374,)
    assert user.execute('PRAGMA user_version').fetchone() == (1,)
    found = user.execute("SELECT text, json_extract(tags, '$.x.y') FROM docs").fetchall()
    assert found == [('hello', 1)]
    assert user.execute('PRAGMA integrity_check').fetchone() == ('ok',)
    user.close()


# --------------------------------------------------------------------------- processes


def run(code, *arguments, **options):
    return subprocess.run(
        [sys.executable, '-c', textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


OPEN = """
import sys
from docstore.errors import StoreLocked
from docstore.stores.sqlite import open_sqlite
try:
    store = open_sqlite({'connection': sys.argv[1], 'table_name': sys.argv[2]})
    print('open')
except StoreLocked as error:
    print('locked by', error.pid)
"""


def test_one_writer_process(path):
    store = open_sqlite({'connection': path, 'table_name': 'one'})
    put(store, 'a')
    assert run(OPEN, path, 'one').stdout == f'locked by {os.getpid()}\n'
    # Another array of the file is another store.
    assert run(OPEN, path, 'two').stdout == 'open\n'
    other = open_sqlite({'connection': path, 'table_name': 'three'})
    other.close()
    assert run(OPEN, path, 'one').stdout.startswith('locked')
    store.close()
    assert run(OPEN, path, 'one').stdout == 'open\n'


def test_one_writer_in_this_process(path):
    store = open_sqlite({'connection': path})
    with pytest.raises(StoreLocked, match='already open') as caught:
        open_sqlite({'connection': path})
    assert caught.value.pid == os.getpid()
    put(store, 'a')
    # What nobody can reach any more is in nobody's way.
    cycle = [store]
    cycle.append(cycle)
    del store, cycle
    store = open_sqlite({'connection': path})
    assert names(store) == ['a']
    store.close()


def test_readers_see_snapshots(path):
    writer = open_sqlite({'connection': path})
    put(writer, 'a', embedding=[1.0])
    reader = open_sqlite({'connection': path, 'read_only': True})
    version = reader.version
    assert not reader.refresh()
    put(writer, 'b', embedding=[2.0])
    writer.begin()
    put(writer, 'c')
    assert names(reader) == ['a']
    assert len(reader.vectors().lines) == 1
    assert reader.refresh()
    assert reader.version > version
    assert names(reader) == ['a', 'b']
    assert reader.sequence == writer.sequence == 2
    assert len(reader.vectors().lines) == 2
    writer.commit()
    assert reader.refresh()
    assert names(reader) == ['a', 'b', 'c']
    for change in (reader.begin, reader.compact, lambda: put(reader, 'd')):
        with pytest.raises(ReadOnlyStore):
            change()
    assert not writer.refresh()
    reader.flush()
    reader.close()
    writer.close()


def test_a_database_that_somebody_else_locks(path):
    store = open_sqlite({'connection': path, 'conn_config': {'timeout': 0}})
    put(store, 'a')
    user = sqlite3.connect(path, isolation_level=None)
    user.execute('BEGIN IMMEDIATE')
    for change in (store.begin, lambda: put(store, 'b')):
        with pytest.raises(StoreLocked):
            change()
    user.execute('ROLLBACK')
    user.close()
    put(store, 'b')
    assert names(store) == ['a', 'b']
    store.close()


def test_a_fork_keeps_off(path):
    code = """
    import os, sys
    from docstore.errors import StorageError
    from docstore.stores.base import Insert
    from docstore.stores.sqlite import open_sqlite
    store = open_sqlite({'connection': sys.argv[1]})
    store.write([Insert(0, [{'id': 'a'}])])
    child = os.fork()
    if not child:
        try:
            len(store)
        except StorageError as error:
            assert 'before a fork' in str(error), error
        else:
            os._exit(1)
        store.close()
        sys.exit(0)  # with everything that Python does at its end
    assert os.waitpid(child, 0)[1] == 0
    store.write([Insert(1, [{'id': 'b'}])])
    print(store.column('id'))
    """
    done = run(code, path)
    assert (done.stdout, done.stderr) == ("['a', 'b']\n", '')
    temporary = run(code.replace("{'connection': sys.argv[1]}", '{}'))
    assert (temporary.stdout, temporary.stderr) == ("['a', 'b']\n", '')


def test_the_end_of_a_program_closes(path):
    code = """
    import sys
    from docstore.stores.base import Insert
    from docstore.stores.sqlite import open_sqlite
    store = open_sqlite({'connection': sys.argv[1]})
    store.write([Insert(0, [{'id': 'a'}])])
    store.begin()
    store.write([Insert(0, [{'id': 'b'}])])
    """
    done = run(code, path)
    assert (done.returncode, done.stderr) == (0, '')
    store = open_sqlite({'connection': path})
    assert names(store) == ['a']
    store.close()


def test_closing(path):
    store = open_sqlite({'connection': path})
    store.begin()
    rows = put(store, 'a')
    store.close()
    store.close()
    for use in (lambda: len(store), lambda: store.read(rows), store.begin, store.flush):
        with pytest.raises(StoreClosed):
            use()
    store = open_sqlite({'connection': path})
    assert len(store) == 0
    store.close()


def test_transactions_out_of_place():
    store = open_sqlite({'connection': ':memory:'})
    for end in (store.commit, store.rollback):
        with pytest.raises(TransactionError):
            end()
    store.begin()
    with pytest.raises(TransactionError):
        store.begin()
    with pytest.raises(TransactionError):
        store.compact()
    rows = put(store, 'a')
    store.write([Update(rows.tolist(), [{'embedding': np.ones(2, 'f')}])])
    assert store.sequence == 0
    store.rollback()
    assert store.vectors() is None
    store.close()
