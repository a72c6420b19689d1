"""DocumentArray.evaluate and embed_and_evaluate; what every storage does is in the suite."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from docstore import Document, DocumentArray, evaluation
from docstore.errors import (
    InvalidArgument,
    InvalidType,
    InvalidVector,
    LengthMismatch,
    MissingGroundTruth,
    MissingModel,
)

pytestmark = pytest.mark.spec('13')


def doc(key: str, matches: str, label: Any = None) -> Document:
    tags = {} if label is None else {'label': label}
    return Document(id=key, tags=tags, matches=[Document(id=m) for m in matches])


def pair() -> tuple[DocumentArray, DocumentArray]:
    found = DocumentArray([doc('a', 'xy'), doc('b', 'yz')])
    return found, DocumentArray([doc('a', 'xy'), doc('b', 'y')])


def warned(kind: type[Warning], call: Callable[[], Any]) -> tuple[Any, list[str]]:
    """What a call gives, and the warnings of it, which must name this file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        result = call()
    assert all(issubclass(entry.category, kind) for entry in caught)
    assert {entry.filename for entry in caught} <= {__file__}
    return result, [str(entry.message) for entry in caught]


# ------------------------------------------------------------------ evaluate


def test_mean_and_values() -> None:
    da, truth = pair()
    assert da.evaluate(['precision_at_k', 'recall_at_k'], truth) == {
        'precision_at_k': 0.75,
        'recall_at_k': 1.0,
    }
    assert [d.evaluations['precision_at_k'].value for d in da] == [1.0, 0.5]
    assert da[1].evaluations['precision_at_k'].ref_id == 'b'


def test_not_strict_compares_by_position_and_ignores_the_rest() -> None:
    # As docarray 0.21: these numbers are from there.
    da, truth = pair()
    assert da.evaluate(['precision_at_k'], truth[::-1], strict=False) == {'precision_at_k': 0.5}
    da, truth = pair()
    assert da.evaluate(['precision_at_k'], truth[1:], strict=False) == {'precision_at_k': 0.5}
    assert [len(d.evaluations) for d in da] == [1, 0]


def test_a_hash_function() -> None:
    da = DocumentArray([Document(id='1', text='q', matches=[Document(text='x')])])
    truth = DocumentArray([Document(id='2', text='q', matches=[Document(text='x')])])
    with pytest.raises(InvalidArgument, match='put both in the same order'):
        da.evaluate(['hit_at_k'], truth)
    assert da.evaluate(['hit_at_k'], truth, hash_fn=lambda d: d.text) == {'hit_at_k': 1.0}


def test_equal_hashes_are_warned_of_once() -> None:
    da, truth = pair()
    found, messages = warned(
        UserWarning, lambda: da.evaluate(['hit_at_k'], truth, hash_fn=lambda d: d.tags.get('x'))
    )
    assert found == {'hit_at_k': 1.0}
    assert len(messages) == 1
    assert 'several matches of one document are the same' in messages[0]


def test_own_metrics() -> None:
    seen: list[Any] = []

    def found(relevance: list[int], max_rel: int, k: int | None = None) -> float:
        seen.append((relevance, max_rel, k))
        return sum(relevance[:k])

    da, truth = pair()
    assert da.evaluate([found, 'hit_at_k', sum], truth, k=1) == {
        'found': 1.0,
        'hit_at_k': 1.0,
        'sum': 1.5,
    }
    assert seen == [([1, 1], 2, 1), ([1, 0], 1, 1)]
    assert da[0].evaluations['found'].op_name == 'found'


def test_our_functions_are_the_same_as_their_names() -> None:
    da, truth = pair()
    names = [name for name in evaluation.__all__ if name != 'dcg_at_k']
    functions = [getattr(evaluation, name) for name in names]
    assert da.evaluate(functions, truth, k=1) == da.evaluate(names, truth, k=1)


