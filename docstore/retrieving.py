"""Embedding, matching and evaluating in one go, with an index that is not kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .distance import (
    Metric,
    check_limit,
    check_normalization,
    distance_range,
    normalize,
    resolve_metric,
    top_k,
)
from .embedding import EmbedOptions, embedded, embedded_by
from .errors import InvalidArgument, InvalidVector, LengthMismatch, MissingModel
from .evaluating import Truth, by_labels, by_matches, has_matches, labels_of, means, warn_of_labels
from .hits import Hits
from .judging import judges_of, put_values, score
from .memory import MemoryRecords
from .processing import check_batch_size
from .table import Table

if TYPE_CHECKING:
    from .rankings import Rankings
    from .records import Records

__all__ = ['Encoder', 'Retrieval', 'embed_and_evaluate']

Matrix = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Encoder:
    """What gives Documents their vectors: a model, or a function of Documents."""

    model: Any
    function: Callable[[Records], Any] | None
    options: EmbedOptions

    def vectors(self, records: Records) -> Matrix:
        """The vectors of Documents, one a line."""
        if self.model is not None:
            matrix = embedded(records, self.model, self.options)
        elif self.function is not None:
            matrix = embedded_by(records, self.function, self.options)
        else:
            raise MissingModel(
                'nothing was given that embeds the documents: give embed_models or embed_funcs'
            )
        return np.empty((0, 0), dtype=np.float32) if matrix is None else matrix


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How Documents are embedded and matched.

    Parameters
    ----------
    encoders : pair of Encoder
        For the queries, and for the index.
    distance, limit, normalization, exclude_self, use_scipy
        As in ``match``.
    block : int
        How many Documents of the index are embedded and searched at once.
    sample : int, optional
        How many queries are taken, by chance, if there are more.
    """

    encoders: tuple[Encoder, Encoder]
    distance: Any = 'cosine'
    limit: Any = 20
    normalization: Any = None
    exclude_self: bool = False
    use_scipy: bool = False
    block: Any = 100_000
    sample: int | None = 1_000


def embed_and_evaluate(
    records: Records,
    index: Records,
    metrics: Sequence[Any],
    names: Sequence[str] | None,
    truth: Truth,
    retrieval: Retrieval,
    options: Mapping[str, Any],
) -> dict[str, float]:
    """Embed queries and index, match them, and evaluate the matches.

    Embeddings, matches and evaluations of the queries are written when all of
    them are there. The index stays as it is.
    """
    judges = judges_of(metrics, names, options)
    for side, what in ((records, 'DocumentArray'), (index, 'index')):
        if not len(side):
            raise InvalidArgument(f'an empty {what} cannot be evaluated')
    by_truth = has_matches(truth)
    tag = truth.label_tag
    labels = None if by_truth else labels_of(index, tag)
    if truth.records is not None and not by_truth:
        warn_of_labels()
    queries, truth = _sampled(records, truth, retrieval.sample)
    own = None if by_truth else labels_of(queries, tag)
    vectors = retrieval.encoders[0].vectors(queries)
    both = queries is index and retrieval.encoders[0] is retrieval.encoders[1]
    found = _Search(queries, index, retrieval, vectors if both else None).run(vectors)
    ids = list(index.gather('id'))
    tags = None if labels is None else [_tags(tag, label) for label in labels]
    results = MemoryRecords.of(_table(ids, tags), range(len(ids)))
    if labels is None or own is None:
        keys = ids if truth.hash_fn is None else [truth.hash_fn(doc) for doc in index]
        hashes = [[keys[at] for at in row.tolist()] for row in found.positions]
        rankings = by_matches(queries, truth, hashes)
    else:
        counted = replace(truth, label_counts=truth.label_counts or _counts(labels))
        rankings = by_labels(
            queries, counted, own, [[labels[at] for at in row.tolist()] for row in found.positions]
        )
        if retrieval.exclude_self and truth.label_counts is None:
            rankings = _without_self(rankings, queries, ids)
    query_ids = list(queries.gather('id'))
    values = score(judges, rankings, options, query_ids)
    with _together(records):
        queries.put('embedding', vectors)
        levels = queries.gather('adjacency')
        queries.put_matches(
            [
                _hits(results, row, distances, found.score, (level or 0) + 1)
                for row, distances, level in zip(
                    found.positions, found.distances, levels, strict=True
                )
            ]
        )
        put_values(queries, judges, values, query_ids)
    return means(judges, values)


def _without_self(rankings: Rankings, queries: Records, ids: Sequence[Any]) -> Rankings:
    """Do not count a query that is in the index among those that it could have found."""
    assert rankings.max_rel is not None
    known = Counter(ids)
    own = np.array([known[key] for key in queries.gather('id')], dtype=np.int64)
    return replace(rankings, max_rel=rankings.max_rel - own)


