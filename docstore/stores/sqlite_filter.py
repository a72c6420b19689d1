"""Filters as SQL, wherever SQL gives exactly what Python would.

Each condition becomes two expressions: whether it holds, and whether SQL can
be trusted with the row at all. A row is doubtful if its readable copy is
lossy, or if values meet that Python would refuse to compare; one doubtful row
and the whole filter is left to :mod:`docstore.query`.
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..predicate import And, Compare, Not, Predicate, Ref
from ..schema import FIELD_BY_NAME
from .sqlite_schema import PLAIN

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    import numpy.typing as npt

    IntArray = npt.NDArray[np.int64]

__all__ = ['Filters']

_COMPARE: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    'eq': ('=', operator.eq),
    'ne': ('!=', operator.ne),
    'gt': ('>', operator.gt),
    'gte': ('>=', operator.ge),
    'lt': ('<', operator.lt),
    'lte': ('<=', operator.le),
}
_STEP = re.compile(r'(?!-?\d+$)[\w-]+')
# SQLite limits the depth of an expression to 1000, and its length.
_MAX_CONDITIONS = 100
_MAX_ITEMS = 500
# Texts of numbers that differ by less may be read by SQLite as one number.
_NEAR = 1e-14


class _NotInSql(Exception):
    """A condition that SQL cannot express with Python's meaning."""


@dataclass(frozen=True, slots=True)
class _Operand:
    """One side of a comparison: SQL for its kind and for its value.

    The kind is ``'number'``, ``'text'``, ``'none'`` or ``'other'``.
    """

    kind: str
    value: str
    path: tuple[str, ...] | None = None
    rounded: str = '0'  # SQL: whether the value came from text that SQLite rounded


@dataclass(slots=True)
class _Query:
    """A predicate on its way to SQL."""

    columns: dict[str, str] = field(default_factory=dict)  # SQL by alias
    doubts: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    functions: list[Callable[[Any], bool]] = field(default_factory=list)
    conditions: int = 0

    def bind(self, value: Any) -> str:
        """A parameter that stands for a value."""
        name = f'p{len(self.parameters)}'
        self.parameters[name] = value
        return f':{name}'

    def column(self, sql: str) -> str:
        """A column of the inner query, computed once a row."""
        for alias, known in self.columns.items():
            if known == sql:
                return alias
        alias = f'c{len(self.columns)}'
        self.columns[alias] = sql
        return alias

    def doubt(self, sql: str) -> None:
        """Say when a row is doubtful."""
        if sql not in self.doubts:
            self.doubts.append(sql)


class Filters:
    """Runs predicates on one connection, whose store guards it with a lock.

    Parameters
    ----------
    connection : sqlite3.Connection
    documents : str
        The table, quoted.
    other : Filters, optional
        Those of another table of the same connection, which has only one function
        to call.
    """

    def __init__(
        self, connection: sqlite3.Connection, documents: str, other: Filters | None = None
    ) -> None:
        self._connection = connection
        self._documents = documents
        self._functions: list[Callable[[Any], bool]] = [] if other is None else other._functions
        if other is None:
            connection.create_function('docstore_condition', 2, self._call)

    def rows(self, predicate: Predicate) -> IntArray | None:
        """The rows that a predicate holds for, in no order; None if SQL cannot tell."""
        query = _Query()
        try:
            match = _sql(predicate, query)
        except _NotInSql:
            return None
        inner = ''.join(f', {sql} AS {alias}' for alias, sql in query.columns.items())
        doubt = ' OR '.join(query.doubts) or '0'
        # LIMIT keeps SQLite from computing a column anew wherever it is used.
        sql = (
            f'SELECT coalesce(max({doubt}), 0), group_concat(CASE WHEN {match} THEN row END) '
            f'FROM (SELECT row, payload{inner} FROM {self._documents} LIMIT -1)'
        )
        self._functions[:] = query.functions
        doubtful, text = self._connection.execute(sql, query.parameters).fetchone()
        if doubtful:
            return None
        if not text:
            return np.empty(0, dtype=np.int64)
        return np.fromstring(text, dtype=np.int64, sep=',')

    def _call(self, number: int, argument: Any) -> bool:
        return self._functions[number](argument)


