"""What users of docarray 0.21 write on their first day, after changing the import line alone.

Written for this project from what the API is: construct, nest, embed, match, filter,
evaluate, save and load, dataclasses.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import docstore as docarray
from docstore import Document, DocumentArray
from docstore.score import NamedScore

pytestmark = [
    pytest.mark.spec('1'),
    pytest.mark.spec('4'),
    pytest.mark.spec('5'),
    pytest.mark.spec('6'),
    pytest.mark.spec('7'),
]

TITLES = ['a red apple', 'a green apple', 'a red car', 'the open sea']


def shelf(**kwargs: Any) -> DocumentArray:
    da = DocumentArray(
        [Document(text=title, tags={'price': 10.0 * i}) for i, title in enumerate(TITLES)],
        **kwargs,
    )
    for doc in da:
        doc.embed_feature_hashing(n_dim=512, fields=('text',))
    return da


@pytest.mark.spec('1')
def test_the_names_of_the_package() -> None:
    assert docarray.Document is Document
    assert docarray.DocumentArray is DocumentArray
    assert docarray.dataclass is not None
    assert docarray.field is not None
    assert docarray.__version__
    with pytest.raises(NotImplementedError, match='leave the call out'):
        docarray.login()
    with pytest.raises(NotImplementedError, match='leave the call out'):
        docarray.logout()


@pytest.mark.spec('2.2')
@pytest.mark.spec('2.3')
def test_construct() -> None:
    doc = docarray.Document(text='hello', weight=0.5, lang='en')
    assert doc.content_type == 'text'
    assert doc.content == 'hello'
    assert doc.tags == {'lang': 'en'}
    assert doc.non_empty_fields == ('id', 'text', 'weight', 'tags')
    doc.blob = b'\x00\x01'
    assert (doc.content_type, doc.text) == ('blob', '')
    doc.content = np.zeros((2, 2))
    assert doc.content_type == 'tensor'
    assert Document(uri='apple.png').mime_type == 'image/png'


@pytest.mark.spec('2.1')
@pytest.mark.spec('8')
def test_nest() -> None:
    root = Document(
        id='root',
        chunks=[Document(id='c0', chunks=[Document(id='c00')]), Document(id='c1')],
        matches=[Document(id='m0')],
    )
    assert root.chunks[0].granularity == 1
    assert root.chunks[0].chunks[0].parent_id == 'c0'
    assert root.matches[0].adjacency == 1
    da = DocumentArray([root])
    assert da['@c', 'id'] == ['c0', 'c1']
    assert da['@cc,m', 'id'] == ['c00', 'm0']
    assert da['@c[:1]', 'id'] == ['c0']
    assert da[...][:, 'id'] == ['c00', 'c0', 'c1', 'm0', 'root']
    assert da.flatten()[:, 'id'] == da[...][:, 'id']
    assert [len(part) for part in da.traverse('r,c')] == [1, 2]


def test_a_list_of_documents() -> None:
    da = DocumentArray.empty(2)
    da.append(Document(id='x', text='x'))
    da.extend([Document(id='y'), Document(id='z')])
    da.insert(0, Document(id='w'))
    assert len(da) == 6
    assert 'x' in da
    assert da['x'].text == 'x'
    assert da[-2:, 'id'] == ['y', 'z']
    assert da[['w', 'z']][:, 'id'] == ['w', 'z']
    del da['y']
    da[0, 'text'] = 'changed'
    da[-1:, 'tags'] = [{'seen': True}]
    assert (da['w'].text, da['z'].tags) == ('changed', {'seen': True})
    da.texts = ['t'] * len(da)
    assert set(da.texts) == {'t'}


@pytest.mark.spec('9')
@pytest.mark.spec('3')
@pytest.mark.parametrize('storage', ['memory', 'sqlite', 'disk'])
def test_match(storage: str, tmp_path: Path) -> None:
    config = {
        'sqlite': {'connection': str(tmp_path / 'shelf.db'), 'table_name': 'shelf'},
        'disk': {'path': str(tmp_path / 'shelf')},
    }.get(storage)
    da = shelf()
    index = DocumentArray(da, storage=storage, config=config)
    query = Document(text='some red apple').embed_feature_hashing(n_dim=512, fields=('text',))
    DocumentArray([query]).match(index, limit=3, metric='cosine')
    assert query.matches[0].text == 'a red apple'
    distances = [match.scores['cosine'].value for match in query.matches]
    assert distances == sorted(distances)
    assert isinstance(query.matches[0].scores['cosine'], NamedScore)
    similar = DocumentArray([query])
    similar.match(index, limit=2, normalization=(1, 0))
    assert query.matches[0].scores['cosine'].value == pytest.approx(1.0)
    [hits] = index.find(DocumentArray([query]), limit=1, exclude_self=True)
    assert hits[0].text == 'a red apple'
    assert query.match(index, limit=1).matches[:, 'text'] == ['a red apple']
    index.close()


@pytest.mark.spec('10')
def test_filter() -> None:
    da = shelf()
    assert da.find({'tags__price': {'$gte': 20}}).texts == TITLES[2:]
    cheap_or_sea = {'$or': [{'tags__price': {'$lt': 10}}, {'text': {'$regex': 'sea$'}}]}
    assert da.find(cheap_or_sea).texts == [TITLES[0], TITLES[3]]
    assert da.find({'$not': {'text': {'$in': TITLES[:3]}}}).texts == TITLES[3:]
    da.find({'tags__price': {'$eq': 0}}).texts = ['changed']  # shared, in memory
    assert da[0].text == 'changed'


@pytest.mark.spec('13')
def test_embed() -> None:
    def model(texts: list[str]) -> Any:  # stands for a network; docarray took no functions
        return np.array([[len(text), text.count('e')] for text in texts], dtype=np.float32)

    da = DocumentArray([Document(text=title) for title in TITLES])
    assert da.embed(model, batch_size=3, collate_fn=lambda batch: batch.texts) is da
    assert da.embeddings.shape == (4, 2)
    assert da[1].embedding.tolist() == [13.0, 3.0]
    da.embeddings = np.eye(4)
    assert da[3].embedding.tolist() == [0, 0, 0, 1]


@pytest.mark.spec('13')
def test_evaluate() -> None:
    queries = shelf()
    queries.match(shelf(), limit=4)
    truth = DocumentArray(queries, copy=True)
    for doc in truth:
        doc.matches = doc.matches[:1]
    found = queries.evaluate(metrics=['precision_at_k', 'reciprocal_rank'], ground_truth=truth, k=1)
    assert found == {'precision_at_k': 1.0, 'reciprocal_rank': 1.0}
    assert queries[0].evaluations['precision_at_k'].value == 1.0


@pytest.mark.spec('14')
@pytest.mark.parametrize('protocol', ['protobuf', 'protobuf-array', 'pickle', 'pickle-array'])
def test_save_and_load(protocol: str, tmp_path: Path) -> None:
    da = shelf()
    file = str(tmp_path / 'shelf.bin')
    da.save_binary(file, protocol=protocol, compress='gzip')
    again = DocumentArray.load_binary(file, protocol=protocol, compress='gzip')
    assert (again[:, 'id'], again.texts) == (da[:, 'id'], da.texts)
    np.testing.assert_array_equal(again.embeddings, da.embeddings)
    copy = DocumentArray.from_bytes(da.to_bytes(protocol=protocol), protocol=protocol)
    assert copy.texts == da.texts
    assert DocumentArray.from_json(da.to_json()).texts == da.texts
    da.save(file)
    assert DocumentArray.load(file).texts == da.texts


@pytest.mark.spec('2.7')
def test_one_document_as_bytes_and_json() -> None:
    doc = Document(id='a', text='x', tags={'n': 1.5}, embedding=np.arange(3.0))
    for protocol in ('pickle', 'protobuf'):
        assert Document.from_bytes(doc.to_bytes(protocol), protocol) == doc
    assert Document.from_json(doc.to_json()).tags == {'n': 1.5}
    assert Document.from_dict(doc.to_dict()).text == 'x'


@pytest.mark.spec('16')
def test_a_database_that_stays(tmp_path: Path) -> None:
    config = {'connection': str(tmp_path / 'docs.db'), 'table_name': 'shelf'}
    with DocumentArray(storage='sqlite', config=config) as da:
        da.extend(shelf())
    da.close()
    again = DocumentArray(storage='sqlite', config=config)
    assert again.texts == TITLES
    again.close()


@pytest.mark.spec('17')
def test_a_dataclass() -> None:
    from docstore import dataclass, field
    from docstore.typing import JSON, Text

    @dataclass
    class Article:
        title: Text
        meta: JSON
        stars: int = field(default=3)

    doc = Document(Article(title='News', meta={'lang': 'en'}))
    assert doc.title.text == 'News'
    assert doc.is_multimodal
    assert doc.tags == {'stars': 3}
    da = DocumentArray([doc, Document(Article(title='Olds', meta={}))])
    assert da['@.[title]'].texts == ['News', 'Olds']
    article = Article(doc)
    assert (article.title, article.meta, article.stars) == ('News', {'lang': 'en'}, 3)