@pytest.mark.parametrize(
    ('metric', 'error', 'said'),
    [
        (lambda r: 'much', InvalidType, "must give a number, it gave 'much' for the document 'a'"),
        (lambda r: float('nan'), InvalidArgument, "gave nan for the document 'a'"),
        (3, InvalidType, 'a metric must be a name or a function'),
        ('precison_at_k', ValueError, "did you mean 'precision_at_k'"),
    ],
)
def test_metrics_of_no_use(metric: Any, error: type[Exception], said: str) -> None:
    da, truth = pair()
    with pytest.raises(error, match=said):
        da.evaluate(['hit_at_k', metric], truth)
    assert not any(d.evaluations for d in da)


def test_arguments_that_no_metric_takes() -> None:
    da, truth = pair()
    with pytest.raises(InvalidArgument, match=r"no argument 'kk'.*did you mean 'k'"):
        da.evaluate(['hit_at_k'], truth, kk=3)
    assert da.evaluate([lambda r, **kw: kw['kk']], truth, kk=3) == {'<lambda>': 3.0}


def test_max_rel_for_all() -> None:
    da, truth = pair()
    assert da.evaluate(['recall_at_k'], truth, max_rel=4) == {'recall_at_k': 0.375}
    labelled = DocumentArray([Document(tags={'label': 1}, matches=[Document(tags={'label': 1})])])
    assert labelled.evaluate(['recall_at_k'], max_rel=4) == {'recall_at_k': 0.25}


def test_a_label_without_its_number_names_the_document() -> None:
    da = DocumentArray([doc('a', '', 1)])
    da[0].matches = [Document(tags={'label': 1}), Document(tags={'label': 1})]
    with pytest.raises(InvalidArgument, match="the document 'a': max_rel=1, but 2"):
        da.evaluate(['recall_at_k'], num_relevant_documents_per_label={1: 1})
    da[0].matches.append(Document(id='bare'))
    with pytest.raises(InvalidArgument, match=r"match 2 of .*'a'\) has no label"):
        da.evaluate(['hit_at_k'])


def test_a_truth_without_matches_gives_way_to_labels() -> None:
    da = DocumentArray([Document(tags={'label': 1}, matches=[Document(tags={'label': 1})])])
    found, messages = warned(UserWarning, lambda: da.evaluate(['hit_at_k'], DocumentArray.empty(1)))
    assert found == {'hit_at_k': 1.0}
    assert 'the labels are used' in messages[0]


def test_nothing_to_compare_with() -> None:
    da, _ = pair()
    for kind in (MissingGroundTruth, RuntimeError, ValueError):
        with pytest.raises(kind, match='give a ground_truth with matches, or labels in tags'):
            da.evaluate(['hit_at_k'])
    with pytest.raises(InvalidType, match='ground_truth must be a DocumentArray, got list'):
        da.evaluate(['hit_at_k'], [1])
    with pytest.raises(TypeError, match='metrics is missing'):
        da.evaluate()


def test_labels_below_other_tags() -> None:
    match = Document(tags={'class': {'name': 'x'}})
    da = DocumentArray([Document(tags={'class': {'name': 'x'}}, matches=[match])])
    assert da.evaluate(['hit_at_k'], label_tag='class__name') == {'hit_at_k': 1.0}


def test_evaluations_that_somebody_holds_are_the_same() -> None:
    da, truth = pair()
    da[0].evaluations['other'].value = 3
    held = da[0].evaluations
    da.evaluate(['hit_at_k'], truth)
    assert held['hit_at_k'].value == 1.0
    assert held['other'].value == 3


def test_results_of_match_are_evaluated() -> None:
    n = 50
    da, index = DocumentArray.empty(n), DocumentArray.empty(200)
    rng = np.random.default_rng(0)
    da.embeddings, index.embeddings = rng.normal(size=(n, 8)), rng.normal(size=(200, 8))
    da.match(index, limit=10)
    truth = DocumentArray(da, copy=True)
    truth.match(index, limit=5)
    for array in (da, truth):
        assert array[0].matches[0].id in {d.id for d in index}
    assert da.evaluate(['precision_at_k', 'recall_at_k', 'reciprocal_rank'], truth) == {
        'precision_at_k': 0.5,
        'recall_at_k': 1.0,
        'reciprocal_rank': 1.0,
    }


