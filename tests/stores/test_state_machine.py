"""DocumentArray against a plain list of dicts, on every storage, by Hypothesis.

The machine does whatever a user may do, in any order: with views of rows that
it keeps over many steps, transactions, and closing and opening again.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from docstore import Document, DocumentArray
from docstore.errors import DocumentGone, DuplicateId
from docstore.testing.checks import contents, nearest, plain

DIM = 3

texts = st.text(st.characters(exclude_categories=['Cs']), max_size=6)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 3),
    st.floats(),
    texts,
    st.binary(max_size=4),
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
tags = st.dictionaries(st.sampled_from(['a', 'b', 'n', 'x y', 'é']), values, max_size=3)
# Small whole numbers: distances are exact, and ties are frequent.
embeddings = st.lists(st.integers(-4, 4), min_size=DIM, max_size=DIM).map(
    lambda numbers: np.array(numbers, dtype=np.float32)
)
numbers = st.integers(-3, 3)


def expected(row):
    """What ``contents`` says of the Document that ``row`` is the model of."""
    return {
        name: plain(value)
        for name, value in row.items()
        if name == 'embedding' or value not in ('', {}, 0.0)
    }


def document(row):
    return Document(**copy.deepcopy(row))


class ArrayMachine(RuleBasedStateMachine):
    """One array and its model: a list of rows, each a dict of fields."""

    storage = 'memory'
    persistent = False

    def __init__(self):
        super().__init__()
        self.path = Path(tempfile.mkdtemp(prefix='docstore-machine-'))
        self.da = DocumentArray(storage=self.storage, config=self.config())
        self.model = []
        self.views = []
        self.saved = []
        self.has_replaced = False
        self.count = 0

    def config(self):
        return None

    def teardown(self):
        with suppress(Exception):
            self.da.close()
        shutil.rmtree(self.path, ignore_errors=True)

    # -- making rows ---------------------------------------------------------

    def row(self, data, name=None):
        """A new row of the model."""
        if name is None:
            name = f'id{self.count}'
            self.count += 1
        made = {'id': name}
        if data.draw(st.booleans()):
            made['text'] = data.draw(texts)
        if data.draw(st.booleans()):
            made['tags'] = data.draw(tags)
        if data.draw(st.booleans()):
            made['weight'] = float(data.draw(numbers))
        if not self.sparse or data.draw(st.booleans()):
            made['embedding'] = data.draw(embeddings)
        return made

    def rows(self, data, count=None):
        count = data.draw(st.integers(0, 4)) if count is None else count
        return [self.row(data) for _ in range(count)]

    def position(self, data):
        return data.draw(st.integers(0, len(self.model) - 1))

    def positions(self, data):
        return data.draw(st.lists(st.integers(0, len(self.model) - 1), unique=True, max_size=5))

    def replaced(self, old):
        """Views of what was replaced are left alone: what they show is not promised."""
        self.has_replaced = True
        self.views = [(doc, row) for doc, row in self.views if all(row is not gone for gone in old)]

    def alive(self, row):
        return any(row is other for other in self.model)

    def view(self, data, alive):
        """One of the views, with its row."""
        some = [(doc, row) for doc, row in self.views if self.alive(row) == alive]
        return some[data.draw(st.integers(0, len(some) - 1))]

    def by_id(self, name):
        """Where a row is; in memory an id may be there twice, then the last."""
        return max(i for i, row in enumerate(self.model) if row['id'] == name)

    @property
    def filled(self):
        return bool(self.model)

    @initialize(sparse=st.booleans())
    def begin(self, sparse):
        self.sparse = sparse

    # -- putting in ----------------------------------------------------------

    @rule(data=st.data())
    def append(self, data):
        row = self.row(data)
        self.da.append(document(row))
        self.model.append(row)

    @rule(data=st.data(), lazily=st.booleans())
    def extend(self, data, lazily):
        rows = self.rows(data)
        docs = [document(row) for row in rows]
        self.da.extend(iter(docs) if lazily else docs)
        self.model.extend(rows)

    @rule(data=st.data(), index=st.integers(-12, 12))
    def insert(self, data, index):
        row = self.row(data)
        self.da.insert(index, document(row))
        self.model.insert(index, row)

    @rule(data=st.data(), with_ids=st.booleans())
    def upsert(self, data, with_ids):
        rows = self.rows(data)
        if with_ids and self.model:
            for i in self.positions(data):
                rows.append(self.row(data, self.model[i]['id']))
        self.da.upsert([document(row) for row in rows])
        for row in rows:
            if any(row['id'] == other['id'] for other in self.model):
                at = self.by_id(row['id'])
                self.replaced([self.model[at]])
                self.model[at] = row
            else:
                self.model.append(row)

    @precondition(lambda self: self.filled)
    @rule(data=st.data(), how=st.sampled_from(['append', 'extend', 'insert', 'set']))
    def put_a_known_id(self, data, how):
        at = self.position(data)
        row = self.row(data, self.model[at]['id'])
        if not self.persistent:
            if how == 'append':
                self.da.append(document(row))
                self.model.append(row)
            return
        with pytest.raises(DuplicateId):
            if how == 'append':
                self.da.append(document(row))
            elif how == 'extend':
                self.da.extend([document(self.row(data)), document(row)])
            elif how == 'insert':
                self.da.insert(0, document(row))
            else:
                other = (at + 1) % len(self.model)
                if other == at:
                    raise DuplicateId('there is only one')
                self.da[other] = document(row)

    # -- replacing -----------------------------------------------------------

    @precondition(lambda self: self.filled)
    @rule(
        data=st.data(), key=st.sampled_from(['position', 'negative', 'id']), same_id=st.booleans()
    )
    def set_one(self, data, key, same_id):
        at = self.position(data)
        if key == 'id':
            at = self.by_id(self.model[at]['id'])
        row = self.row(data, self.model[at]['id'] if same_id else None)
        index = {'position': at, 'negative': at - len(self.model), 'id': self.model[at]['id']}[key]
        self.da[index] = document(row)
        self.replaced([self.model[at]])
        self.model[at] = row

    @precondition(lambda self: self.filled)
    @rule(data=st.data())
    def set_slice(self, data):
        key = data.draw(st.slices(len(self.model)))
        rows = self.rows(data, len(self.model[key]))
        self.da[key] = [document(row) for row in rows]
        self.replaced(self.model[key])
        self.model[key] = rows

    @precondition(lambda self: self.filled)
    @rule(data=st.data(), form=st.sampled_from(['list', 'array', 'mask', 'ids']))
    def set_many(self, data, form):
        chosen = self.positions(data)
        if form == 'mask':
            chosen = sorted(chosen)
        elif form == 'ids':
            chosen = list(dict.fromkeys(self.by_id(self.model[i]['id']) for i in chosen))
        rows = self.rows(data, len(chosen))
        self.da[self.key(chosen, form)] = [document(row) for row in rows]
        for at, row in zip(chosen, rows, strict=True):
            self.replaced([self.model[at]])
            self.model[at] = row

    def key(self, chosen, form):
        """The same positions as an index of one form or another."""
        if form == 'mask':
            return [i in chosen for i in range(len(self.model))]
        if form == 'ids':
            return [self.model[i]['id'] for i in chosen]
        return np.array(chosen, dtype=np.int64) if form == 'array' else chosen

    # -- taking out ----------------------------------------------------------

    @precondition(lambda self: self.filled)
    @rule(
        data=st.data(),
        form=st.sampled_from(['position', 'id', 'list', 'array', 'mask', 'ids', 'slice']),
    )
    def delete(self, data, form):
        if form == 'position':
            at = self.position(data)
            del self.da[at]
            del self.model[at]
        elif form == 'id':
            name = self.model[self.position(data)]['id']
            del self.da[name]
            del self.model[self.by_id(name)]
        elif form == 'slice':
            key = data.draw(st.slices(len(self.model)))
            del self.da[key]
            del self.model[key]
        else:
            chosen = self.positions(data)
            if form == 'ids':
                chosen = list(dict.fromkeys(self.by_id(self.model[i]['id']) for i in chosen))
            del self.da[self.key(chosen, form)]
            self.model = [row for i, row in enumerate(self.model) if i not in chosen]

    @precondition(lambda self: self.filled)
    @rule(data=st.data(), last=st.booleans())
    def pop(self, data, last):
        at = len(self.model) - 1 if last else self.position(data)
        popped = self.da.pop() if last else self.da.pop(at)
        assert contents([popped]) == [expected(self.model.pop(at))]

    @precondition(lambda self: self.filled)
    @rule(data=st.data())
    def remove(self, data):
        at = self.position(data)
        self.da.remove(self.da[at])
        # In memory there may be an equal one before it; equal means equal in everything.
        state = expected(self.model[at])
        del self.model[next(i for i, row in enumerate(self.model) if expected(row) == state)]

    @rule()
    def reverse(self):
        self.da.reverse()
        self.model.reverse()

    @precondition(lambda self: len(self.model) > 6)
    @rule(form=st.sampled_from(['clear', '...', ':']))
    def clear(self, form):
        if form == 'clear':
            self.da.clear()
        elif form == '...':
            del self.da[...]
        else:
            del self.da[:]
        self.model.clear()

    # -- changing fields -----------------------------------------------------

    @precondition(lambda self: self.filled)
    @rule(data=st.data())
    def look_at(self, data):
        at = self.position(data)
        self.views.append((self.da[at], self.model[at]))

    @precondition(lambda self: any(self.alive(row) for _, row in self.views))
    @rule(
        data=st.data(), what=st.sampled_from(['text', 'weight', 'tags', 'embedding', 'id', 'unset'])
    )
    def set_by_view(self, data, what):
        doc, row = self.view(data, alive=True)
        if what == 'id':
            row['id'] = doc.id = f'id{self.count}'
            self.count += 1
        elif what == 'unset':
            name = data.draw(st.sampled_from(['text', 'weight', 'tags']))
            setattr(doc, name, None)
            row.pop(name, None)
        elif what == 'text':
            row['text'] = doc.text = data.draw(texts)
        elif what == 'weight':
            row['weight'] = doc.weight = float(data.draw(numbers))
        elif what == 'tags':
            row['tags'] = data.draw(tags)
            doc.tags = copy.deepcopy(row['tags'])
        else:
            row['embedding'] = data.draw(embeddings)
            doc.embedding = row['embedding'].copy()

    @precondition(lambda self: any(self.alive(row) for _, row in self.views))
    @rule(data=st.data(), what=st.sampled_from(['set', 'del', 'clear', 'list', 'dict']))
    def change_tags_in_place(self, data, what):
        doc, row = self.view(data, alive=True)
        own = row.setdefault('tags', {})
        value = data.draw(values)
        for target, item in ((doc.tags, copy.deepcopy(value)), (own, copy.deepcopy(value))):
            if what == 'set':
                target['n'] = item
            elif what == 'del':
                target.pop('n', None)
            elif what == 'clear':
                target.clear()
            elif what == 'list':
                if not isinstance(target.get('a'), list):
                    target['a'] = []
                target['a'].append(item)
            else:
                if not isinstance(target.get('b'), dict):
                    target['b'] = {}
                target['b']['deep'] = item

    @precondition(lambda self: self.filled)
    @rule(data=st.data(), name=st.sampled_from(['texts', 'weights', 'tags', 'embeddings']))
    def set_in_bulk(self, data, name):
        n = len(self.model)
        if name == 'embeddings':
            matrix = np.array([data.draw(embeddings) for _ in range(n)])
            self.da.embeddings = matrix
            for row, line in zip(self.model, matrix, strict=True):
                row['embedding'] = line.copy()
            return
        strategy, field = {
            'texts': (texts, 'text'),
            'tags': (tags, 'tags'),
            'weights': (numbers.map(float), 'weight'),
        }[name]  # fmt: skip
        new = [data.draw(strategy) for _ in range(n)]
        if name == 'texts':
            self.da.texts = new
        else:
            self.da[:, field] = copy.deepcopy(new)
        for row, value in zip(self.model, new, strict=True):
            row[field] = value

    @precondition(lambda self: self.filled)
    @rule(data=st.data(), form=st.sampled_from(['list', 'array', 'mask']), value=numbers.map(float))
    def set_some(self, data, form, value):
        chosen = sorted(self.positions(data))
        self.da[self.key(chosen, form), 'weight'] = value
        for i in chosen:
            self.model[i]['weight'] = value

    # -- looking -------------------------------------------------------------

    @invariant()
    def order(self):
        assert self.da[:, 'id'] == [row['id'] for row in self.model] if self.model else not self.da

    @rule(whole=st.booleans())
    def compare_now(self, whole):
        if whole:
            self.compare()
            return
        # Field by field, without making Documents.
        assert (self.da.texts or []) == [row.get('text', '') for row in self.model]
        assert plain(self.da[:, 'tags__n']) == plain(
            [(row.get('tags') or {}).get('n') for row in self.model]
        )

    def compare(self):
        assert contents(self.da) == [expected(row) for row in self.model]
        for doc, row in self.views:
            if self.alive(row):
                assert contents([doc]) == [expected(row)]

    @precondition(lambda self: self.filled)
    @rule(data=st.data())
    def look_up(self, data):
        at = self.position(data)
        name = self.model[at]['id']
        assert contents([self.da[name]]) == [expected(self.model[self.by_id(name)])]
        assert name in self.da
        assert f'id{self.count}' not in self.da

    @precondition(
        lambda self: self.persistent and any(not self.alive(row) for _, row in self.views)
    )
    @rule(data=st.data())
    def touch_what_is_gone(self, data):
        doc, _ = self.view(data, alive=False)
        with pytest.raises(DocumentGone):
            _ = doc.text
        with pytest.raises(DocumentGone):
            doc.weight = 1.0

    @rule(value=numbers, op=st.sampled_from(['$lt', '$gte', '$eq', '$ne']))
    def find_by_filter(self, value, op):
        compare = {
            '$lt': lambda w: w < value, '$gte': lambda w: w >= value,
            '$eq': lambda w: w == value, '$ne': lambda w: w != value,
        }[op]  # fmt: skip
        wanted = [row['id'] for row in self.model if compare(row.get('weight', 0.0))]
        assert [doc.id for doc in self.da.find({'weight': {op: value}})] == wanted

    @precondition(lambda self: self.filled)
    @rule(
        query=embeddings,
        limit=st.integers(1, 8),
        metric=st.sampled_from(['sqeuclidean', 'ip']),
        filtered=st.booleans(),
    )
    def find_by_vector(self, query, limit, metric, filtered):
        condition = {'weight': {'$gt': 0}} if filtered else None
        mask = np.array([not filtered or row.get('weight', 0.0) > 0 for row in self.model])
        if any(
            'embedding' not in row for row, wanted in zip(self.model, mask, strict=True) if wanted
        ):
            with pytest.raises(ValueError, match='embedding'):
                self.da.find(query, metric=metric, filter=condition)
            return
        found = self.da.find(query, metric=metric, limit=limit, filter=condition)
        matrix = np.array([row.get('embedding', np.zeros(DIM)) for row in self.model])
        positions, distances = nearest(query, matrix, metric, limit, mask)
        assert [doc.id for doc in found] == [self.model[i]['id'] for i in positions[0]]
        assert [doc.scores[metric].value for doc in found] == distances[0].tolist()

    @precondition(lambda self: self.filled and all('embedding' in row for row in self.model))
    @rule()
    def read_embeddings(self):
        matrix = self.da.embeddings
        assert matrix.dtype == np.float32
        assert matrix.tolist() == [row['embedding'].tolist() for row in self.model]


class StoredMachine(ArrayMachine):
    """Further, what only a persistent array has: transactions and reopening."""

    persistent = True

    @rule()
    def enter(self):
        if len(self.saved) < 2:
            self.has_replaced = self.has_replaced and bool(self.saved)
            self.da.__enter__()
            self.saved.append([(row, copy.deepcopy(row)) for row in self.model])

    @precondition(lambda self: self.saved)
    @rule()
    def commit(self):
        self.da.__exit__(None, None, None)
        self.saved.pop()

    @precondition(lambda self: len(self.saved) == 1)
    @rule()
    def roll_back(self):
        error = RuntimeError('roll back')
        self.da.__exit__(RuntimeError, error, None)
        self.model = []
        for row, before in self.saved.pop():
            row.clear()
            row.update(before)
            self.model.append(row)
        if self.has_replaced:
            # What took the place of another one is a view of that one's row again.
            self.views = [(doc, row) for doc, row in self.views if self.alive(row)]
        self.compare()

    @precondition(lambda self: not self.saved)
    @rule(by_path=st.booleans())
    def reopen(self, by_path):
        self.da.close()
        if by_path:
            config = self.config()
            self.da = DocumentArray.open(config.get('path') or config['connection'])
        else:
            self.da = DocumentArray(storage=self.storage, config=self.config())
        self.views.clear()
        self.compare()

    @precondition(lambda self: not self.saved)
    @rule(method=st.sampled_from(['flush', 'compact', 'sync']))
    def tidy(self, method):
        getattr(self.da, method)()


class SqliteMachine(StoredMachine):
    storage = 'sqlite'

    def config(self):
        return {'connection': str(self.path / 'x.db'), 'table_name': 't'}


class DiskMachine(StoredMachine):
    storage = 'disk'

    def config(self):
        return {'path': str(self.path / 'x')}


@pytest.mark.parametrize('machine', [ArrayMachine, SqliteMachine, DiskMachine])
def test_against_a_list(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=100,
            # Explaining takes longer than shrinking, and says little of a sequence of steps.
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
