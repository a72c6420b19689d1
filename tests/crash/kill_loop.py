"""Kill a writing process again and again, and see what its store holds then.

A child opens a store, does random operations through the store interface and
tells each one, before it starts and when it has returned. The parent kills it
with SIGKILL at a random moment, opens the store and compares: everything that
had returned must be there, and of the one that was under way all or nothing.

    python tests/crash/kill_loop.py --storage disk --rounds 200
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

DIM = 8
KEYS = {'disk': 'path', 'sqlite': 'connection'}


def config_of(storage: str, path: str, durability: str) -> dict[str, Any]:
    return {KEYS[storage]: path, 'durability': durability}


def open_store(storage: str, config: dict[str, Any]) -> Any:
    from docstore.stores import STORES

    return STORES.load(storage)(config)


def vector_of(number: int) -> np.ndarray[Any, Any]:
    return np.full(DIM, number % 1000, np.float32) + np.arange(DIM, dtype=np.float32)


def record_of(name: str, number: int) -> dict[str, Any]:
    """A document whose content can be told from its number."""
    text = f'{name}:{number}:' + 'x' * (number % 700)
    record: dict[str, Any] = {'id': name, 'text': text, 'tags': {'n': number}}
    if number % 5:
        record['embedding'] = vector_of(number)
    return record


# -- the model: what a store should hold, as a list of [id, number] ----------


def plan(docs: list[list[Any]], rng: random.Random, count: int) -> dict[str, Any]:
    """A random operation that fits the content, as plain values."""
    kinds = ['append', 'batch', 'insert', 'upsert', 'transaction']
    if docs:
        kinds += ['delete', 'update', 'append', 'delete']
    if len(docs) > 300:
        kinds += ['delete_many'] * 4
    if rng.random() < 0.01:
        kinds = ['compact']
    kind = rng.choice(kinds)
    number = rng.randrange(10**6)
    if kind == 'delete_many':
        size = rng.randrange(1, len(docs))
    else:
        size = 1 if kind in ('append', 'delete', 'update') else rng.randrange(2, 40)
    where = rng.randrange(len(docs) + (kind == 'insert')) if docs else 0
    return {'kind': kind, 'count': count, 'number': number, 'size': size, 'where': where}


def fresh(op: dict[str, Any]) -> list[list[Any]]:
    return [[f'd{op["count"]}-{i}', op['number'] + i] for i in range(op['size'])]


def after(docs: list[list[Any]], op: dict[str, Any]) -> list[list[Any]]:
    """The content after an operation."""
    kind, where, size = op['kind'], op['where'], op['size']
    if kind in ('append', 'batch'):
        return docs + fresh(op)
    if kind == 'insert':
        return docs[:where] + fresh(op) + docs[where:]
    if kind in ('delete', 'delete_many'):
        return docs[:where] + docs[where + size :]
    if kind == 'update':
        return [*docs[:where], [docs[where][0], op['number']], *docs[where + 1 :]]
    if kind == 'upsert':
        changed = {name: op['number'] + i for i, (name, _) in enumerate(docs[where : where + size])}
        return [[name, changed.get(name, number)] for name, number in docs] + fresh(op)
    if kind == 'transaction':
        return docs[:where] + docs[where + 1 :] + fresh(op) if docs else docs + fresh(op)
    return docs


# -- the child ---------------------------------------------------------------


def do(store: Any, op: dict[str, Any]) -> None:
    from docstore.stores.base import Delete, Insert, Update

    kind, where, size = op['kind'], op['where'], op['size']
    new = [record_of(*pair) for pair in fresh(op)]
    if kind in ('append', 'batch'):
        store.write([Insert(len(store), new)])
    elif kind == 'insert':
        store.write([Insert(where, new)])
    elif kind in ('delete', 'delete_many'):
        store.write([Delete(store.rows(where, where + size))])
    elif kind == 'update':
        rows = store.rows(where, where + 1)
        name = store.read(rows, vectors=False)[0]['id']
        store.write([Update(rows, [record_of(name, op['number'])], replace=True)])
    elif kind == 'upsert':
        rows = store.rows(where, where + size)
        names = [record['id'] for record in store.read(rows, vectors=False)]
        old = [record_of(name, op['number'] + i) for i, name in enumerate(names)]
        store.write([Update(rows, old, replace=True), Insert(len(store), new)])
    elif kind == 'transaction':
        store.begin()
        if len(store):
            store.write([Delete(store.rows(where, where + 1))])
        for record in new:
            store.write([Insert(len(store), [record])])
        store.commit()
    elif kind == 'compact':
        store.compact()


def child(storage: str, path: str, durability: str, seed: int) -> None:
    rng = random.Random(seed)
    store = open_store(storage, config_of(storage, path, durability))
    docs = held(store)
    count = seed * 1_000_000
    while True:
        count += 1
        op = plan(docs, rng, count)
        tell({'start': op})
        do(store, op)
        tell({'done': count})
        docs = after(docs, op)


def tell(what: dict[str, Any]) -> None:
    # One write, so that a line is whole or missing.
    os.write(1, (json.dumps(what) + '\n').encode())


# -- the parent --------------------------------------------------------------


def held(store: Any) -> list[list[Any]]:
    """What a store holds, every part of it checked against its number."""
    docs = []
    for record in store.read(store.rows()):
        number = record['tags']['n']
        wanted = record_of(record['id'], number)
        vector = record.pop('embedding', None)
        expected = wanted.pop('embedding', None)
        if record != wanted or (vector is None) != (expected is None):
            raise AssertionError(f'{record["id"]} has changed: {record}')
        if vector is not None and not np.array_equal(vector, expected):
            raise AssertionError(f'{record["id"]} has another embedding: {vector}')
        docs.append([record['id'], number])
    return docs


def run_round(storage: str, path: str, durability: str, seed: int, docs: list[list[Any]]) -> Any:
    rng = random.Random(seed)
    command = [sys.executable, __file__, '--child', str(seed), '--storage', storage]
    command += ['--path', path, '--durability', durability]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        if not first:
            raise AssertionError(f'the child of round {seed} could not start')
        time.sleep(rng.random() ** 2 * 0.4)
        process.send_signal(signal.SIGKILL)
        lines = [first, *process.stdout.read().splitlines(keepends=True)]
    told = [json.loads(line) for line in lines if line.endswith(b'\n')]
    done = 0
    under_way = None
    for what in told:
        if 'start' in what:
            under_way = what['start']
        else:
            docs, under_way = after(docs, under_way), None
            done += 1
    store = open_store(storage, config_of(storage, path, durability))
    found = held(store)
    store.close()
    allowed = [docs] if under_way is None else [docs, after(docs, under_way)]
    if found not in allowed:
        raise AssertionError(
            f'round {seed} of {storage}: {len(found)} documents, expected '
            f'{[len(one) for one in allowed]} after {done} operations, then {under_way}'
        )
    return found, done


def run(storage: str, rounds: int, durability: str = 'normal', seed: int = 1) -> dict[str, int]:
    """Kill ``rounds`` children; AssertionError says what was lost or torn."""
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / 'store')
        docs: list[list[Any]] = []
        acknowledged = 0
        for number in range(rounds):
            docs, done = run_round(storage, path, durability, seed + number, docs)
            acknowledged += done
    return {'rounds': rounds, 'acknowledged': acknowledged, 'documents': len(docs)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--storage', choices=sorted(KEYS), default='disk')
    parser.add_argument('--rounds', type=int, default=200)
    parser.add_argument('--durability', choices=('normal', 'full'), default='normal')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--child', type=int, help=argparse.SUPPRESS)
    parser.add_argument('--path', help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        child(options.storage, options.path, options.durability, options.child)
        return
    result = run(options.storage, options.rounds, options.durability, options.seed)
    print(f'{options.storage}: nothing lost, nothing torn: {result}')  # noqa: T201


if __name__ == '__main__':
    main()
