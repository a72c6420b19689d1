"""Attributes of a multimodal Document: reading, setting, and paths such as '@.[title]'."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest

import docstore
from docstore import Document, DocumentArray
from docstore.errors import InvalidArgument, InvalidDocument, InvalidType, UnknownAttribute
from docstore.typing import Text

pytestmark = pytest.mark.spec('17')


@docstore.dataclass
class Inner:
    a: Text


@docstore.dataclass
class Page:
    title: Text
    price: float
    texts: List[Text]
    inner: Inner
    inners: List[Inner]
    desc: Text = None  # type: ignore[assignment]


def page(i: int) -> Document:
    inners = [Inner(f'j{i}'), Inner(f'k{i}')]
    return Document(Page(f't{i}', 1.5, [f'a{i}', f'b{i}', 'c'], Inner(f'i{i}'), inners))


@pytest.fixture
def doc() -> Any:
    return page(0)


@pytest.fixture(params=['memory', 'sqlite', 'disk'])
def da(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    config = {'path': str(tmp_path / 'store')} if request.param == 'disk' else None
    array = DocumentArray(storage=request.param, config=config)
    array.extend(page(i) for i in range(3))
    yield array
    array.close()


def test_reading(doc: Any) -> None:
    assert doc.title.text == 't0'
    assert doc.texts.texts == ['a0', 'b0', 'c']
    assert doc.inner.a.text == 'i0'
    assert [item.a.text for item in doc.inners] == ['j0', 'k0']
    assert isinstance(doc.texts, DocumentArray)
    assert doc.get_multi_modal_attribute('title').texts == ['t0']
    assert doc.get_multi_modal_attribute('texts').texts == ['a0', 'b0', 'c']


def test_is_multimodal(doc: Any) -> None:
    assert doc.is_multimodal
    assert doc.inner.is_multimodal
    assert not doc.title.is_multimodal
    assert not Document().is_multimodal


def test_a_primitive_is_no_document(doc: Any) -> None:
    # As docarray has it a ValueError, and as Python expects an AttributeError.
    for kind in (ValueError, AttributeError, UnknownAttribute):
        with pytest.raises(kind, match=r"'price' .* primitive.*tags\['price'\]"):
            doc.price  # noqa: B018
    with pytest.raises(UnknownAttribute, match='price'):
        doc.price = 3.0
    assert not hasattr(doc, 'price')


def test_a_name_that_it_has_not(doc: Any) -> None:
    with pytest.raises(AttributeError, match='desc'):
        doc.desc  # noqa: B018
    with pytest.raises(ValueError, match="no attribute 'titel'; did you mean 'title'"):
        doc.get_multi_modal_attribute('titel')
    with pytest.raises(ValueError, match='not multimodal'):
        Document().get_multi_modal_attribute('title')
    with pytest.raises(InvalidDocument, match='not multimodal'):
        Document().set_multi_modal_attribute('title', Document())
    with pytest.raises(AttributeError, match='has no attribute'):
        Document().title  # type: ignore[attr-defined]  # noqa: B018


def test_setting(doc: Any) -> None:
    doc.title = Document(text='new')
    assert (doc.title.text, doc.chunks[0].text) == ('new', 'new')
    assert (doc.title.parent_id, doc.title.granularity) == (doc.id, 1)
    doc.texts = [Document(text='x'), Document(text='y')]
    assert doc.texts.texts == ['x', 'y']
    doc.texts = DocumentArray([Document(text='z')])
    assert doc.texts.texts == ['z']
    doc.set_multi_modal_attribute('texts', Document(text='one'))
    assert doc.texts.texts == ['one']
    doc.set_multi_modal_attribute('title', Document(text='two'))
    made = Page(doc)
    assert (made.title, made.texts) == ('two', ['one'])


@pytest.mark.parametrize('value', ['raw', None, 3, b'x', {'text': 'x'}, [Document(), Document()]])
def test_setting_something_else(doc: Any, value: Any) -> None:
    with pytest.raises(InvalidType, match=f"'title' of the document '{doc.id}'"):
        doc.title = value
    assert doc.title.text == 't0'
    with pytest.raises(InvalidType, match="'texts'"):
        doc.texts = ['raw'] if isinstance(value, list) else value
    assert doc.texts.texts == ['a0', 'b0', 'c']


def test_other_attributes_of_a_document_are_as_before(doc: Any) -> None:
    doc.mine = 3
    assert doc.mine == 3
    doc.text = 'own'
    assert doc.text == 'own'
    with pytest.raises(AttributeError):
        Document().nothing  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(Document(), '__array__')


@pytest.mark.parametrize(
    ('path', 'texts'),
    [
        # What docarray 0.21 gives for them.
        ('@.[title]', ['t0', 't1', 't2']),
        ('@.[title,texts]', ['t0', 'a0', 'b0', 'c', 't1', 'a1', 'b1', 'c', 't2', 'a2', 'b2', 'c']),
        ('@.[texts]', ['a0', 'b0', 'c', 'a1', 'b1', 'c', 'a2', 'b2', 'c']),
        ('@.[texts][:1]', ['a0', 'a1', 'a2']),
        ('@.[title][:1]', ['t0', 't1', 't2']),
        ('@.[texts]1', ['b0', 'b1', 'b2']),
        ('@.[texts]:2', ['a0', 'b0', 'a1', 'b1', 'a2', 'b2']),
        ('@.[texts][-1:]', ['c', 'c', 'c']),
        ('@.[inner].[a]', ['i0', 'i1', 'i2']),
        ('@.[inners].[a]', ['j0', 'k0', 'j1', 'k1', 'j2', 'k2']),
        ('@.[inners][1:].[a]', ['k0', 'k1', 'k2']),
        ('@r[:2].[title]', ['t0', 't1']),
        ('@r:2.[title]', ['t0', 't1']),
        ('@.[title],.[inner].[a]', ['t0', 't1', 't2', 'i0', 'i1', 'i2']),
        ('@.[ title , texts ][:1]', ['t0', 'a0', 't1', 'a1', 't2', 'a2']),
        ('@.[inners]c', ['j0', 'k0', 'j1', 'k1', 'j2', 'k2']),
        ('@.[inner]c', ['i0', 'i1', 'i2']),
    ],
)
@pytest.mark.spec('8')
def test_paths(da: DocumentArray, path: str, texts: list[str]) -> None:
    assert da[path].texts == texts


@pytest.mark.spec('8')
def test_one_group_for_each_parent_and_attribute(da: DocumentArray) -> None:
    groups = [group.texts for group in da.traverse('.[title,texts]')]
    assert groups == [
        [f't{i}'] if j == 0 else [f'a{i}', f'b{i}', 'c'] for i in range(3) for j in (0, 1)
    ]


@pytest.mark.parametrize('path', ['@.[zzz]', '@.[price]', '@.[desc]', '@c.[a]'])
@pytest.mark.spec('8')
def test_paths_to_nothing(da: DocumentArray, path: str) -> None:
    with pytest.raises(ValueError):
        da[path]


@pytest.mark.parametrize('path', ['@.title', '@.[]', '@.[a', '@.[a]]', '@.[a,]', '@.[[a]]', '@.'])
@pytest.mark.spec('8')
def test_paths_that_are_none(da: DocumentArray, path: str) -> None:
    with pytest.raises(InvalidArgument, match='is not a path'):
        da[path]


@pytest.mark.spec('8')
def test_a_long_path_is_read_in_one_go() -> None:
    array = DocumentArray([page(0)])
    many = ','.join(['.[title,texts]'] * 2000)
    assert len(array['@' + many]) == 8000
    for wrong in (',' * 50_000, '.[' * 20_000, '[' + ',' * 50_000, '.[a,' * 20_000):
        with pytest.raises(InvalidArgument):
            array['@' + wrong]


def test_a_path_in_an_array_with_others(da: DocumentArray) -> None:
    da.append(Document(id='plain'))
    with pytest.raises(ValueError, match="'plain' is not multimodal"):
        da['@.[title]']


def test_what_is_set_through_a_path_is_kept(da: DocumentArray) -> None:
    da['@.[title]', 'text'] = ['x', 'y', 'z']
    da['@.[inners].[a]', 'weight'] = 2.0
    assert [doc.title.text for doc in da] == ['x', 'y', 'z']
    assert [item.a.weight for doc in da for item in doc.inners] == [2.0] * 6
    new = [Document(item, copy=True) for item in da['@.[texts][:1]']]
    for item in new:
        item.text = 'first'
    da['@.[texts][:1]'] = new
    assert da['@.[texts]'].texts[:3] == ['first', 'b0', 'c']


def test_a_stored_document_is_set(da: DocumentArray) -> None:
    da[1].inner = Document(Inner('changed'))
    da[2].texts = [Document(text='only')]
    assert da[1].inner.a.text == 'changed'
    assert da['@.[texts]'].texts == ['a0', 'b0', 'c', 'a1', 'b1', 'c', 'only']


def test_a_forged_position_is_not_followed(da: DocumentArray) -> None:
    da[1]._metadata['multi_modal_schema']['title']['position'] = 10**9
    with pytest.raises(InvalidDocument, match=r"'title'.*1000000000, of 4 chunks"):
        da['@.[title]']
    with pytest.raises(InvalidDocument):
        da[1].title = Document()


@pytest.mark.parametrize('protocol', ['json', 'protobuf', 'pickle'])
def test_after_a_format(doc: Any, protocol: str) -> None:
    if protocol == 'protobuf':
        pytest.importorskip('google.protobuf')
    read: Any = Document.from_bytes(doc.to_bytes(protocol), protocol)
    assert read.is_multimodal
    assert (read.title.text, read.texts.texts, read.inner.a.text) == ('t0', ['a0', 'b0', 'c'], 'i0')
