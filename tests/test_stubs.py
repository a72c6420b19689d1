"""The stub of the native module says what the installed module is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from docstore import _core

ROOT = Path(__file__).parents[1]


def run(*command: str, cwd: Path) -> None:
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stub_is_what_the_module_generates(tmp_path: Path) -> None:
    run(str(ROOT / 'tools' / 'stubs.py'), '--check', cwd=tmp_path)


def test_mypy_finds_the_stub_true_to_the_module(tmp_path: Path) -> None:
    # A stub cannot name the metaclass that pybind11 gives its classes.
    classes = [name for name, value in vars(_core).items() if isinstance(value, type)]
    allowed = tmp_path / 'allowed.txt'
    allowed.write_text(''.join(f'docstore._core.{name}\n' for name in classes))
    # Elsewhere, so that it is the installed stub that is compared.
    run('-m', 'mypy.stubtest', 'docstore._core', '--allowlist', str(allowed), cwd=tmp_path)
