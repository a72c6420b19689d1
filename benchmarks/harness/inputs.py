"""What is measured on: the same for every peer, made from fixed seeds."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    'copy_texts',
    'copy_vectors',
    'documents',
    'folder',
    'texts',
    'vectors',
    'write_vectors',
]

Array = Any

_COLOURS = ('red', 'green', 'blue', 'yellow', 'black', 'white')
_TEXT = (
    'a person who makes or repairs shoes and works with leather; the tool is used for cutting '
    'wood or metal into pieces of a given length; move slowly along the edge of the water'
)


def folder() -> Path:
    """Where this run keeps its files."""
    return Path(os.environ['DOCSTORE_BENCH_FOLDER'])


def write_vectors(name: str, rows: int, dim: int, seed: int) -> None:
    """Random unit vectors as a file that every peer loads."""
    path = folder() / f'{name}.npy'
    if not path.exists():
        values = np.random.default_rng(seed).standard_normal((rows, dim), dtype=np.float32)
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        np.save(path, values)


def copy_vectors(name: str, source: Path) -> None:
    """Vectors of a file as float32 of length 1, for peers that know only products."""
    values = np.load(source).astype(np.float64)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    np.save(folder() / f'{name}.npy', values.astype(np.float32))


def copy_texts(name: str, source: Path) -> None:
    """The texts of documents that lie in a file of JSON lines."""
    with open(source, encoding='utf-8') as file:
        found = [json.loads(line)['text'] for line in file]
    (folder() / f'{name}.json').write_text(json.dumps(found), encoding='utf-8')


@lru_cache(maxsize=4)
def texts(name: str) -> list[str]:
    """Texts by name."""
    found: list[str] = json.loads((folder() / f'{name}.json').read_text(encoding='utf-8'))
    return found


@lru_cache(maxsize=4)
def vectors(name: str) -> Array:
    """Vectors by name, as float32, in memory."""
    return np.ascontiguousarray(np.load(folder() / f'{name}.npy'), dtype=np.float32)


@lru_cache(maxsize=1)
def documents(count: int) -> list[dict[str, Any]]:
    """Fields of documents without vectors: id, a text of a dozen words, three tags."""
    random = np.random.default_rng(7)
    known = _TEXT.split()
    words = random.integers(0, len(known), (count, 12)).tolist()
    prices = (random.random(count) * 100).round(2).tolist()
    stocks = random.integers(0, 1000, count).tolist()
    return [
        {
            'id': f'{number:08d}',
            'text': ' '.join(known[word] for word in words[number]),
            'tags': {
                'price': prices[number],
                'stock': stocks[number],
                'colour': _COLOURS[stocks[number] % 6],
            },
        }
        for number in range(count)
    ]
