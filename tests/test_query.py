"""The filter language: what it accepts, what it refuses, and what it means."""

from __future__ import annotations

import math
import operator
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from docstore.errors import FilterError, FilterTypeError, LengthMismatch, UnknownField
from docstore.predicate import And, Compare, Not, Or, Ref
from docstore.query import evaluate, matches, parse

pytestmark = pytest.mark.spec('10')

# --------------------------------------------------------------------------- parsing


@pytest.mark.parametrize(
    ('filter', 'predicate'),
    [
        ({}, And(())),
        ({'text': {'$eq': 'a'}}, Compare('text', 'eq', 'a')),
        ({'text': {'$ne': 'a'}}, Compare('text', 'ne', 'a')),
        ({'text': {'$neq': 'a'}}, Compare('text', 'ne', 'a')),
        (
            {'weight': {'$gt': 1, '$lte': 2}},
            And((Compare('weight', 'gt', 1), Compare('weight', 'lte', 2))),
        ),
        (
            {'text': {'$eq': 'a'}, 'tags__x__y': {'$exists': False}},
            And((Compare('text', 'eq', 'a'), Compare('tags__x__y', 'exists', False))),
        ),
        ({'tags__x': {'$lt': '{tags__y}'}}, Compare('tags__x', 'lt', Ref('tags__y'))),
        ({'tags__x': {'$lt': '{ tags__y }'}}, Compare('tags__x', 'lt', Ref('tags__y'))),
        (
            {'$or': [{'text': {'$eq': 'a'}}, {'text': {'$eq': 'b'}}]},
            Or((Compare('text', 'eq', 'a'), Compare('text', 'eq', 'b'))),
        ),
        (
            {'$or': {'text': {'$eq': 'a'}, 'uri': {'$eq': 'b'}}},
            Or((Compare('text', 'eq', 'a'), Compare('uri', 'eq', 'b'))),
        ),
        (
            {'$not': [{'text': {'$eq': 'a'}}, {'uri': {'$eq': 'b'}}]},
            Not(And((Compare('text', 'eq', 'a'), Compare('uri', 'eq', 'b')))),
        ),
        ({'$not': {'text': {'$eq': 'a'}}}, Not(Compare('text', 'eq', 'a'))),
        (
            {'tags__x': {'$or': [{'$lt': 1}, {'tags__y': {'$gt': 2}}]}},
            Or((Compare('tags__x', 'lt', 1), Compare('tags__y', 'gt', 2))),
        ),
        (
            {'tags__x': {'$or': {'$lt': 1, '$gt': 5}}},
            Or((Compare('tags__x', 'lt', 1), Compare('tags__x', 'gt', 5))),
        ),
        ({'tags__x': {'$not': {'$size': 3}}}, Not(Compare('tags__x', 'size', 3))),
        ({'$and': []}, And(())),
        ({'$or': []}, Or(())),
        ({'scores__cosine__value': {'$lt': 0.5}}, Compare('scores__cosine__value', 'lt', 0.5)),
        ({'weight': {'$eq': np.float32(0.5)}}, Compare('weight', 'eq', 0.5)),
    ],
)
def test_parse(filter: dict[str, Any], predicate: Any) -> None:
    assert parse(filter) == predicate


@pytest.mark.parametrize(
    ('filter', 'message'),
    [
        ('text', r'filter must be a mapping'),
        ({'text': 'a'}, r"filter\['text'\] must be a mapping .*\{'\$eq': value\}"),
        ({'text': {}}, r"filter\['text'\] has no operator"),
        ({'text': {'$lk': 1}}, r"filter\['text'\]\['\$lk'\] is not an operator; did you mean '\$l"),
        ({'$lt': 3}, r"filter\['\$lt'\] stands outside a field"),
        ({'$nor': []}, r"filter\['\$nor'\] is not an operator; did you mean '\$n?or"),
        ({'$or': 3}, r"filter\['\$or'\] must be a mapping or a list"),
        ({'$or': [{'text': 3}]}, r"filter\['\$or'\]\[0\]\['text'\] must be a mapping"),
        ({'tags__x': {'$exists': 1}}, r"filter\['tags__x'\]\['\$exists'\] must be True or False"),
        ({'tags__x': {'$regex': '('}}, r"\['\$regex'\]: '\(' is not a regular expression"),
        ({'tags__x': {'$regex': 3}}, r"\['\$regex'\] must be a regular expression"),
        ({'tags__x': {'$in': 3}}, r"\['\$in'\] must be a list"),
        ({'tags__x': {'$size': 'a'}}, r"\['\$size'\] must be a number"),
        ({'tags__x': {'$lt': None}}, r"\['\$lt'\] has no order with None"),
        ({'tags__x': {'$lt': '{tags__y'}}, r"filter\['tags__x'\]\['\$lt'\]: .*placeholder"),
        ({'tags__x': {'$lt': '{}'}}, r'not a placeholder'),
        ({'tags__x': {'$lt': '{tags__y} a'}}, r'not a placeholder'),
        ({'tags__': {'$lt': 1}}, r'empty step'),
        ({3: {'$lt': 1}}, r'field path must be a str'),
    ],
)
def test_malformed(filter: Any, message: str) -> None:
    with pytest.raises(FilterError, match=message):
        parse(filter)
    with pytest.raises(ValueError):
        parse(filter)


