"""The helper functions of legacy code, and the names of services that are gone."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest

import docstore
from docstore import DocumentArray, helper
from docstore.errors import InvalidArgument, StorageError, UnsupportedOperation
from docstore.removed import REMOVED


@pytest.mark.spec('1')
@pytest.mark.parametrize('name', REMOVED)
def test_names_of_services_say_what_to_use(name: str) -> None:
    holder, _, last = name.rpartition('.')
    place = {'docstore': docstore, 'DocumentArray': DocumentArray, 'docstore.helper': helper}
    called = getattr(place[holder], last)
    for kind in (UnsupportedOperation, NotImplementedError):
        with pytest.raises(kind) as caught:
            called('name', show_progress=True)
        assert name in str(caught.value)
        assert REMOVED[name] in str(caught.value)
    assert REMOVED[name] in called.__doc__


@pytest.mark.spec('14')
def test_they_are_methods_of_instances_too() -> None:
    with pytest.raises(UnsupportedOperation, match='save_binary'):
        DocumentArray().push('mine')


def test_login_can_be_imported() -> None:
    from docstore import login, logout

    for call in (login, logout, helper.login, helper.logout):
        with pytest.raises(UnsupportedOperation, match='leave the call out'):
            call()


pytestmark = pytest.mark.spec('20')


def test_identities() -> None:
    assert len({helper.random_identity() for _ in range(100)}) == 100
    assert len(helper.random_identity(use_uuid1=True)) == 32
    assert helper.random_uuid().version == 4
    assert helper.random_uuid(use_uuid1=True).version == 1


def test_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('JINA_RANDOM_PORT_MIN', raising=False)
    monkeypatch.delenv('JINA_RANDOM_PORT_MAX', raising=False)
    assert 49153 <= helper.random_port() <= 65535
    with socket.socket() as busy:
        busy.bind(('', 0))
        busy.listen()
        port = busy.getsockname()[1]
        monkeypatch.setenv('JINA_RANDOM_PORT_MIN', str(port))
        monkeypatch.setenv('JINA_RANDOM_PORT_MAX', str(port))
        with pytest.raises(StorageError, match=f'no port from {port} to {port} is free'):
            helper.random_port()
    monkeypatch.setenv('JINA_RANDOM_PORT_MAX', '1')
    with pytest.raises(InvalidArgument, match='is above'):
        helper.random_port()
    monkeypatch.setenv('JINA_RANDOM_PORT_MIN', 'many')
    with pytest.raises(InvalidArgument, match="JINA_RANDOM_PORT_MIN='many' must be a port"):
        helper.random_port()


def test_names_of_types() -> None:
    assert helper.typename(3) == 'builtins.int'
    assert helper.typename(str) == 'builtins.str'
    assert helper.typename(helper) == 'builtins.module'


def test_paths_into_dicts() -> None:
    data = {'a': {'b': 1, 'c': [1, {'d': 5}]}, 'x': None}
    found = [helper.dunder_get(data, path) for path in ('a__b', 'a__c__1__d', 'a__zz', 'zz')]
    assert found == [1, 5, None, None]
    doc = docstore.Document(text='t', tags={'k': {'m': 2}})
    assert helper.dunder_get(doc, 'tags__k__m') == 2
    with pytest.raises(AttributeError):
        helper.dunder_get(data, 'a__b__c')
    assert helper.filter_dict({'a': None, 'b': 0, 'c': ''}) == {'b': 0, 'c': ''}


def test_whole_numbers() -> None:
    assert [helper._safe_cast_int(value) for value in ('3', 3, 3.0)] == [3, 3, 3]
    for value in ('3.5', 'x', 3.2):
        with pytest.raises(ValueError):
            helper._safe_cast_int(value)


@dataclass
class Inner:
    x: int


@dataclass
class Outer:
    inner: Inner
    name: str = 'n'


def test_dataclasses() -> None:
    assert helper.dataclass_from_dict(Outer, {'inner': {'x': 3}}) == Outer(Inner(3))
    with pytest.raises(InvalidArgument, match="Outer has no field 'nam'; did you mean 'name'"):
        helper.dataclass_from_dict(Outer, {'nam': 3})


def test_old_names_of_functions() -> None:
    old = helper.deprecate_by(helper.typename, '2.0')
    with pytest.warns(DeprecationWarning, match=r'removed in version 2\.0: use typename') as caught:
        assert old(3) == 'builtins.int'
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ('path', 'expected'),
    [
        ('x', (None, None)),
        ('a/b.protobuf.gzip', ('protobuf', 'gzip')),
        ('x.pickle-array.lz4', ('pickle-array', 'lz4')),
        ('x.gzip', (None, 'gzip')),
        ('x.tar.gz', (None, 'gzip')),
        ('.hidden', (None, None)),
        ('x.gzip.protobuf', ('protobuf', 'gzip')),
    ],
)
def test_suffixes(path: str, expected: tuple[Any, Any]) -> None:
    assert helper.protocol_and_compress_from_file_path(path) == expected
    filled = (expected[0] or 'json', expected[1] or 'lz4')
    assert helper.protocol_and_compress_from_file_path(path, 'json', 'lz4') == filled


def test_suffixes_out() -> None:
    add = helper.add_protocol_and_compress_to_file_path
    assert add('x.bin', 'protobuf', 'gzip') == 'x.bin.protobuf.gzip'
    assert add('x', 'pickle') == 'x.pickle'
    assert add('x') == 'x'


@pytest.mark.parametrize('algorithm', ['gzip', 'bz2', 'lzma', 'zlib', 'lz4'])
def test_compression(algorithm: str) -> None:
    if algorithm == 'lz4':
        pytest.importorskip('lz4')
    data = b'data' * 100
    assert helper.decompress_bytes(helper.compress_bytes(data, algorithm), algorithm) == data
    file = BytesIO()
    write, read = (helper.get_compress_ctx(algorithm, mode) for mode in ('wb', 'rb'))
    assert write is not None
    assert read is not None
    with write(file) as out:
        out.write(data)
    assert len(file.getvalue()) < len(data)
    with read(BytesIO(file.getvalue())) as back:
        assert back.read() == data


def test_no_compression() -> None:
    assert helper.get_compress_ctx() is None
    assert helper.compress_bytes(b'abc') == b'abc'
    with pytest.raises(InvalidArgument, match="mode must be 'wb' or 'rb', not 'r'"):
        helper.get_compress_ctx('gzip', 'r')


def test_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ('GITHUB_ACTIONS', 'GITLAB_CI'):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv('CIRCLECI', 'true')
    shown = helper.get_full_version()
    assert shown['docstore'] == docstore.__version__
    assert {'protobuf', 'python', 'platform', 'architecture', 'uid', 'session-id'} <= set(shown)
    assert shown['ci-vendor'] == helper.get_ci_vendor() != 'unset'
    assert shown['session-id'] != helper.get_full_version()['session-id']


def test_cached_properties() -> None:
    class Counts:
        calls = 0

        @helper.cached_property
        def value(self) -> int:
            self.calls += 1
            return self.calls

    counts = Counts()
    assert (counts.value, counts.value) == (1, 1)
