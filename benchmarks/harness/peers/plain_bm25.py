"""rank_bm25: the usual BM25 in Python, over words that were cut before."""

from __future__ import annotations

import importlib.metadata
import re
from typing import Any

import numpy as np

from harness.inputs import texts
from harness.task import Operation, Task

__all__ = ['OPERATIONS', 'versions']


def versions() -> dict[str, str]:
    """The packages of this peer."""
    return {'rank_bm25': importlib.metadata.version('rank_bm25'), 'numpy': np.__version__}


def _words(text: str) -> list[str]:
    return re.findall(r'[^\W_]+', text.lower())


def text_index(name: str, count: int) -> Task:
    """Cut all texts into words and count them."""
    from rank_bm25 import BM25Okapi

    found = texts(name)[:count]
    return Task(
        lambda: BM25Okapi([_words(text) for text in found]),
        check=lambda index: {'length': index.corpus_size},
    )


def text_find(name: str, count: int, queries: str, asked: int) -> Task:
    """The ten best texts of each query."""
    from rank_bm25 import BM25Okapi

    index = BM25Okapi([_words(text) for text in texts(name)[:count]])
    wanted = texts(queries)[:asked]

    def call() -> Any:
        lists = []
        for query in wanted:
            scores = index.get_scores(sorted(set(_words(query))))
            best = np.argpartition(-scores, 10)[:10]
            lists.append(best[np.argsort(-scores[best], kind='stable')])
        return lists

    return Task(call, check=lambda lists: {'length': sum(map(len, lists))})


OPERATIONS: dict[str, Operation] = {'text_index': text_index, 'text_find': text_find}
