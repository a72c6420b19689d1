"""Saving and loading: protocols, compressions, files, and the array format."""

from __future__ import annotations

import errno
import io
import os
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docstore import _core
from docstore.codecs import CODECS, files
from docstore.codecs.array_file import ArrayWriter
from docstore.codecs.binary import read_columns, write_columns
from docstore.codecs.compression import Limits
from docstore.codecs.transfer import (
    dump_columns,
    dump_record,
    dump_records,
    load_columns,
    load_record,
    load_records,
)
from docstore.columns import MatrixColumn, PackedColumn
from docstore.errors import (
    ChecksumError,
    CorruptData,
    EncodeError,
    InvalidType,
    LengthMismatch,
    StorageFull,
    UnknownName,
    UnsupportedFormat,
)

pytestmark = [pytest.mark.spec('14'), pytest.mark.spec('2.7')]

Record = dict[str, Any]
TABLES = {'arrow', 'parquet'}
NO_ARROW = pytest.mark.skipif(find_spec('pyarrow') is None, reason='pyarrow is not installed')
EACH = pytest.mark.parametrize(
    'protocol', [pytest.param(p, marks=NO_ARROW if p in TABLES else ()) for p in CODECS]
)
PACKINGS = pytest.mark.parametrize('compress', [None, 'gzip', 'bz2', 'lzma', 'zlib'])


def records(count: int = 3) -> list[Record]:
    return [
        {'id': str(i), 'text': f'text {i}', 'tags': {'x': i + 0.5}, 'embedding': np.full(4, i / 2)}
        for i in range(count)
    ]


def plain(found: Any) -> list[Record]:
    """Records without arrays, and in one order of fields, for comparing."""
    return [
        {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in sorted(record.items())}
        for record in found
    ]


@EACH
@PACKINGS
def test_bytes_files_and_streams(protocol: str, compress: str | None, tmp_path: Path) -> None:
    expected, path = plain(records()), tmp_path / 'x'
    data = dump_records(records(), 3, None, protocol, compress)
    assert data is not None
    assert plain(load_records(data, protocol, compress)) == expected
    assert dump_records(records(), 3, path, protocol, compress) is None
    assert path.read_bytes() == data
    assert plain(load_records(str(path), protocol, compress)) == expected
    with path.open('wb') as file:
        dump_records(records(), 3, file, protocol, compress)
    with path.open('rb', buffering=0) as raw:
        assert plain(load_records(raw, protocol, compress)) == expected
    one = dump_record(records()[1], protocol, compress)
    assert plain([load_record(one, protocol, compress)]) == expected[1:2]


@EACH
@PACKINGS
def test_columns_of_every_protocol(protocol: str, compress: str | None, tmp_path: Path) -> None:
    columns = {
        'id': ['0', '1', '2'],
        'text': PackedColumn.of(['text 0', 'text 1', 'text 2']),
        'tags': [{'x': i + 0.5} for i in range(3)],
        'embedding': MatrixColumn(np.array([[i / 2] * 4 for i in range(3)])),
    }
    path = tmp_path / 'x'
    dump_columns(columns, 3, path, protocol, compress)
    assert plain(load_records(path, protocol, compress)) == plain(records())
    data = dump_columns(columns, 3, None, protocol, compress)
    assert data == path.read_bytes()
    for source in (path, data, bytearray(data)):
        (block,) = load_columns(source, protocol, compress)
        assert block.count == 3
        assert list(block.columns['id']) == ['0', '1', '2']
        lines = np.stack(block.columns['embedding'].tolist())
        np.testing.assert_array_equal(lines, columns['embedding'].array)


def test_suffixes_win_and_the_default_is_our_own(tmp_path: Path) -> None:
    path = tmp_path / 'x.protobuf-array.gzip'
    dump_records(records(), 3, path, 'json', None)
    assert path.read_bytes()[:2] == b'\x1f\x8b'
    assert plain(load_records(path)) == plain(records())
    assert dump_records(records(), 3)[:8] == b'\x89DSARR\r\n'


