"""Paths through nested Documents, against a traversal written the plain way."""

from __future__ import annotations

import json
import os
import subprocess
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docstore import Document, DocumentArray
from docstore.stored import StoredRecords

#: An interpreter that has docarray 0.21, which needs old packages.
LEGACY = os.environ.get('DOCSTORE_LEGACY_PYTHON', '')

# ------------------------------------------------- documents as plain trees

#: A tree is ``[id, chunks, matches]``.
Tree = list[Any]

trees = st.lists(
    st.recursive(
        st.just([[], []]),
        lambda inner: st.lists(st.lists(inner, max_size=3), min_size=2, max_size=2),
        max_leaves=8,
    ),
    max_size=4,
)


def named(shapes: list[Any], prefix: str = '') -> list[Tree]:
    """Trees of shapes, with an id for each place."""
    return [
        [f'{prefix}{at}', named(chunks, f'{prefix}{at}c'), named(matches, f'{prefix}{at}m')]
        for at, (chunks, matches) in enumerate(shapes)
    ]


def docs_of(forest: list[Tree]) -> list[Document]:
    return [
        Document(id=name, chunks=docs_of(chunks), matches=docs_of(matches))
        for name, chunks, matches in forest
    ]


bounds = st.one_of(st.none(), st.integers(-4, 4))
selections = st.one_of(
    st.just(('', slice(None))),
    st.integers(-4, 4).map(lambda i: (str(i), slice(i, i + 1 if i != -1 else None))),
    st.tuples(bounds, bounds).map(lambda s: (_written(*s), slice(*s))),
    st.tuples(bounds, bounds, st.sampled_from([1, 2, -1, -2])).map(
        lambda s: (_written(*s), slice(*s))
    ),
)
gaps = st.sampled_from(['', '', ' ', '\t', '\n '])


def _written(*parts: int | None) -> str:
    return ':'.join('' if part is None else str(part) for part in parts)


@st.composite
def steps(draw: Any) -> tuple[str, tuple[str, slice]]:
    kind = draw(st.sampled_from('rcm'))
    text, which = draw(selections)
    if text and draw(st.booleans()):
        text = f'[{draw(gaps)}{text}{draw(gaps)}]'
    return f'{draw(gaps)}{kind}{draw(gaps)}{text}{draw(gaps)}', (kind, which)


paths = st.lists(st.lists(steps(), min_size=1, max_size=4), min_size=1, max_size=3)


def text_of(path: list[list[Any]]) -> str:
    return ','.join(''.join(text for text, _ in one) for one in path)


def leads_to(forest: list[Tree], path: list[tuple[str, slice]]) -> list[list[Tree]]:
    """The groups that a path leads to, by plain recursion."""
    if not path:
        return [forest]
    (kind, which), rest = path[0], path[1:]
    if kind == 'r':
        return leads_to(forest[which], rest)
    place = 1 if kind == 'c' else 2
    return [group for tree in forest for group in leads_to(tree[place][which], rest)]


def ids(group: Any) -> list[str]:
    return [item[0] if isinstance(item, list) else item.id for item in group]


def flat(forest: list[Tree]) -> list[str]:
    return [
        name
        for own, chunks, matches in forest
        for name in (*flat(chunks), *flat(matches), own)
    ]  # fmt: skip


@pytest.mark.spec('8')
@settings(max_examples=300)
@given(trees, paths)
def test_paths_lead_where_plain_recursion_leads(shapes: list[Any], path: list[Any]) -> None:
    forest = named(shapes)
    da = DocumentArray(docs_of(forest))
    per_path = [leads_to(forest, [step for _, step in one]) for one in path]
    groups = [group for one in per_path for group in one]
    text = text_of(path)
    assert [ids(group) for group in da.traverse(text)] == [ids(group) for group in groups]
    assert ids(da[f'@{text}']) == [name for group in groups for name in ids(group)]
    assert [ids(part) for part in da.traverse_flat_per_path(text)] == [
        [name for group in one for name in ids(group)] for one in per_path
    ]
    assert ids(da[...]) == flat(forest)
    assert da[f'@{text}', ['id', 'text']] == [
        [name for group in groups for name in ids(group)],
        ['' for group in groups for _ in group],
    ]


@pytest.mark.spec('6')
@settings(max_examples=60)
@given(trees, paths)
def test_what_is_set_on_a_path_is_stored(
    tmp_path_factory: Any, shapes: list[Any], path: list[Any]
) -> None:
    file = tmp_path_factory.mktemp('paths') / 'x.db'
    config = {'connection': str(file), 'table_name': 'docs'}
    da = DocumentArray(docs_of(named(shapes)), storage='sqlite', config=config)
    key = f'@{text_of(path)}'
    names = ids(da[key])
    da[key, 'text'] = [f'new {name}' for name in names]
    expected = [f'new {name}' if name in names else '' for name in ids(da[...])]
    assert da[..., 'text'] == expected
    da.close()
    da = DocumentArray(storage='sqlite', config=config)
    assert da[..., 'text'] == expected
    assert da[key, 'text'] == [f'new {name}' for name in names]
    da.close()


# --------------------------------------------------------------- flatten


