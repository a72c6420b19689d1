"""plot_image_sprites, save_gif and plot_matches_sprites: pixel by pixel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.display.pixels import png
from docstore.errors import CorruptData, InvalidArgument, InvalidType, StorageError, UriNotFound

from .conftest import picture

Image = pytest.importorskip('PIL.Image')


def pixels(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert('RGB'))


def frames(path: Path) -> list[Any]:
    with Image.open(path) as image:
        found = []
        for number in range(image.n_frames):
            image.seek(number)
            found.append(np.asarray(image.convert('RGB')))
        return found


@pytest.mark.spec('15')
def test_the_pictures_lie_line_by_line(coloured: DocumentArray, tmp_path: Path) -> None:
    coloured.plot_image_sprites(tmp_path / 'a.png', canvas_size=90)
    sheet = pixels(tmp_path / 'a.png')
    assert sheet.shape == (60, 90, 3)
    for number, doc in enumerate(coloured):
        y, x = number // 3 * 30, number % 3 * 30
        assert (sheet[y : y + 30, x : x + 30] == doc.tensor[0, 0]).all()
    assert os.listdir(tmp_path) == ['a.png']


@pytest.mark.spec('15')
def test_every_option_of_the_sheet(coloured: DocumentArray, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / 'a.png'
    coloured[0].tensor = np.zeros((3, 4, 8), dtype=np.uint8)
    da = coloured[:1]
    da.plot_image_sprites(out, canvas_size=16, channel_axis=0, keep_aspect_ratio=True)
    assert (pixels(out)[:4] == 255).all()
    assert (pixels(out)[4:12] == 0).all()
    da.plot_image_sprites(out, canvas_size=16, channel_axis=0)
    assert (pixels(out) == 0).all()
    da.plot_image_sprites(out, 64, channel_axis=0, show_index=True, show_progress=True)
    assert 0 < (pixels(out) == 255).mean() < 0.2
    assert 'Drawing' in capsys.readouterr().out
    with Image.open(out) as image:
        assert image.info['dpi'] == pytest.approx((6.4, 6.4), abs=0.1)
    da.plot_image_sprites(out, channel_axis=0, fig_size=None)


@pytest.mark.spec('15')
def test_more_pictures_than_fit_are_said(coloured: DocumentArray, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match='4 of 6 pictures'):
        coloured.plot_image_sprites(tmp_path / 'a.png', canvas_size=32, min_size=16)
    sheet = pixels(tmp_path / 'a.png')
    shown = [sheet[y, x].tolist() for y in (0, 16) for x in (0, 16)]
    assert shown == [coloured[i].tensor[0, 0].tolist() for i in (0, 1, 3, 4)]


@pytest.mark.spec('15')
def test_pictures_from_files_data_uris_and_blobs(tmp_path: Path) -> None:
    file = png(picture((10, 20, 30)))
    (tmp_path / 'in.png').write_bytes(file)
    da = DocumentArray(
        [
            Document(uri=str(tmp_path / 'in.png')),
            Document(uri=(tmp_path / 'in.png').as_uri()),
            Document(blob=file, mime_type='image/png').convert_blob_to_datauri(base64=True),
        ]
    )
    da.plot_image_sprites(tmp_path / 'a.png', canvas_size=32, image_source='uri')
    assert (pixels(tmp_path / 'a.png')[:16] == (10, 20, 30)).all()
    blobs = DocumentArray([Document(blob=file)])
    blobs.plot_image_sprites(tmp_path / 'b.png', image_source='blob')
    assert (pixels(tmp_path / 'b.png') == (10, 20, 30)).all()


@pytest.mark.spec('15')
def test_empty_and_bad_pictures_are_named(coloured: DocumentArray, tmp_path: Path) -> None:
    out = tmp_path / 'a.png'
    with pytest.raises(InvalidArgument, match='empty'):
        DocumentArray().plot_image_sprites(out)
    for value, told in [
        (None, 'no tensor'),
        (np.zeros(3), r'\(3,\)'),
        (np.array([[np.nan]]), 'NaN'),
    ]:
        coloured[2].tensor = value
        with pytest.raises(InvalidArgument, match=f"document 'd2'.*{told}"):
            coloured.plot_image_sprites(out)
        with pytest.raises(ValueError):
            coloured.save_gif(out)
    coloured[2].tensor = None
    coloured.plot_image_sprites(out, canvas_size=30, min_size=5, skip_empty=True)
    assert (pixels(out)[:10, 20:30] == coloured[3].tensor[0, 0]).all()
    with pytest.raises(UriNotFound, match="uri of document 'x'"):
        DocumentArray([Document(id='x', uri='/gone.png')]).plot_image_sprites(
            out, image_source='uri'
        )
    with pytest.raises(CorruptData, match="blob of document 'x'"):
        DocumentArray([Document(id='x', blob=b'?')]).plot_image_sprites(out, image_source='blob')


@pytest.mark.spec('15')
@pytest.mark.parametrize(
    'options',
    [
        {'canvas_size': 0}, {'canvas_size': '512'}, {'min_size': -1}, {'min_size': 1000},
        {'image_source': 'text'}, {'fig_size': (0, 1)}, {'fig_size': 'large'}, {'channel_axis': 9},
    ],
    ids=str,
)  # fmt: skip
def test_wrong_options_are_refused(
    coloured: DocumentArray, tmp_path: Path, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArgument):
        coloured.plot_image_sprites(tmp_path / 'a.png', **options)
    assert os.listdir(tmp_path) == []


@pytest.mark.spec('15')
def test_files_that_cannot_be_written(coloured: DocumentArray, tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('mine')
    for target in (tmp_path, tmp_path / 'file' / 'x.png', 'a\0b'):
        with pytest.raises(StorageError):
            coloured.plot_image_sprites(target)
        with pytest.raises(StorageError):
            coloured.save_gif(target)
    with pytest.raises(InvalidType):
        coloured.plot_image_sprites(3)  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == ['file']
    assert (tmp_path / 'file').read_text() == 'mine'


@pytest.mark.spec('15')
def test_a_gif_has_a_frame_for_each_document(coloured: DocumentArray, tmp_path: Path) -> None:
    coloured.save_gif(tmp_path / 'a.gif', duration=120, size_ratio=2.0)
    made = frames(tmp_path / 'a.gif')
    assert [frame.shape for frame in made] == [(16, 16, 3)] * 6
    for frame, doc in zip(made, coloured, strict=True):
        assert np.abs(frame.astype(int) - doc.tensor[0, 0]).max() <= 2
    with Image.open(tmp_path / 'a.gif') as image:
        assert image.info['duration'] == 120
        assert image.info['loop'] == 0


@pytest.mark.spec('15')
def test_frames_of_other_sizes_are_stretched_and_empty_ones_left_out(
    coloured: DocumentArray, tmp_path: Path, capsys: Any
) -> None:
    coloured[1].tensor = picture((200, 0, 0), 31)
    coloured[2].tensor = None
    coloured.save_gif(str(tmp_path / 'a.gif'), skip_empty=True, show_index=True, show_progress=True)
    assert [frame.shape for frame in frames(tmp_path / 'a.gif')] == [(8, 8, 3)] * 5
    assert 'Drawing' in capsys.readouterr().out


@pytest.mark.spec('15')
def test_a_gif_that_fails_leaves_the_old_one(coloured: DocumentArray, tmp_path: Path) -> None:
    (tmp_path / 'a.gif').write_bytes(b'old')
    coloured[5].tensor = np.zeros(3)
    with pytest.raises(InvalidArgument, match="document 'd5'"):
        coloured.save_gif(tmp_path / 'a.gif')
    for options in ({'duration': 0}, {'duration': '1'}, {'size_ratio': -1}, {'size_ratio': 1e9}):
        with pytest.raises(InvalidArgument):
            coloured.save_gif(tmp_path / 'a.gif', **options)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match='no pictures'):
        DocumentArray().save_gif(tmp_path / 'a.gif')
    assert (tmp_path / 'a.gif').read_bytes() == b'old'
    assert os.listdir(tmp_path) == ['a.gif']


@pytest.mark.spec('2.10')
def test_matches_lie_beside_what_they_match(coloured: DocumentArray, tmp_path: Path) -> None:
    doc = Document(id='q', tensor=picture((7, 7, 7)), matches=coloured[:3])
    doc.plot_matches_sprites(output=tmp_path / 'm.png', canvas_size=400, top_k=2)
    sheet = pixels(tmp_path / 'm.png')
    assert sheet.shape == (133, 399, 3)
    colours = [sheet[100, x].tolist() for x in (66, 200, 333)]
    assert colours == [[7, 7, 7], *(m.tensor[0, 0].tolist() for m in coloured[:2])]


@pytest.mark.spec('2.10')
def test_matches_that_cannot_be_shown(coloured: DocumentArray, tmp_path: Path) -> None:
    out = tmp_path / 'm.png'
    with pytest.raises(ValueError, match='no matches'):
        Document(tensor=picture((1, 1, 1))).plot_matches_sprites(output=out)
    doc = Document(id='q', tensor=picture((1, 1, 1)), matches=[Document(id='m'), *coloured[:1]])
    with pytest.raises(ValueError, match="document 'm' has no"):
        doc.plot_matches_sprites(output=out)
    for top_k in (0, -1, 1.5):
        with pytest.raises(ValueError, match='top_k'):
            doc.plot_matches_sprites(top_k=top_k, output=out)  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == []
    doc.plot_matches_sprites(skip_empty=True, output=out, canvas_size=200)
    assert pixels(out).shape == (100, 200, 3)


@pytest.mark.spec('2.10')
def test_normalised_tensors_are_shown_as_they_were(tmp_path: Path) -> None:
    match = Document(tensor=picture((30, 130, 230))).set_image_tensor_normalization()
    doc = Document(tensor=match.tensor, matches=[match])
    doc.plot_matches_sprites(inv_normalize=True, canvas_size=200, output=tmp_path / 'm.png')
    assert pixels(tmp_path / 'm.png')[90, 150].tolist() == [30, 130, 230]
