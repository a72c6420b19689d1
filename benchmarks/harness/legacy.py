"""The environment of legacy docarray, whose pins no current package can live with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ['legacy_python']

_PACKAGES = ('docarray==0.21.0', 'numpy==1.26.4', 'protobuf==3.20.3', 'pydantic==1.10.27')


def legacy_python(cache: Path) -> Path | None:
    """Its interpreter: named by DOCSTORE_LEGACY_PYTHON, or in an environment made here once.

    None, after saying why, when it cannot be made (no network, or a Python
    that NumPy 1.26 does not support).
    """
    named = os.environ.get('DOCSTORE_LEGACY_PYTHON')
    if named:
        return Path(named)
    place = cache / 'docarray-0.21'
    python = place / ('Scripts/python.exe' if os.name == 'nt' else 'bin/python')
    ready = place / 'ready'
    if not ready.exists():
        print('Making an environment for docarray 0.21 ...', file=sys.stderr)
        try:
            subprocess.run([sys.executable, '-m', 'venv', '--clear', str(place)], check=True)
            subprocess.run([str(python), '-m', 'pip', 'install', '--quiet', *_PACKAGES], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f'docarray 0.21 is left out: {error}', file=sys.stderr)
            return None
        ready.touch()
    return python
