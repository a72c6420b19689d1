"""SQLite's FTS5, as far as every text index needs it: words, tables, ranking.

A query is data. It is cut into words by the tokenizer itself, and each word is
handed to FTS5 in quotes: nothing in it can be an operator.

FTS5 ranks by BM25 with ``k1 = 1.2`` and ``b = 0.75``: a word that ``n`` of
``N`` texts have, ``f`` times in this one of length ``d`` (mean length ``m``),
adds ``idf * f * (k1 + 1) / (f + k1 * (1 - b + b * d / m))`` with ``idf =
ln((N - n + 0.5) / (n + 0.5))``, or 0.000001 where that is not positive.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InvalidArgument, UnsupportedOperation
from .words import words_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Ranked = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]

__all__ = ['Splitter', 'create_index', 'search_index']

# FTS5 takes quadratic time to read an expression, so long queries go in parts.
_WORDS_AT_ONCE = 128
# How FTS5 begins to say what is wrong with an expression.
_REFUSALS = ('fts5', 'no such column', 'unterminated string', 'unknown special query')
_PAIR = np.dtype([('row', np.int64), ('score', np.float64)])


def create_index(connection: sqlite3.Connection, table: str, tokenizer: str) -> None:
    """Make an empty index, inside the transaction of the caller.

    It is contentless: it knows where words are, and keeps no text.

    Raises
    ------
    UnsupportedOperation
        If this SQLite has no FTS5.
    """
    try:
        connection.execute(
            f"CREATE VIRTUAL TABLE {table} USING fts5(words, content='', tokenize='{tokenizer}')"
        )
    except sqlite3.OperationalError as error:
        if 'no such module' in str(error) or 'tokenizer' in str(error):
            raise UnsupportedOperation(
                'text search needs an SQLite with FTS5, 3.34 or newer for trigrams; this Python '
                f'has {sqlite3.sqlite_version}: {error}'
            ) from None
        raise


class Splitter:
    """Makes FTS5 expressions of queries, for one tokenizer.

    Parameters
    ----------
    tokenizer : str
        As :func:`docstore.textindex.words.tokenizer_spec` writes it.

    Examples
    --------
    >>> Splitter('porter unicode61 remove_diacritics 2').expressions('Naïve, "shoes" OR')
    ['"naive" OR "or" OR "shoes"']
    """

    def __init__(self, tokenizer: str) -> None:
        # Stems are made of words once more when they are searched: here they stay whole.
        self._tokenizer = tokenizer.removeprefix('porter ')
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def expressions(self, query: str) -> list[str]:
        """The expressions whose scores add up to that of the query; none for no word."""
        text = words_of(query)
        if text is None:
            return []
        if self._tokenizer.startswith('trigram'):
            words: Iterable[str] = dict.fromkeys(text.split())
        else:
            words = self._words(text)
        quoted = ['"' + word.replace('"', '""') + '"' for word in words]
        return [
            ' OR '.join(quoted[start : start + _WORDS_AT_ONCE])
            for start in range(0, len(quoted), _WORDS_AT_ONCE)
        ]

    def _words(self, text: str) -> list[str]:
        """The different words of a text, as the tokenizer cuts them."""
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            execute = self._connection.execute
            execute('BEGIN')
            try:
                execute('INSERT INTO query (rowid, words) VALUES (1, ?)', (text,))
                return [word for (word,) in execute('SELECT term FROM known')]
            finally:
                execute('ROLLBACK')

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(':memory:', isolation_level=None, check_same_thread=False)
        weakref.finalize(self, connection.close)
        create_index(connection, 'query', self._tokenizer)
        connection.execute('CREATE VIRTUAL TABLE known USING fts5vocab(query, row)')
        return connection


def search_index(
    connection: sqlite3.Connection, table: str, expressions: Sequence[str], k: int | None
) -> Ranked:
    """Rows that match any of the expressions, and the sums of their scores.

    ``k`` as in :meth:`docstore.textindex.base.TextIndex.search`.

    Raises
    ------
    InvalidArgument
        If an expression, which a user wrote, is none.
    """
    try:
        return _search(connection, table, expressions, k)
    except sqlite3.OperationalError as error:
        text = str(error)
        if 'corrupt' in text or not text.startswith(_REFUSALS):
            raise
        shown = expressions[0] if len(expressions[0]) <= 80 else expressions[0][:77] + '...'
        raise InvalidArgument(
            f"{shown!r} is no FTS5 expression ({text}); leave out syntax='fts5' to search for words"
        ) from None


def _search(
    connection: sqlite3.Connection, table: str, expressions: Sequence[str], k: int | None
) -> Ranked:
    sql = f'SELECT rowid, rank FROM {table} WHERE {table} MATCH ?'  # noqa: S608 - our own name
    if len(expressions) == 1 and k is not None:
        best = _pairs(connection, f'{sql} ORDER BY rank LIMIT ?', (expressions[0], k + 1))
        if len(best) <= k or best['score'][k] != best['score'][k - 1]:
            return best['row'][:k].copy(), -best['score'][:k]
    parts = [_pairs(connection, sql, (one,)) for one in expressions]
    if len(parts) == 1:
        return parts[0]['row'].copy(), -parts[0]['score']
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    found = np.concatenate(parts)
    rows, places = np.unique(found['row'], return_inverse=True)
    return rows, -np.bincount(places, found['score'], len(rows)).astype(np.float64)


def _pairs(connection: sqlite3.Connection, sql: str, values: tuple[Any, ...]) -> Any:
    return np.fromiter(connection.execute(sql, values), _PAIR)