@pytest.mark.slow
def test_many_queries() -> None:
    n = 100_000
    da, index = DocumentArray.empty(n), DocumentArray.empty(500)
    rng = np.random.default_rng(0)
    da.embeddings = rng.normal(size=(n, 8)).astype(np.float32)
    index.embeddings = rng.normal(size=(500, 8)).astype(np.float32)
    da.match(index, limit=20)
    start = time.process_time()
    assert da.evaluate(['precision_at_k', 'ndcg_at_k'], da)['precision_at_k'] == 1.0
    assert time.process_time() - start < 60  # seven seconds where it was written


# ------------------------------------------------------------------ old names


def test_old_names() -> None:
    da, truth = pair()

    def old(*args: Any, **kwargs: Any) -> list[str]:
        found, messages = warned(DeprecationWarning, lambda: da.evaluate(*args, **kwargs))
        assert list(found.values()) == [1.0]
        return messages

    assert '`other` is called `ground_truth`' in old(['hit_at_k'], other=truth)[0]
    assert len(old(metric=['hit_at_k'], ground_truth=truth)) == 1
    assert len(old(['hit_at_k'], truth, metric_name=['x'])) == 1
    assert '`metrics` is a list now' in old('hit_at_k', truth)[0]
    assert len(old('hit_at_k', truth, metric_names='x')) == 2
    assert 'ground_truth=' in old(truth, ['hit_at_k'])[0]
    assert len(old(other=truth, metric='hit_at_k', metric_name='y')) == 5
    assert sorted(da[0].evaluations) == ['hit_at_k', 'x', 'y']
    with pytest.raises(InvalidType, match='metrics must be a list, got int'):
        da.evaluate(3, truth)


# ------------------------------------------------------------------ embed_and_evaluate


def points(n: int, seed: int = 0, labels: bool = True) -> DocumentArray:
    state = np.random.RandomState(seed)
    return DocumentArray(
        [
            Document(id=str(i), tensor=state.rand(4), tags={'label': i % 3} if labels else {})
            for i in range(n)
        ]
    )


def by_tensor(batch: DocumentArray) -> DocumentArray:
    batch.embeddings = batch.tensors
    return batch


def itself(inputs: Any) -> Any:
    return inputs


METRICS = ['precision_at_k', 'recall_at_k']

# What docarray 0.21.0 gave for the same Documents.
LEGACY: list[tuple[dict[str, Any], list[float]]] = [
    ({}, [0.3833333333, 0.4791666667]),
    ({'index_data': points(30, 1)}, [0.4333333333, 0.2166666667]),
    ({'index_data': points(30, 1), 'k': 3}, [0.3611111111, 0.1083333333]),
]


@pytest.mark.parametrize('way', [{'embed_models': itself}, {'embed_funcs': by_tensor}])
@pytest.mark.parametrize(('options', 'expected'), LEGACY)
@pytest.mark.parametrize('sizes', [{}, {'match_batch_size': 7, 'batch_size': (4, 3)}])
def test_as_in_legacy_docarray(
    way: dict[str, Any], options: dict[str, Any], expected: list[float], sizes: dict[str, Any]
) -> None:
    da = points(12)
    found = da.embed_and_evaluate(METRICS, limit=5, **way, **options, **sizes)
    assert list(found) == METRICS
    assert list(found.values()) == pytest.approx(expected, abs=1e-9)
    match = da[0].matches[0]
    assert match.non_empty_fields == ('id', 'adjacency', 'tags', 'scores')
    assert match.adjacency == 1
    assert np.array_equal(da.embeddings, da.tensors)


def test_the_query_itself_left_out() -> None:
    da = points(6)
    found = da.embed_and_evaluate(METRICS, embed_models=itself, limit=6, exclude_self=True)
    assert found['recall_at_k'] == 1.0  # the query does not count as one to be found
    assert [len(d.matches) for d in da] == [5] * 6
    assert all(d.id not in d.matches[:, 'id'] for d in da)
    nearest = points(12)
    value = nearest.embed_and_evaluate(
        ['precision_at_k'], embed_models=itself, limit=5, exclude_self=True, match_batch_size=2
    )
    assert value['precision_at_k'] == pytest.approx(0.25)  # docarray 0.21.0 gave this


