"""The saving side of a Document: bytes, JSON and dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .document_fields import DocumentFields
from .state import to_record

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ['SavedDocument']


class SavedDocument(DocumentFields):
    """A Document that is written to bytes and text, and read back."""

    __slots__ = ()

    def to_bytes(self, protocol: str = 'docstore', compress: str | None = None) -> bytes:
        """The Document as bytes.

        Parameters
        ----------
        protocol : str
            ``'docstore'`` (our own format), ``'protobuf'`` or ``'pickle'`` as
            legacy docarray wrote them, or ``'json'``.
        compress : str, optional
            ``'lz4'``, ``'gzip'``, ``'bz2'``, ``'lzma'`` or ``'zlib'``.

        Raises
        ------
        EncodeError
            If the format cannot hold a value; the message names the field.

        Examples
        --------
        >>> from docstore import Document
        >>> data = Document(id='a', text='x').to_bytes(compress='gzip')
        >>> Document.from_bytes(data, compress='gzip')
        <Document ('id', 'text') at a>
        """
        from .codecs.transfer import dump_record

        return dump_record(to_record(self._data), protocol, compress)

    def __bytes__(self) -> bytes:
        return self.to_bytes()

    @property
    def nbytes(self) -> int:
        """The length of ``bytes(self)``."""
        return len(bytes(self))

    @classmethod
    def from_bytes(
        cls, data: bytes, protocol: str = 'docstore', compress: str | None = None
    ) -> Self:
        """The Document that :meth:`to_bytes` wrote.

        Raises
        ------
        CorruptData
            If the bytes are damaged, or of another format.
        """
        from .codecs.transfer import load_record

        return cls._of_record(load_record(data, protocol, compress))

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON has them, the unset ones as None."""
        from .codecs.jsons import to_plain

        return to_plain(to_record(self._data))

    @classmethod
    def from_dict(cls, obj: Mapping[str, Any]) -> Self:
        """The Document that :meth:`to_dict` gave."""
        from .codecs.jsons import from_plain

        return cls._of_record(from_plain(obj))

    def to_json(self) -> str:
        """The Document as JSON text; arrays become lists, blobs base64."""
        return self.to_bytes('json').decode('utf-8')

    @classmethod
    def from_json(cls, data: str | bytes) -> Self:
        """The Document that :meth:`to_json` wrote."""
        return cls.from_bytes(data.encode('utf-8') if isinstance(data, str) else data, 'json')
