"""The saving side of a DocumentArray: bytes, files and streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from .blocks import blocks_of, fill
from .bulk import join_blocks
from .document import Document
from .sequence import DocumentSequence

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from .codecs.compression import Limits
    from .columns import ColumnBlock
    from .stored import StoredRecords

__all__ = ['SavedSequence']


class SavedSequence(DocumentSequence):
    """A sequence of Documents that is written to bytes and files, and read back."""

    @classmethod
    def _from_blocks(cls, blocks: Iterable[ColumnBlock], **kwargs: Any) -> Self:
        """A new array of blocks; in a store one block is in memory at a time."""
        make: Callable[..., Self] = cls  # the last link takes arguments
        if kwargs.get('storage', 'memory') == 'memory':
            return make(join_blocks(blocks), **kwargs)
        array = make(**kwargs)
        try:
            fill(cast('StoredRecords', array._records), blocks)
        except BaseException:
            array._records.close()
            raise
        return array

    def to_bytes(
        self,
        protocol: str = 'docstore',
        compress: str | None = None,
        _show_progress: bool = False,
        *,
        show_progress: bool = False,
    ) -> bytes:
        """All Documents as bytes.

        Parameters
        ----------
        protocol : str
            ``'docstore'`` (our own format: columns under checksums);
            ``'protobuf-array'``, ``'protobuf'``, ``'pickle-array'`` or
            ``'pickle'`` as legacy docarray wrote them; ``'json'``,
            ``'jsonl'`` (a line for each Document), ``'arrow'`` or
            ``'parquet'``.
        compress : str, optional
            ``'lz4'``, ``'gzip'``, ``'bz2'``, ``'lzma'``, ``'zlib'`` or ``'zstd'``.
        show_progress : bool
            Whether to show a count; ``_show_progress`` is its old name.

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
        data = self._dump(None, protocol, compress, _show_progress or show_progress)
        return data or b''

    def _dump(self, file: Any, protocol: str, compress: str | None, show: bool) -> bytes | None:
        from .codecs.transfer import dump_blocks
        from .display.progress import counted

        blocks = blocks_of(self._records)
        return dump_blocks(
            lambda: counted(blocks(), 'Saving', show, lambda block: block[0]),
            len(self),
            file,
            protocol=protocol,
            compress=compress,
        )

    def __bytes__(self) -> bytes:
        return self.to_bytes()

    @classmethod
    def from_bytes(
        cls,
        data: bytes,
        protocol: str = 'docstore',
        compress: str | None = None,
        _show_progress: bool = False,
        trusted: bool = False,
        **kwargs: Any,
    ) -> Self:
        """The array that :meth:`to_bytes` wrote.

        The parameters and errors are those of :meth:`load_binary`.
        """
        array: Self = cls.load_binary(
            data, protocol, compress, _show_progress, trusted=trusted, **kwargs
        )
        return array

    def to_base64(
        self,
        protocol: str = 'docstore',
        compress: str | None = None,
        _show_progress: bool = False,
        *,
        show_progress: bool = False,
    ) -> str:
        """The bytes of :meth:`to_bytes` in base64.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> text = DocumentArray([Document(text='x')]).to_base64()
        >>> DocumentArray.from_base64(text).texts
        ['x']
        """
        from base64 import b64encode

        return b64encode(self.to_bytes(protocol, compress, _show_progress or show_progress)).decode(
            'ascii'
        )

    @classmethod
    def from_base64(
        cls,
        data: str | bytes,
        protocol: str = 'docstore',
        compress: str | None = None,
        _show_progress: bool = False,
        **kwargs: Any,
    ) -> Self:
        """The array that :meth:`to_base64` wrote.

        The parameters and errors are those of :meth:`load_binary`.
        """
        from .codecs.transfer import bytes_of_base64

        return cls.from_bytes(bytes_of_base64(data), protocol, compress, _show_progress, **kwargs)

    def save_binary(
        self,
        file: str | Path | BinaryIO,
        protocol: str = 'docstore',
        compress: str | None = None,
        *,
        show_progress: bool = False,
    ) -> None:
        """Write all Documents to a file, which is replaced as a whole.

        A path such as ``'x.protobuf.gzip'`` names the protocol and the
        compression, whatever the arguments say. The other parameters and the
        errors are those of :meth:`to_bytes`. An array in a store is written a
        block at a time.
        """
        self._dump(file, protocol, compress, show_progress)

    @classmethod
    def load_binary(
        cls,
        file: str | Path | BinaryIO | bytes,
        protocol: str = 'docstore',
        compress: str | None = None,
        _show_progress: bool = False,
        streaming: bool = False,
        *,
        trusted: bool = False,
        show_progress: bool = False,
        limits: Limits | None = None,
        **kwargs: Any,
    ) -> Any:
        """The array that :meth:`save_binary` wrote.

        Parameters
        ----------
        file : path, open file or bytes
        protocol, compress
            As they were when it was written, unless the path names them.
        streaming : bool
            Give the Documents one after the other. Only a part of them is in
            memory at a time, except of ``'json'``, ``'pickle-array'`` and
            ``'protobuf-array'``, which are read as a whole.
        trusted : bool
            Whether a pickle may build objects of any class; otherwise only
            Documents and arrays are.
        show_progress : bool
            Whether to show a count; ``_show_progress`` is its old name.
        limits : docstore.codecs.compression.Limits, optional
            How much compressed data may grow.
        **kwargs
            ``field_resolver`` for tables (``'arrow'``, ``'parquet'``), and
            ``storage`` and ``config`` of the array that is made. What the
            store held is replaced, in one transaction.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        CorruptData
            If it is damaged, or of another format.
        """
        from .codecs.transfer import load_columns, load_records
        from .display.progress import counted

        options: dict[str, Any] = {'trusted': True} if trusted else {}
        if kwargs.get('field_resolver') is not None:
            options['field_resolver'] = kwargs['field_resolver']
        kwargs.pop('field_resolver', None)
        show = _show_progress or show_progress
        if streaming:
            records = load_records(file, protocol, compress, limits, **options)
            return _documents(counted(records, 'Loading', show))
        blocks = load_columns(file, protocol, compress, limits, **options)
        counts = counted(blocks, 'Loading', show, lambda block: block.count)
        return cls._from_blocks(counts, **kwargs)

    def to_protobuf(self, ndarray_type: str | None = None) -> Any:
        """All Documents as a ``DocumentArrayProto`` of the protobuf package.

        Parameters
        ----------
        ndarray_type : {'numpy', 'list'}, optional
            Write every array as this; by default as what it is.

        Raises
        ------
        MissingDependency
            If ``protobuf`` is not installed.
        """
        from .codecs.proto_objects import message_of
        from .codecs.transfer import dump_blocks

        data = dump_blocks(
            blocks_of(self._records),
            len(self),
            protocol='protobuf-array',
            ndarray_type=ndarray_type,
        )
        return message_of(data or b'', many=True)

    @classmethod
    def from_protobuf(cls, pb_msg: Any, **kwargs: Any) -> Self:
        """The array of a ``DocumentArrayProto``, of ours or of docarray's.

        Raises
        ------
        InvalidDocument
            If it is no message.
        """
        from .codecs.proto_objects import bytes_of

        return cls.from_bytes(bytes_of(pb_msg), 'protobuf-array', **kwargs)


def _documents(records: Iterable[dict[str, Any]]) -> Iterator[Document]:
    for record in records:
        yield Document._of_record(record)