@pytest.mark.parametrize(
    ('filter', 'message'),
    [
        ({'txt': {'$eq': 1}}, r"filter\['txt'\]: .* no field 'txt'; did you mean 'text'"),
        ({'text__x': {'$eq': 1}}, r'nothing is inside'),
        ({'content': {'$eq': 1}}, r"ask for 'text', 'blob' or 'tensor'"),
        ({'tags__x': {'$lt': '{tag__y}'}}, r"filter\['tags__x'\]\['\$lt'\]: .*did you mean 'tags'"),
    ],
)
def test_unknown_field(filter: Any, message: str) -> None:
    with pytest.raises(UnknownField, match=message):
        parse(filter)
    with pytest.raises(AttributeError):
        parse(filter)


def test_depth_is_limited() -> None:
    filter: dict[str, Any] = {'text': {'$eq': 'a'}}
    for _ in range(100_000):
        filter = {'$not': filter}
    with pytest.raises(FilterError, match='nested more than'):
        parse(filter)
    # Taken apart by hand: the recursive destructor would be slow, not wrong.
    while '$not' in filter:
        filter = filter['$not']


# --------------------------------------------------------------------------- meaning


def select(filter: dict[str, Any], n: int = -1, **columns: Any) -> list[bool]:
    n = n if n >= 0 else len(next(iter(columns.values())))
    return evaluate(parse(filter), columns.__getitem__, n).tolist()


@pytest.mark.parametrize(
    ('op', 'value', 'column', 'expected'),
    [
        ('$lt', 3, [1, 3, None, 2.5], [True, False, False, True]),
        ('$gte', 'b', ['a', 'b', None], [False, True, False]),
        ('$eq', 1, [1, 1.0, True, '1', None], [True, True, True, False, False]),
        ('$ne', 1, [1, 2, None, 'a'], [False, True, True, True]),
        ('$eq', None, [None, 0, ''], [True, False, False]),
        ('$in', [1, 'a', None], [1, 'a', 'b', None], [True, True, False, True]),
        ('$nin', [1, 'a'], [1, 'b', None], [False, True, True]),
        ('$in', 'abc', ['b', 'd', None, 'bc'], [True, False, False, True]),
        ('$nin', 'abc', ['b', 'd', None], [False, True, True]),
        ('$in', [[1], 2], [[1], 2, [2]], [True, True, False]),
        ('$in', [1, 2], [[1], 2], [False, True]),
        ('$regex', 'a.c', ['xabcx', 'ab', None, ''], [True, False, False, False]),
        ('$regex', b'^a', [b'ab', b'ba'], [True, False]),
        ('$size', 2, ['ab', [1, 2], {'a': 1}, None], [True, True, False, False]),
        ('$exists', True, [0, '', None, 1], [True, True, False, True]),
        ('$exists', False, [0, '', None, 1], [False, False, True, False]),
        ('$lt', 1.0, [math.nan, 0.5], [False, True]),
        ('$ne', math.nan, [math.nan, 0.5], [True, True]),
        ('$eq', 2**53 + 1, [2**53, 2**53 + 1, float(2**53)], [False, True, False]),
    ],
)
def test_operators(op: str, value: Any, column: list[Any], expected: list[bool]) -> None:
    assert select({'tags__x': {op: value}}, tags__x=column) == expected


def test_plain_field_exists_when_not_empty() -> None:
    assert select({'text': {'$exists': True}}, text=['a', '', None]) == [True, False, False]
    assert select({'weight': {'$exists': True}}, weight=np.array([0.0, 2.0])) == [False, True]
    vectors = [np.zeros(2), None]
    assert select({'embedding': {'$exists': True}}, embedding=vectors) == [True, False]


def test_unset_plain_field_reads_as_its_default() -> None:
    assert select({'weight': {'$lt': 1}}, weight=[None, 2.0]) == [True, False]
    assert select({'text': {'$eq': ''}}, text=[None, 'a']) == [True, False]
    assert select({'text': {'$size': 0}}, text=[None, 'a']) == [True, False]


