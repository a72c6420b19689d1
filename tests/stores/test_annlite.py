"""The configuration of docarray's annlite, translated for the disk store."""

from __future__ import annotations

import dataclasses
import gc
from pathlib import Path
from typing import Any, ClassVar

import pytest

from docstore.errors import InvalidConfig, UnsupportedOperation
from docstore.stores import STORES
from docstore.stores.annlite import open_annlite

pytestmark = pytest.mark.spec('16')


class Recorder:
    """Stands where the disk store is, and notes what it was asked for."""

    opened: ClassVar[list[dict[str, Any]]] = []

    def __init__(self, config: dict[str, Any]) -> None:
        self.opened.append(config)
        self.path = Path(config['path'])
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    monkeypatch.setattr(Recorder, 'opened', [])
    monkeypatch.setattr(STORES, 'load', lambda name: {'disk': Recorder}[name])
    return Recorder


def test_registered() -> None:
    assert STORES.load('annlite') is open_annlite


def test_keys_are_translated(recorder: type[Recorder]) -> None:
    open_annlite(
        {
            'n_dim': 3,
            'data_path': 'here',
            'metric': 'inner_product',
            'ef_construction': 100,
            'ef_search': None,
            'max_connection': 8,
            'columns': {'price': 'float'},
            'list_like': False,
            'serialize_config': {'protocol': 'pickle'},
            'root_id': True,
            'n_components': None,
        }
    )
    assert recorder.opened == [
        {
            'n_dim': 3,
            'path': 'here',
            'metric': 'ip',
            'ef_construction': 100,
            'max_connection': 8,
            'index': 'hnsw',
        }
    ]


def test_dataclass(recorder: type[Recorder]) -> None:
    @dataclasses.dataclass
    class AnnliteConfig:
        n_dim: int
        metric: str = 'COSINE'
        data_path: str | None = 'x'
        columns: Any = dataclasses.field(default_factory=lambda: [('price', 'int')])

    open_annlite(AnnliteConfig(5))
    assert recorder.opened == [{'n_dim': 5, 'metric': 'cosine', 'path': 'x', 'index': 'hnsw'}]


def test_temporary_directory_goes_at_close(recorder: type[Recorder]) -> None:
    store: Any = open_annlite({'n_dim': 3})
    assert isinstance(store, Recorder)
    assert type(store).__name__ == 'Recorder'
    assert store.path.parent.is_dir()
    store.path.mkdir()
    store.close()
    assert not store.path.parent.exists()
    store.close()
    assert store.closed == 2


def test_temporary_directory_goes_when_the_store_is_lost(recorder: type[Recorder]) -> None:
    store: Any = open_annlite({'n_dim': 3})
    directory = store.path.parent
    assert directory.is_dir()
    del store
    gc.collect()
    assert not directory.exists()


def test_temporary_directory_goes_when_opening_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(config: dict[str, Any]) -> Any:
        assert Path(config['path']).parent.is_dir()
        raise InvalidConfig('no')

    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    monkeypatch.setattr(STORES, 'load', lambda name: refuse)
    with pytest.raises(InvalidConfig, match='no'):
        open_annlite({'n_dim': 3})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (None, "needs the config key 'n_dim'"),
        ({}, "needs the config key 'n_dim'"),
        ({'n_dim': 3, 'data_pth': 'x'}, "no config key 'data_pth'; did you mean 'data_path'"),
        ({'n_dim': 3, 'columns': {'price': 'decimal'}}, 'columns maps names to one of'),
        ({'n_dim': 3, 'columns': ['price']}, 'columns maps names to one of'),
        ([('n_dim', 3)], 'must be a mapping, got list'),
    ],
)
def test_bad_config(config: Any, message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        open_annlite(config)


def test_projection_is_refused() -> None:
    with pytest.raises(UnsupportedOperation, match='n_components'):
        open_annlite({'n_dim': 3, 'n_components': 2})
