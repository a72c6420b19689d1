"""Wrote the samples beside it with docstore 0.1.0; they are never written again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from docstore.codecs.transfer import dump_record, dump_records

HERE = Path(__file__).parent


def records() -> list[dict[str, Any]]:
    """Every kind of value and column."""
    return [
        {
            'id': 'full',
            'text': 'häuser \U0001f600',
            'weight': 0.5,
            'tags': {
                'i': 1,
                'f': 1.0,
                'b': True,
                'none': None,
                'big': -(2**70),
                'l': [1, 'x', b'\xff'],
            },
            'embedding': np.arange(4, dtype='f4'),
            'scores': {'cosine': {'value': 0.25, 'op_name': 'o'}},
            'chunks': [{'id': 'c', 'tensor': np.array(['2020-01-01'], 'M8[D]')}],
        },
        {'id': 'second', 'embedding': np.ones(4, 'f4'), 'tensor': np.eye(2, dtype='?')},
        {'id': 'bare'},
    ]


if __name__ == '__main__':
    dump_records(records(), 3, HERE / 'array.docstore')
    (HERE / 'document.docstore').write_bytes(dump_record(records()[0]))