def test_arrays_in_columns_are_compared_as_a_whole() -> None:
    column = [np.array([1, 2]), np.array([1, 3]), None, np.array([1])]
    assert select({'embedding': {'$eq': [1, 2]}}, embedding=column) == [True, False, False, False]
    assert select({'embedding': {'$ne': [1, 2]}}, embedding=column) == [False, True, True, True]
    assert select({'embedding': {'$eq': 1}}, embedding=column) == [False] * 4
    with pytest.raises(FilterTypeError):
        select({'embedding': {'$lt': 1}}, embedding=column)


@pytest.mark.parametrize(
    ('op', 'value', 'column'),
    [
        ('$lt', 3, [1, 'a']),
        ('$gt', 'a', [1]),
        ('$lt', 'a', np.array([1.0])),
        ('$regex', 'a', ['a', 3]),
        ('$regex', 'a', [b'a']),
        ('$size', 3, [3]),
        ('$in', 'abc', [3]),
        ('$lt', '{tags__y}', [1]),
    ],
)
def test_unlike_types(op: str, value: Any, column: Any) -> None:
    with pytest.raises(FilterTypeError, match=r"on 'tags__x': cannot compare \w+"):
        select({'tags__x': {op: value}}, tags__x=column, tags__y=['a'])
    with pytest.raises(TypeError):
        select({'tags__x': {op: value}}, tags__x=column, tags__y=['a'])


@pytest.mark.parametrize('n', [3, 40])
def test_decided_rows_are_not_compared(n: int) -> None:
    kinds = ['n'] * (n - 1) + ['s']
    values = [1] * (n - 1) + ['a']
    guard = {'$and': [{'tags__k': {'$eq': 'n'}}, {'tags__v': {'$gt': 0}}]}
    assert select(guard, tags__k=kinds, tags__v=values) == [True] * (n - 1) + [False]
    either = {'$or': [{'tags__k': {'$eq': 's'}}, {'tags__v': {'$gt': 0}}]}
    assert select(either, tags__k=kinds, tags__v=values) == [True] * n
    with pytest.raises(FilterTypeError):
        select({'$and': guard['$and'][::-1]}, tags__k=kinds, tags__v=values)


def test_placeholders() -> None:
    columns = {'tags__x': [1, 2, None, 4], 'tags__y': [2, 2, 2, None]}
    assert select({'tags__x': {'$lt': '{tags__y}'}}, **columns) == [True, False, False, False]
    assert select({'tags__x': {'$ne': '{tags__y}'}}, **columns) == [True, False, True, True]
    arrays = {name: np.array([v or 0 for v in values]) for name, values in columns.items()}
    assert select({'tags__x': {'$gte': '{tags__y}'}}, **arrays) == [False, True, False, True]
    mixed = {'tags__x': np.array([2**53 + 1]), 'tags__y': np.array([float(2**53)])}
    assert select({'tags__x': {'$eq': '{tags__y}'}}, **mixed) == [False]
    lists = {'tags__x': [1, 2], 'tags__y': [[1], [1]]}
    assert select({'tags__x': {'$in': '{tags__y}'}}, **lists) == [True, False]
    assert select({'tags__x': {'$nin': '{tags__y}'}}, **lists) == [False, True]
    patterns = {'tags__x': ['abc', 'abc'], 'tags__y': ['^a', '^b']}
    assert select({'tags__x': {'$regex': '{tags__y}'}}, **patterns) == [True, False]


def test_each_column_is_read_once_and_only_when_needed() -> None:
    asked = []

    def column(path: str) -> list[int]:
        asked.append(path)
        return [1, 2]

    filter = {'tags__x': {'$gt': 5, '$lt': 9}, 'tags__y': {'$eq': 1}}
    assert evaluate(parse(filter), column, 2).tolist() == [False, False]
    assert asked == ['tags__x']


def test_empty() -> None:
    assert select({}, 3) == [True] * 3
    assert select({'$or': []}, 3) == [False] * 3
    assert select({'tags__x': {'$regex': 'a'}}, tags__x=[]) == []
    assert select({'tags__x': {'$lt': 'a'}}, tags__x=np.array([])) == []


def test_column_of_wrong_length() -> None:
    with pytest.raises(LengthMismatch, match="'tags__x' has 1 values for 2 rows"):
        select({'tags__x': {'$lt': 1}}, 2, tags__x=[1])


# ------------------------------------------------------- against a plain evaluator

_ORDER = {
    '$gt': operator.gt,
    '$gte': operator.ge,
    '$lt': operator.lt,
    '$lte': operator.le,
}


