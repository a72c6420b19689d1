"""Image files and tensors."""

from __future__ import annotations

import warnings
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
from docstore.media import images
from docstore.media.uris import UriPolicy

Image = pytest.importorskip('PIL.Image')

pytestmark = pytest.mark.spec('2.8')


def file_of(pixels: Any, kind: str = 'PNG', **options: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, format=kind, **options)
    return file.getvalue()


def opened(data: bytes) -> Any:
    return Image.open(BytesIO(data))


def paged(kind: str, count: int = 3) -> bytes:
    first, *others = [Image.fromarray(np.full((4, 5, 3), 60 * i, np.uint8)) for i in range(count)]
    file = BytesIO()
    first.save(file, format=kind, save_all=True, append_images=others)
    return file.getvalue()


# -- reading ---------------------------------------------------------------


def test_uri_to_tensor(rgb: Any, tmp_path: Path) -> None:
    path = tmp_path / 'a.png'
    path.write_bytes(file_of(rgb))
    doc = Document(uri=str(path), text='replaced')
    assert doc.load_uri_to_image_tensor() is doc
    assert doc.tensor.dtype == np.uint8
    assert np.array_equal(doc.tensor, rgb)
    assert doc.tensor.flags.writeable
    assert doc.content_type == 'tensor'
    assert doc.mime_type == 'image/png'


def test_blob_to_tensor(rgb: Any) -> None:
    doc = Document(blob=file_of(rgb))
    assert doc.convert_blob_to_image_tensor() is doc
    assert np.array_equal(doc.tensor, rgb)
    assert doc.blob == b''


@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'GIF', 'TIFF', 'BMP', 'WEBP'])
def test_kinds_of_files(kind: str) -> None:
    grey = np.full((6, 8), 128, np.uint8)
    made = Document(blob=file_of(grey, kind)).convert_blob_to_image_tensor().tensor
    assert made.shape == (6, 8, 3)
    assert np.abs(made.astype(int) - 128).max() <= 2


#: The size asked for, and the first numbers that docarray 0.21 makes of `rgb`.
SIZES = [
    ({'width': 4}, (6, 4, 3)),
    ({'height': 3}, (3, 8, 3)),
    ({'width': 4, 'height': 3}, (3, 4, 3)),
    ({'width': 16, 'height': 9}, (9, 16, 3)),
    ({'channel_axis': 0}, (3, 6, 8)),
    ({'channel_axis': 1, 'width': 2}, (6, 3, 2)),
    ({'channel_axis': -3}, (3, 6, 8)),
]


@pytest.mark.parametrize(('arguments', 'shape'), SIZES)
def test_size_and_axis(arguments: dict[str, int], shape: tuple[int, ...], rgb: Any) -> None:
    made = Document(blob=file_of(rgb)).convert_blob_to_image_tensor(**arguments).tensor
    assert made.shape == shape
    axis = arguments.get('channel_axis', -1)
    height, width = np.moveaxis(made, axis, -1).shape[:2]
    expected = np.asarray(Image.fromarray(rgb).resize((width, height)))
    assert np.array_equal(np.moveaxis(made, axis, -1), expected)


@pytest.mark.parametrize('kind', ['TIFF', 'GIF'])
def test_frames_become_chunks(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f'a.{kind}'
    path.write_bytes(paged(kind))
    for doc in (
        Document(uri=str(path), text='kept', chunks=[Document(text='old')]),
        Document(blob=path.read_bytes()),
    ):
        kept = doc.content_type
        if doc.uri:
            doc.load_uri_to_image_tensor(width=2, channel_axis=0)
        else:
            doc.convert_blob_to_image_tensor(width=2, channel_axis=0)
        assert [chunk.tensor.shape for chunk in doc.chunks] == [(3, 4, 2)] * 3
        assert [int(chunk.tensor[0, 0, 0]) for chunk in doc.chunks] == [0, 60, 120]
        assert {chunk.parent_id for chunk in doc.chunks} == {doc.id}
        assert doc.tensor is None
        assert doc.content_type == kept


def test_a_camera_file_is_one_picture(rgb: Any) -> None:
    file = BytesIO()
    first, second = Image.fromarray(rgb), Image.fromarray(rgb[:2, :2])
    first.save(file, format='MPO', save_all=True, append_images=[second])
    assert opened(file.getvalue()).n_frames == 2
    doc = Document(blob=file.getvalue()).convert_blob_to_image_tensor()
    assert doc.tensor.shape == rgb.shape
    assert not doc.chunks


def test_modes(rgb: Any) -> None:
    def made(pixels: Any, kind: str = 'PNG') -> Any:
        return Document(blob=file_of(pixels, kind)).convert_blob_to_image_tensor().tensor

    assert np.array_equal(made(np.dstack([rgb, rgb[..., :1]])), rgb)
    assert np.array_equal(made(rgb[..., 0]), np.dstack([rgb[..., 0]] * 3))
    # 16 bits become 8, and are not cut off at 255.
    wide = np.array([[0, 257, 32896, 65535]], np.uint16)
    assert made(wide)[0, :, 0].tolist() == [0, 1, 128, 255]
    assert made(np.array([[True, False]]))[0, :, 0].tolist() == [255, 0]


def test_a_tiny_file_may_be_a_huge_picture(refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = file_of(np.zeros((3000, 3000), np.uint8))
    assert len(bomb) < 20_000
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1_000_000)
    doc = Document(blob=bomb)
    error = refused(doc, ValueError, 'convert_blob_to_image_tensor')
    assert isinstance(error, CorruptData)
    assert 'too large' in str(error)
    # Between the limit and twice of it, Pillow warns.
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 5_000_000)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        assert Document(blob=bomb).convert_blob_to_image_tensor().tensor.shape == (3000, 3000, 3)
    refused(doc, ValueError, 'convert_blob_to_image_tensor')


