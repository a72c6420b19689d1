"""@docstore.dataclass: an instance becomes a Document, and comes out of it again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple, TypeVar, Union

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import docstore
from docstore import Document, DocumentArray
from docstore.errors import InvalidDocument, InvalidType
from docstore.typing import JSON, URI, Blob, Tabular, Text

pytestmark = pytest.mark.spec('17')

Media = TypeVar('Media')


@docstore.dataclass
class Inner:
    a: Text
    n: int = 3


@docstore.dataclass
class Page:
    title: Text
    price: float
    count: int
    ok: bool
    raw: bytes
    nums: List[int]
    data: Blob
    js: JSON
    link: URI
    texts: List[Text]
    inner: Inner
    inners: List[Inner]
    desc: Text = None  # type: ignore[assignment]
    more: Optional[Text] = None
    words: Iterable[str] | None = None


def page(i: int = 0) -> Page:
    return Page(
        title=f't{i}',
        price=1.5,
        count=2 + i,
        ok=True,
        raw=b'\xff\x00',
        nums=[1, 2],
        data=b'abc',
        js={'a': 1, 'b': [True, 'x', {'c': None}]},
        link='http://example.com/y.png',
        texts=[f'a{i}', f'b{i}', 'c'],
        inner=Inner(f'i{i}', 7),
        inners=[Inner(f'j{i}', 8), Inner(f'k{i}', 9)],
    )


def upper(value: str) -> Document:
    return Document(text=value.upper())


def lower(doc: Document) -> str:
    return doc.text.lower()


def test_the_schema_is_that_of_docarray() -> None:
    # What docarray 0.21 writes for the same class, but for `more` and `words`.
    assert Document(page())._metadata['multi_modal_schema'] == {
        'title': {'attribute_type': 'document', 'type': 'Text', 'position': 0},
        'price': {'attribute_type': 'primitive', 'type': 'float'},
        'count': {'attribute_type': 'primitive', 'type': 'int'},
        'ok': {'attribute_type': 'primitive', 'type': 'bool'},
        'raw': {'attribute_type': 'primitive', 'type': 'bytes'},
        'nums': {'attribute_type': 'iterable_primitive', 'type': 'List[int]'},
        'data': {'attribute_type': 'document', 'type': 'Blob', 'position': 1},
        'js': {'attribute_type': 'document', 'type': 'JSON', 'position': 2},
        'link': {'attribute_type': 'document', 'type': 'URI', 'position': 3},
        'texts': {'attribute_type': 'iterable_document', 'type': 'List[Text]', 'position': 4},
        'inner': {'attribute_type': 'nested', 'type': 'Inner', 'position': 5},
        'inners': {'attribute_type': 'iterable_nested', 'type': 'List[Inner]', 'position': 6},
    }


def test_media_become_chunks_and_primitives_tags() -> None:
    doc = Document(page())
    assert doc.tags == {'price': 1.5, 'count': 2, 'ok': True, 'raw': '/wA=', 'nums': [1, 2]}
    title, data, js, link, texts, inner, inners = doc.chunks
    assert (title.text, title.modality) == ('t0', 'text')
    assert (data.blob, data._metadata) == (b'abc', {'blob_type': 'bytes'})
    assert (js.tags['a'], js.modality) == (1, 'json')
    assert (link.uri, link.mime_type, link.modality) == (
        'http://example.com/y.png',
        'image/png',
        '',
    )
    assert texts.chunks.texts == ['a0', 'b0', 'c']
    assert (inner.tags, inner.chunks[0].text) == ({'n': 7}, 'i0')
    assert [item.tags['n'] for item in inners.chunks] == [8, 9]
    assert {chunk.parent_id for chunk in doc.chunks} == {doc.id}
    assert {chunk.granularity for chunk in doc.chunks} == {1}


def test_there_and_back() -> None:
    assert Page(Document(page(3))) == page(3)


@given(
    title=st.text(),
    price=st.floats(allow_nan=False),
    count=st.integers(-(2**53), 2**53),
    raw=st.binary(),
    nums=st.lists(st.integers(-(2**53), 2**53)),
    js=st.dictionaries(
        st.text(), st.none() | st.booleans() | st.text() | st.lists(st.floats(-1, 1))
    ),
    texts=st.lists(st.text()),
    more=st.none() | st.text(),
    words=st.none() | st.lists(st.text()),
)
def test_there_and_back_for_any_values(**values: Any) -> None:
    made = dataclasses.replace(page(), **values)
    doc = Document(made)
    assert Page(doc) == made
    assert Page(Document.from_bytes(bytes(doc))) == made


@pytest.mark.parametrize('protocol', ['docstore', 'json', 'protobuf', 'pickle'])
def test_survives_every_format(protocol: str) -> None:
    if protocol == 'protobuf':
        pytest.importorskip('google.protobuf')
    doc = Document(page())
    read = Document.from_bytes(doc.to_bytes(protocol), protocol)
    assert read.is_multimodal
    made = Page(read)
    assert made == page()
    # Numbers of a protobuf are floats; the annotation says what they were.
    assert [type(value) for value in (made.count, made.price, made.ok, *made.nums)] == [
        int,
        float,
        bool,
        int,
        int,
    ]


@pytest.mark.parametrize('storage', ['memory', 'sqlite', 'disk'])
def test_survives_every_store(storage: str, tmp_path: Path) -> None:
    config = {'path': str(tmp_path / 'store')} if storage == 'disk' else None
    da = DocumentArray(storage=storage, config=config)
    da.extend(Document(page(i)) for i in range(3))
    assert [Page(doc) for doc in da] == [page(i) for i in range(3)]
    da[1].title = Document(text='other')
    assert [doc.title.text for doc in da] == ['t0', 'other', 't2']
    da[1].texts[0].text = 'deep'
    assert da[1].texts.texts == ['deep', 'b1', 'c']
    da.close()


def test_none_is_left_out() -> None:
    doc = Document(page())
    assert not {'desc', 'more', 'words'} & set(doc._metadata['multi_modal_schema'])
    made = dataclasses.replace(page(), desc='d', more='m', words=['w'])
    schema = Document(made)._metadata['multi_modal_schema']
    assert schema['more'] == {'attribute_type': 'document', 'type': 'Text', 'position': 8}
    assert schema['words'] == {'attribute_type': 'iterable_primitive', 'type': 'List[str]'}
    assert Page(Document(made)) == made


def test_optional_without_a_default_comes_back_as_none() -> None:
    @docstore.dataclass
    class Sheet:
        a: Optional[Text]
        b: int | None
        c: Optional[Inner]

    assert Sheet(Document(Sheet(None, None, None))) == Sheet(None, None, None)
    assert Sheet(Document(Sheet('a', 1, Inner('x')))) == Sheet('a', 1, Inner('x'))


def test_a_class_may_name_itself() -> None:
    @docstore.dataclass
    class Tree:
        name: str
        children: list[Tree] = dataclasses.field(default_factory=list)

    tree = Tree('root', [Tree('a', [Tree('b')]), Tree('c')])
    assert Tree(Document(tree)) == tree
    tree.children.append(tree)
    with pytest.raises(RecursionError, match='contains itself'):
        Document(tree)


def test_a_blob_may_be_a_file_and_a_table_is_one(tmp_path: Path) -> None:
    table = tmp_path / 'table.csv'
    table.write_text('x,y,text\n1,2,hi\n3,4,yo\n', encoding='utf-8')

    @docstore.dataclass
    class Sheet:
        rows: Tabular
        empty: List[Blob]

    doc = Document(Sheet(str(table), []))
    assert doc.rows.modality == 'tabular'
    assert [(row.text, row.tags) for row in doc.rows.chunks] == [
        ('hi', {'x': '1', 'y': '2'}),
        ('yo', {'x': '3', 'y': '4'}),
    ]
    assert Sheet(doc) == Sheet(str(table), [])
    with pytest.raises(FileNotFoundError, match=r'Sheet\.rows'):
        Document(Sheet(str(tmp_path / 'none.csv'), []))


@pytest.mark.parametrize('value', [{'a': 1}, {}, [1, 'x', None], 'text', 3, False])
def test_json_may_be_anything(value: Any) -> None:
    @docstore.dataclass
    class Sheet:
        js: JSON

    assert Sheet(Document.from_bytes(bytes(Document(Sheet(value))))) == Sheet(value)


def test_setter_and_getter() -> None:
    @docstore.dataclass
    class Own:
        one: Media = docstore.field(setter=upper, getter=lower)
        many: List[Media] = docstore.field(setter=upper, getter=lower, default_factory=list)
        text: Text = docstore.field(setter=upper, getter=lower, default='x')
        any: Dict[str, int] = docstore.field(
            setter=lambda value: Document(tags=value), getter=lambda doc: doc.tags, default=None
        )

    made = Own('a', ['b', 'c'], any={'k': 1})
    doc = Document(made)
    assert (doc.one.text, doc.many.texts, doc.any.tags) == ('A', ['B', 'C'], {'k': 1})
    assert doc._metadata['multi_modal_schema']['many'] == {
        'attribute_type': 'iterable_document',
        'type': 'List[Media]',
        'position': 1,
    }
    assert Own(doc) == made


def test_type_var_map() -> None:
    types = {
        Media: lambda source: docstore.field(setter=upper, getter=lower, _source_field=source),
        Text: lambda _: docstore.field(setter=upper, getter=lower),
    }

    @docstore.dataclass(type_var_map=types)
    class Mapped:
        a: Media
        b: List[Media]
        c: Text = 'z'
        d: int = 3

    doc = Document(Mapped('a', ['b']))
    assert (doc.a.text, doc.b.texts, doc.c.text, doc.tags) == ('A', ['B'], 'Z', {'d': 3})
    assert Mapped(doc) == Mapped('a', ['b'])


def test_it_is_a_dataclass_too() -> None:
    @docstore.dataclass(frozen=True, order=True)
    class Frozen:
        a: Text
        b: int = docstore.field(default=2, metadata={'mine': 1})

    assert dataclasses.asdict(Frozen('x')) == {'a': 'x', 'b': 2}
    assert dataclasses.fields(Frozen)[1].metadata['mine'] == 1  # type: ignore[arg-type]
    assert Frozen(Document(Frozen('x', 5))) == Frozen('x', 5) > Frozen('x', 4)  # type: ignore[operator]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Frozen('x').b = 3  # type: ignore[misc]


def test_inheritance() -> None:
    @docstore.dataclass
    class Base:
        a: Text

    @docstore.dataclass
    class Sub(Base):
        b: Text = 'b'

    assert Sub(Document(Sub('x', 'y'))) == Sub('x', 'y')
    assert Sub(Document(Base('x'))) == Sub('x', 'b')
    assert Base(Document(Sub('x', 'y'))) == Base('x')


def test_names_mean_what_they_mean_where_a_base_is_defined() -> None:
    def base() -> type:
        Text = str

        @docstore.dataclass
        class Base:
            a: Text

        return Base

    @docstore.dataclass
    class Sub(base()):  # type: ignore[misc]
        b: Text = 'b'

    doc = Document(Sub('x', 'y'))
    assert (doc.tags, doc.b.text) == ({'a': 'x'}, 'y')
    assert Sub(doc) == Sub('x', 'y')


def test_what_comes_back_is_free_of_the_document() -> None:
    da = DocumentArray([Document(page())], storage='sqlite')
    made = Page(da[0])
    made.js['a'] = made.js['b'][2]['c'] = 'changed'
    made.nums.append(9)
    assert Page(da[0]) == page()
    da.close()


def test_a_class_in_code_that_was_given_to_exec() -> None:
    code = """