@contextmanager
def _together(records: Records) -> Iterator[None]:
    """One transaction, if the Documents are in a store."""
    if not records.persistent:
        yield
        return
    records.begin()
    try:
        yield
    except BaseException:
        records.end(failed=True)
        raise
    records.end(failed=False)


def _hits(
    results: Records, positions: Ints, distances: Matrix, score: str, level: int
) -> MemoryRecords:
    source = Hits(results, positions, distances, score, adjacency=level)
    return MemoryRecords.of(source, range(len(positions)))


def _table(ids: list[Any], tags: list[Any] | None) -> Table:
    """What the matches show of the Documents of the index."""
    return Table(len(ids), {'id': ids} if tags is None else {'id': ids, 'tags': tags})


def _tags(path: str, label: Any) -> dict[str, Any]:
    for key in reversed(path.split('__')):
        label = {key: label}
    result: dict[str, Any] = label
    return result


def _counts(labels: Sequence[Any]) -> Mapping[Any, int]:
    try:
        return Counter(labels)
    except TypeError:
        raise InvalidArgument(
            'the labels must be hashable (str, int ...) to be counted; or give '
            'num_relevant_documents_per_label'
        ) from None


def _sampled(records: Records, truth: Truth, size: int | None) -> tuple[Records, Truth]:
    """As many queries by chance, in their order, with the part of the truth that is theirs."""
    if size is None or len(records) <= size:
        return records, truth
    import random

    rows = np.sort(np.array(random.sample(range(len(records)), size), dtype=np.int64))
    if truth.records is None:
        return records.take(rows), truth
    if len(truth.records) != len(records) and truth.strict:
        raise LengthMismatch(
            f'Length must match: {len(records)} documents, but the ground truth has '
            f'{len(truth.records)}'
        )
    rows = rows[rows < len(truth.records)]
    return records.take(rows), replace(truth, records=truth.records.take(rows))


# ------------------------------------------------------------------ the search


@dataclass(slots=True)
class _Results:
    """Positions in the index and distances, best first, of each query."""

    positions: list[Ints]
    distances: list[Matrix]
    score: str


class _Search:
    """A search of an index that is embedded block by block, and then forgotten."""

    def __init__(
        self, queries: Records, index: Records, retrieval: Retrieval, known: Matrix | None
    ) -> None:
        self._known = known
        self._queries = queries
        self._index = index
        self._encoder = retrieval.encoders[1]
        self._metric: Metric = resolve_metric(retrieval.distance, retrieval.use_scipy)
        limit = check_limit(retrieval.limit)
        self._limit = len(index) if limit is None else min(limit, len(index))
        self._span = check_normalization(retrieval.normalization)
        self._block = check_batch_size(retrieval.block)
        self._own = list(queries.gather('id')) if retrieval.exclude_self else None

    def run(self, vectors: Matrix) -> _Results:
        """The nearest of all blocks."""
        count = len(vectors)
        best = np.empty((count, 0), np.int64), np.empty((count, 0))
        low, high = np.full(count, np.nan), np.full(count, np.nan)
        for start in range(0, len(self._index), self._block):
            stop = min(start + self._block, len(self._index))
            part = self._index.take(range(start, stop))
            if self._known is None:
                block = self._encoder.vectors(part)
            else:
                block = self._known[start:stop]
            try:
                best = self._merged(best, start, part, block, vectors)
                if self._span is not None:
                    least, most = distance_range(self._metric, block, vectors)
                    low, high = np.fmin(low, least), np.fmax(high, most)
            except InvalidVector as error:
                side, row = (part, error.row) if error.row >= 0 else (self._queries, -1 - error.row)
                raise InvalidVector(f'{side.identity(row)}: {error}', row=row) from None
        places, distances = best
        if self._span is not None:
            distances = normalize(distances, low, high, self._span)
        kept = places >= 0
        return _Results(
            [row[there] for row, there in zip(places, kept, strict=True)],
            [row[there] for row, there in zip(distances, kept, strict=True)],
            self._metric.name,
        )

    def _merged(
        self, best: tuple[Ints, Matrix], start: int, part: Records, block: Matrix, vectors: Matrix
    ) -> tuple[Ints, Matrix]:
        """The best so far, and those of a block; what is left out has the position -1."""
        own = None if self._own is None else np.asarray(self._own, dtype=object)
        ids = np.asarray(list(part.gather('id')), dtype=object)
        more = 0 if own is None else max(Counter(ids[np.isin(ids, own)]).values(), default=0)
        positions, distances = top_k(self._metric, block, vectors, self._limit + more)
        distances = distances.astype(np.float64)
        positions += start
        if own is not None:
            left = ids[positions - start] == own[:, None]
            distances[left], positions[left] = np.inf, -1
        places = np.hstack([best[0], positions])
        found = np.hstack([best[1], distances])
        order = np.argsort(found, axis=1, kind='stable')[:, : self._limit]
        return np.take_along_axis(places, order, axis=1), np.take_along_axis(found, order, axis=1)
