"""DocumentArray and Document are chains of classes, one link a theme (docs/architecture.md)."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from docstore import Document, DocumentArray
from docstore.document_fields import DocumentFields
from docstore.sequence import DocumentSequence

CHAINS = [(DocumentArray, DocumentSequence), (Document, DocumentFields)]
LONGEST = 400


def links(last: type, first: type) -> list[type]:
    """The classes of a chain, from the one that users hold to the first."""
    order = last.__mro__
    return list(order[: order.index(first) + 1])


LINKS = [link for last, first in CHAINS for link in links(last, first)]


@pytest.mark.parametrize(('last', 'first'), CHAINS)
def test_every_link_has_one_base(last: type, first: type) -> None:
    for link, base in zip(links(last, first), links(last, first)[1:], strict=False):
        assert link.__bases__ == (base,)


@pytest.mark.parametrize(('last', 'first'), CHAINS)
def test_no_link_hides_a_method_of_another(last: type, first: type) -> None:
    where: dict[str, type] = {}
    for link in links(last, first):
        for name in vars(link):
            if not name.startswith('_'):
                assert name not in where, f'{name} is in {where[name]} and in {link}'
                where[name] = link


@pytest.mark.parametrize('link', LINKS)
def test_a_link_has_a_module_that_can_be_read(link: type) -> None:
    lines = Path(inspect.getfile(link)).read_text(encoding='utf-8').count('\n')
    assert lines <= LONGEST, f'split {link.__module__}: {lines} lines'


@pytest.mark.parametrize('link', LINKS)
def test_what_users_call_is_described(link: type) -> None:
    for name, member in vars(link).items():
        if not name.startswith('_') and (callable(member) or isinstance(member, property)):
            assert inspect.getdoc(member), f'{link.__name__}.{name} has no docstring'


def test_slots_leave_room_for_subclasses_only() -> None:
    # A link that forgets __slots__ makes every Document larger.
    for link in links(Document, DocumentFields)[:-1]:
        assert vars(link)['__slots__'] == ()
