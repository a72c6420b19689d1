"""Words, vocabularies and word numbers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore import Document, DocumentArray
from docstore.errors import DocstoreError
from docstore.media.texts import number_words, to_numbers, to_text, words

VOCAB = {'hello': 2, 'world': 3}

pytestmark = pytest.mark.spec('2.8')


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('Hello, World!', ['hello', 'world']),
        ("it's a\ttest\r\nfoo-bar", ["it's", 'a', 'test', 'foo', 'bar']),
        ('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~', []),
        ('“x” — 你好,世界', ['“x”', '—', '你好', '世界']),
        ('', []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_vocabulary_counts_words() -> None:
    doc = Document(text='Well, well! So', tags={'title': 'So what'})
    assert doc.get_vocabulary() == Counter({'well': 2, 'so': 1})
    assert doc.get_vocabulary(('text', 'tags__title', 'tags__missing'))['so'] == 2
    assert isinstance(doc.get_vocabulary(), Counter)


def test_a_vocabulary_is_made_of_texts_only() -> None:
    with pytest.raises(TypeError, match='weight of document'):
        Document(text='a', weight=3.0).get_vocabulary(('text', 'weight'))


@pytest.mark.spec('12')
@pytest.mark.parametrize('storage', ['memory', 'sqlite', 'disk'])
def test_an_array_numbers_words_in_their_order(storage: str, tmp_path: Path) -> None:
    config = {'sqlite': {'connection': str(tmp_path / 'x.db')}, 'disk': {'path': tmp_path / 'x'}}
    docs = [Document(text='b a'), Document(text='B c'), Document(text='b, b', tags={'t': 'z'})]
    da = DocumentArray(docs, storage=storage, config=config.get(storage))
    assert da.get_vocabulary() == {'b': 2, 'a': 3, 'c': 4}
    assert list(da.get_vocabulary()) == ['b', 'a', 'c']
    assert da.get_vocabulary(min_freq=2) == {'b': 2}
    assert da.get_vocabulary(text_attrs=('tags__t',)) == {'z': 2}
    da.close()


@pytest.mark.spec('12')
def test_an_array_says_what_is_no_text() -> None:
    da = DocumentArray([Document(text='a'), Document(id='x', text='b', tags={'n': 3})])
    with pytest.raises(TypeError, match="tags__n of document 'x'"):
        da.get_vocabulary(text_attrs=('text', 'tags__n'))
    with pytest.raises(AttributeError):
        da.get_vocabulary(text_attrs=('no_such_field',))
    assert da.get_vocabulary(text_attrs=()) == {}


def test_an_empty_array_has_no_words() -> None:
    assert DocumentArray().get_vocabulary() == {}


@pytest.mark.parametrize(
    ('text', 'max_length', 'expected'),
    [
        ('Hello, world! foo', None, [2, 3, 1]),
        ('hello world foo', 2, [3, 1]),
        ('hello world foo', 5, [0, 0, 2, 3, 1]),
        ('', None, []),
        ('', 3, [0, 0, 0]),
    ],
)
def test_text_to_numbers(text: str, max_length: int | None, expected: list[int]) -> None:
    doc = Document(text=text)
    assert doc.convert_text_to_tensor(VOCAB, max_length=max_length) is doc
    assert doc.tensor.tolist() == expected
    assert doc.tensor.dtype == np.int64
    assert doc.text == ''


def test_numbers_of_another_type() -> None:
    tensor = Document(text='hello').convert_text_to_tensor(VOCAB, 2, 'float32').tensor
    assert tensor.dtype == np.float32
    assert tensor.tolist() == [0, 2]


@pytest.mark.parametrize(
    ('arguments', 'builtin'),
    [
        ({'vocab': VOCAB, 'max_length': 0}, ValueError),
        ({'vocab': VOCAB, 'max_length': -1}, ValueError),
        ({'vocab': VOCAB, 'max_length': 2.5}, TypeError),
        ({'vocab': VOCAB, 'dtype': 'no such'}, ValueError),
        ({'vocab': VOCAB, 'dtype': 'object'}, ValueError),
        ({'vocab': {'hello': 300}, 'dtype': 'uint8'}, ValueError),
        ({'vocab': {'hello': 'x'}}, ValueError),
        ({'vocab': {'hello': 1 << 80}}, ValueError),
        ({'vocab': ['hello']}, TypeError),
    ],
)
def test_text_to_numbers_refuses(
    arguments: dict[str, Any], builtin: type[Exception], refused: Any
) -> None:
    refused(Document(text='hello'), builtin, 'convert_text_to_tensor', **arguments)


@pytest.mark.parametrize('vocab', [VOCAB, {2: 'hello', 3: 'world'}])
def test_numbers_to_text(vocab: Any) -> None:
    doc = Document(tensor=np.array([0, 0, 2, 9, 3, 1]))
    assert doc.convert_tensor_to_text(vocab) is doc
    assert doc.text == 'hello <UNK> world <UNK>'
    assert doc.tensor is None
    assert (
        Document(tensor=[2, 3]).convert_tensor_to_text(vocab, delimiter='-').text == 'hello-world'
    )


@pytest.mark.parametrize(
    ('tensor', 'vocab', 'builtin'),
    [
        (None, VOCAB, ValueError),
        (np.zeros((2, 2)), VOCAB, ValueError),
        (np.array([1.5]), VOCAB, ValueError),
        (np.array([float('nan')]), VOCAB, ValueError),
        (np.array(['x']), VOCAB, TypeError),
        (np.array([2]), {'a': 'b'}, TypeError),
        (np.array([2]), ['a'], TypeError),
    ],
)
def test_numbers_to_text_refuses(
    tensor: Any, vocab: Any, builtin: type[Exception], refused: Any
) -> None:
    refused(Document(tensor=tensor), builtin, 'convert_tensor_to_text', vocab)


@given(st.lists(st.text(st.characters(codec='utf-8'), max_size=8), max_size=8), st.integers(1, 12))
def test_text_and_numbers_are_inverse(parts: list[str], length: int) -> None:
    text = ' '.join(parts)
    counts = Counter(words(text))
    vocab = number_words(counts)
    assert to_text(to_numbers(text, vocab), vocab) == ' '.join(words(text))
    padded = to_numbers(text, vocab, max_length=length)
    assert len(padded) == length
    assert to_text(padded, {n: w for w, n in vocab.items()}).split(' ') == (
        words(text)[-length:] or ['']
    )


def test_blob_and_tensor() -> None:
    numbers = np.arange(6, dtype=np.int16).reshape(2, 3)
    doc = Document(tensor=numbers).convert_tensor_to_blob()
    assert doc.blob == numbers.tobytes()
    assert doc.tensor is None
    doc.convert_blob_to_tensor(dtype='int16', count=2, offset=4)
    assert doc.tensor.tolist() == [2, 3]
    assert doc.blob == b''
    doc.tensor[0] = 7  # its own memory
    assert Document(blob=np.ones(2).tobytes()).convert_blob_to_tensor().tensor.tolist() == [1, 1]
    assert Document().convert_blob_to_tensor().tensor.shape == (0,)
    # The order is that of the rows, whatever the strides are.
    assert Document(tensor=numbers[::-1, ::-1]).convert_tensor_to_blob().blob == (
        numbers[::-1, ::-1].copy().tobytes()
    )


@pytest.mark.parametrize(
    'arguments',
    [
        {},
        {'dtype': 'int32'},
        {'dtype': 'uint8', 'count': 9},
        {'dtype': 'uint8', 'offset': 9},
        {'dtype': 'uint8', 'offset': -1},
        {'dtype': 'no such'},
        {'dtype': 'object'},
        {'dtype': 'uint8', 'count': 'x'},
    ],
)
def test_blob_to_tensor_refuses(arguments: dict[str, Any], refused: Any) -> None:
    refused(Document(blob=b'abcdef'), ValueError, 'convert_blob_to_tensor', **arguments)


def test_no_tensor_to_blob(refused: Any) -> None:
    refused(Document(text='x'), ValueError, 'convert_tensor_to_blob')


def test_only_texts_have_words() -> None:
    with pytest.raises(DocstoreError):
        words(3)  # type: ignore[arg-type]
