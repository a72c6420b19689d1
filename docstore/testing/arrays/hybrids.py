"""Search by words and vectors together, and what a search tells of its path."""

from __future__ import annotations

from typing import Any

import pytest

from docstore.array import DocumentArray
from docstore.document import Document

from ..checks import ids, vectors
from .base import ArraySuite, Opener
from .bm25 import make_texts

__all__ = ['HybridTests']


class HybridTests(ArraySuite):
    """Hybrid search fuses two rankings."""

    @pytest.fixture
    def texts(self, opener: Opener) -> DocumentArray:
        """Sixty Documents with random texts."""
        return opener(make_texts(60))

    def fuse(self, da: DocumentArray, query: Any, text: str, k: float = 60) -> list[str]:
        """The ids that reciprocal rank fusion of the whole rankings gives, best first."""
        scores: dict[str, float] = {}
        for ranking in (da.find(query, limit=None), da.find(text, limit=None)):
            for rank, name in enumerate(ids(ranking), 1):
                scores[name] = scores.get(name, 0.0) + 1 / (k + rank)
        place = {name: i for i, name in enumerate(ids(da))}
        return sorted(scores, key=lambda name: (-round(scores[name], 12), place[name]))

    def test_hybrid(self, texts: DocumentArray) -> None:
        query = vectors(1, seed=5)[0]
        found = texts.find(query, text='warm shoe', limit=10)
        assert ids(found) == self.fuse(texts, query, 'warm shoe')[:10]
        assert (
            ids(texts.find(query, text='warm shoe', limit=7, rrf_k=1))
            == self.fuse(texts, query, 'warm shoe', 1)[:7]
        )
        by_vector = {doc.id: doc.scores for doc in texts.find(query, limit=None)}
        by_text = {doc.id: doc.scores for doc in texts.find('warm shoe', limit=None)}
        metric = self.metrics[0]
        fused = [doc.scores['rrf'].value for doc in found]
        assert fused == sorted(fused, reverse=True)
        for doc in found:
            assert doc.scores[metric].value == pytest.approx(by_vector[doc.id][metric].value)
            assert ('bm25' in doc.scores) == (doc.id in by_text)
            if 'bm25' in doc.scores:
                assert doc.scores['bm25'].value == pytest.approx(by_text[doc.id]['bm25'].value)

    def test_hybrid_filter_and_self(self, texts: DocumentArray) -> None:
        docs = [
            Document(id='t3', text='warm shoe', embedding=vectors(4)[3]),
            Document(id='t4', text='', embedding=vectors(5)[4]),
        ]
        only = {'tags__i': {'$lt': 12}}
        found = texts.find(DocumentArray(docs), hybrid=True, filter=only, exclude_self=True)
        assert [len(hits) for hits in found] == [11, 11]
        assert 't3' not in ids(found[0])
        assert 't4' not in ids(found[1])
        assert ids(found[1]) == ids(texts.find(docs[1], filter=only, exclude_self=True)[0])
        given = texts.find(docs[0], text='warm shoe', filter=only, exclude_self=True)
        assert ids(given[0]) == ids(found[0])
        queries = DocumentArray(docs)
        queries.match(texts, hybrid=True, filter=only, exclude_self=True)
        assert [ids(doc.matches) for doc in queries] == [ids(hits) for hits in found]

    def test_hybrid_queries(self, texts: DocumentArray) -> None:
        queries = vectors(3, seed=6)
        each = texts.find(queries, text=['red', 'blue', 'nothing'], limit=6)
        for query, words, found in zip(queries, ('red', 'blue', 'nothing'), each, strict=True):
            assert ids(found) == ids(texts.find(query, text=words, limit=6))
        same = texts.find(queries, text='red', limit=6)
        assert ids(same[1]) == ids(texts.find(queries[1], text='red', limit=6))
        assert ids(texts.find(text='red')) == ids(texts.find('red'))

    def test_explain(self, texts: DocumentArray) -> None:
        query = vectors(1, seed=5)[0]
        assert texts.find('red').explanation is None
        only = {'tags__i': {'$lt': 12}}
        told = texts.find('red', filter=only, explain=True).explanation
        assert told is not None
        assert (told.path, told.score, told.documents, told.candidates) == ('text', 'bm25', 60, 12)
        assert told.index is not None
        assert told.index.startswith('fts5')
        assert (told.field, told.tokenizer) == ('text', 'unicode61 remove_diacritics 2')
        told = texts.find(query, text='red', explain=True).explanation
        assert told is not None
        assert [part.path for part in told.parts][1] == 'text'
        assert told.path == 'hybrid'
        exact = texts.find(query, metric='sqeuclidean', filter=only, explain=True)
        assert exact.explanation is not None
        assert exact.explanation.to_dict() == {
            'path': 'exact',
            'score': 'sqeuclidean',
            'documents': 60,
            'candidates': 12,
            'queries': 1,
            'filter': exact.explanation.filter,
        }
        assert exact.explanation.filter in ('columns', 'database')
        assert ids(exact) == ids(texts.find(query, metric='sqeuclidean', filter=only))
        alone = texts.find(only, explain=True)
        assert len(alone) == 12
        assert alone.explanation is not None
        assert alone.explanation.path == 'filter'
        assert '12 of 60 documents' in repr(alone.explanation)
        queries = DocumentArray([Document(embedding=query)])
        matched = queries.match(texts, metric='sqeuclidean', explain=True)
        assert matched is not None
        assert matched.path == 'exact'
        assert queries.match(texts) is None
