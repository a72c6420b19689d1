"""The showing side of a Document: in a terminal, in a notebook, in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .document_typed import TypedDocument
from .errors import InvalidArgument, UnsupportedOperation, did_you_mean
from .state import to_record

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ['ShownDocument']

_MESHES = ('obj', 'glb', 'gltf', 'ply', 'stl', 'off')


class ShownDocument(TypedDocument):
    """A Document that is shown: as a tree, as HTML, as a picture, as points in space.

    In a notebook it is shown below the cell; elsewhere pictures and pages are
    written to a temporary file, whose path is printed and which is opened in
    the browser where there is a desktop.
    """

    __slots__ = ()

    def summary(self) -> None:
        """Print the fields and the nested documents as a tree."""
        from .display.summary import show

        show(self)

    def __rich_console__(self, console: Any, options: Any) -> Any:
        from .display.summary import document_tree, heading

        yield heading(self)
        yield document_tree(to_record(self._data))

    def _repr_html_(self) -> str:
        from .display.notebook import document_html

        return document_html(to_record(self._data))

    def _ipython_display_(self) -> None:
        from .display.notebook import show_html

        show_html(self._repr_html_, self.summary)

    def display(self, from_: str | None = None) -> None:
        """Show the content that has a picture: of ``'uri'`` or ``'tensor'``.

        Parameters
        ----------
        from_ : {'uri', 'tensor'}, optional
            Without it the URI is shown if it names a picture, a sound, a film or a mesh,
            or else the tensor, or else the summary.

        Examples
        --------
        >>> from docstore import Document
        >>> Document(id='a', text='hello').display()
        <Document ('id', 'text') at a>
        ...
        """
        shown = {'uri': self.display_uri, 'tensor': self._display_any}
        if from_ is None:
            shown['summary'] = self.summary
            from_ = 'uri' if self._kind_of_uri() else 'tensor'
            if from_ == 'tensor' and self.tensor is None:
                from_ = 'summary'
        if from_ not in shown:
            raise InvalidArgument(f'from_={from_!r} cannot be shown{did_you_mean(from_, shown)}')
        shown[from_]()

    def _kind_of_uri(self) -> str:
        """``'mesh'``, the mime type of a picture, a sound or a film, or nothing."""
        if not self.uri:
            return ''
        from .media.uris import suffix_of_uri

        if self._from('uri', suffix_of_uri) in _MESHES:
            return 'mesh'
        kind = self.mime_type or self._from('uri', _mime_type_of)
        return kind if kind.startswith(('image/', 'audio/', 'video/')) else ''

    def _display_any(self) -> None:
        from .plots.shapes import is_cloud, is_depth

        if is_cloud(self.tensor):
            self.display_point_cloud_tensor()
        elif is_depth(self.tensor):
            self.display_rgbd_tensor()
        else:
            self.display_tensor()

    def display_tensor(self) -> None:
        """Show the tensor as a picture.

        Raises
        ------
        InvalidArgument
            If there is none, or it is no picture.
        """
        self._show_picture('tensor')

    def display_uri(self) -> None:
        """Show the picture, play the sound or the film, turn the mesh that the URI names.

        Raises
        ------
        InvalidArgument
            If there is no URI.
        UnsupportedOperation
            If it names something else, or it is not known what.
        """
        if not self.uri:
            raise InvalidArgument(f'document {self.id!r} has no uri: there is nothing to show')
        kind = self._kind_of_uri()
        if kind == 'mesh':
            mesh = type(self)(id=self.id, uri=self.uri).load_uri_to_vertices_and_faces()
            mesh.display_vertices_and_faces()
        elif kind.startswith('image/'):
            self._show_picture('uri')
        elif kind:
            from .plots.viewing import play

            self._from('uri', play, kind)
        else:
            raise UnsupportedOperation(
                f'uri of document {self.id!r}: it names no picture, sound, film or mesh, as far as '
                'its ending and mime_type tell; set mime_type if it does'
            )

    def _show_picture(self, source: str) -> None:
        from .display.pixels import png
        from .plots.pictures import picture_of
        from .plots.viewing import show_picture

        show_picture(png(picture_of(self, source)))  # type: ignore[arg-type]  # it is the last link

    def display_point_cloud_tensor(self) -> None:
        """Show the tensor, of shape (n, 3), as points in space that can be turned.

        Raises
        ------
        InvalidArgument
            If it is of another shape, or not finite.
        """
        from .plots.shapes import cloud_page
        from .plots.viewing import show_page

        show_page(cloud_page(self))  # type: ignore[arg-type]  # it is the last link

    def display_rgbd_tensor(self) -> None:
        """Show the tensor, of shape (height, width, 4): the colours, and the depths beside them.

        Raises
        ------
        InvalidArgument
            If it is of another shape.
        """
        from .plots.shapes import depth_png
        from .plots.viewing import show_picture

        show_picture(depth_png(self))  # type: ignore[arg-type]  # it is the last link

    def display_vertices_and_faces(self) -> None:
        """Show the mesh in the chunks named ``vertices`` and ``faces``, which can be turned.

        Raises
        ------
        UnknownField
            If there are no such chunks.
        InvalidArgument
            If they do not describe a mesh, or one too large to be drawn.
        """
        from .plots.shapes import mesh_page
        from .plots.viewing import show_page

        show_page(mesh_page(self))  # type: ignore[arg-type]  # it is the last link

    def plot_matches_sprites(
        self,
        top_k: int = 10,
        channel_axis: int = -1,
        inv_normalize: bool = False,
        skip_empty: bool = False,
        canvas_size: int = 1920,
        min_size: int = 100,
        output: str | Path | None = None,
    ) -> None:
        """Show the picture of this Document, in a frame, and of its first matches.

        Parameters
        ----------
        top_k : int
            How many matches.
        channel_axis : int
            Where the channels of tensors are.
        inv_normalize : bool
            Whether tensors were normalised, as ``set_image_tensor_normalization`` does.
        skip_empty : bool
            Leave out what has no picture.
        canvas_size, min_size : int
            The width of the picture, and the least of one in it, in pixels.
        output : path, optional
            Write a PNG there.

        Raises
        ------
        InvalidArgument
            If there are no matches, or one has no picture.
        """
        from .plots.matches import matches_sheet
        from .plots.staging import write_file
        from .plots.viewing import show_picture

        data = matches_sheet(
            self,  # type: ignore[arg-type]  # it is the last link
            top_k,
            channel_axis,
            inv_normalize,
            skip_empty,
            canvas_size,
            min_size,
        )
        if output is None:
            show_picture(data)
        else:
            write_file(output, data)


def _mime_type_of(uri: str) -> str:
    """The mime type that a URI speaks of."""
    from mimetypes import guess_type

    from .media import datauris

    if datauris.is_data_uri(uri):
        return datauris.parse(uri).mime_type
    return guess_type(uri)[0] or ''
