"""Without the optional packages the message says what to install."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from docstore import Document, DocumentArray
from docstore.errors import MissingDependency


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def hide(name: str) -> None:
        monkeypatch.setitem(sys.modules, name, None)
        for module in ('docstore.pydantic_model', 'docstore.strawberry_type'):
            monkeypatch.delitem(sys.modules, module, raising=False)

    return hide


@pytest.mark.parametrize(
    'call',
    [
        lambda: Document().to_pydantic_model(),
        Document.get_json_schema,
        lambda: DocumentArray([Document()]).to_pydantic_model(),
        lambda: Document.from_model(3),
        lambda: Document().to_model(int),
    ],
)
def test_without_pydantic(call: Callable[[], Any], without: Callable[[str], None]) -> None:
    without('pydantic')
    with pytest.raises(MissingDependency, match=r'pip install "docstore\[pydantic\]"'):
        call()


def test_without_strawberry(without: Callable[[str], None]) -> None:
    without('strawberry')
    with pytest.raises(MissingDependency, match=r'pip install "docstore\[graphql\]"'):
        Document().to_strawberry_type()
    with pytest.raises(ImportError):
        Document.from_strawberry_type(None)  # type: ignore[arg-type]
