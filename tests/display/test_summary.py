"""summary() and HTML: what users wrote is shown as it is, and does nothing."""

from __future__ import annotations

import html
import re
import sys
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from docstore import Document, DocumentArray
from docstore.display.pixels import png

from .conftest import HOSTILE, picture

pytestmark = pytest.mark.spec('15')


class Elements(HTMLParser):
    """The elements and attributes of HTML, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ''
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def harmless(source: str) -> Elements:
    found = Elements(source)
    known = {
        'div', 'b', 'code', 'table', 'caption', 'thead', 'tbody', 'tr', 'th', 'td', 'span', 'img',
        'br', 'details', 'summary', 'p', 'svg', 'polyline',
    }  # fmt: skip
    assert set(found.names) <= known
    for name, value in found.attributes:
        assert not name.startswith('on')
        assert name != 'src' or (value or '').startswith('data:image/')
        assert name != 'href'
    return found


@given(st.dictionaries(st.sampled_from(['id', 'text', 'uri', 'mime_type']), st.text()), st.text())
@settings(max_examples=80, deadline=None)
def test_no_text_becomes_an_element(fields: dict[str, str], tag: str) -> None:
    doc = Document(**fields, tags={tag: tag}, chunks=[Document(text=tag)])
    harmless(doc._repr_html_())
    harmless(DocumentArray([doc])._repr_html_())


def test_hostile_texts_are_shown_as_they_are() -> None:
    doc = Document(id=HOSTILE, text=HOSTILE, uri=HOSTILE, tags={HOSTILE: HOSTILE})
    found = harmless(doc._repr_html_())
    assert found.text.count('<img src=x onerror=') == 5
    assert 'img' not in found.names


@pytest.mark.spec('2.10')
def test_a_document_shows_its_fields_and_pictures() -> None:
    doc = Document(
        tensor=picture((9, 9, 9), 300), embedding=[1.0, np.nan, 3.0], chunks=[Document(text='in')]
    )
    doc.embedding = np.array([1.0, np.nan, 3.0])
    source = doc._repr_html_()
    assert 'shape (300, 300, 3), uint8' in source
    assert 'data:image/png;base64,' in source
    assert len(source) < 20_000
    assert '<polyline' in source
    assert 'chunks (1)' in source


def test_pictures_in_blobs_and_data_uris_are_shown_and_others_are_not_loaded() -> None:
    file = png(picture((1, 2, 3)))
    assert 'data:image/png;base64,' in Document(blob=file)._repr_html_()
    assert '<img' not in Document(blob=b'\x89PNG\r\n\x1a\n' + bytes(1 << 20))._repr_html_()
    assert '<img' not in Document(uri='https://example.org/a.png')._repr_html_()
    assert '<img' not in Document(uri='data:image/svg+xml;base64,PHN2Zz4=')._repr_html_()
    assert '<img' not in Document(uri='data:image/png;base64,AAAA" onload="x')._repr_html_()
    assert '<img' in Document(uri='data:image/png;base64,AAAA')._repr_html_()


def test_deep_and_wide_nesting_ends() -> None:
    doc = Document(id='leaf')
    for level in range(8):
        doc = Document(id=f'level {level}', chunks=[doc, *(Document() for _ in range(30))])
    assert len(doc._repr_html_()) < 100_000
    assert '... and 21 more' in doc._repr_html_()


def test_an_array_shows_its_summary_and_first_documents(coloured: DocumentArray) -> None:
    source = coloured._repr_html_()
    assert source.count('<img') == 6
    assert re.search(r'Length</th><td[^>]*>6<', source)
    assert 'The first 10 Documents' in DocumentArray.empty(50)._repr_html_()
    assert '<img' not in DocumentArray()._repr_html_()


def test_summary_reads_nothing_as_markup(capsys: Any) -> None:
    doc = Document(id='[red]a[/nothing]', text='[b]x[/]', tags={'[/]': 1})
    doc.summary()
    DocumentArray([doc]).summary()
    out = capsys.readouterr().out
    assert '[red]a[/nothing]' in out
    assert '[b]x[/]' in out


def test_summary_sends_no_control_signs_to_the_terminal(capsys: Any) -> None:
    Document(id='\x1b]0;title\x07', text='a\x1b[2Jb\rc').summary()
    out = capsys.readouterr().out
    assert not set('\x1b\x07') & set(out)
    assert 'b' in out


@pytest.mark.parametrize(
    'vector', [[1.0, np.nan, 2.0], [np.inf, 1.0], [np.nan], [5.0, 5.0]], ids=str
)
def test_summary_of_vectors_that_are_not_finite(vector: list[float], capsys: Any) -> None:
    Document(embedding=np.array(vector)).summary()
    assert 'float64' in capsys.readouterr().out


def test_summary_has_the_lines_that_users_know(capsys: Any) -> None:
    da = DocumentArray([Document(id='a', text='x', chunks=[Document()]), Document(id='b')])
    da.summary()
    out = capsys.readouterr().out
    for line in (
        r'Type +DocumentArray', r'Length +2', r'Homogeneous Documents +False',
        r"Common Attributes +\('id',\)", r"Nested Documents +in \('chunks',\)",
        r'Multimodal dataclass +False', r'text +│ str +│ 1 +│ True', r'id +│ str +│ 2 +│ False',
    ):  # fmt: skip
        assert re.search(line, out), line


def test_summary_of_an_empty_array(capsys: Any) -> None:
    DocumentArray().summary()
    assert re.search(r'Length +0', capsys.readouterr().out)


def test_rich_shows_the_same(coloured: DocumentArray) -> None:
    console = Console(record=True, width=100, file=open('/dev/null', 'w'))  # noqa: SIM115
    with console.file:
        console.print(coloured, coloured[0])
    text = console.export_text()
    assert 'Attributes Summary' in text
    assert 'shape (8, 8, 3)' in text


def test_outside_of_a_notebook_the_summary_is_printed(capsys: Any) -> None:
    Document(id='known').summary()
    printed = capsys.readouterr().out
    Document(id='known')._ipython_display_()
    assert capsys.readouterr().out == printed
    DocumentArray()._ipython_display_()
    assert 'Documents Summary' in capsys.readouterr().out


def test_in_a_notebook_html_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    # A stand-in for IPython's display protocol: the package is not needed for the tests.
    shown: list[str] = []
    shell = SimpleNamespace(kernel=object())
    display = SimpleNamespace(HTML=lambda data: data, display=shown.append)
    package = SimpleNamespace(get_ipython=lambda: shell, display=display)
    monkeypatch.setitem(sys.modules, 'IPython', package)
    monkeypatch.setitem(sys.modules, 'IPython.display', display)
    Document(id='one')._ipython_display_()
    DocumentArray([Document(id='two')])._ipython_display_()
    Document(tensor=picture((1, 1, 1))).display()
    Document(tensor=np.random.default_rng(0).random((5, 3))).display()
    assert capsys.readouterr().out == ''
    assert ['one' in shown[0], 'two' in shown[1]] == [True, True]
    assert shown[2].startswith('<img src="data:image/png;base64,')
    assert 'sandbox="allow-scripts"' in shown[3]
    assert html.unescape(shown[3]).count('<canvas') == 1
