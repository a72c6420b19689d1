"""Paths through nested documents, such as ``'@c,m[:3]'``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import InvalidArgument
from .modal import members

if TYPE_CHECKING:
    from .document import Document

__all__ = ['ROOT', 'Selector', 'flatten', 'parse_paths', 'walk']

#: A longer path is no path through documents, but an attempt to exhaust the stack.
_LONGEST = 256

_SELECTOR = re.compile(
    r'(?:(?P<kind>[rcm])|\.\[(?P<fields>[^\[\]]*)\])(?P<slice>\[[-:\d]*\]|[-:\d]*)'
)
# One of several paths: commas in brackets are between the fields of a step.
_PATH = re.compile(r'(?:\[[^\[\]]*\]|[^,])*')


@dataclass(frozen=True, slots=True)
class Selector:
    """One step of a path: the root, the chunks, the matches or fields, and which of them."""

    kind: str
    which: slice
    fields: tuple[str, ...] = ()


#: The path ``'r'``: the array itself.
ROOT = [Selector('r', slice(None))]


def parse_paths(paths: str) -> list[list[Selector]]:
    """The steps of each of the comma-separated paths.

    Raises
    ------
    InvalidArgument
        If a path does not follow the grammar.

    Examples
    --------
    >>> parse_paths('c[:2]')
    [[Selector(kind='c', which=slice(None, 2, None), fields=())]]
    """
    text = re.sub(r'\s+', '', paths)
    return [_parse_path(path, paths) for path in _split(text)]


def _split(text: str) -> Iterator[str]:
    at = -1
    while at < len(text):
        found = _PATH.match(text, at + 1)
        assert found is not None  # it matches nothing, too
        yield found[0]
        at = found.end()


def _parse_path(path: str, whole: str) -> list[Selector]:
    steps: list[Selector] = []
    at = 0
    while at < len(path) or not steps:
        match = _SELECTOR.match(path, at)
        fields = tuple((match['fields'] or '').split(',')) if match else ()
        if match is None or not (match['kind'] or all(fields)):
            raise InvalidArgument(
                f'{whole!r} is not a path: at {path[at:]!r} one of r (root), c (chunks), m '
                "(matches) and .[fields] was expected, each with an optional slice: 'c', 'm[:3]', "
                "'r,cm', '.[title]'"
            )
        if match['slice'] == '[]' or len(steps) == _LONGEST:
            raise InvalidArgument(
                f'{whole[:80]!r} is not a path: '
                + (f'[] after {match[0][:-2]!r} is empty' if match['slice'] else 'it is too long')
            )
        which = _parse_slice(match['slice'].strip('[]'), whole)
        steps.append(Selector(match['kind'] or '.', which, fields if not match['kind'] else ()))
        at = match.end()
    return steps


def _parse_slice(text: str, whole: str) -> slice:
    if not text:
        return slice(None)
    try:
        parts = [int(part) if part else None for part in text.split(':')]
    except ValueError:
        parts = [None] * 4
    if len(parts) > 3 or (len(parts) == 3 and parts[2] == 0):
        raise InvalidArgument(f'{whole!r} is not a path: {text!r} is not an index or a slice')
    if len(parts) == 1 and parts[0] is not None:
        return slice(parts[0], parts[0] + 1 if parts[0] != -1 else None)
    return slice(*parts)


def walk(docs: Iterable[Document], steps: list[Selector]) -> Iterator[list[Document]]:
    """The Documents that a path leads to, one list for each parent."""
    groups: Iterator[Iterable[Document]] = iter([docs])
    for step in steps:
        groups = _followed(groups, step)
    return (group if isinstance(group, list) else list(group) for group in groups)


def _followed(groups: Iterator[Iterable[Document]], step: Selector) -> Iterator[Iterable[Document]]:
    """One step further from each group: no group is made before it is asked for."""
    for group in groups:
        if step.kind == 'r':
            yield group if step.which == slice(None) else list(group)[step.which]
        elif step.kind == '.':
            for doc in group:
                for name in step.fields:
                    yield list(members(doc, name))[step.which]
        else:
            field = 'chunks' if step.kind == 'c' else 'matches'
            for doc in group:
                yield list(getattr(doc, field))[step.which]


def flatten(docs: Iterable[Document]) -> Iterator[Document]:
    """All Documents with their chunks and matches, children before parents.

    A Document that is met again is given again, but its children are not.

    Raises
    ------
    RecursionError
        If a Document contains itself.
    """
    seen: set[int] = set()
    for doc in docs:
        yield from _flatten_one(doc, seen, set())


def _flatten_one(doc: Document, seen: set[int], above: set[int]) -> Iterator[Document]:
    key = id(doc._data)
    if key in above:
        raise RecursionError(f'the document {doc.id!r} contains itself')
    if key not in seen:
        seen.add(key)
        for field in ('chunks', 'matches'):
            children = doc._data.get(field)
            if children is not None:
                for child in children:
                    yield from _flatten_one(child, seen, above | {key})
    yield doc
