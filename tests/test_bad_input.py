"""Bad input at the door: names, configurations, paths, damaged and locked stores.

What an open array refuses is in ``docstore.testing.arrays.refusing``, run on
every storage.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from docstore import Document, DocumentArray, errors
from docstore.testing.checks import contents, ids, make_docs, refuses, vectors

pytestmark = [
    pytest.mark.spec('4'),
    pytest.mark.spec('5'),
    pytest.mark.spec('6'),
    pytest.mark.spec('7'),
    pytest.mark.spec('9'),
    pytest.mark.spec('14'),
]

STORED = ['sqlite', 'disk']


def config_of(storage, path):
    if storage == 'disk':
        return {'path': str(path)}
    return {'connection': str(path), 'table_name': 't'}


def open_stored(storage, path, docs=None):
    return DocumentArray(docs, storage=storage, config=config_of(storage, path))


def files_of(path):
    """The files of a store, biggest first; without those that only exist while it is open."""
    path = Path(path)
    files = [path] if path.is_file() else [p for p in path.rglob('*') if p.is_file()]
    return sorted((p for p in files if p.stat().st_size), key=lambda p: -p.stat().st_size)


def run(code, *args):
    """Another process: its output."""
    result = subprocess.run(
        [sys.executable, '-c', textwrap.dedent(code), *map(str, args)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


# -- names and configurations ------------------------------------------------


@pytest.mark.parametrize(
    ('name', 'near'), [('memmory', 'memory'), ('sqllite', 'sqlite'), ('dsk', 'disk')]
)
def test_unknown_storage(name, near):
    with refuses(errors.UnknownName, ValueError, f'storage={name!r}', f'did you mean {near!r}'):
        DocumentArray(storage=name)


@pytest.mark.parametrize('name', [None, 3, ''])
def test_what_is_no_storage(name):
    with pytest.raises(errors.DocstoreError):
        DocumentArray(storage=name)


@pytest.mark.parametrize(
    ('storage', 'key', 'near'),
    [('sqlite', 'conection', 'connection'), ('sqlite', 'tablename', 'table_name'),
     ('disk', 'pth', 'path'), ('disk', 'durabilty', 'durability'),
     ('annlite', 'ndim', 'n_dim'), ('annlite', 'datapath', 'data_path')],
)  # fmt: skip
def test_unknown_config_key(storage, key, near):
    with refuses(errors.InvalidConfig, KeyError, key, f'did you mean {near!r}'):
        DocumentArray(storage=storage, config={key: 'x'})


@pytest.mark.parametrize('storage', STORED)
@pytest.mark.parametrize(
    ('key', 'value'),
    [('durability', 'fsync'), ('metric', 'cosin'), ('n_dim', 0), ('n_dim', 'four'),
     ('n_dim', 2.5), ('index', 'hnws'), ('ef_search', -1)],
)  # fmt: skip
def test_config_values(storage, key, value, tmp_path):
    config = {**config_of(storage, tmp_path / 'x'), key: value}
    with refuses(errors.DocstoreError, ValueError, key if key != 'index' else 'hnws', value):
        DocumentArray(storage=storage, config=config)


@pytest.mark.parametrize('storage', STORED)
def test_vectors_of_another_length_than_configured(storage, tmp_path):
    da = DocumentArray(storage=storage, config={**config_of(storage, tmp_path / 'x'), 'n_dim': 3})
    with refuses(errors.DimensionMismatch, ValueError, 3, 4, array=da):
        da.append(Document(embedding=np.ones(4)))
    da.append(Document(id='fits', embedding=np.ones(3)))
    assert ids(da) == ['fits']
    da.close()


# -- making arrays -----------------------------------------------------------


@pytest.mark.parametrize('docs', [3, 1.5, object()])
def test_arrays_of_no_iterable(docs):
    with refuses(errors.InvalidType, TypeError, type(docs).__name__):
        DocumentArray(docs)


@pytest.mark.parametrize('docs', [['text'], [Document(), None], 'text', [3]])
def test_arrays_of_no_documents(docs):
    with refuses(errors.InvalidType, TypeError, 'Document'):
        DocumentArray(docs)


@pytest.mark.parametrize('storage', STORED)
def test_what_an_array_cannot_start_with_leaves_the_store_as_it_was(storage, tmp_path):
    """Giving documents replaces what is stored: all of it or nothing."""
    open_stored(storage, tmp_path / 'x', make_docs(3)).close()
    for bad in ([Document(id='a'), Document(id='a')], [Document(id='n'), 'no document'],
                [Document(id='n', embedding=np.array([1, np.nan]))]):  # fmt: skip
        with pytest.raises(errors.DocstoreError):
            open_stored(storage, tmp_path / 'x', bad)
        da = open_stored(storage, tmp_path / 'x')
        assert contents(da) == contents(make_docs(3))
        da.close()


@pytest.mark.parametrize('size', [-1, 2.5, 'many'])
def test_sizes(size):
    with pytest.raises(errors.DocstoreError) as caught:
        DocumentArray.empty(size)
    assert isinstance(caught.value, (ValueError, TypeError))


def test_constructors_are_of_the_class():
    with pytest.raises(AttributeError):
        _ = DocumentArray().from_ndarray


# -- paths -------------------------------------------------------------------


def test_open_of_nothing(tmp_path):
    with refuses(errors.DocstoreError, OSError, 'nothing-here'):
        DocumentArray.open(tmp_path / 'nothing-here')
    assert not (tmp_path / 'nothing-here').exists()


@pytest.mark.parametrize(
    'content', [b'', b'some text\n', b'\x00' * 5000, bytes(range(64)), b'PK\x03\x04']
)
def test_open_of_another_file(tmp_path, content):
    path = tmp_path / 'other'
    path.write_bytes(content)
    with refuses(errors.NotAStore, OSError, 'other'):
        DocumentArray.open(path)
    assert path.read_bytes() == content


def test_open_of_another_directory(tmp_path):
    (tmp_path / 'letter.txt').write_text('dear reader')
    with refuses(errors.NotAStore, OSError, tmp_path.name):
        DocumentArray.open(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ['letter.txt']


@pytest.mark.parametrize('storage', STORED)
def test_a_store_at_a_file_of_another_kind(storage, tmp_path):
    path = tmp_path / 'other'
    path.write_bytes(b'dear reader, this is no database\n' * 100)
    with refuses(errors.DocstoreError, OSError, 'other'):
        open_stored(storage, path, make_docs(1))
    assert path.read_bytes() == b'dear reader, this is no database\n' * 100


def test_a_disk_store_in_a_directory_with_other_things(tmp_path):
    (tmp_path / 'letter.txt').write_text('dear reader')
    with refuses(errors.NotAStore, OSError, tmp_path.name):
        open_stored('disk', tmp_path, make_docs(1))
    assert [p.name for p in tmp_path.iterdir()] == ['letter.txt']


@pytest.mark.parametrize('storage', STORED)
def test_a_path_below_a_file(storage, tmp_path):
    (tmp_path / 'file').write_text('x')
    with refuses(errors.StorageError, OSError, 'file'):
        open_stored(storage, tmp_path / 'file' / 'store')


@pytest.mark.parametrize('storage', STORED)
def test_open_finds_out_by_itself(storage, tmp_path):
    path = tmp_path / 'x'
    open_stored(storage, path, make_docs(3)).close()
    da = DocumentArray.open(path)
    assert da.storage == storage
    assert contents(da) == contents(make_docs(3))
    da.close()


# -- damage ------------------------------------------------------------------


@pytest.mark.parametrize('storage', STORED)
@pytest.mark.parametrize('seed', range(12))
def test_damage_is_found_or_harmless(storage, seed, tmp_path):
    """What was stored, a whole part of it, or a clear error; never other data."""
    rng = random.Random(seed)
    path = tmp_path / 'x'
    da = open_stored(storage, path, make_docs(40))
    da[::3, 'weight'] = 9.0
    del da[5:9]
    history = [contents(da[:0]), contents(make_docs(40)), contents(da)]
    da.close()
    target = rng.choice(files_of(path)[:6])
    data = bytearray(target.read_bytes())
    if seed % 3 == 0:
        del data[rng.randrange(len(data)) :]
    else:
        for _ in range(1 if seed % 3 == 1 else 30):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    target.write_bytes(bytes(data))

    known = {}
    for doc in (doc for version in history for doc in version):
        known.setdefault(doc['id'], []).append(doc)
    # A crash of the native code would take this process with it: so it happens in another one.
    found = run(
        """
        import json, sys
        from docstore import DocumentArray, errors
        from docstore.testing.checks import contents
        storage, path = sys.argv[1:]
        config = {'path': path} if storage == 'disk' else {'connection': path, 'table_name': 't'}
        try:
            da = DocumentArray(storage=storage, config=config)
            print(json.dumps(contents(da)))
        except errors.DocstoreError as error:
            assert isinstance(error, (errors.CorruptData, errors.StorageError)), repr(error)
            assert isinstance(error, (ValueError, OSError))
            assert path.rsplit('/')[-1] in str(error), f'which file? {error}'
            print('refused')
        """,
        storage, path,
    )  # fmt: skip
    if found == 'refused':
        return
    import json

    for doc in json.loads(found):
        assert doc in json.loads(json.dumps(known.get(doc['id'], []))), 'this was never stored'


@pytest.mark.parametrize(('old', 'new'), [('exact', 'exacp'), ('cosine', 'cosinf'), ('{', '[')])
def test_a_damaged_configuration_in_a_database(old, new, tmp_path):
    path = tmp_path / 'x'
    open_stored('sqlite', path, make_docs(3)).close()
    data = path.read_bytes()
    at = data.index(b'{"index"')
    end = data.index(b'}', at)
    assert old.encode() in data[at:end]
    damaged = data[at:end].replace(old.encode(), new.encode(), 1)
    path.write_bytes(data[:at] + damaged + data[end:])
    with refuses(errors.CorruptStore, OSError, 'index', path):
        DocumentArray.open(path)


@pytest.mark.parametrize('storage', STORED)
def test_a_reader_of_a_damaged_store_leaves_it_as_it_is(storage, tmp_path):
    path = tmp_path / 'x'
    open_stored(storage, path, make_docs(200)).close()
    target = files_of(path)[0]
    data = bytearray(target.read_bytes())
    data[len(data) // 2] ^= 0xFF
    target.write_bytes(bytes(data))
    try:
        da = DocumentArray.open(path, read_only=True)
        contents(da)
    except errors.DocstoreError:
        pass
    else:
        da.close()
    assert target.read_bytes() == bytes(data)


# -- other processes, and no room --------------------------------------------


@pytest.mark.parametrize('storage', STORED)
def test_a_store_that_another_process_writes(storage, tmp_path):
    path = tmp_path / 'x'
    da = open_stored(storage, path, make_docs(3))
    said = run(
        """
        import sys
        from docstore import Document, DocumentArray, errors
        storage, path = sys.argv[1:]
        config = {'path': path} if storage == 'disk' else {'connection': path, 'table_name': 't'}
        try:
            da = DocumentArray(storage=storage, config=config)
            da.append(Document(id='from the other process'))
        except errors.StoreLocked as error:
            assert isinstance(error, OSError)
            print(error.pid, path in str(error))
        """,
        storage, path,
    )  # fmt: skip
    assert said in (f'{os.getpid()} True', '0 True')
    da.append(Document(id='after'))
    assert len(da) == 4
    da.close()
    assert (
        run(
            """
        import sys
        from docstore import Document, DocumentArray
        with DocumentArray.open(sys.argv[1]) as da:
            da.append(Document(id='free again'))
        print(len(da))
        """,
            path,
        )
        == '5'
    )


@pytest.mark.parametrize('storage', STORED)
def test_readers_in_other_processes(storage, tmp_path):
    path = tmp_path / 'x'
    da = open_stored(storage, path, make_docs(3))
    said = run(
        """
        import sys
        from docstore import Document, DocumentArray, errors
        da = DocumentArray.open(sys.argv[1], read_only=True)
        print(len(da), da[1].text)
        add, change = lambda: da.append(Document()), lambda: setattr(da[0], 'text', 'x')
        for change in (add, change, da.clear):
            try:
                change()
            except errors.ReadOnlyStore as error:
                assert isinstance(error, OSError)
            else:
                raise SystemExit('a reader could write')
        """,
        path,
    )
    assert said == '3 text 1'
    assert contents(da) == contents(make_docs(3))
    da.close()


@pytest.mark.parametrize('storage', STORED)
def test_no_room(storage, tmp_path):
    """No file may grow beyond a limit: as a full disk, but without one."""
    path = tmp_path / 'x'
    said = run(
        """
        import resource, sys
        import numpy as np
        from docstore import Document, DocumentArray, errors
        from docstore.testing.checks import contents, make_docs
        storage, path = sys.argv[1:]
        config = {'path': path} if storage == 'disk' else {'connection': path, 'table_name': 't'}
        da = DocumentArray(make_docs(20), storage=storage, config=config)
        da.flush()
        expected = contents(da)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
        big = [Document(id=f'big {i}', blob=bytes([i]) * 100_000) for i in range(40)]
        for attempt in range(3):
            try:
                da.extend(big)
            except errors.StorageError as error:
                assert isinstance(error, OSError)
                assert contents(da) == expected
            else:
                raise SystemExit('there was room')
        da.append(Document(id='small', text='fits'))
        print(len(da), da['small'].text)
        da.close()
        """,
        storage, path,
    )  # fmt: skip
    assert said == '21 fits'
    da = open_stored(storage, path)
    assert contents(da[:20]) == contents(make_docs(20))
    assert da[20].id == 'small'
    np.testing.assert_array_equal(da[:20].embeddings, vectors(20))
    da.close()


# -- errors as objects -------------------------------------------------------


def test_every_error_is_of_the_tree():
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, errors.DocstoreError)
        builtin = [
            base
            for base in kind.__mro__
            if base.__module__ == 'builtins' and base not in (Exception, BaseException, object)
        ]
        assert builtin or kind is errors.DocstoreError, f'{name} is no built-in error'


def test_errors_can_be_pickled():
    import pickle

    da = DocumentArray(make_docs(2))
    with pytest.raises(errors.DocumentNotFound) as caught:
        da['nobody']
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is errors.DocumentNotFound
    assert str(again) == str(caught.value)
    assert "'nobody'" in str(again)
    assert not str(again).startswith('"'), 'a KeyError would show its message in quotes'
