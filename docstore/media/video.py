"""Video: files to arrays of frames, and back; and frames of a camera."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CorruptData, DocstoreError, InvalidArgument, MissingDependency
from .arrays import array_of, check_decoded

__all__ = ['camera_frames', 'decode', 'encode']

Frames = npt.NDArray[np.uint8]


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingDependency.of('av', 'media', 'reading and writing video') from error
    return av


def _refuse(url: str, *_: Any) -> Any:
    # Playlists name other files and addresses, and FFmpeg would open them all.
    raise CorruptData(f'the video wants to open {url!r}; it must be one file')


def decode(
    data: bytes,
    only_keyframes: bool = False,
    max_decoded: int | None = None,
    **options: Any,
) -> tuple[Frames, list[int]]:
    """The frames of a video, and which of them are key frames.

    Parameters
    ----------
    data : bytes
        The file.
    only_keyframes : bool
        Whether to leave out all but the key frames.
    max_decoded : int, optional
        Refuse what takes more bytes than this.
    **options
        For ``av.open``.

    Returns
    -------
    frames : ndarray of uint8
        Of shape (frames, height, width, 3).
    keyframes : list of int
        Positions of the key frames.

    Raises
    ------
    CorruptData
        If the bytes are no video.
    """
    av = _av()
    frames: list[Frames] = []
    keys: list[int] = []
    nbytes = 0
    options['container_options'] = {
        'protocol_whitelist': 'none',
        **options.get('container_options', {}),
    }
    try:
        with av.open(BytesIO(data), io_open=_refuse, **options) as container:
            if not container.streams.video:
                raise CorruptData('the file has no video in it')
            stream = container.streams.video[0]
            if stream.codec_context is None:  # PyAV before 18 would crash the process
                raise CorruptData('the video is in a format that nothing here can decode')
            if only_keyframes:
                stream.codec_context.skip_frame = 'NONKEY'
            for frame in container.decode(stream):
                nbytes += 3 * frame.width * frame.height
                check_decoded(nbytes, max_decoded, 'the video')
                if frame.key_frame:
                    keys.append(len(frames))
                frames.append(frame.to_ndarray(format='rgb24'))
            return np.stack(frames), keys
    except (DocstoreError, MemoryError):
        raise
    except Exception as error:  # FFmpeg's errors have no common built-in
        raise CorruptData(
            f'{len(data)} bytes that start with {data[:8]!r} are no readable video: {error}'
        ) from error


def encode(
    tensor: Any, frame_rate: Any = 30, codec: str = 'h264', file_format: str = 'mp4'
) -> bytes:
    """Frames as a video file.

    Parameters
    ----------
    tensor : array of uint8
        Of shape (frames, height, width, 3).
    frame_rate : int or Fraction
        Frames per second.
    codec : str
        As FFmpeg names it.
    file_format : str
        The extension of the kind of file.

    Raises
    ------
    InvalidArgument
        If the tensor is of another shape or type, or the codec cannot write it.
    """
    array = array_of(tensor, 'a video tensor')
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[-1] != 3 or not array.size:
        raise InvalidArgument(
            'expected a video tensor of uint8 and shape (frames, height, width, 3), '
            f'not of {array.dtype} and {array.shape}'
        )
    av = _av()
    file = BytesIO()
    file.name = f'video.{file_format}'  # tells FFmpeg the format
    try:
        if not frame_rate > 0:
            raise InvalidArgument(f'frame_rate must be positive, not {frame_rate!r}')
        with av.open(file, mode='w') as container:
            stream = container.add_stream(codec, rate=frame_rate)
            formats = [entry.name for entry in stream.codec_context.codec.video_formats or ()]
            stream.height, stream.width = array.shape[1:3]
            stream.pix_fmt = formats[0]
            for pixels in array:
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format='rgb24')
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    except (DocstoreError, MemoryError):
        raise
    except Exception as error:  # FFmpeg's errors have no common built-in
        height, width = array.shape[1:3]
        hint = '; most codecs want an even height and width' if height % 2 or width % 2 else ''
        raise InvalidArgument(
            f'cannot write {height} x {width} pixels as {file_format} with the codec {codec!r} and '
            f'frame_rate={frame_rate!r}: {error}{hint}'
        ) from error
    return file.getvalue()


def camera_frames(
    show_window: bool = True,
    window_title: str = 'webcam',
    fps: int = 30,
    exit_key: int = 27,
    exit_event: Any = None,
) -> Iterator[Frames]:
    """The pictures of the first camera, as OpenCV gives them (blue first).

    Ends when the camera does, when ``exit_event`` is set, or when ``exit_key``
    is pressed in the window.
    """
    if not fps > 0:
        raise InvalidArgument(f'fps must be positive, not {fps!r}')
    try:
        import cv2
    except ImportError as error:
        raise MissingDependency(
            "pictures of a camera need the package 'cv2': pip install opencv-python"
        ) from error
    from time import sleep

    camera = cv2.VideoCapture(0)
    shown = False
    try:
        while exit_event is None or not exit_event.is_set():
            good, frame = camera.read()
            if not good:
                return
            yield frame
            if show_window:
                cv2.imshow(window_title, frame)
                shown = True
                if cv2.waitKey(max(1, 1000 // fps)) == exit_key:
                    return
            else:
                sleep(1 / fps)
    finally:
        camera.release()
        if shown:
            cv2.destroyWindow(window_title)