def test_missing_files_and_unknown_names(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(load_records(tmp_path / 'none'))
    with pytest.raises(FileNotFoundError):
        dump_records([], 0, tmp_path / 'none' / 'x')
    with pytest.raises(IsADirectoryError):
        dump_records([], 0, tmp_path)
    with pytest.raises(UnknownName, match=r"protocol='protobof'.*did you mean 'protobuf'"):
        dump_records([], 0, None, 'protobof')
    with pytest.raises(UnknownName, match='compress'):
        list(load_records(b'', None, 'zip'))
    with pytest.raises(InvalidType, match='a path, bytes or a file'):
        list(load_records(3))
    with pytest.raises(InvalidType, match=r"takes none of \['trusted'\]"):
        list(load_records(b'', 'docstore', trusted=True))


@pytest.mark.parametrize(
    ('data', 'looks'),
    [
        (b'PK\x03\x04' + bytes(60), 'a zip archive'),
        (b'SQLite format 3\0' + bytes(60), 'an SQLite database'),
        (b'\x80\x04\x95' + bytes(60), "a pickle (protocol='pickle-array'"),
        (b'[{"id": "a"}]          ', "JSON (protocol='json')"),
        (b'\x1f\x8b\x08' + bytes(60), "gzip data (compress='gzip')"),
        (b'what is this? text, I think', 'of an unknown kind'),
    ],
)
def test_files_of_others_are_named(data: bytes, looks: str, tmp_path: Path) -> None:
    path = tmp_path / 'x'
    path.write_bytes(data)
    for source in (path, data):
        for load in (load_records, load_columns):
            with pytest.raises(UnsupportedFormat) as raised:
                list(load(source))
            assert looks in str(raised.value)


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / 'x'
    dump_records(records(), 3, path)
    old = path.read_bytes()

    def broken() -> Any:
        yield from records(2)
        raise RuntimeError('in between')

    with pytest.raises(RuntimeError):
        dump_records(broken(), 3, path)
    with pytest.raises(EncodeError, match='tags'):
        dump_records([{'id': 'a', 'tags': {'x': {1}}}], 1, path)
    with pytest.raises(LengthMismatch):
        dump_records(records(), 4, path)

    def full(*_args: Any) -> None:
        raise OSError(errno.ENOSPC, 'no space')

    monkeypatch.setattr(files.os, 'fsync', full)
    with pytest.raises(StorageFull) as raised:
        dump_records(records(1), 1, path)
    assert raised.value.code == errno.ENOSPC
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ['x']


def test_a_save_keeps_mode_and_link(tmp_path: Path) -> None:
    path, link = tmp_path / 'x', tmp_path / 'link'
    path.write_bytes(b'old')
    path.chmod(0o640)
    link.symlink_to(path)
    dump_records(records(), 3, link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert plain(load_records(path)) == plain(records())


def test_bombs_are_stopped_in_files_and_in_frames() -> None:
    big = [{'id': 'a', 'text': 'x' * 5_000_000}]
    for protocol in ('docstore', 'protobuf'):
        data = dump_records(big, 1, None, protocol, 'gzip')
        with pytest.raises(CorruptData, match='decompresses to more than 1000000'):
            list(load_records(data, protocol, 'gzip', Limits(size=1_000_000)))
        assert len(list(load_records(data, protocol, 'gzip', Limits(ratio=10**6)))) == 1


# ---- the array format


def sample() -> bytes:
    columns = {
        'id': ['a', 'b', 'c'],
        'text': ['häuser', None, ''],
        'tags': [{'n': 1, 'x': 1.0, 'b': True}, None, {}],
        'embedding': MatrixColumn(np.arange(6, dtype='f4').reshape(3, 2), np.array([1, 0, 1], '?')),
    }
    file = io.BytesIO()
    write_columns(file, columns, 3)
    return file.getvalue()


def test_every_flipped_bit_of_an_array_is_noticed() -> None:
    data = sample()
    for at in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            with pytest.raises(CorruptData):
                list(load_columns(bytes(damaged)))


def test_every_truncation_and_addition_is_noticed(tmp_path: Path) -> None:
    data, path = sample(), tmp_path / 'x'
    for size in range(len(data)):
        with pytest.raises(CorruptData):
            list(load_columns(data[:size]))
        path.write_bytes(data[:size])
        with pytest.raises(CorruptData):
            list(load_columns(path))
    with pytest.raises(CorruptData, match='follow'):
        list(load_columns(data + b'x'))
    path.write_bytes(data + b'x')
    with pytest.raises(CorruptData, match='follow'):
        list(load_columns(path))


def test_loaded_columns_are_views_of_the_bytes() -> None:
    data = dump_columns({'embedding': np.arange(600.0).reshape(100, 6)}, 100)
    (block,) = load_columns(data)
    matrix = block.columns['embedding'].array
    assert np.shares_memory(matrix, np.frombuffer(data, np.uint8))
    assert matrix.flags.aligned
    assert not matrix.flags.writeable


def test_unset_lines_of_a_matrix_do_not_leak() -> None:
    secret = np.full((3, 4), 7.25)
    file = io.BytesIO()
    write_columns(file, {'embedding': MatrixColumn(secret, np.array([True, False, True]))}, 3)
    (block,) = read_columns(file.getvalue())
    assert block.columns['embedding'].array[1].tolist() == [0.0] * 4
    assert block.columns['embedding'][1] is None


@pytest.mark.parametrize(
    ('column', 'kind'),
    [
        ([np.ones(3), np.zeros(3)], MatrixColumn),
        ([np.ones(3), None, np.zeros(3)], MatrixColumn),
        ([np.ones(3), None, None, None], PackedColumn),
        ([np.ones(3), np.ones(4)], PackedColumn),
        ([np.ones(3), np.ones(3, 'f4')], PackedColumn),
        ([np.ones(3), [1, 2, 3]], PackedColumn),
        ([np.ones((2, 3)).T, np.zeros((3, 2))], MatrixColumn),
        ([np.array(1.0), np.array(2.0)], PackedColumn),
        ([np.zeros((0, 2)), np.zeros((0, 2))], MatrixColumn),
        ([np.array(['a', 'b'])], PackedColumn),
        (np.arange(6, dtype='>i4').reshape(3, 2), MatrixColumn),
        (np.array([['a'], ['b']]), PackedColumn),
        (MatrixColumn(np.ones((4, 2)), np.array([1, 0, 0, 0], '?')), PackedColumn),
    ],
)
def test_arrays_are_one_matrix_where_they_can_be(column: Any, kind: type) -> None:
    count = len(column)
    (block,) = load_columns(dump_columns({'tensor': column}, count))
    found = block.columns['tensor']
    assert isinstance(found, kind)
    rows = (
        column
        if isinstance(column, list)
        else MatrixColumn.tolist(
            column if isinstance(column, MatrixColumn) else MatrixColumn(column)
        )
    )
    for back, row in zip(found.tolist(), rows, strict=True):
        if row is None:
            assert back is None
        else:
            np.testing.assert_array_equal(back, row)
            assert type(back) is type(row) or isinstance(back, np.ndarray)


@given(st.integers(0, 60), st.integers(1, 20))
@settings(max_examples=30, deadline=None)
def test_any_number_of_blocks(count: int, step: int) -> None:
    file = io.BytesIO()
    writer = ArrayWriter(file)
    ids = [str(i) for i in range(count)]
    for start in range(0, count, step):
        part = ids[start : start + step]
        writer.write(len(part), {'id': PackedColumn.of(part)})
    writer.finish()
    blocks = list(load_columns(file.getvalue()))
    assert [len(block.columns['id']) for block in blocks] == [block.count for block in blocks]
    assert [name for block in blocks for name in block.columns['id'].tolist()] == ids


def test_columns_that_do_not_fit() -> None:
    with pytest.raises(LengthMismatch, match='text: expected 3 rows, got 2'):
        write_columns(io.BytesIO(), {'text': ['a', 'b']}, 3)
    with pytest.raises(EncodeError, match=r'tags of row 1: x: cannot store an object of type set'):
        write_columns(io.BytesIO(), {'tags': [None, {'x': {1}}]}, 2)


def framed(count: Any, directory: Any, sections: bytes = b'', end: Any = None) -> bytes:
    """A file whose checksums are all right, whatever it says."""

    def frame(kind: bytes, content: Any) -> bytes:
        body = _core.pack(content)
        head = struct.pack('<4sII', kind, len(body), _core.crc32c(body))
        data = head + struct.pack('<I', _core.crc32c(head)) + body
        return data + bytes(-len(data) % 64)

    start = struct.pack('<8sHH', b'\x89DSARR\r\n', 1, 0)
    start += struct.pack('<I', _core.crc32c(start))
    first = _core.pack([count, directory])
    head = struct.pack('<4sII', b'BLCK', len(first), _core.crc32c(first))
    data = start + head + struct.pack('<I', _core.crc32c(head)) + first
    data += bytes(-len(data) % 64) + sections + bytes(-len(sections) % 64)
    return data + frame(b'DONE', end or [count, 1])


def entry(details: Any, *parts: bytes, kind: str = 'matrix', name: Any = 'x') -> list[Any]:
    return [name, kind, details, [[len(part), _core.crc32c(part)] for part in parts]]


@pytest.mark.parametrize(
    ('count', 'directory'),
    [
        (2**40, []),
        (-1, []),
        (True, []),
        (1, 'nonsense'),
        (1, [['x']]),
        (1, [entry(['<f4', [2**40]])]),
        (1, [['x', 'matrix', ['<f4', [1]], [[2**50, 0]]]]),
        (1, [['x', 'matrix', ['<f4', [2**45]], [[2**47, 0]]]]),
        (1, [['x', 'packed', ['|u1'], [[1, 0], [2**62, 0]]]]),
        (1, [entry(['|O', [1]], bytes(8))]),
        (1, [entry(['<f4', [-1]], b'')]),
        (1, [entry(['<f4', ['a']], b'')]),
        (1, [entry(['|b1', [1]], b'\7')]),
        (1, [entry(['<f4', [1]], bytes(4), b'\xff')]),
        (1, [entry(['|u1'], b'\5', b'xx', kind='packed')]),
        (1, [entry(['<f8'], bytes(8), b'', kind='packed')]),
        (1, [entry(['|u1'], b'\0', b'', kind='other')]),
        (1, [entry(['|u1'], b'\0', b'', kind='packed', name=3)]),
        (1, [entry(['|u1'], b'\0', b'', kind='packed')] * 2),
        (4, [entry(['<f4', [0, 2**47, 2**47]], b'')]),
    ],
)
def test_directories_that_make_no_sense(count: Any, directory: Any) -> None:
    sections = b''
    for item in directory if isinstance(directory, list) else []:
        if len(item) == 4 and item[3] == [[1, _core.crc32c(b'\7')]]:
            sections = b'\7'
        elif len(item) == 4 and item[2] == ['|u1'] and item[3] and item[3][-1][0] == 2:
            sections = b'\5' + bytes(63) + b'xx'
        elif len(item) == 4 and item[3] and item[3][0][0] == 4 and len(item[3]) == 2:
            sections = bytes(64) + b'\xff'
    data = framed(count, directory, sections)
    with pytest.raises(CorruptData):
        list(read_columns(data))
    with pytest.raises(CorruptData):
        list(read_columns(io.BytesIO(data)))


def test_a_footer_that_counts_otherwise() -> None:
    good = framed(0, [])
    assert [block.count for block in read_columns(good)] == [0]
    with pytest.raises(CorruptData, match='footer'):
        list(read_columns(framed(0, [], end=[1, 1])))


def test_newer_versions_are_refused_as_such() -> None:
    for version, flags in ((2, 0), (1, 1)):
        head = struct.pack('<8sHH', b'\x89DSARR\r\n', version, flags)
        with pytest.raises(UnsupportedFormat, match=f'version {version}.{flags}.*newer'):
            list(load_records(head + struct.pack('<I', _core.crc32c(head))))
        head = struct.pack('<8sHH', b'\x89DSDOC\r\n', version, flags)
        body = _core.pack({'id': 'a'})
        crc = struct.pack('<I', _core.crc32c(body, _core.crc32c(head)))
        with pytest.raises(UnsupportedFormat, match=f'version {version}.{flags}.*newer'):
            load_record(head + crc + body)


def test_every_flipped_bit_of_a_document_is_noticed() -> None:
    data = dump_record({'id': 'a', 'embedding': np.ones(2)})
    for at in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            with pytest.raises((ChecksumError, UnsupportedFormat)):
                load_record(bytes(damaged))
