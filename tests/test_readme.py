"""The promises of the README's first screen: two commands, nothing else to know."""

from __future__ import annotations

import os
import re
from importlib.metadata import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text(encoding='utf-8')
MAKEFILE = (ROOT / 'Makefile').read_text(encoding='utf-8')
PAGES = [README, *(path.read_text(encoding='utf-8') for path in sorted(ROOT.glob('docs/**/*.md')))]


def test_both_commands_stand_on_the_first_screen() -> None:
    screen = '\n'.join(README.splitlines()[:40])
    assert 'make demo' in screen
    assert 'make test' in screen


def test_every_make_target_that_is_mentioned_exists() -> None:
    targets = set(re.findall(r'^([a-z][a-z-]*):', MAKEFILE, re.MULTILINE))
    assert {'demo', 'test', 'bench', 'docs', 'format', 'clean'} <= targets
    for text in PAGES:
        for name in re.findall(r'(?:`|^\$? *)make ([a-z][a-z-]*)', text, re.MULTILINE):
            assert name in targets, f'make {name} is not in the Makefile'


def test_every_extra_that_is_mentioned_exists() -> None:
    extras = set(metadata('docstore').get_all('Provides-Extra') or [])
    for text in PAGES:
        for names in re.findall(r'docstore\[([\w,-]+)\]', text):
            assert set(names.split(',')) <= extras, names


def test_continuous_integration_runs_the_command_of_the_readme() -> None:
    script = ROOT / '.ci' / 'run'
    commands = [line for line in script.read_text().splitlines() if line and line[0] != '#']
    assert commands[-1] == 'exec make test'
    assert os.access(script, os.X_OK)


def test_the_licence_is_whole() -> None:
    text = (ROOT / 'LICENSE').read_text(encoding='utf-8')
    assert 'Apache License' in text
    assert 'END OF TERMS AND CONDITIONS' in text
