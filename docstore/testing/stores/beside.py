"""A second store beside the first, as subindices use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from docstore.errors import DuplicateId, InvalidConfig, ReadOnlyStore
from docstore.stores.base import Delete, Insert, Store, Update

from .base import StoreSuite, content, records

__all__ = ['BesideTests']


class BesideTests(StoreSuite):
    """Its content is its own; its transactions are those of the first."""

    def test_each_has_its_own_content(self, store: Store) -> None:
        other = store.beside('@c', {})
        assert store.names_beside() == ['@c']
        assert len(other) == 0
        other.write([Insert(0, records(3))])
        other.write([Update([int(other.rows()[0])], [{'text': 'changed'}])])
        assert (len(store), len(other)) == (5, 3)
        assert content(store)[0]['text'] == 'text 0'
        with pytest.raises(DuplicateId):
            other.write([Insert(0, records(1))])
        store.write([Delete(store.rows().tolist())])
        assert self.order(other) == ['r0', 'r1', 'r2']
        other.close()
        assert len(store) == 0

    def test_it_is_found_again(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        names = ['@c', '@.[a,b]', '@c[:2]m,m']
        for count, name in enumerate(names, 1):
            other = store.beside(name, {'metric': 'euclidean'})
            other.write([Insert(0, records(count))])
            other.close()
        store.close()
        store = self.open(tmp_path)
        assert sorted(store.names_beside()) == sorted(names)
        for count, name in enumerate(names, 1):
            other = store.beside(name, {})
            assert (len(other), other.index_config.metric) == (count, 'euclidean')
            assert content(other) == content_of(count)
            other.close()
        assert store.index_config.metric == 'cosine'
        store.close()

    def test_transactions(self, store: Store) -> None:
        other = store.beside('@c', {})
        for keep in (True, False, True):
            before, sequence = self.order(other), other.sequence
            start = len(other)
            store.begin()
            other.begin()
            store.write([Insert(0, records(1, start=100 + start))])
            other.write([Insert(len(other), records(2, start=start))])
            assert len(other) == start + 2
            if keep:
                store.commit()
                other.commit()
                assert len(other) == start + 2
                assert other.sequence > sequence
            else:
                store.rollback()
                other.rollback()
                assert self.order(other) == before
                assert other.sequence == sequence
        assert len(store) == 7
        other.write([Insert(len(other), records(1, start=50))])
        assert self.order(other)[-1] == 'r50'
        other.close()

    def test_a_failed_write_undoes_nothing_else(self, store: Store) -> None:
        other = store.beside('@c', {})
        store.begin()
        other.begin()
        store.write([Delete(store.rows(0, 1).tolist())])
        other.write([Insert(0, records(2))])
        with pytest.raises(DuplicateId):
            other.write([Insert(0, [*records(1, start=9), *records(1)])])
        store.commit()
        other.commit()
        assert (len(store), self.order(other)) == (4, ['r0', 'r1'])
        other.close()

    def test_readers(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        if not self.readers:
            store.close()
            pytest.skip('there are none')
        other = store.beside('@c', {})
        other.write([Insert(0, records(2))])
        reader = self.open(tmp_path, read_only=True)
        beside = reader.beside('@c', {})
        assert content(beside) == content_of(2)
        with pytest.raises(ReadOnlyStore):
            beside.write([Insert(0, records(1, start=5))])
        other.write([Insert(2, records(1, start=2))])
        assert len(beside) == 2
        reader.refresh()
        assert beside.refresh()
        assert content(beside) == content_of(3)
        for one in (beside, reader, other, store):
            one.close()

    def test_bad_configs(self, store: Store) -> None:
        with pytest.raises(InvalidConfig):
            store.beside('@c', {'metrik': 'ip'})
        assert len(store) == 5


def content_of(count: int) -> list[dict[str, object]]:
    """What :func:`content` gives of the first records."""
    from ..checks import plain

    rows: list[dict[str, object]] = plain(records(count))
    return rows
