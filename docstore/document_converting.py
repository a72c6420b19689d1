"""The converting side of a Document: text, bytes, URIs, word numbers, feature hashing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from .document_saving import SavedDocument
from .errors import DocstoreError, InvalidArgument, MissingDependency, UnsupportedOperation
from .schema import CONTENT_FIELDS

if TYPE_CHECKING:
    from typing_extensions import Self

    from .media.uris import UriPolicy

__all__ = ['ConvertedDocument']

T = TypeVar('T')


class ConvertedDocument(SavedDocument):
    """A Document whose content is read, written and converted in place.

    Every method gives the Document back, so that calls can be chained. When
    one fails, its error names the Document and the field, and the Document is
    as it was before.
    """

    __slots__ = ()

    def _try(self, field: str, work: Callable[..., T], *args: Any, **options: Any) -> T:
        """What ``work`` gives; its errors say whose field it was about."""
        try:
            return work(*args, **options)
        except MissingDependency:
            raise
        except DocstoreError as error:
            message = f'{field} of document {self.id!r}: {error}'
            raise type(error)(message, **vars(error)) from error

    def _from(self, field: str, convert: Callable[..., T], *args: Any, **options: Any) -> T:
        """What ``convert`` makes of a field."""
        return self._try(field, convert, getattr(self, field), *args, **options)

    def _take(self, field: str, content: Any, **others: Any) -> Self:
        """Set the one content field, and others, at once."""
        self._assign({**dict.fromkeys(CONTENT_FIELDS), field: content, **others})
        return self

    def _read(self, timeout: float | None, policy: UriPolicy | None) -> bytes:
        from .media import uris

        return self._from('uri', uris.read, policy or uris.TRUSTED, timeout)

    # -- from and to URIs ----------------------------------------------------

    def load_uri_to_text(
        self,
        charset: str = 'utf-8',
        timeout: float | None = None,
        policy: UriPolicy | None = None,
    ) -> Self:
        """Read the URI into ``text``.

        Parameters
        ----------
        charset : str
            How the bytes are to be read.
        timeout : float, optional
            Seconds until everything must have come.
        policy : UriPolicy, optional
            What may be opened; by default files, http, https and data URIs.

        Raises
        ------
        UriNotFound
            If the URI leads nowhere.
        CorruptData
            If the bytes are no text in ``charset``.

        Examples
        --------
        >>> from docstore import Document
        >>> Document(uri='data:,hello%20world').load_uri_to_text().text
        'hello world'
        """
        from .media import texts

        data = self._read(timeout, policy)
        return self._take('text', self._try('uri', texts.decode, data, charset))

    def load_uri_to_blob(
        self, timeout: float | None = None, policy: UriPolicy | None = None
    ) -> Self:
        """Read the URI into ``blob``; the arguments are those of :meth:`load_uri_to_text`."""
        return self._take('blob', self._read(timeout, policy))

    def convert_uri_to_datauri(
        self,
        charset: str = 'utf-8',
        base64: bool = False,
        timeout: float | None = None,
        policy: UriPolicy | None = None,
    ) -> Self:
        """Put what the URI names into the URI itself; a data URI stays as it is."""
        from .media import datauris

        if not datauris.is_data_uri(self.uri):
            data = self._read(timeout, policy)
            self.uri = self._from('mime_type', _datauri, data, charset, base64)
        return self

    def convert_text_to_datauri(self, charset: str = 'utf-8', base64: bool = False) -> Self:
        """Put the text into ``uri``, as a data URI.

        Parameters
        ----------
        charset : str
            How the text is written as bytes.
        base64 : bool
            Whether as base64, else percent-encoded.

        Examples
        --------
        >>> from docstore import Document
        >>> Document(text='a b').convert_text_to_datauri().uri
        'data:;charset=utf-8,a%20b'
        """
        from .media import datauris

        data = self._from('text', datauris.encode_text, charset)
        self.uri = self._from('mime_type', _datauri, data, charset, base64)
        return self

    def convert_blob_to_datauri(self, charset: str = 'utf-8', base64: bool = False) -> Self:
        """Put the blob into ``uri``, as a data URI.

        Raises
        ------
        InvalidArgument
            If no ``mime_type`` is set.
        """
        if not self.mime_type:
            raise InvalidArgument(
                f'mime_type of document {self.id!r}: it is unset, and a data URI of a blob needs it'
            )
        self.uri = self._from('mime_type', _datauri, self.blob, charset, base64)
        return self

    def convert_content_to_datauri(self) -> Self:
        """Put the text or the blob into ``uri``, as a data URI.

        Raises
        ------
        UnsupportedOperation
            If the content is a tensor.
        """
        kind = self.content_type
        if kind == 'text':
            return self.convert_text_to_datauri()
        if kind == 'blob':
            return self.convert_blob_to_datauri()
        if kind is None:
            return self
        raise UnsupportedOperation(
            f'tensor of document {self.id!r}: only text and blobs become data URIs; an image does '
            'by convert_image_tensor_to_uri'
        )

    def save_uri_to_file(
        self, file: Any, timeout: float | None = None, policy: UriPolicy | None = None
    ) -> Self:
        """Write what the URI names to a path or a writable file."""
        from .media import files

        data = self._read(timeout, policy)
        self._try('uri', files.write, file, data)
        return self

    def save_blob_to_file(self, file: Any) -> Self:
        """Write the blob to a path or a writable file."""
        from .media import files

        self._try('blob', files.write, file, self.blob)
        return self

    # -- bytes and arrays ----------------------------------------------------

    def convert_blob_to_tensor(
        self, dtype: str | None = None, count: int = -1, offset: int = 0
    ) -> Self:
        """Take the bytes of the blob for numbers.

        Parameters
        ----------
        dtype : str, optional
            Of what type, ``'float64'`` unless given.
        count : int
            How many; -1 for all.
        offset : int
            The byte to start at.

        Examples
        --------
        >>> from docstore import Document
        >>> Document(blob=bytes([1, 2, 3])).convert_blob_to_tensor(dtype='uint8').tensor
        array([1, 2, 3], dtype=uint8)
        """
        from .media import arrays

        return self._take('tensor', self._from('blob', arrays.from_buffer, dtype, count, offset))

    def convert_tensor_to_blob(self) -> Self:
        """Put the bytes of the tensor into ``blob``."""
        from .media import arrays

        return self._take('blob', self._from('tensor', arrays.array_of).tobytes())

    # -- words ---------------------------------------------------------------

    def get_vocabulary(self, text_attrs: tuple[str, ...] = ('text',)) -> Counter[str]:
        """How often each word occurs.

        Parameters
        ----------
        text_attrs : tuple of str
            The fields, or paths such as ``tags__title``, that hold texts.

        Examples
        --------
        >>> from docstore import Document
        >>> Document(text='Well, well!').get_vocabulary()
        Counter({'well': 2})
        """
        from .media import texts

        counts: Counter[str] = Counter()
        for name in text_attrs:
            value = self._get_attributes(name)
            if value is not None:
                counts.update(self._try(name, texts.words, value))
        return counts

    def convert_text_to_tensor(
        self, vocab: Mapping[str, int], max_length: int | None = None, dtype: str = 'int64'
    ) -> Self:
        """Replace the text by the numbers of its words.

        Parameters
        ----------
        vocab : dict
            The number of each word; 1 is for those that it lacks, 0 for padding.
        max_length : int, optional
            Shorter texts are padded on the left, of longer ones the tail is kept.
        dtype : str
            Of the tensor.

        Examples
        --------
        >>> from docstore import Document
        >>> Document(text='Hello, new world').convert_text_to_tensor(
        ...     {'hello': 2, 'world': 3}, max_length=4).tensor
        array([0, 2, 1, 3])
        """
        from .media import texts

        return self._take('tensor', self._from('text', texts.to_numbers, vocab, max_length, dtype))

    def convert_tensor_to_text(
        self, vocab: Mapping[str, int] | Mapping[int, str], delimiter: str = ' '
    ) -> Self:
        """Replace word numbers by their words: the inverse of :meth:`convert_text_to_tensor`."""
        from .media import texts

        return self._take('text', self._from('tensor', texts.to_text, vocab, delimiter))

    def embed_feature_hashing(
        self,
        n_dim: int = 256,
        sparse: bool = False,
        fields: tuple[str, ...] = ('text', 'tags'),
        max_value: int = 1_000_000,
    ) -> Self:
        """Embed by the hashing trick: no model, the same vector everywhere.

        Parameters
        ----------
        n_dim : int
            The length of the embedding.
        sparse : bool
            Whether to make a SciPy ``csr_matrix`` of shape (1, n_dim).
        fields : tuple of str
            What to hash.
        max_value : int
            Values are taken modulo this.

        Examples
        --------
        >>> from docstore import Document
        >>> Document(text='hello').embed_feature_hashing(n_dim=8).embedding.shape
        (8,)
        """
        from .media import hashing

        values = [(name, self._get_attributes(name)) for name in fields]
        made: Any = self._try(' and '.join(fields), hashing.hash_features, values, n_dim, max_value)
        self.embedding = hashing.as_sparse(made) if sparse else made
        return self


def _datauri(mime_type: str, data: bytes, charset: str, base64: bool) -> str:
    from .media import datauris

    return datauris.make(data, mime_type, charset, base64)
