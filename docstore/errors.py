"""Every exception that docstore raises, in one tree.

Each is also the built-in type that a caller would expect, so ``except
ValueError`` and ``except KeyError`` keep working. The native core raises the
same classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = [
    'ChecksumError',
    'CorruptData',
    'CorruptStore',
    'DimensionMismatch',
    'DocstoreError',
    'DocumentGone',
    'DocumentNotFound',
    'DuplicateId',
    'EncodeError',
    'FilterError',
    'FilterTypeError',
    'InvalidArgument',
    'InvalidConfig',
    'InvalidDocument',
    'InvalidIndex',
    'InvalidType',
    'InvalidVector',
    'LengthMismatch',
    'MissingDependency',
    'MissingGroundTruth',
    'MissingModel',
    'NotAStore',
    'ReadOnlyStore',
    'StorageError',
    'StorageFull',
    'StoreClosed',
    'StoreLocked',
    'TransactionError',
    'UnknownAttribute',
    'UnknownField',
    'UnknownMetric',
    'UnknownName',
    'UnsupportedFormat',
    'UnsupportedOperation',
    'UriError',
    'UriNotFound',
    'UriRefused',
    'UriTimeout',
    'WorkerFailed',
]


class DocstoreError(Exception):
    """The root of the tree. Further facts are attributes of the exception."""

    def __init__(self, message: str = '', **details: Any) -> None:
        super().__init__(message)
        self.__dict__.update(details)

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ''

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), str(self), dict(self.__dict__))


def _rebuild(kind: type[DocstoreError], message: str, details: dict[str, Any]) -> DocstoreError:
    return kind(message, **details)


class InvalidArgument(DocstoreError, ValueError):
    """An argument has a value that cannot be used."""


class InvalidType(DocstoreError, TypeError):
    """An argument has a type that cannot be used."""


class InvalidIndex(DocstoreError, IndexError):
    """A position out of range, or an index of a kind that is not supported."""


class InvalidDocument(DocstoreError, ValueError):
    """A Document that cannot be made, or cannot be stored as it is."""


class InvalidConfig(DocstoreError, KeyError, ValueError):
    """A configuration key that is not known, missing, or has a bad value."""


class UnknownName(DocstoreError, ValueError):
    """A name (storage, metric, index, codec ...) that is not registered."""


class UnknownMetric(UnknownName, NotImplementedError):
    """A metric that is not known; legacy docarray raised NotImplementedError."""


class UnknownField(DocstoreError, AttributeError):
    """A Document has no field of this name."""


class UnknownAttribute(DocstoreError, AttributeError, ValueError):
    """A multimodal Document has no attribute of this name that is a Document."""


class UnsupportedOperation(DocstoreError, NotImplementedError):
    """What was asked for does not exist for this kind of array or value."""


class DimensionMismatch(InvalidArgument):
    """Vectors of different lengths meet."""


class LengthMismatch(InvalidArgument):
    """As many values as documents were expected, and another number came."""


class InvalidVector(InvalidArgument):
    """A vector with NaN or infinity, or of length zero under cosine.

    Attributes
    ----------
    row : int
        Position of the document, or ``-1 - q`` for query ``q``.
    """

    row: int


class FilterError(InvalidArgument):
    """A filter that does not follow the query language."""


class FilterTypeError(InvalidType):
    """A filter compares values of types that have no order."""


class DocumentNotFound(DocstoreError, KeyError):
    """No document has this id."""


class DuplicateId(DocstoreError, ValueError):
    """A persistent store would hold two documents of one id.

    Attributes
    ----------
    id : str
        The id that came twice.
    """

    id: str


class DocumentGone(DocstoreError, LookupError):
    """The stored document that this Document is a view of was deleted."""


class StorageError(DocstoreError, OSError):
    """The operating system refused a read or a write.

    Attributes
    ----------
    code : int
        The ``errno`` value.
    """

    code: int


class StorageFull(StorageError):
    """No room is left on the device; the store is as it was before."""


class StoreLocked(StorageError):
    """Another process is writing to the store.

    Attributes
    ----------
    pid : int
        The process that holds the lock, 0 when unknown.
    """

    pid: int


class NotAStore(StorageError):
    """The path exists and is no docstore store."""


class StoreClosed(DocstoreError, ValueError):
    """The store was closed before this operation."""


class ReadOnlyStore(StorageError):
    """The store was opened for reading only."""


class TransactionError(DocstoreError, RuntimeError):
    """The operation is not allowed inside, or outside, a transaction."""


class WorkerFailed(DocstoreError, RuntimeError):
    """A worker process ended, or failed, in a way that it could not tell itself."""


class CorruptData(DocstoreError, ValueError):
    """Bytes that are not what they claim to be; nothing was taken from them."""


class ChecksumError(CorruptData):
    """Bytes whose checksum does not match."""


class CorruptStore(CorruptData, OSError):
    """A file of a store is damaged.

    Attributes
    ----------
    file : str
        The damaged file.
    offset : int
        Where in the file, in bytes.
    """

    file: str
    offset: int


class UnsupportedFormat(CorruptData):
    """A file of a newer version of docstore, or of another program."""


class UriError(DocstoreError, OSError):
    """What a URI names could not be read."""


class UriNotFound(UriError, FileNotFoundError):
    """A URI or a path that leads nowhere."""


class UriRefused(UriError, PermissionError):
    """A URI that the policy does not allow: its scheme, or the size of what it names."""


class UriTimeout(UriError, TimeoutError):
    """What a URI names did not come in the time that was given."""


class EncodeError(DocstoreError, TypeError, ValueError):
    """A value that the format cannot hold; the message names the field."""


class MissingDependency(DocstoreError, ImportError):
    """An optional package is not installed; the message has the pip line."""

    @classmethod
    def of(cls, package: str, extra: str, purpose: str) -> MissingDependency:
        """Say which ``pip install`` makes ``purpose`` work."""
        return cls(f'{purpose} needs the package {package!r}: pip install "docstore[{extra}]"')


class MissingGroundTruth(DocstoreError, RuntimeError, ValueError):
    """Nothing says which results of a search are the right ones."""


class MissingModel(DocstoreError, RuntimeError):
    """Documents should be embedded, and nothing was given that does it."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The end of an error message: the nearest known name, and all of them.

    >>> did_you_mean('cosin', ['cosine', 'euclidean'])
    "; did you mean 'cosine'? Known: 'cosine', 'euclidean'"
    """
    from difflib import get_close_matches

    names = sorted(known)
    near = get_close_matches(str(name), names, n=1, cutoff=0.6)
    hint = f'; did you mean {near[0]!r}?' if near else '.'
    return f'{hint} Known: {", ".join(map(repr, names))}'
