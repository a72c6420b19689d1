"""Sound: wav by the standard library, everything else by soundfile."""

from __future__ import annotations

import struct
import wave
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from docstore import Document
from docstore.errors import CorruptData
from docstore.media import audio
from docstore.media.uris import UriPolicy

pytestmark = pytest.mark.spec('2.8')

TONE = (np.sin(np.arange(1000) / 10) * 20000).astype('<i2')


def wav(data: bytes, channels: int = 1, width: int = 2, rate: int = 8000) -> bytes:
    file = BytesIO()
    with wave.open(file, 'wb') as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate)
        writer.writeframes(data)
    return file.getvalue()


def in_width(width: int) -> bytes:
    if width == 1:
        return ((TONE >> 8) + 128).astype(np.uint8).tobytes()
    if width == 3:
        return b''.join(int(v << 8).to_bytes(3, 'little', signed=True) for v in TONE.tolist())
    return (TONE.astype(np.int64) << (8 * width - 16)).astype(f'<i{width}').tobytes()


@pytest.fixture
def stored(tmp_path: Path) -> Any:
    def write(data: bytes, name: str = 'a.wav') -> Document:
        path = tmp_path / name
        path.write_bytes(data)
        return Document(uri=str(path), id='x')

    return write


def test_uri_to_tensor(stored: Any) -> None:
    doc = stored(wav(TONE.tobytes()))
    assert doc.load_uri_to_audio_tensor() is doc
    assert doc.tensor.dtype == np.float32
    assert np.array_equal(doc.tensor, (TONE / 2**15).astype(np.float32))


@pytest.mark.parametrize('width', [1, 2, 3, 4])
def test_every_width_of_samples(width: int, stored: Any) -> None:
    tensor = stored(wav(in_width(width), width=width)).load_uri_to_audio_tensor().tensor
    assert tensor.shape == TONE.shape
    assert tensor.dtype == np.float32
    assert np.abs(tensor - TONE / 2**15).max() < (2**-7 if width == 1 else 1e-6)


