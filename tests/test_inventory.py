"""Every public name of docarray 0.21 is what tools/inventory.toml says that it is."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
TOOL = ROOT / 'tools' / 'inventory.py'
SECTIONS = [
    '1', '2.1', '2.2', '2.3', '2.4', '2.5', '2.6', '2.7', '2.8', '2.9', '2.10', '3', '4', '5', '6',
    '7', '8', '9', '10', '11', '12', '13', '14', '15', '16', '17', '18', '19', '20',
]  # fmt: skip

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason='tools/ belongs to a checkout')


@pytest.fixture(scope='module')
def tool() -> Any:
    spec = importlib.util.spec_from_file_location('inventory_tool', TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules['inventory_tool'] = module  # where its dataclasses look themselves up
    spec.loader.exec_module(module)
    yield module
    del sys.modules['inventory_tool']


@pytest.mark.parametrize('number', SECTIONS)
def test_the_names_of_a_section(tool: ModuleType, number: str) -> None:
    for package in {'2.7': ['strawberry'], '14': ['strawberry'], '19': ['strawberry']}.get(
        number, []
    ):
        pytest.importorskip(package)
    [section] = [section for section in tool.load() if section.number == number]
    assert section.items
    assert [text for item in section.items if (text := tool.problem(item))] == []


def test_no_section_is_left_out(tool: ModuleType) -> None:
    assert [section.number for section in tool.load()] == SECTIONS


def test_the_page_is_current(tool: ModuleType) -> None:
    assert tool.PAGE.read_text(encoding='utf-8') == tool.page(), (
        'docs/inventory.md: run python tools/inventory.py --update'
    )


def entry(tool: ModuleType, name: str, status: str) -> Any:
    return tool._item('4', {'name': name, 'mark': 'CORE', 'status': status})


@pytest.mark.parametrize(
    'name, status, match',
    [
        ('DocumentArray.gone', 'same', 'is not there'),
        ('DocumentArray.gone', 'differs: a reason', 'is not there'),
        ('DocumentArray.gone', 'removed: use another', 'is not there'),
        ('DocumentArray.append', 'removed: use another', 'is there, and was said'),
        ('DocumentArray.append', 'planned', 'is there now'),
        ('DocumentArray.push', 'planned: removed: use another', 'is there now'),
        ('DocumentArray.find(query, metrik)', 'same', "no parameter 'metrik'"),
        ('DocumentArray.find(metric, query)', 'same', 'another place'),
        ('DocumentArray.find(query=None, metric=None, limit=3)', 'same', 'limit=3'),
        ('DocumentArray.match(darray=None)', 'same', 'to be given'),
        ("storage='tape'", 'same', 'tape'),
        ("storage='sqlite'(conection=None)", 'same', 'conection'),
        ("storage='memory'", 'removed: use another', 'was said to be removed'),
        ('$between', 'same', 'between'),
    ],
)
def test_what_is_wrong_is_seen(tool: ModuleType, name: str, status: str, match: str) -> None:
    assert match in tool.problem(entry(tool, name, status))


@pytest.mark.parametrize(
    'name, status',
    [
        ('DocumentArray.gone', 'planned'),
        ('DocumentArray.find(query=None, limit=3)', 'differs: a reason'),
        ('DocumentArray.find(query=None, limit=20, metrik=1)', 'planned: differs: a reason'),
        ('DocumentArray.push', 'removed: use another'),
        ("storage='weaviate'", 'removed: use another'),
        ('$exists', 'same'),
    ],
)
def test_what_is_right_is_let_be(tool: ModuleType, name: str, status: str) -> None:
    assert tool.problem(entry(tool, name, status)) == ''


@pytest.mark.parametrize('status', ['differs', 'removed', 'same: why', 'gone', ''])
def test_a_status_says_what_it_must(tool: ModuleType, status: str) -> None:
    with pytest.raises(ValueError, match='append'):
        entry(tool, 'DocumentArray.append', status)


def test_what_is_planned_and_there_is_flipped(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / 'inventory.toml'
    line = '  {{ name = "DocumentArray.{}", mark = "CORE", status = "{}" }},'
    before = [
        line.format('append', 'planned'),
        line.format('gone', 'planned'),
        line.format('find(metric, query)', 'planned: differs: another order'),
    ]
    head = ['["5"]', 'title = "List"', 'items = [']
    data.write_text('\n'.join([*head, *before, ']']) + '\n')
    monkeypatch.setattr(tool, 'DATA', data)
    monkeypatch.setattr(tool, 'PAGE', tmp_path / 'inventory.md')
    tool.update()
    after = data.read_text().splitlines()[3:-1]
    assert [line.split('status = ')[1] for line in after] == [
        '"same" },',
        '"planned" },',
        '"differs: another order" },',
    ]
    assert '| 5 | List | 3 |' in (tmp_path / 'inventory.md').read_text()
    assert tool.problems() == []


def test_a_citation_counts_where_it_stands(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = tmp_path / 'tests'
    tests.mkdir()
    (tests / 'test_x.py').write_text(
        'import pytest\n\n\n@pytest.mark.spec("5")\n'
        'def test_a(da):\n    da.append(1)\n    1 in da\n\n\n'
        'def test_b(da):\n    """Section 6, that is."""\n    da[0] = 1\n\n\n'
        'def test_c(da):\n    da.insert(0, 1)\n'
    )
    monkeypatch.setattr(tool, 'ROOT', tmp_path)
    names = tool.cited()
    for name, section, used in [
        ('append', '5', True),
        ('__contains__', '5', True),
        ('insert', '5', False),
        ('append', '6', False),
        ('__setitem__', '6', True),
        ('__delitem__', '6', False),
    ]:
        item = tool._item(
            section, {'name': f'DocumentArray.{name}', 'mark': 'CORE', 'status': 'same'}
        )
        assert tool.tested(item, names) is used, (name, section)
