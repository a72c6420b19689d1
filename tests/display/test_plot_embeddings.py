"""plot_embeddings: the files, their content, and what happens when it cannot be done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docstore import Document, DocumentArray
from docstore.errors import (
    CorruptData,
    DimensionMismatch,
    InvalidArgument,
    InvalidType,
    InvalidVector,
    StorageError,
)
from docstore.plots import embeddings
from docstore.plots.page import as_json
from docstore.plots.projection import principal, to_unit

from .conftest import HOSTILE

pytestmark = pytest.mark.spec('15')


def plot(da: DocumentArray, folder: Path, title: str = 'mine', **options: Any) -> Path:
    made = da.plot_embeddings(title, path=folder, start_server=False, **options)
    assert made == str(folder)
    return folder


def table(path: Path) -> list[list[str]]:
    return [line.split('\t') for line in path.read_text(encoding='utf-8').splitlines()]


def config(folder: Path) -> Any:
    return json.loads((folder / 'config.json').read_text())['embeddings']


def points(folder: Path, title: str = 'mine') -> Any:
    return json.loads((folder / f'{title}.points.json').read_text())


def test_the_files_of_a_plot(coloured: DocumentArray, tmp_path: Path) -> None:
    folder = plot(coloured, tmp_path / 'new' / 'folder', image_sprites=True)
    assert sorted(os.listdir(folder)) == [
        'config.json', 'index.html', 'mine.metas.tsv', 'mine.png', 'mine.points.json', 'mine.tsv',
    ]  # fmt: skip
    vectors = np.loadtxt(folder / 'mine.tsv', dtype=np.float32)
    assert np.array_equal(vectors, coloured.embeddings)
    metas = table(folder / 'mine.metas.tsv')
    assert metas[:2] == [['id', 'tag__colour', 'tag__weight'], ['d0', 'red', '0.0']]
    assert len(metas) == 7
    (entry,) = config(folder)
    assert entry['tensorName'] == 'mine'
    assert entry['tensorShape'] == [6, 3]
    assert entry['tensorPath'] == '/static/mine.tsv'
    assert entry['metadataPath'] == '/static/mine.metas.tsv'
    assert entry['sprite']['imagePath'] == '/static/mine.png'


def test_the_sprite_has_each_picture_in_its_place(coloured: DocumentArray, tmp_path: Path) -> None:
    image = pytest.importorskip('PIL.Image')
    folder = plot(coloured, tmp_path, image_sprites=True, min_image_size=20)
    width, height = config(folder)[0]['sprite']['singleImageDim']
    assert width == height >= 20
    with image.open(folder / 'mine.png') as sheet:
        pixels = np.asarray(sheet)
    columns = pixels.shape[1] // width
    for number, doc in enumerate(coloured):
        y, x = number // columns * height, number % columns * width
        assert (pixels[y : y + height, x : x + width] == doc.tensor[0, 0]).all()
    sprite = points(folder)['sprite']
    assert (sprite['size'], sprite['columns']) == (width, columns)


def test_one_column_has_no_header(tmp_path: Path) -> None:
    da = DocumentArray([Document(id='a', embedding=[1, 2]), Document(id='b', embedding=[2, 1])])
    assert table(plot(da, tmp_path) / 'mine.metas.tsv') == [['a'], ['b']]


def test_fields_and_tags_are_left_out_when_named(coloured: DocumentArray, tmp_path: Path) -> None:
    folder = plot(coloured, tmp_path, exclude_fields_metas=['id', 'tag__weight'])
    assert table(folder / 'mine.metas.tsv')[0] == ['red']
    plot(coloured, tmp_path, exclude_fields_metas=['tags'])
    assert table(folder / 'mine.metas.tsv')[0] == ['d0']


def test_texts_stay_in_their_cell(tmp_path: Path) -> None:
    da = DocumentArray(
        [
            Document(id='a', text='one\ttwo\nthree\x85four', embedding=[0, 1]),
            Document(id='b', embedding=[1, 0], tags={'k\tey': [1, 'ä'], 'z': None}),
            Document(id='c', text='\ud800', embedding=[1, 1], tags={'z': float('nan')}),
        ]
    )
    folder = plot(da, tmp_path)
    rows = table(folder / 'mine.metas.tsv')
    assert rows[0] == ['id', 'text', 'tag__k ey', 'tag__z']
    assert rows[1] == ['a', 'one two three four', '', '']
    assert rows[2] == ['b', '', '[1, "ä"]', '']
    assert {len(row) for row in rows} == {4}
    assert points(folder)['columns']['tag__z'] == [None, None, None]


def test_a_folder_that_is_used_again_keeps_its_plots(
    coloured: DocumentArray, tmp_path: Path
) -> None:
    for title in ('one', 'two', 'one', 'three'):
        plot(coloured, tmp_path, title)
    assert [entry['tensorName'] for entry in config(tmp_path)] == ['three', 'one', 'two']
    page = (tmp_path / 'index.html').read_text()
    data = json.loads(page.partition('id="data">')[2].partition('</script>')[0])
    assert [entry['title'] for entry in data] == ['three', 'one', 'two']


def test_plots_of_something_else_stay_in_the_configuration(
    coloured: DocumentArray, tmp_path: Path
) -> None:
    old = [{'tensorName': 'old', 'tensorPath': '/static/old.tsv'}, {'tensorName': '../out'}, {}]
    (tmp_path / 'config.json').write_text(json.dumps({'embeddings': old}))
    (tmp_path / 'old.points.json').write_text('{"title": NaN}')
    plot(coloured, tmp_path)
    assert config(tmp_path)[1:] == old


@pytest.mark.parametrize(
    'text', ['', '{', '[]', '{"embeddings": 3}', '{"embeddings": [1]}', '[' * 9999]
)
def test_a_damaged_configuration_is_not_overwritten(
    coloured: DocumentArray, tmp_path: Path, text: str
) -> None:
    (tmp_path / 'config.json').write_text(text)
    with pytest.raises(CorruptData, match=r'config\.json'):
        plot(coloured, tmp_path)
    assert os.listdir(tmp_path) == ['config.json']
    assert (tmp_path / 'config.json').read_text() == text


BAD = {
    'none': (None, InvalidArgument, 'no embedding'),
    'NaN': (np.array([1, np.nan, 3], dtype=np.float32), InvalidVector, 'NaN'),
    'infinity': (np.array([1, np.inf, 3]), InvalidVector, 'infinity'),
    'longer': (np.zeros(4), DimensionMismatch, r'\(4,\)'),
    'matrix': (np.zeros((3, 1)), DimensionMismatch, r'\(3, 1\)'),
    'empty': (np.zeros(0), DimensionMismatch, r'\(0,\)'),
    'words': ('words', InvalidArgument, 'str'),
}


@pytest.mark.parametrize('kind', BAD)
def test_what_is_no_vector_is_named_and_nothing_is_written(
    coloured: DocumentArray, tmp_path: Path, kind: str
) -> None:
    value, error, told = BAD[kind]
    plot(coloured[:2], tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    coloured[4].embedding = value
    with pytest.raises(error, match=f"document 'd4'.*{told}"):
        plot(coloured, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_bad_pictures_are_named(coloured: DocumentArray, tmp_path: Path) -> None:
    coloured[3].tensor = np.zeros((2, 2, 2))
    with pytest.raises(InvalidArgument, match=r"tensor of document 'd3'.*\(2, 2, 2\)"):
        plot(coloured, tmp_path, image_sprites=True)
    coloured[3].tensor = None
    with pytest.raises(InvalidArgument, match="document 'd3' has no tensor"):
        plot(coloured, tmp_path, image_sprites=True)
    with pytest.raises(InvalidArgument, match='image_source'):
        plot(coloured, tmp_path, image_sprites=True, image_source='tensors')
    for size in (0, -1, 2.5, True, 10_000):
        with pytest.raises(InvalidArgument):
            plot(coloured, tmp_path, image_sprites=True, min_image_size=size)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    'title',
    ['', ' ', '.', '..', '../x', 'a/b', 'a\\b', 'a\nb', 'a\0b', 'x' * 300, 'index', None, 3],
)
def test_a_title_cannot_lead_out_of_the_folder(
    coloured: DocumentArray, tmp_path: Path, title: Any
) -> None:
    with pytest.raises(InvalidArgument, match='title'):
        plot(coloured, tmp_path / 'in', title)
    assert os.listdir(tmp_path) == []


def test_empty_arrays_and_wrong_arguments(coloured: DocumentArray, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match='empty'):
        plot(DocumentArray(), tmp_path)
    with pytest.raises(InvalidArgument, match='exclude_fields_metas'):
        plot(coloured, tmp_path, exclude_fields_metas='id')
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_written(coloured: DocumentArray, tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('mine')
    with pytest.raises(StorageError, match='file'):
        plot(coloured, tmp_path / 'file')
    with pytest.raises(StorageError, match='file'):
        plot(coloured, tmp_path / 'file' / 'below')
    assert (tmp_path / 'file').read_text() == 'mine'
    with pytest.raises(InvalidType, match='path'):
        coloured.plot_embeddings(path=3, start_server=False)  # type: ignore[arg-type]
    (tmp_path / 'taken' / 'index.html').mkdir(parents=True)
    with pytest.raises(StorageError, match=r'index\.html'):
        plot(coloured, tmp_path / 'taken')
    assert os.listdir(tmp_path / 'taken') == ['index.html']


def test_no_folder_is_left_where_nothing_is_plotted(
    coloured: DocumentArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    coloured[5].embedding = None
    for path in (None, tmp_path / 'new'):
        with pytest.raises(InvalidArgument, match='d5'):
            coloured.plot_embeddings(path=path, start_server=False)
    assert os.listdir(tmp_path) == []


def test_a_disk_that_is_full_leaves_the_old_plot(
    coloured: DocumentArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plot(coloured, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_: Any) -> bytes:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(embeddings, 'page_of', full)
    with pytest.raises(StorageError, match='No space left') as told:
        plot(coloured[:3], tmp_path)
    assert told.value.code == 28
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_without_a_path_there_is_a_new_folder(coloured: DocumentArray) -> None:
    one, two = (coloured.plot_embeddings(start_server=False) for _ in range(2))
    try:
        assert one != two
        assert 'MyDocumentArray.tsv' in os.listdir(one)
    finally:
        for folder in (one, two):
            for name in os.listdir(folder):
                os.unlink(os.path.join(folder, name))
            os.rmdir(folder)


def test_large_arrays_are_shown_in_part_and_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, 'MOST_POINTS', 100)
    da = DocumentArray.empty(5000)
    da.embeddings = np.random.default_rng(1).random((5000, 4), dtype=np.float32)
    folder = plot(da, tmp_path)
    shown = points(folder)
    assert shown['count'] == 100
    assert '100 of 5,000 points' in shown['about']
    assert shown['columns']['id'][:3] == [da[0].id, da[50].id, da[100].id]
    assert np.array_equal(np.loadtxt(folder / 'mine.tsv', dtype=np.float32), da.embeddings)


def test_more_pictures_than_fit_are_said(tmp_path: Path) -> None:
    da = DocumentArray.empty(9)
    da.tensors = np.arange(9, dtype=np.uint8)[:, None, None, None] * np.ones((9, 4, 4, 3), np.uint8)
    da.embeddings = np.eye(9, dtype=np.float32)
    with pytest.warns(UserWarning, match='4 of 9 pictures'):
        folder = plot(da, tmp_path, image_sprites=True, min_image_size=2000)
    assert [row[0] for row in table(folder / 'mine.metas.tsv')] == [da[i].id for i in (0, 2, 4, 6)]
    assert points(folder)['count'] == config(folder)[0]['tensorShape'][0] == 4


@pytest.mark.parametrize('kind', ['int8', 'bool', 'float16', 'float64', 'list', 'sparse', 'torch'])
def test_vectors_of_other_kinds(tmp_path: Path, kind: str) -> None:
    rows = [[0, 1, 0], [1, 0, 0], [1, 1, 1]]
    make: Any = {
        'list': list,
        'sparse': lambda row: pytest.importorskip('scipy.sparse').csr_matrix([row]),
        'torch': lambda row: pytest.importorskip('torch').tensor(row),
    }.get(kind, lambda row: np.array(row, dtype=kind))
    da = DocumentArray([Document(embedding=make(row)) for row in rows])
    assert np.loadtxt(plot(da, tmp_path) / 'mine.tsv').tolist() == rows


@pytest.mark.parametrize('count', [1, 2])
@pytest.mark.parametrize('size', [1, 2, 5])
def test_few_points_and_short_vectors(tmp_path: Path, count: int, size: int) -> None:
    da = DocumentArray([Document(embedding=np.arange(size) + i) for i in range(count)])
    shown = points(plot(da, tmp_path))
    assert shown['count'] == count
    assert 2 <= len(shown['axes']) <= 3


def test_the_server_is_told_and_ends_with_the_program(tmp_path: Path) -> None:
    code = """
