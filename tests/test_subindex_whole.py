"""Subindices together with the rest: media classes, words and vectors, summaries."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import docstore
from docstore import Document, DocumentArray
from docstore.errors import InvalidConfig
from docstore.testing.checks import ids
from docstore.typing import Text

pytestmark = pytest.mark.spec('11')

STORAGES = ['memory', 'sqlite', 'disk', 'annlite']
DIM = 5


def open_array(storage: str, path: Path, **more: Any) -> DocumentArray:
    if storage == 'annlite' and importlib.util.find_spec('hnswlib') is None:
        pytest.skip('annlite needs hnswlib')
    config = {
        'memory': None,
        'sqlite': {'connection': str(path / 'x.db')},
        'disk': {'path': str(path / 'x')},
        'annlite': {'n_dim': DIM, 'data_path': str(path / 'x')},
    }[storage]
    return DocumentArray(storage=storage, config=config, **more)


TITLES = ['red shoes', 'a blue hat', 'warm gloves', 'red hat and red gloves']


@docstore.dataclass
class Page:
    title: Text
    body: Text
    stars: int = 0


def pages() -> list[Document]:
    docs = []
    for number, title in enumerate(TITLES):
        doc = Document(Page(title, f'all about {title}, red', stars=number), id=f'page{number}')
        doc.title.id = f'title{number}'
        doc.title.embedding = np.eye(DIM)[number]
        docs.append(doc)
    return docs


@pytest.fixture(params=STORAGES)
def storage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def array(storage: str, tmp_path: Path) -> Iterator[DocumentArray]:
    titles = {'@.[title]': {'n_dim': DIM, 'metric': 'cosine'}}
    more: dict[str, Any] = {'subindex_configs': titles}
    array = open_array(storage, tmp_path, **more)
    array.extend(pages())
    yield array
    array.close()


def test_titles_of_pages_from_end_to_end(
    array: DocumentArray, storage: str, tmp_path: Path
) -> None:
    on = '@.[title]'
    assert array[on][:, 'text'] == TITLES
    query = np.eye(DIM)[2] + 0.01
    assert ids(array.find(query, on=on, limit=1)) == ['title2']
    root = array.find(query, on=on, limit=1, return_root=True)[0]
    assert Page(root) == Page('warm gloves', 'all about warm gloves, red', stars=2)
    assert list(root.scores) == ['cosine']

    array['page2'].title.text = 'cold mittens'
    assert array[on][:, 'text'][2] == 'cold mittens'
    array[on]['title0'].text = 'green boots'
    assert array['page0'].title.text == 'green boots'
    assert Page(array['page0']).title == 'green boots'
    assert array['page0'].body.text == 'all about red shoes, red'
    array[on].apply(shout, backend='thread')
    assert [doc.title.text for doc in array][:2] == ['GREEN BOOTS', 'A BLUE HAT']
    assert [doc.title.tags['loud'] for doc in array] == [True] * 4

    del array['page1']
    extra = Document(Page('scarf', 'wool'), id='late')
    extra.title.embedding = np.eye(DIM)[4]
    array.insert(0, extra)
    assert array[on][:, 'text'] == [doc.title.text for doc in array]
    hit = array.find(extra.title.embedding, on=on, limit=1, return_root=True)[0]
    assert hit.id == 'late'
    if storage == 'memory':
        return
    array.flush()
    assert array[on].find('scarf')[0].text == 'scarf'
    array.close()
    again = open_array(storage, tmp_path)
    assert again[on][:, 'text'] == [doc.title.text for doc in again]
    assert again.find('scarf', on=on, return_root=True)[:, 'id'] == ['late']
    again.close()


def shout(doc: Document) -> Document:
    doc.text = doc.text.upper()
    doc.tags['loud'] = True
    return doc


def test_words_are_found_in_a_subindex(array: DocumentArray) -> None:
    on = '@.[title]'
    hits = array.find('red', on=on, explain=True)
    assert ids(hits) == ['title0', 'title3']
    assert hits.explanation.path == 'text'
    assert hits.explanation.documents == len(TITLES)
    roots = array.find('red', on=on, return_root=True)
    assert ids(roots) == ['page0', 'page3']
    scores = [hit.scores['bm25'].value for hit in hits]
    assert [root.scores['bm25'].value for root in roots] == scores
    several = array.find(['hat', 'gloves', 'nothing'], on=on, return_root=True)
    assert [sorted(ids(one)) for one in several] == [['page1', 'page3'], ['page2', 'page3'], []]
    # The index follows what changes, by whatever way.
    array['page1'].title.text = 'red, red, red'
    assert ids(array.find('red', on=on, limit=1)) == ['title1']
    array[on]['title1'].text = 'a blue hat'
    del array['page3']
    assert ids(array.find('red', on=on)) == ['title0']
    array.find('red', on=on)
    with pytest.raises(KeyError), array:
        array['page2'].title.text = 'red mittens'
        array.append(Document(Page('red scarf', 'wool'), id='late'))
        assert len(array.find('red', on=on)) == 3
        raise KeyError
    assert ids(array.find('red', on=on)) == ['title0']
    assert ids(array.find({'text': {'$regex': 'hat'}}, on=on, return_root=True)) == ['page1']
    only = array.find('hat gloves', on=on, filter={'text': {'$regex': 'warm'}})
    assert ids(only) == ['title2']


def test_words_and_vectors_in_a_subindex(array: DocumentArray) -> None:
    on = '@.[title]'
    query = np.eye(DIM)[0] + 0.01
    hits = array.find(query, text='gloves', on=on, explain=True)
    assert hits.explanation.path == 'hybrid'
    assert {'title2', 'title3', 'title0'} <= set(ids(hits))
    roots = array.find(query, text='gloves', on=on, return_root=True)
    assert ids(roots) == [key.replace('title', 'page') for key in ids(hits)]
    assert [hit.scores['rrf'].value for hit in roots] == [hit.scores['rrf'].value for hit in hits]
    title = Document(array['page0'].title, copy=True)
    assert array.find(title, hybrid=True, on=on)[0][0].id == 'title0'
    others = array.find(title, hybrid=True, on=on, exclude_self=True)[0]
    assert 'title0' not in ids(others)

    readers = DocumentArray([title])
    told = readers.match(array, on=on, hybrid=True, return_root=True, explain=True)
    assert told is not None
    assert told.path == 'hybrid'
    assert readers[0].matches[0].id == 'page0'
    nearest = array.find(query, on=on, explain=True, limit=1)
    assert nearest.explanation.documents == len(TITLES)
    filtered = array.find({'text': {'$eq': 'red shoes'}}, on=on, return_root=True, explain=True)
    assert filtered.explanation.path == 'filter'
    assert ids(filtered) == ['page0']


def test_the_same_part_twice_is_left_out_twice(storage: str, tmp_path: Path) -> None:
    chunk = Document(id='same', text='red', embedding=[1.0, 0.0])
    docs = [Document(id=name, chunks=[Document(chunk, copy=True)]) for name in 'ab']
    docs.append(Document(id='c', chunks=[Document(id='other', text='red', embedding=[0.0, 1.0])]))
    array = open_array(storage, tmp_path, subindex_configs={'@c': {'n_dim': 2}})
    array.extend(docs)
    assert sorted(ids(array.find('red', on='@c', return_root=True))) == ['a', 'b', 'c']
    found = array.find(chunk, hybrid=True, on='@c', exclude_self=True)[0]
    assert ids(found) == ['other']
    array.close()


def test_a_subindex_cuts_words_its_own_way(tmp_path: Path) -> None:
    array = open_array('sqlite', tmp_path, subindex_configs={'@c': {'tokenizer': 'porter'}})
    array.append(Document(id='a', text='shoes', chunks=[Document(id='b', text='shoes')]))
    assert ids(array.find('shoe')) == []
    assert ids(array.find('shoe', on='@c')) == ['b']
    with pytest.raises(InvalidConfig, match='tokenizer'):
        DocumentArray(
            storage='sqlite',
            config={'connection': str(tmp_path / 'y.db')},
            subindex_configs={'@c': {'tokenizers': 'porter'}},
        )
    array.close()


def test_a_reader_finds_words_in_a_subindex(tmp_path: Path) -> None:
    for storage in ('sqlite', 'disk'):
        array = open_array(storage, tmp_path, subindex_configs={'@c': None})
        array.append(Document(id='a', chunks=[Document(id='b', text='red shoes')]))
        array.flush()
        config = array._records.store.config
        array.close()
        reader = DocumentArray(storage=storage, config={**config, 'read_only': True})
        assert ids(reader.find('shoes', on='@c', return_root=True)) == ['a']
        reader.close()


def test_a_summary_counts_what_subindices_hold(
    array: DocumentArray, capsys: pytest.CaptureFixture[str]
) -> None:
    array.summary()
    assert 'subindex @.[title]' in capsys.readouterr().out
    assert 'subindex @.[title]' in array._repr_html_()


def test_chunks_set_in_bulk_are_followed() -> None:
    array = DocumentArray([Document(id='a'), Document(id='b')], subindex_configs={'@c': None})
    assert not len(array['@c'])
    array[:, 'chunks'] = [[Document(id='x')], [Document(id='y')]]
    assert ids(array['@c']) == ['x', 'y']
    array._records.put('chunks', None)
    assert ids(array['@c']) == []
