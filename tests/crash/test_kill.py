"""A few rounds of the kill loop; ``kill_loop.py`` runs as many as one wants."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def load() -> ModuleType:
    path = Path(__file__).with_name('kill_loop.py')
    spec = importlib.util.spec_from_file_location('kill_loop', path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('storage', ['disk', 'sqlite'])
@pytest.mark.parametrize('durability', ['normal', 'full'])
def test_killed_writers_lose_nothing(storage: str, durability: str) -> None:
    result = load().run(storage, rounds=4, durability=durability)
    assert result['acknowledged'] > 0
