"""The tree that a filter is parsed into.

The query language (:mod:`docstore.query`) makes these; an evaluator over
columns, or a store that has a query language of its own, reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ['OPERATORS', 'And', 'Compare', 'Not', 'Or', 'Predicate', 'Ref', 'paths']

#: Operators of a :class:`Compare`, without the dollar sign.
OPERATORS = ('eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'regex', 'size', 'exists')


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of another field of the same document: ``'{tags__y}'``."""

    path: str


@dataclass(frozen=True, slots=True)
class Compare:
    """One condition on one field path, such as ``tags__price < 3``."""

    path: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class And:
    """True where all children are; of no children, true."""

    children: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True where a child is; of no children, false."""

    children: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where the child is not."""

    child: Predicate


Predicate = Compare | And | Or | Not


def paths(predicate: Predicate) -> Iterator[str]:
    """Every field path that the predicate reads, with repetitions."""
    if isinstance(predicate, Compare):
        yield predicate.path
        if isinstance(predicate.value, Ref):
            yield predicate.value.path
    elif isinstance(predicate, Not):
        yield from paths(predicate.child)
    else:
        for child in predicate.children:
            yield from paths(child)
