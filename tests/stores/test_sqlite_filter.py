"""Filters as SQL say what the evaluator of the language says, or nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from docstore.errors import FilterTypeError
from docstore.paths import get_path
from docstore.query import evaluate, parse
from docstore.stores.base import Clear, Insert
from docstore.stores.sqlite import open_sqlite

# Few values, and near ones, so that they meet.
floats = st.sampled_from([0.1, 0.30000000000000004, 0.3, 1.0, -0.0, 1e16, 5e-324, 2.5, 1e300])
floats |= st.floats(-1, 1).map(lambda x: x / 3)
ints = st.integers(-2, 2) | st.sampled_from([10**16, 2**53 + 1, 10**18, 2**63, -(2**63)])
texts = st.sampled_from(['', 'a', 'ab', 'é', '1', 'a\0b', '\U0001f600', 'b"\\'])
scalars = st.none() | st.booleans() | ints | floats | texts
odd = st.sampled_from([float('nan'), float('inf'), b'a', (1,), 2**80])
values = scalars | odd | st.lists(scalars, max_size=2) | st.dictionaries(st.just('k'), scalars)
tags = st.dictionaries(st.sampled_from(['x', 'y', 'é']), values, max_size=3)
records = st.fixed_dictionaries(
    {},
    optional={
        'tags': tags,
        'text': texts,
        'weight': floats | ints,
        'granularity': st.integers(0, 2),
        'uri': texts | st.integers(0, 1),
        'embedding': st.just(np.ones(2, dtype=np.float32)),
    },
)
paths = st.sampled_from(
    ['tags__x', 'tags__y', 'tags__x__k', 'tags__é', 'text', 'weight', 'granularity', 'uri', 'id']
)
plain = scalars | st.lists(scalars, max_size=3)
refs = paths.filter(str.isascii).map(lambda path: f'{{{path}}}')
orderable = scalars.filter(lambda value: value is not None)
conditions = st.one_of(
    st.tuples(st.sampled_from(['$eq', '$ne']), plain | refs),
    st.tuples(st.sampled_from(['$lt', '$lte', '$gt', '$gte']), orderable | refs),
    st.tuples(st.sampled_from(['$in', '$nin']), st.lists(scalars, max_size=3) | texts),
    st.tuples(st.just('$regex'), st.sampled_from(['a', '^$', 'é|1', '[ab]+$'])),
    st.tuples(st.just('$size'), st.integers(0, 2) | st.just(1.0)),
    st.tuples(st.just('$exists'), st.booleans()),
)
leaves = st.tuples(paths, conditions).map(lambda pair: {pair[0]: dict([pair[1]])})
leaves |= st.booleans().map(lambda wanted: {'embedding': {'$exists': wanted}})
leaves |= st.booleans().map(lambda wanted: {'tags': {'$exists': wanted}})
filters = st.recursive(
    leaves,
    lambda inner: st.tuples(
        st.sampled_from(['$and', '$or', '$not']), st.lists(inner, max_size=3)
    ).map(lambda pair: dict([pair])),
    max_leaves=4,
)


@pytest.fixture(scope='module')
def store():
    store = open_sqlite({'connection': ':memory:'})
    yield store
    store.close()


def fill(store, given):
    given = [{'id': str(i), **record} for i, record in enumerate(given)]
    store.write([Clear(), Insert(0, given)])
    return given


def wanted(predicate, given):
    return evaluate(predicate, lambda path: [get_path(r, path) for r in given], len(given))


@settings(max_examples=300, deadline=None)
@given(given=st.lists(records, max_size=5), filter=filters)
@example([{'tags': {'x': 0.1}}], {'tags__x': {'$lt': 0.10000000000000002}})
@example([{'tags': {'x': 1}}, {'tags': {'x': True}}], {'tags__x': {'$eq': 1.0}})
@example([{'tags': {'x': 'a'}}], {'tags__x__k': {'$eq': 1}})
def test_sql_says_what_python_says(store, given, filter):
    given = fill(store, given)
    predicate = parse(filter)
    found = store.select(predicate)
    if found is None:
        return
    # Where Python refuses a comparison the store must not have an answer.
    assert found.tolist() == wanted(predicate, given).tolist()


@pytest.mark.parametrize(
    'filter',
    [
        {'tags__x': {'$eq': 1}},
        {'tags__x': {'$ne': None}},
        {'tags__x': {'$gte': 0.5, '$lt': 2}},
        {'tags__x': {'$in': [1, 'a', None]}},
        {'tags__x': {'$nin': [2.5]}},
        {'tags__x': {'$lt': '{tags__y}'}},
        {'tags__x': {'$exists': True}},
        {'text': {'$regex': 'b'}},
        {'text': {'$in': 'abc'}},
        {'text': {'$size': 2}},
        {'text': {'$exists': False}},
        {'weight': {'$gt': 0}},
        {'$or': [{'text': {'$eq': 'a'}}, {'$not': {'tags__y': {'$gt': 0}}}]},
        {'embedding': {'$exists': True}},
        {'tags': {'$exists': False}},
        {},
    ],
)
def test_sql_answers_what_is_usual(store, filter):
    given = fill(
        store,
        [
            {'text': 'ab', 'tags': {'x': 1, 'y': 2.5}, 'weight': 0.5},
            {'text': 'a', 'tags': {'x': 2.5, 'y': 1}, 'embedding': [1.0]},
            {'tags': {'x': 0.5}},
            {'text': 'b'},
        ],
    )
    predicate = parse(filter)
    assert store.select(predicate).tolist() == wanted(predicate, given).tolist()


@pytest.mark.parametrize(
    ('record', 'filter'),
    [
        ({'tags': {'x': 'a'}}, {'tags__x': {'$lt': 1}}),
        ({'tags': {'x': float('nan')}}, {'tags__x': {'$ne': 1}}),
        ({'tags': {'x': 2**70}}, {'tags__x': {'$gt': 1}}),
        ({'tags': {'x': b'a'}}, {'tags__x': {'$exists': True}}),
        ({'tags': {'x': 'a\0b'}}, {'tags__x': {'$size': 3}}),
        ({'text': 3}, {'text': {'$eq': 3}}),
        ({'tags': {'x': 5}}, {'tags__x': {'$regex': 'a'}}),
        ({'tags': {'x': [1]}}, {'tags__x': {'$eq': [1]}}),
        ({'tags': {'x': [1]}}, {'tags__x__0': {'$eq': 1}}),
        ({'tensor': np.ones(2)}, {'tensor': {'$exists': True}}),
    ],
)
def test_sql_keeps_silent_where_it_cannot_know(store, record, filter):
    fill(store, [record])
    assert store.select(parse(filter)) is None


def test_a_refused_comparison_is_left_to_the_evaluator(store):
    given = fill(store, [{'tags': {'x': 1}}, {'tags': {'x': 'a'}}])
    predicate = parse({'tags__x': {'$lt': 2}})
    assert store.select(predicate) is None
    with pytest.raises(FilterTypeError):
        wanted(predicate, given)


def test_nothing_in_a_filter_becomes_sql(store):
    given = fill(store, [{'text': "a' OR 1=1 --", 'tags': {'x': '"'}}, {'text': 'b'}])
    for filter in (
        {'text': {'$eq': "a' OR 1=1 --"}},
        {'text': {'$in': ["a' OR 1=1 --", '?', ':p0']}},
        {'tags__x': {'$eq': '"'}},
    ):
        predicate = parse(filter)
        assert store.select(predicate).tolist() == wanted(predicate, given).tolist()
    assert store.select(parse({'tags__x"; DROP TABLE docs': {'$eq': 1}})) is None
    assert len(store) == 2


def test_positions_follow_the_order(store):
    store.write([Clear()])
    store.write([Insert(0, [{'id': str(i), 'tags': {'x': i}}]) for i in range(50)])
    found = store.select(parse({'tags__x': {'$lt': 10}}))
    assert found.nonzero()[0].tolist() == list(range(40, 50))
