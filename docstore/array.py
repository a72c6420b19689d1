"""DocumentArray: Documents in something that behaves like a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from . import generators
from .contents import values_of
from .document import Document
from .errors import InvalidArgument, InvalidType
from .generators import Maker
from .indexing import checked
from .memory import MemoryRecords
from .opening import open_path, open_records
from .removed import Removed
from .shown import ShownSequence
from .stored import StoredRecords
from .subindex import in_memory, in_store
from .table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from .records import Records

__all__ = ['DocumentArray']


# How `repr` writes the names of storages, where it is not as they are.
_TAGS = {'sqlite': 'SQLite', 'annlite': 'AnnLite', 'disk': 'Disk'}


class DocumentArray(ShownSequence):
    """Documents in an order, in memory or in a store.

    In memory it is a list of references. In a store (``storage='sqlite'``,
    ``'disk'``, ``'annlite'``) each operation is atomic and lasting when it
    returns, ids are unique, and a Document taken out is a view: what is set
    on it is stored. ``with da:`` makes one transaction of what is done inside.

    Parameters
    ----------
    docs : DocumentArray, Document or iterable of Document, optional
        What it holds. Given together with a store, it replaces what is there.
        Another array in memory is shared, not copied, unless ``copy``.
    copy : bool
        Whether to deep-copy the Documents.
    storage : str
        Where they are kept.
    config : dict, optional
        Where and how the store keeps them.
    subindex_configs : dict, optional
        Selectors of nested Documents, such as ``'@c'``, that are kept as arrays of
        their own, each with a ``config`` that goes over that of the array, or None.
        They are kept in step with it, and ``da['@c']`` is one.

    Raises
    ------
    UnknownName
        If there is no such storage.
    InvalidConfig
        If the store does not know a key of ``config``.

    Examples
    --------
    >>> da = DocumentArray([Document(id='a', text='x'), Document(id='b', text='y')])
    >>> da['b'].text, da[:, 'id'], len(da[1:])
    ('y', ['a', 'b'], 1)
    """

    def __init__(
        self,
        docs: Iterable[Document] | Document | None = None,
        copy: bool = False,
        storage: str = 'memory',
        config: Mapping[str, Any] | None = None,
        subindex_configs: Mapping[str, Any] | None = None,
    ) -> None:
        if storage == 'memory':
            self._records = in_memory(_in_memory(docs, copy), subindex_configs)
            return
        records = open_records(storage, config)
        self._records = records
        try:
            in_store(records, storage, config, subindex_configs)
            if docs is not None:
                _fill(records, docs)
        except BaseException:
            records.close()
            raise

    @classmethod
    def _of(cls, records: Records) -> DocumentArray:
        """The array over records that exist already."""
        array = DocumentArray.__new__(DocumentArray)
        array._records = records
        return array

    @classmethod
    def open(cls, path: str | Path, **config: Any) -> DocumentArray:
        """The array kept at ``path``, whatever store wrote it.

        Parameters
        ----------
        path : str or Path
            A directory of the disk store, or a database file.
        **config
            Further configuration, such as ``read_only=True``. ``subindex_configs``
            adds subindices to those that are kept there.

        Raises
        ------
        NotAStore
            If there is none at ``path``.
        """
        configs = config.pop('subindex_configs', None)
        records = open_path(path, config)
        try:
            in_store(records, records.label, config, configs)
        except BaseException:
            records.close()
            raise
        return cls._of(records)

    @classmethod
    def empty(cls, size: int = 0, *args: Any, **kwargs: Any) -> DocumentArray:
        """An array of ``size`` empty Documents with random ids.

        Examples
        --------
        >>> len(DocumentArray.empty(1_000_000))
        1000000
        """
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 0:
            raise InvalidArgument(f'size must be an int of at least 0, not {size!r}')
        made = cls._of(MemoryRecords.of(Table(int(size)), range(int(size))))
        return made if not (args or kwargs) else cls(made, *args, **kwargs)

    def __add__(self, other: Iterable[Document]) -> DocumentArray:
        if isinstance(other, Document):
            raise InvalidType('a DocumentArray can be extended by an iterable of Documents only')
        result = DocumentArray(self, copy=True)
        result.extend(other)
        return result

    # -- from elsewhere ---------------------------------------------------------

    from_ndarray = Maker(generators.from_ndarray)
    from_files = Maker(generators.from_files)
    from_csv = Maker(generators.from_csv)
    from_lines = Maker(generators.from_lines)
    from_ndjson = Maker(generators.from_lines)
    from_huggingface_datasets = Maker(generators.from_huggingface_datasets)

    # -- what was a service -------------------------------------------------

    push = Removed('DocumentArray.push')
    pull = Removed('DocumentArray.pull')
    cloud_push = Removed('DocumentArray.cloud_push')
    cloud_pull = Removed('DocumentArray.cloud_pull')
    cloud_list = Removed('DocumentArray.cloud_list')
    cloud_delete = Removed('DocumentArray.cloud_delete')

    # -- the store --------------------------------------------------------------

    @property
    def storage(self) -> str:
        """The name of the storage, such as ``'memory'`` or ``'disk'``."""
        return self._records.name

    def sync(self) -> None:
        """The same as :meth:`flush`."""
        self.flush()

    def flush(self) -> None:
        """Return when everything written is safe against power loss, too."""
        self._records.flush()

    def refresh(self) -> bool:
        """For an array opened with ``read_only=True``: see what was committed since.

        Returns
        -------
        bool
            Whether anything was.
        """
        return self._records.refresh()

    def compact(self) -> None:
        """Give the space of deleted and changed Documents back to the file system."""
        self._records.compact()

    def close(self) -> None:
        """Make everything safe and let go of files and locks."""
        self._records.close()

    # -- words -------------------------------------------------------------------

    def get_vocabulary(
        self, min_freq: int = 1, text_attrs: tuple[str, ...] = ('text',)
    ) -> dict[str, int]:
        """Number the words of all Documents, in the order in which they first occur.

        Parameters
        ----------
        min_freq : int
            How often a word must occur to get a number.
        text_attrs : tuple of str
            The fields, or paths such as ``tags__title``, that hold texts.

        Returns
        -------
        dict
            Words to numbers from 2; 0 is for padding, 1 for unknown words.

        Examples
        --------
        >>> DocumentArray([Document(text='a b'), Document(text='b c')]).get_vocabulary()
        {'a': 2, 'b': 3, 'c': 4}
        """
        from .media.texts import number_words, words

        counts: Counter[str] = Counter()
        columns = [values_of(self._records, name) for name in text_attrs]
        for position, texts in enumerate(zip(*columns, strict=True)):
            for text in texts:
                if isinstance(text, str):
                    counts.update(words(text))
                elif text is not None:
                    self[position].get_vocabulary(text_attrs)  # says what is wrong, and where
        return number_words(counts, min_freq)

    # -- copying, showing -------------------------------------------------------

    def __copy__(self) -> DocumentArray:
        return self._of(self._records.take(range(len(self))))

    def __deepcopy__(self, memo: dict[int, Any]) -> DocumentArray:
        return _copied(self, memo)

    def __reduce__(self) -> Any:
        if isinstance(self._records, StoredRecords):
            return _reconnect, (self._records.name, self._records.store.config)
        return DocumentArray, (list(self),)

    def __repr__(self) -> str:
        label = self._records.label
        kind = type(self).__name__ + (
            f'[{_TAGS.get(label, label)}]' if self._records.persistent else ''
        )
        return f'<{kind} (length={len(self)}) at {id(self)}>'


def _in_memory(docs: Iterable[Document] | Document | None, copy: bool) -> Records:
    if docs is None:
        return MemoryRecords()
    if isinstance(docs, Document):
        docs = [docs]
    if copy:
        return _copied(docs, {})._records
    if isinstance(docs, DocumentArray):
        docs = docs._records
    if isinstance(docs, MemoryRecords):
        return docs
    return MemoryRecords(checked(docs))


def _fill(records: StoredRecords, docs: Iterable[Document] | Document) -> None:
    """Let a store hold these Documents and no others."""
    if isinstance(docs, DocumentArray) and not len(records) and records.extend_from(docs._records):
        return
    records.overwrite([docs] if isinstance(docs, Document) else checked(docs))


def _copied(docs: Iterable[Document], memo: dict[int, Any]) -> DocumentArray:
    copies = (doc.__deepcopy__(memo) for doc in docs)
    return DocumentArray._of(MemoryRecords(copies))


def _reconnect(storage: str, config: dict[str, Any]) -> DocumentArray:
    selector = config.pop('subindex', None)
    array = DocumentArray(storage=storage, config=config)
    return array if selector is None else array[selector]
