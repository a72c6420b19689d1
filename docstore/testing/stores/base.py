"""How the suite opens the stores that it tests, and what it puts in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from docstore.stores.base import IndexConfig, Insert, Record, Store

from ..checks import plain, vectors

__all__ = ['StoreSuite', 'content', 'records']


def records(n: int, start: int = 0, embedded: bool = True) -> list[Record]:
    """Plain fields of ``n`` documents ``r<i>``.

    >>> records(1, embedded=False)
    [{'id': 'r0', 'text': 'text 0', 'tags': {'i': 0, 'kind': 'a'}}]
    """
    made: list[Record] = []
    for i in range(start, start + n):
        record: Record = {'id': f'r{i}', 'text': f'text {i}', 'tags': {'i': i, 'kind': 'ab'[i % 2]}}
        if i == 2:
            record['tags']['rare'] = True
        if embedded:
            record['embedding'] = vectors(start + n)[i]
        made.append(record)
    return made


def content(store: Store) -> list[Any]:
    """All rows in order, in a form that compares fully."""
    rows: list[Any] = plain(store.read(store.rows()))
    return rows


class StoreSuite(ABC):
    """Opens stores of one kind; the parts of the suite build on it."""

    #: Whether another open object may read while the first one writes.
    readers: ClassVar[bool] = True

    @abstractmethod
    def open(
        self, path: Path, read_only: bool = False, index_config: IndexConfig | None = None
    ) -> Store:
        """The store at ``path``, a directory of the test; made when missing."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """Five rows."""
        store = self.open(tmp_path)
        store.write([Insert(0, records(5))])
        yield store
        store.close()

    def order(self, store: Store) -> list[str]:
        """The ids in order."""
        return [record['id'] for record in store.read(store.rows(), vectors=False)]

    def check_vectors(self, store: Store, expected: npt.NDArray[Any]) -> None:
        """The embedding column is what is expected, and safe to hand out."""
        found = store.vectors('embedding')
        assert found is not None
        assert not found.matrix.flags.writeable
        np.testing.assert_array_equal(found.matrix[found.lines], expected)
        assert len(found.lines) == len(store)
        if found.contiguous:
            assert found.lines.tolist() == list(range(len(store)))
