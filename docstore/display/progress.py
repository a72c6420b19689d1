"""Progress bars of long calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

__all__ = ['counted', 'tracked_steps']

T = TypeVar('T')


def tracked_steps(
    steps: Iterable[T], text: str, show: bool, total: int | None = None
) -> Iterator[T]:
    """The steps one after the other; with a bar that moves on as each is done, if ``show``.

    Parameters
    ----------
    steps : iterable
        What is done step by step.
    text : str
        What the bar says.
    show : bool
        Whether there is a bar.
    total : int, optional
        How many steps there will be, if ``steps`` has no length.

    Examples
    --------
    >>> list(tracked_steps([1, 2], 'Counting', show=False))
    [1, 2]
    """
    if not show:
        yield from steps
        return
    from rich.progress import track

    yield from track(
        steps, text, total=len(steps) if total is None and isinstance(steps, Sized) else total
    )


def counted(
    items: Iterable[T], text: str, show: bool, size: Callable[[T], int] = lambda _: 1
) -> Iterator[T]:
    """The items one after the other; with a count of the documents in them, if ``show``.

    Examples
    --------
    >>> list(counted([1, 2], 'Loading', show=False))
    [1, 2]
    """
    if not show:
        yield from items
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn('{task.description}'), TimeElapsedColumn())
    with Progress(*columns) as progress:
        task = progress.add_task(text, total=None)
        count = 0
        for item in items:
            count += size(item)
            progress.update(task, description=f'{text}: {count} documents', advance=1)
            yield item