def _sql(node: Predicate, query: _Query) -> str:
    if isinstance(node, Compare):
        query.conditions += 1
        if query.conditions > _MAX_CONDITIONS:
            raise _NotInSql
        return f'({_condition(node, query)})'
    if isinstance(node, Not):
        return f'(NOT {_sql(node.child, query)})'
    parts = [_sql(child, query) for child in node.children]
    if isinstance(node, And):
        return f'({" AND ".join(parts)})' if parts else '(1)'
    return f'({" OR ".join(parts)})' if parts else '(0)'


def _condition(node: Compare, query: _Query) -> str:
    if node.op == 'exists':
        return _exists(node, query)
    left = _field(node.path, query)
    if isinstance(node.value, Ref):
        if node.op not in _COMPARE:
            raise _NotInSql
        return _comparison(node.op, left, _field(node.value.path, query), query)
    if node.op in _COMPARE:
        return _comparison(node.op, left, _literal(node.value, query), query)
    if node.op in {'in', 'nin'}:
        inside = _inside(node.value, left, query)
        return inside if node.op == 'in' else f'NOT {inside}'
    if node.op == 'size':
        return _size(node, left, query)
    return _regex(node, left, query)


# --------------------------------------------------------------------------- operands


def _field(path: str, query: _Query) -> _Operand:
    """The value at a field path."""
    name, *steps = path.split('__')
    if name == 'tags' and steps:
        return _tag(steps, query)
    if steps:
        raise _NotInSql
    if name == 'id':
        return _Operand("'text'", query.column('id'), ('id',))
    if name not in PLAIN:
        raise _NotInSql
    default = FIELD_BY_NAME[name].default()
    query.doubt(f'({query.column("lossy")} & {1 << (PLAIN.index(name) + 1)})')
    value = query.column(f'coalesce("{name}", {default!r})')
    return _Operand("'text'" if isinstance(default, str) else "'number'", value, (name,))


def _tag(steps: list[str], query: _Query) -> _Operand:
    """A value inside of tags. Steps that could mean a place in a list are left to Python."""
    if not all(_STEP.fullmatch(step) for step in steps):
        raise _NotInSql
    query.doubt(f'({query.column("lossy")} & 1)')
    path = '$'
    for step in steps[:-1]:
        path += f'."{step}"'
        outer = query.column(f'json_type(tags, {query.bind(path)})')
        # Python would refuse to look inside of a text or a number.
        query.doubt(f"(coalesce({outer}, 'null') NOT IN ('object', 'null'))")
    name = query.bind(f'{path}."{steps[-1]}"')
    kind = query.column(f'json_type(tags, {name})')
    value = query.column(f'json_extract(tags, {name})')
    sort = query.column(
        f"CASE coalesce(json_type(tags, {name}), 'null') WHEN 'text' THEN 'text' "
        "WHEN 'null' THEN 'none' WHEN 'array' THEN 'other' WHEN 'object' THEN 'other' "
        "ELSE 'number' END"
    )
    return _Operand(sort, value, ('tags', *steps), f"({kind} IS 'real')")


def _literal(value: Any, query: _Query) -> _Operand:
    if value is None:
        return _Operand("'none'", 'NULL')
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _NotInSql from None
        return _Operand("'text'", query.bind(str(value)))
    if isinstance(value, (bool, int)):
        if not -(1 << 63) <= value < 1 << 63:
            raise _NotInSql
        return _Operand("'number'", query.bind(int(value)))
    if isinstance(value, float) and math.isfinite(value):
        return _Operand("'number'", query.bind(float(value)))
    raise _NotInSql


# --------------------------------------------------------------------------- operators