@pytest.mark.spec('8')
def test_what_is_met_twice_is_listed_twice_and_its_children_once() -> None:
    shared = Document(id='shared', chunks=[Document(id='inner')])
    da = DocumentArray([
        Document(id='a', matches=[shared]), shared, Document(id='b', chunks=[shared]), shared,
    ])  # fmt: skip
    assert ids(da.flatten()) == ['inner', 'shared', 'a', 'shared', 'shared', 'b', 'shared']


@pytest.mark.spec('8')
def test_a_document_that_contains_itself() -> None:
    doc = Document(id='snake')
    doc.chunks.append(Document(id='between', matches=[doc]))
    with pytest.raises(RecursionError, match='snake'):
        DocumentArray([doc]).flatten()


# ------------------------------------------------------- one write, little memory


@pytest.mark.spec('6')
@pytest.mark.parametrize('storage', ['sqlite', 'disk'])
def test_nested_changes_are_one_write(
    storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = [Document(id=f'c{i}') for i in range(200)]
    config = {'path': str(tmp_path / 'store')} if storage == 'disk' else None
    docs = [Document(id='a', chunks=chunks), Document(id='b')]
    da = DocumentArray(docs, storage=storage, config=config)
    da['b'].chunks = [Document(id='d')]
    writes: list[Any] = []
    write = StoredRecords.write

    def noted(self: StoredRecords, operations: Any) -> Any:
        writes.append(operations)
        return write(self, operations)

    monkeypatch.setattr(StoredRecords, 'write', noted)
    da['@c', ['text', 'weight']] = ['x', 2.0]
    assert len(writes) == 1
    assert da['@c', 'text'] == ['x'] * 201
    da['@c'] = [Document(id=doc.id, text='y') for doc in da['@c']]
    del da['@c', ['weight', 'uri']]
    assert len(writes) == 3
    da[0].chunks[3].text = 'alone'
    assert len(writes) == 4
    da['@c'].embeddings = np.ones((201, 2))
    da[0].chunks.embeddings = np.ones((200, 3))
    da[0].chunks[:100].texts = ['y'] * 3 + ['alone'] + ['y'] * 96
    da[...].apply(lambda doc: Document(doc, modality='text'))
    da[0].chunks[:, 'uri'] = 'u'
    da[:1]['@c', 'offset'] = 1.0
    # Of the flattened array, the two rows themselves are written one by one.
    assert len(writes) == 4 + 3 + (2 + 1) + 2
    assert {(doc.parent_id, doc.granularity) for doc in da['@c']} == {('a', 1), ('b', 1)}
    assert da['@c[3]', ['text', 'modality', 'uri']] == [['alone'], ['text'], ['u']]
    assert da['@c', 'text'] == ['y'] * 3 + ['alone'] + ['y'] * 197
    da.close()


@pytest.mark.spec('8')
def test_a_path_holds_one_parent_at_a_time(tmp_path: Path) -> None:
    count, size = 4000, 4000
    docs = [Document(id=str(i), chunks=[Document(blob=b'x' * size)]) for i in range(count)]
    config = {'path': str(tmp_path / 'store')}
    DocumentArray(docs, storage='disk', config=config).close()
    del docs
    da = DocumentArray(storage='disk', config=config)
    tracemalloc.start()
    try:
        assert sum(len(group[0].blob) for group in da.traverse('c')) == count * size
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < count * size / 2
    da.close()


# ----------------------------------------------------- legacy docarray 0.21

SCRIPT = """
import json, sys
from docarray import Document, DocumentArray

def docs(forest):
    return [Document(id=i, chunks=docs(c), matches=docs(m)) for i, c, m in forest]

for line in sys.stdin:
    forest, path = json.loads(line)
    da = DocumentArray(docs(forest))
    print(json.dumps([
        [[d.id for d in group] for group in da.traverse(path)],
        [[d.id for d in part] for part in da.traverse_flat_per_path(path)],
        [d.id for d in da['@' + path]],
        [d.id for d in da[...]],
    ]))
"""


@pytest.mark.spec('8')
@pytest.mark.skipif(not LEGACY, reason='DOCSTORE_LEGACY_PYTHON names no docarray 0.21')
def test_paths_lead_where_legacy_docarray_goes() -> None:
    cases: list[tuple[list[Tree], str]] = []

    @settings(max_examples=150, database=None)
    @given(trees, paths)
    def collect(shapes: list[Any], path: list[Any]) -> None:
        # A negative single index selects nothing there: a deliberate difference.
        if not any(
            which.start is not None and which.start < 0 and ':' not in text
            for one in path
            for text, (_, which) in one
        ):
            cases.append((named(shapes), text_of(path)))

    collect()
    assert len(cases) > 50
    done = subprocess.run(
        [LEGACY, '-W', 'ignore', '-c', SCRIPT],
        input='\n'.join(json.dumps(case) for case in cases),
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('[')]
    assert len(answers) == len(cases)
    for (forest, path), answer in zip(cases, answers, strict=True):
        da = DocumentArray(docs_of(forest))
        ours = [
            [ids(group) for group in da.traverse(path)],
            [ids(part) for part in da.traverse_flat_per_path(path)],
            ids(da[f'@{path}']),
            ids(da[...]),
        ]
        assert ours == answer, (forest, path)
