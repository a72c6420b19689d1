"""The seam of the formats that Documents are written in.

A codec knows plain fields only (see :mod:`docstore.stores.base`): mappings of
the fields that are set. It neither makes Documents nor asks who does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, ClassVar

__all__ = ['Codec']

Record = dict[str, Any]


class Codec(ABC):
    """Writes plain fields as bytes, and back."""

    name: ClassVar[str]
    #: Whether reading may run code that the bytes bring, unless fenced in.
    unsafe: ClassVar[bool] = False

    @abstractmethod
    def dumps(self, record: Record) -> bytes:
        """One document.

        Raises
        ------
        EncodeError
            If a value cannot be written; the message names the field.
        """

    @abstractmethod
    def loads(self, data: bytes | memoryview) -> Record:
        """One document back.

        Raises
        ------
        CorruptData
            If the bytes are damaged; UnsupportedFormat if they are of a newer
            version or of another format.
        """

    @abstractmethod
    def dump_all(self, records: Iterable[Record], file: BinaryIO, count: int) -> None:
        """Many documents to an open file, a batch at a time."""

    @abstractmethod
    def load_all(self, file: BinaryIO) -> Iterator[Record]:
        """Many documents from an open file, a batch at a time."""
