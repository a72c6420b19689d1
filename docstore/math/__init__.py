"""Distances, rankings and arrays of any framework, under the names of legacy docarray."""

from . import distance, evaluation, helper, ndarray

__all__ = ['distance', 'evaluation', 'helper', 'ndarray']
