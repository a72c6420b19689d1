"""One condition of a filter over a whole column.

A column is a list, compared by list comprehensions, which keep every rule of
Python's comparisons; or a numeric array, compared by NumPy wherever that
gives what Python would give for each element.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Union

import numpy as np
import numpy.typing as npt

from .errors import FilterError, FilterTypeError
from .schema import FIELD_BY_NAME

if TYPE_CHECKING:
    from .predicate import Compare

__all__ = ['pattern', 'with_column', 'with_value']

Mask = npt.NDArray[np.bool_]
Values = Union['list[Any]', 'npt.NDArray[Any]']

_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    'eq': operator.eq,
    'ne': operator.ne,
    'gt': operator.gt,
    'gte': operator.ge,
    'lt': operator.lt,
    'lte': operator.le,
}


def pattern(value: str | bytes, where: str) -> re.Pattern[Any]:
    """A compiled ``$regex``.

    Raises
    ------
    FilterError
        If it is no regular expression.
    """
    try:
        return re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise FilterError(f'{where}: {value!r} is not a regular expression: {error}') from None


def with_value(node: Compare, column: Values, value: Any) -> Mask:
    """``node`` over its column, compared with one value."""
    if isinstance(column, np.ndarray):
        found = _numeric(node, column, value)
        if found is not None:
            return found
    values = column.tolist() if isinstance(column, np.ndarray) else column
    try:
        return _bools(_listed(node, values, value))
    except (TypeError, ValueError) as error:
        return _one_by_one(node, values, [value] * len(values), error)


def with_column(node: Compare, left: Values, right: Values) -> Mask:
    """``node`` over its column, compared row by row with another column."""
    # Of one kind, so that nothing is rounded on the way to a common type.
    if (
        node.op in _ORDER
        and isinstance(left, np.ndarray)
        and isinstance(right, np.ndarray)
        and left.dtype.kind == right.dtype.kind
    ):
        return np.asarray(_ORDER[node.op](left, right), dtype=np.bool_)
    a = left.tolist() if isinstance(left, np.ndarray) else left
    b = right.tolist() if isinstance(right, np.ndarray) else right
    return _one_by_one(node, a, b, None)


# --------------------------------------------------------------------------- lists


def _listed(node: Compare, column: list[Any], value: Any) -> list[Any]:
    """The condition for each value; what Python raises is left to the caller."""
    op = node.op
    if op == 'eq':
        return [x == value for x in column]
    if op == 'ne':
        return [x != value for x in column]
    if op == 'lt':
        return [x is not None and x < value for x in column]
    if op == 'lte':
        return [x is not None and x <= value for x in column]
    if op == 'gt':
        return [x is not None and x > value for x in column]
    if op == 'gte':
        return [x is not None and x >= value for x in column]
    if op == 'size':
        return [x is not None and len(x) == value for x in column]
    if op == 'regex':
        search = pattern(value, node.path).search
        return [x is not None and search(x) is not None for x in column]
    if op == 'exists':
        return _exist(node.path, column, value)
    return _contained(op, column, value)


def _exist(path: str, column: list[Any], wanted: bool) -> list[bool]:
    field = FIELD_BY_NAME.get(path)
    if field is None or field.kind == 'array':
        return [(x is not None) is wanted for x in column]
    return [bool(x) is wanted for x in column]


def _contained(op: str, column: list[Any], value: Any) -> list[bool]:
    if isinstance(value, (str, bytes)):
        # The search for a part; a missing value is no part of anything.
        found = [x is not None and x in value for x in column]
    else:
        try:
            items: Any = frozenset(value)
            found = [x in items for x in column]
        except TypeError:
            # Something has no hash: look through the container itself.
            found = [x in value for x in column]
    return found if op == 'in' else [not x for x in found]


def _bools(found: list[Any]) -> Mask:
    try:
        # Twice as fast as np.array, and refuses most of what is not a bool.
        return np.asarray(np.frombuffer(bytes(found), dtype=np.uint8) != 0)
    except (TypeError, ValueError):
        return np.fromiter(map(_truth, found), dtype=np.bool_, count=len(found))


def _truth(found: Any) -> bool:
    """What a comparison said; an array of answers is none."""
    if not isinstance(found, (bool, np.bool_)) and hasattr(found, '__len__'):
        raise TypeError('a comparison of arrays has no single answer')
    return bool(found)


# --------------------------------------------------------------------------- row by row


def _one_by_one(
    node: Compare, left: Sequence[Any], right: Sequence[Any], cause: Exception | None
) -> Mask:
    """Pairs of values: for placeholders, for arrays in a column, and to name a bad row."""
    result = np.empty(len(left), dtype=np.bool_)
    for i, (x, value) in enumerate(zip(left, right, strict=False)):
        try:
            result[i] = _pair(node, x, value)
        except (TypeError, ValueError) as error:
            if isinstance(error, FilterError):
                raise
            raise FilterTypeError(
                f'${node.op} on {node.path!r}: cannot compare {type(x).__name__} '
                f'(in the document at place {i} of those compared) with {type(value).__name__}',
                path=node.path,
            ) from (cause or error)
    return result


def _pair(node: Compare, x: Any, value: Any) -> bool:
    op = node.op
    if op in {'eq', 'ne'}:
        return _same(x, value) is (op == 'eq')
    if op in {'in', 'nin'}:
        inside = value is not None and _listed(node, [x], value)[0]
        return bool(inside) if op == 'in' else value is None or bool(inside)
    if op != 'exists' and (x is None or value is None):
        return False
    return _truth(_listed(node, [x], value)[0])


def _same(x: Any, value: Any) -> bool:
    equal = x == value
    if isinstance(equal, bool):
        return equal
    if isinstance(x, Iterable) and isinstance(value, Iterable):
        return bool(np.array_equal(np.asarray(x), np.asarray(value)))
    return not hasattr(equal, '__len__') and bool(equal)


# --------------------------------------------------------------------------- arrays


def _numeric(node: Compare, column: npt.NDArray[Any], value: Any) -> Mask | None:
    """The condition over a numeric array; None where NumPy would not say what Python says."""
    if node.op == 'exists':
        field = FIELD_BY_NAME.get(node.path)
        there = np.ones(len(column), np.bool_) if field is None else column != 0
        return np.asarray(there == value, dtype=np.bool_)
    if column.dtype.kind == 'b':
        column = column.view(np.int8)
    if node.op in _ORDER:
        return _ordered(node.op, column, value)
    if node.op in {'in', 'nin'}:
        return _member(node.op, column, value)
    return None


def _ordered(op: str, column: npt.NDArray[Any], value: Any) -> Mask | None:
    if not isinstance(value, (bool, int, float)):
        if op in {'eq', 'ne'}:
            # A str, None, a list of them: equal to no number.
            plain = value is None or isinstance(value, (str, bytes, dict, list, tuple))
            return np.full(len(column), op == 'ne') if plain else None
        return None
    exact = _exact(column.dtype, value)
    if exact is None:
        return None
    return np.asarray(_ORDER[op](column, exact), dtype=np.bool_)


def _exact(dtype: np.dtype[Any], value: float) -> Any:
    """``value`` in a form that NumPy compares with ``dtype`` without rounding; or None."""
    if dtype.kind == 'f':
        if dtype.itemsize > 8 or (isinstance(value, int) and abs(value) > 2**53):
            return None
        # An array, since a scalar would be rounded to the type of the column.
        return np.array([value], dtype=np.float64)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        info = np.iinfo(dtype)
        return int(value) if info.min <= value <= info.max else None
    return np.array([value], dtype=np.float64)


def _member(op: str, column: npt.NDArray[Any], value: Any) -> Mask | None:
    if not isinstance(value, (list, tuple, set, frozenset)):
        return None
    if not all(x is None or isinstance(x, (bool, int, float, str, bytes)) for x in value):
        return None
    found = np.zeros(len(column), dtype=np.bool_)
    wanted = []
    for x in value:
        if not isinstance(x, (bool, int, float)):
            continue
        exact = _exact(column.dtype, x)
        if exact is not None and not isinstance(exact, int):
            exact = exact[0] if column.dtype.kind == 'f' else None
        if exact is not None:
            wanted.append(exact)
        elif column.dtype.kind == 'f':
            return None
    if len(wanted) <= 8:
        for x in wanted:
            found |= column == np.array([x])
    else:
        dtype = np.float64 if column.dtype.kind == 'f' else column.dtype
        found = np.isin(column, np.array(wanted, dtype=dtype))
    return found if op == 'in' else ~found
