"""The saving side of a DocumentArray: bytes, files and streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from .bulk import columns_of, join_blocks
from .document import Document
from .errors import InvalidArgument, did_you_mean
from .sequence import DocumentSequence

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

__all__ = ['SavedSequence']

_FORMATS = {'binary': 'docstore', 'json': 'json'}


class SavedSequence(DocumentSequence):
    """A sequence of Documents that is written to bytes and files, and read back."""

    def to_bytes(self, protocol: str = 'docstore', compress: str | None = None) -> bytes:
        """All Documents as bytes.

        Parameters
        ----------
        protocol : str
            ``'docstore'`` (our own format: columns under checksums),
            ``'protobuf-array'``, ``'protobuf'``, ``'pickle-array'`` or
            ``'pickle'`` as legacy docarray wrote them, or ``'json'``.
        compress : str, optional
            ``'lz4'``, ``'gzip'``, ``'bz2'``, ``'lzma'`` or ``'zlib'``.

        Raises
        ------
        EncodeError
            If the format cannot hold a value; the message names the field.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> data = DocumentArray([Document(id='a', text='x')]).to_bytes()
        >>> DocumentArray.from_bytes(data).texts
        ['x']
        """
        from .codecs.transfer import dump_columns

        columns = columns_of(self._records)
        data = dump_columns(columns, len(self), protocol=protocol, compress=compress)
        return data or b''

    def __bytes__(self) -> bytes:
        return self.to_bytes()

    @classmethod
    def from_bytes(
        cls,
        data: bytes,
        protocol: str = 'docstore',
        compress: str | None = None,
        trusted: bool = False,
    ) -> Self:
        """The array that :meth:`to_bytes` wrote, in memory.

        Raises
        ------
        CorruptData
            If the bytes are damaged, or of another format.
        """
        array: Self = cls.load_binary(data, protocol, compress, trusted=trusted)
        return array

    def save_binary(
        self,
        file: str | Path | BinaryIO,
        protocol: str = 'docstore',
        compress: str | None = None,
    ) -> None:
        """Write all Documents to a file, which is replaced as a whole.

        A path such as ``'x.protobuf.gzip'`` names the protocol and the
        compression, whatever the arguments say. The other parameters and the
        errors are those of :meth:`to_bytes`.
        """
        from .codecs.transfer import dump_columns

        columns = columns_of(self._records)
        dump_columns(columns, len(self), file, protocol=protocol, compress=compress)

    @classmethod
    def load_binary(
        cls,
        file: str | Path | BinaryIO | bytes,
        protocol: str = 'docstore',
        compress: str | None = None,
        streaming: bool = False,
        trusted: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The array that :meth:`save_binary` wrote.

        Parameters
        ----------
        file : path, open file or bytes
        protocol, compress
            As they were when it was written, unless the path names them.
        streaming : bool
            Give the Documents one after the other, in constant memory.
        trusted : bool
            Whether a pickle may build objects of any class; otherwise only
            Documents and arrays are.
        **kwargs
            ``storage`` and ``config`` of the array that is made.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        CorruptData
            If it is damaged, or of another format.
        """
        from .codecs.transfer import load_columns

        options: dict[str, Any] = {'trusted': True} if trusted else {}
        if streaming:
            return _stream(file, protocol, compress, options)
        blocks = load_columns(file, protocol, compress, **options)
        return cls(join_blocks(blocks), **kwargs)  # type: ignore[call-arg]  # a subclass has them

    def save(
        self, file: str | Path | BinaryIO, file_format: str = 'binary', encoding: str = 'utf-8'
    ) -> None:
        """Write all Documents to a file.

        Parameters
        ----------
        file : path or open file
        file_format : {'binary', 'json'}
        encoding : str
            JSON is always UTF-8; anything else is refused.
        """
        self.save_binary(file, _protocol(file_format, encoding))

    @classmethod
    def load(
        cls,
        file: str | Path | BinaryIO,
        file_format: str = 'binary',
        encoding: str = 'utf-8',
        **kwargs: Any,
    ) -> Self:
        """The array that :meth:`save` wrote."""
        array: Self = cls.load_binary(file, _protocol(file_format, encoding), **kwargs)
        return array

    def to_json(self) -> str:
        """All Documents as a JSON array; embeddings become lists, blobs base64."""
        return self.to_bytes('json').decode('utf-8')

    @classmethod
    def from_json(cls, data: str | bytes | Path) -> Self:
        """The array that :meth:`to_json` wrote, from its text, or from a file."""
        if isinstance(data, str):
            data = data.encode('utf-8')
        array: Self = cls.load_binary(data, 'json')
        return array


def _protocol(file_format: str, encoding: str) -> str:
    if file_format not in _FORMATS:
        raise InvalidArgument(
            f'file_format={file_format!r} is not known{did_you_mean(file_format, _FORMATS)}'
        )
    if encoding.lower().replace('-', '') != 'utf8':
        raise InvalidArgument(f'JSON is written and read as UTF-8, not as {encoding!r}')
    return _FORMATS[file_format]


def _stream(file: Any, protocol: str, compress: str | None, options: Any) -> Iterator[Document]:
    from .codecs.transfer import load_records

    for record in load_records(file, protocol, compress, **options):
        yield Document._of_record(record)