@pytest.mark.parametrize('channels', [2, 4])
def test_channels_are_the_second_axis(channels: int, stored: Any) -> None:
    data = np.stack([TONE // (c + 1) for c in range(channels)], axis=1)
    tensor = stored(wav(data.tobytes(), channels)).load_uri_to_audio_tensor().tensor
    assert tensor.shape == (len(TONE), channels)
    assert np.array_equal(tensor, (data / 2**15).astype(np.float32))


def test_the_rate_is_given_too() -> None:
    samples, rate = audio.decode(wav(TONE.tobytes(), rate=16000))
    assert rate == 16000
    assert len(samples) == 1000


def test_no_samples(stored: Any) -> None:
    assert stored(wav(b'')).load_uri_to_audio_tensor().tensor.shape == (0,)


@pytest.mark.parametrize('kind', ['FLAC', 'OGG', 'AIFF'])
def test_other_files(kind: str, stored: Any) -> None:
    soundfile = pytest.importorskip('soundfile')
    file = BytesIO()
    soundfile.write(file, np.stack([TONE, -TONE], axis=1) / 2**15, 8000, format=kind)
    tensor = stored(file.getvalue(), f'a.{kind}').load_uri_to_audio_tensor().tensor
    assert tensor.dtype == np.float32
    assert tensor.shape == (1000, 2)
    assert np.abs(tensor[:, 0] - TONE / 2**15).max() < 0.1


@pytest.mark.parametrize('subtype', ['FLOAT', 'DOUBLE', 'ULAW'])
def test_wav_files_that_the_standard_library_does_not_know(subtype: str, stored: Any) -> None:
    soundfile = pytest.importorskip('soundfile')
    file = BytesIO()
    soundfile.write(file, TONE / 2**15, 8000, format='WAV', subtype=subtype)
    tensor = stored(file.getvalue()).load_uri_to_audio_tensor().tensor
    assert np.abs(tensor - TONE / 2**15).max() < 0.1


def header(data_size: int, **changes: int) -> bytes:
    """A wav file that claims ``data_size`` bytes, and has four."""
    f = {'format': 1, 'channels': 1, 'rate': 8000, 'align': 2, 'bits': 16, **changes}
    form = struct.pack(
        '<HHIIHH', f['format'], f['channels'], f['rate'], 2 * f['rate'], f['align'], f['bits']
    )
    return (
        b'RIFF' + struct.pack('<I', 0xFFFFFFFF) + b'WAVEfmt ' + struct.pack('<I', 16) + form
        + b'data' + struct.pack('<I', data_size) + b'\0\0\0\0'
    )  # fmt: skip


@pytest.mark.parametrize(
    'data',
    [
        header(0xFFFFFFFF),
        header(0x7FFFFFFE),
        header(6),
        header(4, channels=0),
        header(4, bits=0),
        header(4, bits=65535),
        header(4, bits=64),
        header(4, format=99),
        b'RIFF\0\0\0\0WAVE',
        b'RIFF\0\0\0\0WAVEdata\4\0\0\0\0\0\0\0',
    ],
)
def test_hostile_headers(data: bytes, stored: Any, refused: Any) -> None:
    pytest.importorskip('soundfile')
    error = refused(stored(data), ValueError, 'load_uri_to_audio_tensor')
    assert isinstance(error, CorruptData)
    assert str(error).startswith("uri of document 'x'")


def test_cut_files() -> None:
    pytest.importorskip('soundfile')
    whole = wav(TONE.tobytes())
    for length in range(0, len(whole), 37):
        with pytest.raises(CorruptData):
            audio.decode(whole[:length])


@given(st.integers(0, 43), st.integers(0, 255), st.binary(max_size=50))
def test_damaged_headers_are_read_or_refused(at: int, value: int, tail: bytes) -> None:
    pytest.importorskip('soundfile')
    data = bytearray(wav(TONE[:20].tobytes()))
    data[at] = value
    for damaged in (bytes(data), bytes(data[:12]) + tail):
        try:
            samples, _ = audio.decode(damaged, max_decoded=1 << 20)
            assert samples.dtype == np.float32
        except CorruptData:
            pass


@pytest.mark.parametrize('kind', ['WAV', 'FLAC'])
def test_the_policy_limits_what_is_decoded(kind: str, stored: Any, refused: Any) -> None:
    soundfile = pytest.importorskip('soundfile')
    file = BytesIO()
    soundfile.write(file, np.zeros(300_000), 8000, format=kind)
    doc = stored(file.getvalue())
    for limit in (1000, 4 * 300_000 - 1):
        policy = UriPolicy(max_decoded=limit)
        refused(doc, ValueError, 'load_uri_to_audio_tensor', policy=policy)
    doc.load_uri_to_audio_tensor(policy=UriPolicy(max_decoded=4 * 300_000))
    assert doc.tensor.shape == (300_000,)


# -- writing ---------------------------------------------------------------


def test_saving(tmp_path: Path) -> None:
    path = tmp_path / 'a.wav'
    doc = Document(tensor=np.array([0, 0.5, -0.5, 1, -1, 1.5, -7, 0.123]))
    assert doc.save_audio_tensor_to_file(str(path)) is doc
    with wave.open(str(path)) as file:
        assert file.getparams()[:4] == (1, 2, 44100, 8)
        numbers = np.frombuffer(file.readframes(8), '<i2').tolist()
    assert numbers == [0, 16384, -16384, 32767, -32768, 32767, -32768, 4030]


def test_saving_to_a_file_object() -> None:
    file = BytesIO()
    stereo = np.array([[0.5, -0.5], [0.25, 0]], np.float32)
    Document(tensor=stereo).save_audio_tensor_to_file(file, sample_rate=16000)
    file.seek(0)
    with wave.open(file) as reader:
        assert reader.getparams()[:4] == (2, 2, 16000, 2)
        assert np.frombuffer(reader.readframes(2), '<i2').tolist() == [16384, -16384, 8192, 0]


@given(
    arrays(np.float64, st.integers(0, 30), elements=st.floats(-1, 1, width=32)),
    st.sampled_from([1, 2, 3, 4]),
)
def test_saving_and_reading(samples: Any, width: int) -> None:
    file = BytesIO()
    Document(tensor=samples).save_audio_tensor_to_file(file, 8000, width)
    back, rate = audio.decode(file.getvalue())
    assert rate == 8000
    assert np.allclose(back, samples, atol=2.0 ** (1 - 8 * width) + 1e-7)


@pytest.mark.parametrize('width', [1, 2, 3])
def test_samples_stay_exactly_what_they_are(width: int) -> None:
    data = wav(in_width(width), width=width)
    samples, rate = audio.decode(data)
    assert audio.encode(samples, rate, width) == data


@pytest.mark.parametrize(
    ('tensor', 'arguments'),
    [
        (None, {}),
        (TONE, {}),
        (np.zeros((2, 2, 2)), {}),
        (np.zeros((2, 7)), {}),
        (np.zeros((9, 0)), {}),
        (np.zeros((99, 33)), {}),
        (np.array([0.1, np.nan]), {}),
        (np.array([0.1, np.inf]), {}),
        (np.zeros(()), {}),
        (np.zeros(3), {'sample_width': 0}),
        (np.zeros(3), {'sample_width': 5}),
        (np.zeros(3), {'sample_width': '2'}),
        (np.zeros(3), {'sample_rate': 0}),
        (np.zeros(3), {'sample_rate': 2.5}),
        (np.zeros(3), {'sample_rate': 1 << 40}),
    ],
)
def test_saving_refuses(
    tensor: Any, arguments: dict[str, Any], tmp_path: Path, refused: Any
) -> None:
    path = tmp_path / 'never.wav'
    refused(Document(tensor=tensor), ValueError, 'save_audio_tensor_to_file', path, **arguments)
    assert not path.exists()
