"""The page of a plot in a real browser: from the disk, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.display.notebook import frame_html
from docstore.plots.shapes import cloud_page, mesh_page

from .conftest import HOSTILE

pytestmark = pytest.mark.spec('15')

WORDS = ('zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight')


class Shown:
    """A page in the browser, with everything that it asked for and complained of."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.page = browser.new_page(viewport={'width': 1100, 'height': 700}, **options)
        self.page.set_default_timeout(20_000)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on('request', lambda request: self.requests.append(request.url))
        self.page.on('console', lambda message: self.complaints.append(message.text))
        self.page.on('pageerror', lambda error: self.complaints.append(str(error)))

    def open(self, file: Path) -> Shown:
        self.page.goto(file.as_uri())
        self.settle()
        return self

    def settle(self) -> None:
        """Wait until everything asked for is drawn."""
        self.page.evaluate(
            '() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))'
        )

    def run(self, script: str) -> Any:
        return self.page.evaluate(script)

    def point(self, number: int) -> tuple[float, float]:
        """Where a point is in the window."""
        box = self.page.locator('#plot').bounding_box()
        x, y = self.run(f'docstorePlot.at({number})')
        return box['x'] + x, box['y'] + y

    def pixels(self) -> Any:
        """The plot as the browser shows it."""
        image = pytest.importorskip('PIL.Image')
        with image.open(BytesIO(self.page.locator('#plot').screenshot())) as shot:
            return np.asarray(shot.convert('RGB')).astype(int)

    def colour_at(self, number: int) -> list[int]:
        self.page.mouse.move(1, 1)
        self.settle()
        x, y = self.run(f'docstorePlot.at({number})')
        colour: list[int] = self.pixels()[round(y), round(x)].tolist()
        return colour


@pytest.fixture
def shown(chromium: Any) -> Iterator[Shown]:
    made = Shown(chromium, color_scheme='light')
    yield made
    made.page.close()
    assert made.complaints == []
    assert all(address.startswith(('file:', 'data:', 'blob:')) for address in made.requests)


