"""Compare the names of docarray 0.21 with ours, and write ``docs/inventory.md``.

python tools/inventory.py --check     exit status 1 and what is wrong, if anything is
python tools/inventory.py --update    names that were planned and are there now become
                                      ``same`` in tools/inventory.toml; writes the page anew

``tools/inventory.toml`` has each name with its parameters, how much it is used, and what
became of it:

    same                 there, with these parameters in these places and these defaults
    differs: reason      there, with these parameters; the reason is in the guide, too
    removed: instead     raises an error that says what to use instead
    planned              will be the same; an error as soon as it is there
    planned: differs: reason     will be that; in the same way

An item counts as tested when a test that cites its section uses its name; what is removed is
called by ``tests/test_inventory.py``. A test cites a
section by the marker ``spec``; a module of ``docstore.testing`` by ``Section 5`` in a
docstring.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import inspect
import re
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DATA = ROOT / 'tools' / 'inventory.toml'
PAGE = ROOT / 'docs' / 'inventory.md'
MARKS = ('CORE', 'COMMON', 'RARE', 'OBSOLETE')
STATES = ('same', 'differs', 'removed', 'planned')
_CLASSES = ('Document', 'DocumentArray', 'NamedScore')

#: What code looks like that uses a special method.
_SIGNS: dict[str, tuple[str, ...]] = {
    '__init__': ('Document', 'DocumentArray', 'NamedScore'),
    '__contains__': ('In', 'NotIn'),
    '__add__': ('Add',),
    '__iadd__': ('AugAssign',),
    '__eq__': ('Eq', 'NotEq'),
    '__getitem__': ('Subscript Load',),
    '__setitem__': ('Subscript Store',),
    '__delitem__': ('Subscript Del',),
    '__enter__': ('With',),
    '__iter__': ('For', 'comprehension', 'list'),
    '__len__': ('len',),
    '__bool__': ('bool', 'Not', 'If'),
}


class Missing(Exception):
    """A name that is not there."""


@dataclass(frozen=True)
class Item:
    """A name of the inventory."""

    section: str
    name: str
    parameters: tuple[str, ...]
    defaults: dict[str, Any]
    mark: str
    status: str
    note: str

    @property
    def last(self) -> str:
        """The name alone."""
        return self.name.rpartition('=')[2].rpartition('.')[2].strip("'")


@dataclass(frozen=True)
class Section:
    """A section of the inventory."""

    number: str
    title: str
    items: tuple[Item, ...]


# ------------------------------------------------------------------------------ the data


def load() -> list[Section]:
    """The sections of ``tools/inventory.toml``.

    Raises
    ------
    ValueError
        If it has a line that says something else than this knows.
    """
    found = tomllib.loads(DATA.read_text(encoding='utf-8'))
    sections = []
    for number, part in found.items():
        items = tuple(_item(number, entry) for entry in part['items'])
        sections.append(Section(number, part['title'], items))
    return sections


def _item(section: str, entry: dict[str, str]) -> Item:
    name, bracket, rest = entry['name'].partition('(')
    status, _, note = entry['status'].partition(': ')
    if entry['mark'] not in MARKS or status not in STATES:
        raise ValueError(f'section {section}: {entry}')
    if status == 'planned':
        note = note or 'same'
    if (status != 'same') != bool(note):
        raise ValueError(f'section {section}: {entry["name"]}: a reason, or none, is expected')
    parameters: list[str] = []
    defaults = {}
    if bracket:
        call = ast.parse(f'def f({rest}: pass').body[0]
        assert isinstance(call, ast.FunctionDef)
        parameters = [argument.arg for argument in call.args.args]
        given = call.args.defaults
        for parameter, value in zip(parameters[len(parameters) - len(given) :], given, strict=True):
            defaults[parameter] = ast.literal_eval(value)
    return Item(section, name, tuple(parameters), defaults, entry['mark'], status, note)


# --------------------------------------------------------------------- what is there


def find(name: str) -> Any:
    """What a name stands for.

    Raises
    ------
    Missing
        If there is nothing.
    """
    parts = name.split('.')
    if parts[0] in _CLASSES:
        parts.insert(0, 'docstore')
    value: Any = importlib.import_module(parts[0])
    for at, part in enumerate(parts[1:], 2):
        try:
            value = getattr(value, part)
        except AttributeError:
            try:
                value = importlib.import_module('.'.join(parts[:at]))
            except ImportError:
                raise Missing(f'{name} is not there') from None
    return value


def problem(item: Item) -> str:
    """Why an item is not what its status says; empty if it is."""
    planned = item.status == 'planned'
    status = item.note.partition(':')[0] if planned else item.status
    if status == 'removed':
        held = _problem_of_removed(item)
    else:
        held = _unlike(item, strict=status == 'same')
    if planned:
        return '' if held else f'{item.name} is there now: python tools/inventory.py --update'
    return held


def _problem_of_removed(item: Item) -> str:
    from docstore import DocumentArray
    from docstore.errors import DocstoreError

    try:
        if item.name.startswith('storage='):
            DocumentArray(storage=item.last).close()
        else:
            find(item.name)()
    except DocstoreError:
        return ''
    except TypeError:
        pass  # it wants arguments, so it does something
    except Missing as error:
        return f'{error}: it should raise an error that says what to use instead'
    return f'{item.name} is there, and was said to be removed'


def _unlike(item: Item, strict: bool) -> str:
    if item.name.startswith('storage='):
        return _unlike_storage(item)
    if item.name.startswith('$'):
        return _unlike_operator(item)
    if item.name == 'subindex_configs':
        return _unlike_subindices(item)
    try:
        value = find(item.name)
    except Missing as error:
        return str(error)
    return _unlike_call(item, value, strict) if item.parameters else ''


def _unlike_call(item: Item, value: Any, strict: bool) -> str:
    ours = dict(inspect.signature(value).parameters)
    ours.pop('self', None)
    places = list(ours)
    for at, parameter in enumerate(item.parameters):
        if parameter.startswith('_'):  # given by its place
            continue
        if parameter not in ours:
            return f'{item.name} has no parameter {parameter!r}'
        if not strict:
            continue
        there = ours[parameter]
        if there.kind is not there.KEYWORD_ONLY and places.index(parameter) != at:
            return f'{item.name} has {parameter!r} in another place'
        wanted = item.defaults.get(parameter, there.default)
        if there.default != wanted and there.default is not there.empty:
            return f'{item.name}: {parameter}={wanted!r} is {there.default!r}'
        if there.default is there.empty and parameter in item.defaults:
            return f'{item.name} wants {parameter!r} to be given'
    return ''


def _unlike_storage(item: Item) -> str:
    from docstore import DocumentArray
    from docstore.errors import DocstoreError, MissingDependency

    given = dict(item.defaults)
    with tempfile.TemporaryDirectory() as folder:
        if item.last == 'annlite':
            given |= {'n_dim': 2, 'data_path': folder}
        try:
            array = DocumentArray(storage=item.last, config=given or None)
        except MissingDependency:
            return ''
        except DocstoreError as error:
            return f'{item.name}: {error}'
        array.close()
    return ''


_VALUES: dict[str, Any] = {'$in': ['a'], '$nin': ['a'], '$size': 1, '$exists': True}


def _unlike_operator(item: Item) -> str:
    from docstore import Document, DocumentArray
    from docstore.errors import DocstoreError

    array = DocumentArray([Document(text='a')])
    condition: dict[str, Any] = {'text': {item.name: _VALUES.get(item.name, 'a')}}
    if item.name in ('$and', '$or', '$not'):
        condition = {item.name: [{'text': {'$eq': 'a'}}]}
    try:
        array.find(condition)
    except DocstoreError as error:
        return f'{item.name}: {error}'
    return ''


def _unlike_subindices(item: Item) -> str:
    from docstore import Document, DocumentArray
    from docstore.errors import DocstoreError

    try:
        array = DocumentArray([Document(chunks=[Document()])], subindex_configs={'@c': None})
    except DocstoreError as error:
        return f'{item.name}: {error}'
    return '' if len(array['@c']) == 1 else f'{item.name} has no effect'


# ----------------------------------------------------------------------- what is tested


def cited() -> dict[str, set[str]]:
    """The names that tests of each section use."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted([*ROOT.glob('tests/**/test_*.py'), *ROOT.glob('docstore/testing/**/*.py')]):
        _visit(ast.parse(path.read_text(encoding='utf-8')), frozenset(), found)
    return found


