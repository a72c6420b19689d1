"""Document.display and what belongs to it."""

from __future__ import annotations

import tempfile
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore import Document
from docstore.display.pixels import png
from docstore.errors import (
    CorruptData,
    InvalidArgument,
    UnknownField,
    UnsupportedOperation,
    UriNotFound,
)
from docstore.plots import shapes, viewing

from .conftest import picture

pytestmark = pytest.mark.spec('2.10')

CLOUD = 'display_point_cloud_tensor'


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What would have been opened in the browser; temporary files go where they are removed."""
    addresses: list[str] = []
    monkeypatch.setattr(viewing, 'open_in_browser', addresses.append)
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    return addresses


def shown(capsys: Any) -> bytes:
    """The file that was shown."""
    return Path(capsys.readouterr().out.strip()).read_bytes()


def test_a_tensor_is_shown_as_a_picture(capsys: Any, opened: list[str]) -> None:
    doc = Document(tensor=picture((1, 2, 3)))
    doc.display_tensor()
    assert shown(capsys) == png(doc.tensor)
    assert opened[0].startswith('file:///')
    doc.display()
    assert shown(capsys) == png(doc.tensor)
    doc.display(from_='tensor')
    assert shown(capsys) == png(doc.tensor)


def test_a_uri_is_shown_as_what_it_names(capsys: Any, tmp_path: Path) -> None:
    (tmp_path / 'a.png').write_bytes(png(picture((1, 2, 3))))
    Document(uri=str(tmp_path / 'a.png'), tensor=picture((9, 9, 9))).display()
    assert shown(capsys) == png(picture((1, 2, 3)))
    with wave.open(str(tmp_path / 'a.wav'), 'wb') as sound:
        sound.setparams((1, 2, 8000, 0, 'NONE', ''))
        sound.writeframes(bytes(100))
    Document(uri=str(tmp_path / 'a.wav')).display_uri()
    assert shown(capsys) == (tmp_path / 'a.wav').read_bytes()


def test_a_mesh_file_is_shown_with_its_edges(capsys: Any, tmp_path: Path) -> None:
    pytest.importorskip('trimesh')
    (tmp_path / 'a.obj').write_text('v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n')
    Document(uri=str(tmp_path / 'a.obj')).display()
    assert b'3 vertices, 1 faces' in shown(capsys)


def test_addresses_are_opened_and_not_fetched(capsys: Any, opened: list[str]) -> None:
    Document(uri='https://example.invalid/film.mp4').display_uri()
    assert opened == ['https://example.invalid/film.mp4']


def test_without_a_picture_there_is_the_summary(capsys: Any) -> None:
    Document(id='known', text='words').display()
    assert 'words' in capsys.readouterr().out
    Document(id='known', uri='words.txt').display()
    assert 'words.txt' in capsys.readouterr().out


def test_damaged_uris_are_named(tmp_path: Path) -> None:
    with pytest.raises(CorruptData, match="uri of document 'x'"):
        Document(id='x', uri='data:image/png;base64,?').display()
    with pytest.raises(UriNotFound, match="uri of document 'x'"):
        Document(id='x', uri=str(tmp_path / 'gone.mp3')).display()


@pytest.mark.parametrize(
    ('doc', 'method', 'error', 'told'),
    [
        (Document(id='x'), 'display_tensor', InvalidArgument, 'no tensor'),
        (Document(id='x'), 'display_uri', InvalidArgument, 'no uri'),
        (Document(id='x', uri='a.txt'), 'display_uri', UnsupportedOperation, 'no picture'),
        (Document(id='x', uri='a'), 'display_uri', UnsupportedOperation, 'mime_type'),
        (Document(id='x'), CLOUD, InvalidArgument, 'finite'),
        (Document(id='x', tensor=np.zeros((2, 2))), CLOUD, InvalidArgument, 'n, 3'),
        (Document(id='x', tensor=np.full((2, 3), np.nan)), CLOUD, InvalidArgument, 'finite'),
        (Document(id='x', tensor=np.zeros((2, 2, 3))), 'display_rgbd_tensor', InvalidArgument, '4'),
        (Document(id='x'), 'display_rgbd_tensor', InvalidArgument, 'x'),
        (Document(id='x'), 'display_vertices_and_faces', UnknownField, 'vertices'),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_named(
    doc: Document, method: str, error: type[Exception], told: str, capsys: Any
) -> None:
    with pytest.raises(error, match=f"'x'.*{told}"):
        getattr(doc, method)()
    assert capsys.readouterr().out == ''


def test_an_unknown_way_of_showing() -> None:
    with pytest.raises(InvalidArgument, match='uri'):
        Document().display(from_='url')


def test_colours_and_depths_lie_side_by_side(capsys: Any) -> None:
    tensor = np.zeros((2, 2, 4), dtype=np.uint16)
    tensor[..., 0] = 200
    tensor[..., 3] = [[0, 1000], [2000, 4000]]
    Document(tensor=tensor).display()
    expected = np.zeros((2, 4, 3), dtype=np.uint8)
    expected[:, :2, 0] = 200
    expected[:, 2:] = np.array([[0, 64], [128, 255]])[..., None]
    assert shown(capsys) == png(expected)


def test_faces_that_lead_nowhere_are_refused() -> None:
    parts = {'vertices': np.zeros((2, 3)), 'faces': np.array([[0, 1, 2]])}
    doc = Document(chunks=[Document(tensor=t, tags={'name': name}) for name, t in parts.items()])
    with pytest.raises(InvalidArgument, match='positions in the 2 vertices'):
        doc.display_vertices_and_faces()


def test_large_clouds_are_shown_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, '_MOST_POINTS', 10)
    page = shapes.cloud_page(Document(tensor=np.random.default_rng(0).random((99, 3))))
    assert b'10 of 99 points' in page
    assert b'"count":10,' in page


def test_no_browser_inside_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr('sys.platform', 'linux')
    monkeypatch.setattr('webbrowser.open', lambda address: pytest.fail('opened'))
    assert not viewing.open_in_browser('http://127.0.0.1/')
