"""What of a Document can be searched as text, and how it is cut into words."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidArgument, InvalidType, UnknownName, did_you_mean
from ..schema import FIELD_BY_NAME

__all__ = ['TEXT_FIELDS', 'TOKENIZERS', 'text_field', 'tokenizer_spec', 'words_of']

#: Fields that can be searched, besides what is in ``tags``.
TEXT_FIELDS = ('text', 'uri', 'mime_type', 'modality', 'parent_id')

#: The tokenizers with their options; of each option the values, the default first.
TOKENIZERS: dict[str, dict[str, tuple[str, ...]]] = {
    'unicode61': {'remove_diacritics': ('2', '1', '0')},
    'porter': {'remove_diacritics': ('2', '1', '0')},
    'trigram': {'case_sensitive': ('0', '1')},
}


def words_of(value: Any) -> str | None:
    r"""The text to search in a value of a Document: None if there is none.

    A list of strings is searched as one text. What SQLite could not keep in a
    string stands for a space.

    Examples
    --------
    >>> words_of('red shoes'), words_of(['red', 'blue']), words_of(3)
    ('red shoes', 'red\nblue', None)
    """
    if isinstance(value, (list, tuple)):
        value = '\n'.join(item for item in value if isinstance(item, str))
    if not isinstance(value, str) or not value:
        return None
    if '\0' in value:
        value = value.replace('\0', ' ')
    if not value.isascii():
        # Half of a surrogate pair is no character: a question mark stands for it.
        value = value.encode('utf-8', 'replace').decode('utf-8')
    return str(value)


def text_field(index: Any) -> str:
    """The path of a field that can be searched; another name is that of a tag.

    Raises
    ------
    InvalidArgument
        If the field holds no text.

    Examples
    --------
    >>> text_field('text'), text_field('title'), text_field('tags__a__b')
    ('text', 'tags__title', 'tags__a__b')
    """
    if not isinstance(index, str):
        raise InvalidType(f'index must be the name of a field, got {type(index).__name__}')
    name, *steps = index.split('__')
    if index in TEXT_FIELDS or (name == 'tags' and steps and all(steps)):
        return index
    if not index.isprintable() or not all((name, *steps)) or name in FIELD_BY_NAME:
        known = ', '.join(map(repr, TEXT_FIELDS))
        raise InvalidArgument(
            f'index={index!r} holds no text that can be searched: use one of {known}, or a path '
            "in the tags such as 'tags__title'"
        )
    return f'tags__{index}'


def tokenizer_spec(name: Any) -> str:
    """A tokenizer with all its options, as FTS5 takes it.

    Raises
    ------
    UnknownName
        If there is no such tokenizer.
    InvalidArgument
        If it has not this option, or the option not this value.

    Examples
    --------
    >>> tokenizer_spec('porter')
    'porter unicode61 remove_diacritics 2'
    >>> tokenizer_spec('trigram case_sensitive 1')
    'trigram case_sensitive 1'
    """
    if not isinstance(name, str):
        raise InvalidType(f'tokenizer must be a name, got {type(name).__name__}')
    kind, *given = name.split() or ['']
    if kind not in TOKENIZERS:
        raise UnknownName(f'tokenizer={name!r} is not known{did_you_mean(kind, TOKENIZERS)}')
    if kind == 'porter' and given[:1] == ['unicode61']:
        given = given[1:]
    options = {option: values[0] for option, values in TOKENIZERS[kind].items()}
    for option, value in zip(given[::2], [*given[1::2], ''], strict=False):
        values = TOKENIZERS[kind].get(option, ())
        if value not in values:
            known = [f'{o} {v}' for o, allowed in TOKENIZERS[kind].items() for v in allowed]
            raise InvalidArgument(
                f'tokenizer={name!r}: {kind} has the options {", ".join(map(repr, sorted(known)))}'
            )
        options[option] = value
    first = ['porter', 'unicode61'] if kind == 'porter' else [kind]
    return ' '.join([*first, *(f'{option} {value}' for option, value in options.items())])
