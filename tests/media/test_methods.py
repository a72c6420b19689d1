"""The methods of Document as a whole: names, arguments, chains, stores, missing packages."""

from __future__ import annotations

import inspect
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.document_converting import ConvertedDocument
from docstore.document_images import ImageDocument
from docstore.document_media import MediaDocument
from docstore.errors import MissingDependency

pytestmark = pytest.mark.spec('2.8')

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

#: Every method of the section, and the arguments that docarray 0.21 gives it.
METHODS: dict[str, dict[str, Any]] = {
    'load_uri_to_text': {'charset': 'utf-8'},
    'load_uri_to_blob': {},
    'load_uri_to_image_tensor': {'width': None, 'height': None, 'channel_axis': -1},
    'convert_blob_to_image_tensor': {'width': None, 'height': None, 'channel_axis': -1},
    'convert_image_tensor_to_blob': {'channel_axis': -1, 'image_format': 'png'},
    'convert_image_tensor_to_uri': {'channel_axis': -1, 'image_format': 'png'},
    'load_pil_image_to_datauri': {'image': ...},
    'set_image_tensor_channel_axis': {'original_channel_axis': ..., 'new_channel_axis': ...},
    'set_image_tensor_shape': {'shape': ..., 'channel_axis': -1},
    'set_image_tensor_resample': {'ratio': ..., 'channel_axis': -1},
    'set_image_tensor_normalization': {'channel_axis': -1, 'img_mean': MEAN, 'img_std': STD},
    'set_image_tensor_inv_normalization': {'channel_axis': -1, 'img_mean': MEAN, 'img_std': STD},
    'convert_image_tensor_to_sliding_windows': {
        'window_shape': (64, 64),
        'strides': None,
        'padding': False,
        'channel_axis': -1,
        'as_chunks': False,
    },
    'save_image_tensor_to_file': {'file': ..., 'channel_axis': -1, 'image_format': 'png'},
    'load_uri_to_audio_tensor': {},
    'save_audio_tensor_to_file': {'file': ..., 'sample_rate': 44100, 'sample_width': 2},
    'load_uri_to_video_tensor': {'only_keyframes': False},
    'save_video_tensor_to_file': {'file': ..., 'frame_rate': 30, 'codec': 'h264'},
    'generator_from_webcam': {
        'height_width': None,
        'show_window': True,
        'window_title': 'webcam',
        'fps': 30,
        'exit_key': 27,
        'exit_event': None,
        'tags': None,
    },
    'load_uri_to_point_cloud_tensor': {'samples': ..., 'as_chunks': False},
    'load_uri_to_vertices_and_faces': {},
    'load_vertices_and_faces_to_point_cloud': {'samples': ...},
    'load_uris_to_rgbd_tensor': {},
    'get_vocabulary': {'text_attrs': ('text',)},
    'convert_text_to_tensor': {'vocab': ..., 'max_length': None, 'dtype': 'int64'},
    'convert_tensor_to_text': {'vocab': ..., 'delimiter': ' '},
    'convert_text_to_datauri': {'charset': 'utf-8', 'base64': False},
    'convert_blob_to_datauri': {'charset': 'utf-8', 'base64': False},
    'convert_uri_to_datauri': {'charset': 'utf-8', 'base64': False},
    'convert_content_to_datauri': {},
    'convert_blob_to_tensor': {'dtype': None, 'count': -1, 'offset': 0},
    'convert_tensor_to_blob': {},
    'save_blob_to_file': {'file': ...},
    'save_uri_to_file': {'file': ...},
    'embed_feature_hashing': {
        'n_dim': 256,
        'sparse': False,
        'fields': ('text', 'tags'),
        'max_value': 1_000_000,
    },
}


@pytest.mark.parametrize('name', METHODS)
def test_arguments_and_defaults(name: str) -> None:
    given = list(inspect.signature(getattr(Document, name)).parameters.values())
    if given[0].name == 'self':
        given.pop(0)
    expected = METHODS[name]
    assert [parameter.name for parameter in given[: len(expected)]] == list(expected)
    for parameter in given[: len(expected)]:
        default = parameter.default
        assert expected[parameter.name] == (... if default is parameter.empty else default)
    # Ours come after, and none of them is needed.
    extra = {parameter.name for parameter in given[len(expected) :]}
    assert extra <= {'timeout', 'policy', 'options'}


def test_the_list_is_complete() -> None:
    ours = {
        name
        for link in (ConvertedDocument, ImageDocument, MediaDocument)
        for name in vars(link)
        if not name.startswith('_')
    }
    assert ours == set(METHODS)


def test_methods_chain(rgb: Any, tmp_path: Path) -> None:
    pytest.importorskip('PIL')
    path = tmp_path / 'a.png'
    Document(tensor=rgb).save_image_tensor_to_file(path)
    doc = (
        Document(uri=str(path))
        .load_uri_to_image_tensor(width=8)
        .set_image_tensor_normalization()
        .set_image_tensor_channel_axis(-1, 0)
        .set_image_tensor_channel_axis(0, -1)
        .set_image_tensor_inv_normalization()
        .convert_image_tensor_to_uri()
        .convert_image_tensor_to_blob()
        .convert_blob_to_datauri(base64=True)
        .convert_blob_to_image_tensor()
    )
    assert np.array_equal(doc.tensor, rgb)
    assert np.array_equal(Document(uri=doc.uri).load_uri_to_image_tensor().tensor, rgb)


