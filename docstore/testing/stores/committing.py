"""When what was written is there: batches, transactions, readers, reopening."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from docstore.errors import (
    DimensionMismatch,
    DocstoreError,
    DuplicateId,
    EncodeError,
    InvalidVector,
    ReadOnlyStore,
    StoreClosed,
)
from docstore.stores.base import (
    Clear,
    Delete,
    IndexConfig,
    Insert,
    Operation,
    Record,
    Reorder,
    SetColumn,
    Store,
    Update,
)

from ..checks import DIM, plain, refuses, vectors
from .base import StoreSuite, content, records

__all__ = ['CommittingTests']


class CommittingTests(StoreSuite):
    """Every batch is done as a whole, and so is every transaction."""

    def failing(self, store: Store) -> list[tuple[type[DocstoreError], Operation]]:
        """Operations that cannot be done, with what is raised."""
        row = [int(store.rows()[1])]
        nan = np.full((1, DIM), np.nan, dtype=np.float32)
        short = np.ones((1, DIM - 1), dtype=np.float32)
        new: Record = {'id': 'bad'}
        return [
            (DuplicateId, Insert(0, [new, {'id': 'r3'}])),
            (DuplicateId, Insert(0, [new, new])),
            (DuplicateId, Update(row, [{'id': 'r3'}])),
            (DuplicateId, SetColumn(store.rows()[:3], 'id', ['p', 'q', 'p'])),
            (DimensionMismatch, Insert(0, [{**new, 'embedding': short[0]}])),
            (DimensionMismatch, Insert(0, [new], vectors={'embedding': short})),
            (DimensionMismatch, Update(row, [{'embedding': short[0]}])),
            (DimensionMismatch, SetColumn(np.array(row), 'embedding', short)),
            (InvalidVector, Insert(0, [{**new, 'embedding': nan[0]}])),
            (InvalidVector, Insert(0, [new], vectors={'embedding': nan})),
            (InvalidVector, SetColumn(np.array(row), 'embedding', nan)),
            (EncodeError, Insert(0, [{**new, 'tags': {'x': object()}}])),
            (EncodeError, Update(row, [{'tags': {'x': [object()]}}])),
        ]

    def test_a_failing_batch_changes_nothing(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.write([Insert(0, records(5))])
        for error, operation in self.failing(store):
            good = [
                Insert(0, records(2, 5, embedded=False)),
                SetColumn(store.rows(), 'text', list('abcde')),
                Delete([int(store.rows()[4])]),
            ]
            for batch in ([operation], [*good, operation]):
                with pytest.raises(error) as caught:
                    store.write(batch)
                assert isinstance(caught.value, DocstoreError)
                assert content(store) == plain(records(5)), operation
                self.check_vectors(store, vectors(5))
                assert store.lookup(['bad', 'r5']).tolist() == [-1, -1]
        store.close()
        again = self.open(tmp_path)
        assert content(again) == plain(records(5))
        again.close()

    def test_commit(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.begin()
        store.write([Insert(0, records(5))])
        assert content(store) == plain(records(5))
        store.write([Delete([int(store.rows()[0])])])
        store.commit()
        assert self.order(store) == ['r1', 'r2', 'r3', 'r4']
        store.close()
        again = self.open(tmp_path)
        assert self.order(again) == ['r1', 'r2', 'r3', 'r4']
        again.close()

    @pytest.mark.parametrize('reopened', [False, True])
    def test_rollback(self, tmp_path: Path, reopened: bool) -> None:
        store = self.open(tmp_path)
        rows = store.write([Insert(0, records(5))])
        for change in self.changes(store):
            store.begin()
            store.write(change(store))
            store.rollback()
            assert store.rows().tolist() == rows.tolist()
            assert content(store) == plain(records(5))
            assert store.lookup(['r1', 'new', 'r7']).tolist() == [rows[1], -1, -1]
            self.check_vectors(store, vectors(5))
        if reopened:
            store.close()
            store = self.open(tmp_path)
            assert content(store) == plain(records(5))
            assert len(store.write([Insert(5, [{'id': 'new'}])])) == 1
            assert self.order(store)[-1] == 'new'
        store.close()

    def changes(self, store: Store) -> Sequence[Callable[[Store], list[Operation]]]:
        """One batch of each kind."""
        return [
            lambda s: [Insert(2, records(5, 5))],
            lambda s: [
                Update(
                    s.rows().tolist(), [{'text': 'x', 'embedding': v} for v in vectors(5, seed=3)]
                )
            ],
            lambda s: [Update([int(s.rows()[0])], [{'id': 'new'}], replace=True)],
            lambda s: [SetColumn(s.rows(), 'embedding', vectors(5, seed=4))],
            lambda s: [SetColumn(s.rows(), 'text', None)],
            lambda s: [Delete(s.rows()[1:3].tolist())],
            lambda s: [Reorder(s.rows()[::-1].copy())],
            lambda s: [Clear(), Insert(0, records(3, 7, embedded=False))],
        ]

    def test_a_failure_inside_a_transaction_undoes_only_its_batch(self, store: Store) -> None:
        store.begin()
        store.write([Insert(5, [{'id': 'kept'}])])
        with pytest.raises(DuplicateId):
            store.write([Insert(0, [{'id': 'lost'}, {'id': 'r1'}])])
        store.write([Insert(6, [{'id': 'also kept'}])])
        store.commit()
        assert self.order(store) == ['r0', 'r1', 'r2', 'r3', 'r4', 'kept', 'also kept']

    def test_a_transaction_that_is_not_ended_is_undone(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.write([Insert(0, records(5))])
        store.begin()
        store.write([Clear()])
        store.close()
        again = self.open(tmp_path)
        assert content(again) == plain(records(5))
        again.close()

    def test_begin_and_commit_out_of_place(self, store: Store) -> None:
        for call in (store.commit, store.rollback):
            with refuses(DocstoreError, RuntimeError):
                call()
        store.begin()
        with refuses(DocstoreError, RuntimeError):
            store.begin()
        store.rollback()
        assert content(store) == plain(records(5))

    def test_sequence_counts_commits(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        seen = [store.sequence]
        for i in range(3):
            store.write([Insert(0, records(1, i, embedded=False))])
            seen.append(store.sequence)
        store.begin()
        store.write([Insert(0, records(1, 8, embedded=False))])
        store.write([Insert(0, records(1, 9, embedded=False))])
        store.commit()
        seen.append(store.sequence)
        assert seen == sorted(set(seen)), 'each commit raises it'
        store.close()
        again = self.open(tmp_path)
        assert again.sequence == seen[-1]
        again.close()

    def test_version_changes_with_the_content(self, store: Store) -> None:
        seen = [store.version]
        store.write([Insert(0, [{'id': 'a'}])])
        seen.append(store.version)
        store.begin()
        store.write([Insert(0, [{'id': 'b'}])])
        seen.append(store.version)
        store.rollback()
        seen.append(store.version)
        assert len(set(seen)) == 4
        before = store.version
        store.read(store.rows())
        assert store.version == before

    def test_readers_see_commits_after_a_refresh(self, tmp_path: Path, store: Store) -> None:
        if not self.readers:
            pytest.skip('one object only')
        reader = self.open(tmp_path, read_only=True)
        assert reader.read_only
        assert content(reader) == plain(records(5))
        assert not reader.refresh()
        held = reader.vectors()
        assert held is not None
        before = reader.version
        store.write([Delete([int(store.rows()[1])]), Insert(0, records(1, 5))])
        store.begin()
        store.write([Clear()])
        assert content(reader) == plain(records(5)), 'a reader has a snapshot'
        assert reader.refresh()
        assert reader.version != before
        assert self.order(reader) == ['r5', 'r0', 'r2', 'r3', 'r4'], (
            'what is not committed is not seen'
        )
        store.rollback()
        assert not reader.refresh()
        np.testing.assert_array_equal(held.matrix[held.lines], vectors(5))
        reader.close()

    def test_readers_cannot_write(self, tmp_path: Path, store: Store) -> None:
        if not self.readers:
            pytest.skip('one object only')
        reader = self.open(tmp_path, read_only=True)
        with refuses(ReadOnlyStore, OSError):
            reader.write([Clear()])
        with refuses(ReadOnlyStore, OSError):
            reader.begin()
        assert content(reader) == content(store) == plain(records(5))
        reader.close()

    def test_index_config_is_kept(self, tmp_path: Path) -> None:
        wanted = replace(
            IndexConfig(), index='hnsw', metric='euclidean', n_dim=DIM, max_connection=8
        )
        store = self.open(tmp_path, index_config=wanted)
        assert store.index_config == wanted
        store.close()
        again = self.open(tmp_path)
        assert again.index_config == wanted
        again.close()

    def test_flush_and_compact_keep_content_and_rows(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.write([Insert(0, records(200))])
        store.write([Delete(store.rows()[::2].tolist())])
        store.write([SetColumn(store.rows(), 'text', ['new'] * 100)])
        rows, expected, held = store.rows().tolist(), content(store), store.vectors()
        assert held is not None
        for method in (store.flush, store.compact, store.flush):
            method()
            assert store.rows().tolist() == rows
            assert content(store) == expected
        np.testing.assert_array_equal(held.matrix[held.lines], vectors(200)[1::2])
        store.write([Insert(0, [{'id': 'after'}])])
        store.close()
        again = self.open(tmp_path)
        assert content(again) == [{'id': 'after'}, *expected]
        assert again.positions(rows).tolist() == list(range(1, 101))
        again.close()

    def test_a_closed_store_says_so(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        rows = store.write([Insert(0, records(2))])
        store.close()
        store.close()
        for call in (
            lambda: len(store), lambda: store.read(rows), lambda: store.lookup(['r0']),
            lambda: store.column('text'), lambda: store.write([Clear()]),
            store.rows, store.vectors, store.begin,
        ):  # fmt: skip
            with refuses(StoreClosed, ValueError):
                call()

    def test_info_and_config_describe_it(self, store: Store) -> None:
        assert all(isinstance(k, str) and isinstance(v, str) for k, v in store.info().items())
        assert 'durability' in ' '.join(store.info()).lower()
        assert isinstance(store.config, dict)
        assert store.index_path.suffix == ''
