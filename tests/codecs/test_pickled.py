"""The fence round pickles."""

from __future__ import annotations

import ast
import collections
import datetime as dt
import os
import pickle
import pickletools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import docstore
from docstore import _core
from docstore.codecs import pickled_parts
from docstore.codecs.pickled import PickleArrayCodec, PickleCodec
from docstore.errors import CorruptData, EncodeError, UnsupportedFormat


class Command:
    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


def test_nothing_outside_the_list_is_ever_called(tmp_path: Path) -> None:
    mark = tmp_path / 'mark'
    data = pickle.dumps([{'id': 'a', 'tags': {'x': Command(os.mkdir, str(mark))}}])
    with pytest.raises(UnsupportedFormat, match=r'posix\.mkdir.*trusted=True'):
        PickleCodec().loads(data)
    assert not mark.exists()
    PickleCodec(trusted=True).loads(data)
    assert mark.exists()


@pytest.mark.parametrize(
    'value',
    [
        Command(getattr, [], 'append'),
        Command(__import__, 'os'),
        Command(eval, '1'),
        dt.date(2020, 1, 1),
        np.array([None, 1]),
        np.zeros(1, 'i4,f4'),
        {1, 2},
        collections.Counter('a'),
        1j,
    ],
)
def test_other_classes_are_refused(value: Any) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps([{'id': 'a', 'tags': {'x': value}}], protocol=protocol)
        with pytest.raises(CorruptData):
            PickleCodec().loads(data)


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_records_of_any_pickle_protocol(protocol: int) -> None:
    record = {
        'id': 'a',
        'blob': b'\xff\x00',
        'tags': collections.OrderedDict(x=collections.defaultdict(int, y=1), z=(1, 2)),
        'embedding': np.arange(6.0).reshape(2, 3).T,
        'tensor': np.array([1, 2], '>i4'),
        'weight': np.float64(0.5),
    }
    back = PickleCodec().loads(pickle.dumps(record, protocol=protocol))
    np.testing.assert_array_equal(back.pop('embedding'), record['embedding'])
    np.testing.assert_array_equal(back['tensor'], [1, 2])
    assert back.pop('tensor').dtype == np.int32
    assert type(back['weight']) is float
    assert back == {
        'id': 'a',
        'blob': b'\xff\x00',
        'tags': {'x': {'y': 1}, 'z': [1, 2]},
        'weight': 0.5,
    }


def _global(module: str, name: str) -> bytes:
    return f'c{module}\n{name}\n'.encode()


@pytest.mark.parametrize(
    'build',
    [
        # attributes put on a class or a function of the list
        _global('collections', 'OrderedDict') + b'N}X\x08\0\0\0__init__K\x05s\x86b.',
        _global('numpy.core.multiarray', '_reconstruct') + b'}X\x01\0\0\0aK\x05sb.',
        _global('docarray.document', 'Document') + b'}X\x01\0\0\0aK\x05sb.',
        # objects without what makes them whole
        _global('docarray.document', 'Document') + b')\x81.',
        _global('docarray.array.memory', 'DocumentArrayInMemory') + b')\x81}b.',
        b']}X\x09\0\0\0embedding' + _global('numpy', 'dtype') + b')\x81sa.',
        b']}X\x09\0\0\0embedding' + _global('numpy', 'ndarray') + b')\x81sa.',
        b'Pname\n.',
        b'K\x01.',
        b'N.',
    ],
)
def test_pickles_that_misuse_the_list(build: bytes) -> None:
    before = dict(vars(pickled_parts._Ordered))
    for codec in (PickleCodec(), PickleArrayCodec()):
        with pytest.raises(CorruptData):
            codec.loads(b'\x80\x02' + build)
    assert dict(vars(pickled_parts._Ordered)) == before


def test_memo_places_that_would_fill_the_memory() -> None:
    for put in (b'r' + struct.pack('<I', 2**31 - 1), b'p2147483647\n', b'p2_147_483_647\n'):
        with pytest.raises(CorruptData, match='memo place'):
            PickleCodec().loads(b'\x80\x02]' + put + b'.')


@pytest.mark.parametrize(
    'nest',
    [
        b'N' + b'\x85' * 10**6,
        b'N' + b'(0\x85' * 10**6,
        b'N' + b'N\x86' * 10**6,
        b'(' * 10**6 + b't' * 10**6,
        b'N' + b'\x85\x94' * 10**6,
        b''.join(b'N\x94' + b'h%c\x85\x94' % bytes([i % 200]) for i in range(250)),
    ],
)
def test_tuples_too_deep_to_hash(nest: bytes) -> None:
    with pytest.raises(CorruptData):
        PickleCodec().loads(b'\x80\x04}' + nest + b'Ns.')


def test_parts_that_repeat_each_other() -> None:
    value: Any = ['x']
    for _ in range(40):
        value = [value] * 10
    with pytest.raises(CorruptData, match='too often'):
        PickleCodec().loads(pickle.dumps({'id': 'a', 'tags': {'x': value}}))
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(CorruptData, match='contains itself'):
        PickleCodec().loads(pickle.dumps({'id': 'a', 'tags': {'x': loop}}))


def test_the_scan_passes_what_unpickling_refuses() -> None:
    for data in (b'', b'\x00', b'\x80', b'0', b'(', b't', b'X\xff\xff\xff\xff', b'c', b'h'):
        _core.check_pickle(data)
        with pytest.raises(CorruptData):
            PickleCodec().loads(data)


def test_arrays_of_documents_are_not_one_document() -> None:
    data = pickle.dumps([{'id': 'a'}, {'id': 'b'}])
    with pytest.raises(CorruptData, match='one document, got 2'):
        PickleCodec().loads(data)


def test_what_is_written_is_plain() -> None:
    data = PickleArrayCodec().dumps({'id': 'a', 'tags': {'x': (1, np.float32(2))}})
    assert PickleArrayCodec().loads(data) == {'id': 'a', 'tags': {'x': [1, 2.0]}}
    named = {arg for code, arg, _ in pickletools.genops(data) if code.name == 'GLOBAL'}
    assert named == {'docarray.document Document', 'docarray.document.data DocumentData'}
    with pytest.raises(EncodeError, match=r'object of type datetime\.date'):
        PickleCodec().dumps({'id': 'a', 'tags': {'when': dt.date(2020, 1, 1)}})


def test_no_other_module_unpickles() -> None:
    package = Path(docstore.__file__).parent
    for path in package.rglob('*.py'):
        if path.name == 'workers.py':
            continue  # a worker process loads the function that its own parent has pickled
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                bare = isinstance(node.func.value, ast.Name) and node.func.value.id == 'pickle'
                assert not (bare and node.func.attr in {'load', 'loads'}), path
