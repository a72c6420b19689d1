from __future__ import annotations

import copy
import pickle
import random

import numpy as np
import pytest

from docstore import Document, DocumentArray, NamedScore
from docstore.errors import DocstoreError, InvalidArgument, InvalidDocument, UnknownField
from docstore.schema import FIELD_NAMES
from docstore.testing.checks import fields, refuses

pytestmark = [
    pytest.mark.spec('2.1'),
    pytest.mark.spec('2.2'),
    pytest.mark.spec('2.4'),
    pytest.mark.spec('2.5'),
    pytest.mark.spec('2.6'),
    pytest.mark.spec('2.7'),
    pytest.mark.spec('2.9'),
    pytest.mark.spec('2.10'),
]

DEFAULTS = {
    'parent_id': '', 'granularity': 0, 'adjacency': 0, 'blob': b'', 'tensor': None,
    'mime_type': '', 'text': '', 'weight': 0.0, 'uri': '', 'tags': {}, '_metadata': {},
    'offset': 0.0, 'location': [], 'embedding': None, 'modality': '', 'evaluations': {},
    'scores': {},
}  # fmt: skip

FULL = {
    'id': 'all', 'parent_id': 'p', 'granularity': 1, 'adjacency': 2, 'mime_type': 'text/plain',
    'text': 't', 'weight': 0.5, 'uri': 'u', 'tags': {'a': 1}, 'offset': 2.5, 'location': [1.0],
    'embedding': np.ones(3), 'modality': 'm', 'evaluations': {'e': NamedScore(value=1.0)},
    'scores': {'s': NamedScore(value=0.5)},
}  # fmt: skip


# -- fields ------------------------------------------------------------------


def test_an_empty_document_has_an_id_only():
    doc = Document()
    assert doc.non_empty_fields == ('id',)
    assert len(doc.id) == 32
    assert int(doc.id, 16) >= 0


def test_ids_do_not_repeat_when_the_random_seed_does():
    random.seed(1)
    first = Document().id
    random.seed(1)
    assert Document().id != first
    assert len({Document().id for _ in range(1000)}) == 1000


@pytest.mark.parametrize('name', DEFAULTS)
def test_unset_fields_show_their_default(name):
    value = getattr(Document(), name)
    assert value == DEFAULTS[name]
    assert type(value) is type(DEFAULTS[name]) or isinstance(value, (dict, list))


def test_chunks_and_matches_are_empty_arrays():
    doc = Document()
    for name in ('chunks', 'matches'):
        assert isinstance(getattr(doc, name), DocumentArray)
        assert len(getattr(doc, name)) == 0


@pytest.mark.parametrize('name', ['tags', '_metadata', 'location', 'scores', 'chunks', 'matches'])
def test_a_container_is_made_once_and_kept(name):
    doc = Document()
    assert getattr(doc, name) is getattr(doc, name)
    assert doc.non_empty_fields == ('id',)


def test_a_default_is_not_shared_between_documents():
    one, two = Document(), Document()
    one.tags['x'] = 1
    one.location.append(1.0)
    assert (two.tags, two.location) == ({}, [])


def test_values_are_kept_as_given():
    tensor, embedding, tags = np.ones(3), [1, 2], {'a': []}
    doc = Document(text=3, embedding=embedding, tags=tags)
    assert (doc.text, doc.embedding) == (3, [1, 2])
    assert doc.embedding is embedding
    assert doc.tags is tags
    assert Document(tensor=tensor).tensor is tensor


def test_ids_are_strings():
    assert Document(id=7).id == '7'
    doc = Document()
    doc.id = 8
    assert doc.id == '8'


def test_non_empty_fields_are_in_canonical_order():
    doc = Document(**dict(reversed(FULL.items())))
    expected = tuple(name for name in FIELD_NAMES if name in FULL)
    assert doc.non_empty_fields == expected


