"""StrawberryDocument: a Document in a GraphQL API."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.errors import InvalidDocument, InvalidType

strawberry = pytest.importorskip('strawberry')

from docstore.strawberry_type import (  # noqa: E402
    StrawberryDocument,
    StrawberryDocumentInput,
    StrawberryNamedScore,
    StrawberryScore,
)

pytestmark = [pytest.mark.spec('19'), pytest.mark.spec('2.7')]


def everything() -> Document:
    doc = Document(
        id='a', text='x', uri='a.png', weight=0.5, tags={'i': 1, 'l': [1, {'x': None}]},
        embedding=np.array([1.0, 2.0]), location=[1.0],
        chunks=[Document(id='c', blob=b'\xff\x00')], matches=[Document(id='m', tensor=np.eye(2))],
    )  # fmt: skip
    doc.scores['cosine'].value = 0.25
    return doc


def test_there_and_back() -> None:
    made = everything().to_strawberry_type()
    assert isinstance(made, StrawberryDocument)
    assert (made.id, made.embedding, made.chunks[0].blob) == ('a', [1.0, 2.0], b'\xff\x00')
    assert made.scores == [StrawberryNamedScore(name='cosine', score=StrawberryScore(value=0.25))]
    assert Document.from_strawberry_type(made) == everything()


@pytest.mark.spec('14')
def test_arrays() -> None:
    da = DocumentArray([everything(), Document(id='z')])
    assert DocumentArray.from_strawberry_type(da.to_strawberry_type()) == da


def test_in_a_graphql_api() -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        def echo(self, doc: StrawberryDocumentInput) -> StrawberryDocument:
            read = Document.from_strawberry_type(doc)
            read.text = read.text.upper()
            return read.to_strawberry_type()

    schema = strawberry.Schema(query=Query)
    question = """
        query Echo($doc: StrawberryDocumentInput!) {
            echo(doc: $doc) {
                id text tags embedding scores { name score { value } } chunks { id blob parentId }
            }
        }
    """
    given = {
        'id': 'a', 'text': 'x', 'tags': {'n': 1}, 'embedding': [1.5],
        'scores': [{'name': 's', 'score': {'value': 0.5}}], 'chunks': [{'id': 'c', 'blob': '/wA='}],
    }  # fmt: skip
    got = schema.execute_sync(question, variable_values={'doc': given})
    assert got.errors is None
    assert got.data == {
        'echo': {
            **given,
            'text': 'X',
            'chunks': [{'id': 'c', 'blob': '/wA=', 'parentId': None}],
        }
    }


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'tensor': 'x'}, "'q'.*tensor"),
        ({'tags': [1]}, "'q'.*tags"),
        ({'chunks': [StrawberryDocumentInput(embedding='x')]}, r"'q'.*chunks\[0\]\.embedding"),
    ],
)
def test_bad_values(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidDocument, match=message):
        Document.from_strawberry_type(StrawberryDocumentInput(id='q', **fields))


@pytest.mark.parametrize('value', [None, {'id': 'a'}, Document()])
def test_what_is_none(value: Any) -> None:
    with pytest.raises(InvalidType, match='StrawberryDocument'):
        Document.from_strawberry_type(value)
