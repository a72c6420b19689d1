"""Image tensors to image tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from docstore import Document

pytestmark = pytest.mark.spec('2.8')

PIXELS = arrays(
    np.uint8,
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)),
    elements=st.integers(0, 255),
)


def test_channel_axis(rgb: Any) -> None:
    doc = Document(tensor=rgb)
    assert doc.set_image_tensor_channel_axis(-1, 0) is doc
    assert np.array_equal(doc.tensor, rgb.transpose(2, 0, 1))
    assert np.array_equal(doc.set_image_tensor_channel_axis(0, 2).tensor, rgb)
    assert not np.shares_memory(doc.tensor, rgb)
    assert Document(tensor=rgb[0]).set_image_tensor_channel_axis(0, 1).tensor.shape == (3, 8)


def test_resizing_takes_every_nth_pixel(rgb: Any) -> None:
    doc = Document(tensor=rgb)
    assert doc.set_image_tensor_shape((3, 4)) is doc
    assert np.array_equal(doc.tensor, rgb[::2, ::2])
    assert np.array_equal(Document(tensor=rgb).set_image_tensor_resample(0.5).tensor, rgb[::2, ::2])
    doubled = Document(tensor=rgb).set_image_tensor_resample(2).tensor
    assert np.array_equal(doubled, rgb.repeat(2, axis=0).repeat(2, axis=1))
    first = Document(tensor=rgb.transpose(2, 0, 1)).set_image_tensor_shape((3, 4), channel_axis=0)
    assert np.array_equal(first.tensor, rgb[::2, ::2].transpose(2, 0, 1))
    assert Document(tensor=rgb).set_image_tensor_resample(1.7).tensor.shape == (10, 13, 3)
    floats = Document(tensor=rgb / 255).set_image_tensor_shape([np.int64(1), 1]).tensor
    assert floats.dtype == np.float64


@given(PIXELS, st.integers(1, 20), st.integers(1, 20))
def test_resizing(pixels: Any, height: int, width: int) -> None:
    made = Document(tensor=pixels).set_image_tensor_shape((height, width)).tensor
    assert made.shape == (height, width, 3)
    colours = {tuple(pixel) for pixel in pixels.reshape(-1, 3).tolist()}
    assert {tuple(pixel) for pixel in made.reshape(-1, 3).tolist()} <= colours
    same = Document(tensor=pixels).set_image_tensor_shape(pixels.shape[:2]).tensor
    assert np.array_equal(same, pixels)


#: What docarray 0.21 makes of these three bytes.
BYTES = [95, 130, 194]
NORMALIZED = [-0.4910523295402527, 0.24019619822502136, 1.5768193006515503]


def test_the_numbers_of_docarray() -> None:
    doc = Document(tensor=np.array([[BYTES]], np.uint8))
    assert doc.set_image_tensor_normalization() is doc
    assert doc.tensor.dtype == np.float32
    assert doc.tensor[0, 0].tolist() == pytest.approx(NORMALIZED, abs=1e-6)
    assert doc.set_image_tensor_inv_normalization() is doc
    assert doc.tensor.dtype == np.uint8
    assert doc.tensor[0, 0].tolist() == BYTES


@given(PIXELS, st.sampled_from([0, 1, 2, -1, -2, -3]), st.floats(0.01, 1), st.floats(0.01, 1))
def test_normalization_and_its_inverse(pixels: Any, axis: int, mean: float, std: float) -> None:
    numbers = {'channel_axis': axis, 'img_mean': (mean,) * 3, 'img_std': (std,) * 3}
    doc = Document(tensor=np.moveaxis(pixels, -1, axis))
    doc.set_image_tensor_normalization(**numbers)
    expected = (pixels.astype(np.float64) / 255 - mean) / std
    assert np.allclose(np.moveaxis(doc.tensor, axis, -1), expected, atol=1e-3)
    doc.set_image_tensor_inv_normalization(**numbers)
    assert np.array_equal(np.moveaxis(doc.tensor, axis, -1), pixels)


def test_the_inverse_does_not_wrap_around() -> None:
    tensor = np.array([[[9, 0, -9]]], np.float32)
    made = Document(tensor=tensor).set_image_tensor_inv_normalization().tensor
    assert made[0, 0].tolist() == [255, 116, 0]


def test_one_mean_for_all() -> None:
    doc = Document(tensor=np.full((1, 1, 4), 255, np.uint8))
    doc.set_image_tensor_normalization(img_mean=(0,), img_std=[2])
    assert doc.tensor.ravel().tolist() == [0.5] * 4


IMAGE = np.zeros((6, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ('name', 'tensor', 'arguments', 'builtin'),
    [
        ('set_image_tensor_channel_axis', IMAGE, (3, 0), ValueError),
        ('set_image_tensor_channel_axis', IMAGE, (0, -4), ValueError),
        ('set_image_tensor_channel_axis', IMAGE, ('x', 0), TypeError),
        ('set_image_tensor_channel_axis', None, (0, 1), ValueError),
        ('set_image_tensor_shape', IMAGE, ((0, 4),), ValueError),
        ('set_image_tensor_shape', IMAGE, ((4, -1),), ValueError),
        ('set_image_tensor_shape', IMAGE, ((4, 4, 3),), ValueError),
        ('set_image_tensor_shape', IMAGE, ((4, 2.5),), ValueError),
        ('set_image_tensor_shape', IMAGE, (4,), ValueError),
        ('set_image_tensor_shape', IMAGE, ('ab',), ValueError),
        ('set_image_tensor_shape', IMAGE, ((4, 4), 3), ValueError),
        ('set_image_tensor_shape', IMAGE[..., 0], ((4, 4),), ValueError),
        ('set_image_tensor_shape', IMAGE[:0], ((4, 4),), ValueError),
        ('set_image_tensor_shape', None, ((4, 4),), ValueError),
        ('set_image_tensor_resample', IMAGE, (0,), ValueError),
        ('set_image_tensor_resample', IMAGE, (-1,), ValueError),
        ('set_image_tensor_resample', IMAGE, (0.01,), ValueError),
        ('set_image_tensor_resample', IMAGE, (float('nan'),), ValueError),
        ('set_image_tensor_resample', IMAGE, (float('inf'),), ValueError),
        ('set_image_tensor_resample', IMAGE, ('2',), TypeError),
        ('set_image_tensor_resample', IMAGE[0], (2,), ValueError),
        ('set_image_tensor_normalization', IMAGE[0], (), ValueError),
        ('set_image_tensor_normalization', IMAGE[None], (), ValueError),
        ('set_image_tensor_normalization', IMAGE.astype('float32'), (), ValueError),
        ('set_image_tensor_normalization', IMAGE, (0,), ValueError),
        ('set_image_tensor_normalization', IMAGE, (5,), ValueError),
        ('set_image_tensor_normalization', IMAGE, (-1, (0, 0)), ValueError),
        ('set_image_tensor_normalization', IMAGE, (-1, (0,), (1, 0, 1)), ValueError),
        ('set_image_tensor_normalization', IMAGE, (-1, (0,), (float('nan'),)), ValueError),
        ('set_image_tensor_normalization', IMAGE, (-1, 'abc'), TypeError),
        ('set_image_tensor_inv_normalization', IMAGE, (), ValueError),
        ('set_image_tensor_inv_normalization', IMAGE.astype('float64'), (), ValueError),
        ('set_image_tensor_inv_normalization', IMAGE[0].astype('float32'), (), ValueError),
        ('set_image_tensor_inv_normalization', IMAGE.astype('f4') + np.nan, (), ValueError),
        ('convert_image_tensor_to_sliding_windows', IMAGE, (), ValueError),
        ('convert_image_tensor_to_sliding_windows', IMAGE, ((7, 2),), ValueError),
        ('convert_image_tensor_to_sliding_windows', IMAGE, ((0, 2),), ValueError),
        ('convert_image_tensor_to_sliding_windows', IMAGE, ((2, 2), (0, 1)), ValueError),
        ('convert_image_tensor_to_sliding_windows', IMAGE, ((2, 2), (1, -1)), ValueError),
        ('convert_image_tensor_to_sliding_windows', IMAGE, ((2, 2), None, False, 9), ValueError),
        ('convert_image_tensor_to_sliding_windows', IMAGE[0], ((2, 2),), ValueError),
        ('convert_image_tensor_to_sliding_windows', IMAGE[:0], ((2, 2), None, True), ValueError),
        ('convert_image_tensor_to_sliding_windows', None, ((2, 2),), ValueError),
    ],
)
def test_refusing(
    name: str, tensor: Any, arguments: tuple[Any, ...], builtin: type[Exception], refused: Any
) -> None:
    refused(Document(tensor=tensor), builtin, name, *arguments)


# -- windows ---------------------------------------------------------------


def test_windows_that_touch(rgb: Any) -> None:
    doc = Document(tensor=rgb)
    assert doc.convert_image_tensor_to_sliding_windows((3, 4)) is doc
    corners = [rgb[:3, :4], rgb[:3, 4:], rgb[3:, :4], rgb[3:, 4:]]
    assert np.array_equal(doc.tensor, np.stack(corners))


def test_windows_as_chunks(rgb: Any) -> None:
    doc = Document(tensor=rgb, chunks=[Document(text='kept')])
    doc.convert_image_tensor_to_sliding_windows((3, 4), strides=(2, 3), as_chunks=True)
    assert np.array_equal(doc.tensor, rgb)
    assert doc.chunks[0].text == 'kept'
    found = doc.chunks[1:]
    assert [chunk.location for chunk in found] == [(y, x, 3, 4) for y in (0, 2) for x in (0, 3)]
    for chunk in found:
        y, x, height, width = chunk.location
        assert np.array_equal(chunk.tensor, rgb[y : y + height, x : x + width])
        assert not np.shares_memory(chunk.tensor, rgb)
        assert (chunk.parent_id, chunk.granularity) == (doc.id, 1)


def test_padding_completes_the_last_windows(rgb: Any) -> None:
    doc = Document(tensor=rgb).convert_image_tensor_to_sliding_windows((4, 5), padding=True)
    assert doc.tensor.shape == (4, 4, 5, 3)
    assert np.array_equal(doc.tensor[3][:2, :3], rgb[4:, 5:])
    assert not doc.tensor[3][2:].any()
    assert not doc.tensor[3][:, 3:].any()
    whole = Document(tensor=rgb).convert_image_tensor_to_sliding_windows(padding=True).tensor
    assert whole.shape == (1, 64, 64, 3)
    assert int(whole.sum()) == int(rgb.sum())


@pytest.mark.parametrize('axis', [0, 1, -1])
def test_the_windows_have_the_axes_of_the_image(axis: int, rgb: Any) -> None:
    tensor = np.moveaxis(rgb, -1, axis)
    plain = Document(tensor=rgb).convert_image_tensor_to_sliding_windows((3, 4)).tensor
    made = Document(tensor=tensor).convert_image_tensor_to_sliding_windows(
        (3, 4), channel_axis=axis
    )
    moved = np.moveaxis(plain, -1, axis + 1 if axis >= 0 else axis)
    assert np.array_equal(made.tensor, moved)


@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(1, 5),
    st.integers(1, 6), st.integers(1, 6), st.booleans(),
)  # fmt: skip
def test_windows_cover_what_they_should(
    height: int, width: int, h: int, w: int, down: int, right: int, padding: bool
) -> None:
    pixels = np.arange(1, height * width + 1, dtype=np.int64).reshape(height, width, 1)
    doc = Document(tensor=pixels)
    if not padding and (h > height or w > width):
        with pytest.raises(ValueError, match='no window'):
            doc.convert_image_tensor_to_sliding_windows((h, w), (down, right), padding)
        return
    doc.convert_image_tensor_to_sliding_windows((h, w), (down, right), padding, as_chunks=True)
    places = [tuple(chunk.location[:2]) for chunk in doc.chunks]
    rows, columns = sorted({y for y, _ in places}), sorted({x for _, x in places})
    assert places == [(y, x) for y in rows for x in columns]
    for starts, size, window, stride in ((rows, height, h, down), (columns, width, w, right)):
        assert starts == list(range(0, stride * len(starts), stride))
        assert all(start < size for start in starts)
        if padding:
            reached = {at for start in starts for at in range(start, start + window)}
            assert size - 1 in reached or stride > window
        else:
            assert starts[-1] + window <= size < starts[-1] + stride + window
    for chunk in doc.chunks:
        y, x = chunk.location[:2]
        seen = chunk.tensor[: height - y, : width - x]
        assert np.array_equal(seen, pixels[y : y + h, x : x + w])
        assert chunk.tensor.shape == (h, w, 1)
        assert chunk.tensor.sum() == seen.sum()


def test_reversed_images(rgb: Any) -> None:
    flipped = rgb[::-1, ::-1]
    assert flipped.strides[0] < 0
    doc = Document(tensor=flipped).convert_image_tensor_to_sliding_windows((3, 4))
    assert np.array_equal(doc.tensor[0], flipped[:3, :4])
    assert np.array_equal(
        Document(tensor=flipped).set_image_tensor_shape((3, 4)).tensor, flipped[::2, ::2]
    )
