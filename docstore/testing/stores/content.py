"""What the operations of a store do, and how its content is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore.errors import DocumentGone
from docstore.predicate import And, Compare, Not, Or, Predicate
from docstore.stores.base import Clear, Delete, Insert, Reorder, SetColumn, Store, Update

from ..checks import plain, refuses, vectors
from .base import StoreSuite, content, records

__all__ = ['ContentTests']

PREDICATES: list[tuple[Predicate, list[int]]] = [
    (Compare('tags__i', 'eq', 1), [1]),
    (Compare('tags__i', 'gte', 3), [3, 4]),
    (Compare('tags__kind', 'ne', 'a'), [1, 3]),
    (Compare('tags__i', 'in', [0, 4, 9]), [0, 4]),
    (Compare('tags__i', 'nin', [0, 4, 9]), [1, 2, 3]),
    (Compare('text', 'regex', '[12]$'), [1, 2]),
    (Compare('tags__rare', 'exists', True), [2]),
    (Compare('tags__rare', 'exists', False), [0, 1, 3, 4]),
    (Compare('id', 'eq', 'r3'), [3]),
    (And((Compare('tags__i', 'gt', 0), Compare('tags__kind', 'eq', 'a'))), [2, 4]),
    (Or((Compare('tags__i', 'lt', 1), Compare('tags__i', 'gt', 3))), [0, 4]),
    (Not(Compare('tags__i', 'lt', 3)), [3, 4]),
    (And(()), [0, 1, 2, 3, 4]),
    (Or(()), []),
]


class ContentTests(StoreSuite):
    """Rows in an order, and every operation on them."""

    def test_a_new_store_is_empty(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        assert len(store) == 0
        assert store.rows().tolist() == []
        assert store.vectors() is None
        assert store.column('text') == []
        assert not store.read_only
        store.close()

    def test_insert_returns_the_rows_in_their_order(self, store: Store) -> None:
        rows = store.write([Insert(2, records(2, 5)), Insert(0, records(1, 7))])
        assert [record['id'] for record in store.read(rows)] == ['r5', 'r6', 'r7']
        assert self.order(store) == ['r7', 'r0', 'r1', 'r5', 'r6', 'r2', 'r3', 'r4']
        assert store.write([Delete([int(rows[0])])]).tolist() == []

    def test_content_is_kept(self, store: Store) -> None:
        assert content(store) == plain(records(5))
        got = store.read(store.rows()[[3, 1]])
        assert [record['id'] for record in got] == ['r3', 'r1']
        got[0]['text'] = 'changed outside'
        got[0]['tags']['i'] = 'changed outside'
        assert content(store) == plain(records(5)), 'what is read belongs to the reader'

    def test_read_without_vectors(self, store: Store) -> None:
        assert store.read(store.rows(), vectors=False) == records(5, embedded=False)

    def test_rows_and_positions(self, store: Store) -> None:
        rows = store.rows()
        assert rows.dtype == np.int64
        assert len(set(rows.tolist())) == 5
        assert store.rows(1, 3).tolist() == rows[1:3].tolist()
        assert store.rows(4).tolist() == rows[4:].tolist()
        assert store.positions(rows).tolist() == [0, 1, 2, 3, 4]
        assert store.positions([int(rows[3]), int(rows.max()) + 1000]).tolist() == [3, -1]
        store.write([Delete([int(rows[1])])])
        assert store.positions(rows).tolist() == [0, -1, 1, 2, 3]
        assert store.rows().tolist() == rows[[0, 2, 3, 4]].tolist()

    def test_rows_are_never_used_again(self, store: Store) -> None:
        used = set(store.rows().tolist())
        store.write([Delete(store.rows().tolist())])
        assert used.isdisjoint(store.write([Insert(0, records(5))]).tolist())
        used |= set(store.rows().tolist())
        store.write([Clear()])
        assert used.isdisjoint(store.write([Insert(0, records(2))]).tolist())

    def test_lookup(self, store: Store) -> None:
        rows = store.rows()
        found = store.lookup(['r3', 'nobody', 'r0', 'r3', ''])
        assert found.tolist() == [rows[3], -1, rows[0], rows[3], -1]
        assert store.lookup([]).tolist() == []
        store.write([Delete([int(rows[3])])])
        assert store.lookup(['r3']).tolist() == [-1]

    def test_read_of_a_row_that_is_gone(self, store: Store) -> None:
        row = int(store.rows()[1])
        store.write([Delete([row])])
        with refuses(DocumentGone, LookupError):
            store.read([row])

    def test_update(self, store: Store) -> None:
        row = int(store.rows()[1])
        store.write([Update([row], [{'text': None, 'weight': 2.5, 'tags': {'new': [1]}}])])
        expected = records(5)
        expected[1] = {'id': 'r1', 'weight': 2.5, 'tags': {'new': [1]}, 'embedding': vectors(5)[1]}
        assert content(store) == plain([{**record} for record in expected])
        store.write([Update([row], [{'id': 'renamed', 'embedding': None}])])
        assert store.lookup(['r1', 'renamed']).tolist() == [-1, row]
        assert 'embedding' not in store.read([row])[0]

    def test_update_that_replaces(self, store: Store) -> None:
        rows = store.rows()
        store.write(
            [
                Update(
                    [int(rows[1]), int(rows[3])],
                    [{'id': 'a', 'text': 'x'}, {'id': 'b'}],
                    replace=True,
                )
            ]
        )
        assert self.order(store) == ['r0', 'a', 'r2', 'b', 'r4']
        assert store.read(rows[[1, 3]]) == [{'id': 'a', 'text': 'x'}, {'id': 'b'}]
        assert store.lookup(['r1', 'a', 'b']).tolist() == [-1, rows[1], rows[3]]

    def test_ids_may_be_swapped(self, store: Store) -> None:
        rows = store.rows()
        store.write([Update(rows[:2].tolist(), [{'id': 'r1'}, {'id': 'r0'}])])
        assert store.lookup(['r0', 'r1']).tolist() == [rows[1], rows[0]]

    @pytest.mark.parametrize(
        ('name', 'values'),
        [
            ('text', ['x', 'y']),
            ('weight', [1.5, -2.0]),
            ('tags', [{'a': [1]}, {}]),
            ('id', ['p', 'q']),
        ],
    )
    def test_set_column(self, store: Store, name: str, values: list[Any]) -> None:
        rows = store.rows()[[3, 1]]
        store.write([SetColumn(rows, name, values)])
        got = [record.get(name) for record in store.read(rows)]
        assert got == values or (name == 'tags' and got == [{'a': [1]}, None])
        assert store.read(store.rows()[[0]])[0]['text'] == 'text 0'

    def test_unset_column(self, store: Store) -> None:
        store.write(
            [SetColumn(store.rows(), 'text', None), SetColumn(store.rows()[1:], 'embedding', None)]
        )
        assert store.column('text') == [None] * 5
        found = store.vectors()
        assert found is not None
        assert (found.lines >= 0).tolist() == [True, False, False, False, False]

    def test_set_column_of_vectors(self, store: Store) -> None:
        new = vectors(2, seed=1)
        store.write([SetColumn(store.rows()[[4, 0]], 'embedding', new)])
        expected = vectors(5)
        expected[[4, 0]] = new
        self.check_vectors(store, expected)
        new[:] = 0
        self.check_vectors(store, expected)

    def test_vectors(self, store: Store) -> None:
        self.check_vectors(store, vectors(5))
        before = store.vectors()
        assert before is not None
        store.write([Insert(1, records(400, 5)), Delete([int(store.rows()[0])])])
        # r5 is new from another call of vectors(), so take what was inserted.
        inserted = vectors(405)
        self.check_vectors(store, np.vstack([inserted[5:], vectors(5)[1:]]))
        np.testing.assert_array_equal(before.matrix[before.lines], vectors(5))
        store.write([Clear()])
        np.testing.assert_array_equal(before.matrix[before.lines], vectors(5))

    def test_vectors_in_bulk(self, store: Store) -> None:
        new = vectors(3, seed=2)
        rows = store.write([Insert(5, records(3, 5, embedded=False), vectors={'embedding': new})])
        self.check_vectors(store, np.vstack([vectors(5), new]))
        np.testing.assert_array_equal(store.read(rows)[2]['embedding'], new[2])

    def test_vectors_of_some(self, store: Store) -> None:
        store.write([Insert(2, records(2, 5, embedded=False))])
        found = store.vectors()
        assert found is not None
        assert (found.lines >= 0).tolist() == [True, True, False, False, True, True, True]
        assert not found.contiguous
        np.testing.assert_array_equal(found.matrix[found.lines[[0, 4]]], vectors(5)[[0, 2]])

    @pytest.mark.parametrize('dtype', ['f2', 'f4', 'f8'])
    def test_vector_dtypes(self, tmp_path: Path, dtype: str) -> None:
        store = self.open(tmp_path)
        expected = vectors(4).astype(dtype)
        store.write([Insert(0, records(4, embedded=False), vectors={'embedding': expected})])
        found = store.vectors()
        assert found is not None
        assert found.matrix.dtype == expected.dtype
        self.check_vectors(store, expected)
        store.close()

    def test_column(self, store: Store) -> None:
        rows = store.rows()
        assert store.column('text') == [f'text {i}' for i in range(5)]
        assert store.column('tags__i', rows[[4, 0]]) == [4, 0]
        assert store.column('tags__rare') == [None, None, True, None, None]
        assert store.column('tags__i__deeper') == [None] * 5
        assert store.column('weight') == [None] * 5
        assert store.column('id') == [f'r{i}' for i in range(5)]
        store.write([Reorder(rows[::-1].copy())])
        assert store.column('tags__i') == [4, 3, 2, 1, 0]

    @pytest.mark.parametrize(('predicate', 'expected'), PREDICATES)
    def test_select_is_right_or_silent(
        self, store: Store, predicate: Predicate, expected: list[int]
    ) -> None:
        mask = store.select(predicate)
        if mask is None:
            pytest.skip('the store leaves this to the evaluator over columns')
        assert mask.dtype == bool
        assert np.flatnonzero(mask).tolist() == expected

    def test_reorder(self, store: Store) -> None:
        rows = store.rows()[[2, 0, 4, 1, 3]]
        store.write([Reorder(rows)])
        assert store.rows().tolist() == rows.tolist()
        assert self.order(store) == ['r2', 'r0', 'r4', 'r1', 'r3']
        store.write([Insert(1, records(1, 9, embedded=False)), Delete([int(rows[0])])])
        assert self.order(store) == ['r9', 'r0', 'r4', 'r1', 'r3']

    def test_clear(self, store: Store) -> None:
        store.write([Clear()])
        assert len(store) == 0
        assert store.lookup(['r0']).tolist() == [-1]
        assert store.vectors() is None
        store.write([Insert(0, records(2))])
        assert content(store) == plain(records(2))

    def test_an_empty_batch(self, store: Store) -> None:
        assert store.write([]).tolist() == []
        assert store.write([Insert(0, []), Delete([]), Update([], [])]).tolist() == []
        assert content(store) == plain(records(5))

    def test_operations_see_those_before_them(self, store: Store) -> None:
        first = int(store.rows()[0])
        store.write([Delete([first]), Insert(0, [{'id': 'r0', 'text': 'again'}])])
        assert store.read(store.lookup(['r0']))[0]['text'] == 'again'
        store.write([Clear(), Insert(0, records(2))])
        assert self.order(store) == ['r0', 'r1']
