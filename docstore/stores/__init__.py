"""The stores that a DocumentArray can keep its rows in."""

from ..registry import Registry

__all__ = ['STORES']

STORES = Registry(
    'storage',
    {
        'annlite': 'docstore.stores.annlite:open_annlite',
        'disk': 'docstore.stores.disk:open_disk',
        'sqlite': 'docstore.stores.sqlite:open_sqlite',
    },
)
