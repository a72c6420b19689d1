"""Images, sound, video and meshes as fields of a dataclass."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any, List

import numpy as np
import pytest

import docstore
from docstore import Document, DocumentArray
from docstore.errors import InvalidDocument, InvalidType
from docstore.typing import Audio, Blob, Image, Mesh, Video

pytestmark = pytest.mark.spec('17')


@docstore.dataclass
class Album:
    cover: Image
    photos: List[Image]
    sound: Audio = None  # type: ignore[assignment]
    film: Video = None  # type: ignore[assignment]
    shape: Mesh = None  # type: ignore[assignment]
    file: Blob = None  # type: ignore[assignment]


PIXELS = np.arange(36, dtype=np.uint8).reshape(4, 3, 3)


@pytest.fixture
def png(tmp_path: Path) -> str:
    pillow = pytest.importorskip('PIL.Image')
    path = tmp_path / 'a.png'
    pillow.fromarray(PIXELS).save(path)
    return str(path)


def metadata(doc: Any) -> dict[str, Any]:
    return dict(doc._metadata)


def test_an_image_from_a_file(png: str) -> None:
    doc: Any = Document(Album(png, [png, PIXELS]))
    assert (doc.cover.uri, doc.cover.mime_type, doc.cover.modality) == (png, 'image/png', 'image')
    assert metadata(doc.cover) == {'image_type': 'uri'}
    np.testing.assert_array_equal(doc.cover.tensor, PIXELS)
    assert [metadata(photo)['image_type'] for photo in doc.photos] == ['uri', 'ndarray']
    made = Album(doc)
    assert (made.cover, made.photos[0]) == (png, png)
    np.testing.assert_array_equal(made.photos[1], PIXELS)
    np.testing.assert_array_equal(DocumentArray([doc])['@.[photos]'].tensors[1], PIXELS)


def test_an_image_of_pillow() -> None:
    pillow = pytest.importorskip('PIL.Image')
    image = pillow.fromarray(PIXELS)
    doc: Any = Document.from_bytes(bytes(Document(Album(image, []))))
    assert metadata(doc.cover) == {'image_type': 'PIL'}
    back = Album(doc).cover
    assert isinstance(back, pillow.Image)
    np.testing.assert_array_equal(np.asarray(back), PIXELS)
    doc.cover.tensor = np.zeros((2, 2, 9, 9))
    with pytest.raises(InvalidDocument, match=r'Album\.cover .*no image'):
        Album(doc)


def test_sound_from_a_file_and_an_array(tmp_path: Path) -> None:
    path = tmp_path / 'a.wav'
    with wave.open(str(path), 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.array([0, 16384, -16384], '<i2').tobytes())
    doc: Any = Document(Album(PIXELS, [], sound=str(path)))
    assert (doc.sound.modality, metadata(doc.sound)) == ('audio', {'audio_type': 'uri'})
    np.testing.assert_allclose(doc.sound.tensor, [0, 0.5, -0.5], atol=1e-3)
    assert Album(doc).sound == str(path)
    given = np.zeros(5)
    assert Album(Document(Album(PIXELS, [], sound=given))).sound is given


@pytest.mark.parametrize(('field', 'key'), [('film', 'video_type'), ('shape', 'mesh_type')])
def test_arrays(field: str, key: str) -> None:
    given = np.zeros((2, 4, 4, 3), np.uint8)
    doc: Any = Document(Album(PIXELS, [], **{field: given}))
    chunk = getattr(doc, field)
    assert (chunk.modality, metadata(chunk)) == (key.partition('_')[0], {key: 'ndarray'})
    assert getattr(Album(doc), field) is given


def test_a_mesh_from_a_file(tmp_path: Path) -> None:
    trimesh = pytest.importorskip('trimesh')
    path = tmp_path / 'cube.off'
    trimesh.creation.box().export(path)
    doc: Any = Document(Album(PIXELS, [], shape=str(path)))
    assert doc.shape.tensor.shape == (1000, 3)
    assert Album(doc).shape == str(path)


def test_a_blob_from_a_file(png: str) -> None:
    doc: Any = Document(Album(PIXELS, [], file=png))
    assert doc.file.blob == Path(png).read_bytes()
    assert metadata(doc.file) == {'blob_type': 'uri'}
    assert Album(doc).file == png


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'cover': 3}, r'Album\.cover: expected a URI or a NumPy array or a Pillow image, got int'),
        ({'photos': [PIXELS, None]}, r'Album\.photos\[1\]: None'),
        ({'photos': [PIXELS, 'none.png']}, r'Album\.photos\[1\]'),
        ({'cover': 'none.png'}, r'Album\.cover'),
        ({'sound': [0.5]}, r'Album\.sound: expected a URI or a NumPy array'),
        ({'file': 'none.bin'}, r'Album\.file'),
    ],
)
def test_bad_values_name_their_field(values: dict[str, Any], message: str) -> None:
    with pytest.raises((InvalidType, FileNotFoundError), match=message):
        Document(Album(**{'cover': PIXELS, 'photos': [], **values}))


def test_a_file_that_is_no_image(tmp_path: Path) -> None:
    pytest.importorskip('PIL')
    path = tmp_path / 'a.png'
    path.write_bytes(b'\x89PNG\r\n\x1a\n truncated')
    with pytest.raises(ValueError, match=r'Album\.cover'):
        Document(Album(str(path), []))


def test_a_document_that_does_not_say_what_it_was() -> None:
    doc: Any = Document(Album(PIXELS, []))
    doc.cover._metadata.clear()
    with pytest.raises(InvalidDocument, match=r'Album\.cover .*image_type'):
        Album(doc)
