"""What docarray 0.21 wrote is read, and what is written here is read by docarray 0.21.

The samples in legacy/more are frozen (legacy/README.md). Where the environment
variable DOCSTORE_LEGACY_PYTHON names an interpreter that has docarray 0.21, the
two also read what the other writes now.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore import Document, DocumentArray

pytest.importorskip('lz4')
pytestmark = [pytest.mark.spec('14'), pytest.mark.spec('19')]

HERE = Path(__file__).parent / 'legacy' / 'more'
LEGACY = os.environ.get('DOCSTORE_LEGACY_PYTHON', '')
PROTOCOLS = ('protobuf', 'protobuf-array', 'pickle', 'pickle-array')
COMPRESSIONS = ('none', 'lz4', 'gzip', 'bz2', 'lzma', 'zlib')
needs_docarray = pytest.mark.skipif(
    not Path(LEGACY).is_file(), reason='DOCSTORE_LEGACY_PYTHON names no interpreter'
)


def check(first: Document, dtype: str | None = '<f4') -> None:
    assert (first.id, first.text, first.weight) == ('a', 'häuser', 0.5)
    assert first.tags == {'n': 3.0, 'l': [True, {'x': 'y'}]}
    assert first.embedding.tolist() == [0, 1, 2]
    assert dtype is None or first.embedding.dtype == dtype
    assert first.scores['cosine'].value == 0.25
    assert (first.chunks[0].blob, first.chunks[0].parent_id) == (b'\0\xff', 'a')


def check_array(array: Any, dtype: str | None = '<f4') -> None:
    assert array[:, 'id'] == ['a', 'b']
    check(array[0], dtype)
    assert array[1].tensor.tolist() == [[1, 0], [0, 1]]


def test_the_samples_are_there() -> None:
    assert len(list(HERE.iterdir())) == 12 + 4 + 2 + 10 + 2


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_arrays_of_docarray(protocol: str) -> None:
    for compress in ('bz2', 'lzma', 'zlib'):
        path = HERE / f'array.{protocol}.{compress}'
        check_array(DocumentArray.load_binary(path))
        check_array(list(DocumentArray.load_binary(path, streaming=True)) and
                    DocumentArray(DocumentArray.load_binary(path, streaming=True)))  # fmt: skip
        check_array(DocumentArray.from_bytes(path.read_bytes(), protocol, compress))
    text = (HERE / f'array.{protocol}.base64').read_text('ascii')
    check_array(DocumentArray.from_base64(text, protocol, 'gzip'))


@pytest.mark.parametrize('protocol', ['protobuf', 'pickle'])
@pytest.mark.parametrize('compress', ['bz2', 'gzip', 'lz4', 'lzma', 'zlib'])
def test_documents_of_docarray(protocol: str, compress: str) -> None:
    data = (HERE / f'document.{protocol}.{compress}').read_bytes()
    check(Document.from_bytes(data, protocol, compress))


def test_text_of_docarray() -> None:
    check_array(DocumentArray.load_json(HERE / 'array.jsonschema.json'), None)
    pytest.importorskip('google.protobuf')
    check_array(DocumentArray.load_json(HERE / 'array.protobuf.json', 'protobuf'))
    doc = DocumentArray.load_csv(HERE / 'array.csv')[0]
    assert (doc.id, doc.tensor.tolist()) == ('b', [[1, 0], [0, 1]])


def test_a_message_of_docarray() -> None:
    pytest.importorskip('google.protobuf')
    data = (HERE / 'message.protobuf').read_bytes()
    array = DocumentArray.from_bytes(data, 'protobuf-array')
    check_array(array)
    assert array.to_protobuf() == type(array.to_protobuf()).FromString(data)


def sample() -> DocumentArray:
    first = Document(id='a', text='häuser', tags={'n': 3.0, 'l': [True, {'x': 'y'}]}, weight=0.5)
    first.embedding = np.arange(3, dtype=np.float32)
    first.scores['cosine'].value = 0.25
    first.chunks = [Document(id='c', blob=b'\0\xff')]
    return DocumentArray([first, Document(id='b', tensor=np.eye(2, dtype=np.int16))])


READ = """
import json, sys, warnings
warnings.simplefilter('ignore')
from docarray import Document, DocumentArray
folder, seen = sys.argv[1], {}
for protocol in %r:
    for compress in %r:
        how = dict(protocol=protocol, compress=None if compress == 'none' else compress)
        array = DocumentArray.load_binary(f'{folder}/{protocol}-{compress}', **how)
        array[0].chunks.append(Document(id='new'))  # what was read is whole, and can be changed
        array.append(Document(id='last'))
        assert array['last'].id == 'last' and array[0].chunks[-1].parent_id == 'a'
        assert array[0].embedding.dtype == 'float32' and array[1].tensor.dtype == 'int16'
        seen[f'{protocol}-{compress}'] = array.to_list(exclude_none=True)
        if protocol in ('pickle', 'protobuf'):
            data = open(f'{folder}/one-{protocol}-{compress}', 'rb').read()
            assert Document.from_bytes(data, **how).chunks[0].blob == b'\\0\\xff'
        DocumentArray(array[:2]).save_binary(f'{folder}/back-{protocol}-{compress}', **how)
seen['json'] = DocumentArray.load_json(f'{folder}/x.json').to_list(exclude_none=True)
print(json.dumps(seen))
"""


@needs_docarray
def test_docarray_reads_what_is_written_here(tmp_path: Path) -> None:
    array = sample()
    for protocol in PROTOCOLS:
        for compress in COMPRESSIONS:
            packing = None if compress == 'none' else compress
            array.save_binary(tmp_path / f'{protocol}-{compress}', protocol, packing)
            if protocol in {'pickle', 'protobuf'}:
                data = array[0].to_bytes(protocol, packing)
                (tmp_path / f'one-{protocol}-{compress}').write_bytes(data)
    array.save_json(tmp_path / 'x.json')
    done = subprocess.run(
        [LEGACY, '-c', READ % (PROTOCOLS, COMPRESSIONS), str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert len(seen) == 25
    for name, (first, second, *_) in seen.items():
        assert (first['id'], first['text'], first['weight']) == ('a', 'häuser', 0.5), name
        assert first['tags'] == {'n': 3.0, 'l': [True, {'x': 'y'}]}
        assert first['embedding'] == [0, 1, 2]
        assert first['scores']['cosine']['value'] == 0.25
        assert first['chunks'][0]['blob'] == 'AP8='
        assert second['tensor'] == [[1, 0], [0, 1]]
        if name != 'json':
            protocol, _, compress = name.rpartition('-')
            packing = None if compress == 'none' else compress
            back = DocumentArray.load_binary(tmp_path / f'back-{name}', protocol, packing)
            assert back[:, 'id'] == ['a', 'b']
            del back[0].chunks[1]
            check_array(back)
