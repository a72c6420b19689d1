"""Writes the samples beside it; see README.md. Needs docarray 0.21.0, not docstore."""

from __future__ import annotations

import gc
import sqlite3
import sys
from pathlib import Path

import numpy as np
from docarray import Document, DocumentArray

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from make_samples import documents  # noqa: E402 - the Documents of the other samples

TABLES = {
    'articles': {},
    'messages': {'protocol': 'protobuf'},
    'packed': {'protocol': 'protobuf', 'compress': 'gzip'},
    'squeezed': {'protocol': 'pickle', 'compress': 'zlib'},
    'shrunk': {'protocol': 'pickle', 'compress': 'bz2'},
    'small': {'protocol': 'protobuf', 'compress': 'lzma'},
    'quick': {'protocol': 'pickle', 'compress': 'lz4'},
}


def one_length(docs: DocumentArray) -> DocumentArray:
    """Embeddings of one length, as a database for searching has them."""
    for doc in docs:
        if doc.embedding is not None and doc.id != 'full':
            doc.tensor, doc.embedding = doc.embedding, None
    return docs


def database(path: Path) -> None:
    """Seven arrays of one database, each serialized in another way, and then changed."""
    path.unlink(missing_ok=True)
    for name, how in TABLES.items():
        config = {'connection': str(path), 'table_name': name, 'serialize_config': how}
        array = DocumentArray(one_length(documents()), storage='sqlite', config=config)
        array.append(Document(id='last', tags={'n': 1}))
        array.insert(0, Document(id='first', text='put before the others'))
        del array['empty']
        array.sync()


def nested(path: Path) -> None:
    """One array with a subindex, which docarray keeps in a table of its own."""
    path.unlink(missing_ok=True)
    docs = [
        Document(id=f'd{i}', chunks=[Document(id=f'c{i}', embedding=np.eye(3)[i])])
        for i in range(3)
    ]
    array = DocumentArray(
        docs,
        storage='sqlite',
        config={'connection': str(path), 'table_name': 'pages'},
        subindex_configs={'@c': None},
    )
    array.sync()


def files() -> None:
    """The compressions that the older samples lack, and CSV."""
    array = documents()
    for protocol in ('protobuf', 'protobuf-array', 'pickle', 'pickle-array'):
        for compress in ('bz2', 'lzma', 'zlib'):
            name = f'v0.21-array.{protocol}.{compress}'
            array.save_binary(str(HERE / name), protocol=protocol, compress=compress)
    rows = DocumentArray(
        Document(id=f'r{i}', text=f'row "{i}", ä', tags={'price': i + 0.5, 'kind': 'shoe'})
        for i in range(3)
    )
    rows.save_csv(str(HERE / 'v0.21-array.csv'))


def main() -> None:
    database(HERE / 'v0.21-arrays.db')
    nested(HERE / 'v0.21-subindex.db')
    files()
    gc.collect()  # lets go of the connections
    for path in HERE.glob('*.db'):  # nothing of them may be in a log beside them
        with sqlite3.connect(path) as connection:
            connection.execute('PRAGMA wal_checkpoint(TRUNCATE)')
            connection.execute('PRAGMA journal_mode = DELETE')
            connection.execute('VACUUM')
        connection.close()


if __name__ == '__main__':
    main()
