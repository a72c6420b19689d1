"""What text search should find, as plainly as it can be written, and texts to search."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from docstore.document import Document

from ..checks import ids, vectors

if TYPE_CHECKING:
    from docstore.array import DocumentArray

__all__ = ['bm25', 'check_bm25', 'make_texts', 'sentence']

WORDS = [
    'red',
    'blue',
    'green',
    'shoe',
    'hat',
    'glove',
    'coat',
    'old',
    'new',
    'warm',
    'cold',
    'wool',
    'silk',
    'small',
    'large',
]


def bm25(texts: Sequence[str | None], query: str) -> list[tuple[float, int]]:
    """Scores and positions, best first, as the documentation gives the formula.

    >>> bm25(['red shoe', 'red', 'hat', 'coat', None], 'shoe')[0][1]
    0
    """
    cut = [re.findall('[a-z0-9]+', text.lower()) if text else None for text in texts]
    known = [words for words in cut if words is not None]
    mean = sum(map(len, known)) / max(len(known), 1)
    scores: dict[int, float] = {}
    for word in sorted(set(re.findall('[a-z0-9]+', query.lower()))):
        having = sum(word in words for words in known)
        idf = math.log((len(known) - having + 0.5) / (having + 0.5))
        idf = idf if idf > 0 else 1e-6
        for position, words in enumerate(cut):
            if words and word in words:
                often = Counter(words)[word]
                weight = often + 1.2 * (1 - 0.75 + 0.75 * len(words) / mean)
                scores[position] = scores.get(position, 0.0) + idf * often * 2.2 / weight
    # Sums in another order differ in the last digits.
    return sorted((-round(score, 9), position) for position, score in scores.items())


def make_texts(n: int, seed: int = 3) -> list[Document]:
    """Documents with random texts, titles and embeddings; every ninth has no text."""
    rng = random.Random(seed)
    return [
        Document(
            id=f't{i}',
            text=None if i % 9 == 8 else sentence(rng),
            tags={
                'title': sentence(rng),
                'i': i,
                'in': {'deep': [sentence(rng), i, sentence(rng)]},
            },
            embedding=vector,
        )
        for i, vector in enumerate(vectors(n))
    ]


def sentence(rng: random.Random) -> str:
    """Some random words."""
    return ' '.join(rng.choices(WORDS, k=rng.randrange(1, 12)))


def check_bm25(da: DocumentArray, query: str, k: int | None = None, **options: Any) -> None:
    """Hits and scores are those of :func:`bm25`, in its order."""
    index = options.get('index', 'text')
    column = [doc.text or None for doc in da] if index == 'text' else da[:, index]
    wanted = bm25(column, query)[:k]
    found = da.find(query, limit=k, **options)
    names = [doc.id for doc in da]
    assert ids(found) == [names[position] for _, position in wanted]
    np.testing.assert_allclose(
        found[:, 'scores__bm25__value'], [-score for score, _ in wanted], rtol=1e-6, atol=1e-8
    )
