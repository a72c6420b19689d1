"""docstore: text search in memory and in stores."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from docstore import Document, DocumentArray
from harness.inputs import folder, texts
from harness.task import Operation, Task

__all__ = ['TEXT_OPERATIONS']


def _array(name: str, count: int, storage: str) -> DocumentArray:
    docs = [Document(id=str(i), text=text) for i, text in enumerate(texts(name)[:count])]
    path = Path(tempfile.mkdtemp(dir=folder())) / 'texts'
    key = {'memory': None, 'sqlite': 'connection', 'disk': 'path'}[storage]
    return DocumentArray(docs, storage=storage, config=key and {key: str(path)})


def text_index(name: str, count: int, storage: str) -> Task:
    """The first search of an array, which makes the index."""
    arrays: list[DocumentArray] = []

    def setup() -> None:
        while arrays:
            arrays.pop().close()
        arrays.append(_array(name, count, storage))

    def call() -> Any:
        arrays[0].find('nothing')
        return arrays[0]

    return Task(call, setup=setup, check=lambda da: {'length': len(da)})


def text_find(name: str, count: int, storage: str, queries: str, asked: int) -> Task:
    """``find`` with each query; hits are made Documents when they are looked at."""
    da = _array(name, count, storage)
    wanted = texts(queries)[:asked]
    da.find('nothing')
    return Task(
        lambda: [da.find(query, limit=10) for query in wanted],
        check=lambda lists: {'length': sum(map(len, lists))},
        close=da.close,
    )


TEXT_OPERATIONS: dict[str, Operation] = {'text_index': text_index, 'text_find': text_find}
