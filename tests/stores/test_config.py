"""The part of a store's configuration that all stores share."""

from __future__ import annotations

import pytest

from docstore.errors import InvalidConfig
from docstore.stores.base import IndexConfig
from docstore.stores.config import dump_index, load_index, settle_index, split_config

KNOWN = {'path': None, 'durability': 'normal'}


def test_defaults_are_filled_in() -> None:
    options, index = split_config({'path': 'x', 'n_dim': 3}, KNOWN, 'disk')
    assert options == {'path': 'x', 'durability': 'normal'}
    assert index == IndexConfig(n_dim=3)


def test_no_config_is_an_empty_one() -> None:
    assert split_config(None, KNOWN, 'disk') == (KNOWN, IndexConfig())


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(InvalidConfig, match="'durabilty'; did you mean 'durability'"):
        split_config({'durabilty': 'full'}, KNOWN, 'disk')
    with pytest.raises(KeyError):
        split_config({'ef_serch': 4}, KNOWN, 'disk')


@pytest.mark.parametrize(
    'bad',
    [{'n_dim': 0}, {'n_dim': 2.5}, {'ef_search': True}, {'max_connection': None}, {'index': 3}],
)
def test_values_of_no_use(bad: dict[str, object]) -> None:
    with pytest.raises(InvalidConfig, match=next(iter(bad))):
        split_config(bad, KNOWN, 'disk')


def test_metric_must_be_known() -> None:
    with pytest.raises(InvalidConfig, match="did you mean 'cosine'"):
        split_config({'metric': 'cosin'}, KNOWN, 'disk')


def test_not_a_mapping() -> None:
    with pytest.raises(InvalidConfig, match='mapping'):
        split_config('path', KNOWN, 'disk')  # type: ignore[arg-type]


def test_what_is_stored_holds_where_nothing_else_is_said() -> None:
    stored = IndexConfig(index='hnsw', metric='ip', n_dim=3)
    assert settle_index({'path': 'x'}, stored, 'x') == stored
    assert settle_index({'n_dim': None, 'ef_search': 9}, stored, 'x').ef_search == 9
    with pytest.raises(InvalidConfig, match='3 dimensions'):
        settle_index({'n_dim': 4}, stored, 'x')


def test_stored_form_comes_back_without_unknown_keys() -> None:
    index = IndexConfig(metric='euclidean', n_dim=7)
    assert load_index({**dump_index(index), 'later': 1}) == index
