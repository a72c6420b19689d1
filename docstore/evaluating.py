"""Evaluation of the matches of an array: which of them are relevant, and how good that is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import InvalidArgument, LengthMismatch, MissingGroundTruth
from .hits import Hits
from .judging import Judge, Values, judges_of, name_of, put_values, score
from .memory import MemoryRecords
from .paths import walk_all
from .rankings import Rankings
from .stored import StoredRecords

if TYPE_CHECKING:
    from .document import Document
    from .records import Records

__all__ = [
    'Truth',
    'by_labels',
    'by_matches',
    'evaluate',
    'has_matches',
    'labels_of',
    'means',
    'warn_of_labels',
]

Hash = Callable[['Document'], Any]


@dataclass(frozen=True, slots=True)
class Truth:
    """What says which matches are relevant.

    Parameters
    ----------
    records : Records, optional
        Documents whose matches are the relevant ones.
    hash_fn : callable, optional
        What makes two Documents the same; by default their ids.
    strict : bool
        Whether both sides must have the same Documents in the same order.
    label_tag : str
        Otherwise the tag that relevant matches share with the query.
    label_counts : dict, optional
        How many Documents there are of each label.
    """

    records: Records | None = None
    hash_fn: Hash | None = None
    strict: bool = True
    label_tag: str = 'label'
    label_counts: Mapping[Any, int] | None = None


def evaluate(
    records: Records,
    metrics: Sequence[Any],
    truth: Truth,
    names: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """The mean of each metric over all Documents; each one's value goes into its evaluations.

    Raises
    ------
    InvalidArgument
        If an argument is of no use; nothing is written then.
    MissingGroundTruth
        If neither matches nor labels say what is relevant.
    """
    options = options or {}
    judges = judges_of(metrics, names, options)
    if not len(records):
        raise InvalidArgument('an empty DocumentArray cannot be evaluated')
    if has_matches(truth):
        rankings = by_matches(records, truth, _results_of(records, truth.hash_fn))
    else:
        own = labels_of(records, truth.label_tag)
        if truth.records is not None:
            warn_of_labels()
        found = list(_nested(records, f'tags__{truth.label_tag}'))
        rankings = by_labels(records, truth, own, found)
    ids = list(records.gather('id'))[: len(rankings)]
    values = score(judges, rankings, options, ids)
    put_values(records, judges, values, ids)
    return means(judges, values)


def means(judges: Sequence[Judge], values: Sequence[Values]) -> dict[str, float]:
    """The mean of each metric."""
    return {
        judge.name: float(column.mean()) if len(column) else 0.0
        for judge, column in zip(judges, values, strict=True)
    }


def _results_of(records: Records, hash_fn: Hash | None) -> list[list[Any]]:
    """For each Document what its matches are known by, best first."""
    if hash_fn is None:
        return list(_nested(records, 'id'))
    docs = iter(records)
    return [[hash_fn(match) for match in doc.matches] for doc in docs]


def _nested(records: Records, path: str) -> Iterable[list[Any]]:
    """The values at a path of the matches of each Document; no Document is made."""
    name, *keys = path.split('__')
    if isinstance(records, StoredRecords):
        for column in records.store.column('matches'):
            plain = [match.get(name) for match in column or ()]
            yield walk_all(plain, tuple(keys))
        return
    shared: dict[int, tuple[Records, npt.NDArray[Any]]] = {}
    for matches in records.gather('matches'):
        yield [] if matches is None else _gathered(matches._records, path, shared)


def _gathered(
    matches: Records, path: str, shared: dict[int, tuple[Records, npt.NDArray[Any]]]
) -> list[Any]:
    """The values at a path of matches; of what a search found for many queries, read once."""
    origin = matches.origin() if isinstance(matches, MemoryRecords) else None
    if origin is None or not isinstance(origin[0], Hits):
        return list(matches.gather(path))
    untouched = origin[0].untouched(origin[1])
    if untouched is None:
        return list(matches.gather(path))
    found, positions = untouched
    if id(found) not in shared:
        values = np.fromiter(found.gather(path), dtype=object, count=len(found))
        shared[id(found)] = found, values
    result: list[Any] = shared[id(found)][1][positions].tolist()
    return result


def has_matches(truth: Truth) -> bool:
    """Whether there is a ground truth that says anything; if not, labels are used."""
    return truth.records is not None and any(_nested(truth.records, 'id'))


def warn_of_labels() -> None:
    """Say that a ground truth is of no use."""
    from warnings import warn

    warn(
        'a ground_truth is given, but none of its documents has matches: the labels are '
        'used, and the ground truth is ignored',
        UserWarning,
        stacklevel=4,
    )


def by_matches(records: Records, truth: Truth, found: Sequence[Sequence[Any]]) -> Rankings:
    """Relevance where the true matches of each Document are known.

    Raises
    ------
    LengthMismatch
        If there are not as many Documents on both sides, and it is strict.
    InvalidArgument
        If the Documents are not the same ones, or one has no matches.
    """
    assert truth.records is not None
    if truth.strict:
        if len(records) != len(truth.records):
            raise LengthMismatch(
                f'Length must match: {len(records)} documents, but the ground truth has '
                f'{len(truth.records)}'
            )
        _check_aligned(records, truth)
    true = _results_of(truth.records, truth.hash_fn)
    flat: list[bool] = []
    repeated = False
    for at, (own, right) in enumerate(zip(found, true, strict=False)):
        if not own or not right:
            side, where = ('', records) if not own else (' of the ground truth', truth.records)
            raise InvalidArgument(f'{where.identity(at)}{side} has no matches')
        relevant = set(right)
        repeated = repeated or len(relevant) != len(right) or len(set(own)) != len(own)
        flat.extend(map(relevant.__contains__, own))
    if repeated:
        _warn_of_repeated(truth.hash_fn)
    pairs = min(len(found), len(true))
    lengths = np.fromiter(map(len, found[:pairs]), np.int64, pairs)
    counts = np.fromiter(map(len, true[:pairs]), np.int64, pairs)
    return Rankings(np.asarray(flat, dtype=np.float64), lengths, counts)


def _check_aligned(records: Records, truth: Truth) -> None:
    assert truth.records is not None
    sides = [
        list(side.gather('id')) if truth.hash_fn is None else [truth.hash_fn(doc) for doc in side]
        for side in (records, truth.records)
    ]
    if sides[0] != sides[1]:
        at = next(i for i, (a, b) in enumerate(zip(*sides, strict=True)) if a != b)
        raise InvalidArgument(
            f'{records.identity(at)} is not that of the ground truth there: '
            f'{sides[0][at]!r} and {sides[1][at]!r}; put both in the same order, or give '
            'strict=False to compare by position'
        )


def _warn_of_repeated(hash_fn: Hash | None) -> None:
    from warnings import warn

    what = 'the ids' if hash_fn is None else f'hash_fn={name_of(hash_fn)}'
    warn(
        f'{what} may not be valid: several matches of one document are the same by them, and '
        'the results may be wrong',
        UserWarning,
        stacklevel=5,
    )


def labels_of(records: Records, label_tag: str) -> list[Any]:
    """The label of each Document.

    Raises
    ------
    MissingGroundTruth
        If none has one.
    InvalidArgument
        If only some have.
    """
    labels = list(records.gather(f'tags__{label_tag}'))
    missing = [at for at, label in enumerate(labels) if label is None]
    if len(missing) == len(labels):
        raise MissingGroundTruth(
            'nothing says which matches are relevant: give a ground_truth with matches, or '
            f'labels in tags[{label_tag!r}]'
        )
    if missing:
        raise InvalidArgument(f'{records.identity(missing[0])} has no label in tags[{label_tag!r}]')
    return labels


def by_labels(
    records: Records, truth: Truth, own: Sequence[Any], found: Sequence[Sequence[Any]]
) -> Rankings:
    """Relevance where matches are relevant that have the label of their query.

    Raises
    ------
    InvalidArgument
        If a Document has no matches, one of them has no label, or a label has
        no count.
    """
    flat: list[bool] = []
    for at, (label, labels) in enumerate(zip(own, found, strict=True)):
        if not labels:
            raise InvalidArgument(f'{records.identity(at)} has no matches')
        unknown = [rank for rank, other in enumerate(labels) if other is None]
        if unknown:
            raise InvalidArgument(
                f'match {unknown[0]} of {records.identity(at)} has no label in '
                f'tags[{truth.label_tag!r}]'
            )
        flat.extend([bool(other == label) for other in labels])
    counts = None
    if truth.label_counts is not None:
        counts = np.array([_count_of(truth.label_counts, label) for label in own], dtype=np.int64)
    lengths = np.fromiter(map(len, found), np.int64, len(found))
    return Rankings(np.asarray(flat, dtype=np.float64), lengths, counts)


def _count_of(counts: Mapping[Any, int], label: Any) -> int:
    try:
        return int(counts[label])
    except (KeyError, TypeError):
        raise InvalidArgument(
            f'num_relevant_documents_per_label has no number for the label {label!r}'
        ) from None
