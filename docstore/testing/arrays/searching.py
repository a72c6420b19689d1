"""find and match.

Section 9 of the inventory of names.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from docstore.array import DocumentArray
from docstore.document import Document
from docstore.errors import InvalidVector

from ..checks import DIM, contents, ids, make_docs, nearest, vectors
from .base import ArraySuite, Opener

__all__ = ['SearchingTests']

N = 60

#: Filters, with the numbers of the Documents that match.
FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({'tags__i': {'$eq': 7}}, [7]),
    ({'tags__i': {'$lt': 3}}, [0, 1, 2]),
    ({'tags__i': {'$gte': 58}}, [58, 59]),
    ({'tags__i': {'$gt': 3, '$lte': 5}}, [4, 5]),
    ({'tags__kind': {'$ne': 'even'}}, list(range(1, N, 2))),
    ({'tags__kind': {'$neq': 'even'}}, list(range(1, N, 2))),
    ({'tags__i': {'$in': [3, 99, 1]}}, [1, 3]),
    ({'tags__i': {'$nin': list(range(2, N))}}, [0, 1]),
    ({'text': {'$regex': r'^text 1\d$'}}, list(range(10, 20))),
    ({'text': {'$eq': 'text 4'}}, [4]),
    ({'id': {'$in': ['d8', 'd2']}}, [2, 8]),
    ({'weight': {'$lt': 1.0}}, [0, 1]),
    ({'tags__nested__x__1__y': {'$lt': 2}}, [0, 1]),
    ({'tags__rare': {'$exists': True}}, [5, 6]),
    ({'tags__rare': {'$gt': 0}}, [5, 6]),
    ({'blob': {'$exists': True}}, []),
    ({'$and': [{'tags__i': {'$lt': 6}}, {'tags__kind': {'$eq': 'odd'}}]}, [1, 3, 5]),
    ({'$or': [{'tags__i': {'$lt': 2}}, {'tags__i': {'$gt': 57}}]}, [0, 1, 58, 59]),
    ({'$not': {'tags__i': {'$gte': 2}}}, [0, 1]),
    ({'tags__i': {'$lt': 4}, 'tags__kind': {'$eq': 'even'}}, [0, 2]),
    ({}, list(range(N))),
]


def numbers(docs: DocumentArray) -> list[int]:
    """Which of the Documents of :func:`make_docs` these are."""
    return [int(doc.id[1:]) for doc in docs]


class SearchingTests(ArraySuite):
    """Vector search is exact, and filters say the same as Python does."""

    @pytest.fixture
    def many(self, opener: Opener) -> DocumentArray:
        """Sixty Documents, two of which have a rare tag."""
        docs = make_docs(N)
        for i in (5, 6):
            docs[i].tags['rare'] = i
        return opener(docs)

    @property
    def metric(self) -> str:
        return self.metrics[0]

    def check(
        self, found: DocumentArray, query: Any, metric: str, k: int, mask: Any = None
    ) -> None:
        """``found`` is what numpy says, in order and with its distances."""
        positions, distances = nearest(query, vectors(N), metric, k, mask)
        assert isinstance(found, DocumentArray)
        assert numbers(found) == positions[0].tolist()
        got = [doc.scores[metric].value for doc in found]
        np.testing.assert_allclose(got, distances[0], rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize('metric', ['cosine', 'euclidean', 'sqeuclidean', 'ip'])
    def test_vector(self, many: DocumentArray, metric: str) -> None:
        if metric not in self.metrics:
            pytest.skip(f'{self.storage} has no {metric}')
        for query in vectors(5, seed=1):
            self.check(many.find(query, metric=metric, limit=9), query, metric, 9)

    def test_default_limit_is_20(self, many: DocumentArray) -> None:
        query = vectors(1, seed=1)[0]
        self.check(many.find(query), query, self.metric, 20)

    def test_limits(self, many: DocumentArray) -> None:
        query = vectors(1, seed=1)[0]
        self.check(many.find(query, limit=None), query, self.metric, N)
        self.check(many.find(query, limit=1000), query, self.metric, N)
        self.check(many.find(query, limit=3.0), query, self.metric, 3)

    @pytest.mark.parametrize('dtype', ['f2', 'f4', 'f8'])
    def test_query_dtypes(self, many: DocumentArray, dtype: str) -> None:
        query = vectors(1, seed=1)[0].astype(dtype)
        self.check(many.find(query, limit=5), query, self.metric, 5)

    def test_query_as_a_list(self, many: DocumentArray) -> None:
        query = vectors(1, seed=1)[0]
        self.check(many.find(query.tolist(), limit=5), query, self.metric, 5)

    def test_matrix(self, many: DocumentArray) -> None:
        for rows in (1, 4):
            queries = vectors(rows, seed=2)
            results = many.find(queries, limit=5)
            assert isinstance(results, list)
            assert len(results) == rows
            for found, query in zip(results, queries, strict=True):
                self.check(found, query, self.metric, 5)

    def test_document(self, many: DocumentArray) -> None:
        query = vectors(1, seed=3)[0]
        results = many.find(Document(embedding=query), limit=4)
        assert isinstance(results, list)
        assert len(results) == 1
        self.check(results[0], query, self.metric, 4)

    def test_documents(self, many: DocumentArray) -> None:
        queries = vectors(3, seed=3)
        results = many.find(DocumentArray([Document(embedding=q) for q in queries]), limit=4)
        assert len(results) == 3
        for found, query in zip(results, queries, strict=True):
            self.check(found, query, self.metric, 4)

    def test_itself(self, many: DocumentArray) -> None:
        results = many.find(many, limit=1)
        assert [numbers(found) for found in results] == [[i] for i in range(N)]
        results = many.find(many[:3], limit=2, exclude_self=True)
        assert all(len(found) == 2 for found in results)
        assert all(i not in numbers(found) for i, found in enumerate(results))

    def test_ties_go_to_the_earlier(self, opener: Opener) -> None:
        same = np.array([1, 2, 3, 4], dtype=np.float32)
        array = opener([Document(id=f'd{i}', embedding=same) for i in range(9)])
        assert numbers(array.find(same, limit=4)) == [0, 1, 2, 3]
        array.reverse()
        if not self.approximate:
            assert numbers(array.find(same, limit=4)) == [8, 7, 6, 5]

    def test_search_follows_changes(self, many: DocumentArray) -> None:
        expected, rng = vectors(N), random.Random(1)
        alive = list(range(N))
        for step in range(25):
            at = rng.randrange(len(alive))
            if step % 3 == 0:
                del many[at]
                del alive[at]
            elif step % 3 == 1:
                new = vectors(1, seed=100 + step)[0]
                many[at].embedding = new
                expected[alive[at]] = new
            else:
                new = vectors(1, seed=100 + step)[0]
                many.insert(at, Document(id=f'd{len(expected)}', embedding=new))
                alive.insert(at, len(expected))
                expected = np.vstack([expected, new])
            query = vectors(1, seed=step)[0]
            positions, _ = nearest(query, expected[alive], self.metric, 5)
            assert numbers(many.find(query, limit=5)) == [alive[i] for i in positions[0]], (
                f'step {step}'
            )

    def test_nothing_to_search(self, empty: DocumentArray) -> None:
        assert len(empty.find(vectors(1)[0])) == 0
        assert [len(found) for found in empty.find(vectors(2))] == [0, 0]

    def test_hits_are_whole_copies(self, many: DocumentArray) -> None:
        many[3].matches = [Document(id='old match')]
        many[3].chunks = [Document(id='chunk', text='c')]
        before = contents(many)
        hit = many.find(vectors(N)[3], limit=1)[0]
        assert (hit.id, hit.text, hit.chunks[0].text) == ('d3', 'text 3', 'c')
        assert hit.tags == {'i': 3, 'kind': 'odd', 'nested': {'x': [3, {'y': 3}]}}
        assert len(hit.matches) == 0
        hit.text = 'changed'
        hit.tags['nested']['x'].append('changed')
        hit.chunks[0].text = 'changed'
        hit.scores[self.metric].value = 7
        assert contents(many) == before
        assert (hit.text, hit.chunks[0].text, hit.scores[self.metric].value) == (
            'changed',
            'changed',
            7,
        )

    def test_hits_outlive_their_source(self, many: DocumentArray) -> None:
        found = many.find(vectors(N)[3], limit=4)
        wanted = numbers(found)
        texts = [f'text {i}' for i in wanted]
        del many[[f'd{i}' for i in wanted[:2]]]
        assert (found.texts, numbers(found[:1])) == (texts, wanted[:1])
        many.clear()
        assert found.texts == texts
        assert found[:, 'tags__i'] == wanted
        np.testing.assert_array_equal(found.embeddings, vectors(N)[wanted])
        assert [doc.text for doc in found] == texts

    def test_hits_are_as_they_were_found(self, many: DocumentArray) -> None:
        queries = vectors(3, seed=9)
        expected = [contents(found) for found in many.find(queries, limit=4)]
        results = many.find(queries, limit=4)
        part = many[:].find(queries, limit=4)
        many[:, 'weight'] = 99.0
        many.embeddings = vectors(N, seed=77)
        for doc in many:
            doc.tags['changed'] = True
            doc.text = 'changed'
        many['d1'] = Document(id='d1')
        many.upsert([Document(id='d2'), Document(id='new')])
        del many[3:30]
        assert [found.texts for found in results] == [[d['text'] for d in e] for e in expected]
        assert [contents(found) for found in results] == expected
        assert [contents(found) for found in part] == expected

    def test_what_is_read_of_hits_in_bulk_is_theirs(self, many: DocumentArray) -> None:
        before = contents(many)
        found = many.find(vectors(N)[3], limit=4)
        found[:, 'tags__nested'][0]['x'].append('changed')
        found[:, 'tags'][0]['changed'] = 1
        assert found[0].tags['changed'] == 1
        assert contents(many) == before

    def test_a_document_is_matched(self, many: DocumentArray) -> None:
        asker = Document(embedding=vectors(N)[3])
        assert asker.match(many, limit=2) is asker
        assert (len(asker.matches), asker.matches[0].id) == (2, 'd3')
        assert asker.matches[0].adjacency == 1
        asker.match(many, limit=1, exclude_self=True, filter={'tags__i': {'$gt': 5}})
        assert [doc.tags['i'] > 5 for doc in asker.matches] == [True]
        asker.match(DocumentArray())
        assert len(asker.matches) == 1
        # One of the array itself: a view of it, whose matches are kept where it is.
        many['d4'].match(many, limit=3, exclude_self=True)
        kept = many['d4'].matches[:, 'id']
        assert len(kept) == 3
        assert 'd4' not in kept
        with pytest.raises(InvalidVector):
            Document().match(many)

    def test_results_are_arrays(self, many: DocumentArray) -> None:
        found = many.find(vectors(N)[3], limit=4)
        wanted = numbers(found)
        np.testing.assert_array_equal(found.embeddings, vectors(N)[wanted])
        assert found[:, 'tags__i'] == wanted
        assert found[:, f'scores__{self.metric}__value'] == sorted(
            found[:, f'scores__{self.metric}__value']
        )
        assert found[f'd{wanted[2]}'].text == f'text {wanted[2]}'
        found.append(Document(id='extra'))
        del found[0]
        found.reverse()
        assert ids(found) == ['extra', *(f'd{i}' for i in reversed(wanted[1:]))]
        assert len(many) == N

    def test_only_id(self, many: DocumentArray) -> None:
        hit = many.find(vectors(N)[3], limit=1, only_id=True)[0]
        assert hit.non_empty_fields == ('id', 'scores')
        assert hit.id == 'd3'

    def test_metric_name(self, many: DocumentArray) -> None:
        hit = many.find(vectors(N)[3], limit=1, metric_name='mine')[0]
        assert set(hit.scores) == {'mine'}

    def test_callable_metric(self, many: DocumentArray) -> None:
        if len(self.metrics) == 1:
            pytest.skip('one metric only')

        def manhattan(x: Any, y: Any) -> Any:
            return np.abs(np.asarray(x)[:, None] - np.asarray(y)[None]).sum(axis=2)

        query = vectors(1, seed=1)[0]
        expected = manhattan(query[None], vectors(N))[0]
        found = many.find(query, metric=manhattan, limit=6)
        assert numbers(found) == np.argsort(expected, kind='stable')[:6].tolist()
        np.testing.assert_allclose(
            [doc.scores['manhattan'].value for doc in found], np.sort(expected)[:6], rtol=1e-5
        )

    @pytest.mark.parametrize(('condition', 'expected'), FILTERS)
    def test_filter(
        self, many: DocumentArray, condition: dict[str, Any], expected: list[int]
    ) -> None:
        assert numbers(many.find(condition)) == expected
        assert numbers(many.find(filter=condition)) == expected
        assert numbers(many.find(condition, limit=2)) == expected[:2]

    @pytest.mark.parametrize(('condition', 'expected'), FILTERS)
    def test_filter_and_vector(
        self, many: DocumentArray, condition: dict[str, Any], expected: list[int]
    ) -> None:
        mask = np.isin(np.arange(N), expected)
        query = vectors(1, seed=4)[0]
        found = many.find(query, filter=condition, limit=5)
        assert len(found) == min(5, len(expected))
        self.check(found, query, self.metric, 5, mask)

    def test_filter_sees_changes(self, many: DocumentArray) -> None:
        many[0].tags['kind'] = 'new'
        many[9].tags.update(kind='new', more=1)
        many[2].text = 'new text'
        assert numbers(many.find({'tags__kind': {'$eq': 'new'}})) == [0, 9]
        assert numbers(many.find({'text': {'$regex': 'new'}})) == [2]
        many.reverse()
        del many['d9']
        assert numbers(many.find({'tags__kind': {'$eq': 'new'}})) == [0]

    def test_filter_keeps_types_apart(self, opener: Opener) -> None:
        array = opener(
            [Document(id=f'd{i}', tags={'v': v}) for i, v in enumerate(['1', 'true', '', 'x'])]
        )
        assert numbers(array.find({'tags__v': {'$eq': 1}})) == []
        assert numbers(array.find({'tags__v': {'$eq': '1'}})) == [0]
        assert numbers(array.find({'tags__v': {'$in': ['', True, 'x']}})) == [2, 3]

    def test_match(self, many: DocumentArray) -> None:
        queries = vectors(4, seed=5)
        left = DocumentArray([Document(id=f'q{i}', embedding=q) for i, q in enumerate(queries)])
        left[0].matches = [Document(id='old')]
        assert left.match(many, metric=self.metric, limit=7) is None
        for doc, query in zip(left, queries, strict=True):
            self.check(doc.matches[:], query, self.metric, 7)
            assert doc.matches[0].adjacency == 1

    def test_match_with_itself(self, many: DocumentArray) -> None:
        many.match(many, limit=3, exclude_self=True)
        for i, doc in enumerate(many):
            assert len(doc.matches) == 3
            assert i not in numbers(doc.matches)

    def test_matches_are_kept(self, many: DocumentArray) -> None:
        queries = DocumentArray(
            [Document(id=f'd{N + i}', embedding=q) for i, q in enumerate(vectors(2, seed=6))]
        )
        many[:2].match(queries, limit=2)
        assert sorted(numbers(many[1].matches)) == [N, N + 1]
        assert (
            many[1].matches[0].scores[self.metric].value
            <= many[1].matches[1].scores[self.metric].value
        )
        assert len(many[2].matches) == 0

    def test_match_normalization(self, many: DocumentArray) -> None:
        left = DocumentArray([Document(embedding=vectors(1, seed=5)[0])])
        left.match(many, limit=None, normalization=(1, 0))
        values = [m.scores[self.metric].value for m in left[0].matches]
        assert values == sorted(values, reverse=True)
        assert values[0] == pytest.approx(1)
        assert values[-1] == pytest.approx(0, abs=1e-6)

    def test_match_filter_and_only_id(self, many: DocumentArray) -> None:
        left = DocumentArray([Document(embedding=q) for q in vectors(2, seed=5)])
        left.match(many, filter={'tags__i': {'$lt': 4}}, limit=3, only_id=True)
        for doc, query in zip(left, vectors(2, seed=5), strict=True):
            self.check(doc.matches[:], query, self.metric, 3, np.arange(N) < 4)
            assert doc.matches[0].text == ''

    def test_match_of_nothing(self, many: DocumentArray, opener: Opener) -> None:
        DocumentArray().match(many)
        left = DocumentArray([Document(embedding=np.ones(DIM, dtype=np.float32))])
        left.match(opener())
        assert len(left[0].matches) == 0
