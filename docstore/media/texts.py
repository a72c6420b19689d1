"""Words, vocabularies, and texts as arrays of word numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CorruptData, InvalidArgument, InvalidType
from .arrays import array_of

__all__ = [
    'PADDING',
    'UNKNOWN',
    'count_words',
    'decode',
    'number_words',
    'to_numbers',
    'to_text',
    'words',
]

PADDING = 0
UNKNOWN = 1

# The apostrophe is not among them: it belongs to its word.
_SEPARATORS = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~', ' '))


def words(text: str) -> list[str]:
    """The words of a text, in lower case and without punctuation.

    Examples
    --------
    >>> words("Hello, world: it's me.")
    ['hello', 'world', "it's", 'me']
    """
    if not isinstance(text, str):
        raise InvalidType(f'expected a text, not {type(text).__name__}: {text!r}')
    return text.lower().translate(_SEPARATORS).split()


def number_words(counts: Mapping[str, int], min_freq: int = 1) -> dict[str, int]:
    """Words numbered from 2, in their order; 0 is padding, 1 an unknown word.

    Examples
    --------
    >>> number_words(Counter({'a': 2, 'b': 1, 'c': 2}), min_freq=2)
    {'a': 2, 'c': 3}
    """
    kept = (word for word, count in counts.items() if count >= min_freq)
    return {word: number for number, word in enumerate(kept, start=UNKNOWN + 1)}


def decode(data: bytes, charset: str = 'utf-8') -> str:
    """Bytes as text.

    Raises
    ------
    InvalidArgument
        If Python knows no such charset.
    CorruptData
        If they are not text in it.
    """
    try:
        return data.decode(charset)
    except LookupError:
        raise InvalidArgument(f'unknown charset {charset!r}') from None
    except UnicodeError as error:
        raise CorruptData(
            f'the bytes are no text in {charset}: {error}; give the right charset='
        ) from error


def to_numbers(
    text: str, vocab: Mapping[str, int], max_length: int | None = None, dtype: Any = 'int64'
) -> npt.NDArray[Any]:
    """The words of a text as numbers.

    Parameters
    ----------
    text : str
        The text.
    vocab : mapping of str to int
        The number of each word; words that it lacks become 1.
    max_length : int, optional
        Shorter texts are padded with 0 on the left, longer ones keep their tail.
    dtype : dtype
        Of the result.

    Examples
    --------
    >>> to_numbers('hello new world', {'hello': 2, 'world': 3}, max_length=5)
    array([0, 0, 2, 1, 3])
    """
    if not isinstance(vocab, Mapping):
        raise InvalidType(f'vocab must map words to ints, not be a {type(vocab).__name__}')
    numbers = [vocab.get(word, UNKNOWN) for word in words(text)]
    if max_length is not None:
        if isinstance(max_length, bool) or not isinstance(max_length, (int, np.integer)):
            raise InvalidType(f'max_length must be an int, not {max_length!r}')
        if max_length < 1:
            raise InvalidArgument(f'max_length must be at least 1, not {max_length}')
        numbers = [PADDING] * (max_length - len(numbers)) + numbers[-max_length:]
    try:
        kind = np.dtype(dtype)
        exact = np.array(numbers, dtype=np.int64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgument(f'the vocabulary does not give numbers of {dtype!r}: {error}') from (
            error
        )
    if kind.kind not in 'iuf':
        raise InvalidArgument(f'dtype must be of numbers, not {kind}')
    made = exact.astype(kind)
    if not np.array_equal(made.astype(np.float64), exact.astype(np.float64)):
        raise InvalidArgument(
            f'{kind} cannot hold the numbers of the vocabulary up to {exact.max()}'
        )
    return made


def to_text(tensor: Any, vocab: Mapping[Any, Any], delimiter: str = ' ') -> str:
    """The inverse of :func:`to_numbers`: 0 is left out, unknown numbers are ``<UNK>``.

    Parameters
    ----------
    tensor : array
        Word numbers, of one axis.
    vocab : mapping
        Of words to numbers, or of numbers to words.
    delimiter : str
        Stands between the words.

    Examples
    --------
    >>> to_text([0, 2, 1, 3], {'hello': 2, 'world': 3})
    'hello <UNK> world'
    """
    array = array_of(tensor, 'a tensor of word numbers')
    if array.ndim != 1:
        raise InvalidArgument(f'expected word numbers of one axis, not of shape {array.shape}')
    if array.dtype.kind == 'f' and not np.array_equal(array, np.floor(array)):
        raise InvalidArgument('expected whole numbers of words, and there are fractions')
    named = _words_by_number(vocab)
    return delimiter.join(
        named.get(number, '<UNK>') for number in map(int, array.tolist()) if number != PADDING
    )


def _words_by_number(vocab: Mapping[Any, Any]) -> dict[int, str]:
    if not isinstance(vocab, Mapping):
        raise InvalidType(f'vocab must be a mapping, not a {type(vocab).__name__}')
    if _all(vocab, str) and _all(vocab.values(), int):
        return {int(number): word for word, number in vocab.items()}
    if _all(vocab, int) and _all(vocab.values(), str):
        return {int(number): word for number, word in vocab.items()}
    raise InvalidType('vocab must map words to ints, or ints to words')


def _all(values: Iterable[Any], kind: type) -> bool:
    kinds = (int, np.integer) if kind is int else kind
    return all(isinstance(value, kinds) for value in values)


def count_words(texts: Iterable[str]) -> Counter[str]:
    """How often each word occurs in some texts."""
    return Counter(word for text in texts for word in words(text))
