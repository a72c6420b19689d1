"""The processing side of a DocumentArray: functions run over it by many workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .applying import apply_batches, apply_each
from .parted import PartedSequence
from .processing import (
    Job,
    batches,
    check_batch_size,
    file_records,
    load_batches,
    map_batches,
    map_each,
)
from .workers import Workers

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from .document import Document

__all__ = ['ProcessedSequence']


class ProcessedSequence(PartedSequence):
    """A sequence of Documents that functions are run over."""

    def map(
        self,
        func: Callable[[Document], Any],
        backend: str = 'thread',
        num_worker: int | None = None,
        show_progress: bool = False,
        pool: Any = None,
    ) -> Iterator[Any]:
        """What ``func`` gives for each Document, in order, worked out by many workers.

        Only a few results are worked out ahead of those that are taken.

        Parameters
        ----------
        func : callable
            Called with each Document: with itself in a thread, with a copy in
            a process. It may be a lambda, a partial or a local function.
        backend : {'thread', 'process'}
            Processes need the extra ``process``. They are started afresh, and
            know only the function and the Documents that they are sent.
        num_worker : int, optional
            How many workers; by default one for each core.
        show_progress : bool
            Whether to show a progress bar.
        pool : optional
            An executor of :mod:`concurrent.futures`, or a pool of
            multiprocessing, that does the work instead. It stays open.

        Raises
        ------
        Exception
            What ``func`` raises, after the results of the Documents before,
            with a note that names the Document.
        WorkerFailed
            If a process ended before its work did.

        Examples
        --------
        >>> from docstore import Document, DocumentArray
        >>> da = DocumentArray([Document(text='one'), Document(text='three')])
        >>> list(da.map(lambda doc: len(doc.text)))
        [3, 5]
        """
        return map_each(self._records, self._job(func, backend, num_worker, show_progress, pool))

    def map_batch(
        self,
        func: Callable[[Any], Any],
        batch_size: int,
        backend: str = 'thread',
        num_worker: int | None = None,
        shuffle: bool = False,
        show_progress: bool = False,
        pool: Any = None,
    ) -> Iterator[Any]:
        """What ``func`` gives for each batch, in the order of the batches.

        Parameters
        ----------
        func : callable
            Called with each DocumentArray of ``batch_size`` Documents.
        batch_size, shuffle
            As for :meth:`batch`.
        backend, num_worker, show_progress, pool
            As for :meth:`map`, as are the errors.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> list(DocumentArray.empty(5).map_batch(len, batch_size=2))
        [2, 2, 1]
        """
        plan = batches(len(self), check_batch_size(batch_size), shuffle)
        job = self._job(func, backend, num_worker, show_progress, pool)
        return map_batches(self._records, plan, job)

    def apply(
        self,
        func: Callable[[Document], Document],
        backend: str = 'thread',
        num_worker: int | None = None,
        show_progress: bool = False,
        pool: Any = None,
    ) -> Self:
        """Replace each Document by what ``func`` makes of it; all, or none.

        Workers get copies. If ``func`` raises, the array is as it was. In a
        store all changes are one transaction, written some hundred Documents
        at a time.

        Parameters
        ----------
        func : callable
            Called with each Document; returns a Document of an id that is in
            the array, as a rule the same one.
        backend, num_worker, show_progress, pool
            As for :meth:`map`, as are the errors.

        Returns
        -------
        DocumentArray
            Itself.

        Raises
        ------
        InvalidType
            If ``func`` returns no Document.
        DocumentNotFound
            If it returns one of an id that is not there.

        Examples
        --------
        >>> from docstore import Document, DocumentArray
        >>> def shout(doc):
        ...     doc.text = doc.text.upper()
        ...     return doc
        >>> DocumentArray([Document(text='one'), Document(text='two')]).apply(shout).texts
        ['ONE', 'TWO']
        """
        apply_each(self._records, self._job(func, backend, num_worker, show_progress, pool))
        return self

    def apply_batch(
        self,
        func: Callable[[Any], Iterable[Document]],
        batch_size: int,
        backend: str = 'thread',
        num_worker: int | None = None,
        shuffle: bool = False,
        show_progress: bool = False,
        pool: Any = None,
    ) -> Self:
        """Replace Documents by what ``func`` makes of batches of them; all, or none.

        Parameters
        ----------
        func : callable
            Called with each DocumentArray of ``batch_size`` copies; returns
            an array of Documents of ids that are in this one.
        batch_size, shuffle
            As for :meth:`batch`.
        backend, num_worker, show_progress, pool
            As for :meth:`map`; returns and raises as :meth:`apply`.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> def number(batch):
        ...     batch.texts = [f'{i} of {len(batch)}' for i in range(len(batch))]
        ...     return batch
        >>> DocumentArray.empty(3).apply_batch(number, batch_size=2).texts
        ['0 of 2', '1 of 2', '0 of 1']
        """
        plan = batches(len(self), check_batch_size(batch_size), shuffle)
        job = self._job(func, backend, num_worker, show_progress, pool)
        apply_batches(self._records, plan, job)
        return self

    @classmethod
    def dataloader(
        cls,
        path: str | Path,
        func: Callable[[Any], Any],
        batch_size: int,
        protocol: str | None = None,
        compress: str | None = None,
        backend: str = 'thread',
        num_worker: int | None = None,
        pool: Any = None,
        show_progress: bool = False,
    ) -> Iterator[Any]:
        """What ``func`` gives for each batch of a saved file, which is read as it is needed.

        Parameters
        ----------
        path : str or Path
            A file that :meth:`save_binary` wrote. The protocols
            ``'docstore'``, ``'protobuf'`` and ``'pickle'`` are read a piece at
            a time, the others as a whole.
        func : callable
            Called with each DocumentArray of ``batch_size`` Documents.
        batch_size : int
            How many Documents each array has.
        protocol, compress : str, optional
            As they were when it was written, unless the path names them. By
            default ``'docstore'`` if the file starts as one, else
            ``'protobuf'``.
        backend, num_worker, pool, show_progress
            As for :meth:`map`, as are the errors.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        CorruptData
            If it is damaged, or of another format.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> DocumentArray.empty(5).save_binary('five.docstore')
        >>> list(DocumentArray.dataloader('five.docstore', len, batch_size=2))
        [2, 2, 1]
        """
        size = check_batch_size(batch_size)
        workers = Workers(backend, num_worker, pool)
        job = Job(func, workers, show_progress, cls._of)
        return load_batches(file_records(path, protocol, compress), size, job)

    def _job(
        self, func: Any, backend: str, num_worker: int | None, show_progress: bool, pool: Any
    ) -> Job:
        return Job(func, Workers(backend, num_worker, pool), show_progress, self._of)
