"""How the suite opens the arrays that it tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from docstore.array import DocumentArray

from ..checks import make_docs

if TYPE_CHECKING:
    from docstore.document import Document

__all__ = ['ArraySuite', 'Opener']

Opener = Callable[..., DocumentArray]


class ArraySuite:
    """Opens arrays of one storage; the parts of the suite build on it."""

    #: The name that the storage is registered under.
    storage: ClassVar[str]
    #: What ``da.storage`` says, where it is another name.
    kind: ClassVar[str | None] = None
    #: Whether the content outlives the array, and ids are unique.
    persistent: ClassVar[bool] = True
    #: The metrics that the storage can search by; the first is its default.
    metrics: ClassVar[tuple[str, ...]] = ('cosine', 'euclidean', 'sqeuclidean', 'ip')

    #: Whether vectors are searched in an index that holds only what has one, and that breaks
    #: ties in its own order.
    approximate: ClassVar[bool] = False

    def config(self, path: Path) -> dict[str, Any] | None:
        """What opens an array that keeps its files at ``path`` or below it."""
        return {'path': str(path / 'store')}

    def open(self, path: Path, docs: Iterable[Document] | None = None) -> DocumentArray:
        """An array at ``path``: with ``docs`` alone, or with what is there."""
        return DocumentArray(docs, storage=self.storage, config=self.config(path))

    def reopen(self, array: DocumentArray, path: Path) -> DocumentArray:
        """The array as another process would find it."""
        array.close()
        return self.open(path)

    @pytest.fixture
    def opener(self, tmp_path: Path) -> Iterable[Opener]:
        """Opens arrays, each in a directory of its own, and closes them all."""
        opened: list[DocumentArray] = []

        def opener(docs: Iterable[Document] | None = None) -> DocumentArray:
            path = tmp_path / f'array-{len(opened)}'
            path.mkdir()
            opened.append(self.open(path, docs))
            return opened[-1]

        yield opener
        for array in opened:
            array.close()

    @pytest.fixture
    def da(self, opener: Opener) -> DocumentArray:
        """Five Documents."""
        return opener(make_docs(5))

    @pytest.fixture
    def empty(self, opener: Opener) -> DocumentArray:
        """No Documents."""
        return opener()