@pytest.mark.parametrize(
    ('name', 'value'),
    [('text', ''), ('blob', b''), ('weight', 0.0), ('granularity', 0), ('tags', {}),
     ('location', []), ('scores', {}), ('chunks', []), ('matches', None), ('uri', ''),
     ('modality', None)],
)  # fmt: skip
def test_a_default_value_counts_as_empty(name, value):
    assert Document(id='a', **{name: value}).non_empty_fields == ('id',)


@pytest.mark.parametrize('name', ['tensor', 'embedding'])
@pytest.mark.parametrize('value', [np.zeros(0), np.zeros(3), [], [0.0]])
def test_any_array_counts_as_set(name, value):
    assert Document(**{name: value}).non_empty_fields == ('id', name)


def test_metadata_counts_when_it_is_not_empty():
    doc = Document()
    doc._metadata['a'] = 1
    assert doc.non_empty_fields == ('id', '_metadata')


def test_an_unknown_attribute_is_a_python_attribute():
    doc = Document(id='a')
    doc.note = 'mine'
    assert doc.note == 'mine'
    assert doc.non_empty_fields == ('id',)
    with pytest.raises(AttributeError):
        _ = doc.another
    with pytest.raises(AttributeError):
        _ = doc.tags__x


# -- the constructor ---------------------------------------------------------


@pytest.mark.parametrize('nothing', [None, {}])
def test_made_of_nothing(nothing):
    assert Document(nothing).non_empty_fields == ('id',)


def test_made_of_a_dict():
    doc = Document({'id': 'a', 'text': 'hello', 'price': 3})
    assert (doc.id, doc.text, doc.tags) == ('a', 'hello', {'price': 3})


def test_the_dict_wins_over_keywords():
    doc = Document({'text': 'from the dict'}, text='from the keyword', id='a')
    assert (doc.text, doc.id) == ('from the dict', 'a')


def test_the_dict_stays_as_it_was():
    given = {'text': 'x', 'price': 3, 'tags': {'a': 1}}
    Document(given)
    assert set(given) == {'text', 'price', 'tags'}


@pytest.mark.parametrize('thing', ['text', 3, [1], b'x', object(), [{'text': 'x'}]])
def test_made_of_something_else(thing):
    with refuses(InvalidDocument, ValueError, 'Failed to initialize', type(thing).__name__):
        Document(thing)


def test_a_document_of_a_document_shares_its_state():
    first = Document(text='x')
    second = Document(first)
    second.text = 'y'
    second.tags['a'] = 1
    assert (first.text, first.tags) == ('y', {'a': 1})
    assert second.id == first.id
    assert first == second


def test_a_copy_of_a_document_is_deep():
    first = Document(id='a', tags={'x': [1]}, embedding=np.ones(2), chunks=[Document(text='c')])
    second = Document(first, copy=True)
    assert second == first
    assert second.id == 'a'
    second.tags['x'].append(2)
    second.embedding[0] = 9
    second.chunks[0].text = 'changed'
    assert first.tags == {'x': [1]}
    assert first.embedding.tolist() == [1, 1]
    assert first.chunks[0].text == 'c'


def test_a_document_with_other_fields():
    tags = {'a': 1}
    first = Document(id='a', text='x', tags=tags, weight=1.0)
    second = Document(first, text='y', weight=2.0)
    assert (second.id, second.text, second.weight) == ('a', 'y', 2.0)
    assert (first.text, first.weight) == ('x', 1.0)
    assert second.tags is first.tags, 'what is not replaced is shared'


def test_tags_beside_a_document_update_its_tags():
    first = Document(tags={'a': 1, 'b': 1})
    second = Document(first, tags={'b': 2})
    assert second.tags == {'a': 1, 'b': 2}
    assert first.tags is second.tags


def test_unknown_names_are_caught_in_the_tags():
    doc = Document(text='x', price=3, tags={'a': 1}, name='n')
    assert doc.tags == {'a': 1, 'price': 3, 'name': 'n'}


