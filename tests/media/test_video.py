"""Video files, and the camera."""

from __future__ import annotations

import sys
import threading
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from docstore import Document
from docstore.errors import CorruptData, MissingDependency
from docstore.media import video
from docstore.media.uris import UriPolicy

pytestmark = pytest.mark.spec('2.8')

FRAMES, HEIGHT, WIDTH = 12, 48, 32


@pytest.fixture(scope='module')
def clip() -> Any:
    """Grey, lighter in each frame; the upper third is red. Higher than wide."""
    pytest.importorskip('av')
    frames = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    frames += (np.arange(FRAMES, dtype=np.uint8) * 20)[:, None, None, None]
    frames[:, : HEIGHT // 3] = (255, 0, 0)
    return frames


@pytest.fixture(scope='module')
def mp4(clip: Any) -> bytes:
    return video.encode(clip)


def test_saving_and_loading(clip: Any, tmp_path: Path) -> None:
    path = tmp_path / 'a.mp4'
    doc = Document(tensor=clip)
    assert doc.save_video_tensor_to_file(str(path)) is doc
    assert doc.tensor is clip
    loaded = Document(uri=str(path), tags={'kept': 1})
    assert loaded.load_uri_to_video_tensor() is loaded
    assert loaded.tensor.dtype == np.uint8
    assert loaded.tensor.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert np.abs(loaded.tensor[:, 24:, 4:-4].astype(int) - clip[:, 24:, 4:-4]).max() < 16
    assert loaded.tensor[0, 2, 2].tolist() == pytest.approx([255, 0, 0], abs=16)
    assert loaded.tags == {'kept': 1, 'keyframe_indices': [0]}


def test_the_file_is_as_others_read_it(mp4: bytes) -> None:
    av = pytest.importorskip('av')
    with av.open(BytesIO(mp4)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (WIDTH, HEIGHT)
        assert stream.codec_context.name == 'h264'
        assert stream.average_rate == 30


def test_key_frames(clip: Any, tmp_path: Path) -> None:
    path = tmp_path / 'a.avi'
    # Of mjpeg every frame is one.
    Document(tensor=clip).save_video_tensor_to_file(path, frame_rate=10, codec='mjpeg')
    whole = Document(uri=str(path)).load_uri_to_video_tensor()
    assert whole.tags['keyframe_indices'] == list(range(FRAMES))
    assert len(whole.tensor) == FRAMES
    Document(tensor=clip).save_video_tensor_to_file(tmp_path / 'b.mkv')
    keys = Document(uri=str(tmp_path / 'b.mkv')).load_uri_to_video_tensor(only_keyframes=True)
    assert len(keys.tensor) == 1
    assert 'keyframe_indices' not in keys.tags


def test_file_objects(clip: Any) -> None:
    file = BytesIO()
    Document(tensor=clip[:2]).save_video_tensor_to_file(file)
    frames, keys = video.decode(file.getvalue())
    assert (len(frames), keys) == (2, [0])


def test_options_go_to_av(mp4: bytes) -> None:
    with pytest.raises(CorruptData):
        video.decode(mp4, format='avi')


@pytest.mark.parametrize('cut', [0, 10, 100, 1000])
def test_cut_files(mp4: bytes, cut: int, tmp_path: Path, refused: Any) -> None:
    (tmp_path / 'a.mp4').write_bytes(mp4[:cut])
    doc = Document(uri=str(tmp_path / 'a.mp4'), tags={'a': 1})
    assert isinstance(refused(doc, ValueError, 'load_uri_to_video_tensor'), CorruptData)


def test_damaged_files_are_read_or_refused(mp4: bytes) -> None:
    random = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(mp4)
        for at in random.integers(0, len(mp4), 3):
            damaged[at] = random.integers(0, 256)
        try:
            frames, keys = video.decode(bytes(damaged), max_decoded=10_000_000)
            assert frames.dtype == np.uint8
            assert set(keys) <= set(range(len(frames)))
        except CorruptData:
            pass


def test_a_format_that_nobody_knows(mp4: bytes) -> None:
    assert mp4.count(b'avc1') > 0
    with pytest.raises(CorruptData, match='decode'):
        video.decode(mp4.replace(b'avc1', b'zzzz'))


def test_no_video(tmp_path: Path, refused: Any) -> None:
    pytest.importorskip('av')
    (tmp_path / 'a.txt').write_text('words', encoding='utf-8')
    refused(Document(uri=str(tmp_path / 'a.txt')), ValueError, 'load_uri_to_video_tensor')
    sound = Document(tensor=np.zeros(100))
    sound.save_audio_tensor_to_file(tmp_path / 'a.wav')
    error = refused(Document(uri=str(tmp_path / 'a.wav')), ValueError, 'load_uri_to_video_tensor')
    assert 'no video' in str(error)


@pytest.mark.parametrize(
    'playlist',
    [
        '#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\n{uri}\n#EXT-X-ENDLIST\n',
        '#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\n{name}\n#EXT-X-ENDLIST\n',
        'ffconcat version 1.0\nfile {name}\n',
    ],
)
def test_playlists_open_nothing(
    playlist: str,
    mp4: bytes,
    tmp_path: Path,
    refused: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    secret = tmp_path / 'secret.mp4'
    secret.write_bytes(mp4)
    text = playlist.format(uri=secret.as_uri(), name=secret.name)
    Path('a.mp4').write_text(text, encoding='utf-8')
    refused(Document(uri='a.mp4'), ValueError, 'load_uri_to_video_tensor')


def test_the_policy_limits_what_is_decoded(mp4: bytes, tmp_path: Path, refused: Any) -> None:
    (tmp_path / 'a.mp4').write_bytes(mp4)
    doc = Document(uri=str(tmp_path / 'a.mp4'))
    size = FRAMES * HEIGHT * WIDTH * 3
    limited = UriPolicy(max_decoded=size - 1)
    refused(doc, ValueError, 'load_uri_to_video_tensor', policy=limited)
    doc.load_uri_to_video_tensor(policy=UriPolicy(max_decoded=size))
    assert doc.tensor.nbytes == size


@pytest.mark.parametrize(
    ('change', 'arguments'),
    [
        (lambda clip: None, {}),
        (lambda clip: clip.astype(float), {}),
        (lambda clip: clip[0], {}),
        (lambda clip: clip[..., :1], {}),
        (lambda clip: clip[:0], {}),
        (lambda clip: clip[:, :31], {}),
        (lambda clip: clip[:, :, :31], {}),
        (lambda clip: clip, {'codec': 'no such codec'}),
        (lambda clip: clip, {'codec': 'aac'}),
        (lambda clip: clip, {'frame_rate': 0}),
        (lambda clip: clip, {'frame_rate': -1}),
        (lambda clip: clip, {'frame_rate': 'x'}),
    ],
)
def test_saving_refuses(
    change: Any, arguments: dict[str, Any], clip: Any, tmp_path: Path, refused: Any
) -> None:
    path = tmp_path / 'never.mp4'
    doc = Document(tensor=change(clip))
    refused(doc, ValueError, 'save_video_tensor_to_file', path, **arguments)
    assert not path.exists()


def test_odd_sizes_are_explained(clip: Any, tmp_path: Path, refused: Any) -> None:
    doc = Document(tensor=clip[:, :31])
    error = refused(doc, ValueError, 'save_video_tensor_to_file', tmp_path / 'a.mp4')
    assert 'even height' in str(error)


def test_an_unknown_kind_of_file(clip: Any, tmp_path: Path, refused: Any) -> None:
    refused(Document(tensor=clip), ValueError, 'save_video_tensor_to_file', tmp_path / 'a.xyz')


# -- the camera ------------------------------------------------------------


class Camera:
    """What stands in for OpenCV: a camera, a window and a keyboard."""

    def __init__(self, frames: int = 100, key: int = -1) -> None:
        self.frames, self.key = frames, key
        self.windows: list[str] = []
        self.released = False
        self.module = ModuleType('cv2')
        self.module.VideoCapture = lambda number: self  # type: ignore[attr-defined]
        self.module.imshow = lambda title, frame: self.windows.append(title)  # type: ignore[attr-defined]
        self.module.waitKey = lambda wait: self.key  # type: ignore[attr-defined]
        self.module.destroyWindow = self.windows.remove  # type: ignore[attr-defined]

    def read(self) -> tuple[bool, Any]:
        self.frames -= 1
        return self.frames >= 0, np.full((4, 6, 3), self.frames % 256, np.uint8)

    def release(self) -> None:
        self.released = True


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Camera:
    made = Camera()
    monkeypatch.setitem(sys.modules, 'cv2', made.module)
    return made


def test_documents_of_a_camera(camera: Camera) -> None:
    tags = {'k': 1}
    generator = Document.generator_from_webcam(height_width=(2, 3), tags=tags, fps=1000)
    docs = [next(generator), next(generator)]
    assert [doc.tensor.shape for doc in docs] == [(2, 3, 3)] * 2
    assert [int(doc.tensor[0, 0, 0]) for doc in docs] == [99, 98]
    docs[0].tags['k'] = 2
    assert (docs[1].tags, tags) == ({'k': 1}, {'k': 1})
    assert camera.windows == ['webcam']
    generator.close()  # type: ignore[attr-defined]
    assert camera.released
    assert camera.windows == []


def test_a_camera_ends(camera: Camera) -> None:
    camera.frames = 3
    assert len(list(Document.generator_from_webcam(show_window=False, fps=1000))) == 3
    assert camera.released
    assert camera.windows == []


def test_a_key_ends_it(camera: Camera) -> None:
    camera.key = 27
    assert len(list(Document.generator_from_webcam(window_title='x'))) == 1
    camera.key = ord('q')
    assert len(list(Document.generator_from_webcam(exit_key=ord('q')))) == 1


def test_an_event_ends_it(camera: Camera) -> None:
    event = threading.Event()
    generator = Document.generator_from_webcam(show_window=False, exit_event=event, fps=1000)
    next(generator)
    event.set()
    assert list(generator) == []
    assert camera.released


def test_a_camera_needs_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'cv2', None)
    with pytest.raises(MissingDependency, match='opencv-python'):
        next(iter(Document.generator_from_webcam()))
