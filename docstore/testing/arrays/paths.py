"""Paths through nested Documents: reading, writing and unsetting what they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore.array import DocumentArray
from docstore.document import Document
from docstore.errors import (
    EncodeError,
    InvalidArgument,
    InvalidDocument,
    InvalidIndex,
    InvalidType,
    LengthMismatch,
    UnknownField,
)

from ..checks import contents, ids, refuses, vectors
from .base import ArraySuite, Opener
from .getting import nested_docs

__all__ = ['PathTests']


class PathTests(ArraySuite):
    """``da['@c']``, ``traverse`` and what goes with them."""

    @pytest.fixture
    def nested(self, opener: Opener) -> DocumentArray:
        """Two Documents with chunks and matches."""
        return opener(nested_docs())

    # -- reading ----------------------------------------------------------

    def test_groups_are_of_one_parent(self, nested: DocumentArray) -> None:
        groups = [ids(group) for group in nested.traverse('c,m[:1],cm')]
        assert groups == [
            ['a-c0', 'a-c1'], ['b-c0', 'b-c1'], ['a-m0'], ['b-m0'],
            ['a-c0-m0'], [], ['b-c0-m0'], [],
        ]  # fmt: skip
        assert [ids(group) for group in nested.traverse('r')] == [['a', 'b']]

    def test_one_array_a_path(self, nested: DocumentArray) -> None:
        parts = list(nested.traverse_flat_per_path('r, m[-1], c[9]'))
        assert [ids(part) for part in parts] == [['a', 'b'], ['a-m2', 'b-m2'], []]
        assert all(isinstance(part, DocumentArray) for part in parts)

    def test_a_filter(self, nested: DocumentArray) -> None:
        def first(doc: Document) -> bool:
            return doc.id.endswith('0')

        assert ids(nested.traverse_flat('c,m', first)) == ['a-c0', 'b-c0', 'a-m0', 'b-m0']
        assert [ids(group) for group in nested.traverse('c', first)] == [['a-c0'], ['b-c0']]
        assert [ids(part) for part in nested.traverse_flat_per_path('c,r', first)] == [
            ['a-c0', 'b-c0'], [],
        ]  # fmt: skip
        assert len(nested.traverse_flat('r', first)) == 0

    def test_the_root_is_the_array_itself(self, nested: DocumentArray) -> None:
        assert nested.traverse_flat('r') is nested
        assert nested['@ r'] is nested
        assert nested['@r[:]'] is nested
        assert nested['@r,r'] is not nested

    @pytest.mark.parametrize(
        ('path', 'expected'),
        [
            ('@m[-1]', ['a-m2', 'b-m2']),
            ('@m-2', ['a-m1', 'b-m1']),
            ('@m[-9]', []),
            ('@m[9]', []),
            ('@m -2 :', ['a-m1', 'a-m2', 'b-m1', 'b-m2']),
            ('@m::-1', ['a-m2', 'a-m1', 'a-m0', 'b-m2', 'b-m1', 'b-m0']),
            ('@r-1:c', ['b-c0', 'b-c1']),
            ('@cr1:', ['a-c1', 'b-c1']),
            ('@r[0]c[0]m', ['a-c0-m0']),
            ('@m[:1],m[:1]', ['a-m0', 'b-m0', 'a-m0', 'b-m0']),
            ('@\tc[ 1\n: ]', ['a-c1', 'b-c1']),
            ('@m[:99999999999999999999999]', [f'{n}-m{i}' for n in 'ab' for i in range(3)]),
        ],
    )
    def test_indexes_and_slices_hold_for_each_parent(
        self, nested: DocumentArray, path: str, expected: list[str]
    ) -> None:
        assert ids(nested[path]) == expected

    @pytest.mark.parametrize(
        'path',
        ['@', '@,', '@c,', '@C', '@c[]', '@c[1', '@c1]', '@c[a]', '@c[1:2:3:4]', '@c[::0]',
         '@c[--1]', '@c-', '@r/c', '@' + 'r' * 1000, '@c[' + '9' * 10_000 + ']'],
    )  # fmt: skip
    def test_bad_paths_change_nothing(self, nested: DocumentArray, path: str) -> None:
        for bad in (
            lambda: nested[path],
            lambda: nested.traverse(path[1:]),
            lambda: nested.traverse_flat_per_path(path[1:]),
            lambda: nested.__setitem__(path, []),
            lambda: nested.__setitem__((path, 'text'), 'x'),
        ):
            with refuses(InvalidArgument, ValueError, 'path', array=nested):
                bad()

    def test_attributes_come_a_list_each_in_the_order_asked_for(
        self, nested: DocumentArray
    ) -> None:
        texts, tags, names = nested['@c', ['text', 'tags__n', 'id']]
        assert texts == ['c0', 'c1', 'c0', 'c1']
        assert tags == [None, 1, None, 1]
        assert names == ['a-c0', 'a-c1', 'b-c0', 'b-c1']
        nested['@m', 'embedding'] = vectors(6)
        embeddings, names = nested['@m[:2]', ('embedding', 'id')]
        np.testing.assert_array_equal(embeddings, vectors(6)[[0, 1, 3, 4]])
        assert names == ['a-m0', 'a-m1', 'b-m0', 'b-m1']

    def test_attributes_of_nothing(self, nested: DocumentArray) -> None:
        assert nested['@ccc', 'text'] == []
        assert nested['@ccc', 'embedding'] == []
        assert nested['@ccc', ['text', 'tags__n']] == [[], []]
        with refuses(UnknownField, AttributeError, 'texr', "did you mean 'text'", array=nested):
            nested['@c', 'texr']

    def test_flat_stays_flat(self, nested: DocumentArray) -> None:
        flat = nested.flatten()
        assert flat.flatten() is flat
        assert flat[...] is flat
        assert len(nested.flatten()) == len(flat) == 14
        flat.append(Document(id='more', chunks=[Document(id='inner')]))
        assert ids(flat[...])[-2:] == ['inner', 'more']

    # -- writing ----------------------------------------------------------

    def test_what_is_set_on_a_path_is_kept(self, tmp_path: Path) -> None:
        da = self.open(tmp_path, nested_docs())
        da['@c', 'text'] = [f'new {i}' for i in range(4)]
        da['@m[:2]', ['weight', 'tags']] = [[1.0, 2.0, 3.0, 4.0], {'set': True}]
        da['@cm', 'embedding'] = vectors(2)
        da['@r,c', 'modality'] = 'text'
        expected = contents(da)
        assert da['@c', 'text'] == ['new 0', 'new 1', 'new 2', 'new 3']
        assert da['@m', 'weight'] == [1.0, 2.0, 0.0, 3.0, 4.0, 0.0]
        assert da['@m', 'tags__set'] == [True, True, None, True, True, None]
        assert da['@c,r,m', 'modality'] == ['text'] * 6 + [''] * 6
        da = self.reopen(da, tmp_path)
        assert contents(da) == expected
        np.testing.assert_array_equal(da['@cm', 'embedding'], vectors(2))
        da.close()

    def test_documents_set_on_a_path_are_kept(self, tmp_path: Path) -> None:
        da = self.open(tmp_path, nested_docs())
        new = [
            Document(id=name, blob=name.encode(), matches=[Document(id=f'{name}-new')])
            for name in ids(da['@c[1],cm'])
        ]
        da['@c[1],cm'] = new
        assert ids(da['@cm']) == ['a-c0-m0', 'a-c1-new', 'b-c0-m0', 'b-c1-new']
        assert da['@c,cm', 'blob'] == [
            b'', b'a-c1', b'', b'b-c1', b'a-c0-m0', b'', b'b-c0-m0', b'',
        ]  # fmt: skip
        expected = contents(da)
        da = self.reopen(da, tmp_path)
        assert contents(da) == expected
        da.close()

    def test_everything_set_is_kept(self, tmp_path: Path) -> None:
        da = self.open(tmp_path, nested_docs())
        flat = [Document(doc, copy=True) for doc in da[...]]
        for doc in flat:
            doc.weight = 7.0
            # Each comes for itself, and its parent with what it has.
            for nested in (*doc.chunks, *doc.matches):
                nested.weight = 7.0
                for deeper in nested.matches:
                    deeper.weight = 7.0
        da[...] = flat
        assert set(da[..., 'weight']) == {7.0}
        da[..., 'text'] = [str(i) for i in range(14)]
        assert da[..., 'text'] == [str(i) for i in range(14)]
        da = self.reopen(da, tmp_path)
        assert set(da[..., 'weight']) == {7.0}
        assert da[..., 'text'] == [str(i) for i in range(14)]
        assert [doc.text for doc in da] == ['6', '13']
        da.close()

    def test_one_value_is_for_all(self, nested: DocumentArray) -> None:
        nested['@m', 'text'] = 'same'
        nested['@m[0]', 'tags'] = {'deep': {'list': []}}
        assert nested['@m', 'text'] == ['same'] * 6
        nested[0].matches[0].tags['deep']['list'].append(1)
        assert nested['@m[0]', 'tags__deep__list'] == [[1], []]

    def test_a_shorter_list_leaves_the_rest(self, nested: DocumentArray) -> None:
        nested['@m', 'text'] = ['x', 'y']
        assert nested['@m', 'text'] == ['x', 'y', 'm2', 'm0', 'm1', 'm2']

    def test_views_that_are_held_see_it(self, nested: DocumentArray) -> None:
        chunk, tags = nested['b'].chunks[1], nested['b'].chunks[1].tags
        nested['@c', 'text'] = 'new'
        assert chunk.text == 'new'
        tags['later'] = 1
        chunk.text = 'newer'
        assert nested['@c', 'text'] == ['new', 'new', 'new', 'newer']
        assert nested['@c', 'tags__later'] == [None, None, None, 1]

    def test_other_documents_are_refused(self, nested: DocumentArray) -> None:
        with refuses(InvalidArgument, ValueError, 'ids', array=nested):
            nested['@c'] = [Document(id='x') for _ in range(4)]
        with refuses(InvalidArgument, ValueError, 'ids', array=nested):
            nested['@c'] = [Document(doc, copy=True) for doc in nested['@c']][::-1]
        with refuses(LengthMismatch, ValueError, 4, 1, array=nested):
            nested['@c'] = [Document(id='a-c0')]
        with refuses(LengthMismatch, ValueError, 14, 2, array=nested):
            nested[...] = [Document(), Document()]
        with refuses(InvalidType, TypeError, 'Document', array=nested):
            nested['@c'] = Document(id='a-c0')
        with refuses(InvalidType, TypeError, 'int', array=nested):
            nested['@c'] = [1, 2, 3, 4]

    @pytest.mark.parametrize(
        ('names', 'values', 'error', 'builtin'),
        [
            ('id', ['x', None, 'y', 'z'], InvalidArgument, ValueError),
            ('id', ['x', 'y', 2.5, 'z'], InvalidDocument, ValueError),
            (['text', 'id'], ['t', ['x', None]], InvalidArgument, ValueError),
            (['text', 'embedding'], ['t', vectors(3)], LengthMismatch, ValueError),
            ('embedding', 3, LengthMismatch, ValueError),
            ('chunks', [[Document()], ['no document']], InvalidType, TypeError),
            ('matches', 3, InvalidType, TypeError),
            ('text', iter(['a', 'b']), InvalidType, TypeError),
            ('texr', 'x', InvalidIndex, IndexError),
            (['text', 'texr'], ['x', 'x'], InvalidIndex, IndexError),
        ],
    )
    def test_bad_values_change_nothing(
        self, nested: DocumentArray, names: Any, values: Any, error: Any, builtin: Any
    ) -> None:
        for key in ('@c', slice(None)):
            with refuses(error, builtin, array=nested):
                nested[key, names] = values

    def test_nested_values_that_cannot_be_stored_change_nothing(
        self, nested: DocumentArray
    ) -> None:
        if not self.persistent:
            pytest.skip('memory keeps any object')
        held = nested[0].chunks[0]
        with refuses(EncodeError, TypeError, 'chunks[1].tags.bad', array=nested):
            nested['@c', 'tags'] = [{'fine': 1}, {}, {}, {'bad': object()}]
        assert nested['@c', 'tags'] == [{}, {'n': 1}, {}, {'n': 1}]
        assert held.text == 'c0'

    def test_numbers_of_an_array_are_one_each(self, da: DocumentArray) -> None:
        da[:, 'weight'] = np.arange(5) / 4
        da[:2, 'location'] = np.array([[1.0, 2.0], [3.0, 4.0]])
        assert da[:, 'weight'] == [0.0, 0.25, 0.5, 0.75, 1.0]
        assert [list(doc.location) for doc in da[:3]] == [[1.0, 2.0], [3.0, 4.0], []]

    # -- unsetting --------------------------------------------------------

    def test_what_is_unset_on_a_path_stays_unset(self, tmp_path: Path) -> None:
        da = self.open(tmp_path, nested_docs())
        del da['@m[0]', 'text']
        del da['@c', ['text', 'tags', 'matches']]
        del da[..., 'weight']
        assert da['@m', 'text'] == ['', 'm1', 'm2', '', 'm1', 'm2']
        assert da['@c', ['text', 'tags']] == [[''] * 4, [{}] * 4]
        assert len(da['@cm']) == 0
        expected = contents(da)
        da = self.reopen(da, tmp_path)
        assert contents(da) == expected
        assert da.texts == ['a', 'b']
        da.close()

    def test_bad_names_unset_nothing(self, nested: DocumentArray) -> None:
        with refuses(UnknownField, AttributeError, 'texr', "did you mean 'text'", array=nested):
            del nested['@c', ['text', 'texr']]
        with refuses(InvalidArgument, ValueError, 'id', array=nested):
            del nested['@c', 'id']
