"""Reading URIs: files, data URIs, and what a policy allows."""

from __future__ import annotations

import os
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore import Document
from docstore.errors import CorruptData, InvalidArgument, UriError, UriNotFound, UriRefused
from docstore.media import datauris
from docstore.media.uris import TRUSTED, UriPolicy, read, suffix_of_uri

pytestmark = pytest.mark.spec('2.8')

WORDS = 'héllo, wörld'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / 'a file.txt'
    file.write_bytes(WORDS.encode())
    return file


# -- files -----------------------------------------------------------------


def test_a_path_and_a_file_uri(path: Path) -> None:
    for uri in (str(path), path.as_uri(), path.as_uri().replace('file://', 'file://localhost')):
        doc = Document(uri=uri)
        assert doc.load_uri_to_text() is doc
        assert doc.text == WORDS
        assert doc.content_type == 'text'
        assert doc.load_uri_to_blob().blob == WORDS.encode()
        assert doc.text == ''
    assert read(path) == WORDS.encode()


def test_a_relative_path(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    assert Document(uri=path.name).load_uri_to_text().text == WORDS


def test_a_name_with_a_colon_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path('a:b.txt').write_text('x', encoding='utf-8')
    assert Document(uri='a:b.txt').load_uri_to_text().text == 'x'


def test_charset(path: Path, refused: Any) -> None:
    doc = Document(uri=str(path))
    assert doc.load_uri_to_text(charset='latin-1').text == WORDS.encode().decode('latin-1')
    assert 'charset' in str(refused(doc, ValueError, 'load_uri_to_text', charset='ascii'))
    refused(doc, ValueError, 'load_uri_to_text', charset='no such charset')


LOADERS: list[tuple[str, tuple[Any, ...]]] = [
    ('load_uri_to_text', ()),
    ('load_uri_to_blob', ()),
    ('convert_uri_to_datauri', ()),
    ('save_uri_to_file', (BytesIO(),)),
    ('load_uri_to_image_tensor', ()),
    ('load_uri_to_audio_tensor', ()),
    ('load_uri_to_video_tensor', ()),
    ('load_uri_to_point_cloud_tensor', (9,)),
    ('load_uri_to_vertices_and_faces', ()),
]


@pytest.mark.parametrize(
    'uri', ['', 'no such file', 'ftp://example.org/x', 'file:///no/such', 'a\0b']
)
@pytest.mark.parametrize(('name', 'arguments'), LOADERS)
def test_nothing_is_there(name: str, arguments: tuple[Any, ...], uri: str, refused: Any) -> None:
    error = refused(Document(uri=uri, text='kept'), FileNotFoundError, name, *arguments)
    assert isinstance(error, UriNotFound)
    assert str(error).startswith('uri of document')


def test_a_folder(tmp_path: Path, refused: Any) -> None:
    refused(Document(uri=str(tmp_path)), OSError, 'load_uri_to_blob')


def test_a_file_of_another_machine(refused: Any) -> None:
    refused(Document(uri='file://elsewhere/x'), PermissionError, 'load_uri_to_blob')


@pytest.mark.skipif(os.geteuid() == 0, reason='root may read everything')
def test_a_file_that_may_not_be_read(path: Path, refused: Any) -> None:
    path.chmod(0)
    refused(Document(uri=str(path)), OSError, 'load_uri_to_blob')


def test_a_uri_must_be_text() -> None:
    with pytest.raises(TypeError):
        read(3)


@given(st.sampled_from(['', 'file:', 'file://', 'file:///no/such/', 'no/such/']), st.text())
def test_any_path_is_read_or_refused(head: str, tail: str) -> None:
    try:
        assert isinstance(read(head + tail), bytes)
    except (UriError, CorruptData):
        pass


# -- policies --------------------------------------------------------------


def test_the_default_trusts() -> None:
    assert set(TRUSTED.schemes) == {'file', 'http', 'https', 'data'}
    assert (TRUSTED.max_bytes, TRUSTED.timeout, TRUSTED.max_decoded) == (None, None, None)


@pytest.mark.parametrize(('name', 'arguments'), LOADERS)
def test_a_scheme_that_is_not_allowed(
    name: str, arguments: tuple[Any, ...], path: Path, refused: Any
) -> None:
    policy = UriPolicy(schemes=('https',))
    for uri in (str(path), path.as_uri(), 'http://localhost/', 'HTTP://localhost/'):
        error = refused(Document(uri=uri), PermissionError, name, *arguments, policy=policy)
        assert isinstance(error, UriRefused)


def test_data_uris_can_be_refused() -> None:
    with pytest.raises(UriRefused, match='allows nothing'):
        read('data:,x', UriPolicy(schemes=()))


def test_the_size_of_files_is_limited(path: Path, refused: Any) -> None:
    size = path.stat().st_size
    doc = Document(uri=str(path))
    refused(doc, PermissionError, 'load_uri_to_blob', policy=UriPolicy(max_bytes=size - 1))
    assert doc.load_uri_to_blob(policy=UriPolicy(max_bytes=size)).blob == WORDS.encode()


def test_devices_have_no_size() -> None:
    with pytest.raises(UriRefused, match='device'):
        read('/dev/zero', UriPolicy(max_bytes=100))
    with pytest.raises(UriRefused, match='device'):
        read('/dev/zero', UriPolicy(timeout=1))


@pytest.mark.parametrize('tail', [',' + 'x' * 101, ';base64,' + 'eHh4' * 34, ',' + '%41' * 101])
def test_the_size_of_data_uris_is_limited(tail: str) -> None:
    uri = 'data:text/plain' + tail
    with pytest.raises(UriRefused, match='100 bytes'):
        read(uri, UriPolicy(max_bytes=100))
    assert len(read(uri, UriPolicy(max_bytes=102))) in (101, 102)


def test_a_long_type_is_no_content() -> None:
    head = 'data:application/vnd.openxmlformats-officedocument;charset=utf-8;base64,'
    assert read(head + 'QUI=', UriPolicy(max_bytes=2)) == b'AB'


def test_schemes_may_be_any_collection() -> None:
    for schemes in (['data'], {'data'}, frozenset({'data'})):
        assert read('data:,x', UriPolicy(schemes=schemes)) == b'x'


@pytest.mark.parametrize(
    'arguments',
    [
        {'schemes': ('ftp',)},
        {'schemes': ''},
        {'schemes': 'http'},
        {'max_bytes': 0},
        {'timeout': -1},
        {'timeout': '5'},
        {'timeout': float('nan')},
        {'max_decoded': 0},
    ],
)
def test_a_policy_is_checked(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        UriPolicy(**arguments)


def test_a_timeout_is_checked(path: Path, refused: Any) -> None:
    for timeout in (0, -1, 'x', float('nan')):
        refused(Document(uri=str(path)), ValueError, 'load_uri_to_blob', timeout=timeout)


# -- data URIs -------------------------------------------------------------


@pytest.mark.parametrize(
    ('uri', 'expected'),
    [
        ('data:,hello%20w', b'hello w'),
        ('DATA:text/plain;charset=utf-8,a,b', b'a,b'),
        ('data:text/plain;base64,aGVsbG8=', b'hello'),
        ('data:;base64,aGVsbG8', b'hello'),
        ('data:;base64,aGVs%0A bG8%3D', b'hello'),
        ('data:,', b''),
        ('data:;base64,', b''),
    ],
)
def test_data_uris(uri: str, expected: bytes) -> None:
    assert Document(uri=uri).load_uri_to_blob().blob == expected


@pytest.mark.parametrize(
    'uri',
    [
        'data:',
        'data:text/plain',
        'data:text/plain;base64',
        'data:;base64,a',
        'data:;base64,aGVs!G8=',
        'data:;base64,aGVsbG8=aGVs',
        'data:,100%',
        'data:,%zz',
        'data:,%e',
        'data:;base64,ééé',
    ],
)
def test_damaged_data_uris(uri: str, refused: Any) -> None:
    assert isinstance(refused(Document(uri=uri), ValueError, 'load_uri_to_blob'), CorruptData)
    assert isinstance(refused(Document(uri=uri), ValueError, 'load_uri_to_text'), CorruptData)


def test_a_long_data_uri_is_not_shown_whole(refused: Any) -> None:
    error = refused(Document(uri='data:;base64,' + '!' * 9999), ValueError, 'load_uri_to_blob')
    assert len(str(error)) < 300


def test_text_to_data_uri() -> None:
    doc = Document(text='a b&?/é')
    assert doc.convert_text_to_datauri() is doc
    assert doc.uri == 'data:;charset=utf-8,a%20b%26%3F/%C3%A9'
    assert (doc.text, doc.mime_type) == ('a b&?/é', 'text/plain')
    doc.convert_text_to_datauri(base64=True)
    assert doc.uri == 'data:text/plain;charset=utf-8;base64,YSBiJj8vw6k='
    doc.convert_text_to_datauri(charset='latin-1')
    assert doc.uri.endswith('charset=latin-1,a%20b%26%3F/%E9')
    assert Document(uri=doc.uri).load_uri_to_text('latin-1').text == doc.text


def test_text_to_data_uri_refuses(refused: Any) -> None:
    refused(Document(text='é'), ValueError, 'convert_text_to_datauri', charset='ascii')
    refused(Document(text='é'), ValueError, 'convert_text_to_datauri', charset='no such')
    refused(Document(text='é', mime_type='a,b'), ValueError, 'convert_text_to_datauri')


def test_blob_to_data_uri(refused: Any) -> None:
    doc = Document(blob=b'\0\xff ab', mime_type='image/png')
    assert doc.convert_blob_to_datauri() is doc
    assert doc.uri == 'data:image/png;charset=utf-8,%00%FF%20ab'
    doc.convert_blob_to_datauri(base64=True, charset='ascii')
    assert doc.uri == 'data:image/png;charset=ascii;base64,AP8gYWI='
    assert doc.blob == b'\0\xff ab'
    assert 'mime_type' in str(refused(Document(blob=b'x'), ValueError, 'convert_blob_to_datauri'))


def test_uri_to_data_uri(path: Path) -> None:
    doc = Document(uri=str(path))
    assert doc.convert_uri_to_datauri() is doc
    once = doc.uri
    assert once == 'data:text/plain;charset=utf-8,h%C3%A9llo%2C%20w%C3%B6rld'
    assert doc.convert_uri_to_datauri(base64=True).uri == once
    assert Document(uri=str(path)).convert_uri_to_datauri(base64=True).uri == (
        'data:text/plain;charset=utf-8;base64,aMOpbGxvLCB3w7ZybGQ='
    )


def test_content_to_data_uri(refused: Any) -> None:
    assert Document(text='x').convert_content_to_datauri().uri == 'data:;charset=utf-8,x'
    blob = Document(blob=b'x', mime_type='a/b').convert_content_to_datauri()
    assert blob.uri == 'data:a/b;charset=utf-8,x'
    assert Document().convert_content_to_datauri().uri == ''
    refused(Document(tensor=[1]), NotImplementedError, 'convert_content_to_datauri')
    refused(Document(blob=b'x'), ValueError, 'convert_content_to_datauri')


@given(st.binary(), st.booleans(), st.sampled_from(['', 'text/plain', 'image/svg+xml']))
def test_data_uris_keep_any_bytes(data: bytes, base64: bool, mime_type: str) -> None:
    uri = datauris.make(data, mime_type, base64=base64)
    assert uri.isascii()
    parsed = datauris.parse(uri)
    assert parsed == datauris.DataUri(mime_type or 'text/plain', 'utf-8', data)
    assert read(uri) == data


@given(st.text(st.characters(codec='utf-8')), st.booleans(), st.sampled_from(['utf-8', 'utf-16']))
def test_data_uris_keep_any_text(text: str, base64: bool, charset: str) -> None:
    doc = Document(text=text).convert_text_to_datauri(charset=charset, base64=base64)
    assert Document(uri=doc.uri).load_uri_to_text(charset=charset).text == text


@given(st.text(st.characters(codec='utf-8')))
def test_any_data_uri_is_read_or_refused(tail: str) -> None:
    try:
        assert isinstance(read('data:' + tail), bytes)
    except CorruptData:
        pass


@pytest.mark.parametrize(
    ('uri', 'suffix'),
    [
        ('a/b.GLB', 'glb'),
        ('http://host/a.obj?x=y.z#f', 'obj'),
        ('http://host.com', ''),
        ('file:///a%20b.stl', 'stl'),
        ('data:image/png;base64,', 'png'),
        ('data:,', 'txt'),
        ('noext', ''),
    ],
)
def test_extensions_of_uris(uri: str, suffix: str) -> None:
    assert suffix_of_uri(uri) == suffix


# -- saving ----------------------------------------------------------------


def test_save_blob(tmp_path: Path) -> None:
    doc = Document(blob=b'abc')
    file = BytesIO()
    assert doc.save_blob_to_file(file) is doc
    assert file.getvalue() == b'abc'
    assert not file.closed
    for target in (tmp_path / 'a', str(tmp_path / 'b')):
        assert Path(str(doc.save_blob_to_file(target) and target)).read_bytes() == b'abc'
    with open(tmp_path / 'c', 'wb') as opened:
        doc.save_blob_to_file(opened)
    assert (tmp_path / 'c').read_bytes() == b'abc'


def test_save_uri(path: Path, tmp_path: Path) -> None:
    doc = Document(uri=str(path))
    assert doc.save_uri_to_file(tmp_path / 'copy') is doc
    assert (tmp_path / 'copy').read_bytes() == path.read_bytes()
    file = BytesIO()
    Document(uri='data:,xyz').save_uri_to_file(file)
    assert file.getvalue() == b'xyz'


@pytest.mark.parametrize(
    ('target', 'builtin'),
    [
        ('no/such/folder/x', FileNotFoundError),
        ('/', OSError),
        (StringIO(), TypeError),
        (None, TypeError),
    ],
)
def test_saving_refuses(target: Any, builtin: type[Exception], refused: Any) -> None:
    refused(Document(blob=b'abc'), builtin, 'save_blob_to_file', target)
    refused(Document(uri='data:,abc'), builtin, 'save_uri_to_file', target)


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='no device that is always full')
def test_a_full_disk(refused: Any) -> None:
    error = refused(Document(blob=b'abc'), OSError, 'save_blob_to_file', '/dev/full')
    assert type(error).__name__ == 'StorageFull'


def test_errors_of_uris_are_one_family() -> None:
    assert issubclass(UriNotFound, UriError)
    assert issubclass(UriRefused, UriError)
