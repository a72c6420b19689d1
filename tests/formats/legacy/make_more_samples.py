"""Writes the samples in ``more`` beside it; see README.md. Needs docarray 0.21.0, not docstore."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from docarray import Document, DocumentArray

HERE = Path(__file__).parent / 'more'


def documents() -> DocumentArray:
    """A few of the things that docarray can hold; all of them are in ``../array.*``."""
    first = Document(id='a', text='häuser', tags={'n': 3.0, 'l': [True, {'x': 'y'}]}, weight=0.5)
    first.embedding = np.arange(3, dtype=np.float32)
    first.scores['cosine'].value = 0.25
    first.chunks.append(Document(id='c', blob=b'\x00\xff'))
    return DocumentArray([first, Document(id='b', tensor=np.eye(2, dtype=np.int16))])


def main() -> None:
    HERE.mkdir(exist_ok=True)
    array = documents()
    for protocol in ('protobuf', 'protobuf-array', 'pickle', 'pickle-array'):
        for compress in ('bz2', 'lzma', 'zlib'):
            array.save_binary(
                str(HERE / f'array.{protocol}.{compress}'), protocol=protocol, compress=compress
            )
        text = array.to_base64(protocol=protocol, compress='gzip')
        (HERE / f'array.{protocol}.base64').write_text(text, 'ascii')
    for protocol in ('jsonschema', 'protobuf'):
        (HERE / f'array.{protocol}.json').write_text(array.to_json(protocol=protocol), 'utf-8')
    for compress in ('bz2', 'gzip', 'lz4', 'lzma', 'zlib'):
        for protocol in ('protobuf', 'pickle'):
            data = array[0].to_bytes(protocol=protocol, compress=compress)
            (HERE / f'document.{protocol}.{compress}').write_bytes(data)
    DocumentArray([array[1]]).save_csv(str(HERE / 'array.csv'))
    (HERE / 'message.protobuf').write_bytes(array.to_protobuf().SerializeToString())


if __name__ == '__main__':
    main()
