"""The results of a search: rows and distances until somebody looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .document import Document
from .schema import FIELD_BY_NAME
from .score import NamedScore, Scores
from .state import freeze

if TYPE_CHECKING:
    from .records import Records, SearchSet
    from .table import Rows, Source

__all__ = ['Hits']


class Hits:
    """What one query found, best first.

    A hit becomes a Document when it is looked at: a copy of the found one as
    it was when it was found, without its matches, with the distance among its
    scores. Changing it does not change the found Document.

    Parameters
    ----------
    found : Records
        The Documents that were found, by any query, as ``Records.found`` keeps them.
    positions : ndarray of int64 of shape (hits,)
        Where the hits are in ``found``.
    distances : ndarray of shape (hits,)
        Their distances.
    score : str
        The name of the score.
    only_id : bool
        Whether hits have only id and score.
    adjacency : int, optional
        What hits have for adjacency, if they become matches.
    more : mapping of str to ndarray, optional
        Further scores by name; NaN where a hit has none of this name.
    """

    __slots__ = (
        '_adjacency',
        '_distances',
        '_documents',
        '_found',
        '_more',
        '_only_id',
        '_positions',
        '_score',
    )

    def __init__(
        self,
        found: Records,
        positions: npt.NDArray[np.int64],
        distances: npt.NDArray[Any],
        score: str,
        only_id: bool = False,
        adjacency: int | None = None,
        more: Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> None:
        self._found = found
        self._positions = positions
        self._distances = distances
        self._score = score
        self._only_id = only_id
        self._adjacency = adjacency
        self._more = more or {}
        self._documents: dict[int, Document] = {}

    def document(self, row: int) -> Document:
        doc = self._documents.get(row)
        if doc is None:
            doc = self._documents.setdefault(row, Document._wrap(self.detached(row, ())))
        return doc

    def detached(self, row: int, skip: tuple[str, ...]) -> dict[str, Any]:
        position = int(self._positions[row])
        if self._only_id:
            data: dict[str, Any] = {
                'id': self._found.gather('id', self._positions[row : row + 1])[0]
            }
        else:
            data = self._found.detached(position, ('matches', *skip))
        scores = Scores(data.get('scores'))
        for name, values in self._more.items():
            if values[row] == values[row]:
                scores[name] = NamedScore(value=float(values[row]))
        scores[self._score] = NamedScore(value=float(self._distances[row]))
        data['scores'] = scores
        if self._adjacency is not None:
            data['adjacency'] = self._adjacency
        return data

    def untouched(self, rows: Rows) -> tuple[Records, npt.NDArray[np.int64]] | None:
        """What was found by any query, and where in it these hits are; None if a hit was
        looked at, and may have been changed.
        """
        if self._documents or self._only_id:
            return None
        return self._found, self._positions[np.asarray(rows, dtype=np.int64)]

    def gather(self, path: str, rows: Rows) -> list[Any] | npt.NDArray[Any]:
        name = path.split('__', maxsplit=1)[0]
        own = path == f'scores__{self._score}__value'
        if not own and (
            (self._only_id and name != 'id')
            or name in ('scores', 'chunks', 'matches', 'adjacency')
            # What could be changed in place must be the hit's, not the found Document's.
            or (path in FIELD_BY_NAME and FIELD_BY_NAME[path].container)
        ):
            return [_value(self.document(int(row)), path) for row in rows]
        chosen = np.asarray(rows, dtype=np.int64)
        values: list[Any] | npt.NDArray[Any]
        if own:
            values = self._distances[chosen].astype(np.float64).tolist()
        else:
            values = self._found.gather(path, self._positions[chosen])
            if isinstance(values, list):
                values = [deepcopy(v) if isinstance(v, (dict, list)) else v for v in values]
        if not self._documents:
            return values
        # Those that somebody looked at may have been changed since.
        looked_at = (self._documents.get(int(row)) for row in rows)
        return [
            value if doc is None else _value(doc, path)
            for value, doc in zip(values, looked_at, strict=True)
        ]

    def put(self, name: str, rows: Rows, values: Sequence[Any] | npt.NDArray[Any] | None) -> None:
        for at, row in enumerate(rows):
            setattr(self.document(int(row)), name, None if values is None else values[at])

    def kept(self, rows: Rows) -> Source:
        hits = Hits(
            self._found,
            self._positions,
            self._distances,
            self._score,
            self._only_id,
            self._adjacency,
            self._more,
        )
        for row, doc in self._documents.copy().items():
            hits._documents[row] = Document._wrap(freeze(doc._data))
        return hits

    def search_set(self, name: str, rows: Rows) -> SearchSet | None:
        return None


def _value(doc: Document, path: str) -> Any:
    """What is at a path of a Document; of a field by itself, None where it is unset."""
    return doc._get_attributes(path) if '__' in path[1:] else doc._data.get(path)
