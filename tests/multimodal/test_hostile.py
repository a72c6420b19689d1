"""Documents come from files: whatever their metadata says, the answer is right or an error."""

from __future__ import annotations

import contextlib
from typing import Any, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

import docstore
from docstore import Document, DocumentArray
from docstore.errors import DocstoreError
from docstore.typing import JSON, Text

pytestmark = pytest.mark.spec('17')


@docstore.dataclass
class Inner:
    a: Text


@docstore.dataclass
class Page:
    title: Text
    count: int
    raw: bytes
    texts: List[Text]
    inner: Inner
    js: JSON


NAMES = ('title', 'count', 'raw', 'texts', 'inner', 'js')
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
kinds = st.sampled_from([
    'document', 'iterable_document', 'nested', 'iterable_nested', 'primitive',
    'iterable_primitive', 'field', 'other',
])  # fmt: skip
positions = st.integers(-2, 9) | st.floats() | values
entries = st.fixed_dictionaries(
    {}, optional={'attribute_type': kinds | values, 'type': values, 'position': positions}
)
schemas = st.dictionaries(st.sampled_from(NAMES), entries | values) | values


def page() -> Document:
    return Document(Page('t', 1, b'x', ['a', 'b'], Inner('i'), {'k': 1}))


@given(schemas)
def test_any_schema(schema: Any) -> None:
    doc = page()
    doc._metadata['multi_modal_schema'] = schema
    for name in NAMES:
        with contextlib.suppress(DocstoreError):
            doc.get_multi_modal_attribute(name)
        with contextlib.suppress(DocstoreError):
            setattr(doc, name, Document(text='new'))
        with contextlib.suppress(DocstoreError):
            DocumentArray([doc])[f'@.[{name}]']
    with contextlib.suppress(DocstoreError):
        assert isinstance(Page(doc), Page)


@given(st.dictionaries(st.sampled_from(NAMES), values), st.integers(0, 5))
def test_any_tags_and_missing_chunks(tags: dict[str, Any], chunks: int) -> None:
    doc = page()
    doc.tags.update(tags)
    del doc.chunks[chunks:]
    with contextlib.suppress(DocstoreError):
        made = Page(doc)
        assert type(made.count) is int
        assert type(made.raw) is bytes


@given(entries, values)
def test_any_metadata_of_chunks(entry: dict[str, Any], tags: Any) -> None:
    doc = page()
    for chunk in doc.chunks:
        chunk._metadata = {'multi_modal_schema': {'a': entry}, 'json_type': tags}
        chunk.chunks = []
    with contextlib.suppress(DocstoreError):
        assert isinstance(Page(doc), Page)
