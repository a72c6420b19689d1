"""The parts of a DocumentArray: batches, samples, arrays by tag; and arrays made one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .display.progress import tracked_steps
from .document import Document
from .errors import InvalidType
from .indexing import checked
from .processing import batches, check_batch_size, sampled, tag_values
from .reducing import reduce_into
from .searching import SearchedSequence

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ['PartedSequence']


class PartedSequence(SearchedSequence):
    """A sequence of Documents that is taken apart, and put together by ids."""

    def batch(
        self, batch_size: int, shuffle: bool = False, show_progress: bool = False
    ) -> Iterator[Any]:
        """The Documents in arrays of ``batch_size``; the last may be shorter.

        Which Documents come is settled when this is called.

        Parameters
        ----------
        batch_size : int
            How many Documents each array has.
        shuffle : bool
            Whether they come in a random order.
        show_progress : bool
            Whether to show a progress bar.

        Raises
        ------
        InvalidArgument
            If ``batch_size`` is no positive int.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> [len(part) for part in DocumentArray.empty(5).batch(2)]
        [2, 2, 1]
        """
        plan = batches(len(self), check_batch_size(batch_size), shuffle)
        chosen = self._records.take(range(len(self)))
        steps = tracked_steps(plan, 'Batches', show_progress)
        return (self._of(chosen.take(places)) for places in steps)

    def batch_ids(self, batch_size: int, shuffle: bool = False) -> Iterator[list[str]]:
        """The ids in lists of ``batch_size``, as :meth:`batch` has the Documents.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> da = DocumentArray([Document(id=name) for name in 'abc'])
        >>> list(da.batch_ids(2))
        [['a', 'b'], ['c']]
        """
        plan = batches(len(self), check_batch_size(batch_size), shuffle)
        ids = list(self._records.gather('id'))
        return ([ids[place] for place in places] for places in plan)

    def sample(self, k: int, seed: Any = None) -> Any:
        """``k`` different Documents in a random order, in a new array in memory.

        Parameters
        ----------
        k : int
            How many.
        seed : int, optional
            The same seed gives the same Documents. Without one, the state of
            :mod:`random` decides.

        Raises
        ------
        InvalidArgument
            If there are not as many.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> da = DocumentArray([Document(id=name) for name in 'abcdef'])
        >>> da.sample(3, seed=1)[:, 'id']
        ['b', 'e', 'a']
        """
        return self._of(self._records.take(sampled(len(self), k, seed)))

    def shuffle(self, seed: Any = None) -> Any:
        """All Documents in a random order, in a new array in memory.

        Parameters
        ----------
        seed : int, optional
            As for :meth:`sample`.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> da = DocumentArray([Document(id=name) for name in 'abcdef'])
        >>> da.shuffle(seed=1)[:, 'id'], da[:, 'id']
        (['b', 'e', 'a', 'f', 'd', 'c'], ['a', 'b', 'c', 'd', 'e', 'f'])
        """
        return self.sample(len(self), seed)

    def split_by_tag(self, tag: str) -> dict[Any, Any]:
        """An array for each value of a tag, of the Documents that have it, in order.

        Parameters
        ----------
        tag : str
            The tag, or a path to a value inside one, such as ``'made__year'``.

        Returns
        -------
        dict
            Value to DocumentArray; Documents without the tag are in none.

        Raises
        ------
        InvalidType
            If a value is no key for a dict.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> da = DocumentArray([Document(id=i, kind=k) for i, k in [('a', 1), ('b', 2), ('c', 1)]])
        >>> {kind: part[:, 'id'] for kind, part in da.split_by_tag('kind').items()}
        {1: ['a', 'c'], 2: ['b']}
        """
        with self._records.lock:
            places = tag_values(self._records, tag)
            return {value: self._of(self._records.take(at)) for value, at in places.items()}

    def reduce(self, other: Iterable[Document]) -> Self:
        """Take in another array by ids, in place.

        Documents of new ids are appended. Those that are here already take the
        fields that they lack, and their chunks and matches are reduced in the
        same way. Of text, blob and tensor a Document has one, and keeps it.

        Parameters
        ----------
        other : DocumentArray
            What is taken in.

        Returns
        -------
        DocumentArray
            Itself.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> da = DocumentArray([Document(id='a', text='x')])
        >>> other = DocumentArray([Document(id='a', text='y', weight=2.0), Document(id='b')])
        >>> da.reduce(other)[:, ['id', 'text', 'weight']]
        [['a', 'b'], ['x', ''], [2.0, 0.0]]
        """
        return self.reduce_all([other])

    def reduce_all(self, others: Iterable[Iterable[Document]]) -> Self:
        """Take in several arrays one after the other, as :meth:`reduce` does; all, or none.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> parts = [DocumentArray([Document(id=name)]) for name in 'abb']
        >>> DocumentArray().reduce_all(parts)[:, 'id']
        ['a', 'b']
        """
        if isinstance(others, Document) or not isinstance(others, Iterable):
            raise InvalidType(f'expected a list of arrays, not {type(others).__name__}')
        # Looked at before anything is changed.
        arrays = [checked(other) for other in others]
        with self._records.lock:
            reduce_into(self._records, [doc for docs in arrays for doc in docs])
        return self