def test_unknown_names_are_dropped():
    doc = Document(text='x', price=3, unknown_fields_handler='drop')
    assert doc.non_empty_fields == ('id', 'text')


def test_unknown_names_are_refused():
    with refuses(UnknownField, AttributeError, 'wieght', "did you mean 'weight'"):
        Document(wieght=3, unknown_fields_handler='raise')
    assert Document(weight=3, unknown_fields_handler='raise').weight == 3


def test_an_unknown_handler_is_refused():
    with refuses(InvalidArgument, ValueError, 'ignore'):
        Document(price=3, unknown_fields_handler='ignore')


def test_names_are_resolved():
    doc = Document({'body': 'x', 'price': 3}, field_resolver={'body': 'text'})
    assert (doc.text, doc.tags) == ('x', {'price': 3})
    assert Document(body='x', other=1, field_resolver={'body': 'text'}).text == 'x'


@pytest.mark.parametrize(
    'given', [Document(id='c'), [Document(id='c')], DocumentArray([Document(id='c')])]
)
def test_nested_documents_may_be_given_in_any_form(given):
    doc = Document(chunks=given)
    assert [chunk.id for chunk in doc.chunks] == ['c']
    doc = Document(matches=given)
    assert [match.id for match in doc.matches] == ['c']


def test_every_field_can_be_given():
    doc = Document(**FULL)
    for name, value in FULL.items():
        got = getattr(doc, name)
        assert got is value or got == value, name


# -- methods -----------------------------------------------------------------


def test_copy_from_is_deep_and_takes_the_id():
    source = Document(id='a', text='x', tags={'n': [1]})
    doc = Document(id='b', blob=b'y', weight=1.0)
    doc.copy_from(source)
    assert doc == source
    doc.tags['n'].append(2)
    assert source.tags == {'n': [1]}


def test_clear():
    doc = Document(**FULL)
    doc.clear()
    assert doc.non_empty_fields == ()
    assert (doc.id, doc.text, doc.tags) == (None, '', {})


def test_pop_unsets_fields():
    doc = Document(**FULL)
    doc.pop('text', 'tags', 'nonsense')
    assert (doc.text, doc.tags) == ('', {})
    assert set(doc.non_empty_fields) == set(FULL) - {'text', 'tags'}


def test_repr():
    doc = Document(id='a', text='x', tags={'n': 1})
    assert repr(doc) == "<Document ('id', 'text', 'tags') at a>"
    assert repr(Document(id='a')) == "<Document ('id',) at a>"


def test_summary_prints_the_tree(capsys):
    Document(id='root', text='the text', chunks=[Document(id='leaf', text='leaf text')]).summary()
    shown = capsys.readouterr().out
    for word in ('root', 'the text', 'leaf', 'leaf text'):
        assert word in shown


@pytest.mark.parametrize('again', [copy.deepcopy, lambda doc: pickle.loads(pickle.dumps(doc))])
def test_copies_are_equal_and_deep(again):
    doc = Document(
        **copy.deepcopy(FULL), chunks=[Document(id='c', text='c')], matches=[Document(id='m')]
    )
    other = again(doc)
    assert type(other) is Document
    assert fields(other) == fields(doc)
    other.tags['a'] = 2
    other.chunks[0].text = 'changed'
    other.scores['s'].value = 7
    other.embedding[0] = 7
    assert (doc.tags['a'], doc.chunks[0].text, doc.scores['s'].value) == (1, 'c', 0.5)
    assert doc.embedding[0] == 1
    assert other.chunks[0].parent_id == other.id


# -- equality and hash -------------------------------------------------------


def test_equality_is_by_content():
    assert Document(id='a', text='x') == Document(id='a', text='x')
    assert Document(id='a', text='x') != Document(id='b', text='x')
    assert Document(id='a', text='x') != Document(id='a', blob=b'x')
    assert Document(text='x') != Document(text='x'), 'the id takes part'
    assert Document(id='a') != 'a'
    assert Document(id='a') != None  # noqa: E711
    assert Document(id='a', text='') == Document(id='a')


