"""The SQLite store against a plain list of records, through every operation."""

from __future__ import annotations

import math
import shutil
import tempfile
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from docstore.errors import DocumentGone, DuplicateId
from docstore.stores.base import Clear, Delete, Insert, Reorder, SetColumn, Update
from docstore.stores.sqlite import open_sqlite

DIM = 3

ids = st.text(alphabet='abé\0', min_size=1, max_size=3)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=3),
)
tags = st.dictionaries(st.sampled_from(['x', 'y', 'z']), scalars | st.lists(scalars, max_size=2))
vectors = st.lists(st.integers(-9, 9), min_size=DIM, max_size=DIM).map(
    lambda v: np.array(v, dtype=np.float32)
)
contents = st.fixed_dictionaries(
    {},
    optional={
        'text': st.text(max_size=6),
        'tags': tags,
        'weight': st.floats() | st.integers(0, 3),
        'tensor': vectors,
        'chunks': st.lists(st.fixed_dictionaries({'id': st.just('c'), 'embedding': vectors})),
        'embedding': vectors,
    },
)


def same(a, b):
    """Equality that tells int from float, and takes NaN and arrays."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return type(a) is type(b) and a.dtype == b.dtype and np.array_equal(a, b)
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


class SqliteModel(RuleBasedStateMachine):
    """``model`` is a list of (row, record)."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.model = []
        self.before = None
        self.used = set()
        self.undone = set()  # rows that were never committed: after reopening they may come again
        self.names = 0

    @initialize(journal=st.sampled_from(['WAL', 'DELETE']), full=st.booleans())
    def open(self, journal, full):
        self.options = {
            'connection': self.folder / 'model.db',
            'journal_mode': journal,
            'durability': 'full' if full else 'normal',
        }
        self.store = open_sqlite(self.options)

    def teardown(self):
        self.store.close()
        shutil.rmtree(self.folder)

    def taken(self):
        return {record['id'] for _, record in self.model}

    def pick(self, data, **size):
        places = st.lists(st.integers(0, len(self.model) - 1), unique=True, **size)
        return data.draw(places) if self.model else []

    # ------------------------------------------------------------------ operations

    @rule(data=st.data(), new=st.lists(st.tuples(ids, contents), max_size=4), spare=st.booleans())
    def insert(self, data, new, spare):
        position = data.draw(st.integers(0, len(self.model)))
        records = [{'id': name, **content} for name, content in new]
        if spare:  # most of the time names that are free
            self.names += 1
            records = [{**r, 'id': f'{r["id"]}{self.names}-{i}'} for i, r in enumerate(records)]
        names = [record['id'] for record in records]
        given = deepcopy(records)
        if len(set(names)) < len(names) or self.taken() & set(names):
            with pytest.raises(DuplicateId) as caught:
                self.store.write([Insert(position, records)])
            assert caught.value.id in names
            return
        rows = self.store.write([Insert(position, records)]).tolist()
        assert same(records, given)
        assert len(rows) == len(records)
        assert not self.used & set(rows)
        self.used |= set(rows)
        self.model[position:position] = list(zip(rows, given, strict=True))

    @rule(count=st.integers(1, 90), at_end=st.booleans())
    def insert_bulk(self, count, at_end):
        # Enough to fill blocks of vectors and chunks of the order.
        self.names += 1
        records = [{'id': f'bulk{self.names}-{i}'} for i in range(count)]
        matrix = np.random.default_rng(count).random((count, DIM), dtype=np.float32)
        position = len(self.model) if at_end else len(self.model) // 2
        rows = self.store.write([Insert(position, records, {'embedding': matrix})]).tolist()
        self.used |= set(rows)
        full = [{**r, 'embedding': v} for r, v in zip(records, matrix, strict=True)]
        self.model[position:position] = list(zip(rows, full, strict=True))

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def delete(self, data):
        places = set(self.pick(data, min_size=1, max_size=80))
        self.store.write([Delete([self.model[i][0] for i in places])])
        gone = [self.model[i][0] for i in places]
        self.model = [one for i, one in enumerate(self.model) if i not in places]
        assert self.store.positions(gone).tolist() == [-1] * len(gone)
        with pytest.raises(DocumentGone):
            self.store.read(gone)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), replace=st.booleans(), rename=st.booleans())
    def update(self, data, replace, rename):
        places = self.pick(data, min_size=1, max_size=3)
        model = dict(self.model)
        rows = [self.model[i][0] for i in places]
        records = []
        for row in rows:
            record = data.draw(contents)
            if not replace and data.draw(st.booleans()):
                record[data.draw(st.sampled_from(['text', 'tags', 'embedding']))] = None
            if replace:
                record['id'] = model[row]['id']
            records.append(record)
        if rename:  # every id goes to the next of the rows
            names = [model[row]['id'] for row in rows]
            for record, name in zip(records, names[1:] + names[:1], strict=True):
                record['id'] = name
        self.store.write([Update(rows, deepcopy(records), replace)])
        for row, record in zip(rows, records, strict=True):
            old = {} if replace else model[row]
            model[row] = {k: v for k, v in {**old, **record}.items() if v is not None}
        self.model = list(model.items())

    @precondition(lambda self: self.model)
    @rule(data=st.data(), value=contents.filter(bool), unset=st.booleans())
    def set_column(self, data, value, unset):
        places = self.pick(data, max_size=99)
        name, content = next(iter(value.items()))
        rows = np.array([self.model[i][0] for i in places], dtype=np.int64)
        values = None if unset else [content] * len(places)
        self.store.write([SetColumn(rows, name, values)])
        for i in places:
            self.model[i][1].pop(name, None)
            if not unset:
                self.model[i][1][name] = content

    @precondition(lambda self: len(self.model) > 1)
    @rule(data=st.data())
    def reorder(self, data):
        self.model = data.draw(st.permutations(self.model))
        self.store.write([Reorder(np.array([row for row, _ in self.model]))])

    @rule()
    def clear(self):
        self.store.write([Clear()])
        self.model = []

    @rule(content=contents)
    def batch(self, content):
        """Several operations, the last of which fails: nothing happens."""
        state = self.store.version, len(self.store)
        operations = [Insert(0, [{'id': 'first', **content}, {'id': 'second'}])]
        operations += [Delete([row for row, _ in self.model[:3]])]
        operations += [Insert(0, [{'id': 'third'}, {'id': 'third'}])]
        with pytest.raises(DuplicateId):
            self.store.write(operations)
        assert len(self.store) == state[1]

    # ------------------------------------------------------------------ transactions

    @precondition(lambda self: self.before is None)
    @rule()
    def begin(self):
        self.store.begin()
        self.before = deepcopy(self.model)
        self.known = set(self.used)

    @precondition(lambda self: self.before is not None)
    @rule()
    def commit(self):
        sequence = self.store.sequence
        self.store.commit()
        assert self.store.sequence == sequence + 1
        self.before = None

    @precondition(lambda self: self.before is not None)
    @rule()
    def rollback(self):
        self.store.rollback()
        self.model, self.before = self.before, None
        self.undone |= self.used - self.known

    @rule()
    def reopen(self):
        sequence = self.store.sequence
        self.store.close()
        if self.before is not None:
            self.model, self.before = self.before, None
            self.undone |= self.used - self.known
        self.used -= self.undone
        self.undone = set()
        self.store = open_sqlite(self.options)
        assert self.store.sequence == sequence

    @precondition(lambda self: self.before is None)
    @rule()
    def compact(self):
        self.store.compact()

    # ------------------------------------------------------------------ what must hold

    @rule()
    def search(self):
        """Vectors, which from now on are kept in memory."""
        found = self.store.vectors()
        there = [record.get('embedding') for _, record in self.model]
        if not any(v is not None for v in there):
            assert found is None
            return
        assert not found.matrix.flags.writeable
        assert len(found.lines) == len(there)
        for line, vector in zip(found.lines.tolist(), there, strict=True):
            assert (line < 0) == (vector is None)
            assert vector is None or np.array_equal(found.matrix[line], vector)
        consecutive = found.lines.tolist() == list(range(len(there)))
        assert found.contiguous == consecutive

    @rule()
    def look(self):
        rows = [row for row, _ in self.model]
        records = [record for _, record in self.model]
        assert self.store.rows().tolist() == rows
        assert self.store.positions(rows[::-1]).tolist() == list(range(len(rows)))[::-1]
        assert same(self.store.read(rows), records)
        names = [record['id'] for record in records]
        assert self.store.lookup([*names, 'nobody']).tolist() == [*rows, -1]
        assert self.store.column('id') == names
        assert same(self.store.column('text'), [r.get('text') for r in records])
        wanted = [(r.get('tags') or {}).get('x') for r in records]
        assert same(self.store.column('tags__x'), wanted)

    @invariant()
    def length(self):
        if not hasattr(self, 'store'):
            return
        assert len(self.store) == len(self.model)
        for place in {0, len(self.model) // 2, len(self.model) - 1} if self.model else ():
            row, record = self.model[place]
            assert self.store.rows(place, place + 1).tolist() == [row]
            assert self.store.positions([row]).tolist() == [place]
            assert same(
                self.store.read([row], vectors=False)[0].keys() - {'embedding'},
                record.keys() - {'embedding'},
            )


SqliteModel.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestSqliteModel = SqliteModel.TestCase
