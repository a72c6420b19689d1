"""Documents of a list as a search found them, whatever is done to them later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .document import Document
from .paths import walk_all
from .state import State, clone, freeze

if TYPE_CHECKING:
    from .records import SearchSet
    from .table import Rows

__all__ = ['FrozenSource']


class FrozenSource:
    """The fields that Documents hold now; no Document is made of them unless asked for.

    Nothing tells when a dict of fields changes, so they are copied at once, but only
    as far as :func:`docstore.state.freeze` does it.

    Parameters
    ----------
    states : iterable of State
        The fields of each Document.
    """

    def __init__(self, states: Iterable[State]) -> None:
        self._states = list(map(freeze, states))
        self._documents: dict[int, Document] = {}

    def document(self, row: int) -> Document:
        """The Document of a row; the same each time."""
        return self._documents.setdefault(row, Document._wrap(self._states[row]))

    def detached(self, row: int, skip: tuple[str, ...]) -> dict[str, Any]:
        """A deep copy of the fields of a row."""
        return clone(self._states[row], skip=skip)

    def gather(self, path: str, rows: Rows) -> list[Any]:
        """The values of a field path in rows, None where unset."""
        name, *keys = path.split('__') if not path.startswith('_') else (path,)
        values = [self._states[row].get(name) for row in np.asarray(rows).tolist()]
        return walk_all(values, tuple(keys))

    def put(self, name: str, rows: Rows, values: Sequence[Any] | npt.NDArray[Any] | None) -> None:
        """Set a field of rows; None unsets it."""
        for at, row in enumerate(rows):
            setattr(self.document(int(row)), name, None if values is None else values[at])

    def search_set(self, name: str, rows: Rows) -> SearchSet | None:
        """None: the vectors are not kept in one matrix."""
        return None

    def kept(self, rows: Rows) -> FrozenSource:
        """A source of these rows as they are now."""
        return FrozenSource(self._states)
