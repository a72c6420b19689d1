"""Each line of the tables of indexes, and of the list API, on every store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore import Document, DocumentArray

CONFIGS = {
    'memory': lambda path: None,
    'sqlite': lambda path: {'connection': str(path / 'x.db'), 'table_name': 'docs'},
    'disk': lambda path: {'path': str(path / 'store')},
}


def make() -> list[Document]:
    return [
        Document(
            id=name,
            text=f'text {name}',
            tags={'n': n},
            embedding=np.full(2, n, np.float32),
            chunks=[Document(id=f'{name}0', text='c0'), Document(id=f'{name}1', tags={'x': n})],
        )
        for n, name in enumerate('abcd')
    ]


@pytest.fixture(params=CONFIGS)
def da(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    config = CONFIGS[request.param](tmp_path)
    array = DocumentArray(make(), storage=request.param, config=config)
    yield array
    array.close()


def ids(docs: Any) -> list[str]:
    return [doc.id for doc in docs]


CHOSEN = [
    (slice(1, 3), 'bc'), (slice(None, None, -1), 'dcba'), ([0, 3], 'ad'), ([3, 0, 3], 'dad'),
    (['d', 'a'], 'da'), (('d', 'a', 'b'), 'dab'), ([True, False, True], 'ac'), ([], ''),
    ([False] * 4, ''), (np.array([1, -1]), 'bd'), (np.array([[2]]), 'c'), ((0, 2), 'ac'),
    (np.array([True, False, False, True]), 'ad'), (('b', 'c'), 'bc'), ((0, 1, 2), 'abc'),
]  # fmt: skip
DELETED = [case for case in CHOSEN if len(set(case[1])) == len(case[1])]


@pytest.mark.spec('6')
@pytest.mark.parametrize(('key', 'name'), [(0, 'a'), (-1, 'd'), (np.int8(2), 'c'), ('b', 'b')])
def test_get_one(da: DocumentArray, key: Any, name: str) -> None:
    assert isinstance(da[key], Document)
    assert da[key].id == name
    assert da[key, 'text'] == f'text {name}'
    assert da[key, 'tags__n'] == 'abcd'.index(name)


@pytest.mark.spec('6')
@pytest.mark.parametrize(('key', 'names'), CHOSEN)
def test_get_many(da: DocumentArray, key: Any, names: str) -> None:
    assert isinstance(da[key], DocumentArray)
    assert ids(da[key]) == list(names)
    if not isinstance(key, tuple):
        assert da[key, 'text'] == [f'text {name}' for name in names]
        tags, found = da[key, ['tags__n', 'id']]
        assert (tags, found) == (['abcd'.index(name) for name in names], list(names))


@pytest.mark.spec('6')
@pytest.mark.parametrize(
    ('key', 'error'),
    [(4, IndexError), (-5, IndexError), (True, IndexError), (1.0, IndexError), (None, IndexError),
     ('z', KeyError), (['a', 'z'], KeyError), ([0, 9], IndexError), (b'a', IndexError),
     (np.zeros((2, 2), int), IndexError), ((0, ['text', 'id']), IndexError),
     ('@z', ValueError), ((slice(None), 'nope'), AttributeError), ((0, 'nope'), AttributeError)],
)  # fmt: skip
def test_get_what_is_not_there(da: DocumentArray, key: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        da[key]


@pytest.mark.spec('6')
def test_get_nested(da: DocumentArray) -> None:
    assert ids(da[...]) == [f'{n}{s}' for n in 'abcd' for s in ('0', '1', '')]
    assert ids(da['@c[0]']) == [f'{n}0' for n in 'abcd']
    assert da['@c', 'tags__x'] == [None, 0, None, 1, None, 2, None, 3]
    assert da[..., 'text'][:3] == ['c0', '', 'text a']
    assert da['@m', 'text'] == []
    np.testing.assert_array_equal(da[:, 'embedding'], [[n, n] for n in range(4)])
    vectors, names = da[[0, 2], ['embedding', 'id']]
    np.testing.assert_array_equal(vectors, [[0, 0], [2, 2]])
    assert names == ['a', 'c']


@pytest.mark.spec('6')
def test_an_id_that_is_the_name_of_a_field(da: DocumentArray) -> None:
    da.append(Document(id='text'))
    assert ids(da['a', 'text']) == ['a', 'text']
    assert da[0, 'text'] == 'text a'


@pytest.mark.spec('6')
@pytest.mark.parametrize('key', [1, -3, 'b', np.int64(1)])
def test_set_one(da: DocumentArray, key: Any) -> None:
    da[key] = Document(id='new', text='x')
    assert ids(da) == ['a', 'new', 'c', 'd']
    assert da['new'].text == 'x'
    assert 'b' not in da
    with pytest.raises(KeyError):
        da['b'] = Document()


@pytest.mark.spec('6')
@pytest.mark.parametrize(
    ('key', 'names'),
    [(slice(0, 2), 'xycd'), (slice(2, None), 'abxy'), ([True, False, True], 'xbyd'),
     ([3, 0], 'ybcx'), (['c', 'a'], 'ybxd'), (('c', 'a'), 'ybxd'), ((0, 1), 'xycd'),
     (np.array([1, 2]), 'axyd')],
)  # fmt: skip
def test_set_many(da: DocumentArray, key: Any, names: str) -> None:
    da[key] = [Document(id='x'), Document(id='y')]
    assert ids(da) == list(names)


@pytest.mark.spec('6')
@pytest.mark.parametrize(
    ('key', 'value', 'error'),
    [(slice(None), 3, TypeError), (slice(None), Document(), TypeError), ([0, 1], None, TypeError),
     ([True, True], [Document()], ValueError), (..., [Document()], ValueError),
     ('@c', [Document()], ValueError), ('@c', [Document() for _ in range(8)], ValueError),
     ((0, 'nope'), 1, IndexError), ((0, 'id'), None, ValueError), ('z', Document(), KeyError),
     ((slice(None), 'embedding'), np.zeros((3, 2)), ValueError), (9, Document(), IndexError)],
)  # fmt: skip
def test_set_what_cannot_be(
    da: DocumentArray, key: Any, value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        da[key] = value
    assert ids(da[...]) == [f'{n}{s}' for n in 'abcd' for s in ('0', '1', '')]
    assert da.texts == [f'text {n}' for n in 'abcd']


@pytest.mark.spec('6')
def test_set_attributes(da: DocumentArray) -> None:
    da[1, 'text'] = 'one'
    da['c', ['text', 'weight']] = ['two', 2.0]
    assert da[:, ['text', 'weight']] == [
        ['text a', 'one', 'two', 'text d'], [0.0, 0.0, 2.0, 0.0],
    ]  # fmt: skip
    da[[0, 3], 'text'] = 'same'
    da[:2, 'weight'] = (5.0, 6.0)
    da[[True, False, True], ['uri', 'modality']] = [['u', 'v'], 'm']
    assert da[:, ['text', 'weight', 'uri', 'modality']] == [
        ['same', 'one', 'two', 'same'], [5.0, 6.0, 2.0, 0.0], ['u', '', 'v', ''],
        ['m', '', 'm', ''],
    ]  # fmt: skip
    da[..., 'weight'] = 1.0
    da['@c', 'text'] = ['x'] * 3
    assert da['@c', ['text', 'weight']] == [
        ['x', 'x', 'x', '', 'c0', '', 'c0', ''], [1.0] * 8,
    ]  # fmt: skip


@pytest.mark.spec('6')
@pytest.mark.parametrize(
    ('key', 'names'),
    [(0, 'a'), (-1, 'd'), (np.int64(1), 'b'), ('c', 'c'), (..., 'abcd'), *DELETED],
)
def test_delete(da: DocumentArray, key: Any, names: str) -> None:
    del da[key]
    assert ids(da) == [name for name in 'abcd' if name not in names]


@pytest.mark.spec('6')
@pytest.mark.parametrize(
    ('key', 'error'),
    [(9, IndexError), ('z', KeyError), (None, IndexError), (1.5, IndexError), ({0}, IndexError),
     ('@c', NotImplementedError), (['a', 'z'], KeyError), (np.zeros((2, 2), int), IndexError),
     ((0, 'id'), ValueError)],
)  # fmt: skip
def test_delete_what_cannot_be(da: DocumentArray, key: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        del da[key]
    assert ids(da) == list('abcd')


@pytest.mark.spec('6')
def test_delete_attributes(da: DocumentArray) -> None:
    del da['a', 'text']
    del da[1, 'tags']
    del da[2:, ['text', 'tags', 'embedding']]
    assert [doc.non_empty_fields for doc in da] == [
        ('id', 'tags', 'embedding', 'chunks'), ('id', 'text', 'embedding', 'chunks'),
        ('id', 'chunks'), ('id', 'chunks'),
    ]  # fmt: skip
    del da['@c', 'text']
    del da[..., 'tags']
    assert da[..., ['text', 'tags']] == [[''] * 5 + ['text b'] + [''] * 6, [{}] * 12]
    del da[:, 'chunks']
    assert len(da['@c']) == 0


@pytest.mark.spec('5')
def test_list_api(da: DocumentArray) -> None:
    da.append(Document(id='e'))
    da.extend(Document(id=name) for name in 'fg')
    da.insert(0, Document(id='_'))
    assert (da.pop().id, da.pop(0).id) == ('g', '_')
    da.remove(da['e'])
    with pytest.raises(ValueError):
        da.remove(Document(id='e'))
    assert (da.index(da[2]), da.count(da[2]), da.count(Document())) == (2, 1, 0)
    with pytest.raises(ValueError):
        da.index(Document())
    da.reverse()
    assert (ids(da), ids(reversed(da))) == (list('fdcba'), list('abcdf'))
    assert ('a' in da, Document(id='a') in da, 'z' in da, 3 in da) == (True, True, False, False)
    more = [Document(id='h')]
    joined = da + more
    assert (ids(joined), len(da), joined.storage) == (list('fdcbah'), 5, 'memory')
    same = da
    da += more
    assert same is da
    for bad in (lambda: da + Document(), lambda: da.extend(Document())):
        with pytest.raises(TypeError):
            bad()
    assert [doc.id for doc in sorted(da, key=lambda doc: doc.id)] == list('abcdfh')
    assert da != list(da)
    assert not hasattr(da, 'sort')
    da.clear()
    assert (len(da), bool(da), list(da)) == (0, False, [])


@pytest.mark.spec('4')
def test_what_an_array_is_made_of() -> None:
    docs = [Document(id=name) for name in 'ab']
    assert len(DocumentArray()) == 0
    assert ids(DocumentArray(docs[0])) == ['a']
    for made in (docs, tuple(docs), iter(docs), (doc for doc in docs)):
        assert [doc is own for doc, own in zip(DocumentArray(made), docs, strict=True)] == [
            True
        ] * 2
    first = DocumentArray(docs)
    shared, copied = DocumentArray(first), DocumentArray(first, copy=True)
    first.append(Document(id='c'))
    assert (ids(shared), ids(copied)) == (['a', 'b', 'c'], ['a', 'b'])
    assert copied[0] is not docs[0]
    with pytest.raises(ValueError, match=r'storage=.* is not supported'):
        DocumentArray(storage='nowhere')
