"""Searching in a subindex, and what the Documents found belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from docstore.array import DocumentArray
from docstore.document import Document
from docstore.errors import (
    InvalidArgument,
    UnknownName,
    UnsupportedOperation,
)

from ..checks import ids, nearest, refuses, vectors
from .subindices import ROOT, Stop, SubindexSuite, check_subindex, parents, part

__all__ = ['SubindexSearchingTests']


class SubindexSearchingTests(SubindexSuite):
    """A search in a subindex is a search, and knows the roots of its hits."""

    # -- searching ---------------------------------------------------------------

    def test_find_takes_the_options_of_any_search(self, tree: DocumentArray) -> None:
        query = vectors(1, seed=2)[0]
        matrix = tree['@c'].embeddings
        names = ids(tree['@c'])
        for metric in self.metrics:
            positions, distances = nearest(query, matrix, metric, 5)
            hits = tree.find(query, metric=metric, limit=5, on='@c')
            assert ids(hits) == [names[at] for at in positions[0]]
            np.testing.assert_allclose(
                [hit.scores[metric].value for hit in hits], distances[0], atol=1e-5
            )
        mask = np.array([name.endswith('c0') for name in names])
        hits = tree.find(query, on='@c', filter={'text': {'$regex': 'c0$'}}, limit=None)
        assert ids(hits) == [names[at] for at in nearest(query, matrix, 'cosine', None, mask)[0][0]]
        chunk = Document(tree[2].chunks[0], copy=True)
        first = tree.find(chunk, on='@c', limit=2)[0]
        assert first[0].id == 'p2.c0'
        without = tree.find(chunk, on='@c', limit=2, exclude_self=True)[0]
        assert without[0].id == first[1].id
        only = tree.find(query, on='@c', only_id=True, limit=1)[0]
        assert only.non_empty_fields == ('id', 'scores')
        both = tree.find(vectors(2, seed=2), on='@c', limit=3)
        assert [len(hits) for hits in both] == [3, 3]
        assert ids(tree.find({'tags__seed': {'$gte': 120}}, on='@c')) == names[4:]
        assert len(tree.find({}, on='@c')) == 8

    def test_find_on_the_root(self, tmp_path: Path) -> None:
        docs = parents(3)
        for doc, vector in zip(docs, vectors(3), strict=True):
            doc.embedding = vector
        array = self.with_subindices(tmp_path, docs)
        plain = ids(array.find(vectors(1)[0]))
        assert ids(array.find(vectors(1)[0], on='@r')) == plain
        assert ids(array.find(vectors(1)[0], on='@r', return_root=True)) == plain
        array.close()

    def test_roots_of_hits(self, tree: DocumentArray) -> None:
        query = tree[2].chunks[1].embedding
        hits = tree.find(query, on='@c', limit=None)
        roots = tree.find(query, on='@c', limit=None, return_root=True)
        # One for each hit, in the order and with the scores of the hits.
        assert ids(roots) == [hit.id.split('.')[0] for hit in hits]
        assert [r.scores['cosine'].value for r in roots] == [h.scores['cosine'].value for h in hits]
        assert (roots[0].id, roots[0].text, len(roots[0].chunks)) == ('p2', 'parent 2', 2)
        roots[0].text = 'a copy'
        assert tree['p2'].text == 'parent 2'
        several = tree.find(vectors(2), on='@c', limit=3, return_root=True)
        assert [len(found) for found in several] == [3, 3]
        found = tree.find({'id': {'$eq': 'p3.c1'}}, on='@c', return_root=True)
        assert ids(found) == ['p3']
        assert ids(tree.find(query, on='@c', limit=1, only_id=True, return_root=True)) == ['p2']

    def test_match_in_a_subindex(self, tree: DocumentArray) -> None:
        queries = DocumentArray([Document(id='q', embedding=tree[1].chunks[0].embedding)])
        queries.match(tree, on='@c', limit=2)
        assert ids(queries[0].matches)[0] == 'p1.c0'
        assert queries[0].matches[0].adjacency == 1
        queries.match(tree, on='@c', limit=1, return_root=True)
        assert ids(queries[0].matches) == ['p1']

    def test_unknown_subindices(self, tree: DocumentArray) -> None:
        for on in ('@cc', 'c', '@x', 3):
            with refuses(UnknownName, ValueError, repr(on), "'@c'", "'@m'", array=tree):
                tree.find(vectors(1)[0], on=on)
        with refuses(UnknownName, ValueError, "'@cc'"):
            DocumentArray([Document(embedding=vectors(1)[0])]).match(tree, on='@cc')
        assert ids(tree['@cc']) == []

    # -- roots -------------------------------------------------------------------

    def test_root_ids(self, tree: DocumentArray) -> None:
        if not self.persistent:
            assert tree['@c'][2].parent_id == 'p1'
            assert ROOT not in tree['@c'][2].tags
            return
        assert tree['@c'][2].tags[ROOT] == 'p1'
        assert ROOT not in tree[1].chunks[0].tags
        tree[1].id = 'renamed'
        assert tree['@c'][2].tags[ROOT] == 'renamed'
        chunk = tree['@c'][2]
        chunk.tags['more'] = 1
        assert tree[1].chunks[0].tags == {'seed': 110, 'more': 1}
        chunk.tags = {'only': 1}
        assert (tree[1].chunks[0].tags, tree['@c'][2].tags[ROOT]) == ({'only': 1}, 'renamed')

    def test_without_root_ids(self, tmp_path: Path) -> None:
        array = self.with_subindices(tmp_path, parents(2), {'@c': {'root_id': False}})
        assert ROOT not in array['@c'][0].tags
        check_subindex(array)
        if self.persistent:
            with refuses(InvalidArgument, ValueError, ROOT):
                array.find(vectors(1)[0], on='@c', return_root=True)
        array.close()

    def test_documents_without_a_root(self, tree: DocumentArray, tmp_path: Path) -> None:
        loose = Document(id='loose', text='x', embedding=vectors(1, seed=8)[0])
        for add in (
            lambda s: s.append(loose),
            lambda s: s.extend([loose]),
            lambda s: s.insert(0, loose),
        ):
            with pytest.warns(UserWarning, match='parent_id'):
                add(tree['@c'])
            assert ids(tree['@c'])[-1] == 'loose'
            assert len(tree) == 4
            tree.append(parents(1, start=20)[0])
            assert ids(tree['@c'])[-3:] == ['p20.c0', 'p20.c1', 'loose']
            tree.pop()
            hits = tree.find(loose.embedding, on='@c', limit=1)
            assert (hits[0].id, hits[0].text) == ('loose', 'x')
            if self.persistent:
                with refuses(InvalidArgument, ValueError, 'loose', ROOT, array=tree):
                    tree.find(loose.embedding, on='@c', limit=1, return_root=True)
            else:
                roots = tree.find(loose.embedding, on='@c', limit=1, return_root=True)
                assert ids(roots) == ['loose']
            tree['@c'][-1].text = 'set'
            assert tree['@c']['loose'].text == 'set'
            tree['@c']['loose'].text = 'x'
            del tree['@c'][-1]
            check_subindex(tree)

    def test_documents_without_a_root_are_kept(self, tmp_path: Path) -> None:
        if not self.persistent:
            pytest.skip('nothing is kept')
        array = self.with_subindices(tmp_path, parents(2))
        with pytest.warns(UserWarning, match='parent_id'):
            array['@c'].append(part('loose', 8))
        with pytest.raises(Stop), array:
            del array['@c'][-1]
            raise Stop
        assert ids(array['@c'])[-1] == 'loose'
        array.close()
        array = self.open(tmp_path)
        assert ids(array['@c'])[-1] == 'loose'
        array.reverse()
        assert ids(array['@c']) == ['p1.c0', 'p1.c1', 'p0.c0', 'p0.c1', 'loose']
        array.close()

    def test_clearing_the_array_clears_its_subindices(self, tree: DocumentArray) -> None:
        with pytest.warns(UserWarning, match='parent_id'):
            tree['@c'].append(part('loose', 8))
        with pytest.raises(Stop), tree:
            tree.clear()
            assert len(tree['@c']) == 0
            raise Stop
        assert len(tree['@c']) == 9
        tree.clear()
        assert len(tree['@c']) == 0

    def test_documents_that_name_their_root_go_into_it(self, tree: DocumentArray) -> None:
        tree['@c'].extend([Document(part('a', 1), parent_id='p1')])
        assert ids(tree[1].chunks) == ['p1.c0', 'p1.c1', 'a']
        assert tree[1].chunks[2].parent_id == 'p1'
        tree['@m'].append(Document(id='b', tags={ROOT: 'p0'}, embedding=vectors(1)[0]))
        assert ids(tree[0].matches) == ['p0.m', 'b']
        check_subindex(tree)
        assert ids(tree['@m']) == ['p0.m', 'b', 'p1.m', 'p2.m', 'p3.m']

    def test_assigning_warns_and_takes_the_place(self, tree: DocumentArray) -> None:
        with pytest.warns(UserWarning, match='parent_id'):
            tree['@c'][1] = part('new', 5)
        assert ids(tree[0].chunks) == ['p0.c0', 'new']
        check_subindex(tree)

    def test_the_order_is_that_of_the_array(self, tree: DocumentArray) -> None:
        with refuses(UnsupportedOperation, NotImplementedError, "'@c'", array=tree):
            tree['@c'].reverse()
        check_subindex(tree)
