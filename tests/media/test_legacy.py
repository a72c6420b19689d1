"""The same conversions in docarray 0.21, where an interpreter that has it is named.

``DOCSTORE_LEGACY_PYTHON`` names it. Everywhere else the numbers that are frozen
in the other files of this folder stand for it.
"""

from __future__ import annotations

import os
import pickle
import subprocess
from typing import Any

import numpy as np
import pytest

import docstore

LEGACY = os.environ.get('DOCSTORE_LEGACY_PYTHON', '')

pytestmark = [
    pytest.mark.spec('2.8'),
    pytest.mark.skipif(not LEGACY, reason='DOCSTORE_LEGACY_PYTHON names no docarray 0.21'),
]

WORDS = ['', 'a', "Hello, World! it's a\ttest\nof foo-bar foo", 'A/b~c é', ' x ']
TAGS = [{}, {'a': 1, 'b': 2.5}, {'c': [1, {'z': 1, 'b': 'é'}], 'd': True, 'e': None}, {'f': -3}]

#: Runs in both: docarray 0.21 in a process of its own, docstore in this one.
CODE = """
import numpy as np

def run(Document, DocumentArray, words, tags):
    out = {}
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    vocab = DocumentArray([Document(text=text) for text in words]).get_vocabulary()
    out['vocabulary'] = list(vocab.items())
    out['frequent'] = DocumentArray([Document(text=t) for t in words]).get_vocabulary(min_freq=2)
    for i, text in enumerate(words):
        out['words', i] = dict(Document(text=text).get_vocabulary())
        out['uri', i] = Document(text=text).convert_text_to_datauri().uri
        for length in (None, 1, 4, 9):
            doc = Document(text=text).convert_text_to_tensor(vocab, max_length=length)
            out['numbers', i, length] = doc.tensor
            out['text', i, length] = doc.convert_tensor_to_text(vocab).text
        for j, some in enumerate(tags):
            for fields in (('text', 'tags'), ('text',), ('tags',)):
                doc = Document(text=text, tags=some).embed_feature_hashing(64, fields=fields)
                out['hash', i, j, fields] = doc.embedding
    for axis in (0, 1, 2, -1):
        moved = np.moveaxis(pixels, -1, axis)
        doc = Document(tensor=moved.copy()).set_image_tensor_normalization(channel_axis=axis)
        out['normal', axis] = doc.tensor
        doc = Document(tensor=moved.copy()).set_image_tensor_shape((3, 4), channel_axis=axis)
        out['shape', axis] = doc.tensor
        out['axis', axis] = Document(tensor=pixels).set_image_tensor_channel_axis(-1, axis).tensor
    out['half'] = Document(tensor=pixels).set_image_tensor_resample(0.5).tensor
    for window, strides in (((3, 4), None), ((2, 2), (2, 2)), ((6, 8), None), ((2, 4), (2, 2))):
        doc = Document(tensor=pixels)
        doc.convert_image_tensor_to_sliding_windows(window, strides)
        out['windows', window, strides] = doc.tensor
        doc = Document(tensor=pixels)
        doc.convert_image_tensor_to_sliding_windows(window, strides, as_chunks=True)
        out['chunks', window, strides] = [(tuple(c.location), c.tensor) for c in doc.chunks]
    for window in ((4, 5), (5, 3), (64, 64)):
        doc = Document(tensor=pixels)
        doc.convert_image_tensor_to_sliding_windows(window, padding=True)
        out['padded', window] = doc.tensor
    numbers = np.arange(12, dtype=np.int16)
    blob = Document(tensor=numbers.reshape(3, 4)).convert_tensor_to_blob().blob
    out['blob'] = blob
    out['numbers'] = Document(blob=blob).convert_blob_to_tensor('int16', 4, 2).tensor
    return out
"""

MAIN = """
import pickle, sys
from docarray import Document, DocumentArray
words, tags = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(pickle.dumps(run(Document, DocumentArray, words, tags)))
"""


@pytest.fixture(scope='module')
def both() -> Any:
    environment = {k: v for k, v in os.environ.items() if k not in ('PYTHONPATH', 'PYTHONSAFEPATH')}
    done = subprocess.run(
        [LEGACY, '-W', 'ignore', '-c', CODE + MAIN],
        input=pickle.dumps((WORDS, TAGS)),
        capture_output=True,
        check=True,
        env=environment,
    )
    namespace: dict[str, Any] = {}
    exec(CODE, namespace)
    ours = namespace['run'](docstore.Document, docstore.DocumentArray, WORDS, TAGS)
    return pickle.loads(done.stdout), ours


def test_all_conversions(both: Any) -> None:
    legacy, ours = both
    assert legacy.keys() == ours.keys()
    assert len(ours) > 100
    for name, expected in legacy.items():
        made = ours[name]
        if isinstance(expected, np.ndarray):
            assert made.dtype == expected.dtype, name
            np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5, err_msg=str(name))
        elif isinstance(expected, list) and name[0] == 'chunks':
            assert [place for place, _ in made] == [place for place, _ in expected], name
            for (_, mine), (_, theirs) in zip(made, expected, strict=True):
                assert np.array_equal(mine, theirs), name
        else:
            assert made == expected, name
