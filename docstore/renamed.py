"""Arguments of an evaluation under their old names, which still work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from warnings import warn

from .errors import InvalidType

__all__ = ['EvaluationArguments', 'evaluation_arguments']

_OLD = {'other': 'ground_truth', 'metric': 'metrics', 'metric_name': 'metric_names'}
#: How far above :func:`_warn` the call of the array's method is.
_USER = 4


@dataclass(slots=True)
class EvaluationArguments:
    """What an evaluation is given, by the present names.

    Attributes
    ----------
    metrics : list
    truth : DocumentArray or None
    names : list of str, or None
    options : dict
        What is left for the metrics.
    """

    metrics: list[Any]
    truth: Any
    names: list[str] | None
    options: dict[str, Any]


def evaluation_arguments(
    metrics: Any, ground_truth: Any, metric_names: Any, kwargs: Mapping[str, Any]
) -> EvaluationArguments:
    """The arguments of an evaluation; a DeprecationWarning is given for each old form.

    Raises
    ------
    InvalidType
        If there are no metrics, or they are no list.
    """
    options = dict(kwargs)
    given = {'ground_truth': ground_truth, 'metrics': metrics, 'metric_names': metric_names}
    for old, new in _OLD.items():
        if old in options:
            _warn(f'`{old}` is called `{new}` now, and will be removed in version 1.0')
            given[new] = options.pop(old)
    if hasattr(given['metrics'], '_records'):
        _warn('the ground truth is given as `ground_truth=` now, after the metrics')
        given['metrics'], given['ground_truth'] = given['ground_truth'], given['metrics']
    if given['metrics'] is None:
        raise InvalidType("metrics is missing: a list of names such as ['precision_at_k']")
    return EvaluationArguments(
        _listed('metrics', given['metrics']),
        given['ground_truth'],
        None if given['metric_names'] is None else _listed('metric_names', given['metric_names']),
        options,
    )


def _listed(name: str, value: Any) -> list[Any]:
    if isinstance(value, str) or callable(value):
        _warn(
            f'`{name}` is a list now; a single one will not be taken from version 1.0 on', _USER + 1
        )
        return [value]
    if not isinstance(value, Sequence):
        raise InvalidType(f'{name} must be a list, got {type(value).__name__}')
    return list(value)


def _warn(message: str, level: int = _USER) -> None:
    warn(message, DeprecationWarning, stacklevel=level)
