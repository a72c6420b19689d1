"""The seam of the text indexes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    RowArray = npt.NDArray[np.int64]
    Ranked = tuple[RowArray, npt.NDArray[np.float64]]

__all__ = ['TextIndex']


class TextIndex(ABC):
    """Finds the rows whose texts are about the words of a query.

    An index is a cache of its array: it may be thrown away and built again. It
    keeps no text, only where words are; so whoever takes a row out says what
    text it was put in with. Every method may be called from any thread.

    Parameters
    ----------
    tokenizer : str
        How text is cut into words, as :func:`docstore.textindex.words.tokenizer_spec`
        writes it.
    """

    @abstractmethod
    def __init__(self, tokenizer: str) -> None: ...

    @abstractmethod
    def __len__(self) -> int:
        """How many rows have a text."""

    @abstractmethod
    def change(self, removed: Sequence[tuple[int, str]], added: Sequence[tuple[int, str]]) -> None:
        """Take rows out and put rows in, all or none.

        Parameters
        ----------
        removed : sequence of (row, text)
            The rows with the texts that they were added with.
        added : sequence of (row, text)
            Rows that are not there, or are removed in the same call.
        """

    @abstractmethod
    def search(self, expressions: Sequence[str], k: int | None) -> Ranked:
        """The rows that match, with their BM25 scores, in no order.

        Parameters
        ----------
        expressions : sequence of str
            What :meth:`docstore.textindex.fts5.Splitter.expressions` made of a
            query; the score of a row is the sum over all.
        k : int, optional
            Only the best so many are wanted, and all that are as good as the
            last of them; more may come.
        """

    @abstractmethod
    def save(self, path: Path, header: dict[str, Any]) -> None:
        """Write to ``path`` atomically, with ``header`` and a checksum."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path, header: dict[str, Any], tokenizer: str) -> TextIndex | None:
        """What ``save`` wrote with this header; None when it is missing or damaged."""

    @abstractmethod
    def close(self) -> None:
        """Let go of memory and files."""
