"""Feature hashing gives the numbers of docarray 0.21."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore import Document

pytestmark = pytest.mark.spec('2.8')

#: Fields, arguments, and what docarray 0.21 put where. (`test_legacy` asks it again.)
FROZEN: list[tuple[dict[str, Any], dict[str, Any], dict[int, float]]] = [
    ({'text': 'hello world'}, {'n_dim': 16}, {1: 764291, 2: 2, 7: 2}),
    ({'text': 'Hello world! hello'}, {'n_dim': 16}, {1: 517656, 2: 4, 7: 2}),
    ({'text': 'hello'}, {}, {146: 2, 209: 222994}),
    ({'text': 'hello'}, {'fields': ('text',)}, {146: 1, 209: 222994}),
    ({'text': ' a'}, {'fields': ('text',)}, {97: 1, 209: 726497}),
    ({'text': 'a'}, {'n_dim': 1}, {0: 726499}),
    ({'text': ''}, {}, {}),
    ({'tags': {'a': 1}}, {}, {97: 2, 185: 11856}),
    ({'tags': {'a': 1}}, {'max_value': 10}, {97: 2, 185: 6}),
    ({'tags': {'b': 2.5}}, {}, {143: 4, 185: 695738}),
    ({'tags': {'c': 'word'}}, {}, {51: 1563860, 185: 980991}),
    ({'tags': {'d': True}}, {}, {173: 2, 185: 565185}),
    ({'tags': {'e': [1, 2]}}, {}, {50: 1905260, 185: 38216}),
    ({'tags': {'f': {'x': 1}}}, {}, {185: 468763, 231: 368082}),
    ({'tags': {'g': None}}, {}, {185: 958042}),
    ({'tags': {'h': -3}}, {}, {145: 1999994, 185: 242371}),
    ({'tags': {'b': 1, 'a': 2}}, {'fields': ('tags',)}, {97: 2, 143: 1, 185: 851576}),
    ({'tags': {'k': 1e300}}, {}, {185: 277538, 243: 1080320}),
    (
        {'text': 'hello', 'weight': 4.0},
        {'fields': ('weight', 'text')},
        {143: 4, 146: 2, 209: 222994},
    ),
    ({'id': 'x'}, {'fields': ('id',)}, {143: 25638}),
    ({'location': [1, 2]}, {'fields': ('location',)}, {213: 952630}),
]


@pytest.mark.parametrize(('fields', 'arguments', 'expected'), FROZEN)
def test_the_numbers_of_docarray(
    fields: dict[str, Any], arguments: dict[str, Any], expected: dict[int, float]
) -> None:
    doc = Document(**fields)
    assert doc.embed_feature_hashing(**arguments) is doc
    assert doc.embedding.shape == (arguments.get('n_dim', 256),)
    assert doc.embedding.dtype == np.float64
    assert {int(i): float(doc.embedding[i]) for i in doc.embedding.nonzero()[0]} == expected


def test_sparse() -> None:
    sparse = pytest.importorskip('scipy.sparse')
    made = Document(text='hello world').embed_feature_hashing(n_dim=16, sparse=True).embedding
    assert isinstance(made, sparse.csr_matrix)
    dense = Document(text='hello world').embed_feature_hashing(n_dim=16).embedding
    assert made.toarray().tolist() == [dense.tolist()]


def test_paths_are_fields() -> None:
    made = Document(tags={'c': 'x'}).embed_feature_hashing(fields=('tags__c',)).embedding
    assert made.sum() == 25638


def test_numbers_of_numpy_count_as_numbers() -> None:
    plain = Document(tags={'a': 3, 'b': [1.5]}).embed_feature_hashing().embedding
    numpy = Document(tags={'a': np.int64(3), 'b': [np.float64(1.5)]})
    assert (numpy.embed_feature_hashing().embedding == plain).all()


@pytest.mark.parametrize(
    ('fields', 'arguments', 'builtin'),
    [
        ({'text': 'a'}, {'n_dim': 0}, ValueError),
        ({'text': 'a'}, {'n_dim': -1}, ValueError),
        ({'text': 'a'}, {'n_dim': 2.5}, ValueError),
        ({'text': 'a'}, {'max_value': 0}, ValueError),
        ({'tags': {'k': float('nan')}}, {}, ValueError),
        ({'tags': {'k': float('inf')}}, {}, ValueError),
        ({'tags': {'k': b'x'}}, {}, TypeError),
        ({'tags': {'k': 1 + 2j}}, {}, TypeError),
        ({'blob': b'x'}, {'fields': ('blob',)}, TypeError),
        ({'tensor': np.ones(3)}, {'fields': ('tensor',)}, TypeError),
    ],
)
def test_what_cannot_be_hashed(
    fields: dict[str, Any], arguments: dict[str, Any], builtin: type[Exception], refused: Any
) -> None:
    refused(Document(**fields), builtin, 'embed_feature_hashing', **arguments)


@given(st.text(), st.integers(1, 64))
def test_any_text_can_be_hashed(text: str, n_dim: int) -> None:
    made = [Document(text=text).embed_feature_hashing(n_dim).embedding for _ in range(2)]
    assert np.array_equal(*made)
    assert np.isfinite(made[0]).all()