@pytest.mark.parametrize('name', ['tensor', 'embedding'])
def test_equality_compares_arrays(name):
    one = Document(id='a', **{name: np.array([1.0, 2.0])})
    assert one == Document(id='a', **{name: np.array([1.0, 2.0])})
    for other in (
        np.array([1.0, 3.0]),
        np.array([1.0]),
        np.array([[1.0, 2.0]]),
        np.zeros(0),
        [1.0, 2.0],
    ):
        assert one != Document(id='a', **{name: other})
    assert one != Document(id='a')


@pytest.mark.parametrize(
    ('name', 'one', 'two'),
    [('tags', {'a': {'b': [1]}}, {'a': {'b': [2]}}), ('location', [1.0], [2.0]),
     ('scores', {'s': NamedScore(value=1.0)}, {'s': NamedScore(value=2.0)}), ('weight', 1.0, 2.0)],
)  # fmt: skip
def test_equality_compares_every_field(name, one, two):
    assert Document(id='a', **{name: one}) == Document(id='a', **{name: copy.deepcopy(one)})
    assert Document(id='a', **{name: one}) != Document(id='a', **{name: two})


@pytest.mark.parametrize('name', ['chunks', 'matches'])
def test_equality_compares_nested_documents(name):
    def nested(text):
        return Document(id='a', **{name: [Document(id='n', text=text)]})

    assert nested('x') == nested('x')
    assert nested('x') != nested('y')


def test_the_hash_follows_equality():
    one = Document(id='a', text='x', weight=1.0)
    two = Document(id='a', weight=1.0)
    two.text = 'x'
    assert one == two
    assert hash(one) == hash(two) == one.content_hash
    assert hash(one) != hash(Document(id='a', text='y', weight=1.0))
    cleared = Document(id='a', text='x', weight=1.0, uri='u')
    cleared.uri = ''
    assert cleared == one
    assert hash(cleared) == hash(one)


def test_the_hash_leaves_arrays_out():
    one = Document(id='a', embedding=np.ones(2), tensor=np.ones(3))
    assert hash(one) == hash(Document(id='a'))


@pytest.mark.parametrize('name', ['tags', 'scores', 'chunks', 'location'])
def test_a_document_with_a_container_has_no_hash(name):
    doc = Document(id='a')
    hash(doc)
    getattr(doc, name)
    with pytest.raises(TypeError):
        hash(doc)


# -- attribute paths ---------------------------------------------------------


@pytest.fixture
def nested():
    return Document(
        id='a', text='x', tags={'x': {'y': 1}, 'e': [0, 1, {'f': 'deep'}], 'none': None},
        scores={'cosine': NamedScore(value=0.5)}, chunks=[Document(id='c', text='chunk')],
        embedding=np.array([1.0, 2.0]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ('path', 'value'),
    [('text', 'x'), ('tags__x__y', 1), ('tags__e__2__f', 'deep'), ('tags__e__1', 1),
     ('scores__cosine__value', 0.5), ('tags__missing', None), ('tags__missing__deeper', None),
     ('tags__x__missing', None), ('tags__none__deeper', None), ('chunks__0__text', 'chunk'),
     ('weight', 0.0), ('id', 'a')],
)  # fmt: skip
def test_paths(nested, path, value):
    assert nested._get_attributes(path) == value


def test_several_paths(nested):
    assert nested._get_attributes('text', 'tags__x__y', 'id') == ['x', 1, 'a']
    assert nested._get_attributes('tags__x') == {'y': 1}


def test_a_path_of_an_unknown_field(nested):
    with refuses(UnknownField, AttributeError, 'texr', "did you mean 'text'"):
        nested._get_attributes('texr')
    with refuses(DocstoreError, AttributeError, 'texr'):
        nested._get_attributes('id', 'texr__x')