def test_the_policy_limits_what_is_decoded(tmp_path: Path, refused: Any) -> None:
    path = tmp_path / 'a.gif'
    path.write_bytes(paged('GIF'))
    doc = Document(uri=str(path))
    limited = {'policy': UriPolicy(max_decoded=3 * 4 * 5 * 3 - 1)}
    refused(doc, ValueError, 'load_uri_to_image_tensor', **limited)
    refused(doc, ValueError, 'load_uri_to_image_tensor', width=10**9, height=10**9, **limited)
    blob = Document(blob=path.read_bytes())
    refused(blob, ValueError, 'convert_blob_to_image_tensor', **limited)
    enough = UriPolicy(max_decoded=3 * 4 * 5 * 3)
    assert len(doc.load_uri_to_image_tensor(policy=enough).chunks) == 3


@pytest.mark.parametrize(
    ('arguments', 'builtin'),
    [
        ({'width': 0}, ValueError),
        ({'height': -1}, ValueError),
        ({'width': 2.5}, TypeError),
        ({'width': True}, TypeError),
        ({'channel_axis': 3}, ValueError),
        ({'channel_axis': -4}, ValueError),
        ({'channel_axis': 'x'}, TypeError),
    ],
)
def test_reading_refuses(
    arguments: dict[str, Any], builtin: type[Exception], rgb: Any, refused: Any
) -> None:
    refused(Document(blob=file_of(rgb)), builtin, 'convert_blob_to_image_tensor', **arguments)


@pytest.mark.parametrize('data', [b'', b'abc', b'\x89PNG\r\n\x1a\n', b'<svg/>', b'\xff\xd8\xff'])
def test_no_image(data: bytes, refused: Any) -> None:
    error = refused(Document(blob=data, id='x'), ValueError, 'convert_blob_to_image_tensor')
    assert isinstance(error, CorruptData)
    assert str(error).startswith("blob of document 'x'")