def _visit(node: ast.AST, above: frozenset[str], found: dict[str, set[str]]) -> None:
    here = above | frozenset(_sections(node))
    names = set(_used(node))
    for section in here:
        found[section] |= names
    for child in ast.iter_child_nodes(node):
        _visit(child, here, found)


def _sections(node: ast.AST) -> Iterator[str]:
    """The sections that a module, a class or a function cites."""
    if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
        return
    yield from re.findall(r'[Ss]ections? (\d+(?:\.\d+)?)', ast.get_docstring(node) or '')
    marks: list[ast.AST] = list(getattr(node, 'decorator_list', []))
    marks += [
        line.value
        for line in node.body
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == 'pytestmark'
    ]
    for mark in marks:
        for call in ast.walk(mark):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == 'pytest.mark.spec':
                yield from (ast.literal_eval(argument) for argument in call.args)


def _used(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.keyword):
        yield node.arg or ''
    elif isinstance(node, ast.alias):
        yield node.name.rpartition('.')[2]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from re.findall(r'\$?\w+', node.value) if len(node.value) < 80 else ()
    elif isinstance(node, ast.Subscript):
        yield f'Subscript {type(node.ctx).__name__}'
    else:
        yield type(node).__name__


def tested(item: Item, names: dict[str, set[str]]) -> bool:
    """Whether a test that cites the section, or all of its chapter, uses the name."""
    if item.status == 'removed':  # tests/test_inventory.py calls each of them
        return True
    signs = set(_SIGNS.get(item.last, (item.last.strip('_'), item.last)))
    parts = {item.section, item.section.partition('.')[0]}
    return any(signs & names.get(part, set()) for part in parts)


