"""Subindices: selected nested Documents as an array of their own, in step with the array."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from docstore.array import DocumentArray
from docstore.document import Document
from docstore.errors import (
    DocumentGone,
)

from ..checks import contents, ids, nearest, refuses, vectors
from .base import ArraySuite

if TYPE_CHECKING:
    from docstore.score import NamedScore

__all__ = ['InStepTests', 'SubindexSuite', 'check_subindex', 'parents', 'part']

ROOT = '_root_id_'


class Stop(Exception):
    """What the tests break off with."""


def part(name: str, seed: int) -> Document:
    """A Document to be nested in another.

    >>> part('a', 1).text
    'part a'
    """
    return Document(
        id=name, text=f'part {name}', tags={'seed': seed}, embedding=vectors(1, seed=seed)[0]
    )


def parents(n: int, start: int = 0) -> list[Document]:
    """Documents ``p<i>`` with two chunks and a match each.

    >>> parents(2)[1].chunks[:, 'id']
    ['p1.c0', 'p1.c1']
    """
    return [
        Document(
            id=f'p{i}',
            text=f'parent {i}',
            tags={'i': i},
            chunks=[part(f'p{i}.c{j}', 100 + 10 * i + j) for j in range(2)],
            matches=[part(f'p{i}.m', 500 + i)],
        )
        for i in range(start, start + n)
    ]


def check_subindex(array: DocumentArray, selector: str = '@c') -> None:
    """A subindex holds what the paths lead to, and finds what brute force finds."""
    sub, wanted = array[selector], array.traverse_flat(selector[1:])
    found, expected = contents(sub), contents(wanted)
    for record in found:
        if 'tags' in record:
            record['tags'].pop(ROOT, None)
            if not record['tags']:
                del record['tags']
    assert ids(sub) == ids(wanted)
    assert found == expected
    assert len(sub) == len(wanted)
    if not len(wanted) or any(doc.embedding is None for doc in wanted):
        return
    matrix = np.stack([doc.embedding for doc in wanted])
    np.testing.assert_array_equal(sub.embeddings, matrix)
    query = vectors(1, dim=matrix.shape[1], seed=99)[0]
    hits = array.find(query, on=selector, limit=3)
    positions, distances = nearest(query, matrix, 'cosine', 3)
    scores: list[NamedScore] = [hit.scores['cosine'] for hit in hits]
    np.testing.assert_allclose([s.value for s in scores], distances[0], atol=1e-5)
    for hit, position in zip(hits, positions[0], strict=True):
        np.testing.assert_array_equal(hit.embedding, matrix[position])


def _nested_by_view(array: DocumentArray) -> None:
    chunk = array[0].chunks[1]
    chunk.text = 'set'
    chunk.tags['deep'] = {'x': [1]}
    array[0].chunks[1].embedding = vectors(1, seed=71)[0]


def _slice(array: DocumentArray) -> None:
    array[1:3] = parents(3, start=20)


def _in_front(array: DocumentArray) -> None:
    array[1].chunks.insert(0, part('front', 31))


def _same_ids(array: DocumentArray) -> None:
    for doc in parents(3):
        doc.chunks[0].text = 'other'
        array[doc.id] = doc


def _nested_assignment(array: DocumentArray) -> None:
    new = [Document(doc, copy=True) for doc in array.traverse_flat('c')]
    for doc in new:
        doc.text = 'assigned'
    array['@c'] = new


def _by_sub_view(array: DocumentArray) -> None:
    chunk = array['@c'][3]
    chunk.text = 'by sub'
    chunk.tags['one'] = 1
    chunk.tags['two'] = 2
    chunk.embedding = vectors(1, seed=61)[0]


def _everything(array: DocumentArray) -> None:
    _nested_by_view(array)
    _slice(array)
    array.reverse()
    array['@c'].embeddings = vectors(len(array['@c']), seed=5)
    del array[0]
    array.append(parents(1, start=40)[0])
    _in_front(array)
    _by_sub_view(array)


def _texts(array: DocumentArray) -> list[str]:
    return [f't{i}' for i in range(len(array['@c']))]


MUTATIONS: dict[str, Callable[[DocumentArray], Any]] = {
    'append': lambda a: a.append(parents(1, start=9)[0]),
    'append without chunks': lambda a: a.append(Document(id='bare')),
    'extend': lambda a: a.extend(parents(3, start=9)),
    'extend by an array': lambda a: a.extend(DocumentArray(parents(3, start=9))),
    'insert': lambda a: a.insert(1, parents(1, start=9)[0]),
    'set by position': lambda a: a.__setitem__(1, parents(1, start=9)[0]),
    'set by id': lambda a: a.__setitem__('p2', parents(1, start=9)[0]),
    'set a slice': _slice,
    'set a mask': lambda a: a.__setitem__([True, False, True, False], parents(2, start=9)),
    'set a list': lambda a: a.__setitem__([3, 0], parents(2, start=9)),
    'set the same ids': _same_ids,
    'set by path': _nested_assignment,
    'set chunks': lambda a: setattr(a[1], 'chunks', [part('x', 1), part('p1.c1', 2)]),
    'set chunks by position': lambda a: a.__setitem__((1, 'chunks'), [part('x', 1)]),
    'set matches': lambda a: setattr(a[1], 'matches', [part('x', 1)]),
    'unset chunks': lambda a: a.__delitem__((slice(1, 3), ['chunks'])),
    'append a chunk': lambda a: a[2].chunks.append(part('x', 1)),
    'append a match': lambda a: a[2].matches.append(part('x', 1)),
    'insert a chunk': _in_front,
    'delete a chunk': lambda a: a[2].chunks.__delitem__(0),
    'replace a chunk': lambda a: a[2].chunks.__setitem__(0, part('x', 1)),
    'reverse chunks': lambda a: a[2].chunks.reverse(),
    'clear chunks': lambda a: a[2].chunks.clear(),
    'set fields of a chunk': _nested_by_view,
    'texts by path': lambda a: setattr(a['@c'], 'texts', _texts(a)),
    'embeddings by path': lambda a: setattr(a['@c'], 'embeddings', vectors(len(a['@c']), seed=4)),
    'a field by path': lambda a: a.__setitem__(('@c', 'text'), _texts(a)),
    'tags by path': lambda a: a.__setitem__(('@c', 'tags'), {'all': 1}),
    'delete by position': lambda a: a.__delitem__(1),
    'delete by id': lambda a: a.__delitem__('p2'),
    'delete a slice': lambda a: a.__delitem__(slice(1, 3)),
    'delete a mask': lambda a: a.__delitem__([False, True, True, False]),
    'delete ids': lambda a: a.__delitem__(['p3', 'p0']),
    'delete all': lambda a: a.__delitem__(...),
    'pop': lambda a: a.pop(),
    'clear': lambda a: a.clear(),
    'clear and fill': lambda a: (a.clear(), a.extend(parents(2, start=2))),
    'reverse': lambda a: a.reverse(),
    'upsert': lambda a: a.upsert(parents(4, start=2)),
    'rename': lambda a: setattr(a[1], 'id', 'renamed'),
    'set by sub view': _by_sub_view,
    'set in the subindex': lambda a: a['@c'].__setitem__(
        1, Document(part('p0.c1', 7), parent_id='p0')
    ),
    'delete in the subindex': lambda a: a['@c'].__delitem__([0, 3, 5]),
    'append to the subindex': lambda a: a['@c'].append(Document(part('x', 7), parent_id='p2')),
    'clear the subindex': lambda a: a['@c'].clear(),
    'everything': _everything,
}


class SubindexSuite(ArraySuite):
    """Opens arrays with subindices; the parts of the suite build on it."""

    def with_subindices(
        self,
        path: Path,
        docs: Iterable[Document] | None = None,
        configs: Any = None,
    ) -> DocumentArray:
        """An array at ``path`` with subindices, of the chunks and matches unless told others."""
        return DocumentArray(
            docs,
            storage=self.storage,
            config=self.config(path),
            subindex_configs={'@c': None, '@m': None} if configs is None else configs,
        )

    @pytest.fixture
    def tree(self, tmp_path: Path) -> Iterable[DocumentArray]:
        """Four Documents with two chunks and a match each."""
        array = self.with_subindices(tmp_path, parents(4))
        yield array
        array.close()


class InStepTests(SubindexSuite):
    """A subindex is never out of step with its array."""

    # -- in step ---------------------------------------------------------------

    @pytest.mark.parametrize('read_before', [True, False])
    @pytest.mark.parametrize('name', MUTATIONS)
    def test_in_step(self, tmp_path: Path, name: str, read_before: bool) -> None:
        array = self.with_subindices(tmp_path, parents(4))
        if read_before:
            check_subindex(array)
            check_subindex(array, '@m')
        MUTATIONS[name](array)
        check_subindex(array)
        check_subindex(array, '@m')
        if self.persistent:
            before = contents(array['@c'])
            array.close()
            array = self.open(tmp_path)
            assert contents(array['@c']) == before
            check_subindex(array)
            check_subindex(array, '@m')
        array.close()

    @pytest.mark.parametrize('name', MUTATIONS)
    def test_rolled_back(self, tmp_path: Path, name: str) -> None:
        array = self.with_subindices(tmp_path, parents(4))
        before = contents(array['@c'])
        with pytest.raises(Stop), array:
            MUTATIONS[name](array)
            check_subindex(array)
            raise Stop
        assert contents(array['@c']) == before
        check_subindex(array)
        check_subindex(array, '@m')
        with pytest.raises(Stop), array:
            MUTATIONS[name](array)
            raise Stop
        array.append(parents(1, start=60)[0])
        check_subindex(array)
        with array:
            MUTATIONS[name](array)
        check_subindex(array)
        check_subindex(array, '@m')
        array.close()

    def test_a_handle_stays_live(self, tree: DocumentArray) -> None:
        sub = tree['@c']
        first, second = sub[0], sub[1]
        tree.append(parents(1, start=9)[0])
        assert len(sub) == 10
        tree[0].chunks[0].text = 'new'
        assert (first.text, sub[0].text) == ('new', 'new')
        tree[0].chunks[1].tags = {'other': 1}
        assert second.tags['other'] == 1
        first.text = 'back'
        assert tree[0].chunks[0].text == 'back'
        del tree[0]
        assert ids(sub)[0] == 'p1.c0'
        if self.persistent:
            with refuses(DocumentGone, LookupError, array=tree):
                _ = second.text

    def test_hits_stay_as_found(self, tree: DocumentArray) -> None:
        query = tree[1].chunks[1].embedding
        hits = tree.find(query, on='@c', limit=2)
        tree[1].chunks[1].text = 'later'
        tree[1].chunks[1].embedding = vectors(1, seed=3)[0]
        tree['@c'][3].tags = {'later': 1}
        assert (hits[0].id, hits[0].text, hits[0].tags['seed']) == ('p1.c1', 'part p1.c1', 111)
        hits = tree.find(query, on='@c', limit=8)
        del tree[:]
        assert sorted(ids(hits)) == sorted(ids(doc for p in parents(4) for doc in p.chunks))

    def test_the_same_document_twice(self, tmp_path: Path) -> None:
        docs = parents(3)
        for doc in docs:
            doc.chunks.append(part('shared', ord(doc.id[-1])))
            doc.chunks.append(part('shared', 7))
        array = self.with_subindices(tmp_path, docs)
        check_subindex(array)
        assert ids(array['@c']).count('shared') == 6
        # By id the last one, and all by a filter.
        assert array['@c']['shared'].embedding.tolist() == vectors(1, seed=7)[0].tolist()
        assert len(array.find({'id': {'$eq': 'shared'}}, on='@c')) == 6
        array[0].chunks[2].text = 'first of them'
        check_subindex(array)
        del array[2]
        check_subindex(array)
        array.insert(0, parents(1, start=7)[0])
        array[0].chunks.append(part('shared', 1))
        check_subindex(array)
        hits = array.find(Document(id='shared', embedding=vectors(1)[0]), on='@c', limit=None)
        assert len(hits[0]) == len(array['@c'])
        hits = array.find(
            Document(id='shared', embedding=vectors(1)[0]), on='@c', limit=None, exclude_self=True
        )
        assert 'shared' not in ids(hits[0])
        assert len(hits[0]) == len(array['@c']) - 5
        array.close()

    @pytest.mark.parametrize(
        'selector', ['@c', '@m', '@cm', '@cc', '@c[:1]', '@c1:', '@c,m', '@m,c[-1:]', '@r', '@rc']
    )
    def test_selectors(self, tmp_path: Path, selector: str) -> None:
        docs = parents(4)
        for doc in docs:
            doc.embedding = vectors(1, seed=ord(doc.id[-1]))[0]
            for at, chunk in enumerate(doc.chunks):
                chunk.matches = [part(f'{chunk.id}.m{j}', 7 * at + j) for j in range(at + 1)]
                chunk.chunks = [part(f'{chunk.id}.c', 70 + at)]
        array = self.with_subindices(tmp_path, docs, {selector: None})
        check_subindex(array, selector)
        array[1].chunks[1].matches[0].text = 'deep'
        array.reverse()
        array[2].chunks.insert(0, part('new', 3))
        check_subindex(array, selector)
        array[selector][:, 'text'] = [f'{i}' for i in range(len(array[selector]))]
        check_subindex(array, selector)
        array[selector].embeddings = vectors(len(array[selector]), seed=1)
        check_subindex(array, selector)
        del array[selector][0]
        check_subindex(array, selector)
        del array[0]
        check_subindex(array, selector)
        array.close()

    def test_white_space(self, tmp_path: Path) -> None:
        array = self.with_subindices(tmp_path, parents(2), {'@ c': None})
        assert contents(array['@ c']) == contents(array['@c'])
        assert len(array.find(vectors(1)[0], on='@c')) == len(array.find(vectors(1)[0], on='@ c'))
        array.close()