def test_a_ground_truth() -> None:
    da, index = points(12, labels=False), points(30, 1, labels=False)
    truth = points(12, labels=False)
    truth.embeddings = truth.tensors
    index.embeddings = index.tensors
    truth.match(index, limit=4)
    found = da.embed_and_evaluate(METRICS, index, truth, embed_models=itself, limit=5)
    assert found == {'precision_at_k': pytest.approx(0.8), 'recall_at_k': 1.0}
    assert da[0].matches[0].non_empty_fields == ('id', 'adjacency', 'scores')
    random.seed(1)
    some = points(12, labels=False)
    found = some.embed_and_evaluate(
        METRICS, index, truth, embed_models=itself, limit=5, query_sample_size=5
    )
    assert found == {'precision_at_k': pytest.approx(0.8), 'recall_at_k': 1.0}
    assert sorted(len(d.evaluations) for d in some) == [0] * 7 + [2] * 5
    with pytest.raises(LengthMismatch):
        some.embed_and_evaluate(METRICS, index, truth[:3], embed_models=itself, query_sample_size=5)


@pytest.mark.parametrize('metric', ['cosine', 'euclidean', 'sqeuclidean', 'ip'])
@pytest.mark.parametrize('span', [None, (1, 0)])
def test_blocks_give_the_same_as_match(metric: str, span: Any) -> None:
    index = points(40, 3)
    expected, da = points(10), points(10)
    for array in (expected, index):
        array.embeddings = array.tensors
    expected.match(index, metric=metric, limit=7, normalization=span)
    da.embed_and_evaluate(
        ['hit_at_k'],
        index,
        embed_models=itself,
        distance=metric,
        limit=7,
        normalization=span,
        match_batch_size=9,
    )
    for ours, theirs in zip(da, expected, strict=True):
        assert ours.matches[:, 'id'] == theirs.matches[:, 'id']
        assert [m.scores[metric].value for m in ours.matches] == pytest.approx(
            [m.scores[metric].value for m in theirs.matches], abs=1e-6
        )


def test_a_pair_of_models() -> None:
    used: list[str] = []

    def model(name: str) -> Callable[[Any], Any]:
        def embed(inputs: Any) -> Any:
            used.append(name)
            return inputs

        return embed

    points(4).embed_and_evaluate(
        ['hit_at_k'], points(6, 1), embed_models=(model('query'), model('index'))
    )
    assert used == ['query', 'index']
    used.clear()
    points(4).embed_and_evaluate(['hit_at_k'], embed_models=model('both'))
    assert used == ['both']  # the array is its own index: it is embedded once


def test_functions_may_return_a_matrix_or_nothing() -> None:
    def in_place(batch: DocumentArray) -> None:
        batch.embeddings = batch.tensors

    expected = points(12).embed_and_evaluate(METRICS, embed_models=itself, limit=5)
    for function in (in_place, lambda batch: batch.tensors):
        da = points(12)
        assert da.embed_and_evaluate(METRICS, embed_funcs=function, limit=5) == expected
    da = points(3)
    with pytest.raises(InvalidArgument, match=r"gave .*position 0 .id '0'. no embedding"):
        da.embed_and_evaluate(METRICS, embed_funcs=lambda batch: None)
    assert da[0].non_empty_fields == ('id', 'tensor', 'tags')


def test_labels_counted_by_the_user() -> None:
    counts = {0: 8, 1: 8, 2: 8}
    found = points(12).embed_and_evaluate(
        ['recall_at_k'],
        embed_models=itself,
        limit=12,
        exclude_self=True,
        num_relevant_documents_per_label=counts,
    )
    assert found == {'recall_at_k': 3 / 8}


