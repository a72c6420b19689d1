"""Sound: files to arrays of numbers from -1 to 1, and back."""

from __future__ import annotations

import wave
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CorruptData, DocstoreError, InvalidArgument, MissingDependency
from .arrays import array_of, check_decoded

__all__ = ['decode', 'encode']

Samples = npt.NDArray[np.float32]

_BLOCK = 1 << 16
_MAX_CHANNELS = 32


def decode(data: bytes, max_decoded: int | None = None) -> tuple[Samples, int]:
    """The samples of a sound file, and how many there are in a second.

    Parameters
    ----------
    data : bytes
        A wav file; any other kind (flac, ogg, mp3 ...) is read by soundfile.
    max_decoded : int, optional
        Refuse what takes more bytes than this.

    Returns
    -------
    samples : ndarray of float32
        Of shape (n,), or (n, channels) for more than one channel.
    rate : int
        Samples per second.

    Raises
    ------
    CorruptData
        If the bytes are no sound, or fewer than they claim.
    """
    if data[:4] != b'RIFF' or data[8:12] != b'WAVE':
        return _with_soundfile(data, max_decoded)
    try:
        with wave.open(BytesIO(data)) as file:
            return _read_wave(file, max_decoded), file.getframerate()
    except wave.Error as error:
        if 'unknown format' in str(error):
            # Of floats, say: the standard library reads whole numbers only.
            return _with_soundfile(data, max_decoded)
        raise CorruptData(f'the wav file is damaged: {error}') from error
    except DocstoreError:
        raise
    except Exception as error:  # a damaged header raises all sorts
        raise CorruptData(
            f'the wav file is damaged: {str(error) or type(error).__name__}'
        ) from error


def _read_wave(file: wave.Wave_read, max_decoded: int | None) -> Samples:
    channels, width, frames = file.getnchannels(), file.getsampwidth(), file.getnframes()
    check_decoded(4 * frames * channels, max_decoded, 'the sound')
    packed = file.readframes(frames)
    if len(packed) < frames * channels * width:
        raise CorruptData(
            f'the wav file is cut short: it should hold {frames} frames of {channels * width} '
            f'bytes, and has {len(packed)} bytes of them'
        )
    samples = _from_pcm(packed, width)
    return samples if channels == 1 else samples.reshape(-1, channels)


def _from_pcm(packed: bytes, width: int) -> Samples:
    if width == 1:
        numbers = np.frombuffer(packed, np.uint8).astype(np.int16) - 128
        return (numbers / 128).astype(np.float32)
    if width == 3:
        # The three bytes become the upper ones of four.
        wide = np.zeros((len(packed) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(packed, np.uint8).reshape(-1, 3)
        numbers = wide.view('<i4')[:, 0]
    elif width in (2, 4):
        numbers = np.frombuffer(packed, f'<i{width}')
    else:
        raise CorruptData(f'the wav file has samples of {width} bytes; 1 to 4 can be read')
    return (numbers / 2.0 ** (15 if width == 2 else 31)).astype(np.float32)


def _with_soundfile(data: bytes, max_decoded: int | None) -> tuple[Samples, int]:
    try:
        import soundfile
    except ImportError as error:
        raise MissingDependency.of('soundfile', 'media', 'reading sound that is not wav') from error
    blocks = []
    nbytes = 0
    try:
        with soundfile.SoundFile(BytesIO(data)) as file:
            rate = int(file.samplerate)
            # In blocks: the length that a header claims may be anything.
            while True:
                block = file.read(_BLOCK, dtype='float32', always_2d=True)
                if not len(block):
                    break
                blocks.append(block)
                nbytes += block.nbytes
                check_decoded(nbytes, max_decoded, 'the sound')
            samples = np.concatenate(blocks or [np.zeros((0, file.channels), np.float32)])
    except (DocstoreError, MemoryError):
        raise
    except Exception as error:  # decoders raise what they stumble over
        raise CorruptData(
            f'{len(data)} bytes that start with {data[:8]!r} are no readable sound: {error}'
        ) from error
    return (samples[:, 0] if samples.shape[1] == 1 else samples), rate


def encode(tensor: Any, sample_rate: int = 44100, sample_width: int = 2) -> bytes:
    """Samples from -1 to 1 as a wav file; what is beyond is cut.

    Parameters
    ----------
    tensor : array of floats
        Of shape (n,), or (n, channels).
    sample_rate : int
        Samples per second.
    sample_width : {1, 2, 3, 4}
        Bytes of a sample.
    """
    array = array_of(tensor, 'an audio tensor')
    if array.dtype.kind != 'f':
        raise InvalidArgument(
            f'expected floats from -1 to 1, not {array.dtype}; divide 16-bit samples by 2**15'
        )
    channels = array.shape[1] if array.ndim == 2 else 1
    if array.ndim not in (1, 2) or not 1 <= channels <= max(2, min(_MAX_CHANNELS, len(array))):
        raise InvalidArgument(
            f'expected an audio tensor of shape (n,) or (n, channels), not {array.shape}'
        )
    if sample_width not in (1, 2, 3, 4):
        raise InvalidArgument(f'sample_width must be 1, 2, 3 or 4 bytes, not {sample_width!r}')
    if (
        isinstance(sample_rate, bool)
        or not isinstance(sample_rate, (int, np.integer))
        or not (1 <= sample_rate < 1 << 31)
    ):
        raise InvalidArgument(f'sample_rate must be a positive int, not {sample_rate!r}')
    if not np.isfinite(array).all():
        raise InvalidArgument('the audio tensor has NaN or infinite values')
    file = BytesIO()
    with wave.open(file, 'wb') as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(sample_width)
        writer.setframerate(int(sample_rate))
        writer.writeframes(_to_pcm(array, sample_width))
    return file.getvalue()


def _to_pcm(array: npt.NDArray[Any], width: int) -> bytes:
    scale = 2.0 ** (8 * width - 1)
    numbers = np.clip(np.rint(array.astype(np.float64) * scale), -scale, scale - 1)
    if width == 1:
        return bytes((numbers + 128).astype(np.uint8).tobytes())
    if width == 3:
        wide = np.ascontiguousarray(numbers.astype('<i4'))
        return wide.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return numbers.astype(f'<i{width}').tobytes()
