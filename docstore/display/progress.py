"""Progress bars of long calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

__all__ = ['tracked_steps']

T = TypeVar('T')


def tracked_steps(steps: Sequence[T], text: str, show: bool) -> Iterator[T]:
    """The steps one after the other; with a bar that moves on as each is done, if ``show``.

    Examples
    --------
    >>> list(tracked_steps([1, 2], 'Counting', show=False))
    [1, 2]
    """
    if not show:
        yield from steps
        return
    from rich.progress import track

    yield from track(steps, text)
