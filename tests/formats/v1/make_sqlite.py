"""Wrote sqlite.db, once. A released sample never changes: new formats get new folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from docstore.stores.base import Delete, Insert, Update
from docstore.stores.sqlite import open_sqlite


def records():
    """What the sample was filled with."""
    vectors = np.arange(120 * 4, dtype=np.float32).reshape(120, 4) / 7
    return [
        {
            'id': f'id{i}',
            'text': f'text {i} é',
            'tags': {'n': i, 'x': i / 3, 'deep': {'list': [1, 'a', None]}},
            'embedding': vectors[i],
        }
        for i in range(120)
    ]


def main():
    path = Path(__file__).with_name('sqlite.db')
    store = open_sqlite({'connection': path, 'metric': 'ip'})
    rows = store.write([Insert(0, records()[:-1])]).tolist()
    store.write(
        [Insert(3, [{'id': 'odd', 'tags': {'nan': float('nan'), 'big': 2**70, 'b': b'\0'}}])]
    )
    store.write([Insert(len(store), records()[-1:])])
    store.write([Delete(rows[10:12]), Update([rows[0]], [{'embedding': [9.0, 8.0, 7.0, 6.0]}])])
    store.close()
    path.with_name('sqlite.db.lock').unlink()


if __name__ == '__main__':
    main()
