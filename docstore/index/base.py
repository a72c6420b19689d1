"""The seam of the vector indexes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    RowArray = npt.NDArray[np.int64]

__all__ = ['Index']


class Index(ABC):
    """Finds the rows whose vectors are nearest to a query.

    An index is a cache of its store: it may be thrown away and built again.
    Searching is allowed from many threads at once, and while another thread
    adds or removes.

    Parameters
    ----------
    config : IndexConfig
        Metric and build parameters (:class:`docstore.stores.base.IndexConfig`).
    dim : int
        Length of the vectors.
    """

    @abstractmethod
    def __init__(self, config: Any, dim: int) -> None: ...

    @abstractmethod
    def __len__(self) -> int:
        """How many rows can be found."""

    @abstractmethod
    def add(self, rows: RowArray, vectors: npt.NDArray[Any]) -> None:
        """Add rows, or give known rows a new vector."""

    @abstractmethod
    def remove(self, rows: Sequence[int] | RowArray) -> None:
        """Forget rows; unknown rows are ignored."""

    @abstractmethod
    def search(
        self, queries: npt.NDArray[Any], k: int, allowed: RowArray | None = None
    ) -> tuple[RowArray, npt.NDArray[np.float32]]:
        """The nearest rows of each query, best first.

        Parameters
        ----------
        queries : ndarray of shape (q, dim)
        k : int
            How many rows are wanted for each query.
        allowed : ndarray of int64, optional
            Sorted rows that may be returned; by default all.

        Returns
        -------
        rows, distances : ndarray of shape (q, min(k, candidates))
            Ascending distance; equal distances by ascending row. There are
            always ``min(k, candidates)`` of them.
        """

    @abstractmethod
    def save(self, path: Path, stamp: int) -> None:
        """Write to ``path`` atomically, marked with ``stamp``, with checksums."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path, stamp: int, config: Any, dim: int) -> Index | None:
        """What ``save`` wrote; None when it is missing, damaged, of another
        stamp, or built with another configuration.
        """
