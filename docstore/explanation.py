"""What ``explain=True`` tells of a search."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ['Explanation']


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """Which path a search took.

    Attributes
    ----------
    path : str
        ``'exact'`` (every candidate is measured by the native core),
        ``'function'`` (by SciPy, NumPy or a function that was given), the name
        of an approximate index such as ``'hnsw'``, ``'text'``, ``'hybrid'``,
        or ``'filter'`` (no ranking).
    score : str or None
        The name of the score that hits are in the order of.
    documents : int
        How many Documents the array had.
    candidates : int
        How many of them the filter left.
    queries : int
        How many queries there were.
    filter : str or None
        Who evaluated the filter: ``'database'`` or ``'columns'``; None without one.
    index : str or None
        The text index: ``'fts5 in memory'``, ``'fts5 in the database'`` or
        ``'fts5 beside the store'``.
    field, tokenizer : str or None
        What the text index holds, and how it cuts text into words.
    parts : tuple of Explanation
        Of a hybrid search, how each part went.

    Examples
    --------
    >>> Explanation('exact', 'cosine', documents=9, candidates=3, queries=1, filter='columns')
    <exact search by cosine: 1 query, 3 of 9 documents, filter on columns>
    """

    path: str
    score: str | None
    documents: int
    candidates: int
    queries: int = 1
    filter: str | None = None
    index: str | None = None
    field: str | None = None
    tokenizer: str | None = None
    parts: tuple[Explanation, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The attributes that say something, as a plain mapping."""
        plain: dict[str, object] = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name != 'parts' and getattr(self, field.name) is not None
        }
        if self.parts:
            plain['parts'] = [part.to_dict() for part in self.parts]
        return plain

    def __repr__(self) -> str:
        what = 'filter alone' if self.path == 'filter' else f'{self.path} search by {self.score}'
        facts = [] if self.path == 'filter' else [_count(self.queries, 'query', 'queries')]
        facts.append(f'{self.candidates} of {_count(self.documents, "document", "documents")}')
        if self.filter is not None:
            facts.append(f'filter on {"columns" if self.filter == "columns" else "the database"}')
        if self.index is not None:
            facts.append(f'{self.index} over {self.field!r} ({self.tokenizer})')
        shown = f'{what}: {", ".join(facts)}'
        if self.parts:
            shown += '; ' + '; '.join(repr(part)[1:-1] for part in self.parts)
        return f'<{shown}>'


def _count(number: int, one: str, many: str) -> str:
    return f'{number} {one if number == 1 else many}'
