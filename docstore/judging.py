"""The metrics of an evaluation: which are asked for, what they say, where that is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import InvalidArgument, InvalidType, did_you_mean
from .rankings import RANKING_METRICS, RankingMetric, Rankings, ranking_metric
from .score import NamedScore, Scores
from .stored import StoredRecords

if TYPE_CHECKING:
    from .records import Records

__all__ = ['Judge', 'Values', 'judges_of', 'name_of', 'put_values', 'score']

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judge:
    """A metric under the name that its values are kept under.

    Attributes
    ----------
    name : str
        The key in ``evaluations``.
    function : RankingMetric or callable
        One of ours, or ``(relevance, **options) -> float`` of a user.
    takes : frozenset of str
        The options that it takes.
    takes_all : bool
        Whether it takes options of any name.
    """

    name: str
    function: Any
    takes: frozenset[str]
    takes_all: bool = False

    @property
    def operation(self) -> str:
        """The name of the metric itself."""
        if isinstance(self.function, RankingMetric):
            return self.function.name
        return name_of(self.function)


def judges_of(
    metrics: Sequence[Any], names: Sequence[str] | None, options: Mapping[str, Any]
) -> list[Judge]:
    """The metrics that are asked for, each under its name.

    Raises
    ------
    UnknownMetric
        If a name stands for no metric.
    InvalidArgument
        If there is another number of names, or an option that no metric takes.
    """
    if names is not None and len(names) != len(metrics):
        raise InvalidArgument(
            f'metric_names must be one for each metric: {len(metrics)} metrics, {len(names)} names'
        )
    judges = [
        _judge(metric, None if names is None else names[at]) for at, metric in enumerate(metrics)
    ]
    known = {name for judge in judges for name in judge.takes} | {'k', 'method', 'max_rel'}
    for name in options:
        if name not in known and not any(judge.takes_all for judge in judges):
            raise InvalidArgument(
                f'evaluate has no argument {name!r}, and none of the metrics has'
                f'{did_you_mean(name, known)}'
            )
    return judges


def _judge(metric: Any, name: str | None) -> Judge:
    if isinstance(metric, str):
        ours: RankingMetric | None = ranking_metric(metric)
    else:
        own = getattr(metric, '__module__', '') == 'docstore.evaluation'
        ours = RANKING_METRICS.get(getattr(metric, '__name__', '')) if own else None
    if not isinstance(name, (str, type(None))):
        raise InvalidType(f'a metric name must be a str, got {type(name).__name__}')
    if ours is not None:
        return Judge(name or ours.name, ours, ours.options)
    if not callable(metric):
        raise InvalidType(
            'a metric must be a name or a function of a relevance list, got '
            f'{type(metric).__name__}{did_you_mean(metric, RANKING_METRICS)}'
        )
    try:
        parameters = signature(metric).parameters.values()
    except (TypeError, ValueError):
        parameters = ()  # type: ignore[assignment]  # one of C, which takes a list
    named = {p.name for p in list(parameters)[1:] if p.kind is not Parameter.VAR_KEYWORD}
    wild = any(p.kind is Parameter.VAR_KEYWORD for p in parameters)
    return Judge(name or name_of(metric), metric, frozenset(named), wild)


def name_of(function: Any) -> str:
    """What a function is called."""
    inner = getattr(function, 'func', function)  # of a functools.partial
    return str(getattr(inner, '__name__', type(inner).__name__))


def score(
    judges: Sequence[Judge], rankings: Rankings, options: Mapping[str, Any], ids: Sequence[Any]
) -> list[Values]:
    """The values of each metric, one for each ranking.

    Raises
    ------
    InvalidArgument
        If a metric lacks an option, or gives NaN; the message names the document.
    """
    if options.get('max_rel') is not None:
        counts = np.full(len(rankings), int(options['max_rel']), dtype=np.int64)
        rankings = replace(rankings, max_rel=counts)
    return [_values_of(judge, rankings, options, ids) for judge in judges]


def _values_of(
    judge: Judge, rankings: Rankings, options: Mapping[str, Any], ids: Sequence[Any]
) -> Values:
    if not isinstance(judge.function, RankingMetric):
        return _own_values(judge, rankings, options, ids)
    try:
        return judge.function(rankings, **options)
    except InvalidArgument as error:
        query = getattr(error, 'query', None)
        if query is None:
            raise
        raise InvalidArgument(f'the document {ids[query]!r}: {error}') from None


def _own_values(
    judge: Judge, rankings: Rankings, options: Mapping[str, Any], ids: Sequence[Any]
) -> Values:
    """What a user's own function gives for each ranking."""
    given = {
        name: value for name, value in options.items() if judge.takes_all or name in judge.takes
    }
    relevance = rankings.gains.astype(np.int64).tolist()
    values = np.empty(len(rankings))
    start = 0
    for at, length in enumerate(rankings.lengths.tolist()):
        if rankings.max_rel is not None and 'max_rel' in judge.takes:
            given['max_rel'] = int(rankings.max_rel[at])
        value = judge.function(relevance[start : start + length], **given)
        start += length
        try:
            values[at] = float(value)
        except (TypeError, ValueError):
            raise InvalidType(
                f'the metric {judge.name!r} must give a number, it gave {value!r} for the '
                f'document {ids[at]!r}'
            ) from None
        if not np.isfinite(values[at]):
            raise InvalidArgument(
                f'the metric {judge.name!r} gave {value!r} for the document {ids[at]!r}'
            )
    return values


def put_values(
    records: Records, judges: Sequence[Judge], values: Sequence[Values], ids: Sequence[Any]
) -> None:
    """Put the values into the evaluations of the Documents, all or none."""
    if not judges:
        return
    columns = [column.tolist() for column in values]
    rows = zip(*columns, strict=True)
    fresh = [
        {
            judge.name: NamedScore(value=value, op_name=judge.operation, ref_id=key)
            for judge, value in zip(judges, row, strict=True)
        }
        for key, row in zip(ids, rows, strict=True)
    ]
    positions = range(len(fresh))
    known = _evaluations(records, positions)
    # Those that a Document in memory has already are changed where they are; all others
    # are written at once.
    others = [at for at in positions if not _free(known[at])]
    written = [Scores({**_plain(known[at]), **fresh[at]}) for at in others]
    if len(others) == len(records):
        records.put('evaluations', written)
    elif others:
        records.put('evaluations', written, np.asarray(others, dtype=np.int64))
    for at in positions:
        if _free(known[at]):
            known[at].update(fresh[at])


def _evaluations(records: Records, positions: range) -> Sequence[Any]:
    if isinstance(records, StoredRecords):
        return records.store.column('evaluations', records.store.rows(0, positions.stop))
    return list(records.gather('evaluations', positions))


def _free(scores: Any) -> bool:
    """Whether scores can be changed in place without anything being written."""
    return isinstance(scores, Scores) and scores._notify is None


def _plain(scores: Any) -> dict[str, Any]:
    return {} if scores is None else dict(Scores(scores).records())