def test_subclasses_make_chunks_of_their_own_kind(rgb: Any) -> None:
    class Picture(Document):
        pass

    doc = Picture(tensor=rgb).convert_image_tensor_to_sliding_windows((3, 4), as_chunks=True)
    assert isinstance(doc, Picture)
    assert {type(chunk) for chunk in doc.chunks} == {Picture}


# -- in a store ------------------------------------------------------------


def opened(storage: str, folder: Path) -> DocumentArray:
    config = {'sqlite': {'connection': str(folder / 'x.db')}, 'disk': {'path': str(folder / 'x')}}
    return DocumentArray(storage=storage, config=config.get(storage))


@pytest.mark.parametrize('storage', ['memory', 'sqlite', 'disk'])
def test_conversions_are_kept_by_stores(storage: str, rgb: Any, tmp_path: Path) -> None:
    da = opened(storage, tmp_path)
    da.extend(
        [
            Document(id='text', text='hello world', tags={'a': 1}),
            Document(id='image', tensor=rgb, text=''),
            Document(id='blob', blob=np.arange(3, dtype='f4').tobytes()),
            Document(id='uri', uri='data:,words'),
        ]
    )
    da['text'].embed_feature_hashing(n_dim=8).convert_text_to_datauri()
    da['text'].convert_text_to_tensor({'hello': 2})
    da['image'].convert_image_tensor_to_sliding_windows((3, 4), as_chunks=True)
    da['image'].set_image_tensor_shape((3, 4)).set_image_tensor_normalization()
    da['blob'].convert_blob_to_tensor('float32')
    da['uri'].load_uri_to_text()
    with pytest.raises(ValueError, match='image'):
        da['image'].convert_image_tensor_to_blob()
    if storage != 'memory':
        da.close()
        da = opened(storage, tmp_path)
    text, image, blob, uri = da
    assert text.tensor.tolist() == [2, 1]
    assert text.text == ''
    assert text.uri == 'data:;charset=utf-8,hello%20world'
    assert text.embedding.shape == (8,)
    assert image.tensor.shape == (3, 4, 3)
    assert image.tensor.dtype == np.float32
    assert [chunk.tensor.shape for chunk in image.chunks] == [(3, 4, 3)] * 4
    assert [list(chunk.location) for chunk in image.chunks][3] == [3, 4, 3, 4]
    assert {chunk.parent_id for chunk in image.chunks} == {'image'}
    assert blob.tensor.tolist() == [0, 1, 2]
    assert blob.blob == b''
    assert (uri.text, uri.content_type) == ('words', 'text')
    da.close()


@pytest.mark.parametrize('storage', ['memory', 'sqlite', 'disk'])
def test_video_in_a_store(storage: str, tmp_path: Path) -> None:
    pytest.importorskip('av')
    clip = np.zeros((2, 16, 16, 3), np.uint8)
    Document(tensor=clip).save_video_tensor_to_file(tmp_path / 'a.mp4')
    da = opened(storage, tmp_path)
    da.append(Document(uri=str(tmp_path / 'a.mp4'), text='replaced', tags={'kept': 1}))
    da[0].load_uri_to_video_tensor()
    if storage != 'memory':
        da.close()
        da = opened(storage, tmp_path)
    assert da[0].tensor.shape == clip.shape
    assert da[0].tags == {'kept': 1, 'keyframe_indices': [0]}
    assert da[0].content_type == 'tensor'
    da.close()


def test_apply_to_an_array(rgb: Any) -> None:
    da = DocumentArray([Document(tensor=rgb) for _ in range(3)])
    for doc in da:
        doc.set_image_tensor_shape((3, 4))
    assert da.tensors.shape == (3, 3, 4, 3)


# -- what is not installed -------------------------------------------------


@pytest.mark.parametrize(
    ('package', 'call'),
    [
        ('PIL', lambda: Document(blob=b'x').convert_blob_to_image_tensor()),
        ('PIL', lambda: Document(tensor=np.zeros((2, 2, 3))).convert_image_tensor_to_blob()),
        ('PIL', lambda: Document().load_pil_image_to_datauri(None)),
        ('av', lambda: Document(uri='data:,x').load_uri_to_video_tensor()),
        (
            'av',
            lambda: Document(tensor=np.zeros((1, 2, 2, 3), np.uint8)).save_video_tensor_to_file(
                BytesIO()
            ),
        ),
        ('trimesh', lambda: Document(uri='data:,x').load_uri_to_vertices_and_faces()),
        ('soundfile', lambda: Document(uri='data:,x').load_uri_to_audio_tensor()),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    package: str, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependency, match=r'pip install "docstore\[media\]"'):
        call()


def test_a_sparse_embedding_needs_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'scipy.sparse', None)
    with pytest.raises(MissingDependency, match='scipy'):
        Document(text='x').embed_feature_hashing(sparse=True)


def test_wav_and_texts_need_no_package(tmp_path: Path) -> None:
    code = """
import sys
for name in ('PIL', 'av', 'soundfile', 'trimesh', 'scipy'): sys.modules[name] = None
import io, numpy as np
from docstore import Document
Document(tensor=np.zeros(9)).save_audio_tensor_to_file('a.wav')
assert Document(uri='a.wav').load_uri_to_audio_tensor().tensor.shape == (9,)
Document(text='a').embed_feature_hashing().convert_text_to_datauri()
Document(tensor=np.zeros((2, 2, 3), np.uint8)).set_image_tensor_normalization()
assert not {'http', 'urllib.request'} & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
