"""The seam of the formats that Documents are written in.

A codec knows plain fields only (see :mod:`docstore.stores.base`): mappings of
the fields that are set. It neither makes Documents nor asks who does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

if TYPE_CHECKING:
    from ..columns import Column, ColumnBlock

__all__ = ['Blocks', 'Codec', 'ColumnCodec']

Record = dict[str, Any]
#: Gives consecutive rows as ``(count, columns)``, from the first each time it is called.
Blocks = Callable[[], 'Iterator[tuple[int, Mapping[str, Column]]]']


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


class ColumnCodec(Codec):
    """A codec that keeps documents by column, and makes no object for each of them."""

    #: Whether reading needs a file that can be read from any place.
    seeks: ClassVar[bool] = False

    @abstractmethod
    def dump_blocks(self, blocks: Blocks, file: BinaryIO) -> None:
        """Many documents to an open file, a block at a time.

        Raises
        ------
        EncodeError
            If a value cannot be written; the message names the field.
        """

    @abstractmethod
    def load_blocks(self, source: Any) -> Iterator[ColumnBlock]:
        """Many documents from an open file or from bytes, a block at a time."""
