"""Values come back as they went in.

Section 2.1 of the inventory of names.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore.document import Document
from docstore.score import NamedScore

from ..checks import contents, make_docs, plain
from .base import ArraySuite
from .getting import nested_docs

__all__ = ['ValueTests']

#: Tags that a careless format loses or changes.
TAGS: dict[str, dict[str, Any]] = {
    'int, float and bool': {
        'i': 1,
        'f': 1.0,
        'b': True,
        'z': 0,
        'zf': 0.0,
        'n': False,
        'minus': -0.0,
    },
    'big ints': {'a': 2**53 + 1, 'b': 2**63 - 1, 'c': -(2**63), 'd': 2**64, 'e': -(10**40)},
    'floats': {
        'a': 5e-324,
        'b': 1.7976931348623157e308,
        'c': 0.1,
        'inf': math.inf,
        'minus': -math.inf,
    },
    'nan': {'nan': math.nan, 'list': [math.nan, 1.0]},
    'none': {'none': None, 'list': [None], 'dict': {'none': None}},
    'strings': {
        '': 'empty key',
        'space key': ' ',
        'a.b': '.',
        'a__b': '_',
        '$eq': '$',
        '"': "'",
        '%s?': ';--',
    },
    'numbers as strings': {
        '1': '1',
        '1.0': '1.0',
        'true': 'true',
        'inf': 'Infinity',
        'null': 'null',
    },
    'unicode': {
        'schön': 'Ünïcödé',
        '漢字': '日本語',
        'emoji': '👩‍👩‍👧‍👦',
        'rtl': 'עברית',
        'nfd': 'e\u0301',
        'nul': 'a\x00b',
    },
    'nesting': {'a': {'b': {'c': [1, [2, [3, {'d': [{}, []]}]]]}}, 'empty': {}, 'list': []},
    'bytes': {'blob': b'\x00\x01\xff', 'none': b''},
    'long': {'text': 'x' * 100_000, 'list': list(range(3000))},
    'many keys': {f'key {i}': i for i in range(1000)},
}

ARRAYS: dict[str, Any] = {
    'float64': np.array([[1.5, math.pi], [-0.0, 5e-324]]),
    'float32': np.array([1.5, -2.5], dtype=np.float32),
    'float16': np.array([1.5, -2.5], dtype=np.float16),
    'uint8 image': np.arange(48, dtype=np.uint8).reshape(4, 4, 3),
    'int64': np.array([2**62, -(2**62)]),
    'bool': np.array([True, False]),
    'scalar': np.array(7, dtype=np.int16),
    'empty': np.zeros((0, 3), dtype=np.float32),
    'not contiguous': np.arange(12).reshape(3, 4)[:, ::2],
    'fortran order': np.asfortranarray(np.arange(6).reshape(2, 3)),
    'list': [1, 2.5, [3]],
}


class ValueTests(ArraySuite):
    """What is stored is what comes back, through a reopening too."""

    def same_after_reopening(self, path: Path, doc: Document) -> None:
        """Store, read, reopen, read."""
        expected = plain(doc)
        array = self.open(path, [doc])
        assert plain(array[0]) == expected
        array = self.reopen(array, path)
        assert plain(array[0]) == expected
        array.close()

    @pytest.mark.parametrize('name', TAGS)
    def test_tags(self, tmp_path: Path, name: str) -> None:
        self.same_after_reopening(tmp_path, Document(id='d', tags=TAGS[name]))

    @pytest.mark.parametrize('name', ARRAYS)
    def test_tensor(self, tmp_path: Path, name: str) -> None:
        self.same_after_reopening(tmp_path, Document(id='d', tensor=ARRAYS[name]))

    def test_tensor_and_embedding_of_a_chunk(self, tmp_path: Path) -> None:
        chunk = Document(id='c', tensor=np.eye(3, dtype=np.uint8), embedding=np.ones(7))
        self.same_after_reopening(tmp_path, Document(id='d', chunks=[chunk]))

    def test_embeddings_inside_tags(self, tmp_path: Path) -> None:
        self.same_after_reopening(tmp_path, Document(id='d', tags={'box': np.arange(4), 'n': 1}))

    @pytest.mark.parametrize(
        'text',
        ['', ' ', '\x00', 'a\x00b', '\n\r\t', '👩‍👩‍👧‍👦', '\U0010ffff', "'; DROP TABLE x; --"],
    )
    def test_text_and_id(self, tmp_path: Path, text: str) -> None:
        self.same_after_reopening(tmp_path, Document(id=f'id {text}', text=text, uri=text or 'u'))

    @pytest.mark.parametrize('size', [0, 1, 70_000])
    def test_blob(self, tmp_path: Path, size: int) -> None:
        blob = np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8).tobytes()
        self.same_after_reopening(tmp_path, Document(id='d', blob=blob))

    def test_every_field(self, tmp_path: Path) -> None:
        doc = Document(
            id='all', parent_id='p', granularity=1, adjacency=2, text='t', mime_type='text/plain',
            weight=0.1, uri='u', tags={'a': 1}, offset=2.5, location=[1.0, 2.0, 3.5], modality='m',
            embedding=np.array([1, 2, 3, 4], dtype=np.float32),
            evaluations={'e': NamedScore(value=1.0, op_name='o', description='d', ref_id='r')},
            scores={'s': NamedScore(value=-0.5), 'none': NamedScore()},
        )  # fmt: skip
        doc._metadata['k'] = {'v': 1}
        self.same_after_reopening(tmp_path, doc)

    def test_nothing_but_an_id(self, tmp_path: Path) -> None:
        array = self.open(tmp_path, [Document(id='d')])
        assert array[0].non_empty_fields == ('id',)
        array = self.reopen(array, tmp_path)
        assert array[0].non_empty_fields == ('id',)
        array.close()

    def test_nested_documents(self, tmp_path: Path) -> None:
        array = self.open(tmp_path, nested_docs())
        assert contents(array) == contents(nested_docs())
        array = self.reopen(array, tmp_path)
        assert contents(array) == contents(nested_docs())
        first = array[0].chunks[0]
        assert (first.parent_id, first.granularity) == ('a', 1)
        assert array[1].matches[0].adjacency == 1
        array.close()

    def test_deep_nesting(self, tmp_path: Path) -> None:
        doc = Document(id='0')
        for i in range(1, 20):
            doc = Document(id=str(i), chunks=[doc])
        self.same_after_reopening(tmp_path, doc)

    def test_what_went_in_is_not_tied_to_what_is_stored(self, tmp_path: Path) -> None:
        docs = make_docs(2)
        array = self.open(tmp_path, docs)
        if self.persistent:
            docs[0].tags['nested']['x'].append('changed outside')
            docs[1].embedding[:] = 0
        reopened = self.reopen(array, tmp_path)
        assert contents(reopened) == contents(make_docs(2))
        reopened.close()
