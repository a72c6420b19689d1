"""The image side of a Document: files, tensors, sizes, windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .document_converting import ConvertedDocument

if TYPE_CHECKING:
    from typing_extensions import Self

    from .media.uris import UriPolicy

__all__ = ['ImageDocument']


class ImageDocument(ConvertedDocument):
    """A Document with an image: uint8, height x width x channels unless said otherwise."""

    __slots__ = ()

    def load_uri_to_image_tensor(
        self,
        width: int | None = None,
        height: int | None = None,
        channel_axis: int = -1,
        timeout: float | None = None,
        policy: UriPolicy | None = None,
    ) -> Self:
        """Read the image that the URI names into ``tensor``, as red, green and blue.

        Parameters
        ----------
        width, height : int, optional
            The size to make of it; one that is not given stays as it is.
        channel_axis : int
            Where the channels go.
        timeout, policy
            As in :meth:`load_uri_to_text`.

        Raises
        ------
        UriNotFound
            If the URI leads nowhere.
        CorruptData
            If it is no image, or one that is too large.

        Notes
        -----
        Files with several frames (animations, paged TIFF) become a chunk a
        frame, and the Document itself gets no tensor.
        """
        data = self._read(timeout, policy)
        limit = policy.max_decoded if policy else None
        return self._take_frames('uri', data, (width, height, channel_axis, limit))

    def convert_blob_to_image_tensor(
        self,
        width: int | None = None,
        height: int | None = None,
        channel_axis: int = -1,
        policy: UriPolicy | None = None,
    ) -> Self:
        """Read the image in the blob into ``tensor``, as :meth:`load_uri_to_image_tensor` does."""
        limit = policy.max_decoded if policy else None
        return self._take_frames('blob', self.blob, (width, height, channel_axis, limit))

    def _take_frames(self, field: str, data: bytes, options: tuple[Any, ...]) -> Self:
        from .media import images

        frames = self._try(field, images.decode, data, *options)
        if len(frames) == 1:
            return self._take('tensor', frames[0])
        self.chunks = [type(self)(tensor=frame) for frame in frames]
        return self

    def _add_chunks(self, fields: list[dict[str, Any]]) -> Self:
        made = [type(self)(**given) for given in fields]
        self.chunks = [*self.chunks, *made]
        return self

    def convert_image_tensor_to_blob(
        self, channel_axis: int = -1, image_format: str = 'png'
    ) -> Self:
        """Replace the image tensor by a file in ``blob``.

        Parameters
        ----------
        channel_axis : int
            Which axis has the channels, if there are three axes.
        image_format : {'png', 'jpeg', 'jpg'}
            The kind of file.

        Raises
        ------
        InvalidArgument
            If it is no image of uint8, or of whole numbers from 0 to 255.
        """
        from .media import images

        return self._take('blob', self._from('tensor', images.encode, channel_axis, image_format))

    def convert_image_tensor_to_uri(
        self, channel_axis: int = -1, image_format: str = 'png'
    ) -> Self:
        """Put the image tensor into ``uri``, as a data URI; the tensor stays."""
        from .media import datauris, images

        data = self._from('tensor', images.encode, channel_axis, image_format)
        mime_type = f'image/{images.FORMATS[image_format].lower()}'
        self.uri = datauris.make(data, mime_type, charset='', base64=True)
        return self

    def load_pil_image_to_datauri(self, image: Any) -> Self:
        """Put a Pillow image into ``uri``, as the data URI of a PNG."""
        from .media import datauris, images

        data = self._try('uri', images.png_of, image)
        self.uri = datauris.make(data, 'image/png', charset='', base64=True)
        return self

    def save_image_tensor_to_file(
        self, file: Any, channel_axis: int = -1, image_format: str = 'png'
    ) -> Self:
        """Write the image tensor to a path or a writable file.

        Warns
        -----
        UserWarning
            If the extension of the file says another format.
        """
        from .media import files, images

        data = self._from('tensor', images.encode, channel_axis, image_format)
        suffix = files.suffix_of(file)
        if suffix and images.FORMATS.get(suffix) != images.FORMATS[image_format]:
            import warnings

            warnings.warn(
                f'{file!r} will hold an image of the format {image_format!r}, which its extension '
                'does not say; give image_format=',
                stacklevel=2,
            )
        self._try('tensor', files.write, file, data)
        return self

    # -- tensor to tensor ----------------------------------------------------

    def set_image_tensor_channel_axis(
        self, original_channel_axis: int, new_channel_axis: int
    ) -> Self:
        """Move the channels to another axis.

        Examples
        --------
        >>> import numpy as np
        >>> from docstore import Document
        >>> Document(tensor=np.zeros((4, 6, 3))).set_image_tensor_channel_axis(-1, 0).tensor.shape
        (3, 4, 6)
        """
        from .media import pixels

        axes = original_channel_axis, new_channel_axis
        return self._take('tensor', self._from('tensor', pixels.move_channels, *axes))

    def set_image_tensor_shape(self, shape: tuple[int, int], channel_axis: int = -1) -> Self:
        """Make the image ``shape`` (height, width) large, by nearest neighbours."""
        from .media import pixels

        return self._take('tensor', self._from('tensor', pixels.resize, shape, channel_axis))

    def set_image_tensor_resample(self, ratio: float, channel_axis: int = -1) -> Self:
        """Make the image ``ratio`` times as high and as wide, by nearest neighbours."""
        from .media import pixels

        return self._take('tensor', self._from('tensor', pixels.resample, ratio, channel_axis))

    def set_image_tensor_normalization(
        self,
        channel_axis: int = -1,
        img_mean: Sequence[float] = (0.485, 0.456, 0.406),
        img_std: Sequence[float] = (0.229, 0.224, 0.225),
    ) -> Self:
        """Make of uint8 float32 around 0: ``(x / 255 - mean) / std`` in each channel.

        Raises
        ------
        InvalidArgument
            If the tensor is not of uint8 with three axes.
        """
        from .media import pixels

        numbers = channel_axis, img_mean, img_std
        return self._take('tensor', self._from('tensor', pixels.normalize, *numbers))

    def set_image_tensor_inv_normalization(
        self,
        channel_axis: int = -1,
        img_mean: Sequence[float] = (0.485, 0.456, 0.406),
        img_std: Sequence[float] = (0.229, 0.224, 0.225),
    ) -> Self:
        """Undo :meth:`set_image_tensor_normalization`: float32 to uint8.

        Raises
        ------
        InvalidArgument
            If the tensor is not of float32 with three axes.
        """
        from .media import pixels

        numbers = channel_axis, img_mean, img_std
        return self._take('tensor', self._from('tensor', pixels.denormalize, *numbers))

    def convert_image_tensor_to_sliding_windows(
        self,
        window_shape: tuple[int, int] = (64, 64),
        strides: tuple[int, int] | None = None,
        padding: bool = False,
        channel_axis: int = -1,
        as_chunks: bool = False,
    ) -> Self:
        """Cut the image into windows, row by row.

        Parameters
        ----------
        window_shape : (int, int)
            Height and width of a window.
        strides : (int, int), optional
            From one window to the next; they touch unless it is given.
        padding : bool
            Whether zeros complete the last windows; else what is left over at
            the right and at the bottom is in no window.
        channel_axis : int
            Which axis has the channels, of the image and of each window.
        as_chunks : bool
            Whether to add the windows to the chunks, with ``location`` (y, x,
            height, width); else the tensor becomes (windows, height, width,
            channels).

        Examples
        --------
        >>> import numpy as np
        >>> from docstore import Document
        >>> doc = Document(tensor=np.zeros((6, 8, 3), dtype=np.uint8))
        >>> doc.convert_image_tensor_to_sliding_windows((3, 4), as_chunks=True)
        <Document ('id', 'tensor', 'chunks') at ...>
        >>> doc.chunks[3].location
        (3, 4, 3, 4)
        """
        import numpy as np

        from .media import pixels

        options = window_shape, strides, padding, channel_axis
        windows = self._from('tensor', pixels.windows, *options)
        if not as_chunks:
            return self._take('tensor', np.stack([window for _, window in windows]))
        return self._add_chunks(
            [{'tensor': window.copy(), 'location': place} for place, window in windows]
        )
