"""Distances, rankings and arrays of any framework, under the names of legacy docarray."""
