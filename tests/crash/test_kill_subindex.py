"""Kill a process that changes an array with subindices, and see what is in step then."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from docstore import DocumentArray
from docstore.testing.arrays.subindices import check_subindex

pytestmark = pytest.mark.spec('11')

CHILD = """
import random, sys
from docstore import DocumentArray
from docstore.testing.arrays.subindices import parents, part
from docstore.testing.checks import vectors
rng = random.Random(int(sys.argv[2]))
array = DocumentArray.open(sys.argv[1])
print('open', flush=True)
count = int(sys.argv[2]) * 100_000
def change():
    global count
    count += 1
    kind = rng.randrange(9)
    if kind < 2 or len(array) < 3:
        array.append(parents(1, start=count)[0])
    elif kind == 2:
        array.insert(rng.randrange(len(array)), parents(1, start=count)[0])
    elif kind == 3:
        del array[rng.randrange(len(array))]
    elif kind == 4:
        array[rng.randrange(len(array))].chunks.append(part(f'x{count}', count))
    elif kind == 5:
        array['@c'].embeddings = vectors(len(array['@c']), seed=count)
    elif kind == 6:
        array.reverse()
    elif kind == 7 and len(array['@c']):
        del array['@c'][rng.randrange(len(array['@c']))]
    if len(array) > 40:
        del array[5:]
while True:
    if rng.random() < 0.2:
        with array:
            change()
            len(array['@c'])
            change()
    else:
        change()
    if rng.random() < 0.5:
        array.find(vectors(1)[0], on='@c', limit=1) if len(array['@c']) else None
    if rng.random() < 0.2:
        array.flush()
    print('did', flush=True)
"""


@pytest.mark.parametrize('storage', ['disk', 'sqlite'])
def test_a_killed_writer_leaves_both_in_step(storage: str, tmp_path: Path) -> None:
    path = str(tmp_path / 'store')
    config = {'disk': {'path': path}, 'sqlite': {'connection': path}}[storage]
    DocumentArray(storage=storage, config=config, subindex_configs={'@c': None, '@m': None}).close()
    rng, done = random.Random(5), 0
    for number in range(8):
        command = [sys.executable, '-c', CHILD, path, str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b'open\n'
            time.sleep(rng.random() * 0.3)
            process.send_signal(signal.SIGKILL)
            done += len(process.stdout.readlines())
        with_reader = DocumentArray.open(path, read_only=True)
        check_subindex(with_reader)
        with_reader.close()
        array = DocumentArray.open(path)
        check_subindex(array)
        check_subindex(array, '@m')
        array.close()
    assert done > 20