def naive(filter: dict[str, Any], row: dict[str, Any]) -> bool:
    """The language once more, for one document and without any of the code under test."""
    for key, value in filter.items():
        if key in {'$and', '$or', '$not'}:
            if key == '$or' and isinstance(value, dict):
                value = [{k: v} for k, v in value.items()]
            clauses = [value] if isinstance(value, dict) else value
            if key == '$or':
                held = any(naive(c, row) for c in clauses)
            else:
                held = all(naive(c, row) for c in clauses) != (key == '$not')
        else:
            held = all(naive_condition(op, row[key], v, row) for op, v in value.items())
        if not held:
            return False
    return True


def naive_condition(op: str, x: Any, value: Any, row: dict[str, Any]) -> bool:
    if isinstance(value, str) and value.startswith('{'):
        value = row[value[1:-1]]
        if value is None and op not in {'$eq', '$ne'}:
            return False
    if op == '$eq':
        return bool(x == value)
    if op == '$ne':
        return bool(x != value)
    if op == '$in':
        return x in value
    if op == '$nin':
        return x not in value
    if op == '$exists':
        return (x is not None) == value
    if x is None:
        return False
    if op == '$regex':
        return re.search(value, x) is not None
    if op == '$size':
        return len(x) == value
    return bool(_ORDER[op](x, value))


PATHS = ['tags__a', 'tags__b', 'tags__c']
numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**70]),
    st.floats(allow_nan=True, width=32),
    st.sampled_from([0.1, 0.5, 1.0, float(2**53), 2.0**63]),
    st.booleans(),
)
scalars = st.one_of(numbers, st.none(), st.sampled_from(['', 'a', 'ab', 'b']))
conditions = st.one_of(
    st.tuples(st.sampled_from(['$eq', '$ne']), scalars),
    st.tuples(st.sampled_from(['$gt', '$gte', '$lt', '$lte']), numbers),
    st.tuples(st.sampled_from(['$gt', '$lt']), st.sampled_from(['a', 'ab'])),
    st.tuples(st.sampled_from(['$in', '$nin']), st.lists(scalars, max_size=12)),
    st.tuples(st.just('$exists'), st.booleans()),
    st.tuples(st.just('$regex'), st.sampled_from(['a', '^b', 'b$'])),
    st.tuples(st.just('$size'), st.integers(0, 2)),
    st.tuples(
        st.sampled_from(['$eq', '$ne', '$lt', '$gte']),
        st.sampled_from(['{' + path + '}' for path in PATHS]),
    ),
)
leaves = st.dictionaries(
    st.sampled_from(PATHS), st.lists(conditions, min_size=1, max_size=2).map(dict), max_size=2
)
filters = st.recursive(
    leaves,
    lambda inner: st.dictionaries(
        st.sampled_from(['$and', '$or', '$not']), st.one_of(inner, st.lists(inner, max_size=3))
    ),
    max_leaves=6,
)


def outcome(function: Any) -> Any:
    try:
        return function()
    except TypeError:
        return TypeError


def compare(filter: dict[str, Any], columns: dict[str, Any], n: int) -> None:
    rows = [{path: columns[path][i] for path in PATHS} for i in range(n)]
    expected = outcome(lambda: [naive(filter, row) for row in rows])
    predicate = parse(filter)
    assert outcome(lambda: evaluate(predicate, columns.__getitem__, n).tolist()) == expected
    single = outcome(lambda: [matches(predicate, row.__getitem__) for row in rows])
    assert single == expected


@settings(max_examples=400, deadline=None)
@given(filters, st.lists(st.tuples(scalars, numbers, scalars), max_size=8))
def test_lists_against_plain_evaluator(filter: Any, rows: list[Any]) -> None:
    columns = {path: [row[i] for row in rows] for i, path in enumerate(PATHS)}
    compare(filter, columns, len(rows))


@settings(max_examples=400, deadline=None)
@given(
    filters,
    st.lists(st.tuples(*[st.integers(-3, 3)] * 3), max_size=8),
    st.tuples(*[st.sampled_from(['f2', 'f4', 'f8', 'i1', 'i8', 'u8', '?', 'O'])] * 3),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
)
def test_arrays_against_plain_evaluator(
    filter: Any, rows: list[Any], types: tuple[str, ...], noise: float
) -> None:
    columns = {}
    for i, path in enumerate(PATHS):
        values = np.array([row[i] for row in rows], dtype=np.int64)
        assume(types[i] != 'u8' or not (values < 0).any())
        columns[path] = values.astype(types[i])
        if types[i] in {'f4', 'f8'}:
            columns[path] = columns[path] + np.array([noise], dtype=types[i])
    plain = {path: column.tolist() for path, column in columns.items()}
    expected = outcome(lambda: select(filter, len(rows), **plain))
    assert outcome(lambda: select(filter, len(rows), **columns)) == expected
    compare(filter, plain, len(rows))
