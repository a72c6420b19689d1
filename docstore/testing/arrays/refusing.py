"""Bad input: a clear error, and the array as it was.

Section 5 of the inventory of names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore.array import DocumentArray
from docstore.document import Document
from docstore.errors import (
    DimensionMismatch,
    DocstoreError,
    DocumentNotFound,
    DuplicateId,
    EncodeError,
    FilterError,
    FilterTypeError,
    InvalidArgument,
    InvalidConfig,
    InvalidIndex,
    InvalidType,
    InvalidVector,
    LengthMismatch,
    UnknownField,
)

from ..checks import DIM, contents, ids, make_docs, refuses
from .base import ArraySuite, Opener

__all__ = ['RefusingTests']

NAN = np.array([1, np.nan, 1, 1], dtype=np.float32)
INF = np.array([1, 1, -np.inf, 1], dtype=np.float32)
ZERO = np.zeros(DIM, dtype=np.float32)
SHORT = np.ones(DIM - 1, dtype=np.float32)
QUERY = np.ones(DIM, dtype=np.float32)


class RefusingTests(ArraySuite):
    """Errors of the docstore tree that are also the built-in ones."""

    @pytest.mark.parametrize(('query', 'word'), [(NAN, 'nan'), (INF, 'inf')])
    def test_queries_that_are_not_finite(self, da: DocumentArray, query: Any, word: str) -> None:
        with refuses(InvalidVector, ValueError, word, array=da):
            da.find(query)
        with refuses(InvalidVector, ValueError, word, array=da):
            da.find(Document(embedding=query))
        with refuses(InvalidVector, ValueError, word, 'query', 1, array=da):
            da.find(np.vstack([QUERY, query]))

    def test_zero_query_under_cosine(self, da: DocumentArray) -> None:
        with refuses(InvalidVector, ValueError, 'cosine', array=da):
            da.find(ZERO, metric='cosine')
        if 'euclidean' in self.metrics:
            assert len(da.find(ZERO, metric='euclidean')) == 5

    @pytest.mark.parametrize(
        'query', [SHORT, np.ones(DIM + 1), np.ones(0), np.ones((2, DIM + 1)), [1.0]]
    )
    def test_queries_of_another_length(self, da: DocumentArray, query: Any) -> None:
        with refuses(DimensionMismatch, ValueError, DIM, np.shape(query)[-1], array=da):
            da.find(query)

    @pytest.mark.parametrize(
        'query', [np.float32(1), np.ones((2, 2, DIM)), np.array(['a'] * DIM), object(), 3]
    )
    def test_queries_that_are_no_vectors(self, da: DocumentArray, query: Any) -> None:
        with pytest.raises(DocstoreError) as caught:
            da.find(query)
        assert isinstance(caught.value, (ValueError, TypeError))
        assert contents(da) == contents(make_docs(5))

    def test_query_without_an_embedding(self, da: DocumentArray) -> None:
        with refuses(DocstoreError, ValueError, 'embedding', array=da):
            da.find(Document(id='empty one'))

    def test_documents_without_an_embedding(self, da: DocumentArray) -> None:
        if self.approximate:
            pytest.skip('what has no embedding is not in the index')
        da[2].embedding = None
        da[4].embedding = None
        with refuses(DocstoreError, ValueError, 'embedding', 'd2', array=da):
            da.find(QUERY)
        assert ids(da.find(QUERY, filter={'tags__i': {'$lt': 2}}, limit=9))[:1] in (['d0'], ['d1'])

    @pytest.mark.parametrize(('vector', 'word'), [(NAN, 'nan'), (INF, 'inf')])
    def test_vectors_that_are_not_finite(self, da: DocumentArray, vector: Any, word: str) -> None:
        if self.persistent:
            for bad in (
                lambda: da.append(Document(id='bad', embedding=vector)),
                lambda: da.extend([*make_docs(2, start=5), Document(id='bad', embedding=vector)]),
                lambda: setattr(da[2], 'embedding', vector),
                lambda: setattr(da, 'embeddings', [QUERY, vector, QUERY, QUERY, QUERY]),
            ):
                with refuses(InvalidVector, ValueError, word, array=da):
                    bad()
        else:
            da[2].embedding = vector
            with refuses(InvalidVector, ValueError, word, 2, array=da):
                da.find(QUERY)

    def test_vectors_of_another_length(self, da: DocumentArray) -> None:
        if self.persistent:
            for bad in (
                lambda: da.append(Document(id='bad', embedding=SHORT)),
                lambda: da.extend([*make_docs(2, start=5), Document(id='bad', embedding=SHORT)]),
                lambda: setattr(da[2], 'embedding', SHORT),
                lambda: da.__setitem__('d2', Document(id='bad', embedding=SHORT)),
                lambda: da.upsert([Document(id='d2', embedding=SHORT)]),
            ):
                with refuses(DimensionMismatch, ValueError, DIM, DIM - 1, array=da):
                    bad()
        else:
            da[2].embedding = SHORT
            with refuses(DimensionMismatch, ValueError, DIM, DIM - 1, array=da):
                da.find(QUERY)

    def test_zero_vectors_under_cosine(self, opener: Opener) -> None:
        array = opener(make_docs(5))
        array[3].embedding = ZERO
        with refuses(InvalidVector, ValueError, 3, array=array):
            array.find(QUERY, metric='cosine')
        if 'euclidean' in self.metrics:
            assert len(array.find(QUERY, metric='euclidean')) == 5

    @pytest.mark.parametrize(
        'vector', [np.array(['a', 'b', 'c', 'd']), np.array([None] * 4), 'abcd', object()]
    )
    def test_vectors_of_another_type(self, da: DocumentArray, vector: Any) -> None:
        if self.persistent:
            with refuses(DocstoreError, Exception, 'embedding', array=da):
                da[2].embedding = vector
            with refuses(DocstoreError, Exception, 'bad', array=da):
                da.append(Document(id='bad', embedding=vector))
        else:
            da[2].embedding = vector
            with pytest.raises(DocstoreError) as caught:
                da.find(QUERY)
            assert isinstance(caught.value, (ValueError, TypeError))

    @pytest.mark.parametrize('limit', [0, -1, -5.0])
    def test_bad_limits(self, da: DocumentArray, limit: Any) -> None:
        with refuses(InvalidArgument, ValueError, 'limit', int(limit), array=da):
            da.find(QUERY, limit=limit)
        with refuses(InvalidArgument, ValueError, 'limit', int(limit), array=da):
            da.match(da, limit=limit)
        with refuses(InvalidArgument, ValueError, 'limit', array=da):
            da.find({'tags__i': {'$gt': 0}}, limit=limit)

    @pytest.mark.parametrize('limit', ['3', [3]])
    def test_limits_of_another_type(self, da: DocumentArray, limit: Any) -> None:
        with pytest.raises(DocstoreError, match='limit'):
            da.find(QUERY, limit=limit)

    def test_unknown_metric(self, da: DocumentArray) -> None:
        if len(self.metrics) == 1:
            pytest.skip('the configured metric is used whatever is asked for')
        with refuses(DocstoreError, Exception, 'cosin', "did you mean 'cosine'", array=da):
            da.find(QUERY, metric='cosin')
        with refuses(DocstoreError, Exception, "did you mean 'euclidean'", array=da):
            da.match(da, metric='euclidian')
        with refuses(DocstoreError, TypeError, 'metric', array=da):
            da.find(QUERY, metric=3)

    def test_nothing_to_find(self, da: DocumentArray) -> None:
        with refuses(InvalidArgument, ValueError, array=da):
            da.find()
        with refuses(InvalidArgument, ValueError, array=da):
            da.find({'tags__i': {'$gt': 0}}, filter={'tags__i': {'$gt': 0}})

    @pytest.mark.parametrize(
        ('condition', 'words'),
        [
            ({'tags__i': {'$gtt': 1}}, ['$gtt', "did you mean '$gt"]),
            ({'$andd': [{'tags__i': {'$gt': 1}}]}, ['$andd', "did you mean '$and'"]),
            ({'tags__i': 3}, ['tags__i']),
            ({'tags__i': {'gt': 3}}, ['gt', "did you mean '$gt"]),
            ({'tags__i': {'$exists': 1}}, ['$exists', 'True or False']),
            ({'tags__i': {'$regex': '('}}, ['$regex']),
            ({'tags__i': {'$eq': '{tags__i'}}, ['{tags__i']),
        ],
    )
    def test_filters(self, da: DocumentArray, condition: dict[str, Any], words: list[str]) -> None:
        with refuses(FilterError, ValueError, *words, array=da):
            da.find(condition)
        with refuses(FilterError, ValueError, *words, array=da):
            da.find(QUERY, filter=condition)

    def test_filters_that_compare_unlike_types(self, da: DocumentArray) -> None:
        with refuses(FilterTypeError, TypeError, 'tags__kind', array=da):
            da.find({'tags__kind': {'$gt': 3}})

    def test_filters_on_unknown_fields(self, da: DocumentArray) -> None:
        with refuses(UnknownField, AttributeError, 'texr', "did you mean 'text'", array=da):
            da.find({'texr': {'$eq': 'x'}})

    def test_unknown_fields(self, da: DocumentArray) -> None:
        with refuses(UnknownField, AttributeError, 'wieght', "did you mean 'weight'", array=da):
            _ = da[:, 'wieght']
        with refuses(InvalidIndex, IndexError, 'wieght', "did you mean 'weight'", array=da):
            da[0, 'wieght'] = 1.0
        with refuses(InvalidIndex, IndexError, 'wieght', array=da):
            da[:, 'wieght'] = 1.0

    def test_positions_and_ids(self, da: DocumentArray) -> None:
        with refuses(InvalidIndex, IndexError, 17, 5, array=da):
            _ = da[17]
        with refuses(DocumentNotFound, KeyError, 'nobody', array=da):
            _ = da['nobody']
        with refuses(InvalidIndex, IndexError, 'float', array=da):
            del da[1.5]
        with refuses(DocstoreError, ValueError, 'id', array=da):
            da[1, 'id'] = None

    def test_lengths(self, da: DocumentArray) -> None:
        with refuses(LengthMismatch, ValueError, 2, 5, array=da):
            da.texts = ['a', 'b']

    @pytest.mark.parametrize('value', ['text', 3, None, {'id': 'x'}])
    def test_what_is_no_document(self, da: DocumentArray, value: Any) -> None:
        for bad in (
            lambda: da.append(value),
            lambda: da.insert(0, value),
            lambda: da.extend([Document(id='x'), value]),
            lambda: da.upsert([Document(id='d1'), value]),
            lambda: da.__setitem__(1, value),
            lambda: da.__setitem__(slice(0, 2), [Document(id='x'), value]),
        ):
            with refuses(InvalidType, TypeError, 'Document', type(value).__name__, array=da):
                bad()

    def test_one_document_where_many_are_wanted(self, da: DocumentArray) -> None:
        for bad in (
            lambda: da.extend(Document(id='x')),
            lambda: da.__iadd__(Document(id='x')),
            lambda: da.__setitem__(slice(0, 2), 3),
        ):
            with refuses(InvalidType, TypeError, array=da):
                bad()

    def test_a_repeated_id_is_refused(self, da: DocumentArray, opener: Opener) -> None:
        if not self.persistent:
            pytest.skip('allowed in memory')
        one = Document(id='d3')
        for bad in (
            lambda: da.append(one),
            lambda: da.insert(0, one),
            lambda: da.extend([Document(id='x'), one]),
            lambda: da.__iadd__([Document(id='x'), one]),
            lambda: da.__setitem__(0, one),
            lambda: da.__setitem__(slice(0, 2), [Document(id='x'), one]),
            lambda: setattr(da[1], 'id', 'd3'),
            lambda: da.__setitem__(('d1', 'id'), 'd3'),
        ):
            with refuses(DuplicateId, ValueError, 'd3', array=da):
                bad()
        with refuses(DuplicateId, ValueError, 'twin', array=da):
            da.extend([Document(id='twin'), Document(id='twin')])
        with pytest.raises(DuplicateId) as caught:
            da.append(one)
        assert caught.value.id == 'd3'
        assert 'x' not in da
        assert 'twin' not in da

    def test_duplicate_ids_inside_a_transaction(self, tmp_path: Path) -> None:
        if not self.persistent:
            pytest.skip('allowed in memory')
        array = self.open(tmp_path, make_docs(5))
        with array:
            array.append(Document(id='before'))
            with pytest.raises(DuplicateId):
                array.extend([Document(id='lost'), Document(id='d1')])
            array.append(Document(id='behind'))
        array = self.reopen(array, tmp_path)
        assert ids(array)[5:] == ['before', 'behind']
        array.close()

    def test_values_that_cannot_be_stored(self, da: DocumentArray) -> None:
        if not self.persistent:
            pytest.skip('memory keeps any object')
        for value in (object(), {1, 2}, lambda: None, 1 + 2j):
            with refuses(EncodeError, TypeError, 'd1', 'tags', array=da):
                da[1].tags = {'deep': {'list': [value]}}
            with refuses(EncodeError, ValueError, 'bad', 'tags', array=da):
                da.extend([Document(id='good'), Document(id='bad', tags={'x': value})])
        cyclic: dict[str, Any] = {}
        cyclic['self'] = cyclic
        with refuses(EncodeError, ValueError, 'bad', array=da):
            da.append(Document(id='bad', tags=cyclic))

    def test_a_bad_nested_change_is_not_kept(self, da: DocumentArray) -> None:
        if not self.persistent:
            pytest.skip('memory keeps any object')
        tags = da[1].tags
        with refuses(EncodeError, TypeError, 'd1', 'tags', array=da):
            tags['nested']['x'].append(object())
        da[1].tags['fine'] = 1
        assert da[1].tags == {'i': 1, 'kind': 'odd', 'nested': {'x': [1, {'y': 1}]}, 'fine': 1}

    def test_unknown_config_key(self, tmp_path: Path) -> None:
        if not self.persistent:
            pytest.skip('memory has no configuration')
        config = {**(self.config(tmp_path) or {}), 'durabilty': 'full'}
        with refuses(InvalidConfig, KeyError, 'durabilty'):
            DocumentArray(storage=self.storage, config=config)

    def test_config_of_another_type(self) -> None:
        if not self.persistent:
            pytest.skip('memory has no configuration')
        with refuses(DocstoreError, (TypeError, ValueError), 'config'):
            DocumentArray(storage=self.storage, config=17)
