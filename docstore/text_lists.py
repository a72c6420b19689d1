"""Text search in a list of Documents, and what that in a store has in common with it."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import InvalidArgument
from .textindex.database import TextDatabase
from .textindex.fts5 import Splitter
from .textindex.words import words_of

if TYPE_CHECKING:
    from .textindex.base import Ranked, TextIndex

__all__ = ['FEW', 'ListTexts', 'TextQuery', 'Texts']

Column = Callable[[str], 'Sequence[Any] | npt.NDArray[Any]']

#: So many changed rows, at least, are taken over one by one before all is indexed anew.
FEW = 1000


class TextQuery:
    """What to look for, and where.

    Parameters
    ----------
    field : str
        The path of the field.
    tokenizer : str
        How its text is cut into words.
    text : str
        The words, or an FTS5 expression.
    is_expression : bool
        Which of the two.
    """

    __slots__ = ('field', 'is_expression', 'text', 'tokenizer')

    def __init__(self, field: str, tokenizer: str, text: str, is_expression: bool = False) -> None:
        self.field = field
        self.tokenizer = tokenizer
        self.text = text
        self.is_expression = is_expression
        if is_expression and '\0' in text:
            raise InvalidArgument('an FTS5 expression has no NUL in it')


class Texts(ABC):
    """Text search over the Documents of one array."""

    def __init__(self) -> None:
        self._splitters: dict[str, Splitter] = {}

    def expressions(self, query: TextQuery) -> list[str]:
        """The query as FTS5 expressions whose scores add up; none if there is no word in it."""
        if query.is_expression:
            return [query.text] if query.text.strip() else []
        splitter = self._splitters.get(query.tokenizer)
        if splitter is None:
            splitter = self._splitters.setdefault(query.tokenizer, Splitter(query.tokenizer))
        return splitter.expressions(query.text)

    @abstractmethod
    def search(self, query: TextQuery, k: int | None) -> tuple[Ranked, str]:
        """Positions that match with their BM25 scores, in no order, and which index told.

        At least the best ``k`` of them, and all that are as good as the last.
        """

    @abstractmethod
    def empty(self, field: str) -> bool:
        """Whether no Document has a text in this field."""


class _ListIndex:
    """The index of one field, and the texts that are in it, by position."""

    def __init__(self, tokenizer: str) -> None:
        self.index: TextIndex = TextDatabase(tokenizer)
        self.texts: list[str | None] = []
        self.rows = np.empty(0, dtype=np.int64)
        self.positions = np.empty(0, dtype=np.int64)
        self.pid = os.getpid()

    def update(self, texts: list[str | None]) -> None:
        """Take the texts of now over: only those that are not there yet are indexed."""
        old = self.texts
        if texts == old:
            return
        shorter = min(len(old), len(texts))
        start = next((i for i in range(shorter) if old[i] != texts[i]), shorter)
        stop = next((i for i in range(shorter - start) if old[-1 - i] != texts[-1 - i]), None)
        tail = shorter - start if stop is None else stop
        gone, new = old[start : len(old) - tail], texts[start : len(texts) - tail]
        gone_rows = self.rows[start : len(old) - tail].tolist()
        # A text that only moved keeps its row.
        spare: dict[str, list[int]] = {}
        for text, row in zip(gone, gone_rows, strict=True):
            if text:
                spare.setdefault(text, []).append(row)
        rows, added, following = [], [], len(self.positions)
        for text in new:
            if not text:
                rows.append(-1)
                continue
            same = spare.get(text)
            if same:
                rows.append(same.pop())
                continue
            rows.append(following)
            added.append((following, text))
            following += 1
        removed = [(row, text) for text, left in spare.items() for row in left]
        self.index.change(_clean(removed), _clean(added))
        self.texts = texts
        self.rows = np.concatenate(
            [self.rows[:start], np.array(rows, dtype=np.int64), self.rows[len(old) - tail :]]
        )
        self.positions = np.full(following, -1, dtype=np.int64)
        there = np.flatnonzero(self.rows >= 0)
        self.positions[self.rows[there]] = there


def _clean(pairs: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Texts as an index takes them."""
    return [(row, words_of(text) or '') for row, text in pairs]


class ListTexts(Texts):
    """Text search in a list of Documents.

    Nothing tells when a Document changes, so each search compares the texts
    with those in the index (by identity first, which is fast) and indexes what
    is new.

    Parameters
    ----------
    column : callable
        Gives the value of a field path at each position.
    """

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._column = column
        self._indexes: dict[tuple[str, str], _ListIndex] = {}
        self._lock = threading.RLock()

    def search(self, query: TextQuery, k: int | None) -> tuple[Ranked, str]:
        expressions = self.expressions(query)
        with self._lock:
            texts = self._texts(query.field)
            kept = self._index(query.field, query.tokenizer, len(texts))
            kept.update(texts)
            rows, scores = kept.index.search(expressions, k)
            return (kept.positions[rows], scores), 'fts5 in memory'

    def _texts(self, field: str) -> list[str | None]:
        values = list(self._column(field))
        if set(map(type, values)) <= {str, type(None)}:
            return values
        return [words_of(value) for value in values]

    def _index(self, field: str, tokenizer: str, count: int) -> _ListIndex:
        kept = self._indexes.get((field, tokenizer))
        # Numbers of rows are not used again, and files not shared by processes.
        if kept is None or len(kept.positions) > 4 * max(count, FEW) or kept.pid != os.getpid():
            kept = self._indexes[field, tokenizer] = _ListIndex(tokenizer)
        return kept

    def empty(self, field: str) -> bool:
        return not any(self._texts(field))
