"""A Document of an array writes through to where its content is kept.

Section 2.1 of the inventory of names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from docstore.document import Document
from docstore.errors import DocumentGone
from docstore.score import NamedScore

from ..checks import contents, ids, make_docs, plain, refuses
from .base import ArraySuite

if TYPE_CHECKING:
    from docstore.array import DocumentArray

__all__ = ['ViewTests']


def rich() -> Document:
    """A Document with all that can be changed in place."""
    return Document(
        id='rich',
        text='text',
        tags={'n': 1, 'list': [1, [2, {'deep': 3}]], 'dict': {'inner': {'x': 1}, 'gone': True}},
        location=[1.0, 2.0],
        chunks=[Document(id='c0', text='chunk', tags={'a': {'b': 1}}), Document(id='c1')],
        matches=[Document(id='m0', scores={'cosine': NamedScore(value=0.5)})],
        scores={'cosine': NamedScore(value=0.25, op_name='op')},
        evaluations={'recall': NamedScore(value=1.0)},
    )


def _replace_chunks(doc: Document) -> None:
    doc.chunks = [Document(id='new', text='chunk')]


def _tags(action: Callable[[dict[str, Any]], Any]) -> Callable[[Document], Any]:
    return lambda doc: action(doc.tags)


def _set(**values: Any) -> Callable[[Document], None]:
    def change(doc: Document) -> None:
        for name, value in values.items():
            setattr(doc, name, value)

    return change


CHANGES: dict[str, Callable[[Document], Any]] = {
    'text': _set(text='new'),
    'text to blob': _set(blob=b'\x00\xff'),
    'text to tensor': _set(tensor=np.arange(6, dtype=np.int16).reshape(2, 3)),
    'content': _set(content='by content'),
    'unset text': _set(text=None),
    'embedding': _set(embedding=np.array([1, 2, 3, 4], dtype=np.float32)),
    'numbers': _set(weight=0.125, offset=-2.5, granularity=3, adjacency=4),
    'uri and its type': _set(uri='picture.png'),
    'modality': _set(modality='image', parent_id='somebody'),
    'new tags': _set(tags={'all': {'new': [1]}}),
    'no tags': _set(tags={}),
    'tag': _tags(lambda tags: tags.__setitem__('n', 2)),
    'new tag': _tags(lambda tags: tags.__setitem__('new', {'a': [1]})),
    'tag of another type': _tags(lambda tags: tags.__setitem__('n', 1.0)),
    'del tag': _tags(lambda tags: tags.__delitem__('n')),
    'tags.update': _tags(lambda tags: tags.update({'n': 5}, m=6)),
    'tags |=': _tags(lambda tags: tags.__ior__({'n': 7})),
    'tags.pop': _tags(lambda tags: tags.pop('n')),
    'tags.popitem': _tags(lambda tags: tags.popitem()),
    'tags.setdefault': _tags(lambda tags: tags.setdefault('fresh', []).append(1)),
    'tags.clear': _tags(lambda tags: tags.clear()),
    'nested dict': _tags(lambda tags: tags['dict']['inner'].__setitem__('x', 2)),
    'nested del': _tags(lambda tags: tags['dict'].pop('gone')),
    'nested list': _tags(lambda tags: tags['list'].append('x')),
    'nested list item': _tags(lambda tags: tags['list'].__setitem__(0, 'x')),
    'nested list slice': _tags(lambda tags: tags['list'].__setitem__(slice(0, 1), [7, 8, 9])),
    'nested list del': _tags(lambda tags: tags['list'].__delitem__(0)),
    'nested list others': _tags(lambda tags: (tags['list'].extend([{}]), tags['list'].reverse())),
    'nested list sort': _tags(lambda tags: tags.__setitem__('s', [3, 1, 2]) or tags['s'].sort()),
    'nested list +=': _tags(lambda tags: tags['list'].__iadd__([1])),
    'nested list insert': _tags(lambda tags: tags['list'].insert(1, {'z': 1})),
    'deep': _tags(lambda tags: tags['list'][1][1].__setitem__('deep', 4)),
    'put in, then changed': _tags(lambda tags: tags.__setitem__('d', {}) or tags['d'].update(a=1)),
    'location': lambda doc: doc.location.append(3.0),
    'location item': lambda doc: doc.location.__setitem__(0, 9.0),
    'score value': lambda doc: setattr(doc.scores['cosine'], 'value', 0.75),
    'score by assignment': lambda doc: doc.scores.__setitem__('new', NamedScore(value=2.0)),
    'score that was not there': lambda doc: setattr(doc.scores['fresh'], 'ref_id', 'r'),
    'del score': lambda doc: doc.scores.__delitem__('cosine'),
    'evaluation': lambda doc: setattr(doc.evaluations['recall'], 'description', 'd'),
    'chunk text': lambda doc: setattr(doc.chunks[0], 'text', 'new'),
    'chunk tags': lambda doc: doc.chunks[0].tags['a'].__setitem__('b', 2),
    'chunk of chunk': lambda doc: doc.chunks[1].chunks.append(Document(id='cc', text='deep')),
    'chunks.append': lambda doc: doc.chunks.append(Document(id='c2', text='third')),
    'chunks.extend': lambda doc: doc.chunks.extend([Document(id='c2'), Document(id='c3')]),
    'chunks.insert': lambda doc: doc.chunks.insert(0, Document(id='c9')),
    'chunks.pop': lambda doc: doc.chunks.pop(0),
    'chunks.clear': lambda doc: doc.chunks.clear(),
    'chunks.reverse': lambda doc: doc.chunks.reverse(),
    'chunks.texts': lambda doc: setattr(doc.chunks, 'texts', ['x', 'y']),
    'chunks.embeddings': lambda doc: setattr(doc.chunks, 'embeddings', np.eye(2, dtype=np.float32)),
    'chunks by item': lambda doc: doc.chunks.__setitem__(1, Document(id='c7', text='seven')),
    'new chunks': _replace_chunks,
    'match score': lambda doc: setattr(doc.matches[0].scores['cosine'], 'value', 0.1),
    'match text': lambda doc: setattr(doc.matches['m0'], 'text', 'new'),
    'del match': lambda doc: doc.matches.__delitem__(0),
    'pop': lambda doc: doc.pop('text', 'tags'),
    'multimodal metadata': lambda doc: doc._metadata.__setitem__('k', {'v': 1}),
}


class ViewTests(ArraySuite):
    """What is done to ``da[i]`` is done to the array."""

    @pytest.mark.parametrize('name', CHANGES)
    def test_change_is_kept(self, tmp_path: Path, name: str) -> None:
        expected = rich()
        array = self.open(tmp_path, [*make_docs(1), rich(), *make_docs(1, start=1)])
        CHANGES[name](expected)
        assert plain(expected) != plain(rich()), 'the change must change something'
        CHANGES[name](array[1])
        assert contents([array[1]]) == contents([expected])
        assert contents(array[[0, 2]]) == contents(make_docs(2))
        array = self.reopen(array, tmp_path)
        assert contents([array['rich']]) == contents([expected])
        array.close()

    def test_two_views_are_one_document(self, da: DocumentArray) -> None:
        one, two = da[1], da['d1']
        one.text = 'x'
        two.tags['new'] = [1]
        one.tags['new'].append(2)
        assert two.text == 'x'
        assert two.tags['new'] == [1, 2]

    def test_a_container_stays_live(self, da: DocumentArray) -> None:
        tags, inner = da[1].tags, da[1].tags['nested']
        tags['first'] = 1
        inner['second'] = 2
        tags['third'] = 3
        assert da[1].tags['first'] == 1
        assert da[1].tags['nested']['second'] == 2
        assert da[1].tags['third'] == 3

    def test_what_is_given_later_is_seen(self, da: DocumentArray) -> None:
        doc, tags = da[1], da[1].tags
        da[1, 'tags'] = {'other': 1}
        assert doc.tags == {'other': 1}
        if self.persistent:
            with refuses(DocumentGone, LookupError, 'tags', array=da):
                tags['old'] = 1
        else:
            tags['old'] = 1
        assert da[1].tags == {'other': 1}, 'tags that were replaced belong to nobody'

    def test_a_view_follows_its_document(self, da: DocumentArray) -> None:
        doc = da[2]
        da.insert(0, Document(id='first'))
        del da['d1']
        da.reverse()
        doc.text = 'moved'
        assert ids(da) == ['d4', 'd3', 'd2', 'd0', 'first']
        assert da.texts == ['text 4', 'text 3', 'moved', 'text 0', '']

    def test_bulk_changes_show(self, da: DocumentArray) -> None:
        doc = da[1]
        assert doc.text == 'text 1'
        da.texts = list('abcde')
        da.embeddings = np.full((5, 4), 2, dtype=np.float32)
        da[:, 'tags'] = [{'k': i} for i in range(5)]
        assert doc.text == 'b'
        assert doc.embedding.tolist() == [2, 2, 2, 2]
        assert doc.tags == {'k': 1}

    def test_iteration_gives_views(self, da: DocumentArray) -> None:
        for doc in da:
            doc.tags['seen'] = doc.id
        assert da[:, 'tags__seen'] == ids(da)

    def test_parts_give_views(self, da: DocumentArray) -> None:
        da[1:3][0].text = 'by slice'
        da[['d2']][0].text = 'by ids'
        da[[False, False, False, True]].texts = ['by mask']
        da.find({'tags__i': {'$eq': 4}})[0].text = 'by filter'
        assert da.texts == ['text 0', 'by slice', 'by ids', 'by mask', 'by filter']

    def test_new_id(self, da: DocumentArray) -> None:
        doc = da[1]
        doc.id = 'renamed'
        assert da['renamed'].text == 'text 1'
        assert 'd1' not in da
        assert ids(da) == ['d0', 'renamed', 'd2', 'd3', 'd4']

    def test_in_place_change_of_an_embedding_is_seen_or_refused(self, da: DocumentArray) -> None:
        embedding = da[1].embedding
        try:
            embedding[:] = 0.5
        except ValueError:
            assert self.persistent, (
                'in memory, the array that was given is the array that comes back'
            )
        else:
            assert da.embeddings[1].tolist() == [0.5] * 4
            hit = da.find(np.full(4, 0.5, dtype=np.float32), metric=self.metrics[0], limit=1)[0]
            assert hit.id == 'd1'

    def test_in_place_change_of_a_tensor_is_seen_or_refused(self, da: DocumentArray) -> None:
        da[1].tensor = np.zeros((2, 2))
        tensor = da[1].tensor
        try:
            tensor[0, 0] = 5
        except ValueError:
            assert self.persistent
        else:
            assert da[1].tensor[0, 0] == 5

    def test_a_copy_is_free(self, da: DocumentArray) -> None:
        copy = Document(da[1], copy=True)
        copy.text = 'free'
        copy.tags['nested']['x'].append('free')
        assert contents(da) == contents(make_docs(5))

    @pytest.mark.parametrize('how', ['del', 'slice', 'clear', 'remove', 'everything'])
    def test_gone(self, da: DocumentArray, how: str) -> None:
        if not self.persistent:
            pytest.skip('in memory a Document lives as long as somebody holds it')
        doc, tags = da[1], da[1].tags
        if how == 'del':
            del da['d1']
        elif how == 'slice':
            del da[:3]
        elif how == 'clear':
            da.clear()
        elif how == 'remove':
            da.remove(doc)
        else:
            del da[...]
        with refuses(DocumentGone, LookupError, array=da):
            _ = doc.text
        with refuses(DocumentGone, LookupError, array=da):
            doc.text = 'x'
        with refuses(DocumentGone, LookupError, array=da):
            tags['x'] = 1
        assert 'deleted' in repr(doc)