def grid() -> DocumentArray:
    """Nine points, three by three, far from each other."""
    return DocumentArray(
        [
            Document(
                id=f'd{i}', text=f'the {word} one', tags={'row': i // 3, 'even': i % 2 == 0},
                embedding=[5.0 * (i % 3), 3.0 * (i // 3), 0.0, 0.0],
            )
            for i, word in enumerate(WORDS)
        ]
    )  # fmt: skip


def plot(da: DocumentArray, folder: Path, title: str = 'mine', **options: Any) -> Path:
    da.plot_embeddings(title, path=folder, start_server=False, **options)
    return folder / 'index.html'


def test_the_page_draws_every_point_and_asks_for_nothing(shown: Shown, tmp_path: Path) -> None:
    shown.open(plot(grid(), tmp_path))
    assert shown.run('docstorePlot.count') == 9
    assert len(shown.requests) == 1
    shown.page.select_option('#colour', 'tag__row')
    colours = [tuple(shown.colour_at(i)) for i in range(9)]
    background = tuple(shown.pixels()[3, 3].tolist())
    assert background not in colours
    # Three rows are three colours; equal ones are alike.
    assert [colours.index(colour) for colour in colours] == [0, 0, 0, 3, 3, 3, 6, 6, 6]


def test_colours_follow_the_column_that_is_chosen(shown: Shown, tmp_path: Path) -> None:
    shown.open(plot(grid(), tmp_path))
    # At first, the column with the fewest values.
    assert shown.page.locator('#legend li').all_inner_texts() == ['True (5)', 'False (4)']
    assert shown.colour_at(0) == shown.colour_at(4) != shown.colour_at(1)
    shown.page.select_option('#colour', 'tag__row')
    assert shown.page.locator('#legend li').all_inner_texts() == ['0 (3)', '1 (3)', '2 (3)']
    shown.page.select_option('#colour', '')
    assert shown.colour_at(0) == shown.colour_at(1)


def test_a_measured_column_is_a_scale(shown: Shown, tmp_path: Path) -> None:
    da = DocumentArray(
        [
            Document(embedding=[i % 6, i // 6], tags={'price': i / 7, 'gone': None})
            for i in range(30)
        ]
    )
    shown.open(plot(da, tmp_path))
    shown.page.select_option('#colour', 'tag__price')
    assert shown.page.locator('#legend .ends span').all_inner_texts() == ['0', '4.143']
    first, last = shown.colour_at(0), shown.colour_at(29)
    assert first[2] > first[1]
    assert last[0] > 200 > last[2]


def test_hovering_shows_the_text_and_clicking_keeps_all(shown: Shown, tmp_path: Path) -> None:
    shown.open(plot(grid(), tmp_path))
    shown.page.mouse.move(*shown.point(4))
    shown.settle()
    assert shown.run('docstorePlot.near') == 4
    assert shown.page.locator('#tip').inner_text() == 'the four one'
    shown.page.mouse.down()
    shown.page.mouse.up()
    assert shown.run('docstorePlot.chosen') == 4
    kept = shown.page.locator('#chosen dl').inner_text().split('\n')
    assert kept == ['id', 'd4', 'text', 'the four one', 'tag__row', '1', 'tag__even', 'True']
    shown.page.mouse.move(*shown.point(8))
    shown.page.mouse.move(5, 5)
    shown.settle()
    assert shown.page.locator('#tip').is_hidden()


def test_searching_lists_and_lights_what_was_found(shown: Shown, tmp_path: Path) -> None:
    shown.open(plot(grid(), tmp_path))
    before = shown.colour_at(3)
    shown.page.fill('#search', 'ONE t')
    assert shown.page.locator('#hits button').all_inner_texts() == [
        f'the {word} one' for word in WORDS
    ]
    shown.page.fill('#search', 'seven')
    assert shown.page.locator('#found').inner_text() == '1 of 9 points'
    assert sum(shown.colour_at(3)) > sum(before) + 100
    shown.page.locator('#hits button').click()
    assert shown.run('docstorePlot.chosen') == 7
    shown.page.fill('#search', 'nothing like it')
    assert shown.page.locator('#found').inner_text() == '0 of 9 points'
    shown.page.fill('#search', '')
    assert shown.colour_at(3) == before


def test_it_can_be_used_without_a_mouse(shown: Shown, tmp_path: Path) -> None:
    shown.open(plot(grid(), tmp_path))
    shown.page.locator('#plot').focus()
    for keys, chosen in (('n', 0), ('nn', 2), ('p', 1), ('ppp', 7)):
        for key in keys:
            shown.page.keyboard.press(key)
        assert shown.run('docstorePlot.chosen') == chosen
    start = shown.point(8)
    shown.page.keyboard.press('+')
    shown.page.keyboard.press('ArrowRight')
    shown.settle()
    assert shown.point(8) != start
    shown.page.keyboard.press('0')
    shown.settle()
    assert shown.point(8) == start
    shown.page.keyboard.press('Escape')
    assert shown.run('docstorePlot.chosen') == -1
    label = shown.page.locator('#plot').get_attribute('aria-label')
    assert label.startswith('mine: 9 points of 4 dimensions')
    # Every control has a name that is read out.
    nameless = shown.run(
        "[...document.querySelectorAll('input, select')].filter((e) => !e.labels.length).length"
    )
    assert nameless == 0


def test_dragging_rolling_and_turning(shown: Shown, tmp_path: Path) -> None:
    da = DocumentArray([Document(embedding=row) for row in np.eye(4) * [4, 3, 2, 1]])
    shown.open(plot(da, tmp_path))
    x, y = shown.point(0)
    shown.page.mouse.move(500, 600)
    shown.page.mouse.down()
    shown.page.mouse.move(530, 580)
    shown.page.mouse.up()
    shown.settle()
    assert shown.point(0) == (pytest.approx(x + 30, abs=0.01), pytest.approx(y - 20, abs=0.01))
    shown.page.mouse.move(*shown.point(0))
    fixed, other = shown.point(0), shown.point(1)
    shown.page.mouse.wheel(0, -200)
    shown.page.wait_for_function(f'Math.abs(docstorePlot.at(1)[0] - {other[0]}) > 1')
    assert shown.point(0) == (pytest.approx(fixed[0], abs=0.6), pytest.approx(fixed[1], abs=0.6))
    shown.page.check('#deep')
    shown.settle()
    flat = shown.point(1)
    shown.page.mouse.move(500, 600)
    shown.page.mouse.down()
    shown.page.mouse.move(600, 600)
    shown.page.mouse.up()
    shown.settle()
    assert abs(shown.point(1)[0] - flat[0]) > 3
    shown.page.click('#reset')
    shown.settle()
    assert shown.point(1) == flat


def test_what_users_wrote_is_never_run(shown: Shown, tmp_path: Path) -> None:
    da = grid()
    da[0].text = HOSTILE
    da[1].tags = {HOSTILE: HOSTILE, '__proto__': 'x', 'constructor': 'y'}
    da[2].id = HOSTILE
    title = HOSTILE.replace('/', '')
    shown.open(plot(da, tmp_path, title))
    for number in (0, 1, 2):
        shown.page.mouse.move(*shown.point(number))
        shown.page.mouse.down()
        shown.page.mouse.up()
    shown.page.select_option('#colour', f'tag__{HOSTILE}')
    shown.page.fill('#search', 'script')
    shown.page.wait_for_timeout(100)
    assert shown.run('window.hacked') is None
    assert shown.page.title() == title
    assert shown.page.locator('h1').inner_text() == title
    assert HOSTILE in shown.page.locator('#hits button').first.inner_text()
    assert shown.run("document.querySelectorAll('img, script').length") == 2


def test_scripts_that_come_in_are_refused(chromium: Any, tmp_path: Path) -> None:
    # Were a text to become an element all the same, the policy of the page would stop it.
    shown = Shown(chromium).open(plot(grid(), tmp_path))
    shown.run("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"hacked = 1\">')")
    shown.run("document.body.append(Object.assign(document.createElement('script'),"
              "{textContent: 'window.hacked = 1'}))")  # fmt: skip
    shown.page.wait_for_timeout(100)
    assert shown.run('window.hacked') is None
    assert any('Content Security Policy' in text for text in shown.complaints)
    shown.page.close()


def test_pictures_take_the_place_of_points(
    shown: Shown, tmp_path: Path, coloured: DocumentArray
) -> None:
    coloured.embeddings = np.array([[i % 3, i // 3] for i in range(6)], dtype=np.float32)
    shown.open(plot(coloured, tmp_path, image_sprites=True))
    shown.page.wait_for_function("document.querySelector('#images').checked")
    shown.page.wait_for_timeout(100)
    for number, doc in enumerate(coloured):
        assert shown.colour_at(number) == doc.tensor[0, 0].tolist()
    shown.page.uncheck('#images')
    assert shown.colour_at(0) != coloured[0].tensor[0, 0].tolist()


def test_each_plot_of_a_folder_can_be_chosen(shown: Shown, tmp_path: Path) -> None:
    plot(grid(), tmp_path, 'first')
    shown.open(plot(grid()[:4], tmp_path, 'second'))
    assert shown.run('docstorePlot.count') == 4
    shown.page.select_option('#set', label='first')
    shown.settle()
    assert shown.run('docstorePlot.count') == 9
    assert shown.page.title() == 'first'


def test_it_is_dark_where_the_system_is(chromium: Any, tmp_path: Path) -> None:
    file = plot(grid(), tmp_path)
    brightness = []
    for scheme in ('light', 'dark'):
        shown = Shown(chromium, color_scheme=scheme).open(file)
        brightness.append(int(shown.pixels()[3, 3].sum()))
        if scheme == 'dark':
            shown.page.click('#theme')
            shown.settle()
            brightness.append(int(shown.pixels()[3, 3].sum()))
        assert shown.complaints == []
        shown.page.close()
    light, dark, again = brightness
    assert dark < 150
    assert light == again > 600


def test_fifty_thousand_points(shown: Shown, tmp_path: Path) -> None:
    da = DocumentArray.empty(50_000)
    da.embeddings = np.random.default_rng(0).normal(size=(50_000, 3)).astype(np.float32)
    shown.open(plot(da, tmp_path))
    assert shown.run('docstorePlot.count') == 50_000
    drawn = (np.abs(shown.pixels() - shown.pixels()[3, 3]).sum(axis=2) > 20).mean()
    assert drawn > 0.2


def test_it_runs_inside_a_notebook(shown: Shown, tmp_path: Path) -> None:
    page = plot(grid(), tmp_path).read_bytes()
    notebook = f'<!doctype html><body><h1>Cell</h1>{frame_html(page, 500)}</body>'
    (tmp_path / 'notebook.html').write_text(notebook, encoding='utf-8')
    shown.page.goto((tmp_path / 'notebook.html').as_uri())
    inside = shown.page.frames[1]
    inside.wait_for_function('window.docstorePlot && docstorePlot.count === 9')
    inside.fill('#search', 'seven')
    assert inside.locator('#found').inner_text() == '1 of 9 points'
    # It cannot reach the notebook around it.
    with pytest.raises(Exception, match=r'SecurityError|cross-origin'):
        inside.evaluate('parent.document.title')


@pytest.mark.spec('2.10')
def test_a_point_cloud_and_a_mesh(shown: Shown, tmp_path: Path) -> None:
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    (tmp_path / 'cloud.html').write_bytes(cloud_page(Document(tensor=corners)))
    shown.open(tmp_path / 'cloud.html')
    assert shown.run('docstorePlot.count') == 8
    assert shown.page.locator('#deep').is_checked()
    cloud = shown.pixels()
    faces = np.array([[0, 1, 3], [0, 3, 2], [4, 5, 7], [4, 7, 6]])
    doc = Document(
        chunks=[
            Document(tensor=corners, tags={'name': 'vertices'}),
            Document(tensor=faces, tags={'name': 'faces'}),
        ]
    )
    (tmp_path / 'mesh.html').write_bytes(mesh_page(doc))
    shown.open(tmp_path / 'mesh.html')
    mesh = shown.pixels()
    # The edges are drawn where the cloud shows nothing.
    assert (np.abs(mesh - mesh[3, 3]).sum(axis=2) > 60).sum() > 1.5 * (
        np.abs(cloud - cloud[3, 3]).sum(axis=2) > 60
    ).sum()