import sys, urllib.request
from docstore import Document, DocumentArray
da = DocumentArray([Document(text='served', embedding=[1, i]) for i in range(3)])
path = da.plot_embeddings(path=sys.argv[1])
"""
    environment = {k: v for k, v in os.environ.items() if 'DISPLAY' not in k}
    done = subprocess.run(
        [sys.executable, '-c', code, str(tmp_path / 'plot')],
        capture_output=True, text=True, check=False, timeout=60, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('http://127.0.0.1:')


# -- what the page computes with ---------------------------------------------------


@given(st.integers(2, 30), st.integers(1, 12), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_principal_components_are_those_of_the_singular_values(n: int, d: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(n, d)) * np.arange(1, d + 1)
    made, shares = principal(vectors)
    centred = vectors - vectors.mean(axis=0)
    values = np.linalg.svd(centred, compute_uv=False)
    expected = (values**2 / (values**2).sum())[: len(shares)]
    assert np.allclose(shares, expected, atol=1e-9)
    assert np.allclose(np.linalg.norm(made, axis=0), values[: len(shares)], atol=1e-6)


def test_long_vectors_take_the_other_way_to_the_same_result() -> None:
    random = np.random.default_rng(3)
    vectors = random.normal(size=(300, 3)) * [9, 5, 2] @ random.normal(size=(3, 3000))
    vectors += random.normal(size=vectors.shape) * 0.01
    made, shares = principal(vectors)
    centred = vectors - vectors.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    assert np.allclose(np.abs(made), np.abs(left[:, :3] * values[:3]), rtol=1e-3, atol=0.5)
    assert shares.sum() == pytest.approx(1, abs=1e-3)
    assert np.array_equal(principal(vectors)[0], made)


@pytest.mark.parametrize('size', [1e-300, 1e300, 0.0])
def test_numbers_at_the_ends_of_the_scale(size: float) -> None:
    made, shares = principal(np.array([[1.0, 2], [3, 5], [0, 1]]) * size)
    assert np.isfinite(made).all()
    assert np.isfinite(shares).all()
    unit = to_unit(made)
    assert np.isfinite(unit).all()
    assert np.abs(unit).max() <= 1


@given(st.recursive(st.text() | st.integers() | st.none(), st.lists))
def test_json_in_a_page_has_no_signs_of_html(value: Any) -> None:
    text = as_json([value, HOSTILE])
    assert not set('<>&') & set(text)
    assert text.isascii()
    assert json.loads(text) == [value, HOSTILE]
