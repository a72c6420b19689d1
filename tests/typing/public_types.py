"""What a type checker sees of the public API; mypy reads it, nothing runs it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from typing_extensions import assert_type

import docstore
from docstore import Document, DocumentArray, NamedScore
from docstore.errors import DocstoreError, DocumentNotFound, InvalidArgument
from docstore.explanation import Explanation

doc = Document(text='hello', tags={'x': 1})
assert_type(doc.id, str)
assert_type(doc.text, str)
assert_type(doc.blob, bytes)
assert_type(doc.weight, float)
assert_type(doc.content_type, str | None)
assert_type(doc.non_empty_fields, tuple[str, ...])
assert_type(doc.tags, dict[str, Any])
assert_type(doc.scores['cosine'], NamedScore)
assert_type(doc.load_uri_to_text().set_image_tensor_shape((2, 2)), Document)
assert_type(doc.get_vocabulary(), Counter[str])
assert_type(next(Document.generator_from_webcam()), Document)
for chunk in doc.chunks:
    assert_type(chunk, Document)

da = DocumentArray([doc])
assert_type(da, DocumentArray)
assert_type(da[0], Document)
assert_type(len(da), int)
assert_type(da.get_vocabulary(), dict[str, int])
assert_type(da.texts, list[str] | None)
assert_type(da.to_bytes(), bytes)
assert_type(DocumentArray.empty(3), DocumentArray)
assert_type(DocumentArray.open('somewhere'), DocumentArray)
assert_type(DocumentArray.from_bytes(b''), DocumentArray)
assert_type(da + [doc], DocumentArray)
assert_type(da.match(da), Explanation | None)
for item in da:
    assert_type(item, Document)
with da as same:
    assert_type(same, DocumentArray)

da.find(np.zeros(3), metric='euclidean', limit=2, filter={'text': {'$eq': 'x'}})
da.append(doc)
da.extend(da)

assert_type(docstore.__version__, str)
error: DocstoreError = InvalidArgument('no')
key_error: KeyError = DocumentNotFound('no')

# What must not pass: each line would be an unused ignore if it did.
da.append('text')  # type: ignore[arg-type]
da.find(limit='three')  # type: ignore[arg-type]
doc.text = 3  # type: ignore[assignment]
