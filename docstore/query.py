"""The filter language: parsed into a predicate, evaluated over columns.

A filter is a mapping of field paths to conditions, ``{'tags__price': {'$lt':
3}}``; ``docs/filters.md`` has the whole language. :func:`parse` checks all of
it before any document is looked at, :func:`evaluate` works on whole columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import compare
from .errors import FilterError, FilterTypeError, LengthMismatch, UnknownField, did_you_mean
from .predicate import And, Compare, Not, Or, Predicate, Ref
from .schema import FIELD_BY_NAME, FIELD_NAMES

__all__ = ['check_path', 'evaluate', 'matches', 'parse']

Column = Callable[[str], 'Sequence[Any] | npt.NDArray[Any]']
Mask = npt.NDArray[np.bool_]

_OPERATORS = {
    '$eq': 'eq',
    '$ne': 'ne',
    '$neq': 'ne',
    '$gt': 'gt',
    '$gte': 'gte',
    '$lt': 'lt',
    '$lte': 'lte',
    '$in': 'in',
    '$nin': 'nin',
    '$regex': 'regex',
    '$size': 'size',
    '$exists': 'exists',
}
_LOGIC = ('$and', '$or', '$not')
_PLACEHOLDER = re.compile(r'\{\s*(\w+)\s*\}')
# Deeper filters come from a broken or hostile generator; Python's own
# recursion limit would end them with an error that says nothing.
_MAX_DEPTH = 100
# Below this share of undecided rows it pays to look only at those.
_SPARSE = 0.25


# --------------------------------------------------------------------------- parsing


def parse(filter: Mapping[str, Any]) -> Predicate:
    """Check a filter and turn it into a predicate.

    Parameters
    ----------
    filter : mapping
        Field paths to conditions, and ``$and``, ``$or``, ``$not``. Several
        fields, and several operators of a field, must all hold. The empty
        filter holds for every document.

    Raises
    ------
    FilterError
        If it does not follow the language; the message has the place in the
        filter.
    UnknownField
        If a Document has no such field.

    Examples
    --------
    >>> parse({'tags__price': {'$lt': 3}})
    Compare(path='tags__price', op='lt', value=3)
    >>> parse({'text': {'$lk': 'a'}})
    Traceback (most recent call last):
        ...
    docstore.errors.FilterError: filter['text']['$lk'] is not an operator...
    """
    return _clause(filter, None, 'filter', 0)


def _clause(clause: Any, path: str | None, where: str, depth: int) -> Predicate:
    """A mapping of conditions; ``path`` is the field that plain operators are about."""
    if not isinstance(clause, Mapping):
        shape = '{field: {operator: value}}' if path is None else '{operator: value}'
        raise FilterError(
            f'{where} must be a mapping {shape}, got {type(clause).__name__} {_short(clause)}'
            + ('' if path is None else "; to test for equality write {'$eq': value}")
        )
    if depth > _MAX_DEPTH:
        raise FilterError(f'the filter is nested more than {_MAX_DEPTH} levels deep at {where}')
    if path is not None and not clause:
        raise FilterError(f'{where} has no operator{did_you_mean("", _OPERATORS)}')
    parts = []
    for key, value in clause.items():
        here = f'{where}[{key!r}]'
        if key in _LOGIC:
            parts.append(_logic(key, value, path, here, depth))
        elif isinstance(key, str) and key.startswith('$'):
            parts.append(_condition(key, value, path, here))
        elif path is not None and not isinstance(value, Mapping):
            raise FilterError(f'{here} is not an operator{_meant(key)}')
        else:
            field = check_path(key, here)
            parts.append(_clause(value, field, here, depth + 1))
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _logic(key: str, value: Any, path: str | None, where: str, depth: int) -> Predicate:
    if isinstance(value, Mapping) and key == '$or':
        # Its entries are offered one by one.
        children = [_clause({k: v}, path, where, depth + 1) for k, v in value.items()]
    elif isinstance(value, Mapping):
        children = [_clause(value, path, where, depth + 1)]
    elif isinstance(value, (list, tuple)):
        children = [_clause(item, path, f'{where}[{i}]', depth + 1) for i, item in enumerate(value)]
    else:
        raise FilterError(
            f'{where} must be a mapping or a list of mappings, '
            f'got {type(value).__name__} {_short(value)}'
        )
    if key == '$not':
        return Not(children[0] if len(children) == 1 else And(tuple(children)))
    if len(children) == 1:
        return children[0]
    return (Or if key == '$or' else And)(tuple(children))


def _condition(key: str, value: Any, path: str | None, where: str) -> Compare:
    op = _OPERATORS.get(key)
    if op is None:
        raise FilterError(f'{where} is not an operator{_meant(key)}')
    if path is None:
        raise FilterError(f'{where} stands outside a field: write {{field: {{{key!r}: value}}}}')
    return Compare(path, op, _value(op, value, where))


def _meant(key: object) -> str:
    """Which operator may have been meant, a forgotten dollar sign included."""
    name = str(key)
    return did_you_mean(name if name.startswith('$') else f'${name}', (*_OPERATORS, *_LOGIC))


def _value(op: str, value: Any, where: str) -> Any:
    """The right side of a condition, checked as far as the operator allows."""
    if isinstance(value, np.generic):
        value = value.item()
    if op == 'exists':
        if not isinstance(value, bool):
            raise FilterError(f'{where} must be True or False, got {_short(value)}')
        return value
    if isinstance(value, str) and value.startswith('{'):
        return _placeholder(value, where)
    if op in {'gt', 'gte', 'lt', 'lte'} and value is None:
        raise FilterError(f'{where} has no order with None; to find missing values use $exists')
    if op in {'in', 'nin'} and not isinstance(value, (Container, Iterable)):
        raise FilterError(f'{where} must be a list or another container, got {_short(value)}')
    if op == 'size' and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise FilterError(f'{where} must be a number, got {_short(value)}')
    if op == 'regex':
        if not isinstance(value, (str, bytes)):
            raise FilterError(f'{where} must be a regular expression, got {_short(value)}')
        compare.pattern(value, where)
    return value


def _placeholder(value: str, where: str) -> Ref:
    match = _PLACEHOLDER.fullmatch(value)
    if match is None:
        raise FilterError(
            f"{where}: {_short(value)} is not a placeholder such as '{{tags__price}}'; "
            "a text that begins with '{' can be compared with {'$in': [text]}"
        )
    return Ref(check_path(match[1], where))


def check_path(path: Any, where: str = 'path') -> str:
    """``path`` itself, if it names a field of a Document or a place in one.

    Raises
    ------
    FilterError
        If it is not a string, or has an empty step.
    UnknownField
        If the field does not exist, or has no places inside.
    """
    if not isinstance(path, str):
        raise FilterError(f'{where}: a field path must be a str, got {type(path).__name__}')
    name, *steps = path.split('__')
    field = FIELD_BY_NAME.get(name)
    if field is None:
        hint = did_you_mean(name, FIELD_NAMES)
        if name == 'content':
            hint = ": ask for 'text', 'blob' or 'tensor'"
        raise UnknownField(f'{where}: a Document has no field {name!r}{hint}')
    if steps and not field.container:
        raise UnknownField(f'{where}: the field {name!r} holds {field.kind}, nothing is inside it')
    if not all(steps):
        raise FilterError(f"{where}: the path {path!r} has an empty step between '__'")
    return path


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + '...'


# --------------------------------------------------------------------------- evaluation


def evaluate(predicate: Predicate, column: Column, n: int) -> Mask:
    """Which of ``n`` rows the predicate holds for.

    Parameters
    ----------
    predicate : Predicate
        What :func:`parse` made.
    column : callable
        Gives the value of a field path in each row, None where it is not
        set, as a list or an array. Called at most once for each path.
    n : int
        How many rows there are.

    Returns
    -------
    ndarray of bool of shape (n,)

    Raises
    ------
    FilterTypeError
        If values that have no order are compared. A row that an earlier
        condition of an ``$and`` or ``$or`` has decided is not looked at.

    Examples
    --------
    >>> column = {'tags__price': [1, 5, None]}.__getitem__
    >>> evaluate(parse({'tags__price': {'$lt': 3}}), column, 3)
    array([ True, False, False])
    """
    return _Evaluation(column, n).mask(predicate, None)


def matches(predicate: Predicate, getter: Callable[[str], Any]) -> bool:
    """Whether the predicate holds for one record, given its value at a path.

    Examples
    --------
    >>> matches(parse({'text': {'$regex': '^a'}}), {'text': 'abc'}.get)
    True
    """
    return bool(evaluate(predicate, lambda path: [getter(path)], 1)[0])


class _Evaluation:
    """One run of a predicate over columns, each of which is read once."""

    def __init__(self, column: Column, n: int) -> None:
        self._column = column
        self._n = n
        self._read: dict[str, list[Any] | npt.NDArray[Any]] = {}

    def mask(self, predicate: Predicate, rows: npt.NDArray[np.intp] | None) -> Mask:
        """The predicate at ``rows`` (None: at all rows)."""
        if isinstance(predicate, Compare):
            return self._compare(predicate, rows)
        if isinstance(predicate, Not):
            return ~self.mask(predicate.child, rows)
        return self._join(predicate, rows)

    def _join(self, node: And | Or, rows: npt.NDArray[np.intp] | None) -> Mask:
        until = isinstance(node, Or)  # the value that decides a row
        result = np.full(self._n if rows is None else len(rows), not until)
        for child in node.children:
            open_ = np.flatnonzero(result != until)
            if not len(open_):
                break
            inner = open_ if rows is None else rows[open_]
            if len(open_) < _SPARSE * len(result):
                result[open_] = self.mask(child, inner)
                continue
            try:
                found = self.mask(child, rows)
            except FilterTypeError:
                # Perhaps only rows that are decided already; ask without them.
                result[open_] = self.mask(child, inner)
                continue
            if until:
                result |= found
            else:
                result &= found
        return result

    def _compare(self, node: Compare, rows: npt.NDArray[np.intp] | None) -> Mask:
        left = self._values(node.path, rows)
        right = node.value
        if isinstance(right, Ref):
            return compare.with_column(node, left, self._values(right.path, rows))
        return compare.with_value(node, left, right)

    def _values(self, path: str, rows: npt.NDArray[np.intp] | None) -> list[Any] | npt.NDArray[Any]:
        values = self._read.get(path)
        if values is None:
            values = self._read[path] = self._load(path)
        if rows is None:
            return values
        if isinstance(values, np.ndarray):
            taken: npt.NDArray[Any] = values[rows]
            return taken
        return [values[i] for i in rows.tolist()]

    def _load(self, path: str) -> list[Any] | npt.NDArray[Any]:
        raw = self._column(path)
        if len(raw) != self._n:
            raise LengthMismatch(f'the column {path!r} has {len(raw)} values for {self._n} rows')
        if isinstance(raw, np.ndarray):
            if raw.ndim == 1 and raw.dtype.kind in 'biuf':
                return raw
            raw = raw.tolist() if raw.ndim == 1 else list(raw)
        values = raw if isinstance(raw, list) else list(raw)
        field = FIELD_BY_NAME.get(path)
        # An unset field reads as its default, here as on a Document.
        default = None if field is None else field.default()
        if default is None:
            return values
        return [default if value is None else value for value in values]
