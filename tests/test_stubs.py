"""The stub of the native module says what the installed module is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(*command: str, cwd: Path) -> None:
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stub_is_what_the_module_generates(tmp_path: Path) -> None:
    run(str(ROOT / 'tools' / 'stubs.py'), '--check', cwd=tmp_path)


def test_mypy_finds_the_stub_true_to_the_module(tmp_path: Path) -> None:
    # Elsewhere, so that it is the installed stub that is compared.
    run('-m', 'mypy.stubtest', 'docstore._core', cwd=tmp_path)
