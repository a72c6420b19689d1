from __future__ import annotations

import numpy as np
import pytest

from docstore import Document

pytestmark = pytest.mark.spec('2.3')

VALUES = {'text': 'hello', 'blob': b'\x00\x01', 'tensor': np.arange(3)}


@pytest.mark.parametrize('name', VALUES)
def test_content_is_the_field_that_is_set(name):
    doc = Document(**{name: VALUES[name]})
    assert doc.content_type == name
    assert doc.content is VALUES[name]


def test_no_content():
    assert Document().content is None
    assert Document().content_type is None
    assert Document(text='').content_type is None
    assert Document(blob=b'').content_type is None
    assert Document(tensor=np.zeros(0)).content_type == 'tensor'


@pytest.mark.parametrize('first', VALUES)
@pytest.mark.parametrize('second', VALUES)
def test_setting_one_content_clears_the_others(first, second):
    doc = Document(**{first: VALUES[first]})
    setattr(doc, second, VALUES[second])
    assert doc.content_type == second
    assert doc.non_empty_fields == ('id', second)


@pytest.mark.parametrize('first', VALUES)
@pytest.mark.parametrize('second', VALUES)
def test_setting_one_to_none_clears_only_itself(first, second):
    doc = Document(**{first: VALUES[first]})
    setattr(doc, second, None)
    assert doc.content_type == (None if first == second else first)


@pytest.mark.parametrize('name', VALUES)
def test_the_type_of_content_decides_where_it_goes(name):
    for doc in (
        Document(content=VALUES[name]),
        Document(text='old', weight=1.0),
        Document(blob=b'old'),
    ):
        doc.content = VALUES[name]
        assert doc.content_type == name
        assert getattr(doc, name) is VALUES[name]
        assert set(doc.non_empty_fields) <= {'id', name, 'weight'}


def test_content_none_clears_all():
    for name, value in VALUES.items():
        doc = Document(**{name: value})
        doc.content = None
        assert doc.content is None
        assert doc.non_empty_fields == ('id',)


def test_content_may_be_a_list():
    assert Document(content=[1, 2]).tensor == [1, 2]


@pytest.mark.parametrize(
    ('names', 'wins'),
    [(['text', 'blob'], 'blob'), (['blob', 'text'], 'blob'), (['blob', 'tensor'], 'tensor'),
     (['tensor', 'blob', 'text'], 'tensor'), (['tensor', 'text'], 'tensor')],
)  # fmt: skip
def test_the_last_content_of_a_constructor_wins(names, wins):
    assert Document(**{name: VALUES[name] for name in names}).non_empty_fields == ('id', wins)


def test_content_wins_over_the_named_ones():
    doc = Document(content='hello', blob=b'x', tensor=np.ones(2))
    assert doc.non_empty_fields == ('id', 'text')
    assert doc.text == 'hello'


@pytest.mark.parametrize(
    ('uri', 'mime_type'),
    [('a/b.png', 'image/png'), ('x.html', 'text/html'), ('no extension', ''), ('x.unknownext', ''),
     ('https://example.com/p.jpg', 'image/jpeg'), ('', '')],
)  # fmt: skip
def test_a_uri_guesses_the_mime_type(uri, mime_type):
    assert Document(uri=uri).mime_type == mime_type


def test_an_explicit_mime_type_wins_over_the_guess():
    assert Document(mime_type='text/plain', uri='a.png').mime_type == 'text/plain'
    doc = Document(mime_type='text/plain')
    doc.uri = 'a.png'
    assert doc.mime_type == 'image/png'
    doc.uri = 'without'
    assert doc.mime_type == 'image/png', 'no guess leaves the type alone'


@pytest.mark.parametrize(
    ('given', 'mime_type'),
    [('jpg', 'image/jpeg'), ('jpeg', 'image/jpeg'), ('.jpg', 'image/jpeg'), ('png', 'image/png'),
     ('image/jpeg', 'image/jpeg'), ('text/plain', 'text/plain'), ('my/own', 'my/own'),
     ('nonsense', 'nonsense'), ('', '')],
)  # fmt: skip
def test_a_mime_type_may_be_an_extension(given, mime_type):
    assert Document(mime_type=given).mime_type == mime_type
    doc = Document()
    doc.mime_type = given
    assert doc.mime_type == mime_type