# -------------------------------------------------------------------------- the page


def page() -> str:
    """The text of ``docs/inventory.md``."""
    sections = load()
    names = cited()
    lines = [_HEAD]
    total: Counter[str] = Counter()
    for section in sections:
        row: Counter[str] = Counter(item.status for item in section.items)
        row['items'] = len(section.items)
        row['tested'] = sum(
            item.status != 'planned' and tested(item, names) for item in section.items
        )
        lines.append(_row(section.number, section.title, row))
        total += row
    lines += [_row('', '**All**', total), '']
    for status, title in _LISTS.items():
        lines += [f'## {title}', '']
        lines += [line for section in sections for line in _entries(section, status)] or ['None.']
        lines.append('')
    lines += ['## Without a test that cites the section', '']
    bare = [
        f'`{item.name}` ({section.number})'
        for section in sections
        for item in section.items
        if item.status != 'planned' and not tested(item, names)
    ]
    lines.append(', '.join(bare) + '.' if bare else 'None.')
    return '\n'.join(lines) + '\n'


_COLUMNS = ('items', 'tested', 'same', 'differs', 'removed', 'planned')
_LISTS = {'differs': 'Differing', 'removed': 'Removed', 'planned': 'Not there yet'}
_HEAD = """# Inventory

<!-- Written by tools/inventory.py from tools/inventory.toml: change those, not this. -->

Every public name of docarray 0.21, section by section, and what became of it. *Same* is a name that
is there with the same parameters, places and defaults, which a test compares. That it does the same
is shown by the tests that cite the section: *tested* counts the names that these use. The reasons
for what differs are below, and [the guide](migration.md) says what to do about it.

| section | what | items | tested | same | differs | removed | not there yet |
|---|---|---:|---:|---:|---:|---:|---:|"""


def _row(number: str, title: str, row: Counter[str]) -> str:
    return f'| {number} | {title} | ' + ' | '.join(str(row[name]) for name in _COLUMNS) + ' |'


def _entries(section: Section, status: str) -> list[str]:
    chosen = [item for item in section.items if item.status == status]
    if status != 'planned':
        return [f'- `{item.name}` ({section.number}): {item.note}' for item in chosen]
    names = ', '.join(f'`{item.name}`' for item in chosen)
    return [f'- {section.number} {section.title}: {names}'] if chosen else []


# ------------------------------------------------------------------------ the program


def problems() -> list[str]:
    """All that is wrong with the data and the page."""
    found = [text for section in load() for item in section.items if (text := problem(item))]
    old = PAGE.read_text(encoding='utf-8') if PAGE.exists() else ''
    diff = '\n'.join(
        difflib.unified_diff(old.splitlines(), page().splitlines(), 'committed', 'now', lineterm='')
    )
    if diff:
        found.append(f'docs/inventory.md is not current: tools/inventory.py --update\n{diff}')
    return found


def update() -> None:
    """Flip what was planned and is there; write the page."""
    there = {
        item.name
        for section in load()
        for item in section.items
        if item.status == 'planned' and problem(item)
    }
    lines = DATA.read_text(encoding='utf-8').splitlines()
    for at, line in enumerate(lines):
        name = re.match(r'  \{ name = "([^"(]+)', line)
        if name and name[1] in there:
            line = line.replace('status = "planned"', 'status = "same"')
            lines[at] = line.replace('status = "planned: ', 'status = "')
    DATA.write_text('\n'.join(lines) + '\n', encoding='utf-8')
    PAGE.write_text(page(), encoding='utf-8')


def main() -> int:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument('--check', action='store_true')
    group.add_argument('--update', action='store_true')
    if parser.parse_args().update:
        update()
    found = problems()
    print(*found, sep='\n')
    return int(bool(found))


if __name__ == '__main__':
    sys.exit(main())
