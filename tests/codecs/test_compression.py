from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore.codecs.compression import (
    COMPRESSIONS,
    CompressWriter,
    DecompressReader,
    Limits,
    compress_bytes,
    decompress_bytes,
    protocol_and_compress_from_file_path,
)
from docstore.errors import CorruptData, UnknownName

lz4 = pytest.importorskip('lz4.frame')
zstd: Any = pytest.importorskip(
    'compression.zstd' if sys.version_info >= (3, 14) else 'backports.zstd'
)
EACH = pytest.mark.parametrize('algorithm', COMPRESSIONS)
STANDARD = {
    'bz2': (bz2.compress, bz2.decompress),
    'gzip': (gzip.compress, gzip.decompress),
    'lz4': (lz4.compress, lz4.decompress),
    'lzma': (lzma.compress, lzma.decompress),
    'zlib': (zlib.compress, zlib.decompress),
    'zstd': (zstd.compress, zstd.decompress),
}


@given(st.binary(max_size=500), st.sampled_from(COMPRESSIONS))
def test_bytes_survive_and_others_read_them(data: bytes, algorithm: str) -> None:
    compress, decompress = STANDARD[algorithm]
    assert decompress_bytes(compress_bytes(data, algorithm), algorithm) == data
    assert decompress(compress_bytes(data, algorithm)) == data
    assert decompress_bytes(compress(data), algorithm) == data


@given(st.lists(st.binary(max_size=300)), st.integers(1, 50), st.sampled_from(COMPRESSIONS))
def test_streams_in_pieces_of_any_size(parts: list[bytes], step: int, algorithm: str) -> None:
    file = io.BytesIO()
    writer = CompressWriter(file, algorithm)
    for part in parts:
        writer.write(part)
    writer.close()
    file.seek(0)
    reader = DecompressReader(file, algorithm)
    pieces = list(iter(lambda: reader.read(step), b''))
    assert b''.join(pieces) == b''.join(parts)
    assert all(len(piece) == step for piece in pieces[:-1])


@EACH
def test_every_truncation_is_noticed(algorithm: str) -> None:
    data = compress_bytes(b'some text, some more text', algorithm)
    for size in range(len(data)):
        with pytest.raises(CorruptData):
            decompress_bytes(data[:size], algorithm)
    with pytest.raises(CorruptData):
        decompress_bytes(data + b'garbage', algorithm)


@EACH
def test_damage_raises_nothing_but_corrupt_data(algorithm: str) -> None:
    data = compress_bytes(b'some text, some more text', algorithm)
    for at in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            try:
                decompress_bytes(bytes(damaged), algorithm)
            except CorruptData:
                continue


@EACH
def test_streams_after_each_other_are_one(algorithm: str) -> None:
    data = compress_bytes(b'a' * 1000, algorithm) + compress_bytes(b'b' * 1000, algorithm)
    assert decompress_bytes(data, algorithm) == b'a' * 1000 + b'b' * 1000


@EACH
def test_bombs_go_off_outside(algorithm: str) -> None:
    data = compress_bytes(bytes(5_000_000), algorithm)
    with pytest.raises(CorruptData, match='more than 1000000 bytes'):
        decompress_bytes(data, algorithm, Limits(size=1_000_000))
    with pytest.raises(CorruptData, match='more than 20 times'):
        decompress_bytes(data, algorithm, Limits(ratio=20))
    reader = DecompressReader(io.BytesIO(data), algorithm, Limits(ratio=10**6))
    assert sum(map(len, iter(lambda: reader.read(70_000), b''))) == 5_000_000


def test_the_default_limits_stop_a_bomb_early() -> None:
    data = bz2.compress(bytes(50_000_000))  # 36 bytes
    with pytest.raises(CorruptData, match='1000 times'):
        decompress_bytes(data, 'bz2')


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match=r"compress='gzi'.*did you mean 'gzip'"):
        compress_bytes(b'', 'gzi')
    with pytest.raises(UnknownName):
        decompress_bytes(b'', 'zip')


@pytest.mark.parametrize(
    ('path', 'expected'),
    [
        ('x.jsonl.gz', ('jsonl', 'gzip')),
        ('x.json.zst', ('json', 'zstd')),
        ('x.xz', (None, 'lzma')),
        ('x.protobuf.gzip', ('protobuf', 'gzip')),
        ('x.gzip.pickle-array', ('pickle-array', 'gzip')),
        ('/a.lz4/x.protobuf', ('protobuf', None)),
        ('x.lz4', (None, 'lz4')),
        ('x', (None, None)),
        ('x.bin.docstore', ('docstore', None)),
    ],
)
def test_suffixes(path: str, expected: tuple[str | None, str | None]) -> None:
    assert protocol_and_compress_from_file_path(path) == expected
    filled = protocol_and_compress_from_file_path(path, 'json', 'bz2')
    assert filled == (expected[0] or 'json', expected[1] or 'bz2')
