"""Containers that tell when they change, so that a stored document follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, SupportsIndex

__all__ = ['TrackedDict', 'TrackedList', 'track']

Notify = Callable[[], None]


def track(value: Any, notify: Notify) -> Any:
    """``value`` with every dict and list in it replaced by a tracked copy.

    Parameters
    ----------
    value : Any
        A plain value.
    notify : callable
        Called, without arguments, after each change at any depth.

    Examples
    --------
    >>> changes = []
    >>> tags = track({'a': {'b': [1]}}, lambda: changes.append('!'))
    >>> tags['a']['b'].append(2)
    >>> tags, changes
    ({'a': {'b': [1, 2]}}, ['!'])
    """
    if isinstance(value, dict):
        return TrackedDict(value, notify)
    if isinstance(value, list):
        return TrackedList(value, notify)
    return value


class TrackedDict(dict[str, Any]):
    """A dict that calls ``notify`` after each change.

    Parameters
    ----------
    items : dict
        What it starts with; copied, dicts and lists in it too.
    notify : callable
        Called after each change.
    """

    __slots__ = ('notify',)

    def __init__(self, items: dict[str, Any], notify: Notify) -> None:
        super().__init__((key, track(value, notify)) for key, value in items.items())
        self.notify = notify

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, track(value, self.notify))
        self.notify()

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self.notify()

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]  # any mapping or pairs
        self.update(other)
        return self

    def clear(self) -> None:
        super().clear()
        self.notify()

    def pop(self, *args: Any) -> Any:
        value = super().pop(*args)
        self.notify()
        return value

    def popitem(self) -> tuple[str, Any]:
        item = super().popitem()
        self.notify()
        return item

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, value in dict(*args, **kwargs).items():
            super().__setitem__(key, track(value, self.notify))
        self.notify()

    def __reduce__(self) -> Any:
        return dict, (dict(self),)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        from copy import deepcopy

        return {key: deepcopy(value, memo) for key, value in self.items()}


class TrackedList(list[Any]):
    """A list that calls ``notify`` after each change.

    Parameters
    ----------
    items : iterable
        What it starts with; copied, dicts and lists in it too.
    notify : callable
        Called after each change.
    """

    __slots__ = ('notify',)

    def __init__(self, items: Iterable[Any], notify: Notify) -> None:
        super().__init__(track(value, notify) for value in items)
        self.notify = notify

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, slice):
            super().__setitem__(key, [track(item, self.notify) for item in value])
        else:
            super().__setitem__(key, track(value, self.notify))
        self.notify()

    def __delitem__(self, key: SupportsIndex | slice) -> None:
        super().__delitem__(key)
        self.notify()

    def __iadd__(self, values: Iterable[Any]) -> Any:  # type: ignore[misc]  # as list does
        self.extend(values)
        return self

    def __imul__(self, count: SupportsIndex) -> Any:
        super().__imul__(count)
        self.notify()
        return self

    def append(self, value: Any) -> None:
        super().append(track(value, self.notify))
        self.notify()

    def extend(self, values: Iterable[Any]) -> None:
        super().extend([track(value, self.notify) for value in values])
        self.notify()

    def insert(self, index: SupportsIndex, value: Any) -> None:
        super().insert(index, track(value, self.notify))
        self.notify()

    def pop(self, index: SupportsIndex = -1) -> Any:
        value = super().pop(index)
        self.notify()
        return value

    def remove(self, value: Any) -> None:
        super().remove(value)
        self.notify()

    def clear(self) -> None:
        super().clear()
        self.notify()

    def reverse(self) -> None:
        super().reverse()
        self.notify()

    def sort(self, **kwargs: Any) -> None:
        super().sort(**kwargs)
        self.notify()

    def __reduce__(self) -> Any:
        return list, (list(self),)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        from copy import deepcopy

        return [deepcopy(value, memo) for value in self]
