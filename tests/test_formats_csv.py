"""Tables of comma-separated values, written and read."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore import Document, DocumentArray
from docstore.errors import CorruptData, EncodeError, InvalidArgument, InvalidDocument

pytestmark = pytest.mark.spec('14')

TEXT = st.text(
    st.characters(exclude_categories=['Cs'], exclude_characters='\0\r\n'), min_size=1, max_size=8
)


def sample() -> DocumentArray:
    full = Document(
        id='a', text='one\ntwo', weight=0.5, granularity=1, location=[1.0, 2.5],
        tags={'n': 1, 'b': True, 'nested': {'x': [1]}}, embedding=np.array([1.5, 2], 'f4'),
    )  # fmt: skip
    full.chunks = [Document(id='c', blob=b'hi')]
    full.scores['cosine'].value = 0.25
    return DocumentArray([full, Document(id='b', blob=b'\0\xff', tags={'other': 'x, "y"'})])


def test_a_table_and_back(tmp_path: Path) -> None:
    sample().save_csv(tmp_path / 'x.csv')
    with (tmp_path / 'x.csv').open(encoding='utf-8', newline='') as file:
        header, *rows = csv.reader(file)
    assert header == [
        *('id', 'granularity', 'blob', 'text', 'weight', 'location', 'embedding', 'scores'),
        *('chunks', 'tag__n', 'tag__b', 'tag__nested', 'tag__other'),
    ]
    assert rows[0][:7] == ['a', '1', '', 'one two', '0.5', '[1.0, 2.5]', '[1.5, 2.0]']
    for back in (
        DocumentArray.load_csv(tmp_path / 'x.csv'),
        DocumentArray.from_csv(tmp_path / 'x.csv'),
        DocumentArray.load(tmp_path / 'x.csv', 'csv'),
    ):
        first, second = back
        assert (first.text, first.weight, first.granularity) == ('one two', 0.5, 1)
        assert first.location == [1.0, 2.5]
        assert first.embedding.tolist() == [1.5, 2.0]
        assert first.tags == {'n': '1', 'b': 'True', 'nested': '{"x": [1]}'}
        assert first.scores['cosine'].value == 0.25
        assert first.chunks[0].blob == b'hi'
        assert (second.blob, second.tags) == (b'\0\xff', {'other': 'x, "y"'})


def test_tags_may_stay_together(tmp_path: Path) -> None:
    sample().save_csv(tmp_path / 'x', flatten_tags=False, exclude_fields=['chunks', 'text'])
    back = DocumentArray.load_csv(tmp_path / 'x')
    assert back[0].tags == {'n': 1, 'b': True, 'nested': {'x': [1]}}
    assert back[0].text == ''
    assert not back[0].chunks


def test_dialects_headers_and_encodings(tmp_path: Path) -> None:
    class Bars(csv.excel):
        delimiter = '|'

    path = tmp_path / 'x'
    array = DocumentArray([Document(id='ä', text='x'), Document(id='b', text='y, z')])
    for dialect in ('excel', 'excel-tab', 'unix', Bars):
        for encoding in ('utf-8', 'utf-16', 'latin-1'):
            array.save_csv(path, dialect=dialect, encoding=encoding)
            back = DocumentArray.from_csv(path, dialect=dialect, encoding=encoding)
            assert back == array
    array.save_csv(path, dialect=Bars)
    assert DocumentArray.from_csv(path, dialect='auto') == array
    array.save_csv(path, with_header=False)
    assert path.read_text('utf-8').splitlines() == ['ä,x', 'b,"y, z"']
    with path.open('w', encoding='utf-8', newline='') as file:
        array.save_csv(file)
    with path.open(encoding='utf-8', newline='') as file:
        assert DocumentArray.load_csv(file) == array
    path.write_text('﻿id,text\na,x\n', 'utf-8')  # as spreadsheets begin
    assert DocumentArray.load_csv(path)['a'].text == 'x'


@pytest.mark.spec('4')
def test_columns_mean_what_the_resolver_says() -> None:
    table = 'question,price,id\nwhy?,3,a\n,4,b\n'
    back = DocumentArray.load_csv(io.StringIO(table), field_resolver={'question': 'text'})
    assert back.texts == ['why?', '']
    assert back[:, 'tags'] == [{'price': '3'}, {'price': '4'}]
    some = DocumentArray.from_csv(io.StringIO(table), size=1)
    assert some[0].tags == {'question': 'why?', 'price': '3'}
    assert len(DocumentArray.from_csv(io.StringIO(table), sampling_rate=0.0)) == 0


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=5, unique_by=lambda row: row[0]))
def test_any_text_survives(rows: list[tuple[str, str, str]]) -> None:
    array = DocumentArray([Document(id=a, text=b, tags={'k': c}) for a, b, c in rows])
    file = io.StringIO(newline='')
    array.save_csv(file)
    file.seek(0)
    back = DocumentArray.load_csv(file)
    expected = [(a, b, c) for a, b, c in rows]
    assert [(doc.id, doc.text, doc.tags['k']) for doc in back] == expected


@pytest.mark.parametrize('storage', ['sqlite', 'disk'])
def test_stores(storage: str, tmp_path: Path) -> None:
    key = 'connection' if storage == 'sqlite' else 'path'
    place: dict[str, Any] = {'storage': storage, 'config': {key: str(tmp_path / 's')}}
    sample().save_csv(tmp_path / 'x')
    kept = DocumentArray.load_csv(tmp_path / 'x', **place)
    kept.save_csv(tmp_path / 'y')
    assert (tmp_path / 'y').read_bytes() == (tmp_path / 'x').read_bytes()
    kept.close()
    with (tmp_path / 'y').open('a', encoding='utf-8') as file:
        file.write('only,two\n')
    with pytest.raises(InvalidDocument, match='line 4 has 2 values, fewer values than the 13'):
        DocumentArray.load_csv(tmp_path / 'y', **place)
    again = DocumentArray(**place)
    assert len(again) == 2
    again.close()


@pytest.mark.parametrize(
    ('table', 'error', 'why'),
    [
        ('id,id\na,b\n', InvalidDocument, "two columns of the table stand for 'id'"),
        ('id,text\na\n', InvalidDocument, 'line 2 has 1 values, fewer'),
        ('id,text\na,b,c\n', InvalidDocument, 'line 2 has 3 values, more'),
        ('id,weight\na,heavy\n', InvalidDocument, 'line 2: weight: expected a number'),
        ('id,blob\na,#\n', InvalidDocument, 'line 2: blob: expected base64'),
        ('id,embedding\na,"[1, [2]]"\n', InvalidDocument, 'line 2: embedding: expected lists'),
        ('id,chunks\na,[3]\n', InvalidDocument, r'line 2: chunks\[0\]'),
        ('id,tags\na,' + '[' * 90_000 + '\n', InvalidDocument, 'line 2: tags'),
        ('id,text\na,x\0y\n', CorruptData, 'NUL'),
        ('id,text\na,' + 'x' * 200_000 + '\n', CorruptData, 'line 2: .*field_size_limit'),
    ],
)
def test_bad_tables(table: str, error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        DocumentArray.load_csv(io.StringIO(table))


def test_what_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'x'
    with pytest.raises(FileNotFoundError):
        DocumentArray.load_csv(path)
    path.write_bytes(b'id,text\na,\xff\n')
    with pytest.raises(CorruptData, match=r'line [12] or a later one is not in this encoding'):
        DocumentArray.load_csv(path)
    with pytest.raises(InvalidArgument, match='encoding'):
        DocumentArray.load_csv(path, encoding='utf-9')
    path.unlink()
    array = sample()
    with pytest.raises(InvalidArgument, match='encoding'):
        array.save_csv(path, encoding='utf-9')
    with pytest.raises(EncodeError, match='ascii'):
        DocumentArray([Document(text='ä')]).save_csv(path, encoding='ascii')
    with pytest.raises(InvalidArgument, match="did you mean 'embedding'"):
        array.save_csv(path, exclude_fields=['embeding'])
    with pytest.raises(InvalidArgument, match='dialect'):
        array.save_csv(path, dialect='exel')
    with pytest.raises(InvalidArgument, match='dialect'):
        DocumentArray.load_csv(io.StringIO('id\na\n'), encoding='utf-8', dialect='exel')
    with pytest.raises(EncodeError, match=r'row 1: tags\.x'):
        DocumentArray([Document(id='a'), Document(tags={'x': object()})]).save_csv(
            path, flatten_tags=False
        )
    assert list(tmp_path.iterdir()) == []
    assert len(DocumentArray.load_csv(io.StringIO(''))) == 0


def test_tables_of_docarray() -> None:
    # docarray shows dicts and lists as Python does.
    table = "id,scores,location\na,{'cos': {'value': 0.3}},[1.0]\n"
    doc = DocumentArray.load_csv(io.StringIO(table))[0]
    assert (doc.scores['cos'].value, doc.location) == (0.3, [1.0])


def test_embeddings_alone(tmp_path: Path) -> None:
    path = tmp_path / 'x'
    array = DocumentArray([Document(embedding=[1.0, 2.0]), Document(embedding=[3.0, 4.0])])
    array.save_embeddings_csv(path, delimiter=',', fmt='%.1f')
    assert path.read_text('utf-8') == '1.0,2.0\n3.0,4.0\n'
    np.testing.assert_array_equal(np.loadtxt(path, delimiter=','), [[1, 2], [3, 4]])
    for empty in (DocumentArray(), DocumentArray([Document()])):
        with pytest.raises(InvalidArgument, match='no embeddings'):
            empty.save_embeddings_csv(path)