@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'GIF', 'TIFF', 'BMP'])
def test_cut_files(kind: str, rgb: Any) -> None:
    whole = file_of(np.tile(rgb, (8, 8, 1)), kind)
    for length in range(0, len(whole) - 20, max(1, len(whole) // 40)):
        doc = Document(blob=whole[:length])
        try:
            doc.convert_blob_to_image_tensor()
        except CorruptData:
            assert doc.blob == whole[:length]
        else:
            assert kind in {'GIF', 'TIFF'}, length  # whose index may come before what is cut


@given(st.binary(max_size=64), st.integers(0, 200), st.integers(0, 255))
def test_damaged_files_are_read_or_refused(tail: bytes, at: int, value: int) -> None:
    whole = bytearray(file_of(np.zeros((5, 5, 3), np.uint8)))
    whole[at % len(whole)] = value
    for data in (bytes(whole), bytes(whole[:8]) + tail):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                assert images.decode(data, max_decoded=1 << 20)[0].dtype == np.uint8
        except CorruptData:
            pass


# -- writing ---------------------------------------------------------------


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_tensor_blob_uri_and_back(pixels: Any) -> None:
    blob = Document(tensor=pixels).convert_image_tensor_to_blob()
    assert blob.tensor is None
    assert np.array_equal(blob.convert_blob_to_image_tensor().tensor, pixels)
    uri = Document(tensor=pixels).convert_image_tensor_to_uri()
    assert np.array_equal(uri.tensor, pixels)
    assert uri.mime_type == 'image/png'
    assert np.array_equal(Document(uri=uri.uri).load_uri_to_image_tensor().tensor, pixels)


@pytest.mark.parametrize(
    ('image_format', 'kind'), [('png', 'PNG'), ('jpeg', 'JPEG'), ('jpg', 'JPEG')]
)
def test_formats(image_format: str, kind: str, rgb: Any) -> None:
    doc = Document(tensor=rgb)
    assert doc.convert_image_tensor_to_blob(image_format=image_format) is doc
    assert opened(doc.blob).format == kind
    doc = Document(tensor=rgb)
    assert doc.convert_image_tensor_to_uri(image_format=image_format) is doc
    assert doc.uri.startswith(f'data:image/{kind.lower()};base64,')
    assert doc.mime_type == f'image/{kind.lower()}'


@pytest.mark.parametrize(
    ('shape', 'mode', 'size'),
    [
        ((6, 8), 'L', (8, 6)),
        ((6, 8, 1), 'L', (8, 6)),
        ((6, 8, 3), 'RGB', (8, 6)),
        ((6, 8, 4), 'RGB', (8, 6)),
        ((1, 6, 8, 3), 'RGB', (8, 6)),
        ((784,), 'L', (28, 28)),
    ],
)
@pytest.mark.parametrize('dtype', ['uint8', 'int64', 'float32'])
def test_shapes(shape: tuple[int, ...], mode: str, size: tuple[int, int], dtype: str) -> None:
    tensor = (np.arange(np.prod(shape)) % 256).reshape(shape).astype(dtype)
    made = opened(Document(tensor=tensor).convert_image_tensor_to_blob().blob)
    assert (made.mode, made.size) == (mode, size)
    first = made.getpixel((1, 0)) if mode == 'L' else made.getpixel((0, 0))
    assert first == (1 if mode == 'L' else (0, 1, 2))


def test_any_strides_and_axes(rgb: Any) -> None:
    def back(tensor: Any, axis: int = -1) -> Any:
        blob = Document(tensor=tensor).convert_image_tensor_to_blob(channel_axis=axis).blob
        return np.asarray(opened(blob))

    assert np.array_equal(back(rgb[::-1, ::-2]), rgb[::-1, ::-2])
    assert np.array_equal(back(rgb.transpose(2, 0, 1), 0), rgb)
    assert np.array_equal(back(rgb.transpose(0, 2, 1), -2), rgb)
    assert np.array_equal(back(rgb.tolist()), rgb)
    read_only = rgb.copy()
    read_only.flags.writeable = False
    assert np.array_equal(back(read_only), rgb)


@pytest.mark.parametrize(
    ('tensor', 'builtin'),
    [
        (None, ValueError),
        (np.zeros((6, 8, 3)) + 0.5, ValueError),
        (np.full((6, 8, 3), 256), ValueError),
        (np.full((6, 8, 3), -1), ValueError),
        (np.full((6, 8, 3), np.nan), ValueError),
        (np.full((6, 8, 3), np.inf), ValueError),
        (np.zeros((6, 8, 5), np.uint8), ValueError),
        (np.zeros((3, 6, 8), np.uint8), ValueError),
        (np.zeros((2, 6, 8, 3), np.uint8), ValueError),
        (np.zeros(10, np.uint8), ValueError),
        (np.zeros((0, 8, 3), np.uint8), ValueError),
        (np.zeros((), np.uint8), ValueError),
        (np.array([['a']]), TypeError),
        (np.array([[1j]]), TypeError),
        ([[1], [2, 3]], TypeError),
        (object(), TypeError),
    ],
)
@pytest.mark.parametrize(
    ('name', 'arguments'),
    [
        ('convert_image_tensor_to_blob', ()),
        ('convert_image_tensor_to_uri', ()),
        ('save_image_tensor_to_file', (BytesIO(),)),
    ],
)
def test_writing_refuses(
    tensor: Any, builtin: type[Exception], name: str, arguments: tuple[Any, ...]
) -> None:
    doc = Document(tensor=tensor, id='x')
    with pytest.raises(builtin, match="tensor of document 'x'"):
        getattr(doc, name)(*arguments)
    assert doc.tensor is tensor
    assert doc.non_empty_fields == (('id',) if tensor is None else ('id', 'tensor'))


@pytest.mark.parametrize('image_format', ['gif', 'PNG', '', None, 3])
def test_unknown_formats(image_format: Any, rgb: Any, refused: Any) -> None:
    doc = Document(tensor=rgb)
    for name in ('convert_image_tensor_to_blob', 'convert_image_tensor_to_uri'):
        refused(doc, ValueError, name, image_format=image_format)
    refused(doc, ValueError, 'save_image_tensor_to_file', 'x', image_format=image_format)


def test_a_pillow_image(rgb: Any, refused: Any) -> None:
    doc = Document(text='kept')
    assert doc.load_pil_image_to_datauri(Image.fromarray(rgb)) is doc
    assert doc.uri.startswith('data:image/png;base64,')
    assert (doc.text, doc.mime_type) == ('kept', 'image/png')
    assert np.array_equal(Document(uri=doc.uri).load_uri_to_image_tensor().tensor, rgb)
    doc.load_pil_image_to_datauri(Image.fromarray(rgb).convert('CMYK'))
    assert Document(uri=doc.uri).load_uri_to_image_tensor().tensor.shape == rgb.shape
    refused(doc, TypeError, 'load_pil_image_to_datauri', 'a.png')


def test_saving(rgb: Any, tmp_path: Path, refused: Any) -> None:
    doc = Document(tensor=rgb)
    path = tmp_path / 'a.png'
    assert doc.save_image_tensor_to_file(path) is doc
    assert np.array_equal(np.asarray(opened(path.read_bytes())), rgb)
    assert np.array_equal(doc.tensor, rgb)
    file = BytesIO()
    doc.save_image_tensor_to_file(file, image_format='jpeg')
    assert opened(file.getvalue()).format == 'JPEG'
    for name, image_format in (('a.jpg', 'jpeg'), ('a.JPEG', 'jpg'), ('noext', 'png')):
        doc.save_image_tensor_to_file(str(tmp_path / name), image_format=image_format)
    with pytest.warns(UserWarning, match='extension'):
        doc.save_image_tensor_to_file(str(tmp_path / 'b.jpg'))
    assert opened((tmp_path / 'b.jpg').read_bytes()).format == 'PNG'
    refused(doc, FileNotFoundError, 'save_image_tensor_to_file', tmp_path / 'no' / 'a.png')
    refused(Document(tensor=[1]), ValueError, 'save_image_tensor_to_file', tmp_path / 'never.png')
    assert not (tmp_path / 'never.png').exists()


# -- colour and depth ------------------------------------------------------


def rgbd(tmp_path: Path, colour: Any, depth: Any) -> Document:
    for name, pixels in (('rgb', colour), ('depth', depth)):
        (tmp_path / f'{name}.png').write_bytes(file_of(pixels))
    uris = [str(tmp_path / 'rgb.png'), str(tmp_path / 'depth.png')]
    return Document(chunks=[Document(uri=uri) for uri in uris])


@pytest.mark.parametrize('dtype', ['uint8', 'uint16'])
def test_rgbd(dtype: str, rgb: Any, tmp_path: Path) -> None:
    depth = (np.arange(48, dtype=dtype) * 5).reshape(6, 8)
    doc = rgbd(tmp_path, rgb, depth)
    assert doc.load_uris_to_rgbd_tensor() is doc
    assert doc.tensor.shape == (6, 8, 4)
    assert doc.tensor.dtype == dtype
    assert np.array_equal(doc.tensor[..., :3], rgb)
    assert np.array_equal(doc.tensor[..., 3], depth)


def test_rgbd_refuses(rgb: Any, tmp_path: Path, refused: Any) -> None:
    def refuse(doc: Document, builtin: type[Exception] = ValueError) -> None:
        with pytest.raises(builtin, match='document'):
            doc.load_uris_to_rgbd_tensor()
        assert doc.tensor is None

    refused(Document(id='x'), ValueError, 'load_uris_to_rgbd_tensor')
    depth = rgb[..., 0]
    refuse(rgbd(tmp_path, rgb, depth[:5]))
    refuse(rgbd(tmp_path, rgb, rgb))
    whole = rgbd(tmp_path, rgb, depth)
    refuse(Document(chunks=[*whole.chunks, Document()]))
    refuse(Document(chunks=[whole.chunks[0], Document(text='no uri')]))
    refuse(Document(chunks=[whole.chunks[0], Document(uri='no such file')]), FileNotFoundError)
    with pytest.raises(PermissionError, match=whole.chunks[0].id):
        whole.load_uris_to_rgbd_tensor(policy=UriPolicy(schemes=()))
