"""What machine this is, in words that stay true when they are read elsewhere."""

from __future__ import annotations

import os
import platform
from pathlib import Path

__all__ = ['load', 'machine']


def machine() -> dict[str, str]:
    """Processor, cores, memory, system, Python."""
    return {
        'processor': _processor(),
        'cores': str(
            len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
        ),
        'memory': _memory(),
        'system': f'{platform.system()} {platform.machine()}',
        'python': platform.python_version(),
    }


def load() -> str:
    """The load averages, which tell how much else the machine was doing."""
    try:
        return ' '.join(f'{value:.1f}' for value in os.getloadavg())
    except OSError:
        return 'unknown'


def _processor() -> str:
    name, flags = platform.processor(), ''
    for line in _lines('/proc/cpuinfo'):
        key, _, value = line.partition(':')
        if key.strip() == 'model name':
            name = value.strip()
        elif key.strip() == 'flags':
            flags = value
    kinds = [kind for kind in ('avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16') if kind in flags]
    return f'{name} ({", ".join(kinds)})' if kinds else name


def _memory() -> str:
    for line in _lines('/proc/meminfo'):
        if line.startswith('MemTotal'):
            return f'{int(line.split()[1]) / 2**20:.0f} GiB'
    return 'unknown'


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []
