"""PydanticDocument: the model of any Document, for web APIs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.errors import InvalidDocument, InvalidType

pydantic = pytest.importorskip('pydantic')
models = pytest.importorskip('docstore.pydantic_model')

pytestmark = [pytest.mark.spec('19'), pytest.mark.spec('2.7')]


def everything() -> Document:
    doc = Document(
        id='a', text='x', uri='a.png', weight=0.5, offset=1.5, location=[1.0, 2.0], modality='m',
        tags={'i': 1, 'f': 1.0, 'b': True, 's': 'Infinity', 'n': None, 'l': [0, {'x': False}]},
        embedding=np.array([1.0, 2.0]),
        chunks=[Document(id='c', blob=b'\xff\x00')], matches=[Document(id='m', tensor=np.eye(2))],
    )  # fmt: skip
    doc.scores['cosine'].value = 0.25
    doc.evaluations['e'].op_name = 'op'
    doc._metadata['key'] = 'value'
    return doc


def test_there_and_back() -> None:
    doc = everything()
    model = doc.to_pydantic_model()
    assert (model.id, model.embedding, model.chunks[0].blob) == ('a', [1.0, 2.0], '/wA=')
    assert (model.scores['cosine'].value, model._metadata) == (0.25, {'key': 'value'})
    assert model.matches[0].tensor == [[1, 0], [0, 1]]
    assert Document.from_pydantic_model(model) == doc


def test_the_types_of_tags_are_kept() -> None:
    tags = Document.from_pydantic_model(everything().to_pydantic_model()).tags
    assert [type(value) for value in tags.values()] == [int, float, bool, str, type(None), list]
    assert tags['l'] == [0, {'x': False}]


def test_through_json() -> None:
    doc = everything()
    text = doc.to_pydantic_model().model_dump_json(by_alias=True, exclude_none=True)
    assert json.loads(text)['_metadata'] == {'key': 'value'}
    assert Document.from_pydantic_model(models.PydanticDocument.model_validate_json(text)) == doc
    # It is what to_dict gives, so either reads the other's.
    assert Document.from_dict(json.loads(text)) == doc
    values = models.PydanticDocument.model_validate(doc.to_dict())
    assert Document.from_pydantic_model(values) == doc


def test_unset_fields_are_none() -> None:
    model = Document(id='a').to_pydantic_model()
    assert model.model_dump(exclude_none=True) == {'id': 'a'}
    assert Document.from_pydantic_model(model).non_empty_fields == ('id',)


@pytest.mark.spec('14')
def test_arrays() -> None:
    da = DocumentArray([everything(), Document(id='z')])
    assert DocumentArray.from_pydantic_model(da.to_pydantic_model()) == da


def test_schemas() -> None:
    schema = json.loads(Document.get_json_schema())
    fields = schema.get('properties') or schema['$defs']['PydanticDocument']['properties']
    assert {'id', 'text', 'tags', 'chunks', '_metadata'} <= fields.keys()
    many = json.loads(DocumentArray.get_json_schema(indent=None))
    assert many['type'] == 'array'
    assert '\n' not in Document.get_json_schema(indent=None)
    assert Document.get_json_schema(indent=2).startswith('{\n  "')


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'id': 'q', 'blob': '!'}, "'q'.*blob: expected base64"),
        ({'id': 'q', 'tensor': [[1], [1, 2]]}, "'q'.*tensor"),
        ({'id': 'q', 'embedding': ['x']}, "'q'.*embedding"),
        ({'id': 'q', 'chunks': [{'embedding': {'a': 1}}]}, r"'q'.*chunks\[0\]\.embedding"),
    ],
)
def test_bad_values(values: dict[str, Any], message: str) -> None:
    model = models.PydanticDocument.model_validate(values)
    with pytest.raises(InvalidDocument, match=message):
        Document.from_pydantic_model(model)
    with pytest.raises(InvalidDocument, match=r'\[1\]: the document'):
        DocumentArray.from_pydantic_model([Document().to_pydantic_model(), model])


def test_what_pydantic_refuses() -> None:
    for values in ({'weight': 'x'}, {'tags': 3}, {'chunks': [3]}, {'location': ['x']}):
        with pytest.raises(pydantic.ValidationError):
            models.PydanticDocument.model_validate(values)


@pytest.mark.parametrize('value', [None, {'id': 'a'}, Document()])
def test_what_is_no_model(value: Any) -> None:
    with pytest.raises(InvalidType, match='PydanticDocument'):
        Document.from_pydantic_model(value)


def test_in_a_web_api() -> None:
    fastapi = pytest.importorskip('fastapi')
    testclient = pytest.importorskip('fastapi.testclient')
    app = fastapi.FastAPI()

    @app.post('/one', response_model=models.PydanticDocument)
    def one(doc: models.PydanticDocument) -> Any:
        read = Document.from_pydantic_model(doc)
        read.text = read.text.upper()
        return read.to_pydantic_model()

    @app.post('/many', response_model=models.PydanticDocumentArray)
    def many(docs: models.PydanticDocumentArray) -> Any:
        return DocumentArray.from_pydantic_model(docs).to_pydantic_model()

    client = testclient.TestClient(app)
    doc = everything()
    sent = json.loads(doc.to_json())
    got = client.post('/one', json=sent)
    assert got.status_code == 200
    assert Document.from_dict(got.json()).text == 'X'
    got = client.post('/many', json=[sent, {'text': 'y'}])
    assert Document.from_dict(got.json()[0]) == doc
    assert client.post('/one', json={'weight': 'x'}).status_code == 422
