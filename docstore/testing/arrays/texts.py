"""Text search: BM25, whatever happened to the Documents before."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from docstore.array import DocumentArray
from docstore.document import Document
from docstore.errors import InvalidArgument, InvalidType, UnknownField, UnknownName

from ..checks import ids, refuses, vectors
from .base import ArraySuite, Opener
from .bm25 import bm25, check_bm25, make_texts, sentence

__all__ = ['TextTests']


class TextTests(ArraySuite):
    """Text search ranks by BM25 and sees every change."""

    @pytest.fixture
    def texts(self, opener: Opener) -> DocumentArray:
        """Sixty Documents with random texts."""
        return opener(make_texts(60))

    def check_texts(self, da: DocumentArray) -> None:
        """The ranking of a few queries."""
        for query in ('shoe', 'Red, SILK!', 'warm wool coat nothing', 'nothing'):
            check_bm25(da, query)
            check_bm25(da, query, 3)

    def test_ranking(self, texts: DocumentArray) -> None:
        self.check_texts(texts)
        check_bm25(texts, 'warm wool', index='tags__title')
        assert ids(texts.find('warm wool', index='title')) == ids(
            texts.find('warm wool', index='tags__title')
        )

    def test_results(self, texts: DocumentArray) -> None:
        hits = texts.find('shoe')
        assert isinstance(hits, DocumentArray)
        assert len(hits) == min(20, len(bm25(texts.texts or [], 'shoe')))
        hit = hits[0]
        before = texts[hit.id].text
        hit.text = 'changed'
        assert texts[hit.id].text == before
        both = texts.find(['shoe', 'hat'], limit=4)
        assert [ids(found) for found in both] == [
            ids(texts.find(word, limit=4)) for word in ('shoe', 'hat')
        ]
        only = texts.find('shoe', only_id=True, limit=2, metric_name='words')
        assert only[0].non_empty_fields == ('id', 'scores')
        assert only[0].scores['words'].value == hits[0].scores['bm25'].value

    def test_limits_of_text_search(self, texts: DocumentArray) -> None:
        found = len(bm25(texts.texts or [], 'red'))
        assert [len(texts.find('red', limit=k)) for k in (1, 2.0, None, 1000)] == [
            1,
            2,
            found,
            found,
        ]
        for limit in (0, -1):
            with refuses(InvalidArgument, ValueError, 'limit', array=texts):
                texts.find('red', limit=limit)

    def test_filter_comes_first(self, texts: DocumentArray) -> None:
        wanted = [position for _, position in bm25(texts.texts or [], 'red hat')]
        for least in (0, 30, 50, 59, 100):
            found = texts.find('red hat', filter={'tags__i': {'$gte': least}}, limit=5)
            assert [doc.tags['i'] for doc in found] == [p for p in wanted if p >= least][:5]

    def test_equal_scores_come_in_order(self, opener: Opener) -> None:
        docs = [Document(id=f'{i}', text='same words' if i % 2 else 'other') for i in range(41)]
        da = opener(docs)
        da.insert(3, Document(id='new', text='same words'))
        da.reverse()
        order = [doc.id for doc in da if doc.text == 'same words']
        for k in (1, 5, 20, None):
            assert ids(da.find('same', limit=k)) == order[:k]

    def test_changes_are_seen(self, texts: DocumentArray) -> None:
        self.check_texts(texts)
        texts[0].text = 'silk silk silk'
        texts['t1'] = Document(id='t1', text='red red')
        texts[2:5, 'text'] = ['wool', 'small old shoe', 'shoe']
        texts[7].tags['title'] = 'nothing'
        self.check_texts(texts)
        check_bm25(texts, 'nothing', index='tags__title')
        del texts[5]
        del texts[10:20]
        texts.append(Document(id='a', text='shoe shoe'))
        texts.insert(0, Document(id='b', text='red shoe'))
        texts.extend([Document(id='c', text='warm'), Document(id='d')])
        self.check_texts(texts)
        texts[3].text = None
        texts['c'].blob = b'no text any more'
        texts[0].id = 'another'
        texts.reverse()
        self.check_texts(texts)
        texts.upsert([Document(id='a', text='glove'), Document(id='e', text='silk')])
        texts.texts = texts.texts
        self.check_texts(texts)
        texts.clear()
        assert ids(texts.find('shoe')) == []
        texts.extend(make_texts(9, seed=4))
        self.check_texts(texts)

    def test_random_changes(self, opener: Opener, tmp_path: Path) -> None:
        rng = random.Random(11)
        (tmp_path / 'random').mkdir()
        da = self.open(tmp_path / 'random', make_texts(20))
        for step in range(60):
            self.change_texts(da, rng, step)
            if rng.random() < 0.5:
                self.check_texts(da)
            if rng.random() < 0.1:
                da = self.reopen(da, tmp_path / 'random')
        self.check_texts(da)
        da.close()

    def change_texts(self, da: DocumentArray, rng: random.Random, step: int) -> None:
        """Change something."""
        at = rng.randrange(len(da)) if len(da) else 0
        kind = rng.choice(['append', 'insert', 'set', 'set', 'replace', 'delete', 'bulk', 'undo'])
        if kind == 'append' or len(da) < 5:
            da.append(Document(id=f'n{step}', text=sentence(rng)))
        elif kind == 'insert':
            da.insert(at, Document(id=f'n{step}', text=sentence(rng)))
        elif kind == 'set':
            da[at].text = sentence(rng) if rng.random() < 0.9 else None
        elif kind == 'replace':
            da[at] = Document(id=f'n{step}', text=sentence(rng))
        elif kind == 'delete':
            del da[at : at + rng.randrange(1, 3)]
        elif kind == 'bulk':
            da.texts = [sentence(rng) if rng.random() < 0.2 else text for text in da.texts or []]
        else:
            before = ids(da), da.texts
            with pytest.raises(ZeroDivisionError), da:
                da[at].text = 'never stored'
                da.append(Document(id=f'n{step}', text=sentence(rng)))
                if rng.random() < 0.5:
                    self.check_texts(da)
                raise ZeroDivisionError
            assert (ids(da), da.texts) == before

    def test_transactions(self, texts: DocumentArray) -> None:
        self.check_texts(texts)
        with texts:
            texts[0].text = 'kept kept'
            self.check_texts(texts)
            texts.append(Document(id='n', text='silk'))
        self.check_texts(texts)
        assert ids(texts.find('kept')) == ['t0']
        with pytest.raises(ZeroDivisionError), texts:
            texts[0].text = 'undone'
            texts[1].text = 'undone'
            del texts[5]
            check_bm25(texts, 'undone', index='text')
            check_bm25(texts, 'silk', index='tags__title')
            raise ZeroDivisionError
        self.check_texts(texts)
        assert ids(texts.find('undone')) == []
        assert ids(texts.find('kept')) == ['t0']
        check_bm25(texts, 'silk', index='tags__title')

    def test_reopened(self, tmp_path: Path) -> None:
        (tmp_path / 'again').mkdir()
        da = self.open(tmp_path / 'again', make_texts(30))
        self.check_texts(da)
        for text in ('shoe hat', 'silk'):
            da[4].text = text
            da = self.reopen(da, tmp_path / 'again')
            self.check_texts(da)
        da.append(Document(id='z', text='hat hat'))
        da.compact()
        self.check_texts(da)
        da.close()

    @pytest.mark.parametrize(
        'query',
        [
            '"',
            "'",
            '""" NEAR(a b) * ^ - + : { } ( )',
            'AND',
            'OR NOT',
            'red" OR words:*',
            "'); DROP TABLE docs; --",
            'a\0b',
            '\0',
            '🙂',
            '',
            ' \n\t',
            '\ud800',
            '%',
            'rank:1',
            'x' * 100_000,
        ],
    )
    def test_a_query_is_data(self, texts: DocumentArray, query: str) -> None:
        wanted = [position for _, position in bm25(texts.texts or [], query)]
        assert [doc.tags['i'] for doc in texts.find(query)] == wanted
        assert len(texts) == 60

    def test_many_words(self, texts: DocumentArray) -> None:
        query = ' '.join([*(f'word{i}' for i in range(3000)), *(['red', 'shoe'] * 1000)])
        check_bm25(texts, query)

    def test_tokenizers(self, opener: Opener) -> None:
        texts = ['Running shoes', 'he runs', 'École naïve', 'a\0nul', 'x', 'y', 'z', '東京都庁']
        da = opener([Document(id=f'{i}', text=text) for i, text in enumerate(texts)])

        def found(query: str, **options: Any) -> list[str]:
            return sorted(ids(da.find(query, **options)))

        assert found('run') == []
        assert found('run', tokenizer='porter') == ['0', '1']
        assert found('ecole NAIVE') == ['2']
        assert found('ecole', tokenizer='unicode61 remove_diacritics 0') == []
        assert found('nul') == ['3']
        assert found('unnin', tokenizer='trigram') == ['0']
        assert found('RUNNING', tokenizer='trigram case_sensitive 1') == []
        assert found('京都庁', tokenizer='trigram') == ['7']
        da[4].text = 'the runner runs'
        assert found('running', tokenizer='porter') == ['0', '1', '4']

    def test_expressions(self, texts: DocumentArray) -> None:
        texts[0].text = 'an exact phrase of words'
        texts[1].text = 'words of an exact other phrase'
        assert ids(texts.find('"exact phrase"', syntax='fts5')) == ['t0']
        assert ids(texts.find('exact AND other', syntax='fts5')) == ['t1']
        assert len(texts.find('phra*', syntax='fts5')) == 2
        assert len(texts.find('', syntax='fts5')) == 0
        for bad in ('"', 'AND', 'nothing: x', 'a NEAR(', '\0'):
            with refuses(InvalidArgument, ValueError, 'FTS5', array=texts):
                texts.find(bad, syntax='fts5')
        self.check_texts(texts)

    def test_what_holds_text(self, opener: Opener) -> None:
        docs = [Document(id='a', text='red'), Document(id='b', text='blue'), Document(id='c')]
        docs[0].tags = {'n': 3, 'list': ['red', 'hat', 4], 'none': None}
        docs[1].tags = {'n': 'red', 'list': 'hat', 'deep': {'er': [{'x': 'red'}]}}
        docs[2].uri = 'http://example.org/red'
        da = opener(docs)
        assert ids(da.find('red', index='tags__n')) == ['b']
        assert sorted(ids(da.find('hat', index='tags__list'))) == ['a', 'b']
        assert ids(da.find('red', index='tags__deep__er__0__x')) == ['b']
        assert ids(da.find('example', index='uri')) == ['c']
        assert ids(da.find('red', index='tags__none')) == []
        da['a'].tags['list'].append('glove')
        assert ids(da.find('glove', index='list')) == ['a']
        if not self.persistent:
            docs[0].tags['list'][0] = 'green'
            assert ids(da.find('green', index='list')) == ['a']

    def test_bad_arguments(self, texts: DocumentArray) -> None:
        with refuses(UnknownField, AttributeError, "'texts'", "'text'", array=texts):
            texts.find('red', index='texts')
        for index in ('embedding', 'tags', 'text__x', 'tags__', ''):
            with refuses(InvalidArgument, ValueError, 'index=', array=texts):
                texts.find('red', index=index)
        with refuses(InvalidType, TypeError, 'index', array=texts):
            texts.find('red', index=3)
        with refuses(UnknownName, ValueError, 'trigram', array=texts):
            texts.find('red', tokenizer='trigrams')
        for tokenizer in ('trigram remove_diacritics 1', "unicode61 tokenchars 'x'", 'porter x'):
            with refuses(InvalidArgument, ValueError, 'tokenizer', array=texts):
                texts.find('red', tokenizer=tokenizer)
        with refuses(InvalidArgument, ValueError, 'syntax', array=texts):
            texts.find('red', syntax='sql')
        with refuses(InvalidArgument, ValueError, 'normalization', array=texts):
            texts.find('red', normalization=(0, 1))
        with refuses(InvalidArgument, ValueError, 'not both', array=texts):
            texts.find('red', text='blue')
        with refuses(InvalidType, TypeError, 'text', array=texts):
            texts.find(vectors(1)[0], text=3)
        with refuses(InvalidArgument, ValueError, '2 texts', '1 query', array=texts):
            texts.find(vectors(1)[0], text=['a', 'b'])
        with refuses(InvalidArgument, ValueError, 'hybrid', array=texts):
            texts.find(vectors(1)[0], hybrid=True)

    # -- text and vector ------------------------------------------------------

    def test_empty(self, empty: DocumentArray) -> None:
        assert ids(empty.find('red')) == []
        assert ids(empty.find('red', index='whatever')) == []
        assert [ids(found) for found in empty.find(['red', 'blue'])] == [[], []]
        empty.append(Document(id='x', text='red'))
        assert ids(empty.find('red')) == ['x']
