"""From an id to its position in a list that changes."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from typing import Any

from .fields import IdField

__all__ = ['IdLookup']

# So many deletions are kept aside before the lookup is made anew.
_MOST_DELETIONS = 2048

# What was remembered is deleted, but another of the same id may come before it.
_ANOTHER = -1


class IdLookup:
    """Remembers where ids are; made when first used, kept through deletions.

    What is remembered is the position at the time the lookup was made, the
    *original*. A deletion moves what is behind it by one, so the position now
    is the original less the number of deletions before it.
    """

    __slots__ = ('_deleted', '_id_changes', '_length', '_originals', '_unique')

    def __init__(self) -> None:
        self._originals: dict[Any, int] | None = None
        self._deleted: list[int] = []
        self._length = 0
        self._id_changes = -1
        self._unique = True

    def forget(self) -> None:
        """Positions changed in another way than by one deletion or an append."""
        self._originals = None

    def deleted(self, position: int) -> None:
        """The item at ``position`` was removed."""
        # What was appended since the last lookup is not remembered yet.
        if self._originals is None or position >= self._length:
            return
        if len(self._deleted) >= _MOST_DELETIONS:
            self.forget()
            return
        insort(self._deleted, self._original(position))
        self._length -= 1

    def _original(self, position: int) -> int:
        """The original of what is at ``position`` now."""
        low, high = 0, len(self._deleted)
        while low < high:
            middle = (low + high) // 2
            if self._deleted[middle] - middle <= position:
                low = middle + 1
            else:
                high = middle
        return position + low

    def find(
        self,
        key: str,
        length: int,
        id_at: Callable[[int], Any],
        all_ids: Callable[[], Sequence[Any]],
    ) -> int | None:
        """The last position whose id is ``key``, None if there is none."""
        if self._originals is None or self._id_changes != IdField.changes:
            self._build(all_ids())
        for position in range(self._length, length):
            self._add(id_at(position), position)
        self._length = length
        found = self._locate(key)
        if found is None or (found != _ANOTHER and id_at(found) == key):
            return found
        self._build(all_ids())
        return self._locate(key)

    def _locate(self, key: str) -> int | None:
        """The position of an id, as far as is remembered."""
        original = (self._originals or {}).get(key)
        if original is None:
            return None
        before = bisect_left(self._deleted, original)
        if before < len(self._deleted) and self._deleted[before] == original:
            return None if self._unique else _ANOTHER
        return original - before

    def _build(self, ids: Sequence[Any]) -> None:
        self._originals = {key: position for position, key in enumerate(ids)}
        self._unique = len(self._originals) == len(ids)
        self._deleted = []
        self._length = len(ids)
        self._id_changes = IdField.changes

    def _add(self, key: Any, position: int) -> None:
        assert self._originals is not None
        self._unique = self._unique and key not in self._originals
        self._originals[key] = position + len(self._deleted)