def test_in_a_store(tmp_path: Any) -> None:
    expected = points(12).embed_and_evaluate(METRICS, embed_models=itself, limit=5)
    da = DocumentArray(points(12), storage='sqlite', config={'connection': str(tmp_path / 'x.db')})
    assert da.embed_and_evaluate(METRICS, embed_models=itself, limit=5) == expected
    assert da.evaluate(METRICS[:1]) == {METRICS[0]: expected[METRICS[0]]}
    some = da.embed_and_evaluate(METRICS, embed_models=itself, limit=5, query_sample_size=3)
    assert 0 < some['precision_at_k'] <= 1
    assert [len(d.matches) for d in da] == [5] * 12
    da.close()


def test_what_is_missing() -> None:
    for kind in (MissingModel, RuntimeError):
        with pytest.raises(kind, match='give embed_models or embed_funcs'):
            points(3).embed_and_evaluate(METRICS)
    with pytest.raises(ValueError, match='labels in tags'):
        points(3, labels=False).embed_and_evaluate(METRICS, embed_models=itself)
    with pytest.raises(ValueError, match='an empty DocumentArray'):
        DocumentArray().embed_and_evaluate(METRICS, embed_models=itself)
    with pytest.raises(ValueError, match='an empty index'):
        points(3).embed_and_evaluate(METRICS, DocumentArray(), embed_models=itself)
    with pytest.raises(ValueError, match='batch_size must be an int'):
        points(3).embed_and_evaluate(METRICS, embed_models=itself, match_batch_size=0)
    with pytest.raises(InvalidType, match='index_data must be a DocumentArray'):
        points(3).embed_and_evaluate(METRICS, [1], embed_models=itself)


def test_a_vector_that_cannot_be_matched_names_its_document() -> None:
    index = points(6, 1)
    index[4].tensor = np.zeros(4)
    da = points(3)
    with pytest.raises(InvalidVector, match=r"position 1 \(id '4'\)"):
        da.embed_and_evaluate(METRICS, index, embed_models=itself, match_batch_size=3)
    assert not any('embedding' in d.non_empty_fields for d in [*da, *index])


def test_single_names_are_old_here_too() -> None:
    found, messages = warned(
        DeprecationWarning,
        lambda: points(5).embed_and_evaluate('hit_at_k', metric_names='x', embed_models=itself),
    )
    assert found == {'x': 1.0}
    assert len(messages) == 2


# ------------------------------------------------------------------ the real one

SCRIPT = """
import json, sys, warnings
warnings.simplefilter('ignore')
from docarray import Document, DocumentArray
found, right, names, k = json.load(sys.stdin)
arrays = [
    DocumentArray(
        [Document(id=str(i), matches=[Document(id=m) for m in ids]) for i, ids in enumerate(side)]
    )
    for side in (found, right)
]
means = arrays[0].evaluate(names, ground_truth=arrays[1], k=k)
values = [[doc.evaluations[name].value for doc in arrays[0]] for name in names]
print(json.dumps([means, values]))
"""


@pytest.mark.skipif(
    'DOCARRAY_PYTHON' not in os.environ,
    reason='DOCARRAY_PYTHON names no interpreter that has docarray 0.21',
)
@pytest.mark.parametrize('k', [None, 1, 3, 20])
def test_against_the_real_docarray(k: int | None) -> None:
    rng = np.random.default_rng(5)
    names = list(evaluation.__all__)
    found, right = (
        [[str(x) for x in rng.permutation(12)[: rng.integers(1, 9)]] for _ in range(30)]
        for _ in range(2)
    )
    output = subprocess.run(
        [os.environ['DOCARRAY_PYTHON'], '-c', SCRIPT],
        input=json.dumps([found, right, names, k]),
        capture_output=True,
        text=True,
        check=True,
    )
    means, values = json.loads(output.stdout)
    ours, theirs = (DocumentArray([doc(str(i), '') for i in range(30)]) for _ in range(2))
    for array, side in ((ours, found), (theirs, right)):
        for entry, keys in zip(array, side, strict=True):
            entry.matches = [Document(id=key) for key in keys]
    assert ours.evaluate(names, theirs, k=k) == pytest.approx(means)
    for name, expected in zip(names, values, strict=True):
        assert [d.evaluations[name].value for d in ours] == pytest.approx(expected)
