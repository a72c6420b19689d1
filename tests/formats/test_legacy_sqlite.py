"""Databases and further files that docarray 0.21 wrote are read for ever (legacy/sqlite)."""

from __future__ import annotations

import csv
import gc
import hashlib
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore import DocumentArray, legacy
from docstore.codecs.compression import Limits
from docstore.errors import (
    CorruptData,
    CorruptStore,
    DuplicateId,
    InvalidArgument,
    InvalidConfig,
    InvalidType,
    NotAStore,
    StorageError,
    UnsupportedFormat,
)

HERE = Path(__file__).parent / 'legacy'
SQLITE = HERE / 'sqlite'
DATABASE = SQLITE / 'v0.21-arrays.db'
TABLES = ['articles', 'messages', 'packed', 'squeezed', 'shrunk', 'small', 'quick']
ORDER = [
    'first', 'full', 'tensor', 'fortran', 'big-endian', 'bools', 'list', 'ints', 'scalar', 'half',
    'last',
]  # fmt: skip
FILES = sorted(SQLITE.glob('v0.21-array.p*'))

pytestmark = [pytest.mark.spec('14'), pytest.mark.spec('16')]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A database of docarray that may be changed."""
    path = tmp_path / 'old.db'
    shutil.copy(DATABASE, path)
    return path


def change(path: Path, *statements: Any) -> None:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(*statement if isinstance(statement, tuple) else (statement,))
    connection.close()


def check(array: DocumentArray, table: str) -> None:
    assert array[:, 'id'] == ORDER
    full = array['full']
    assert full.text == 'häuser \U0001f600'
    assert full.tags['l'] == [1.0, {'x': 'y'}]
    assert full.chunks[0].chunks[0].text == 'deep'
    assert full.matches[0].scores['euclid'].value == 2.0
    np.testing.assert_array_equal(full.embedding, np.arange(4, dtype='f4'))
    assert array['fortran'].tensor.dtype == np.float64
    assert array['first'].text == 'put before the others'
    # Numbers of protobuf are floats; a pickle keeps them.
    kept = float if table in ('messages', 'packed', 'small') else int
    assert type(array['last'].tags['n']) is kept


# ------------------------------------------------------------------------ databases


def test_the_arrays_of_a_database() -> None:
    assert legacy.tables(DATABASE) == dict.fromkeys(TABLES, 11)


@pytest.mark.parametrize('table', TABLES)
def test_an_array_however_it_was_serialized(table: str) -> None:
    if table == 'quick':
        pytest.importorskip('lz4')
    array = legacy.load_sqlite(DATABASE, table)
    assert array.storage == 'memory'
    check(array, table)


@pytest.mark.parametrize(
    'table, how',
    [
        ('articles', {}),
        ('messages', {'protocol': 'protobuf'}),
        ('packed', {'protocol': 'protobuf', 'compress': 'gzip'}),
        ('squeezed', {'compress': 'zlib'}),
    ],
)
def test_what_docarray_was_told_may_be_said(table: str, how: dict[str, Any]) -> None:
    check(legacy.load_sqlite(DATABASE, table, serialize_config=how), table)


@pytest.mark.parametrize('storage', ['sqlite', 'disk'])
def test_into_a_store(storage: str, tmp_path: Path) -> None:
    key = 'connection' if storage == 'sqlite' else 'path'
    config = {key: str(tmp_path / 'new')}
    array = legacy.load_sqlite(DATABASE, 'articles', storage=storage, config=config)
    check(array, 'articles')
    array.close()
    with DocumentArray.open(tmp_path / 'new') as again:
        check(again, 'articles')
    again.close()


def test_one_after_the_other() -> None:
    stream = legacy.load_sqlite(DATABASE, 'articles', streaming=True)
    assert next(stream).id == 'first'
    assert [doc.id for doc in stream] == ORDER[1:]
    with pytest.raises(InvalidArgument, match='streaming'):
        legacy.load_sqlite(DATABASE, 'articles', streaming=True, storage='disk')


def test_progress(capsys: pytest.CaptureFixture[str]) -> None:
    legacy.load_sqlite(DATABASE, 'articles', show_progress=True)
    assert 'Reading articles' in capsys.readouterr().out
    legacy.load_sqlite(DATABASE, 'articles')
    assert capsys.readouterr().out == ''


def test_the_order_is_that_of_item_order(old: Path) -> None:
    change(
        old,
        "UPDATE articles SET item_order = -1 WHERE doc_id = 'last'",
        "UPDATE articles SET item_order = 500 WHERE doc_id = 'first'",
    )
    assert legacy.load_sqlite(old, 'articles')[:, 'id'] == ['last', *ORDER[1:-1], 'first']


def test_nothing_is_written(old: Path) -> None:
    change(old, 'PRAGMA journal_mode = WAL')
    before = digest(old), old.stat().st_mtime_ns
    legacy.load_sqlite(old, 'articles')
    legacy.tables(old)
    assert (digest(old), old.stat().st_mtime_ns) == before
    assert os.listdir(old.parent) == ['old.db']


def test_what_is_still_in_the_log_is_seen(old: Path) -> None:
    writer = sqlite3.connect(old)
    writer.execute('PRAGMA journal_mode = WAL')
    writer.execute("UPDATE articles SET doc_id = 'renamed', serialized_value = x'0a0178'"
                   " WHERE doc_id = 'last'")  # fmt: skip
    writer.commit()
    assert legacy.load_sqlite(old, 'articles')[-1].id == 'x'
    writer.close()


def test_a_write_meanwhile_is_told(old: Path) -> None:
    stream = legacy.load_sqlite(old, 'articles', streaming=True)
    next(stream)
    change(old, "DELETE FROM articles WHERE doc_id = 'last'")
    with pytest.raises(StorageError, match='written to while'):
        list(stream)


def test_the_table_of_a_subindex_is_no_array_of_its_own() -> None:
    path = SQLITE / 'v0.21-subindex.db'
    assert legacy.tables(path) == {'pages': 3, 'pagessubindexc': 3}
    array = legacy.load_sqlite(path)
    assert array[:, 'id'] == ['d0', 'd1', 'd2']
    assert array['@c', 'id'] == ['c0', 'c1', 'c2']
    assert legacy.load_sqlite(path, 'pagessubindexc')[:, 'id'] == ['c0', 'c1', 'c2']


@pytest.mark.parametrize('name', ['Articles', 'arti-cles', 'articles!'])
def test_names_of_tables_as_docarray_took_them(name: str) -> None:
    assert len(legacy.load_sqlite(DATABASE, name)) == 11


# ------------------------------------------------------------------- what cannot be read


def test_several_arrays_and_none_named() -> None:
    with pytest.raises(InvalidArgument, match="'articles', 'messages'"):
        legacy.load_sqlite(DATABASE)
    with pytest.raises(InvalidArgument, match="did you mean 'articles'"):
        legacy.load_sqlite(DATABASE, 'article')


@pytest.mark.parametrize(
    'call, error, match',
    [
        ({'table_name': 3}, InvalidType, 'table_name must be a str'),
        ({'serialize_config': 'gzip'}, InvalidType, 'must be a mapping'),
        ({'serialize_config': {'protocl': 'x'}}, InvalidConfig, "did you mean 'protocol'"),
        ({'serialize_config': {'protocol': 'json'}}, InvalidConfig, 'json'),
    ],
)
def test_wrong_arguments(call: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        legacy.load_sqlite(DATABASE, **{'table_name': 'articles', **call})


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='gone'):
        legacy.load_sqlite(tmp_path / 'gone.db')
    with pytest.raises(NotAStore, match='folder'):
        legacy.load_sqlite(tmp_path)
    with pytest.raises(InvalidType, match='NoneType'):
        legacy.load_sqlite(None)  # type: ignore[arg-type]
    text = tmp_path / 'text.db'
    text.write_text('no database, but long enough for one' * 100)
    with pytest.raises(NotAStore, match='not a SQLite database'):
        legacy.load_sqlite(text)
    other = tmp_path / 'other.db'
    change(other, 'CREATE TABLE metadata (name TEXT)')
    with pytest.raises(NotAStore, match='docarray did not write it'):
        legacy.load_sqlite(other)
    DocumentArray(storage='sqlite', config={'connection': str(tmp_path / 'own.db')}).close()
    with pytest.raises(NotAStore, match=r'DocumentArray\.open'):
        legacy.tables(tmp_path / 'own.db')


def test_a_table_that_is_noted_and_gone(old: Path) -> None:
    change(old, 'DROP TABLE packed')
    with pytest.raises(CorruptStore, match='packed') as caught:
        legacy.tables(old)
    assert caught.value.file == str(old)
    change(old, 'CREATE VIEW packed AS SELECT * FROM articles')  # not as docarray made it
    with pytest.raises(CorruptStore, match='packed'):
        legacy.load_sqlite(old, 'articles')


@pytest.mark.parametrize(
    'value, match',
    [
        (b'', 'no bytes'),
        ('text', 'no bytes'),
        (None, 'no bytes'),
        (b'\x80\x04broken', 'no sound pickle|truncated|pickle'),
        (b'\x1f\x8bbroken', 'gzip'),
        (b'\xff\xff\xff\xff', 'document'),
    ],
)
def test_a_damaged_value_is_named_and_nothing_is_kept(
    old: Path, tmp_path: Path, value: Any, match: str
) -> None:
    with sqlite3.connect(old) as connection:
        connection.execute('CREATE TABLE free (doc_id, serialized_value, item_order)')
        connection.execute('INSERT INTO free SELECT * FROM articles')
        connection.execute("UPDATE free SET serialized_value = ? WHERE doc_id = 'half'", (value,))
        connection.execute("INSERT INTO metadata VALUES ('free', '0', 'DocumentArraySqlite')")
    connection.close()
    config = {'path': str(tmp_path / 'new')}
    with pytest.raises(CorruptData, match=match) as caught:
        legacy.load_sqlite(old, 'free', storage='disk', config=config)
    for part in (str(old), "table 'free'", "document 'half'", 'item_order 9'):
        assert part in str(caught.value)
    assert (caught.value.table, caught.value.row) == ('free', 9)  # type: ignore[attr-defined]
    with DocumentArray(storage='disk', config=config) as array:
        assert len(array) == 0
    array.close()


class Hostile:
    def __reduce__(self) -> Any:
        return os.mkdir, ('made-by-a-pickle',)


def test_nothing_is_run(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps(Hostile())
    change(old, ("UPDATE articles SET serialized_value = ? WHERE doc_id = 'last'", (data,)))
    with pytest.raises(UnsupportedFormat, match=r'mkdir.*trusted=True'):
        legacy.load_sqlite(old, 'articles')
    assert not (tmp_path / 'made-by-a-pickle').exists()


def test_a_value_that_grows_too_much(old: Path) -> None:
    import gzip

    bomb = gzip.compress(bytes(50_000_000))
    change(old, ("UPDATE packed SET serialized_value = ? WHERE doc_id = 'last'", (bomb,)))
    with pytest.raises(CorruptData, match='decompresses to more than'):
        legacy.load_sqlite(old, 'packed')
    with pytest.raises(CorruptData, match='more than 10 bytes'):
        legacy.load_sqlite(DATABASE, 'packed', limits=Limits(size=10))


def test_documents_that_are_there_already(tmp_path: Path) -> None:
    config = {'path': str(tmp_path / 'new')}
    legacy.load_sqlite(DATABASE, 'articles', storage='disk', config=config).close()
    with pytest.raises(DuplicateId):
        legacy.load_sqlite(DATABASE, 'messages', storage='disk', config=config)
    more = legacy.load_sqlite(SQLITE / 'v0.21-subindex.db', storage='disk', config=config)
    assert more[:, 'id'] == [*ORDER, 'd0', 'd1', 'd2']
    more.close()


def test_not_into_the_file_that_is_read(old: Path) -> None:
    with pytest.raises(InvalidConfig, match='only read'):
        legacy.load_sqlite(old, 'articles', storage='sqlite', config={'connection': str(old)})


@pytest.mark.parametrize('name', [None, 'articles'])
def test_opening_it_as_a_store_tells_how_to_import_it(old: Path, name: str | None) -> None:
    before = digest(old)
    config = {'connection': str(old)} | ({'table_name': name} if name else {})
    with pytest.raises(NotAStore, match=r'docarray.*legacy\.load_sqlite') as caught:
        DocumentArray(storage='sqlite', config=config)
    # What is told works, word by word.
    call = str(caught.value).split('Import it: docstore.')[1].split('; or')[0]
    array = eval(call.replace('new.db', str(old.parent / 'new.db')), {'legacy': legacy})
    check(array, 'articles')
    array.close()
    assert digest(old) == before


def test_memory_does_not_grow_with_the_table(tmp_path: Path) -> None:
    path = tmp_path / 'big.db'
    change(
        path,
        'CREATE TABLE metadata (table_name TEXT, schema_version TEXT, container_type TEXT)',
        "INSERT INTO metadata VALUES ('big', '0', 'DocumentArraySqlite')",
        'CREATE TABLE big (doc_id TEXT, serialized_value, item_order INTEGER PRIMARY KEY)',
    )
    with sqlite3.connect(path) as connection:
        # 30000 Documents {id: 7 digits, blob: 2 KiB}, 60 MB, as protobuf
        connection.executemany(
            'INSERT INTO big VALUES (?, ?, ?)',
            (
                (f'{i:07}', b'\x0a\x07' + f'{i:07}'.encode() + b'\x12\x80\x10' + bytes(2048), i)
                for i in range(30_000)
            ),
        )
    connection.close()
    gc.collect()
    script = (
        'import resource, sys\n'
        'from docstore import legacy\n'
        'peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n'
        f'few = len(legacy.load_sqlite({str(DATABASE)!r}, "articles", storage="disk"'
        f', config={{"path": {str(tmp_path / "few")!r}}}))\n'
        'before = peak()\n'
        f'many = legacy.load_sqlite({str(path)!r}, storage="disk"'
        f', config={{"path": {str(tmp_path / "new")!r}}})\n'
        'unit = 1 if sys.platform == "darwin" else 1024\n'
        'print(len(many), (peak() - before) * unit)\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, check=True
    )
    count, grown = map(int, done.stdout.split())
    assert count == 30_000
    assert grown < 40 << 20, f'{grown >> 20} MiB more for 60 MB of Documents'


# ---------------------------------------------------------------------------- files


def test_the_samples_are_there() -> None:
    assert len(FILES) == 12


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_a_file_of_docarray(path: Path) -> None:
    array = DocumentArray.load_binary(path)
    assert array[:, 'id'] == [ORDER[1], 'empty', *ORDER[2:-1]]
    np.testing.assert_array_equal(array['full'].embedding, np.arange(4, dtype='f4'))
    assert array['full'].chunks[0].chunks[0].text == 'deep'


def test_csv_of_docarray() -> None:
    with (SQLITE / 'v0.21-array.csv').open(encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    array = DocumentArray.from_csv(
        str(SQLITE / 'v0.21-array.csv'),
        field_resolver={'tag__price': 'price', 'tag__kind': 'kind'},
    )
    assert array[:, 'id'] == ['r0', 'r1', 'r2']
    assert array.texts == [row['text'] for row in rows] == [f'row "{i}", ä' for i in range(3)]
    assert [float(price) for price in array[:, 'tags__price']] == [0.5, 1.5, 2.5]
