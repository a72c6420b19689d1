"""Pictures as arrays: every value counted."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from docstore.display.pixels import fit, png, rgb_of, shrink, stamp, thumbnail
from docstore.errors import InvalidArgument

Image = pytest.importorskip('PIL.Image')

pictures = arrays(
    np.uint8,
    st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)),
    elements=st.integers(0, 255),
)


@given(pictures)
def test_a_png_is_read_back_as_it_was(picture: Any) -> None:
    with Image.open(BytesIO(png(picture))) as image:
        assert image.mode == 'RGB'
        assert np.array_equal(np.asarray(image), picture)


def test_a_png_says_how_large_it_is_on_paper() -> None:
    with Image.open(BytesIO(png(np.zeros((10, 10, 3), dtype=np.uint8), 100))) as image:
        assert image.info['dpi'] == pytest.approx((100, 100), abs=0.1)


@given(pictures, st.integers(1, 20), st.integers(1, 20))
@settings(max_examples=60)
def test_shrinking_takes_the_means_of_what_a_pixel_covers(
    picture: Any, height: int, width: int
) -> None:
    def rows(values: Any, size: int) -> Any:
        length = len(values)
        cuts = [i * length // size for i in range(size)] + [length]
        return np.array(
            [
                values[a:b].astype(float).mean(axis=0) if size < length else values[a]
                for a, b in pairwise(cuts)
            ]
        )

    down = np.floor(rows(picture, height) + 0.5)
    across = np.floor(rows(down.transpose(1, 0, 2), width) + 0.5).transpose(1, 0, 2)
    assert np.abs(shrink(picture, height, width).astype(float) - across).max() <= 1


def test_floats_from_zero_to_one_and_others_are_spread() -> None:
    assert rgb_of(np.array([[0, 0.5, 1.0]]))[0, :, 0].tolist() == [0, 128, 255]
    assert rgb_of(np.array([[0.0, 100.0, 255.0]]))[0, :, 0].tolist() == [0, 100, 255]
    assert rgb_of(np.array([[-1.0, 0.0, 1.0]]))[0, :, 0].tolist() == [0, 128, 255]
    assert rgb_of(np.array([[True, False]]))[0, :, 0].tolist() == [255, 0]
    assert rgb_of([[7, 9]])[0, :, 0].tolist() == [7, 9]


def test_opacity_is_shown_over_white() -> None:
    pixel = np.array([[[0, 100, 200, 0], [0, 100, 200, 255], [0, 0, 0, 128]]], dtype=np.uint8)
    assert rgb_of(pixel)[0].tolist() == [[255, 255, 255], [0, 100, 200], [127, 127, 127]]


def test_channels_may_be_anywhere() -> None:
    picture = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(4, 5, 3)
    for axis in (0, 1, 2, -1, -2, -3):
        assert np.array_equal(rgb_of(np.moveaxis(picture, -1, axis), axis), picture)


@pytest.mark.parametrize(
    ('tensor', 'told'),
    [
        (np.zeros((4, 4, 2)), r'shape \(4, 4, 2\)'),
        (np.zeros(4), r'shape \(4,\)'),
        (np.zeros((0, 4, 3)), r'shape \(0, 4, 3\)'),
        (np.array([[np.nan, 1]]), 'NaN'),
        (np.array([['a', 'b']]), 'numbers'),
        ([[1], [1, 2]], 'no array'),
        (None, 'numbers'),
        (object(), 'numbers'),
    ],
)
def test_what_is_no_picture_is_refused(tensor: Any, told: str) -> None:
    with pytest.raises(InvalidArgument, match=told):
        rgb_of(tensor)


def test_an_axis_that_is_not_there_is_refused() -> None:
    for axis in (3, -4, None, 'last'):
        with pytest.raises(InvalidArgument, match='channel_axis'):
            rgb_of(np.zeros((4, 4, 3)), axis)  # type: ignore[arg-type]


def test_fitting_keeps_the_sides_or_stretches() -> None:
    wide = np.zeros((2, 8, 3), dtype=np.uint8)
    kept = fit(wide, 8)
    assert kept.shape == (8, 8, 3)
    assert (kept[3:5] == 0).all()
    assert (kept[:3] == 255).all()
    assert (kept[5:] == 255).all()
    assert (fit(wide, 8, keep_aspect_ratio=False) == 0).all()
    assert thumbnail(wide, 4).shape == (1, 4, 3)
    assert thumbnail(wide, 100) is wide


def test_every_digit_is_another_drawing() -> None:
    blank = np.full((20, 40, 3), 90, dtype=np.uint8)
    drawn = [stamp(blank, number)[:7, :5].tobytes() for number in range(10)]
    assert len(set(drawn)) == 10
    assert (blank == 90).all()
    assert stamp(np.zeros((2, 2, 3), dtype=np.uint8), 12345).shape == (2, 2, 3)
