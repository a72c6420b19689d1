"""What a type checker sees of arrays as sequences, of dataclasses and of models."""

from __future__ import annotations

from collections.abc import Iterator, MutableSequence, Sequence
from typing import Any

from pydantic import BaseModel
from typing_extensions import assert_type

import docstore
from docstore import Document, DocumentArray
from docstore.models import Embedding
from docstore.pydantic_model import PydanticDocument, PydanticDocumentArray
from docstore.strawberry_type import StrawberryDocument
from docstore.typing import Blob, Text

da = DocumentArray([Document()])

# An array is a list of Documents to whoever takes one.
mutable: MutableSequence[Document] = da
readable: Sequence[Document] = da
assert_type(iter(da), Iterator[Document])
assert_type(next(reversed(da)), Document)
assert_type([doc.text for doc in da], list[str])
assert_type(sorted(da, key=lambda doc: doc.weight), list[Document])
assert_type(da.pop(), Document)
assert_type(da.index(Document()), int)
da.insert(0, Document())
da += [Document()]
da.extend(doc for doc in da)
numbers: MutableSequence[int] = da  # type: ignore[assignment]
da.insert(0, 'text')  # type: ignore[arg-type]
da.extend(['text'])  # type: ignore[list-item]


@docstore.dataclass
class Page:
    title: Text
    data: Blob
    words: list[Text]
    stars: int = 0
    note: Text = docstore.field(setter=lambda value: Document(text=value), default='')


doc = Document()
page = Page('x', b'data', ['a'], stars=3)
assert_type(page.title, str)
assert_type(page.words, list[str])
assert_type(page.stars, int)
assert_type(Document(page), Document)
assert_type(Document(page).to_model(Page), Page)
assert_type(Document.from_model(page), Document)
assert_type(DocumentArray.from_models([page]), DocumentArray)
assert_type(da.to_models(Page), list[Page])
assert_type(Document(page).get_multi_modal_attribute('words'), DocumentArray)
Page(3, b'', [])  # type: ignore[arg-type]
Page('x', b'')  # type: ignore[call-arg]
misspelled = doc.titel  # type: ignore[attr-defined]


class Item(BaseModel):
    text: str
    vector: Embedding


assert_type(doc.to_model(Item), Item)
assert_type(doc.to_model(Item).vector.ndim, int)
assert_type(da.to_models(Item), list[Item])
assert_type(doc.to_pydantic_model(), PydanticDocument)
assert_type(da.to_pydantic_model(), list[PydanticDocument])
assert_type(Document.from_pydantic_model(PydanticDocument(id='a')), Document)
assert_type(doc.to_strawberry_type(), StrawberryDocument)
assert_type(Document.get_json_schema(), str)
many: PydanticDocumentArray = [PydanticDocument()]
anything: Any = many
