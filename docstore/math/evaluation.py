"""The metrics of :mod:`docstore.evaluation`, under their legacy name.

>>> from docstore.math.evaluation import precision_at_k
>>> precision_at_k([1, 0, 1, 1], k=2)
0.5
"""

from ..evaluation import (
    average_precision,
    dcg_at_k,
    f1_score_at_k,
    hit_at_k,
    ndcg_at_k,
    precision_at_k,
    r_precision,
    recall_at_k,
    reciprocal_rank,
)

__all__ = [
    'average_precision',
    'dcg_at_k',
    'f1_score_at_k',
    'hit_at_k',
    'ndcg_at_k',
    'precision_at_k',
    'r_precision',
    'recall_at_k',
    'reciprocal_rank',
]
