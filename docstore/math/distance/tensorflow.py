"""Distances of TensorFlow tensors, as NumPy matrices; TensorFlow is not imported for it."""

from ._tensors import cosine, euclidean, sqeuclidean

__all__ = ['cosine', 'euclidean', 'sqeuclidean']
