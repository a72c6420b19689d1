"""A bar that counts the documents of a long load or save."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ['counted']

T = TypeVar('T')


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
