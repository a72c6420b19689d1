"""The saving side of a Document: bytes, JSON, dicts and protobuf messages."""

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
            legacy docarray wrote them, ``'json'``, or another of
            ``docstore.codecs.CODECS``.
        compress : str, optional
            ``'lz4'``, ``'gzip'``, ``'bz2'``, ``'lzma'``, ``'zlib'`` or ``'zstd'``.

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
        cls,
        data: bytes,
        protocol: str = 'docstore',
        compress: str | None = None,
        trusted: bool = False,
    ) -> Self:
        """The Document that :meth:`to_bytes` wrote.

        Parameters
        ----------
        data : bytes
        protocol, compress : str
            As they were when it was written.
        trusted : bool
            Whether a pickle may build objects of any class.

        Raises
        ------
        CorruptData
            If the bytes are damaged, or of another format.
        """
        from .codecs.transfer import load_record

        options: dict[str, Any] = {'trusted': True} if trusted else {}
        return cls._of_record(load_record(data, protocol, compress, **options))

    def to_base64(self, protocol: str = 'docstore', compress: str | None = None) -> str:
        """The bytes of :meth:`to_bytes` in base64.

        Examples
        --------
        >>> from docstore import Document
        >>> Document.from_base64(Document(id='a').to_base64())
        <Document ('id',) at a>
        """
        from base64 import b64encode

        return b64encode(self.to_bytes(protocol, compress)).decode('ascii')

    @classmethod
    def from_base64(
        cls,
        data: str | bytes,
        protocol: str = 'docstore',
        compress: str | None = None,
        trusted: bool = False,
    ) -> Self:
        """The Document that :meth:`to_base64` wrote.

        Raises
        ------
        CorruptData
            If it is no base64, damaged, or of another format.
        """
        from .codecs.transfer import bytes_of_base64

        return cls.from_bytes(bytes_of_base64(data), protocol, compress, trusted)

    def to_dict(self, protocol: str = 'jsonschema', **kwargs: Any) -> dict[str, Any]:
        """The fields as JSON has them.

        Parameters
        ----------
        protocol : {'jsonschema', 'protobuf'}
            With a key for each field (None where it is not set), or as the
            protobuf package makes a dict of a message.
        **kwargs
            For ``'jsonschema'``: ``exclude_none=True`` to leave out what is
            not set, ``exclude={...}`` and ``include={...}`` to choose fields.
            For ``'protobuf'``: what ``MessageToDict`` takes.

        Raises
        ------
        EncodeError
            If a value has no form in JSON; the message names the field.

        Examples
        --------
        >>> from docstore import Document
        >>> Document(id='a', embedding=[1, 2]).to_dict(exclude_none=True)
        {'id': 'a', 'embedding': [1, 2]}
        """
        from .plain_forms import plain

        return plain(to_record(self._data), protocol, kwargs)

    @classmethod
    def from_dict(cls, obj: Mapping[str, Any], protocol: str = 'jsonschema', **kwargs: Any) -> Self:
        """The Document that :meth:`to_dict` gave; unknown names become tags.

        Raises
        ------
        InvalidDocument
            If a field has a value of another type than its own.
        """
        from .plain_forms import load_plain

        return cls._of_record(load_plain(obj, protocol, kwargs))

    def to_json(self, protocol: str = 'jsonschema', **kwargs: Any) -> str:
        """The Document as JSON text; arrays become lists, blobs base64.

        Parameters
        ----------
        protocol, **kwargs
            As in :meth:`to_dict`; also ``indent``, ``sort_keys``,
            ``separators`` and ``ensure_ascii`` of :func:`json.dumps`.

        Examples
        --------
        >>> from docstore import Document
        >>> Document(id='a', tags={'n': 1, 'x': 1.0}).to_json(exclude_none=True)
        '{"id": "a", "tags": {"n": 1, "x": 1.0}}'
        """
        from .plain_forms import dump_text, plain, split_options

        chosen, writing = split_options(kwargs)
        return dump_text(plain(to_record(self._data), protocol, chosen), writing)

    @classmethod
    def from_json(cls, obj: str | bytes, protocol: str = 'jsonschema', **kwargs: Any) -> Self:
        """The Document that :meth:`to_json` wrote.

        Raises
        ------
        CorruptData
            If it is no JSON, or a field has a value of another type than its own.
        """
        from .plain_forms import load_plain, load_text

        return cls._of_record(load_plain(load_text(obj), protocol, kwargs, place=''))

    def to_protobuf(self, ndarray_type: str | None = None) -> Any:
        """The Document as a ``DocumentProto`` of the protobuf package.

        Parameters
        ----------
        ndarray_type : {'numpy', 'list'}, optional
            Write every array as this; by default as what it is.

        Raises
        ------
        MissingDependency
            If ``protobuf`` is not installed.
        EncodeError
            If a value cannot be written; the message names the field.
        """
        from .codecs.proto_objects import message_of
        from .codecs.transfer import dump_record

        record = to_record(self._data)
        data = dump_record(record, 'protobuf', ndarray_type=ndarray_type)
        return message_of(data, many=False)

    @classmethod
    def from_protobuf(cls, pb_msg: Any) -> Self:
        """The Document of a ``DocumentProto``, of ours or of docarray's.

        Raises
        ------
        InvalidDocument
            If it is no message.
        """
        from .codecs.proto_objects import record_of_message

        return cls._of_record(record_of_message(pb_msg))
