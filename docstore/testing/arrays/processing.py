"""Batches, samples, and functions that run over the Documents."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from docstore.array import DocumentArray
from docstore.document import Document
from docstore.errors import InvalidArgument, InvalidType

from ..checks import contents, ids, make_docs, refuses
from .applying import notes, shout, shout_all
from .base import ArraySuite, Opener

__all__ = ['ProcessingTests']


class ProcessingTests(ArraySuite):
    """``batch``, ``sample``, ``split_by_tag``, ``map``."""

    # -- parts ------------------------------------------------------------

    @pytest.mark.parametrize('size', [1, 2, 5, 99, np.int64(3)])
    def test_batches(self, da: DocumentArray, size: Any) -> None:
        parts = list(da.batch(size))
        assert all(isinstance(part, DocumentArray) for part in parts)
        names = [ids(part) for part in parts]
        assert names == [ids(make_docs(5))[at : at + size] for at in range(0, 5, size)]
        assert list(da.batch_ids(size)) == names

    @pytest.mark.parametrize('size', [0, -1, 1.5, '2', None, True])
    def test_sizes_of_batches(self, da: DocumentArray, size: Any) -> None:
        for bad in (
            lambda: da.batch(size),
            lambda: da.batch_ids(size),
            lambda: da.map_batch(len, size),
            lambda: da.apply_batch(shout_all, size),
        ):
            with refuses(InvalidArgument, ValueError, 'batch_size', array=da):
                bad()

    def test_shuffled_batches(self, opener: Opener) -> None:
        da = opener(make_docs(40))
        names = [ids(part) for part in da.batch(7, shuffle=True)]
        assert [len(part) for part in names] == [7] * 5 + [5]
        flat = [name for part in names for name in part]
        assert flat != ids(da)
        assert sorted(flat) == sorted(ids(da))
        assert sorted(sum(da.batch_ids(7, shuffle=True), [])) == sorted(ids(da))  # noqa: RUF017

    def test_batches_are_those_of_the_call(self, da: DocumentArray) -> None:
        parts = da.batch(2)
        assert ids(next(parts)) == ['d0', 'd1']
        da.append(Document(id='later'))
        del da[0]
        assert [ids(part) for part in parts] == [['d2', 'd3'], ['d4']]

    def test_no_batches(self, empty: DocumentArray) -> None:
        assert list(empty.batch(3)) == list(empty.batch_ids(3, shuffle=True)) == []
        assert list(empty.map(len)) == list(empty.map_batch(len, 3)) == []
        assert empty.apply(shout) is empty
        assert empty.apply_batch(shout_all, 3, backend='thread') is empty
        assert empty.split_by_tag('x') == {}
        assert len(empty.shuffle()) == len(empty.sample(0)) == 0

    def test_what_a_batch_shows_is_written_through(self, da: DocumentArray) -> None:
        for part in da.batch(2):
            part.texts = ['new'] * len(part)
        assert da.texts == ['new'] * 5

    def test_samples(self, opener: Opener) -> None:
        da = opener(make_docs(20))
        chosen = da.sample(6, seed=3)
        assert isinstance(chosen, DocumentArray)
        assert chosen.storage == 'memory'
        assert ids(chosen) == [f'd{i}' for i in random.Random(3).sample(range(20), 6)]
        assert ids(da.shuffle(seed=3)) == [f'd{i}' for i in random.Random(3).sample(range(20), 20)]
        assert ids(da) == ids(make_docs(20))
        assert len(set(ids(da.sample(20)))) == 20
        assert contents(sorted(da.shuffle(), key=lambda doc: int(doc.id[1:]))) == contents(da)

    def test_samples_follow_the_state_of_random(self, opener: Opener) -> None:
        da = opener(make_docs(20))
        state = random.getstate()
        try:
            random.seed(5)
            first = ids(da.sample(4)), ids(da.shuffle()), list(da.batch_ids(3, shuffle=True))
            random.seed(5)
            assert (ids(da.sample(4)), ids(da.shuffle()), list(da.batch_ids(3, True))) == first
            after = random.getstate()
            da.sample(4, seed=1)
            assert random.getstate() == after
        finally:
            random.setstate(state)

    @pytest.mark.parametrize('k', [6, -1, 2.0, None, True, '3'])
    def test_samples_that_cannot_be(self, da: DocumentArray, k: Any) -> None:
        with refuses(InvalidArgument, ValueError, 'k', 5, array=da):
            da.sample(k)

    def test_parts_by_tag(self, da: DocumentArray) -> None:
        parts = da.split_by_tag('kind')
        assert {kind: ids(part) for kind, part in parts.items()} == {
            'even': ['d0', 'd2', 'd4'],
            'odd': ['d1', 'd3'],
        }
        assert list(parts) == ['even', 'odd']
        assert isinstance(parts['even'], DocumentArray)
        assert [ids(part) for part in da.split_by_tag('nested__x__1__y').values()] == [
            [f'd{i}'] for i in range(5)
        ]
        da[1].tags['rare'] = False
        assert {kind: ids(part) for kind, part in da.split_by_tag('rare').items()} == {
            False: ['d1']
        }
        assert da.split_by_tag('missing') == {}

    def test_tags_that_split_nothing(self, da: DocumentArray) -> None:
        with refuses(InvalidType, TypeError, 'nested', 'd0', array=da):
            da.split_by_tag('nested')
        with refuses(InvalidType, TypeError, 'tag', array=da):
            da.split_by_tag(3)

    # -- map --------------------------------------------------------------

    @pytest.mark.parametrize('workers', [None, 1, 3])
    def test_results_are_in_order(self, opener: Opener, workers: int | None) -> None:
        da = opener(make_docs(70))

        def slow(doc: Document) -> str:
            time.sleep(0.002 * (doc.tags['i'] % 3 == 0))
            return doc.text

        assert list(da.map(slow, num_worker=workers)) == [f'text {i}' for i in range(70)]
        assert list(da.map_batch(ids, 32, num_worker=workers)) == [
            ids(part) for part in da.batch(32)
        ]

    def test_results_are_not_worked_out_far_ahead(self, opener: Opener) -> None:
        da = opener(make_docs(60))
        called: list[str] = []

        def note(doc: Document) -> str:
            called.append(doc.id)
            return doc.id

        found = da.map(note, num_worker=2)
        assert called == []
        assert next(found) == 'd0'
        assert len(called) <= 5
        assert isinstance(found, Iterator)
        found.close()  # type: ignore[attr-defined]
        assert len(called) <= 5

    def test_shuffled_batches_of_functions(self, opener: Opener) -> None:
        da = opener(make_docs(30))
        names = [name for part in da.map_batch(ids, 4, shuffle=True) for name in part]
        assert names != ids(da)
        assert sorted(names) == sorted(ids(da))

    def test_threads_get_the_documents_themselves(self, da: DocumentArray) -> None:
        for doc in da.map(shout):
            assert doc.text.startswith('TEXT')
        assert da.texts == [f'TEXT {i}' for i in range(5)]

    def test_an_exception_names_the_document(self, da: DocumentArray) -> None:
        found = da.map(lambda doc: 1 // (doc.tags['i'] - 3), num_worker=2)
        assert [next(found) for _ in range(3)] == [-1, -1, -1]
        with pytest.raises(ZeroDivisionError) as caught:
            next(found)
        assert "position 3 (id 'd3')" in notes(caught.value)
        with pytest.raises(ZeroDivisionError) as caught:
            list(da.map_batch(lambda part: 1 // (part[0].tags['i'] - 2), 2))
        assert "batch 1 (documents 'd2' to 'd3')" in notes(caught.value)

    def test_a_pool_of_ones_own(self, da: DocumentArray) -> None:
        with ThreadPoolExecutor(2, thread_name_prefix='mine') as pool:
            for _ in range(2):
                names = set(da.map(lambda _: threading.current_thread().name[:4], pool=pool))
                assert names == {'mine'}
            da.apply(shout, pool=pool).apply_batch(shout_all, 2, pool=pool)
        assert da[:, 'tags__seen'] == [True] * 5

    @pytest.mark.parametrize(
        ('arguments', 'error', 'builtin', 'word'),
        [
            ({'backend': 'threads'}, InvalidArgument, ValueError, "did you mean 'thread'"),
            ({'num_worker': 0}, InvalidArgument, ValueError, 'num_worker'),
            ({'num_worker': 1.5}, InvalidArgument, ValueError, 'num_worker'),
            ({'pool': 3}, InvalidType, TypeError, 'int'),
        ],
    )
    def test_workers_that_cannot_be(
        self, da: DocumentArray, arguments: Any, error: Any, builtin: Any, word: str
    ) -> None:
        for bad in (
            lambda: da.map(len, **arguments),
            lambda: da.map_batch(len, 2, **arguments),
            lambda: da.apply(shout, **arguments),
            lambda: da.apply_batch(shout_all, 2, **arguments),
        ):
            with refuses(error, builtin, word, array=da):
                bad()
        with refuses(InvalidType, TypeError, 'callable', array=da):
            da.map('len')
