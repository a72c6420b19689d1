"""Vector indexes: how the rows nearest to a query are found."""

from ..registry import Registry

__all__ = ['INDEXES']

INDEXES = Registry(
    'index',
    {
        'exact': 'docstore.index.exact:ExactIndex',
        'hnsw': 'docstore.index.hnsw:HnswIndex',
    },
)
