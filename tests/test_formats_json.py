"""Dicts, JSON and protobuf objects, of Documents and of arrays."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.errors import (
    CorruptData,
    EncodeError,
    InvalidArgument,
    InvalidDocument,
    InvalidType,
    UnknownName,
    UnsupportedOperation,
)

pytestmark = pytest.mark.spec('2.7')


def document(**kwargs: Any) -> Document:
    fields = {
        'id': 'a', 'text': 'häuser', 'tags': {'n': 1, 'x': 1.0, 'b': True, 'inf': 'Infinity'},
        'embedding': np.array([1.5, 2], 'f4'), 'weight': 0.5,
    }  # fmt: skip
    doc = Document(**{**fields, **kwargs})
    doc.chunks = [Document(id='c', blob=b'hi')]
    doc.scores['cosine'].value = 0.25
    return doc


def test_dicts_choose_their_fields() -> None:
    whole = document().to_dict()
    assert whole['uri'] is None
    assert whole['chunks'][0]['blob'] == 'aGk='
    for option in ('exclude_none', 'exclude_unset', 'exclude_defaults'):
        assert None not in document().to_dict(**{option: True}).values()
    chosen = document().to_dict(exclude_none=True, exclude={'id', 'embedding'})
    assert list(chosen) == ['text', 'weight', 'tags', 'scores', 'chunks']
    assert chosen['chunks'][0]['id'] == 'c'  # what is nested keeps its fields
    assert list(document().to_dict(include={'id': True, 'uri': ...})) == ['id', 'uri']
    assert list(document().to_dict(include=['id', 'text'], exclude=['id'])) == ['text']
    assert document().to_dict(by_alias=True) == whole


def test_a_field_that_has_no_form_may_be_left_out() -> None:
    doc = Document(id='a', tags={'x': object()})
    with pytest.raises(EncodeError, match=r'tags\.x'):
        doc.to_dict()
    assert doc.to_dict(exclude={'tags'}, exclude_none=True) == {'id': 'a'}


@pytest.mark.parametrize('protocol', ['jsonschema', 'protobuf'])
def test_dicts_and_json_come_back(protocol: str) -> None:
    pytest.importorskip('google.protobuf')
    doc = document()
    array = DocumentArray([doc, Document(id='b')])
    for back in (
        Document.from_dict(doc.to_dict(protocol), protocol),
        Document.from_json(doc.to_json(protocol), protocol),
        DocumentArray.from_list(array.to_list(protocol), protocol)[0],
        DocumentArray.from_dict(array.to_dict(protocol), protocol)[0],
        DocumentArray.from_json(array.to_json(protocol), protocol)[0],
        DocumentArray.from_json(array.to_json(protocol).encode(), protocol)[0],
    ):
        assert back.to_dict() == doc.to_dict()
        numbers = [type(back.tags[key]) for key in ('n', 'x', 'b', 'inf')]
        assert numbers == [int if protocol == 'jsonschema' else float, float, bool, str]
    if protocol == 'protobuf':
        assert Document.from_json(doc.to_json(protocol), protocol).embedding.dtype == np.float32


def test_json_is_written_as_asked() -> None:
    doc, array = document(), DocumentArray([document()])
    assert doc.to_json(exclude_none=True, indent=1).startswith('{\n "id"')
    assert array.to_json(indent=1).startswith('[\n {\n')
    assert 'h\\u00e4user' in array.to_json(ensure_ascii=True)
    assert json.loads(array.to_json(exclude_none=True, separators=(',', ':')))[0]['id'] == 'a'


@pytest.mark.spec('19')
def test_protobuf_keeps_the_names_that_are_asked_for() -> None:
    pytest.importorskip('google.protobuf')
    nested = document().to_dict('protobuf')['chunks'][0]
    assert nested == {'id': 'c', 'blob': 'aGk=', 'granularity': 1, 'parentId': 'a'}
    kept = document().to_dict('protobuf', preserving_proto_field_name=True)
    assert kept['chunks'][0]['parent_id'] == 'a'
    with pytest.raises(InvalidType, match='protobuf'):
        document().to_dict('protobuf', exclude_none=True)


@pytest.mark.spec('19')
def test_protobuf_objects() -> None:
    pytest.importorskip('google.protobuf')
    doc = document()
    message = doc.to_protobuf()
    assert (message.id, message.text, message.chunks[0].blob) == ('a', 'häuser', b'hi')
    assert message.embedding.dense.dtype == '<f4'
    assert message.scores['cosine'].value == 0.25
    assert message.tags['n'] == 1.0
    assert message.WhichOneof('content') == 'text'
    assert type(message).DESCRIPTOR.full_name == 'docarray.DocumentProto'
    message.text = 'changed'
    assert Document.from_protobuf(message).text == 'changed'
    listed = Document(embedding=np.ones(2)).to_protobuf(ndarray_type='list')
    assert Document.from_protobuf(listed).embedding == [1.0, 1.0]
    array = DocumentArray([doc, Document(id='b', embedding=[1.0])])
    whole = array.to_protobuf(ndarray_type='numpy')
    assert [one.id for one in whole.docs] == ['a', 'b']
    back = DocumentArray.from_protobuf(whole)
    assert isinstance(back[1].embedding, np.ndarray)
    assert back[0].to_dict() == doc.to_dict()
    with pytest.raises(InvalidArgument, match='ndarray_type'):
        doc.to_protobuf(ndarray_type='torch')
    for wrong in (3, {'id': 'a'}):
        with pytest.raises(InvalidDocument, match='expected a protobuf message'):
            Document.from_protobuf(wrong)


@pytest.mark.spec('14')
@pytest.mark.parametrize('encoding', ['utf-8', 'utf-16', 'latin-1'])
def test_json_files(encoding: str, tmp_path: Path) -> None:
    array, path = DocumentArray([document()]), tmp_path / 'x.json'
    for save in (array.save_json, lambda f, **kw: array.save(f, 'json', **kw)):
        save(path, encoding=encoding)
        assert 'häuser' in path.read_text(encoding)
        for load in (DocumentArray.load_json, lambda f, **kw: DocumentArray.load(f, 'json', **kw)):
            assert load(path, encoding=encoding) == array
    with path.open('w', encoding=encoding) as text:
        array.save_json(text)
    with path.open(encoding=encoding) as text:
        assert DocumentArray.load_json(text) == array
    with path.open('rb') as raw:
        assert DocumentArray.load_json(raw, encoding=encoding) == array
    file = io.BytesIO()
    array.save_json(file, encoding=encoding, exclude_none=True)
    assert file.getvalue().decode(encoding).startswith('[{"id": "a", "text"')
    assert DocumentArray.from_json(path.read_text(encoding)) == array


@pytest.mark.spec('14')
@pytest.mark.parametrize('storage', ['sqlite', 'disk'])
def test_into_a_store(storage: str, tmp_path: Path) -> None:
    array = DocumentArray([document()])
    key = 'connection' if storage == 'sqlite' else 'path'
    place = {'storage': storage, 'config': {key: str(tmp_path / 's')}}
    (tmp_path / 'x.json').write_text(array.to_json(), 'utf-8')
    for load in (
        lambda: DocumentArray.from_json(array.to_json(), **place),
        lambda: DocumentArray.from_list(array.to_list(), **place),
        lambda: DocumentArray.load_json(tmp_path / 'x.json', **place),
        lambda: DocumentArray.load(tmp_path / 'x.json', 'json', **place),
    ):
        kept = load()
        assert kept.to_json() == array.to_json()
        with pytest.raises(InvalidDocument):
            kept.extend([Document.from_dict({'weight': 'x'})])
        kept.close()


def test_options_that_are_not_there() -> None:
    doc = document()
    with pytest.raises(UnknownName, match="did you mean 'jsonschema'"):
        doc.to_dict('jsonshema')
    assert Document.from_dict({'id': 'a'}, 'anything').id == 'a'
    with pytest.raises(InvalidType, match=r"takes no 'exclud'; did you mean 'exclude'"):
        doc.to_dict(exclud={'id'})
    with pytest.raises(InvalidType, match='a set of field names, got str'):
        doc.to_dict(exclude='id')
    with pytest.raises(InvalidArgument, match="no field 'txt'; did you mean 'text'"):
        doc.to_dict(include={'txt'})
    with pytest.raises(UnsupportedOperation, match='whole fields'):
        doc.to_dict(exclude={'chunks': {0: True}})
    with pytest.raises(InvalidType, match='takes none of'):
        Document.from_dict({}, nonsense=1)


@pytest.mark.parametrize(
    ('text', 'why'),
    [
        ('', 'no JSON'),
        ('[{"id": "a"', 'no JSON'),
        (b'\xff\xfe', 'no JSON'),
        ('[' * 100_000, 'no JSON'),
        ('{"id": "a"}', 'expected a JSON array'),
        ('[3]', r'\[0\]'),
        ('[{"id": "a"}, {"weight": "x"}]', r'\[1\]\.weight: expected a number'),
        ('[{"chunks": [{"blob": "#"}]}]', r'\[0\]\.chunks\[0\]\.blob: expected base64'),
        ('[{"embedding": [[1], [2, 3]]}]', 'lists of numbers of one shape'),
        ('[{"tags": []}]', 'expected a mapping'),
        ('[' + '9' * 5000 + ']', 'no JSON'),
        ('\ud800', 'no JSON'),
    ],
)
def test_bad_json(text: str | bytes, why: str) -> None:
    with pytest.raises(CorruptData, match=why):
        DocumentArray.from_json(text)


def test_bad_values(tmp_path: Path) -> None:
    pytest.importorskip('google.protobuf')
    for values in (None, 3, {'id': 'a'}, 'text'):
        with pytest.raises(InvalidType, match='a list of documents'):
            DocumentArray.from_list(values)  # type: ignore[arg-type]
    with pytest.raises(InvalidDocument, match='weight'):
        DocumentArray.from_list([{'weight': 'x'}])
    for plain in ({'weight': 'x'}, {'nonsense': 3}, 3, {'embedding': {'dense': 3}}):
        with pytest.raises(CorruptData, match='DocumentProto'):
            Document.from_dict(plain, 'protobuf')  # type: ignore[arg-type]
    with pytest.raises(InvalidType, match='as str or bytes'):
        Document.from_json(3)  # type: ignore[arg-type]
    array = DocumentArray([document()])
    with pytest.raises(InvalidArgument, match='encoding'):
        array.save_json(tmp_path / 'x', encoding='utf-9')
    with pytest.raises(EncodeError, match='ascii'):
        array.save_json(tmp_path / 'x', encoding='ascii')
    with pytest.raises(InvalidArgument, match=r"file_format='jsn'.*did you mean 'json'"):
        array.save(tmp_path / 'x', 'jsn')
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        DocumentArray.load_json(tmp_path / 'x')
    (tmp_path / 'x').write_bytes(b'\xff\xfe\xff')
    with pytest.raises(CorruptData, match='encoding'):
        DocumentArray.load_json(tmp_path / 'x')
