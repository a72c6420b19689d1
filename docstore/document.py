"""Document: one item with its text, blob or tensor, embedding, tags and nesting."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .document_showing import ShownDocument
from .errors import DocumentGone
from .schema import FIELD_BY_NAME
from .state import array_of, clone, is_empty, to_record

if TYPE_CHECKING:
    from typing_extensions import Self

    from .array import DocumentArray

__all__ = ['Document']


class Document(ShownDocument):
    """One item: content, embedding, tags and nested documents.

    A Document stands by itself, or is a view of a row of an array: then
    reading reads the row and setting writes to it.

    Parameters
    ----------
    _obj : Document, dict or instance of a ``@docstore.dataclass``, optional
        A Document to share the fields of (a copy of them if ``copy``, or if
        fields are given too), a dict of fields, or what becomes a Document.
    copy : bool
        Whether to make a deep copy of ``_obj``; the id stays the same.
    field_resolver : dict, optional
        New names for given names.
    unknown_fields_handler : {'catch', 'drop', 'raise'}
        What to do with names that are no fields: put them into ``tags``,
        leave them out, or raise.
    **kwargs
        Fields: ``id``, ``text``, ``blob``, ``tensor``, ``content``, ``uri``,
        ``mime_type``, ``embedding``, ``tags``, ``weight``, ``chunks``,
        ``matches``, ``scores``, ``evaluations``, ``parent_id``,
        ``granularity``, ``adjacency``, ``offset``, ``location``,
        ``modality``.

    Raises
    ------
    InvalidDocument
        If ``_obj`` is of another type.
    UnknownField
        If a name is unknown and ``unknown_fields_handler='raise'``.

    Examples
    --------
    >>> doc = Document(id='a', text='hello', price=3)
    >>> doc
    <Document ('id', 'text', 'tags') at a>
    >>> doc.tags
    {'price': 3}
    """

    __slots__ = ()

    # -- what an array does ------------------------------------------------

    def match(
        self,
        darray: DocumentArray,
        metric: str | Callable[..., Any] | None = None,
        limit: float | None = 20,
        **kwargs: Any,
    ) -> Self:
        """Fill the matches with the nearest Documents of ``darray``.

        Parameters
        ----------
        darray : DocumentArray
            Where to search.
        metric, limit, **kwargs
            As in :meth:`docstore.DocumentArray.match`.

        Returns
        -------
        Document
            Itself.

        Raises
        ------
        InvalidVector
            If this Document or one of ``darray`` has no embedding.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> da = DocumentArray([Document(id='a', embedding=[1, 0]), Document(id='b')])
        >>> da['b'].embedding = [0, 1]
        >>> Document(embedding=[0, 3]).match(da, limit=1).matches[:, 'id']
        ['b']
        """
        array_of([self]).match(darray, metric, limit, **kwargs)
        return self

    def embed(self, embed_model: Any, *args: Any, **kwargs: Any) -> Self:
        """Set the embedding to what a model gives for this Document.

        The parameters and errors are those of
        :meth:`docstore.DocumentArray.embed`.

        Returns
        -------
        Document
            Itself.

        Examples
        --------
        >>> Document(text='abc').embed(lambda texts: [[len(t), 1.0] for t in texts]).embedding
        array([3., 1.])
        """
        array_of([self]).embed(embed_model, *args, **kwargs)
        return self

    # -- comparing, copying, showing -------------------------------------

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Document)
        if self._data is other._data:
            return True
        names = self.non_empty_fields
        return names == other.non_empty_fields and all(
            _same(getattr(self, name), getattr(other, name)) for name in names
        )

    def __hash__(self) -> int:
        # By name, not in the order of setting, and no defaults: equal Documents hash equal.
        return hash(
            tuple(
                (name, value)
                for name, value in sorted(self._data.items(), key=lambda item: item[0])
                if FIELD_BY_NAME[name].kind != 'array'
                and (FIELD_BY_NAME[name].container or not is_empty(name, value))
                and value is not None
            )
        )

    def __copy__(self) -> Self:
        return self._wrap(dict(self._data.items()))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        doc = self._wrap(clone(self._data, memo))
        memo[id(self)] = doc
        doc.__dict__.update(self.__dict__)
        return doc

    def __reduce__(self) -> Any:
        return type(self)._of_record, (to_record(self._data),), self.__dict__ or None

    def __repr__(self) -> str:
        try:
            return f'<{type(self).__name__} {self.non_empty_fields!r} at {self._data.get("id")}>'
        except DocumentGone:
            # Debuggers and test reports show what is no longer there, too.
            return f'<{type(self).__name__} deleted from its store>'


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return type(left) is type(right) and np.array_equal(left, right)
    same = left == right
    if hasattr(same, 'shape') or hasattr(same, 'all'):
        return bool(np.asarray(same).all()) and np.shape(left) == np.shape(right)
    return bool(same)
