"""Distances of torch tensors, as NumPy matrices; torch is not imported for it."""

from ._tensors import cosine, euclidean, sqeuclidean

__all__ = ['cosine', 'euclidean', 'sqeuclidean']
