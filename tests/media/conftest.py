"""What the tests of the converters share."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from docstore.errors import DocstoreError

if TYPE_CHECKING:
    from docstore import Document

Refused = Callable[..., DocstoreError]


@pytest.fixture
def refused() -> Refused:
    """Call a method that must fail: with this error, naming the Document, changing nothing."""

    def call(doc: Document, builtin: type[Exception], name: str, *args: Any, **kw: Any) -> Any:
        before = pickle.dumps(doc)
        with pytest.raises(DocstoreError) as caught:
            getattr(doc, name)(*args, **kw)
        assert isinstance(caught.value, builtin), repr(caught.value)
        assert repr(doc.id) in str(caught.value)
        assert pickle.dumps(doc) == before
        return caught.value

    return call


@pytest.fixture
def rgb() -> Any:
    """A small picture in which every pixel is another one."""
    return np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
