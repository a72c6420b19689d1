"""Transactions across blocks, processes and threads; the rest is in the conformance suite."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from docstore import Document, DocumentArray, errors
from docstore.testing.checks import contents, ids, make_docs, refuses, vectors

pytestmark = pytest.mark.parametrize('storage', ['sqlite', 'disk'])


class Stop(Exception):
    pass


def config_of(storage, path):
    return (
        {'path': str(path)} if storage == 'disk' else {'connection': str(path), 'table_name': 't'}
    )


@pytest.fixture
def da(storage, tmp_path):
    da = DocumentArray(make_docs(5), storage=storage, config=config_of(storage, tmp_path / 'x'))
    yield da
    da.close()


def killed(storage, path, code):
    """Another process does ``code`` with the array at ``path``, and is killed at its end."""
    program = textwrap.dedent(
        """
        import os, signal, sys
        from docstore import Document, DocumentArray
        from docstore.testing.checks import make_docs
        storage, path = sys.argv[1:]
        config = {'path': path} if storage == 'disk' else {'connection': path, 'table_name': 't'}
        da = DocumentArray(storage=storage, config=config)
        """
    )
    program += textwrap.dedent(code) + '\nos.kill(os.getpid(), signal.SIGKILL)\n'
    result = subprocess.run(
        [sys.executable, '-c', program, storage, str(path)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == -9, result.stderr


def reopened(storage, path):
    return DocumentArray(storage=storage, config=config_of(storage, path))


def test_what_returned_survives_a_kill(storage, tmp_path):
    killed(storage, tmp_path / 'x', """
        da.extend(make_docs(5))
        del da['d2']
        da[0].text = 'by view'
        da[3].tags['nested']['x'].append('in place')
        da.upsert([Document(id='d1', text='upserted')])
        da.reverse()
    """)  # fmt: skip
    da = reopened(storage, tmp_path / 'x')
    assert ids(da) == ['d4', 'd3', 'd1', 'd0']
    assert (da['d0'].text, da['d1'].text) == ('by view', 'upserted')
    assert da['d4'].tags['nested']['x'] == [4, {'y': 4}, 'in place']
    da.close()


def test_a_transaction_that_was_not_committed_is_undone_by_a_kill(storage, tmp_path):
    killed(storage, tmp_path / 'x', """
        da.extend(make_docs(5))
        da.__enter__()
        da.append(Document(id='lost'))
        da[0].text = 'lost'
        del da['d3']
        da.clear()
    """)  # fmt: skip
    da = reopened(storage, tmp_path / 'x')
    assert contents(da) == contents(make_docs(5))
    da.append(Document(id='d9'))
    assert ids(da)[-1] == 'd9'
    da.close()


def test_a_committed_transaction_survives_a_kill(storage, tmp_path):
    killed(storage, tmp_path / 'x', """
        with da:
            da.extend(make_docs(5))
            da[0].text = 'kept'
            del da['d3']
    """)  # fmt: skip
    da = reopened(storage, tmp_path / 'x')
    assert ids(da) == ['d0', 'd1', 'd2', 'd4']
    assert da[0].text == 'kept'
    da.close()


def test_a_failed_inner_block_undoes_the_outer_one(da):
    with refuses(errors.TransactionError, RuntimeError, 'undone'), da:
        da.append(Document(id='outer'))
        with pytest.raises(Stop), da:
            da.append(Document(id='inner'))
            raise Stop
        with refuses(errors.TransactionError, RuntimeError):
            da.append(Document(id='later'))
    assert contents(da) == contents(make_docs(5))
    da.append(Document(id='free again'))
    assert len(da) == 6


def test_closing_inside_a_block(da, storage, tmp_path):
    with pytest.raises(errors.DocstoreError), da:
        da.append(Document(id='new'))
        da.close()
        raise Stop
    again = reopened(storage, tmp_path / 'x')
    assert contents(again) == contents(make_docs(5))
    again.close()


def test_a_long_transaction(da):
    with da:
        for i in range(5, 300):
            da.append(make_docs(1, start=i)[0])
            if i % 3 == 0:
                da[i // 2].weight = float(i)
    assert len(da) == 300
    np.testing.assert_array_equal(da.embeddings, vectors(300))


def test_threads_may_read_while_one_writes(da):
    """A reader sees whole batches only: always as many documents of each kind."""
    problems, done = [], threading.Event()

    def read():
        try:
            while not done.is_set():
                kinds = da[:, 'tags__batch']
                counts = {kind: kinds.count(kind) for kind in kinds if kind is not None}
                assert all(count == 10 for count in counts.values()), counts
                assert len(da.find(np.ones(4, dtype=np.float32), limit=3)) == 3
        except BaseException as error:  # noqa: BLE001
            problems.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for batch in range(30):
        rows = vectors(10, seed=batch)
        da.extend(
            Document(id=f'{batch}-{i}', tags={'batch': batch}, embedding=row)
            for i, row in enumerate(rows)
        )
        if batch % 4 == 3:
            del da[[f'{batch - 2}-{i}' for i in range(10)]]
    done.set()
    for reader in readers:
        reader.join()
    assert not problems, problems[0]


def test_threads_may_write_in_turn(da):
    def write(name):
        for i in range(20):
            da.append(Document(id=f'{name}-{i}'))
            da[f'{name}-{i}'].text = name

    writers = [threading.Thread(target=write, args=(name,)) for name in 'abc']
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(da) == 65
    for name in 'abc':
        assert [doc.text for doc in da if doc.id.startswith(f'{name}-')] == [name] * 20
        assert [i for i in ids(da) if i.startswith(f'{name}-')] == [
            f'{name}-{i}' for i in range(20)
        ]
