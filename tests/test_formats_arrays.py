"""Arrays to bytes, files and streams, and back, on every store."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docstore import Document, DocumentArray
from docstore.codecs import CODECS
from docstore.codecs.compression import COMPRESSIONS, Limits
from docstore.codecs.transfer import load_records
from docstore.errors import CorruptData, EncodeError, InvalidType, UnknownName

pytest.importorskip('pyarrow')
pytest.importorskip('lz4')

pytestmark = pytest.mark.spec('14')
PROTOCOLS = tuple(CODECS)
TEXT_FORMS = ('json', 'jsonl')
COMPRESSED = (None, *COMPRESSIONS)
STORES = ('memory', 'sqlite', 'disk')
STREAMED = ('docstore', 'jsonl', 'protobuf', 'pickle', 'arrow', 'parquet')


def config(storage: str, path: Path) -> dict[str, Any]:
    if storage == 'memory':
        return {}
    key = 'connection' if storage == 'sqlite' else 'path'
    return {'storage': storage, 'config': {key: str(path / f'{storage}.store')}}


def sample(count: int = 3, **kwargs: Any) -> DocumentArray:
    docs = [
        Document(
            id=str(i),
            text=f'häuser {i}',
            tags={'n': i, 'x': float(i), 'b': i % 2 == 0, 's': '1', 'l': [1, {'y': 2.5}]},
            embedding=np.arange(4, dtype='f4') + i,
            weight=0.5,
        )
        for i in range(count)
    ]
    if docs:
        docs[0].chunks = [Document(id='chunk', blob=b'\0\xff')]
        docs[-1].scores['cosine'].value = 0.25
    return DocumentArray(docs, **kwargs)


def plain(array: Any) -> list[dict[str, Any]]:
    return [doc.to_dict(exclude_none=True) for doc in array]


def types_of(array: Any) -> list[type]:
    return [type(array[1].tags[key]) for key in 'nxbs']


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('compress', COMPRESSED)
def test_bytes_files_base64_and_open_files(
    protocol: str, compress: str | None, tmp_path: Path
) -> None:
    array, path = sample(), tmp_path / 'x'
    data = array.to_bytes(protocol, compress)
    expected = plain(array)
    array.save_binary(path, protocol, compress)
    with path.open('rb') as file:
        found = [
            DocumentArray.from_bytes(data, protocol, compress),
            DocumentArray.load_binary(path, protocol, compress),
            DocumentArray.load_binary(str(path), protocol, compress),
            DocumentArray.load_binary(file, protocol, compress),
            DocumentArray.from_base64(array.to_base64(protocol, compress), protocol, compress),
        ]
    for back in found:
        assert plain(back) == expected
        if 'protobuf' not in protocol:
            assert types_of(back) == [int, float, bool, str]
        if protocol not in TEXT_FORMS:
            assert back[0].embedding.dtype == np.float32
        elif back[0].embedding.dtype != np.float64:
            raise AssertionError(back[0].embedding.dtype)


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('storage', STORES)
def test_stores_are_saved_and_filled(storage: str, protocol: str, tmp_path: Path) -> None:
    array = sample(5)
    path = tmp_path / f'x.{protocol}.gzip'
    array.save_binary(path)
    if protocol not in {'pickle', 'protobuf'}:  # which compress each document
        assert path.read_bytes()[:2] == b'\x1f\x8b'
    kept = DocumentArray.load_binary(path, **config(storage, tmp_path))
    assert kept.storage == storage
    assert plain(kept) == plain(array)
    again = tmp_path / f'y.{protocol}'
    kept.save_binary(again)
    kept.close()
    assert plain(DocumentArray.load_binary(again)) == plain(array)


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('storage', ['sqlite', 'disk'])
def test_what_cannot_be_read_leaves_the_store_as_it_was(
    storage: str, protocol: str, tmp_path: Path
) -> None:
    place = config(storage, tmp_path)
    with sample(2, **place) as kept:
        expected = plain(kept)
    kept.close()
    data = sample(400).to_bytes(protocol)
    with pytest.raises(CorruptData):
        DocumentArray.from_bytes(data[: len(data) * 2 // 3], protocol, **place)
    again = DocumentArray(**place)
    assert plain(again) == expected
    again.close()


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('compress', [None, 'gzip', 'zstd'])
def test_streams_of_documents(protocol: str, compress: str | None, tmp_path: Path) -> None:
    path = tmp_path / 'x'
    sample().save_binary(path, protocol, compress)
    found = DocumentArray.load_binary(path, protocol, compress, streaming=True)
    first = next(found)
    assert isinstance(first, Document)
    assert plain([first, *found]) == plain(sample())


@pytest.mark.parametrize('protocol', STREAMED)
def test_streams_take_little_memory(protocol: str, tmp_path: Path) -> None:
    # 24 MB of documents that do not compress; and a part of it in memory at a time.
    noise = np.random.default_rng(0).bytes(750_000).hex()
    path, count, size = tmp_path / 'x', 1500, 16_000
    compress = None if protocol in {'arrow', 'parquet'} else 'zlib'
    store = DocumentArray(storage='sqlite', config={'connection': str(tmp_path / 'db')})
    for start in range(0, count, 100):
        store.extend(
            Document(id=str(i), text=noise[i * 900 : i * 900 + size])
            for i in range(start, start + 100)
        )
    tracemalloc.start()
    try:
        store.save_binary(path, protocol, compress)
        written = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        found = sum(
            len(doc.text)
            for doc in DocumentArray.load_binary(path, protocol, compress, streaming=True)
        )
        read = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    store.close()
    assert found == count * size
    assert written < 16e6, f'{written / 1e6:.1f} MB to write'
    assert read < 16e6, f'{read / 1e6:.1f} MB to read'


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=['Cs']), max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(st.characters(exclude_categories=['Cs']), max_size=3), inner,
                      max_size=3),
    max_leaves=5,
)  # fmt: skip
DOCUMENTS = st.builds(
    Document,
    id=st.text(st.characters(exclude_categories=['Cs'], exclude_characters='\0'), min_size=1),
    text=st.text(st.characters(exclude_categories=['Cs']), min_size=1),
    tags=st.dictionaries(st.text(max_size=4).filter(str.isascii), VALUES, max_size=4),
    embedding=st.none() | st.integers(0, 9).map(lambda n: np.full(3, n, 'f8')),
    weight=st.floats(width=32, allow_nan=False, allow_infinity=False).filter(bool),
)


@pytest.mark.parametrize('protocol', [p for p in PROTOCOLS if 'protobuf' not in p])
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(docs=st.lists(DOCUMENTS, max_size=4))
def test_any_documents_survive(protocol: str, docs: list[Document]) -> None:
    array = DocumentArray(docs)
    back = DocumentArray.from_bytes(array.to_bytes(protocol), protocol)
    assert list(back) == docs
    for one, other in zip(docs, back, strict=True):
        assert repr(one.tags) == repr(other.tags)


def test_bombs_are_stopped() -> None:
    big = DocumentArray([Document(text='x' * 20_000_000)])
    for protocol in PROTOCOLS:
        data = big.to_bytes(protocol, 'bz2')
        with pytest.raises(CorruptData, match='decompresses to more than'):
            DocumentArray.from_bytes(data, protocol, 'bz2')
        back = DocumentArray.from_bytes(data, protocol, 'bz2', limits=Limits(ratio=10**7))
        assert len(back[0].text) == 20_000_000


def test_a_table_that_grows_beyond_its_size_is_a_bomb() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table({'text': pa.array(['x' * 5000] * 20_000)}), file)
    assert len(file.getvalue()) < 50_000
    with pytest.raises(CorruptData, match='1000 times'):
        DocumentArray.load_parquet(file.getvalue())
    file.seek(0)
    assert len(DocumentArray.load_parquet(file, limits=Limits(ratio=10**6, size=10**9))) == 20_000


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorruptData, match='base64'):
        DocumentArray.from_base64('###')
    with pytest.raises(InvalidType, match='base64 as str'):
        Document.from_base64(3)  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="did you mean 'parquet'"):
        DocumentArray([Document()]).to_bytes('parket')
    for protocol in PROTOCOLS:
        with pytest.raises(FileNotFoundError):
            DocumentArray.load_binary(tmp_path / 'none', protocol)
        for data in (b'', b'hello world ' * 5, b'\0' * 50):
            if protocol == 'jsonl' and not data:
                continue
            with pytest.raises(CorruptData):
                if len(DocumentArray.from_bytes(data, protocol)) == 0:
                    raise CorruptData('nothing at all is an array without documents')
    array = DocumentArray([Document(id='a'), Document(id='b', tags={'x': {1}})])
    for protocol in PROTOCOLS:
        with pytest.raises(EncodeError, match='x'):
            array.save_binary(tmp_path / 'x', protocol)
        assert not (tmp_path / 'x').exists()


def test_progress_is_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    array, path = sample(), tmp_path / 'x'
    array.save_binary(path, show_progress=True)
    assert 'Saving: 3 documents' in capsys.readouterr().out
    DocumentArray.load_binary(path, _show_progress=True)
    assert 'Loading: 3 documents' in capsys.readouterr().out
    list(DocumentArray.load_binary(path, streaming=True, show_progress=True))
    assert 'Loading: 3 documents' in capsys.readouterr().out
    array.to_bytes()
    assert capsys.readouterr().out == ''


def test_file_names_of_other_programs(tmp_path: Path) -> None:
    for suffix in ('gz', 'xz', 'zst', 'bz2'):
        path = tmp_path / f'x.jsonl.{suffix}'
        sample().save_binary(path)
        assert plain(DocumentArray.load_binary(path)) == plain(sample())
        assert b'{' not in path.read_bytes()[:4]


def test_lines_say_where_they_are_damaged(tmp_path: Path) -> None:
    good = b'{"id": "a"}\n\n'
    for bad, why in (
        (b'{"id": ', 'line 3: this is no JSON'),
        (b'{"weight": "x"}', 'line 3: weight: expected a number'),
        (b'[1]', 'line 3: '),
        (b'{"text": "\xff"}', 'line 3: this is no JSON'),
    ):
        with pytest.raises(CorruptData, match=why):
            list(load_records(good + bad, 'jsonl'))
    assert list(load_records(b'\xef\xbb\xbf' + good, 'jsonl')) == [{'id': 'a'}]


@pytest.mark.spec('2.7')
@pytest.mark.parametrize('compress', COMPRESSED)
def test_one_document(compress: str | None) -> None:
    doc = sample()[0]
    for protocol in PROTOCOLS:
        data = doc.to_bytes(protocol, compress)
        assert plain([Document.from_bytes(data, protocol, compress)]) == plain([doc])
        text = doc.to_base64(protocol, compress)
        assert plain([Document.from_base64(text, protocol, compress)]) == plain([doc])


@pytest.mark.spec('19')
def test_sparse_arrays_survive_where_they_can() -> None:
    sparse = pytest.importorskip('scipy.sparse')
    array = DocumentArray([Document(id='a', embedding=sparse.csr_matrix([[0, 1.5]]))])
    for protocol in ('protobuf', 'protobuf-array'):
        back = DocumentArray.from_bytes(array.to_bytes(protocol), protocol)
        assert back[0].embedding.toarray().tolist() == [[0, 1.5]]
