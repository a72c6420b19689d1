"""What subindices refuse, and where they are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore.array import DocumentArray
from docstore.document import Document
from docstore.errors import (
    DimensionMismatch,
    DocumentGone,
    InvalidArgument,
    InvalidConfig,
    InvalidType,
    InvalidVector,
    UnknownName,
)

from ..checks import DIM, ids, refuses, vectors
from .subindices import SubindexSuite, check_subindex, parents, part

__all__ = ['SubindexStoringTests']


class SubindexStoringTests(SubindexSuite):
    """A subindex is a part of its store, and there when it is opened again."""

    # -- what is refused ---------------------------------------------------------

    @pytest.mark.parametrize(
        ('selector', 'error', 'builtin'),
        [
            ('c', InvalidArgument, ValueError),
            ('@x', InvalidArgument, ValueError),
            ('@', InvalidArgument, ValueError),
            ('@r[:2]c', InvalidArgument, ValueError),
            (3, InvalidType, TypeError),
        ],
    )
    def test_bad_selectors(self, tmp_path: Path, selector: Any, error: Any, builtin: Any) -> None:
        with refuses(error, builtin, selector):
            self.with_subindices(tmp_path, None, {selector: None})

    def test_bad_configs(self, tmp_path: Path) -> None:
        for configs in (['@c'], {'@c': 3}):
            with refuses(InvalidConfig, KeyError):
                self.with_subindices(tmp_path, None, configs)
        if self.persistent:
            with refuses(InvalidConfig, KeyError, "'@c'", 'metrik'):
                self.with_subindices(tmp_path, None, {'@c': {'metrik': 'ip'}})
            with pytest.warns(UserWarning, match='table_name has no effect'):
                self.with_subindices(tmp_path, None, {'@c': {'table_name': 'x'}}).close()

    @pytest.mark.parametrize(
        ('vector', 'error'),
        [(np.ones(DIM + 1), DimensionMismatch), (np.full(DIM, np.nan), InvalidVector)],
    )
    def test_embeddings_that_do_not_fit(
        self, tmp_path: Path, tree: DocumentArray, vector: Any, error: Any
    ) -> None:
        if not self.persistent:
            pytest.skip('in memory embeddings are checked when they are searched')
        bad = Document(id='bad', embedding=vector)
        works: list[Callable[[], Any]] = [
            lambda: tree.append(Document(id='new', chunks=[bad])),
            lambda: tree[0].chunks.append(bad),
            lambda: tree.upsert([Document(id='p1', chunks=[bad])]),
            lambda: setattr(tree['@c'][0], 'embedding', vector),
            lambda: setattr(tree[0].matches[0], 'embedding', vector),
        ]
        for work in works:
            with refuses(error, ValueError, array=tree):
                work()
            check_subindex(tree)
        tree.clear()
        if error is DimensionMismatch and self.storage != 'annlite':
            tree.append(Document(id='new', chunks=[bad]))
            assert tree['@c'].embeddings.shape == (1, DIM + 1)

    # -- what is kept -------------------------------------------------------------

    def test_of_an_array_that_was_there(self, tmp_path: Path) -> None:
        if not self.persistent:
            pytest.skip('nothing is kept')
        self.open(tmp_path, parents(3)).close()
        array = self.with_subindices(tmp_path)
        check_subindex(array)
        array.close()
        array = self.open(tmp_path)
        check_subindex(array)
        with pytest.raises(UnknownName):
            array.find(vectors(1)[0], on='@cc')
        array.close()
        array = self.with_subindices(tmp_path, parents(1), {'@cc': None})
        check_subindex(array)
        assert len(array['@c']) == 2
        assert len(array.find({}, on='@cc')) == 0
        array.close()

    def test_without_closing(self, tmp_path: Path) -> None:
        if not self.persistent:
            pytest.skip('nothing is kept')
        array = self.with_subindices(tmp_path, parents(3))
        check_subindex(array)
        array.flush()
        array.append(parents(1, start=8)[0])
        array['@c'][0].text = 'last'
        check_subindex(array)
        with pytest.warns(UserWarning, match='parent_id'):
            array['@c'].append(part('loose', 3))
        # As after a crash: what belongs to the subindex is not saved.
        for follower in array._records.followers:  # type: ignore[attr-defined]
            follower.keeper.owners = None
        array.close()
        array = self.open(tmp_path)
        assert ids(array['@c']) == [*ids(array.traverse_flat('c')), 'loose']
        assert array['@c'][0].text == 'last'
        del array['@c']['loose']
        check_subindex(array)
        array.close()

    def test_readers(self, tmp_path: Path) -> None:
        if not self.persistent or self.storage == 'annlite':
            pytest.skip('only what is on the disk has readers')
        array = self.with_subindices(tmp_path, parents(3))
        array.flush()
        reader = DocumentArray(
            storage=self.storage, config={**(self.config(tmp_path) or {}), 'read_only': True}
        )
        check_subindex(reader)
        array.append(parents(1, start=8)[0])
        check_subindex(reader)
        assert len(reader['@c']) == 6
        hits, view = reader.find(vectors(1)[0], on='@c', limit=6), reader['@c'][5]
        before = sorted(ids(reader['@c']))
        reader.refresh()
        assert sorted(ids(hits)) == before
        with pytest.raises(DocumentGone):
            _ = view.text
        check_subindex(reader)
        assert len(reader['@c']) == 8
        array.flush()
        array[0].text = 'x'
        array.flush()
        reader.refresh()
        check_subindex(reader)
        reader.close()
        array.close()

    def test_summary(self, tree: DocumentArray, capsys: Any) -> None:
        tree.summary()
        shown = capsys.readouterr().out
        assert 'subindex @c' in shown
        assert '8 documents' in shown
