"""What the tests share."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings

DATA = Path(__file__).parent / 'data' / 'wordnet-minilm-tiny'


@dataclass(frozen=True)
class Wordnet:
    """2000 glosses with their embeddings, 100 queries, and what is nearest to each.

    ``rows`` and ``queries`` are ``{'id', 'text', 'tags'}``; ``nearest`` has
    the ten nearest rows under cosine, best first.
    """

    rows: list[dict[str, Any]]
    embeddings: npt.NDArray[np.float16]
    queries: list[dict[str, Any]]
    query_embeddings: npt.NDArray[np.float16]
    nearest: npt.NDArray[np.int32]


def _lines(name: str) -> list[dict[str, Any]]:
    text = (DATA / name).read_text(encoding='utf-8')
    return [json.loads(line) for line in text.splitlines() if line]


@pytest.fixture(scope='session')
def wordnet() -> Wordnet:
    embeddings, queries = (np.load(DATA / f'{name}.f16.npy') for name in ('embeddings', 'queries'))
    for array in (embeddings, queries):
        array.flags.writeable = False
    return Wordnet(
        _lines('docs.jsonl'),
        embeddings,
        _lines('queries.jsonl'),
        queries,
        np.load(DATA / 'gt.i32.npy'),
    )


# The same examples in every run, so that a failure is the fault of the change at hand;
# HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile('same', derandomize=True, deadline=None)
settings.register_profile('search', max_examples=1000, deadline=None)
settings.load_profile(os.environ.get('HYPOTHESIS_PROFILE', 'same'))