def _comparison(op: str, left: _Operand, right: _Operand, query: _Query) -> str:
    sign, function = _COMPARE[op]
    if op in {'eq', 'ne'}:
        # Two lists may be equal; a list and a text are not.
        query.doubt(f"({left.kind} = 'other' AND {right.kind} = 'other')")
        alike = f'{left.kind} = {right.kind}'
        equal = _values('=', operator.eq, left, right, query)
        found = f"({alike} AND ({left.kind} = 'none' OR {equal}))"
        return found if op == 'eq' else f'NOT {found}'
    missing = f"({left.kind} = 'none' OR {right.kind} = 'none')"
    query.doubt(f"(NOT {missing} AND ({left.kind} != {right.kind} OR {left.kind} = 'other'))")
    return f'NOT {missing} AND {_values(sign, function, left, right, query)}'


def _values(
    sign: str, function: Callable[[Any, Any], Any], left: _Operand, right: _Operand, query: _Query
) -> str:
    """A comparison of two values of one kind, neither of which is missing.

    SQLite may misread the last digit of a number in JSON, so numbers that are
    nearly equal are compared in Python.
    """
    plain = f'coalesce({left.value} {sign} {right.value}, 0)'
    if left.rounded == right.rounded == '0':
        return plain
    number = query.bind(len(query.functions))
    query.functions.append(_exactly(function, left, right, query.parameters))
    near = f'abs({left.value} - {right.value} + 0.0) <= {_NEAR} * abs({right.value} + 0.0) + 1e-300'
    return (
        f"CASE WHEN {left.kind} = 'number' AND {right.kind} = 'number' "
        f'AND ({left.rounded} OR {right.rounded}) AND {near} '
        f'THEN docstore_condition({number}, payload) ELSE {plain} END'
    )


def _exactly(
    function: Callable[[Any, Any], Any], left: _Operand, right: _Operand, literals: dict[str, Any]
) -> Callable[[Any], bool]:
    def value(operand: _Operand, payload: bytes) -> Any:
        if operand.path is None:
            return literals[operand.value[1:]]
        found = _core.unpack_path(payload, operand.path)
        return FIELD_BY_NAME[operand.path[0]].default() if found is None else found

    return lambda payload: bool(function(value(left, payload), value(right, payload)))


def _inside(container: Any, left: _Operand, query: _Query) -> str:
    if isinstance(container, str):
        literal = _literal(container, query)
        query.doubt(f"({left.kind} IN ('number', 'other'))")
        return f"({left.kind} = 'text' AND instr({literal.value}, {left.value}) > 0)"
    if not isinstance(container, (list, tuple, set, frozenset)) or len(container) > _MAX_ITEMS:
        raise _NotInSql
    parts = [f'({_comparison("eq", left, _literal(item, query), query)})' for item in container]
    return f'({" OR ".join(parts)})' if parts else '(0)'


def _exists(node: Compare, query: _Query) -> str:
    name, *steps = node.path.split('__')
    wanted = '' if node.value else 'NOT '
    if name == 'embedding' and not steps:
        return f'{wanted}({query.column("line")} IS NOT NULL)'
    if name == 'tags' and not steps:
        query.doubt(f'({query.column("lossy")} & 1)')
        return f"{wanted}(coalesce({query.column('tags')}, '{{}}') != '{{}}')"
    operand = _field(node.path, query)
    if steps:
        return f"{wanted}({operand.kind} != 'none')"
    empty = "''" if operand.kind == "'text'" else '0'
    return f'{wanted}({operand.value} != {empty})'


def _size(node: Compare, left: _Operand, query: _Query) -> str:
    if node.path == 'id':
        raise _NotInSql  # SQLite counts up to the first NUL, which an id may have
    wanted = _literal(node.value, query)
    query.doubt(f"({left.kind} IN ('number', 'other'))")
    return f"({left.kind} = 'text' AND length({left.value}) = {wanted.value})"


def _regex(node: Compare, left: _Operand, query: _Query) -> str:
    if not isinstance(node.value, str):
        raise _NotInSql
    query.doubt(f"({left.kind} IN ('number', 'other'))")
    search = re.compile(node.value).search
    number = query.bind(len(query.functions))
    query.functions.append(lambda text: search(text) is not None)
    return f"({left.kind} = 'text' AND docstore_condition({number}, {left.value}))"
