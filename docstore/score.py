"""Named scores: what a search or an evaluation says of a Document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from .errors import InvalidArgument, UnknownField, did_you_mean

__all__ = ['NamedScore', 'Scores']

_DEFAULTS: dict[str, Any] = {'value': 0.0, 'op_name': '', 'description': '', 'ref_id': ''}


class _ScoreField:
    """One field of a score, with its default for reading."""

    __slots__ = ('name',)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, score: Any, owner: Any = None) -> Any:
        if score is None:
            return self
        value = score._data.get(self.name)
        return _DEFAULTS[self.name] if value is None else value

    def __set__(self, score: NamedScore, value: Any) -> None:
        if value is None:
            score._data.pop(self.name, None)
        else:
            score._data[self.name] = value
        if score._notify is not None:
            score._notify()


class NamedScore:
    """A value with the name of the operation that gave it.

    Parameters
    ----------
    _obj : NamedScore or dict, optional
        What to start from; shared with a NamedScore unless ``copy``.
    copy : bool
        Whether to copy ``_obj``.
    **kwargs
        Any of ``value`` (float, default 0.0), ``op_name``, ``description``
        and ``ref_id`` (str, default empty).

    Raises
    ------
    UnknownField
        If another name is given (also an ``AttributeError``).

    Examples
    --------
    >>> score = NamedScore(value=0.5, op_name='cosine')
    >>> score.value, score.ref_id
    (0.5, '')
    >>> score
    {'value': 0.5, 'op_name': 'cosine'}
    """

    __slots__ = ('_data', '_notify')

    _data: dict[str, Any]
    _notify: Callable[[], None] | None

    value = _ScoreField('value')
    op_name = _ScoreField('op_name')
    description = _ScoreField('description')
    ref_id = _ScoreField('ref_id')

    def __init__(
        self, _obj: NamedScore | Mapping[str, Any] | None = None, copy: bool = False, **kwargs: Any
    ) -> None:
        self._notify = None
        if isinstance(_obj, NamedScore):
            self._data = dict(_obj._data) if copy or kwargs else _obj._data
            fields: Mapping[str, Any] = kwargs
        elif _obj is None or isinstance(_obj, Mapping):
            self._data = {}
            fields = {**kwargs, **(_obj or {})}
        else:
            raise InvalidArgument(
                f'a NamedScore is made of a NamedScore or a dict, not of {type(_obj).__name__}'
            )
        for name, value in fields.items():
            if name not in _DEFAULTS:
                raise UnknownField(
                    f'NamedScore has no field {name!r}{did_you_mean(name, _DEFAULTS)}'
                )
            if value is not None:
                self._data[name] = value

    def to_dict(self) -> dict[str, Any]:
        """The fields that are set."""
        return {name: self._data[name] for name in _DEFAULTS if name in self._data}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NamedScore):
            return NotImplemented
        return self._data == other._data

    def __hash__(self) -> int:
        return hash(tuple(self.to_dict().items()))

    def __repr__(self) -> str:
        return repr(self.to_dict())

    def __reduce__(self) -> Any:
        return NamedScore, (self.to_dict(),)

    def __deepcopy__(self, memo: dict[int, Any]) -> NamedScore:
        return NamedScore(deepcopy(self._data, memo))


class Scores(dict[str, NamedScore]):
    """Scores by name; reading an unknown name makes an empty score.

    Parameters
    ----------
    items : mapping, optional
        Scores, as NamedScores or as mappings of their fields.
    notify : callable, optional
        Called after each change, also of a score in it.

    Examples
    --------
    >>> scores = Scores()
    >>> scores['cosine'].value = 0.25
    >>> scores
    {'cosine': {'value': 0.25}}
    """

    __slots__ = ('_notify',)

    def __init__(
        self, items: Mapping[str, Any] | None = None, notify: Callable[[], None] | None = None
    ) -> None:
        self._notify = notify
        super().__init__((name, self._own(score)) for name, score in (items or {}).items())

    def _own(self, score: Any) -> NamedScore:
        if self._notify is None and isinstance(score, NamedScore):
            return score
        own = NamedScore(score, copy=True)
        own._notify = self._notify
        return own

    def __missing__(self, name: str) -> NamedScore:
        score = self._own(NamedScore())
        super().__setitem__(name, score)
        return score

    def __setitem__(self, name: str, score: Any) -> None:
        super().__setitem__(name, self._own(score))
        self._changed()

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._changed()

    def clear(self) -> None:
        super().clear()
        self._changed()

    def pop(self, *args: Any) -> Any:
        score = super().pop(*args)
        self._changed()
        return score

    def popitem(self) -> tuple[str, NamedScore]:
        item = super().popitem()
        self._changed()
        return item

    def setdefault(self, name: str, default: Any = None) -> NamedScore:
        if name not in self:
            self[name] = default
        return self[name]

    def update(self, *args: Any, **kwargs: Any) -> None:
        for name, score in dict(*args, **kwargs).items():
            super().__setitem__(name, self._own(score))
        self._changed()

    def records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The names with the plain fields of their scores."""
        for name, score in self.items():
            yield name, score.to_dict()

    def _changed(self) -> None:
        if self._notify is not None:
            self._notify()

    def __reduce__(self) -> Any:
        return Scores, (dict(self.records()),)

    def __deepcopy__(self, memo: dict[int, Any]) -> Scores:
        return Scores(dict(self.records()))
