"""Field paths, in mappings of fields and in Documents."""

from __future__ import annotations

import pytest

from docstore import Document, NamedScore
from docstore.errors import UnknownField
from docstore.paths import check_path, get_path


def test_get_path() -> None:
    record = {'tags': {'a': [{'b': 7}], '2': 'two'}, 'scores': {'cosine': {'value': 0.5}}}
    assert get_path(record, 'tags__a__0__b') == 7
    assert get_path(record, 'tags__a__-1__b') == 7
    assert get_path(record, 'tags__a__5__b') is None
    assert get_path(record, 'tags__2') == 'two'
    assert get_path(record, 'tags__none__b') is None
    assert get_path(record, 'scores__cosine__value') == 0.5
    with pytest.raises(UnknownField):
        get_path(record, 'tags__a__append')
    with pytest.raises(UnknownField):
        get_path({'tags': {'a': object()}}, 'tags__a____class__')


def test_paths_in_documents() -> None:
    doc = Document(tags={'a': [1, {'b': 2}]}, chunks=[Document(text='c')], text='t')
    doc.scores['cosine'] = NamedScore(value=0.5)
    assert get_path(doc, 'tags__a__1__b') == 2
    assert get_path(doc, 'chunks__0__text') == 'c'
    assert get_path(doc, 'scores__cosine__value') == 0.5
    assert get_path(doc, 'content') == 't'
    with pytest.raises(UnknownField):
        get_path(doc, '__class__')


def test_unknown_field_names_the_nearest() -> None:
    with pytest.raises(UnknownField, match="did you mean 'text'"):
        check_path('txt')
    assert check_path('_metadata__x') == '_metadata__x'
