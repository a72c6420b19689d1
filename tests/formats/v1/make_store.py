"""Makes ``store``: a directory of format 1. It was run once; what it made is frozen.

python make_store.py store
"""

from __future__ import annotations

import math
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np


def records() -> list[dict[str, Any]]:
    """What the store holds, in order, without vectors."""
    found: list[dict[str, Any]] = [
        {
            'id': f'doc {number}',
            'text': f'text {number} é',
            'tags': {'n': number, 'half': number / 2, 'deep': {'list': [1, None, 'x', True]}},
        }
        for number in range(20)
    ]
    found[0]['tags'] = {'nan': math.nan, 'big': 2**70, 'b': b'\0'}
    found[1] = {'id': '1: changed', 'tensor': np.arange(12, dtype=np.int16).reshape(3, 4)}
    del found[5:8]
    found.insert(2, {'id': 'in the middle', 'chunks': [{'id': 'c', 'text': 'chunk'}]})
    found.reverse()
    return found


def vectors() -> dict[str, np.ndarray[Any, Any]]:
    """The vectors of the documents that have one."""
    return {
        record['id']: np.arange(4, dtype=np.float16) + len(record['id'])
        for record in records()
        if record['id'].startswith('doc')
    }


def make(path: str) -> None:
    """A store with a checkpoint, every kind of record, and a tail behind it."""
    from docstore.stores.base import Clear, Delete, Insert, Reorder, SetColumn, Update
    from docstore.stores.disk import open_disk

    wanted = records()[::-1]
    middle = wanted.pop(2)
    lines = vectors()
    work = path + '.work'
    store = open_disk({'path': work, 'metric': 'ip', 'n_dim': 4})
    store.write([Insert(0, [{'id': 'gone', 'embedding': np.ones(4)}]), Clear()])
    old = [{'id': f'doc {n}', 'text': 'before'} for n in range(20)]
    rows = store.write([Insert(0, old)])
    store.flush()
    store.begin()
    store.write([Delete(rows[5:8])])
    kept = store.rows()
    store.write([Update(kept, wanted, replace=True)])
    store.commit()
    store.close()
    store = open_disk({'path': work})
    named = [record for record in wanted if record['id'] in lines]
    of = store.lookup([record['id'] for record in named])
    matrix = np.stack([lines[record['id']] for record in named])
    store.write([SetColumn(of, 'embedding', matrix)])
    store.write([Insert(2, [middle])])
    store.write([Reorder(store.rows()[::-1])])
    # As a killed process would leave it: closing writes a checkpoint of everything.
    shutil.copytree(work, path)
    store.close()
    shutil.rmtree(work)
    Path(path, 'LOCK').write_bytes(b'')


if __name__ == '__main__':
    make(sys.argv[1])