from __future__ import annotations
import docstore
from docstore.typing import Text
@docstore.dataclass
class Page:
    title: Text
def local():
    @docstore.dataclass
    class Book:
        first: Page
        name: Text
    return Book
Book = local()
"""
    names: dict[str, Any] = {'__name__': '__main__'}
    exec(code, names)
    made = names['Book'](names['Page']('x'), 'y')
    assert names['Book'](Document(made)) == made


def test_slots() -> None:
    @docstore.dataclass(slots=True)
    class Slim:
        a: Text

    assert Slim(Document(Slim('x'))) == Slim('x')


def test_fields_beside_the_instance() -> None:
    doc = Document(page(), id='p', text='x', tags={'z': 1})
    assert (doc.id, doc.text, doc.tags['z'], doc.tags['count']) == ('p', 'x', 1, 2)
    assert {chunk.parent_id for chunk in doc.chunks} == {'p'}
    assert Page(doc) == page()


@pytest.mark.parametrize(
    'annotation',
    [Dict[str, int], np.ndarray, Union[int, str], Tuple[int, ...], list, set, Set[int], Any,
     object, list[list[int]], dict, Media],
    ids=str,
)  # fmt: skip
def test_an_unsupported_annotation(annotation: Any) -> None:
    made = docstore.dataclass(type('Odd', (), {'__annotations__': {'x': annotation}}))
    with pytest.raises(InvalidType, match=r'Odd\.x: Unsupported type annotation'):
        Document(made(1))


def test_an_annotation_that_is_not_known() -> None:
    made = docstore.dataclass(type('Odd', (), {'__annotations__': {'x': 'Nowhere'}}))
    with pytest.raises(InvalidType, match='Nowhere'):
        Document(made(1))


@pytest.mark.parametrize(
    ('field', 'value', 'message'),
    [
        ('title', 3, r'Page\.title: expected a str, got int'),
        ('link', 3, r'Page\.link: expected a URI'),
        ('data', 3.5, r'Page\.data: expected bytes or a URI'),
        ('price', 'x', r'Page\.price: expected float, got str'),
        ('count', 1.5, r'Page\.count: expected int, got float'),
        ('ok', 'yes', r'Page\.ok: expected bool'),
        ('raw', 'text', r'Page\.raw: expected bytes'),
        ('nums', 'abc', r'Page\.nums: expected a list'),
        ('nums', 3, r'Page\.nums: expected a list'),
        ('nums', [1, 'x'], r'Page\.nums\[1\]: expected int, got str'),
        ('texts', 'abc', r'Page\.texts: expected a list'),
        ('texts', ['a', 3], r'Page\.texts\[1\]: expected a str'),
        ('texts', [None], r'Page\.texts\[0\]: None'),
        ('inner', 'x', r'Page\.inner: expected Inner, got str'),
        ('inners', [Inner('a'), 3], r'Page\.inners\[1\]: expected Inner'),
        ('inners', [Inner(3)], r'Page\.inners\[0\]\.a: expected a str'),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_value_names_its_field(field: str, value: Any, message: str) -> None:
    with pytest.raises(InvalidType, match=message):
        Document(dataclasses.replace(page(), **{field: value}))


def test_numpy_numbers_are_numbers() -> None:
    made = dataclasses.replace(page(), price=np.float32(0.5), count=np.int64(4), ok=np.bool_(True))
    doc = Document(made)
    assert [type(doc.tags[name]) for name in ('price', 'count', 'ok')] == [float, int, bool]
    assert Page(Document.from_json(doc.to_json())) == made


def test_setters_and_getters_that_do_not_work() -> None:
    with pytest.raises(InvalidType, match='setter'):
        docstore.field(setter='x')  # type: ignore[arg-type]

    @docstore.dataclass
    class Wrong:
        a: Media = docstore.field(setter=lambda value: value)

    with pytest.raises(InvalidType, match=r'Wrong\.a: the setter must return a Document, not str'):
        Document(Wrong('x'))

    @docstore.dataclass
    class OneWay:
        a: Media = docstore.field(setter=upper)

    with pytest.raises(InvalidType, match=r'OneWay\.a .*no getter'):
        OneWay(Document(OneWay('x')))

    @docstore.dataclass(type_var_map={Media: lambda _: 3})
    class Mapped:
        a: Media

    with pytest.raises(InvalidType, match='type_var_map'):
        Document(Mapped('x'))


def test_back_from_a_document_that_is_something_else() -> None:
    with pytest.raises(ValueError, match='not a multimodal Document'):
        Page(Document(text='x'))
    with pytest.raises(InvalidDocument, match=r"Page\.title has no default.*no 'title'"):
        Page(Document(Inner('x')))


def forged(**entry: Any) -> Document:
    doc = Document(page())
    doc._metadata['multi_modal_schema']['title'] = entry
    return doc


@pytest.mark.parametrize(
    'doc',
    [
        forged(attribute_type='document', type='Text', position=99),
        forged(attribute_type='document', type='Text', position=-1),
        forged(attribute_type='document', type='Text', position=0.5),
        forged(attribute_type='document', type='Text', position=True),
        forged(attribute_type='document', type='Text', position='0'),
        forged(attribute_type='document', type='Text', position=float('nan')),
        forged(attribute_type='document', type='Text'),
        forged(attribute_type='iterable_document', type='List[Text]', position=0),
        forged(attribute_type='nonsense', position=0),
        forged(attribute_type=['document'], position=0),
        forged(),
    ],
)
def test_a_forged_schema_is_not_followed(doc: Document) -> None:
    with pytest.raises(InvalidDocument, match=f"'title'.*{doc.id}|{doc.id}.*title|title.*{doc.id}"):
        Page(doc)


@pytest.mark.parametrize('schema', [None, 3, 'x', [1], {'title': 3}, {'title': None}])
def test_a_schema_that_is_none(schema: Any) -> None:
    doc = Document(page())
    doc._metadata['multi_modal_schema'] = schema
    with pytest.raises(InvalidDocument):
        Page(doc)
    with pytest.raises((InvalidDocument, AttributeError)):
        doc.title  # noqa: B018


@pytest.mark.parametrize(
    ('name', 'value'),
    [('price', 'x'), ('count', 1.5), ('ok', 'yes'), ('raw', '!'), ('nums', 3), ('nums', ['x'])],
)
def test_tags_that_do_not_fit(name: str, value: Any) -> None:
    doc = Document(page())
    doc.tags[name] = value
    with pytest.raises(InvalidDocument, match=rf'Page\.{name} of the document'):
        Page(doc)
    del doc.tags[name]
    with pytest.raises(InvalidDocument, match=rf'Page\.{name} of the document'):
        Page(doc)


def test_an_instance_is_no_document() -> None:
    with pytest.raises(TypeError):
        DocumentArray([page()])  # type: ignore[list-item]
    values: Iterable[Any] = [page()]
    assert len(DocumentArray(Document(value) for value in values)) == 1


def test_uris_may_be_paths(tmp_path: Path) -> None:
    @docstore.dataclass
    class Sheet:
        link: URI

    assert Sheet(Document(Sheet(tmp_path))) == Sheet(str(tmp_path))
