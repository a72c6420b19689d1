"""What is measured: one table of cases, with the numbers to reach."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.inputs import copy_texts, copy_vectors, write_vectors

__all__ = ['GROUPS', 'PEERS', 'Case', 'Peer', 'cases', 'real_data', 'write_inputs']


@dataclass(frozen=True)
class Peer:
    """Who is measured.

    Parameters
    ----------
    label : str
        Its name in tables.
    module : str
        Its module in ``harness.peers``; peers of one module share a process.
    params : mapping
        Added to the parameters of every case.
    """

    label: str
    module: str
    params: dict[str, Any] = field(default_factory=dict)


PEERS = {
    'docstore': Peer('docstore', 'ours'),
    'faiss': Peer('faiss', 'faiss_flat'),
    'faiss-20': Peer('faiss (BLAS from 20 queries)', 'faiss_flat', {'blas_threshold': 20}),
    'numpy': Peer('NumPy', 'numpy_blas'),
    'rank-bm25': Peer('rank_bm25', 'plain_bm25'),
    'docarray': Peer('docarray 0.21', 'legacy_docarray'),
}

#: Groups in the order of the report, with their titles.
GROUPS = {
    'search': 'Exact search, 10 nearest',
    'documents': 'Documents in memory',
    'sqlite': 'SQLite store',
    'disk': "On-disk store, against docarray's SQLite store",
    'text': 'Text search in glosses of WordNet, 10 best by BM25',
    'bytes': 'Formats',
    'import': 'Import',
}


@dataclass(frozen=True)
class Case:
    """One line of the report.

    Parameters
    ----------
    group, name : str
        Where it stands and what it is called.
    operation : str
        What every peer runs.
    params : mapping
        Its parameters.
    peers : tuple of str
        Whom docstore is compared with; the fastest of them counts.
    units : int
        How many things one call handles: times are told for one of them.
    unit : str
        What they are.
    target : float, optional
        The ratio to reach.
    limit : float, optional
        The most seconds that docstore may take.
    clock : str
        ``cpu`` or ``wall``: which ratio is judged. Elapsed time where two
        threads shall help.
    ours, theirs : mapping
        Parameters for one side only.
    """

    group: str
    name: str
    operation: str
    params: dict[str, Any]
    peers: tuple[str, ...]
    units: int = 1
    unit: str = 'call'
    target: float | None = None
    limit: float | None = None
    clock: str = 'cpu'
    ours: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)

    def parameters(self, peer: str) -> dict[str, Any]:
        """What the operation gets at this peer."""
        side = self.ours if peer == 'docstore' else self.theirs
        return {**self.params, **side, **PEERS[peer].params}


def cases(quick: bool) -> Iterator[Case]:
    """All cases; smaller ones if quick."""
    yield from _search(10_000 if quick else 100_000, quick)
    count = 10_000 if quick else 100_000
    yield from _documents(count)
    yield from _stores('sqlite', count)
    yield from _stores('disk', count)
    if real_data():
        yield from _texts(count // 5 if quick else 115_000)
    yield from _bytes(count // 5)
    yield Case(
        'import', 'import, beyond NumPy', 'import', {}, ('docarray',), unit='import', limit=0.1
    )


def write_inputs(quick: bool) -> None:
    """Make the files of vectors that the cases name."""
    rows = 10_000 if quick else 100_000
    for dim in (128, 768):
        write_vectors(f'base{dim}', rows, dim, seed=dim)
        write_vectors(f'queries{dim}', 1000, dim, seed=dim + 1)
    real = real_data()
    if real:
        copy_texts('glosses', real / 'docs.jsonl')
        copy_texts('gloss-queries', real / 'queries.jsonl')
    if real and not quick:
        copy_vectors('wordnet', real / 'embeddings.f16.npy')
        copy_vectors('wordnet-queries', real / 'queries.f16.npy')


def real_data() -> Path | None:
    """The folder of the real embeddings, where there is one."""
    named = os.environ.get('DOCSTORE_DATA')
    root = Path(named) if named else Path(__file__).resolve().parents[3] / 'shared' / 'data'
    place = root / 'wordnet-minilm'
    return place if place.is_dir() else None


def _search(rows: int, quick: bool) -> Iterator[Case]:
    everyone = ('faiss', 'faiss-20', 'numpy', 'docarray')
    fast = everyone[:3]
    targets = {1: 1.0, 100: 1.2, 1000: 1.2}
    for dim in (128, 768):
        for count in (1, 10, 100, 1000):
            for threads in (1, 2):
                slow = threads == 2 or (dim == 768 and count == 1000)
                yield _exact(
                    f'{rows // 1000}k x {dim}, {_queries(count)}, {_threads(threads)}',
                    {'base': f'base{dim}', 'queries': f'queries{dim}', 'count': count},
                    threads,
                    fast if slow else everyone,
                    targets.get(count),
                )
    yield _exact(
        f'{rows // 1000}k x 128, 1,000 queries, 1 thread, squared euclidean',
        {'base': 'base128', 'queries': 'queries128', 'count': 1000, 'metric': 'sqeuclidean'},
        1,
        ('faiss', 'faiss-20'),
        1.2,
    )
    if real_data() and not quick:
        for count in (1, 1000):
            yield _exact(
                f'WordNet 115k x 384, {_queries(count)}, 1 thread',
                {'base': 'wordnet', 'queries': 'wordnet-queries', 'count': count},
                1,
                fast,
                targets[count],
            )


def _exact(
    name: str, params: dict[str, Any], threads: int, peers: tuple[str, ...], target: float | None
) -> Case:
    return Case(
        'search',
        name,
        'search',
        {'k': 10, 'threads': threads, 'metric': 'cosine', **params},
        peers,
        units=params['count'],
        unit='query',
        target=target,
        clock='cpu' if threads == 1 else 'wall',
    )


def _queries(count: int) -> str:
    return '1 query' if count == 1 else f'{count:,} queries'


def _threads(threads: int) -> str:
    return '1 thread' if threads == 1 else f'{threads} threads'


def _documents(count: int) -> Iterator[Case]:
    fill = {'count': count, 'base': 'base128'}

    def case(name: str, operation: str, units: int = count, **rest: Any) -> Case:
        params = {**fill, **rest.pop('params', {})}
        unit = rest.pop('unit', 'document')
        return Case('documents', name, operation, params, ('docarray',), units, unit, **rest)

    asked = {'queries': 'queries128', 'asked': 1000}
    yield case('Document(...)', 'construct')
    yield case('append', 'append')
    yield case('extend', 'extend')
    yield case('iterate', 'iterate')
    yield case('iterate and read text', 'iterate_text')
    yield case('da[i]', 'get_int', 1000)
    yield case('da[id]', 'get_id', 1000)
    yield case('del da[id]', 'delete_id', 5, params={'deleted': 5})
    yield case('da.embeddings', 'get_embeddings', 1, unit='call')
    yield case('da.embeddings = matrix', 'set_embeddings')
    yield case('da.texts', 'get_texts')
    yield case("da[:, 'tags__price']", 'get_tag')
    yield case('find by filter on a number', 'filter_number', 1, unit='call', target=20)
    yield case('find by two conditions', 'filter_and', 1, unit='call', target=20)
    yield case('find, 1 query', 'find_one', 1, unit='query', params={'queries': 'queries128'})
    yield case(
        'match, 1,000 queries',
        'match',
        1000,
        unit='query',
        params={**asked, 'read': False},
        target=12,
    )
    yield case(
        'match, and read the text of all 10,000 hits',
        'match',
        1000,
        unit='query',
        params={**asked, 'read': True},
        target=12,
    )


def _stores(storage: str, count: int) -> Iterator[Case]:
    ours, theirs = {'storage': storage}, {'storage': 'sqlite'}
    targets = {'store_extend': 3.0, 'store_find': 50.0} if storage == 'sqlite' else {}

    def case(name: str, operation: str, units: int, unit: str = 'document', **more: Any) -> Case:
        params = {'count': count, 'base': 'base128', **more}
        return Case(
            storage,
            name,
            operation,
            params,
            ('docarray',),
            units,
            unit,
            targets.get(operation),
            ours=ours,
            theirs=theirs,
        )

    yield case('extend', 'store_extend', count)
    yield case('append', 'store_append', 1000, count=1000)
    yield case('open, length, first document', 'store_reopen', 1, 'call')
    yield case('da[id].text', 'store_get_id', 1000)
    yield case('iterate and read text', 'store_iterate', count)
    yield case('da.embeddings after opening', 'store_embeddings', 1, 'call')
    yield case('find, 1 query', 'store_find', 1, 'query', queries='queries128')
    yield case('find by filter on a number', 'store_filter', 1, 'call')
    yield case('del da[id]', 'store_delete', 3, deleted=3)


def _texts(count: int) -> Iterator[Case]:
    params = {'name': 'glosses', 'count': count}
    asked = {**params, 'queries': 'gloss-queries', 'asked': 20}
    for storage in ('memory', 'sqlite', 'disk'):
        where, ours = f'{storage}, {count:,} texts', {'storage': storage}
        yield Case(
            'text', f'{where}, find', 'text_find', asked, ('rank-bm25',), 20, 'query', ours=ours
        )
        yield Case(
            'text',
            f'{where}, first search',
            'text_index',
            params,
            ('rank-bm25',),
            count,
            'document',
            ours=ours,
        )


def _bytes(count: int) -> Iterator[Case]:
    def case(name: str, operation: str, **rest: Any) -> Case:
        params = {'count': count, 'base': 'base128'}
        return Case('bytes', name, operation, params, ('docarray',), count, 'document', **rest)

    proto = {'protocol': 'protobuf-array'}
    pickle = {'protocol': 'pickle-array'}
    touched = {'touch': True}
    yield case('own format out, against pickle-array', 'write_bytes', target=10, theirs=pickle)
    yield case('own format in, against pickle-array', 'read_bytes', target=10, theirs=pickle)
    yield case(
        'own format in and every text and tags read, against pickle-array',
        'read_bytes',
        ours=touched,
        theirs={**pickle, **touched},
    )
    yield case('protobuf-array out', 'write_bytes', ours=proto, theirs=proto)
    yield case('protobuf-array in', 'read_bytes', ours=proto, theirs=proto)
    yield case('JSON out', 'write_json')
