"""The side of a Document with sound, video and meshes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .document_images import ImageDocument
from .errors import InvalidArgument, InvalidDocument, UnknownField

if TYPE_CHECKING:
    from typing_extensions import Self

    from .media.uris import UriPolicy

__all__ = ['MediaDocument']


class MediaDocument(ImageDocument):
    """A Document with sound, video, or a mesh."""

    __slots__ = ()

    # -- sound ---------------------------------------------------------------

    def load_uri_to_audio_tensor(
        self, timeout: float | None = None, policy: UriPolicy | None = None
    ) -> Self:
        """Read sound into ``tensor``: float32 from -1 to 1, (n,) or (n, channels).

        Wav files need nothing else; others (flac, ogg, mp3) the package soundfile.

        Raises
        ------
        UriNotFound
            If the URI leads nowhere.
        CorruptData
            If it is no sound, or cut short.
        """
        from .media import audio

        data = self._read(timeout, policy)
        limit = policy.max_decoded if policy else None
        samples, _ = self._try('uri', audio.decode, data, limit)
        return self._take('tensor', samples)

    def save_audio_tensor_to_file(
        self, file: Any, sample_rate: int = 44100, sample_width: int = 2
    ) -> Self:
        """Write the samples to a wav file, at a path or writable.

        Parameters
        ----------
        file : str, path or binary file
            Where to.
        sample_rate : int
            Samples per second.
        sample_width : {1, 2, 3, 4}
            Bytes of a sample.

        Examples
        --------
        >>> import numpy as np
        >>> from docstore import Document
        >>> tone = np.sin(np.arange(4410) * 2 * np.pi * 440 / 44100)
        >>> doc = Document(tensor=tone).save_audio_tensor_to_file('tone.wav')
        >>> Document(uri='tone.wav').load_uri_to_audio_tensor().tensor.shape
        (4410,)
        """
        from .media import audio, files

        data = self._from('tensor', audio.encode, sample_rate, sample_width)
        self._try('tensor', files.write, file, data)
        return self

    # -- video ---------------------------------------------------------------

    def load_uri_to_video_tensor(
        self,
        only_keyframes: bool = False,
        timeout: float | None = None,
        policy: UriPolicy | None = None,
        **options: Any,
    ) -> Self:
        """Read video into ``tensor``: uint8, (frames, height, width, 3).

        Parameters
        ----------
        only_keyframes : bool
            Whether to take the key frames alone; else their positions are put
            into ``tags['keyframe_indices']``.
        timeout, policy
            As in :meth:`load_uri_to_text`.
        **options
            For ``av.open``.

        Raises
        ------
        UriNotFound
            If the URI leads nowhere.
        CorruptData
            If it is no video.
        """
        from .media import video

        data = self._read(timeout, policy)
        limit = policy.max_decoded if policy else None
        frames, keys = self._try('uri', video.decode, data, only_keyframes, limit, **options)
        if only_keyframes:
            return self._take('tensor', frames)
        return self._take('tensor', frames, tags={**self.tags, 'keyframe_indices': keys})

    def save_video_tensor_to_file(
        self, file: Any, frame_rate: int = 30, codec: str = 'h264'
    ) -> Self:
        """Write frames of uint8, (frames, height, width, 3), to a video file.

        Parameters
        ----------
        file : str, path or binary file
            Where to; its extension says the kind of file, mp4 if it has none.
        frame_rate : int
            Frames per second.
        codec : str
            As FFmpeg names it.
        """
        from .media import files, video

        kind = files.suffix_of(file) or 'mp4'
        data = self._from('tensor', video.encode, frame_rate, codec, kind)
        self._try('tensor', files.write, file, data)
        return self

    @classmethod
    def generator_from_webcam(
        cls,
        height_width: tuple[int, int] | None = None,
        show_window: bool = True,
        window_title: str = 'webcam',
        fps: int = 30,
        exit_key: int = 27,
        exit_event: Any = None,
        tags: dict[str, Any] | None = None,
    ) -> Iterator[Self]:
        """Documents with the pictures of the camera, one after the other.

        Parameters
        ----------
        height_width : (int, int), optional
            The size to make of them.
        show_window : bool
            Whether to show them, in a window named ``window_title``.
        window_title : str
            See above.
        fps : int
            How many a second.
        exit_key : int
            The key that ends it, Escape unless given.
        exit_event : Event, optional
            Ends it when set.
        tags : dict, optional
            For every Document.
        """
        from .media import video

        for frame in video.camera_frames(show_window, window_title, fps, exit_key, exit_event):
            doc = cls(tensor=frame, tags=dict(tags or {}))
            yield doc if height_width is None else doc.set_image_tensor_shape(height_width)

    # -- meshes --------------------------------------------------------------

    def load_uri_to_point_cloud_tensor(
        self,
        samples: int,
        as_chunks: bool = False,
        timeout: float | None = None,
        policy: UriPolicy | None = None,
    ) -> Self:
        """Read a mesh, and take random points of its surface for the ``tensor``.

        Parameters
        ----------
        samples : int
            How many points.
        as_chunks : bool
            Whether to add a chunk for each part of the scene instead.
        timeout, policy
            As in :meth:`load_uri_to_text`.
        """
        from .media import meshes

        data, kind, beside = self._mesh(timeout, policy)
        if not as_chunks:
            return self._take(
                'tensor',
                self._try('uri', meshes.point_cloud, data, kind, samples, beside),
            )
        clouds = self._try('uri', meshes.point_clouds, data, kind, samples, beside)
        return self._add_chunks([{'tensor': cloud} for cloud in clouds])

    def load_uri_to_vertices_and_faces(
        self, timeout: float | None = None, policy: UriPolicy | None = None
    ) -> Self:
        """Read a mesh into two chunks, named by ``tags['name']``: vertices and faces."""
        from .media import meshes

        data, kind, beside = self._mesh(timeout, policy)
        vertices, faces = self._try('uri', meshes.vertices_and_faces, data, kind, beside)
        self.chunks = [
            type(self)(tensor=vertices, tags={'name': 'vertices'}),
            type(self)(tensor=faces, tags={'name': 'faces'}),
        ]
        return self

    def load_vertices_and_faces_to_point_cloud(self, samples: int) -> Self:
        """Take random points of the surface that the chunks describe for the ``tensor``.

        Raises
        ------
        UnknownField
            If there are no chunks named ``vertices`` and ``faces``.
        """
        from .media import meshes

        parts = {chunk.tags.get('name'): chunk.tensor for chunk in self.chunks}
        vertices, faces = parts.get('vertices'), parts.get('faces')
        if vertices is None or faces is None:
            raise UnknownField(
                f'chunks of document {self.id!r}: expected one with tags["name"] "vertices" and '
                'one with "faces", each with a tensor; load_uri_to_vertices_and_faces makes them'
            )
        return self._take(
            'tensor',
            self._try('chunks', meshes.sample_surface, vertices, faces, samples),
        )

    def _mesh(self, timeout: float | None, policy: UriPolicy | None) -> tuple[bytes, str, Any]:
        from .media import uris

        data = self._read(timeout, policy)
        kind = self._from('uri', uris.suffix_of_uri)
        return data, kind, uris.reader_beside(self.uri, policy or uris.TRUSTED, timeout)

    # -- red, green, blue and depth --------------------------------------------

    def load_uris_to_rgbd_tensor(
        self, timeout: float | None = None, policy: UriPolicy | None = None
    ) -> Self:
        """Join the images of two chunks, colour and depth, to one tensor of four channels.

        Raises
        ------
        InvalidDocument
            If there are not two chunks with a URI each.
        InvalidArgument
            If the images differ in size.
        """
        import numpy as np

        from .media import images

        chunks = list(self.chunks)
        if len(chunks) != 2 or not all(chunk.uri for chunk in chunks):
            raise InvalidDocument(
                f'chunks of document {self.id!r}: expected two, the first with the uri of an image '
                f'and the second with that of its depths, not {chunks!r}'
            )
        limit = policy.max_decoded if policy else None
        files = [chunk._read(timeout, policy) for chunk in chunks]
        colour = chunks[0]._try('uri', images.decode, files[0], max_decoded=limit)[0]
        depth = chunks[1]._try('uri', images.decode_depth, files[1], limit)
        if colour.shape[:2] != depth.shape:
            raise InvalidArgument(
                f'chunks of document {self.id!r}: the image has {colour.shape[:2]} pixels and the '
                f'depth image {depth.shape}'
            )
        return self._take('tensor', np.concatenate([colour, depth[..., None]], axis=-1))
