"""Distances of Paddle tensors, as NumPy matrices; Paddle is not imported for it."""

from ._tensors import cosine, euclidean, sqeuclidean

__all__ = ['cosine', 'euclidean', 'sqeuclidean']
