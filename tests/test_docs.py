"""What the documentation shows is what happens.

The Python blocks of README.md and of each page in docs/ run in order, one
namespace a file, in an empty folder. A ``text`` block right below a Python
block is what it must print; ``...`` in it stands for anything. A block that
starts with ``>>>`` is checked line by line. The examples in docstrings run too.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import docstore
from docstore.errors import MissingDependency

ROOT = Path(__file__).parents[1]
PAGES = [path for path in [ROOT / 'README.md', *sorted(ROOT.glob('docs/**/*.md'))] if path.exists()]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(docstore.__path__, 'docstore.')
    if not module.name.endswith('._core')
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL

FENCE = re.compile(
    r'^```python[^\n]*\n(?P<code>.*?)^```[ ]*$'
    r'(?:\n+```text[^\n]*\n(?P<output>.*?)^```[ ]*$)?',
    re.DOTALL | re.MULTILINE,
)


LINKED = [*PAGES, *(ROOT / name for name in ('CHANGELOG.md', 'CONTRIBUTING.md'))]
LINK = re.compile(r'\]\((?P<inline>[^)\s]+)[^)]*\)|^\[[^\]]+\]:\s*(?P<below>\S+)', re.MULTILINE)
CODE = re.compile(r'^(```|~~~).*?^\1|`[^`\n]+`', re.DOTALL | re.MULTILINE)
IMAGE = re.compile(r'(?:src|href|srcset)="(?P<path>[^"]+)"')


@dataclass(frozen=True)
class Example:
    """A Python block of a page, and what it must print."""

    line: int
    code: str
    output: str | None


def examples(page: Path) -> list[Example]:
    text = page.read_text(encoding='utf-8')
    return [
        Example(text[: found.start()].count('\n') + 2, found['code'], found['output'])
        for found in FENCE.finditer(text)
    ]


def loaded(name: str) -> ModuleType:
    """The module; some are of use with an optional package alone."""
    try:
        return importlib.import_module(name)
    except MissingDependency as error:
        pytest.skip(str(error))


def needs(page: Path) -> list[str]:
    """The optional packages that a page says it needs, in a comment at its top."""
    found = re.match(r'<!-- needs: ([\w, ]+) -->', page.read_text(encoding='utf-8'))
    return found[1].replace(' ', '').split(',') if found else []


def run(page: Path, example: Example, namespace: dict[str, Any]) -> str:
    if example.code.lstrip().startswith('>>>'):
        return run_session(page, example, namespace)
    # The empty lines make tracebacks show the line of the page.
    code = compile('\n' * (example.line - 1) + example.code, str(page), 'exec', dont_inherit=True)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, namespace)
    return printed.getvalue()


def run_session(page: Path, example: Example, namespace: dict[str, Any]) -> str:
    # What stands below each line with >>> is checked; the namespace goes on.
    session = doctest.DocTestParser().get_doctest(
        example.code, {}, page.name, str(page), example.line - 1
    )
    session.globs = namespace
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    failed = runner.run(session, out=report.append, clear_globs=False).failed
    assert failed == 0, ''.join(report)
    return ''


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mkdocs make them; `:::` entries by name."""
    text = page.read_text(encoding='utf-8')
    found = set(re.findall(r'^:::\s+(\S+)', text, re.MULTILINE))
    found.update(re.findall(r'(?:id|name)="([^"]+)"', text))
    fenced = re.sub(r'^```.*?^```', '', text, flags=re.DOTALL | re.MULTILINE)
    for title in re.findall(r'^#+\s+(.*?)\s*#*$', fenced, re.MULTILINE):
        words = re.sub(r'[^\w\s-]', '', re.sub(r'\]\([^)]*\)', '', title)).strip().lower()
        found.add(re.sub(r'\s', '-', words))
        found.add(re.sub(r'[-\s]+', '-', words))
    return found


def broken_links(page: Path) -> list[str]:
    text = CODE.sub('', page.read_text(encoding='utf-8'))
    targets = [found['inline'] or found['below'] for found in LINK.finditer(text)]
    targets += [found['path'] for found in IMAGE.finditer(text)]
    broken = []
    for target in targets:
        if re.match(r'[a-z][a-z0-9+.-]*:', target):
            continue
        path, _, anchor = target.strip('<>').partition('#')
        place = page.parent / path if path else page
        if not place.exists() or (
            anchor and place.suffix == '.md' and anchor not in anchors(place)
        ):
            broken.append(target)
    return broken


@pytest.mark.parametrize('page', LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / 'other.md').write_text('# A `title`, here\n\n::: docstore.Document\n', 'utf-8')
    page = tmp_path / 'page.md'
    page.write_text(
        '# Page\n[a](other.md) [b](other.md#a-title-here) [c](#page) [d](https://x.y/z)\n'
        '[e](gone.md "t") [f](other.md#gone) [g](#gone) ![h](gone.png) `[i](code.md)`\n'
        '[j]\n\n[j]: gone.txt\n[k](other.md#docstore.Document)\n\n```text\n[l](code.md)\n```\n',
        encoding='utf-8',
    )
    assert broken_links(page) == ['gone.md', 'other.md#gone', '#gone', 'gone.png', 'gone.txt']


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_of_pages(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('COLUMNS', '100')
    namespace: dict[str, Any] = {'__name__': '__main__'}
    for package in needs(page):
        pytest.importorskip(package)
    for example in examples(page):
        printed = run(page, example, namespace)
        if example.output is not None:
            same = doctest.OutputChecker().check_output(example.output, printed, FLAGS)
            assert same, (
                f'{page.name}, line {example.line}: the page says\n{example.output}\n'
                f'and the example prints\n{printed}'
            )


@pytest.mark.parametrize('name', ['docstore', *MODULES])
def test_examples_of_docstrings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('COLUMNS', '100')
    report = io.StringIO()
    with contextlib.redirect_stdout(report):
        failed = doctest.testmod(loaded(name), optionflags=FLAGS).failed
    assert failed == 0, report.getvalue()


def test_the_runner_sees_blocks_and_their_output(tmp_path: Path) -> None:
    page = tmp_path / 'page.md'
    page.write_text(
        'Words.\n\n```python\nx = 1\nprint(x)\n```\n\n```text\n1\n```\n\n```python\nx += 1\n```\n'
        '\nMore.\n\n```text\nnot an output\n```\n',
        encoding='utf-8',
    )
    first, second = examples(page)
    assert (first.line, first.output) == (4, '1\n')
    assert second.output is None
    namespace: dict[str, Any] = {}
    assert run(page, first, namespace) == '1\n'
    run(page, second, namespace)
    assert namespace['x'] == 2
