"""Embeddings from models, and evaluations of matches.

Section 9 of the inventory of names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from docstore.document import Document
from docstore.errors import (
    InvalidArgument,
    InvalidVector,
    LengthMismatch,
    MissingGroundTruth,
    UnknownMetric,
)

from ..checks import DIM, contents, make_docs, refuses, vectors
from .base import ArraySuite, Opener

if TYPE_CHECKING:
    from docstore.array import DocumentArray

__all__ = ['LearningTests']


def _lengths(texts: list[str]) -> Any:
    """A model: numbers that are different for each text of the suite."""
    return np.array([[len(t), ord(t[-1]), 1, 2] for t in texts], dtype=np.float32)


def _with_matches(opener: Opener) -> tuple[DocumentArray, DocumentArray]:
    """Three queries with matches, and what is right: all, one of two, nothing."""
    found = [['a', 'b'], ['b', 'c'], ['c', 'd']]
    right = [['a', 'b'], ['c'], ['a', 'b', 'e']]
    return tuple(
        opener(
            [
                Document(
                    id=f'q{i}',
                    tags={'label': i % 2},
                    matches=[Document(id=m, tags={'label': ord(m) % 2}) for m in matches],
                )
                for i, matches in enumerate(side)
            ]
        )
        for side in (found, right)
    )  # type: ignore[return-value]  # there are two


class LearningTests(ArraySuite):
    """``embed``, ``evaluate`` and ``embed_and_evaluate`` (spec: section 13)."""

    @pytest.mark.parametrize('batch_size', [1, 2, 5, 256])
    def test_embed_in_batches(self, da: DocumentArray, batch_size: int) -> None:
        sizes: list[int] = []

        def model(texts: list[str]) -> Any:
            sizes.append(len(texts))
            return _lengths(texts)

        expected = _lengths([f'text {i}' for i in range(5)])
        assert da.embed(model, batch_size=batch_size) is da
        assert np.array_equal(np.asarray(da.embeddings), expected)
        assert np.array_equal(np.asarray(da[3].embedding), expected[3])
        assert sum(sizes) == 5
        assert max(sizes) <= batch_size

    def test_embed_with_collate_fn(self, da: DocumentArray) -> None:
        def collate(batch: DocumentArray) -> Any:
            return [doc.tags['i'] for doc in batch]

        da.embed(lambda numbers: [[n, 0.0, 1.0, n] for n in numbers], 'cpu', 2, False, collate)
        assert [int(doc.embedding[0]) for doc in da] == list(range(5))

    def test_embeddings_are_found(self, da: DocumentArray) -> None:
        da.embed(lambda texts: np.eye(5, DIM)[[int(t[-1]) % DIM for t in texts]] + 0.1)
        assert da.find(np.eye(DIM)[2], limit=1)[0].id == 'd2'

    def test_a_selection_is_embedded(self, da: DocumentArray) -> None:
        before = np.array(da.embeddings)
        da[1:3].embed(_lengths)
        after = np.asarray(da.embeddings)
        assert np.array_equal(after[[1, 2]], _lengths(['text 1', 'text 2']))
        assert np.array_equal(after[[0, 3, 4]], before[[0, 3, 4]])

    def test_embed_of_nothing(self, empty: DocumentArray) -> None:
        assert empty.embed(_lengths) is empty
        assert empty.embeddings is None

    @pytest.mark.parametrize(
        ('model', 'error', 'said'),
        [
            (lambda texts: np.full((len(texts), DIM), np.nan), InvalidVector, ['NaN', "'d0'"]),
            (lambda texts: np.zeros((3, DIM)), LengthMismatch, ['3 rows for 2 documents']),
            (lambda texts: np.zeros(len(texts)), InvalidArgument, ['one vector for each']),
            (lambda texts: [['a'] * DIM for _ in texts], TypeError, ['numbers']),
            (lambda texts: None, TypeError, ['NoneType']),
            (42, InvalidArgument, ['42', 'encode']),
        ],
    )
    def test_a_model_of_no_use(
        self, da: DocumentArray, model: Any, error: type[Exception], said: list[str]
    ) -> None:
        with refuses(error, error, *said, array=da):
            da.embed(model, batch_size=2)

    def test_embed_changes_all_or_nothing(self, da: DocumentArray) -> None:
        calls: list[int] = []

        def broken(texts: list[str]) -> Any:
            calls.append(1)
            if len(calls) == 3:
                raise RuntimeError('out of memory')
            return _lengths(texts)

        before = contents(da)
        with pytest.raises(RuntimeError, match='out of memory'):
            da.embed(broken, batch_size=2)
        assert contents(da) == before

    def test_content_that_is_missing(self, opener: Opener) -> None:
        da = opener([*make_docs(2), Document(id='bare', embedding=vectors(1)[0])])
        with refuses(InvalidArgument, ValueError, "'bare'", 'position 2', 'text', array=da):
            da.embed(_lengths)

    def test_evaluate_by_matches(self, opener: Opener) -> None:
        da, truth = _with_matches(opener)
        found = da.evaluate(['precision_at_k', 'recall_at_k', 'hit_at_k'], truth)
        assert found == {
            'precision_at_k': pytest.approx((1 + 0.5 + 0) / 3),
            'recall_at_k': pytest.approx((1 + 1 + 0) / 3),
            'hit_at_k': pytest.approx(2 / 3),
        }
        score = da[1].evaluations['precision_at_k']
        assert (score.value, score.op_name, score.ref_id) == (0.5, 'precision_at_k', 'q1')
        assert da.evaluate(['precision_at_k'], truth, metric_names=['p'], k=1) == {
            'p': pytest.approx(1 / 3)
        }
        assert sorted(da['q0'].evaluations) == ['hit_at_k', 'p', 'precision_at_k', 'recall_at_k']

    def test_evaluate_by_labels(self, opener: Opener) -> None:
        da, _ = _with_matches(opener)
        # Labels: q0 and q2 have 0; b and d have 0, a and c have 1.
        assert da.evaluate(['precision_at_k']) == {'precision_at_k': 0.5}
        counts = {0: 2, 1: 4}
        assert da.evaluate(['recall_at_k'], num_relevant_documents_per_label=counts) == {
            'recall_at_k': pytest.approx((1 / 2 + 1 / 4 + 1 / 2) / 3)
        }
        with refuses(InvalidArgument, ValueError, 'label 1', array=da):
            da.evaluate(['recall_at_k'], num_relevant_documents_per_label={0: 2})
        with refuses(InvalidArgument, ValueError, 'max_rel', array=da):
            da.evaluate(['recall_at_k'])
        with refuses(MissingGroundTruth, RuntimeError, "tags['topic']", array=da):
            da.evaluate(['hit_at_k'], label_tag='topic')

    def test_what_cannot_be_evaluated(self, opener: Opener, empty: DocumentArray) -> None:
        da, truth = _with_matches(opener)
        with refuses(InvalidArgument, ValueError, 'empty', array=empty):
            empty.evaluate(['hit_at_k'], truth)
        with refuses(LengthMismatch, ValueError, '3', '2', array=da):
            da.evaluate(['hit_at_k'], truth[:2])
        with refuses(InvalidArgument, ValueError, 'position 0', "'q2'", array=da):
            da.evaluate(['hit_at_k'], truth[::-1])
        with refuses(UnknownMetric, ValueError, "'hit_at_k'", array=da):
            da.evaluate(['hit_at_kk'], truth)
        with refuses(InvalidArgument, ValueError, '1 metrics, 2 names', array=da):
            da.evaluate(['hit_at_k'], truth, metric_names=['a', 'b'])
        with refuses(InvalidArgument, ValueError, 'k must be', array=da):
            da.evaluate(['r_precision', 'hit_at_k'], truth, k=0)
        da[2].matches = []
        with refuses(InvalidArgument, ValueError, "'q2'", 'no matches', array=da):
            da.evaluate(['hit_at_k'], truth)

    def test_evaluations_last(self, opener: Opener) -> None:
        da, truth = _with_matches(opener)
        if not self.persistent:
            pytest.skip('nothing outlives the array')
        with pytest.raises(KeyError), da:
            da.evaluate(['hit_at_k'], truth)
            raise KeyError
        assert [len(doc.evaluations) for doc in da] == [0, 0, 0]
        da.evaluate(['hit_at_k'], truth)
        assert [doc.evaluations['hit_at_k'].value for doc in da] == [1.0, 1.0, 0.0]

    def test_embed_and_evaluate(self, opener: Opener) -> None:
        texts = [f'{kind}{i}' for kind in 'ab' for i in range(4)]
        da = opener([Document(id=t, text=t, tags={'label': t[0]}) for t in texts])
        index = opener([Document(id=t * 2, text=t, tags={'label': t[0]}) for t in texts])
        untouched = contents(index)

        def model(batch: list[str]) -> Any:
            return [[t[0] == 'a', t[0] == 'b', 0.5, int(t[1]) / 100] for t in batch]

        found = da.embed_and_evaluate(
            ['precision_at_k', 'recall_at_k'], index, embed_models=model, limit=2, batch_size=3
        )
        assert found == {'precision_at_k': 1.0, 'recall_at_k': 0.5}
        assert contents(index) == untouched
        assert [m.id[0] for m in da[0].matches] == ['a', 'a']
        assert da[0].matches[0].id == 'a0a0'
        assert da[0].matches[0].scores['cosine'].value == pytest.approx(0, abs=1e-6)
        assert np.asarray(da.embeddings).shape == (8, 4)
        before = contents(da)
        with pytest.raises(InvalidArgument):
            da.embed_and_evaluate(['recall_at_k'], index[:0], embed_models=model)
        assert contents(da) == before
