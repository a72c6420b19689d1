"""Pydantic models become Documents, and come out of them again."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import docstore
from docstore import Document, DocumentArray
from docstore.errors import EncodeError, InvalidDocument, InvalidType
from docstore.models import Embedding, Tensor, Vector
from docstore.typing import Text

pydantic = pytest.importorskip('pydantic')

BaseModel = pydantic.BaseModel
Field = pydantic.Field


class Colour(enum.Enum):
    RED = 'red'
    BLUE = 'blue'


class Person(BaseModel):
    name: str
    born: dt.date | None = None
    face: Tensor | None = None


class Book(BaseModel):
    id: str
    text: str
    price: decimal.Decimal
    stars: Union[int, str]
    colour: Colour
    when: dt.datetime
    key: uuid.UUID
    raw: bytes
    ratio: float
    flags: set[int]
    by_year: dict[int, str]
    pair: tuple[int, str]
    author: Person
    others: list[Person]
    editor: Person | None = None
    vector: Embedding
    body: Embedding | None = None
    extra: Any = None


people = st.builds(
    Person,
    name=st.text(),
    born=st.none() | st.dates(),
    face=st.none() | st.just(np.arange(6, dtype=np.uint8).reshape(2, 3)),
)
vectors = st.sampled_from([
    np.ones(3, np.float32), np.zeros((2, 2)), np.array([1, 2], np.int8), np.zeros(0, np.float16)
])  # fmt: skip
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
books = st.builds(
    Book,
    id=st.text(),
    text=st.text(),
    price=st.decimals(allow_nan=False, allow_infinity=False),
    stars=st.integers(-(2**53), 2**53) | st.text(),
    colour=st.sampled_from(Colour),
    when=st.datetimes(timezones=st.sampled_from([dt.timezone.utc])),
    key=st.uuids(),
    raw=st.binary(),
    ratio=st.floats(),
    flags=st.sets(st.integers(-(2**53), 2**53)),
    by_year=st.dictionaries(st.integers(0, 3000), st.text()),
    pair=st.tuples(st.integers(0, 9), st.text()),
    author=people,
    others=st.lists(people, max_size=2),
    editor=st.none() | people,
    vector=vectors,
    body=st.none() | vectors,
    extra=plain,
)


def book(**values: Any) -> Book:
    given: dict[str, Any] = {
        'id': 'b1', 'text': 'once', 'price': '9.90', 'stars': 5, 'colour': 'red',
        'when': '2020-01-02T03:04:05Z', 'key': uuid.UUID(int=7), 'raw': b'\xff', 'ratio': 0.5,
        'flags': {1}, 'by_year': {1999: 'x'}, 'pair': (1, 'p'), 'author': Person(name='Ann'),
        'others': [Person(name='Bo'), Person(name='Cy')], 'vector': np.ones(3, np.float32),
    }  # fmt: skip
    return Book(**{**given, **values})


def alike(left: Any, right: Any) -> bool:
    """Equality that tells types apart, looks into arrays, and has NaN equal to itself."""
    if type(left) is not type(right):
        return False
    if isinstance(left, BaseModel):
        return alike(dict(left), dict(right))
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right)
    if isinstance(left, Mapping):
        return left.keys() == right.keys() and all(alike(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, float) and math.isnan(left):
        return math.isnan(right)
    return bool(left == right)


@given(books)
def test_there_and_back(made: Book) -> None:
    doc = Document.from_model(made)
    assert alike(doc.to_model(Book), made)
    # Through our own format, too: nothing of it is only in memory.
    assert alike(Document.from_bytes(bytes(doc)).to_model(Book), made)


def test_where_the_fields_are() -> None:
    doc = Document.from_model(book(body=np.zeros(2)))
    assert (doc.id, doc.text) == ('b1', 'once')
    assert doc.embedding.dtype == np.float32
    assert doc.tags['price'] == '9.90'
    assert doc.tags['colour'] == 'red'
    assert doc.tags['by_year'] == {'1999': 'x'}
    assert doc.tags['editor'] is None
    assert doc.get_multi_modal_attribute('author')[0].tags['name'] == 'Ann'
    assert [person.tags['name'] for person in doc.get_multi_modal_attribute('others')] == [
        'Bo',
        'Cy',
    ]
    # A Document has one embedding: the second is that of a chunk.
    assert doc.get_multi_modal_attribute('body')[0].embedding.tolist() == [0, 0]


@pytest.mark.parametrize('storage', ['memory', 'sqlite', 'disk'])
def test_arrays_of_them(storage: str, tmp_path: Path) -> None:
    config = {'path': str(tmp_path / 'store')} if storage == 'disk' else None
    books = [book(id=f'b{i}', vector=np.eye(3, dtype=np.float32)[i], stars=i) for i in range(3)]
    da = DocumentArray.from_models(books, storage=storage, config=config)
    assert da.storage == storage
    assert alike(da.to_models(Book), books)
    hits = da.find(np.array([0, 1, 0.1], np.float32), limit=1, filter={'tags__stars': {'$gt': 0}})
    assert alike(hits[0].to_model(Book), books[1])
    assert da['@.[others][:1]', 'tags__name'] == ['Bo'] * 3
    da.close()


def test_an_int_id_is_the_id_of_the_document_too() -> None:
    class Row(BaseModel):
        id: int

    doc = Document.from_model(Row(id=7))
    assert doc.id == '7'
    assert doc.to_model(Row) == Row(id=7)


def test_content_has_room_for_one() -> None:
    class Post(BaseModel):
        text: str
        blob: bytes
        picture: Tensor
        uri: str = 'x.png'

    made = Post(text='hello', blob=b'\x00\xff', picture=np.eye(2))
    doc = Document.from_model(made)
    assert (doc.content_type, doc.text, doc.uri) == ('text', 'hello', 'x.png')
    assert doc.get_multi_modal_attribute('picture').tensors.shape == (1, 2, 2)
    assert alike(doc.to_model(Post), made)


def test_a_document_that_was_made_by_hand() -> None:
    class Item(BaseModel):
        text: str
        price: float
        vector: Embedding | None = None
        name: str = 'none'

    doc = Document(text='x', tags={'price': 3}, embedding=[1.0, 2.0])
    made = doc.to_model(Item)
    assert (made.text, made.price, made.name) == ('x', 3.0, 'none')
    assert made.vector.tolist() == [1.0, 2.0]
    with pytest.raises(InvalidDocument, match=r'Item of the document .*price: Field required'):
        Document(text='x').to_model(Item)


def test_numbers_of_a_protobuf() -> None:
    pytest.importorskip('google.protobuf')
    made = book(stars='5', extra=[1.5, 'x', None])
    doc = Document.from_bytes(Document.from_model(made).to_bytes('protobuf'), 'protobuf')
    assert alike(doc.to_model(Book), made)


def test_a_dataclass_too() -> None:
    @docstore.dataclass
    class Page:
        title: Text
        stars: int

    doc = Document.from_model(Page('x', 3))
    assert doc.to_model(Page) == Page('x', 3)
    assert DocumentArray.from_models([Page('x', 3)]).to_models(Page) == [Page('x', 3)]


def test_aliases_extras_and_root_models() -> None:
    class Loose(BaseModel):
        model_config = pydantic.ConfigDict(extra='allow', strict=True, frozen=True)

        when: dt.date = Field(alias='date')
        text: str = Field(alias='body', max_length=5)
        both: int = Field(validation_alias=pydantic.AliasChoices('b1', 'b2'))

    made = Loose(date=dt.date(2020, 1, 2), body='hello', b2=4, more={'x': [1]})
    assert Document.from_model(made).to_model(Loose) == made

    class Bare(BaseModel):
        items: list
        rows: list[list[int]]
        positive: int = Field(gt=0)

    bare = Bare(items=[1, 'x'], rows=[[1], []], positive=3)
    assert Document.from_model(bare).to_model(Bare) == bare

    class Names(pydantic.RootModel[list[str]]):
        pass

    assert Document.from_model(Names(['a', 'b'])).to_model(Names) == Names(['a', 'b'])

    class Deep(BaseModel):
        x: int = Field(validation_alias=pydantic.AliasPath('a', 0))

    with pytest.raises(InvalidType, match=r'Deep\.x.*AliasPath'):
        Document.from_model(Deep.model_validate({'a': [1]}))


def test_a_model_that_names_itself() -> None:
    class Tree(BaseModel):
        name: str
        children: list[Tree] = Field(default_factory=list)

    tree = Tree(name='a', children=[Tree(name='b', children=[Tree(name='c')])])
    assert Document.from_model(tree).to_model(Tree) == tree
    tree.children.append(tree)
    with pytest.raises(RecursionError, match='contains itself'):
        Document.from_model(tree)


class Employee(Person):
    salary: int = 0


class Either(BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)

    value: Any = None
    array: np.ndarray | None = None
    secret: pydantic.SecretStr | None = None
    when: Union[dt.date, str, None] = None


@pytest.mark.parametrize(
    ('made', 'message'),
    [
        (lambda: Either(value=dt.date(2020, 1, 1)), r'Either\.value.*come back'),
        (lambda: Either(value={1: 2}), r'Either\.value'),
        (lambda: Either(value=object()), r'Either\.value'),
        (lambda: Either(array=np.ones(2)), r'Either\.array.*mark it with docstore\.models'),
        (lambda: Either(secret='password'), r'Either\.secret'),
        (lambda: Either(when='2020-01-01'), r'Either\.when.*come back'),
        (lambda: book(author=Employee(name='E')), r'Book\.author: expected exactly Person'),
        (lambda: book(others=[Person(name='x'), Employee(name='E')]), r'Book\.others\[1\]'),
        (lambda: Book.model_construct(**{**dict(book()), 'vector': [1]}), r'Book\.vector.*array'),
        (lambda: Book.model_construct(**{**dict(book()), 'others': 'x'}), r'Book\.others.*list'),
    ],
)  # fmt: skip
def test_what_would_not_come_back_is_refused(made: Any, message: str) -> None:
    with pytest.raises(EncodeError, match=message):
        Document.from_model(made())


@pytest.mark.parametrize('value', [None, 3, {'a': 1}, Person, 'x'])
def test_what_is_no_model(value: Any) -> None:
    with pytest.raises(InvalidType):
        Document.from_model(value)
    with pytest.raises(InvalidType):
        Document().to_model(value if value is not Person else int)


def changed(name: str, **entry: Any) -> Document:
    doc = Document.from_model(book())
    doc._metadata['multi_modal_schema'][name] = entry
    return doc


def without(**tags: Any) -> Document:
    doc = Document.from_model(book())
    for name, value in tags.items():
        if value is None:
            del doc.tags[name]
        else:
            doc.tags[name] = value
    return doc


@pytest.mark.parametrize(
    ('doc', 'message'),
    [
        (changed('author', attribute_type='nested', position=99), 'author'),
        (changed('author', attribute_type='iterable_nested', position=1), 'author'),
        (changed('others', attribute_type='nested', position=0), 'others'),
        (changed('author', attribute_type='document', position=0), 'author'),
        (changed('price', attribute_type='nested', position=0), 'price'),
        (changed('price', attribute_type='field', type='text'), 'price'),
        (changed('text', attribute_type='field', type='_data'), 'text'),
        (changed('text', attribute_type='field', type=['text']), 'text'),
        (changed('text', attribute_type='field', type='id'), 'text'),
        (changed('vector', attribute_type='field', type='tensor'), 'vector'),
        (changed('text', attribute_type='primitive'), 'text'),
        (changed('text', attribute_type='what'), 'text'),
        (without(price=None), 'price'),
        (without(price='x'), 'price'),
        (without(when=3.5j), 'when'),
        (without(stars=[1]), 'stars'),
    ],
)
def test_documents_that_cannot_be_right(doc: Document, message: str) -> None:
    with pytest.raises(InvalidDocument, match=message) as caught:
        doc.to_model(Book)
    assert 'b1' in str(caught.value) or 'document' in str(caught.value)


def test_the_mark_of_an_array() -> None:
    class Item(BaseModel):
        vector: Embedding

    assert Item(vector=[1, 2]).vector.tolist() == [1, 2]
    array = np.ones(2)
    assert Item(vector=array).vector is array
    assert Item.model_validate_json('{"vector": [1.5]}').vector.tolist() == [1.5]
    assert Item(vector=array).model_dump_json() == '{"vector":[1.0,1.0]}'
    assert Item.model_json_schema()['properties']['vector']['type'] == 'array'
    for wrong in ('x', [[1], [1, 2]], ['x'], None, {'a': 1}):
        with pytest.raises(pydantic.ValidationError):
            Item(vector=wrong)
    assert Vector('tensor').field == 'tensor'
