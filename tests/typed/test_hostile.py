"""Any JSON at all, as a Document of a web API and as the content of a model."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore import Document
from docstore.errors import DocstoreError, InvalidDocument
from docstore.schema import FIELD_NAMES

pydantic = pytest.importorskip('pydantic')
from docstore.models import Embedding  # noqa: E402, TC001
from docstore.pydantic_model import PydanticDocument  # noqa: E402

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(FIELD_NAMES), values))
def test_any_document(fields: dict[str, Any]) -> None:
    try:
        model = PydanticDocument.model_validate(fields)
    except pydantic.ValidationError:
        return
    with contextlib.suppress(InvalidDocument):
        doc = Document.from_pydantic_model(model)
        assert Document.from_pydantic_model(doc.to_pydantic_model()).id == doc.id


class Inner(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    name: str


class Item(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    text: str
    count: int
    inner: Inner
    many: list[Inner] = []  # noqa: RUF012
    vector: Embedding | None = None


KINDS = ['document', 'nested', 'iterable_nested', 'primitive', 'field', 'x']


@given(
    st.dictionaries(
        st.sampled_from(list(Item.model_fields)),
        st.fixed_dictionaries(
            {'attribute_type': st.sampled_from(KINDS)},
            optional={'type': st.sampled_from(FIELD_NAMES) | values, 'position': st.integers(0, 3)},
        ),
    ),
    st.dictionaries(st.sampled_from(list(Item.model_fields)), values),
)
def test_any_model(schema: dict[str, Any], tags: dict[str, Any]) -> None:
    doc = Document.from_model(Item(text='t', count=1, inner=Inner(name='n')))
    doc._metadata['multi_modal_schema'].update(schema)
    doc.tags.update(tags)
    with contextlib.suppress(DocstoreError):
        made = doc.to_model(Item)
        assert type(made.count) is int
        assert isinstance(made.inner, Inner)
