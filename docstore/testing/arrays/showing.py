"""Looking at an array: summaries, HTML, plots, pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore.array import DocumentArray
from docstore.document import Document
from docstore.errors import InvalidArgument

from ..checks import contents
from .base import ArraySuite, Opener

__all__ = ['ShowingTests']


def _pictures() -> list[Document]:
    return [
        Document(
            id=f'p{i}',
            tensor=np.full((4, 4, 3), 40 * i, dtype=np.uint8),
            embedding=np.array([i, i * i, 1, 0], dtype=np.float32),
            tags={'<b>': f'</script>{i}'},
        )
        for i in range(5)
    ]


class ShowingTests(ArraySuite):
    """``summary``, ``plot_embeddings``, ``plot_image_sprites``: reading only, on any storage."""

    def test_html_shows_texts_as_texts(self, opener: Opener) -> None:
        da = opener(_pictures())
        shown = da._repr_html_() + da[1]._repr_html_()
        assert '&lt;b&gt;' in shown
        assert '</script>' not in shown
        assert shown.count('data:image/png;base64,') == 6

    def test_embeddings_are_plotted(self, opener: Opener, tmp_path: Path) -> None:
        da = opener(_pictures())
        before = contents(da)
        folder = Path(
            da.plot_embeddings('p', tmp_path / 'plot', image_sprites=True, start_server=False)
        )
        assert np.loadtxt(folder / 'p.tsv').tolist() == [[i, i * i, 1, 0] for i in range(5)]
        lines = (folder / 'p.metas.tsv').read_text(encoding='utf-8').splitlines()
        assert lines == ['id\ttag__<b>', *(f'p{i}\t</script>{i}' for i in range(5))]
        plot: Any = json.loads((folder / 'p.points.json').read_text(encoding='ascii'))
        assert (plot['count'], plot['columns']['id']) == (5, [f'p{i}' for i in range(5)])
        assert contents(da) == before

    def test_large_arrays_are_shown_in_part(
        self, opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr('docstore.plots.embeddings.MOST_POINTS', 2)
        opener(_pictures()).plot_embeddings('p', tmp_path / 'plot', True, start_server=False)
        text = (tmp_path / 'plot' / 'p.points.json').read_text(encoding='ascii')
        assert json.loads(text)['columns']['id'] == ['p0', 'p2']

    def test_a_vector_that_is_missing_is_named(self, opener: Opener, tmp_path: Path) -> None:
        docs = _pictures()
        docs[3].embedding = None
        da = opener(docs)
        with pytest.raises(InvalidArgument, match='p3'):
            da.plot_embeddings(path=tmp_path / 'plot', start_server=False)
        assert not list((tmp_path / 'plot').glob('*'))

    def test_pictures_make_one(self, opener: Opener, tmp_path: Path) -> None:
        opener(_pictures()).plot_image_sprites(tmp_path / 'all.png', canvas_size=48)
        memory = DocumentArray(_pictures())
        memory.plot_image_sprites(tmp_path / 'same.png', canvas_size=48)
        assert (tmp_path / 'all.png').read_bytes() == (tmp_path / 'same.png').read_bytes()
