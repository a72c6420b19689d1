"""Text search: what each store does for it, beyond what the conformance suite asks of all."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from docstore import Document, DocumentArray
from docstore.errors import InvalidConfig, UnsupportedFormat
from docstore.testing.arrays.bm25 import bm25, check_bm25, make_texts
from docstore.testing.checks import ids
from docstore.textindex.database import TextDatabase
from docstore.textindex.fts5 import Splitter

STORES = ['sqlite', 'disk']
UNICODE = 'unicode61 remove_diacritics 2'


def config_of(storage, path, **more):
    place = {'connection': str(path / 'a.db')} if storage == 'sqlite' else {'path': str(path / 'a')}
    return {**place, **more}


def open_at(storage, path, docs=None, **more):
    return DocumentArray(docs, storage=storage, config=config_of(storage, path, **more))


@pytest.fixture(params=['memory', 'sqlite', 'disk'])
def glosses(request, wordnet, tmp_path):
    docs = [Document(**row) for row in wordnet.rows]
    if request.param == 'memory':
        yield DocumentArray(docs)
        return
    da = open_at(request.param, tmp_path, docs)
    yield da
    da.close()


@pytest.fixture
def changes(monkeypatch):
    """How many rows each change of an index beside a store, or in memory, puts in."""
    counts = []
    change = TextDatabase.change

    def counting(self, removed, added):
        counts.append((len(removed), len(added)))
        change(self, removed, added)

    monkeypatch.setattr(TextDatabase, 'change', counting)
    return counts


@pytest.mark.spec('9')
def test_real_texts_are_ranked_as_the_formula_says(glosses, wordnet):
    for query in wordnet.queries[:20]:
        check_bm25(glosses, query['text'], 10)
    check_bm25(glosses, 'a person who makes shoes')


@pytest.mark.spec('9')
def test_a_list_of_queries_gives_a_list(glosses):
    found = glosses.find(['shoes', 'a kind of fish'], limit=3)
    assert [len(hits) for hits in found] == [3, 3] or all(len(hits) <= 3 for hits in found)
    assert ids(found[1]) == ids(glosses.find('a kind of fish', limit=3))


def test_a_slice_and_hits_are_searched_too(glosses):
    part = glosses[100:400]
    check_bm25(part, 'water', 5)
    hits = glosses.find('water', limit=10)
    check_bm25(hits, 'water')


# --------------------------------------------------------------------------- in memory


def test_only_what_changed_is_indexed_again(changes):
    da = DocumentArray(make_texts(90))
    da.find('shoe')
    assert changes == [(0, 80)]
    da.find('shoe')
    da[5].text = 'other'
    alias = da[6]
    alias.text = 'words'
    da.find('shoe')
    assert changes[1:] == [(2, 2)]
    del da[10]
    da.insert(0, Document(text='new'))
    da.reverse()
    da.find('shoe')
    assert changes[2:] == [(1, 1)]


def test_columns_are_searched_without_documents(wordnet):
    da = DocumentArray.empty(len(wordnet.rows))
    da.texts = [row['text'] for row in wordnet.rows]
    check_bm25(da, 'large bird', 10)
    again = DocumentArray.from_bytes(da.to_bytes())
    assert ids(again.find('large bird')) == ids(da.find('large bird'))


def test_chunks_have_a_search_of_their_own():
    doc = Document(chunks=make_texts(20))
    check_bm25(doc.chunks, 'red shoe')


def test_tokenizers_have_indexes_of_their_own(changes):
    da = DocumentArray([Document(text='shoes'), Document(text='a'), Document(text='b')])
    assert [len(da.find('shoe', tokenizer=t)) for t in ('unicode61', 'porter', 'trigram')] == [
        0,
        1,
        1,
    ]
    assert len(da.find('SHOE', tokenizer='porter unicode61 remove_diacritics 2')) == 1
    assert len(changes) == 3


def test_texts_that_are_no_text():
    docs = [Document(text=3), Document(text='\ud800 red'), Document(text=b'red'), Document()]
    assert len(DocumentArray(docs).find('red')) == 1


# --------------------------------------------------------------------------- in any store


@pytest.mark.parametrize('storage', STORES)
def test_the_tokenizer_of_a_store_is_kept(storage, tmp_path):
    da = open_at(storage, tmp_path, [Document(text='running shoes')], tokenizer='porter')
    da.extend([Document(text='a'), Document(text='b')])
    assert len(da.find('shoe')) == 1
    da.close()
    da = open_at(storage, tmp_path)
    assert da.find('run', explain=True).explanation.tokenizer.startswith('porter')
    assert len(da.find('shoe')) == 1
    da.close()
    with pytest.raises(InvalidConfig, match='trigram'):
        open_at(storage, tmp_path, tokenizer='trigrams')


def test_annlite_takes_a_tokenizer(tmp_path):
    pytest.importorskip('hnswlib')
    config = {'n_dim': 2, 'data_path': str(tmp_path / 'x'), 'tokenizer': 'porter'}
    da = DocumentArray(storage='annlite', config=config)
    da.extend([Document(text=text, embedding=[1, i]) for i, text in enumerate(['shoes', 'a', 'b'])])
    assert da.find('shoe')[:, 'text'] == ['shoes']
    told = da.find([1.0, 2.0], text='shoe', explain=True).explanation
    assert [part.path for part in told.parts] == ['hnsw', 'text']
    da.close()


@pytest.mark.parametrize('storage', STORES)
def test_readers_search_too(storage, tmp_path):
    writer = open_at(storage, tmp_path, make_texts(40))
    writer.flush()
    reader = open_at(storage, tmp_path, read_only=True)
    told = reader.find('shoe', explain=True).explanation
    assert told.index == 'fts5 beside the store'
    check_bm25(reader, 'warm shoe')
    writer.append(Document(id='x', text='warm warm shoe'))
    check_bm25(writer, 'warm shoe')
    check_bm25(reader, 'warm shoe')
    reader.refresh()
    assert len(reader) == 41
    check_bm25(reader, 'warm shoe')
    if storage == 'sqlite':
        # The writer has made an index meanwhile, which is in the snapshot.
        told = reader.find('shoe', explain=True).explanation
        assert told.index == 'fts5 in the database'
    reader.close()
    writer.close()


@pytest.mark.parametrize('storage', STORES)
def test_deleted_words_are_not_in_the_files(storage, tmp_path):
    da = open_at(storage, tmp_path, make_texts(50))
    secret = 'xylographicsecret'
    da.append(Document(id='secret', text=f'a {secret} in a text', tags={'title': secret}))
    assert ids(da.find(secret)) == ['secret']
    assert ids(da.find(secret, index='title')) == ['secret']
    da.close()
    da = open_at(storage, tmp_path)
    assert any(secret.encode() in file.read_bytes() for file in files(tmp_path))
    assert ids(da.find(secret)) == ['secret']
    del da['secret']
    da.compact()
    check_bm25(da, 'shoe')
    da.close()
    assert not any(secret.encode()[2:] in file.read_bytes() for file in files(tmp_path))


def files(path):
    return [file for file in path.rglob('*') if file.is_file()]


@pytest.mark.parametrize('storage', ['memory', *STORES])
def test_threads_search_while_one_writes(storage, tmp_path):
    docs = make_texts(200)
    da = DocumentArray(docs) if storage == 'memory' else open_at(storage, tmp_path, docs)
    errors, stop = [], threading.Event()

    def search():
        try:
            while not stop.is_set():
                hits = da.find('warm shoe', limit=5)
                assert len(hits) == 5
                scores = hits[:, 'scores__bm25__value']
                assert scores == sorted(scores, reverse=True)
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(40):
        da[i].text = f'warm shoe {i}'
        da.append(Document(id=f'n{i}', text='silk shoe'))
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    check_bm25(da, 'warm shoe')
    da.close()


KILLED = """
import sys, json
from docstore import Document, DocumentArray
da = DocumentArray(storage=sys.argv[1], config=json.loads(sys.argv[2]))
da.find('shoe')
da.find('hat', index='tags__title')
i = 0
while True:
    da.append(Document(id=f'k{i}', text=f'shoe number {i}', tags={'title': 'hat'}))
    if i % 3 == 0:
        with da:
            da[i].text = f'a changed shoe {i}'
            del da[i // 2]
            da.find('shoe')
            da[0].text = 'first shoe'
    if i == 30:
        print('ready', flush=True)
    i += 1
"""


@pytest.mark.parametrize('storage', STORES)
def test_a_killed_writer_leaves_a_search_that_is_right(storage, tmp_path):
    da = open_at(storage, tmp_path, make_texts(60))
    da.find('shoe')
    da.close()
    for _ in range(3):
        config = json.dumps(config_of(storage, tmp_path))
        with subprocess.Popen(
            [sys.executable, '-c', KILLED, storage, config],
            stdout=subprocess.PIPE,
        ) as child:
            assert child.stdout.readline() == b'ready\n'
            child.send_signal(signal.SIGKILL)
        da = open_at(storage, tmp_path)
        check_bm25(da, 'shoe changed')
        check_bm25(da, 'hat', index='tags__title')
        with da:
            for doc in [doc for doc in da if doc.id.startswith('k')]:
                del da[doc.id]
        check_bm25(da, 'shoe')
        da.close()


# --------------------------------------------------------------------------- sqlite


def test_sqlite_keeps_the_index_in_the_database(tmp_path):
    da = open_at('sqlite', tmp_path, make_texts(60))
    assert da.find('shoe', explain=True).explanation.index == 'fts5 in the database'
    da.close()
    da = open_at('sqlite', tmp_path)
    da.append(Document(id='new', text='shoe shoe shoe'))
    da.close()
    # Without any search in between: another connection sees it in the index.
    with sqlite3.connect(tmp_path / 'a.db') as connection:
        (name,) = connection.execute(
            "SELECT 'docstore_text_' || number FROM docstore_texts"
        ).fetchone()
        found = connection.execute(f"SELECT count(*) FROM {name} WHERE {name} MATCH 'shoe'")
        assert found.fetchone()[0] == sum('shoe' in (d.text or '') for d in make_texts(60)) + 1
        connection.execute(f"INSERT INTO {name} ({name}) VALUES ('integrity-check')")
    connection.close()
    assert [file.name for file in files(tmp_path) if 'text' in file.name] == []


def test_sqlite_does_not_keep_texts_twice(tmp_path):
    rng = np.random.default_rng(5)
    words = [''.join(map(chr, line)) for line in rng.integers(97, 123, (500, 8))]
    docs = [Document(text=' '.join(rng.choice(words, 200))) for _ in range(400)]
    da = open_at('sqlite', tmp_path, docs)
    da.compact()
    before = (tmp_path / 'a.db').stat().st_size
    da.find(words[0])
    da.compact()
    texts = sum(len(doc.text) for doc in docs)
    # Where a word is takes a byte or two of the nine that it is.
    assert (tmp_path / 'a.db').stat().st_size - before < texts / 2
    da.close()


def test_sqlite_arrays_with_an_index_have_format_2(tmp_path):
    da = open_at('sqlite', tmp_path, make_texts(3))
    formats = 'SELECT format FROM docstore_tables'
    with sqlite3.connect(tmp_path / 'a.db') as connection:
        assert connection.execute(formats).fetchone() == (1,)
        da.find('shoe')
        assert connection.execute(formats).fetchone() == (2,)
        da.close()
        connection.execute('UPDATE docstore_tables SET format = 3')
    connection.close()
    with pytest.raises(UnsupportedFormat, match='format 3'):
        open_at('sqlite', tmp_path)


@pytest.mark.parametrize('first', ['search', 'write'])
@pytest.mark.parametrize('damage', ['blocks', 'table', 'version', 'config'])
def test_sqlite_makes_a_damaged_index_anew(damage, first, tmp_path):
    da = open_at('sqlite', tmp_path, make_texts(60))
    da.find('shoe')
    da.close()
    with sqlite3.connect(tmp_path / 'a.db') as connection:
        if damage == 'blocks':
            connection.execute(
                "UPDATE docstore_text_1_data SET block = x'ffffffffffff' WHERE id > 9"
            )
        elif damage == 'table':
            connection.execute('DROP TABLE docstore_text_1')
        elif damage == 'config':
            connection.execute('UPDATE docstore_text_1_config SET v = 99')
        else:
            connection.execute('UPDATE docstore_texts SET version = 0')
    connection.close()
    da = open_at('sqlite', tmp_path)
    if first == 'write':
        # Documents are taken, whatever became of the index.
        da[3].text = 'a warm shoe'
        with da:
            da.append(Document(id='new', text='wool'))
            del da[5]
    for query in ('shoe', 'warm wool'):
        check_bm25(da, query)
    da[0].text = 'shoe again'
    check_bm25(da, 'shoe again')
    da.close()


def test_sqlite_arrays_of_one_database_have_their_own(tmp_path):
    path = str(tmp_path / 'a.db')
    both = [
        DocumentArray(docs, storage='sqlite', config={'connection': path, 'table_name': name})
        for name, docs in [('one', make_texts(30)), ('two', make_texts(20, seed=9))]
    ]
    for da in both:
        check_bm25(da, 'shoe hat')
    both[0].append(Document(text='shoe shoe hat'))
    both[1].clear()
    both[1].append(Document(text='hat'))
    for da in both:
        check_bm25(da, 'shoe hat')
        da.close()


def test_sqlite_in_memory(tmp_path):
    da = DocumentArray(make_texts(30), storage='sqlite', config={'connection': ':memory:'})
    check_bm25(da, 'shoe')
    da[0].text = 'shoe of silk'
    check_bm25(da, 'silk')
    da.close()


# --------------------------------------------------------------------------- beside a store


def test_a_saved_index_is_used_again(tmp_path, changes):
    da = open_at('disk', tmp_path, make_texts(60))
    da.find('shoe')
    da.close()
    del changes[:]
    da = open_at('disk', tmp_path)
    check_bm25(da, 'shoe')
    assert changes == []
    da[0].text = 'a shoe'
    check_bm25(da, 'shoe')
    assert changes == [(1, 1)]
    da.close()
    del changes[:]
    reader = open_at('disk', tmp_path, read_only=True)
    check_bm25(reader, 'shoe')
    assert changes == []
    reader.close()


@pytest.mark.parametrize('damage', ['cut', 'flipped', 'behind', 'empty'])
def test_a_damaged_index_is_made_anew(damage, tmp_path, changes):
    da = open_at('disk', tmp_path, make_texts(60))
    da.find('shoe')
    da.close()
    (file,) = [file for file in files(tmp_path) if '.text-' in file.name]
    data = bytearray(file.read_bytes())
    if damage == 'behind':
        da = open_at('disk', tmp_path)
        da.append(Document(text='shoe'))
        da.close()
    else:
        if damage == 'flipped':
            data[len(data) // 2] ^= 1
        file.write_bytes({'cut': data[:-40], 'flipped': data, 'empty': b''}[damage])
    del changes[:]
    da = open_at('disk', tmp_path)
    check_bm25(da, 'shoe')
    assert [len(one) for one in changes] == [2]
    assert changes[0][0] == 0
    da.close()


def test_many_changes_make_an_index_anew(tmp_path, changes):
    da = open_at('disk', tmp_path, [Document(text=f'text {i}') for i in range(3000)])
    da.find('text')
    da.texts = [f'word {i}' for i in range(3000)]
    assert len(da.find('word', limit=None)) == 3000
    assert changes == [(0, 3000), (0, 3000)]
    da.close()


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='needs fork')
@pytest.mark.parametrize('storage', ['memory', 'disk'])
@pytest.mark.filterwarnings('ignore:This process:DeprecationWarning')
def test_a_forked_child_leaves_the_index_to_its_parent(storage, tmp_path):
    docs = make_texts(60)
    da = DocumentArray(docs) if storage == 'memory' else open_at(storage, tmp_path, docs)
    da.find('shoe')
    child = os.fork()
    if child == 0:
        try:
            good = ids(da.find('red')) is not None
            del da
            os._exit(0 if good else 1)
        except BaseException:  # noqa: BLE001 - told by the exit code
            os._exit(0 if storage == 'disk' else 1)
    assert os.waitpid(child, 0)[1] == 0
    check_bm25(da, 'shoe')
    da.close()


# --------------------------------------------------------------------------- words


def test_words_of_a_query():
    splitter = Splitter(UNICODE)
    assert splitter.expressions('Red "red" NOT(x) é*') == ['"e" OR "not" OR "red" OR "x"']
    assert splitter.expressions('!? ... \0') == []
    parts = splitter.expressions(' '.join(f'w{i}' for i in range(300)))
    assert [part.count(' OR ') + 1 for part in parts] == [128, 128, 44]
    assert Splitter('trigram case_sensitive 0').expressions('a"b c') == ['"a""b" OR "c"']
    # A stem is not cut again.
    assert Splitter('porter ' + UNICODE).expressions('generalizations') == ['"generalizations"']


words = st.sampled_from(['red', 'blue', 'shoe', 'hat', 'Shoe', 'réd', 'x1', 'of', 'the', 'a-b'])
texts = st.lists(words, max_size=6).map(' '.join) | st.text(max_size=5) | st.none()


class TextModel(RuleBasedStateMachine):
    """Three arrays that get the same changes, and always the same hits."""

    @initialize()
    def open(self):
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        self.arrays = {
            'memory': DocumentArray(),
            'sqlite': open_at('sqlite', path),
            'disk': open_at('disk', path),
        }
        self.count = 0
        self.inside = False

    def teardown(self):
        for da in self.arrays.values():
            da.close()
        self.folder.cleanup()

    def each(self, change):
        for da in self.arrays.values():
            change(da)

    @rule(text=texts, at=st.integers(0, 9))
    def insert(self, text, at):
        self.count += 1
        self.each(
            lambda da: da.insert(at % max(len(da), 1), Document(id=str(self.count), text=text))
        )

    @rule(new=st.lists(texts, min_size=1, max_size=30))
    def extend(self, new):
        self.count += len(new)
        docs = [Document(id=f'{self.count}-{i}', text=text) for i, text in enumerate(new)]
        self.each(lambda da: da.extend(Document(doc, copy=True) for doc in docs))

    @rule(text=texts, at=st.integers(0, 99), other=st.booleans())
    def set(self, text, at, other):
        def change(da):
            if len(da):
                if other:
                    da[at % max(len(da), 1)].blob = b'x'
                else:
                    da[at % max(len(da), 1)].text = text

        self.each(change)

    @rule(at=st.integers(0, 99), count=st.integers(1, 5))
    def delete(self, at, count):
        def change(da):
            del da[at % max(len(da), 1) : at % max(len(da), 1) + count]

        self.each(change)

    @rule(text=texts)
    def fill(self, text):
        def change(da):
            if len(da) > 3:
                da[:3, 'text'] = text

        self.each(change)

    @rule(text=texts, search=st.booleans())
    def undo(self, text, search):
        for da in self.arrays.values():
            with pytest.raises(ZeroDivisionError), da:
                da.append(Document(id='undone', text=text))
                da[0].text = 'red undone'
                if search:
                    da.find('red')
                del da[0]
                raise ZeroDivisionError

    @rule(storage=st.sampled_from(STORES))
    def reopen(self, storage):
        self.arrays[storage].close()
        self.arrays[storage] = open_at(storage, Path(self.folder.name))

    @rule(query=st.lists(words, min_size=1, max_size=3).map(' '.join), k=st.integers(1, 9))
    def search(self, query, k):
        self.compare(query, k)

    def compare(self, query, k):
        hits = {}
        for name, da in self.arrays.items():
            found = da.find(query, limit=k)
            hits[name] = ids(found), np.round(found[:, 'scores__bm25__value'], 12).tolist()
        assert hits['memory'] == hits['sqlite'] == hits['disk']

    @invariant()
    def same(self):
        memory = self.arrays['memory']
        column = [doc.text or None for doc in memory]
        plain = all(text is None or text.isascii() for text in column)
        if plain and len(memory) < 40:
            wanted = [memory[at].id for _, at in bm25(column, 'red shoe')]
            assert ids(memory.find('red shoe', limit=None)) == wanted


TestTextModel = pytest.mark.spec('9')(TextModel.TestCase)
TestTextModel.settings = settings(max_examples=20, stateful_step_count=20)
