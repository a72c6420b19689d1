"""The side of a DocumentArray that is text: JSON, lists of dicts, CSV."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from .blocks import blocks_of
from .bulk import records_of
from .document import Document
from .errors import InvalidArgument, did_you_mean
from .saving import SavedSequence

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

__all__ = ['TextSequence']

_FORMATS = ('binary', 'csv', 'json')


class TextSequence(SavedSequence):
    """A sequence of Documents that is written as text, and read back."""

    def to_list(self, protocol: str = 'jsonschema', **kwargs: Any) -> list[dict[str, Any]]:
        """A dict of each Document, as :meth:`docstore.Document.to_dict` gives it.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> DocumentArray([Document(id='a', tags={'n': 1})]).to_list(exclude_none=True)
        [{'id': 'a', 'tags': {'n': 1}}]
        """
        from .plain_forms import plain

        return [plain(record, protocol, kwargs) for record in records_of(self._records)]

    @classmethod
    def from_list(
        cls, values: Iterable[Mapping[str, Any]], protocol: str = 'jsonschema', **kwargs: Any
    ) -> Self:
        """The array that :meth:`to_list` gave.

        Parameters
        ----------
        values : list of dict
        protocol : {'jsonschema', 'protobuf'}
        **kwargs
            ``storage`` and ``config`` of the array that is made.

        Raises
        ------
        InvalidDocument
            If a field has a value of another type than its own.
        """
        return cls._from_plain(values, protocol, kwargs, None)

    def to_dict(self, protocol: str = 'jsonschema', **kwargs: Any) -> list[dict[str, Any]]:
        """The same as :meth:`to_list`."""
        return self.to_list(protocol, **kwargs)

    @classmethod
    def from_dict(
        cls, values: Iterable[Mapping[str, Any]], protocol: str = 'jsonschema', **kwargs: Any
    ) -> Self:
        """The same as :meth:`from_list`."""
        return cls.from_list(values, protocol, **kwargs)

    @classmethod
    def _from_plain(
        cls, values: Iterable[Any], protocol: str, kwargs: dict[str, Any], place: str | None
    ) -> Self:
        from .errors import InvalidType
        from .plain_forms import load_plain

        places = ('storage', 'config', 'subindex_configs')
        kept = {name: kwargs.pop(name) for name in places if name in kwargs}
        if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
            raise InvalidType(f'expected a list of documents, got {type(values).__name__}')
        docs = [
            Document._of_record(
                load_plain(value, protocol, kwargs, None if place is None else f'{place}[{at}].')
            )
            for at, value in enumerate(values)
        ]
        return cls(docs, **kept)  # type: ignore[call-arg]  # the last link has them

    def to_json(self, protocol: str = 'jsonschema', **kwargs: Any) -> str:
        """All Documents as a JSON array; embeddings become lists, blobs base64.

        Parameters
        ----------
        protocol, **kwargs
            As in :meth:`docstore.Document.to_json`.
        """
        from .plain_forms import dump_text, split_options

        if protocol == 'jsonschema' and not kwargs:
            return self.to_bytes('json').decode('utf-8')
        chosen, writing = split_options(kwargs)
        return dump_text(self.to_list(protocol, **chosen), writing)

    @classmethod
    def from_json(
        cls, file: str | bytes | Path | IO[Any], protocol: str = 'jsonschema', **kwargs: Any
    ) -> Self:
        """The array that :meth:`to_json` wrote, from its text, or from a file.

        Parameters
        ----------
        file : str, bytes, Path or open file
            JSON; a str is the text itself.
        protocol : {'jsonschema', 'protobuf'}
        **kwargs
            ``storage`` and ``config`` of the array that is made.

        Raises
        ------
        CorruptData
            If it is no JSON, or a field has a value of another type than its own.
        """
        from .plain_forms import load_text

        if not isinstance(file, (str, bytes, bytearray, memoryview)):
            return cls.load_json(file, protocol, **kwargs)
        values = load_text(file)
        if not isinstance(values, list):
            from .errors import CorruptData

            raise CorruptData(
                f'expected a JSON array of documents, got {type(values).__name__}: '
                'Document.from_json reads a single one'
            )
        return cls._from_plain(values, protocol, kwargs, '')

    def save_json(
        self,
        file: str | Path | IO[Any],
        protocol: str = 'jsonschema',
        encoding: str = 'utf-8',
        **kwargs: Any,
    ) -> None:
        """Write what :meth:`to_json` gives to a path, or to a file open for text or bytes.

        Raises
        ------
        InvalidArgument
            If there is no such encoding.
        EncodeError
            If a text cannot be written in it; the message names the place.
        """
        from .codecs.csvs import save_text

        if not kwargs and protocol == 'jsonschema' and _is_utf8(encoding) and _is_path(file):
            self._dump(file, 'json', None, show=False)
        else:
            save_text(self.to_json(protocol, **kwargs), file, encoding)

    @classmethod
    def load_json(
        cls,
        file: str | Path | IO[Any],
        protocol: str = 'jsonschema',
        encoding: str = 'utf-8',
        **kwargs: Any,
    ) -> Self:
        """The array that :meth:`save_json` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        CorruptData
            If it is no JSON, in another encoding, or a field has a value of
            another type than its own.
        """
        from .codecs.csvs import load_text_file

        return cls.from_json(load_text_file(file, encoding), protocol, **kwargs)

    def save(
        self, file: str | Path | IO[Any], file_format: str = 'binary', encoding: str = 'utf-8'
    ) -> None:
        """Write all Documents to a file.

        Parameters
        ----------
        file : path or open file
        file_format : {'binary', 'json', 'csv'}
        encoding : str
            Of text.

        Raises
        ------
        InvalidArgument
            If there is no such format or encoding.
        """
        _check_format(file_format)
        if file_format == 'json':
            self.save_json(file, encoding=encoding)
        elif file_format == 'csv':
            self.save_csv(file, encoding=encoding)
        else:
            self.save_binary(cast('BinaryIO', file))

    @classmethod
    def load(
        cls,
        file: str | Path | IO[Any],
        file_format: str = 'binary',
        encoding: str = 'utf-8',
        **kwargs: Any,
    ) -> Self:
        """The array that :meth:`save` wrote.

        The other parameters are ``storage`` and ``config`` of the new array.
        """
        _check_format(file_format)
        if file_format == 'json':
            return cls.load_json(file, encoding=encoding, **kwargs)
        if file_format == 'csv':
            return cls.load_csv(file, encoding=encoding, **kwargs)
        array: Self = cls.load_binary(cast('BinaryIO', file), **kwargs)
        return array

    def save_csv(
        self,
        file: str | Path | IO[str],
        flatten_tags: bool = True,
        exclude_fields: Collection[str] | None = None,
        dialect: Any = 'excel',
        with_header: bool = True,
        encoding: str = 'utf-8',
    ) -> None:
        """Write a table with a line for each Document.

        There is a column for each field that any Document has. What is not
        text is JSON, and line breaks become spaces.

        Parameters
        ----------
        file : path, or a file open for text
        flatten_tags : bool
            Whether each of the tags has a column, ``tag__`` and its name.
        exclude_fields : list of str, optional
            Fields to leave out.
        dialect : str or csv.Dialect
        with_header : bool
            Whether the first line has the names of the columns.
        encoding : str

        Raises
        ------
        InvalidArgument
            If the dialect, the encoding or a field is unknown.
        EncodeError
            If a value cannot be written; the message names row and field.
        """
        from .codecs.csvs import write_csv

        write_csv(
            blocks_of(self._records),
            file,
            flatten_tags,
            exclude_fields,
            dialect,
            with_header,
            encoding,
        )

    @classmethod
    def load_csv(
        cls,
        file: str | Path | IO[str],
        field_resolver: Mapping[str, str] | None = None,
        encoding: str = 'utf-8',
        **kwargs: Any,
    ) -> Self:
        """The array of a table with a header, such as :meth:`save_csv` wrote.

        Fields get the type that is theirs; tags and columns that are no fields
        are tags, as text. The other parameters and the errors are those of
        :meth:`docstore.DocumentArray.from_csv`.
        """
        array: Self = cls.from_csv(  # type: ignore[attr-defined]  # the last link has it
            file, field_resolver, encoding=encoding, **kwargs
        )
        return array

    def save_embeddings_csv(
        self, file: str | Path | IO[str], encoding: str = 'utf-8', **kwargs: Any
    ) -> None:
        """Write the embeddings as lines of numbers.

        Parameters
        ----------
        file : path, or a file open for text
        encoding : str
        **kwargs
            For :func:`numpy.savetxt`, such as ``delimiter=','``.

        Raises
        ------
        InvalidArgument
            If a Document has no embedding.
        """
        from .codecs.csvs import write_embeddings

        embeddings = self.embeddings
        if embeddings is None or (isinstance(embeddings, list) and embeddings[0] is None):
            raise InvalidArgument('there are no embeddings to save: set them first')
        write_embeddings(embeddings, file, encoding, **kwargs)


def _check_format(file_format: str) -> None:
    if file_format not in _FORMATS:
        raise InvalidArgument(
            f'file_format={file_format!r} is not known{did_you_mean(file_format, _FORMATS)}'
        )


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace('-', '').replace('_', '') == 'utf8'


def _is_path(file: Any) -> bool:
    return not hasattr(file, 'write')
