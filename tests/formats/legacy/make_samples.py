"""Writes the samples beside it; see README.md. Needs docarray 0.21.0, not docstore."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from docarray import Document, DocumentArray

HERE = Path(__file__).parent


def documents() -> DocumentArray:
    """Every field and every kind of value that docarray can write."""
    full = Document(
        id='full',
        mime_type='text/plain',
        text='häuser \U0001f600',
        weight=0.5,
        uri='file.txt',
        tags={'n': 3.0, 'b': True, 'none': None, 's': 'é', 'l': [1.0, {'x': 'y'}], 'd': {'e': {}}},
        offset=1.5,
        location=[1.0, -2.5],
        embedding=np.arange(4, dtype=np.float32),
        modality='text',
    )
    full.scores['cosine'].value = 0.25
    full.scores['cosine'].op_name = 'op'
    full.scores['cosine'].description = 'why'
    full.scores['cosine'].ref_id = 'q'
    full.evaluations['precision'].value = 1.0
    full.chunks.append(Document(id='chunk', blob=b'\x00\xff'))
    full.chunks[0].chunks.append(Document(id='grandchild', text='deep'))
    full.matches.append(Document(id='match'))
    full.matches[0].scores['euclid'].value = 2.0
    return DocumentArray(
        [
            full,
            Document(id='empty'),
            Document(id='tensor', tensor=np.arange(6, dtype=np.int16).reshape(2, 3)),
            Document(id='fortran', tensor=np.asfortranarray(np.arange(6.0).reshape(2, 3))),
            Document(id='big-endian', tensor=np.array([1, 258], dtype='>i4')),
            Document(id='bools', embedding=np.array([True, False])),
            Document(id='list', embedding=[1.0, 2.5]),
            Document(id='ints', tensor=[[1, 2], [3, 4]]),
            Document(id='scalar', tensor=np.array(7.5)),
            Document(id='half', embedding=np.array([0.5, -1.0], dtype=np.float16)),
        ]
    )


def main() -> None:
    array = documents()
    for protocol in ('protobuf', 'protobuf-array', 'pickle', 'pickle-array'):
        for compress in (None, 'lz4', 'gzip'):
            name = '.'.join(filter(None, ('array', protocol, compress)))
            array.save_binary(str(HERE / name), protocol=protocol, compress=compress)
    array.save_json(str(HERE / 'array.json'))
    for protocol in ('protobuf', 'pickle'):
        (HERE / f'document.{protocol}').write_bytes(array[0].to_bytes(protocol=protocol))


if __name__ == '__main__':
    main()
