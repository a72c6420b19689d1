"""Text search, and text and vectors together: from words and records to hits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .distance import check_limit
from .errors import InvalidArgument, InvalidType, LengthMismatch, UnknownField, did_you_mean
from .explanation import Explanation
from .matching import (
    Found,
    Options,
    collect,
    copies_of_self,
    filtered,
    metric_of,
    nearest,
    steady,
)
from .stored import StoredRecords
from .text_lists import TextQuery
from .textindex.words import TEXT_FIELDS, text_field, tokenizer_spec

if TYPE_CHECKING:
    from .records import Records

__all__ = ['TextOptions', 'as_texts', 'search_both', 'search_text']

Mask = npt.NDArray[np.bool_]
Ranking = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]

#: Hits of each ranking that are fused, at least; where more are wanted, so many times as many.
_DEPTH, _DEEPER = 100, 5


@dataclass(frozen=True, slots=True)
class TextOptions:
    """The arguments of ``find`` and ``match`` that are about text.

    Parameters
    ----------
    index : str
        The field to search.
    tokenizer : str, optional
        How text is cut into words; by default as the store says.
    syntax : {'words', 'fts5'}
        Whether queries are words, or expressions of FTS5.
    rrf_k : float
        The constant of reciprocal rank fusion.
    depth : int, optional
        How many hits of each ranking are fused.
    """

    index: Any = 'text'
    tokenizer: Any = None
    syntax: Any = 'words'
    rrf_k: Any = 60
    depth: Any = None


def as_texts(text: Any, count: int) -> list[str]:
    """One text for each of so many queries.

    Raises
    ------
    InvalidType
        If it is neither a str nor a list of them.
    LengthMismatch
        If there are more or fewer.
    """
    if isinstance(text, str):
        return [text] * count
    if not isinstance(text, (list, tuple)) or not all(isinstance(one, str) for one in text):
        raise InvalidType(f'text must be a str or a list of them, got {type(text).__name__}')
    if len(text) != count:
        raise LengthMismatch(f'{len(text)} texts came for {count} query vectors')
    return list(text)


class _TextRanking:
    """Ranks the Documents of some records by text."""

    def __init__(self, records: Records, text: TextOptions) -> None:
        self.field = text_field(text.index)
        self._named = text.index
        self._records = records
        tokenizer = text.tokenizer
        if tokenizer is None:
            tokenizer = 'unicode61'
            if isinstance(records, StoredRecords):
                tokenizer = records.store.index_config.tokenizer
        self.tokenizer = tokenizer_spec(tokenizer)
        if text.syntax not in ('words', 'fts5'):
            raise InvalidArgument(
                f'syntax={text.syntax!r} is not known{did_you_mean(text.syntax, ("words", "fts5"))}'
            )
        self._is_expression = text.syntax == 'fts5'
        self.place = 'fts5'

    def best(self, text: str, k: int, mask: Mask | None) -> Ranking:
        """The best ``k`` positions and their scores; equal scores by position."""
        if not len(self._records):
            return np.empty(0, dtype=np.int64), np.empty(0)
        query = TextQuery(self.field, self.tokenizer, text, self._is_expression)
        found, self.place = self._records.texts.search(query, k if mask is None else None)
        positions, scores = found
        if mask is not None:
            allowed = mask[positions]
            positions, scores = positions[allowed], scores[allowed]
        if k < len(scores):
            bound = np.partition(scores, len(scores) - k)[len(scores) - k]
            good = scores >= bound
            positions, scores = positions[good], scores[good]
        order = np.lexsort((positions, -scores))[:k]
        return positions[order], scores[order]

    def check_field(self) -> None:
        """Called when nothing was found: the name of a field may be misspelled.

        Raises
        ------
        UnknownField
            If it was taken for that of a tag, and no Document has it.
        """
        taken = self.field != self._named
        if taken and len(self._records) and self._records.texts.empty(self.field):
            raise UnknownField(
                f'index={self._named!r}: no document has a text in {self.field!r}'
                f'{did_you_mean(self._named, TEXT_FIELDS)}'
            )

    def explain(self, score: str, queries: int, facts: dict[str, Any]) -> Explanation:
        """How it went."""
        return Explanation(
            'text',
            score,
            queries=queries,
            index=self.place,
            field=self.field,
            tokenizer=self.tokenizer,
            **facts,
        )


def search_text(
    records: Records, texts: Sequence[str], options: Options, text: TextOptions
) -> Found:
    """Search records with words, ranked by BM25.

    Parameters
    ----------
    records : Records
    texts : sequence of str
        The queries.
    options : Options
        Of these ``limit``, ``filter``, ``only_id`` and ``metric_name``.
    text : TextOptions

    Raises
    ------
    InvalidArgument
        If an option is of no use.
    """
    _refuse_normalization(options)
    limit = check_limit(options.limit)
    score = options.metric_name or 'bm25'

    def search() -> Found:
        ranking = _TextRanking(records, text)
        mask, facts = filtered(records, options.filter)
        k = max(len(records) if limit is None else min(limit, len(records)), 1)
        ranked = [ranking.best(one, k, mask) for one in texts]
        if not any(len(positions) for positions, _ in ranked):
            ranking.check_field()
        told = ranking.explain(score, len(texts), facts)
        if not texts:
            return Found(records, [], [], score, options.only_id, told)
        found, rows, origins = collect(records, [positions for positions, _ in ranked])
        scores = [scores for _, scores in ranked]
        return Found(found, rows, scores, score, options.only_id, told, origins)

    return steady(records, search)


def search_both(
    records: Records,
    queries: npt.NDArray[Any],
    texts: Sequence[str],
    options: Options,
    text: TextOptions,
    own_ids: Sequence[str] | None = None,
) -> Found:
    """Search records with vectors and with words, and fuse the two rankings.

    A hit gets ``1 / (rrf_k + rank)`` from each ranking that it is in
    (reciprocal rank fusion; Cormack, Clarke and Buettcher, SIGIR 2009).

    Parameters
    ----------
    records : Records
    queries : ndarray of shape (q, dim)
    texts : sequence of str
        The words of each query.
    options : Options
    text : TextOptions
    own_ids : sequence of str, optional
        The ids of the queries, for ``exclude_self``.

    Raises
    ------
    InvalidArgument
        If an option is of no use.
    """
    _refuse_normalization(options)
    limit = check_limit(options.limit)
    constant = _check_constant(text.rrf_k)
    fixed = check_limit(text.depth)

    def search() -> Found:
        ranking = _TextRanking(records, text)
        metric = metric_of(records, options)
        mask, facts = filtered(records, options.filter)
        length = len(records)
        k = length if limit is None else min(limit, length)
        depth = max(k, min(length, fixed or max(_DEPTH, _DEEPER * k)), 1)
        excluded = list(_own_positions(records, own_ids)) if options.exclude_self else []
        spare = copies_of_self(records, own_ids or ()) if excluded else 0
        wanted = min(depth + spare, max(length, 1))
        vectors = (
            nearest(records, queries, wanted, metric, mask)
            if length
            else (np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0)))
        )
        fused = []
        for i, words in enumerate(texts):
            own = excluded[i] if excluded else np.empty(0, dtype=np.int64)
            by_vector = _without(own, (vectors[0][i], vectors[1][i]), depth)
            by_text = _without(own, ranking.best(words, wanted, mask), depth)
            fused.append(_fuse(by_vector, by_text, constant, k))
        return _found(records, fused, metric.name, options, ranking, facts)

    return steady(records, search)


@dataclass(frozen=True, slots=True)
class _Fused:
    """The hits of one query, with the score of each ranking, NaN where it has none."""

    positions: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    distances: npt.NDArray[np.float64]
    bm25: npt.NDArray[np.float64]


def _fuse(by_vector: Ranking, by_text: Ranking, constant: float, k: int) -> _Fused:
    positions = np.unique(np.concatenate([by_vector[0], by_text[0]]))
    total = np.zeros(len(positions))
    parts = []
    for found, values in (by_vector, by_text):
        places = np.searchsorted(positions, found)
        total[places] += 1 / (constant + np.arange(1, len(found) + 1))
        score = np.full(len(positions), np.nan)
        score[places] = values
        parts.append(score)
    order = np.argsort(-total, kind='stable')[:k]
    return _Fused(positions[order], total[order], parts[0][order], parts[1][order])


def _found(
    records: Records,
    fused: Sequence[_Fused],
    metric: str,
    options: Options,
    ranking: _TextRanking,
    facts: dict[str, Any],
) -> Found:
    path = 'exact'
    if isinstance(records, StoredRecords) and records.index.serves(options.metric or metric):
        path = records.index.name
    parts = (
        Explanation(path, metric, queries=len(fused), **facts),
        ranking.explain('bm25', len(fused), facts),
    )
    told = Explanation('hybrid', 'rrf', queries=len(fused), parts=parts, **facts)
    if not fused:
        return Found(records, [], [], 'rrf', options.only_id, told)
    found, rows, origins = collect(records, [one.positions for one in fused])
    more = {metric: [one.distances for one in fused], 'bm25': [one.bm25 for one in fused]}
    scores = [one.scores for one in fused]
    return Found(found, rows, scores, 'rrf', options.only_id, told, origins, more)


def _own_positions(
    records: Records, own_ids: Sequence[str] | None
) -> Iterator[npt.NDArray[np.int64]]:
    """Where Documents of the id of each query are."""
    if own_ids is None:
        return
    if isinstance(records, StoredRecords) and records.unique:
        rows = records.store.lookup(list(own_ids))
        for position in records.store.positions(rows).tolist():
            yield np.array([position] if position >= 0 else [], dtype=np.int64)
        return
    wanted: dict[str, list[int]] = {key: [] for key in own_ids}
    for position, key in enumerate(records.gather('id')):
        if key in wanted:
            wanted[key].append(position)
    for key in own_ids:
        yield np.array(wanted[key], dtype=np.int64)


def _without(own: npt.NDArray[np.int64], ranking: Ranking, depth: int) -> Ranking:
    keep = ~np.isin(ranking[0], own)
    return ranking[0][keep][:depth], ranking[1][keep][:depth]


def _check_constant(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise InvalidType(f'rrf_k must be a number, got {type(value).__name__}')
    if not 0 <= value < float('inf'):
        raise InvalidArgument(f'rrf_k must be at least 0 and finite, got {value!r}')
    return float(value)


def _refuse_normalization(options: Options) -> None:
    if options.normalization is not None:
        raise InvalidArgument(
            'normalization is for distances of vectors: BM25 and fused scores are larger for '
            'better hits as they are'
        )
