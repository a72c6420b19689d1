"""The showing side of a DocumentArray: summaries, plots, sheets of pictures, animations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .display.summary import Overview, array_tables, heading, show
from .state import to_record
from .stored import StoredRecords
from .typed import TypedSequence

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ['ShownSequence']


class ShownSequence(TypedSequence):
    """A sequence of Documents that can be looked at."""

    def summary(self) -> None:
        """Print what the array holds, and where it is kept."""
        show(array_tables(self._overview()))

    def _overview(self) -> Overview:
        facts = {'Type': type(self).__name__, 'Storage': self._records.label}
        if isinstance(self._records, StoredRecords):
            index = self._records.index
            facts.update(self._records.store.info())
            facts['index'] = f'{index.name} ({index.metric})' if index.approximate else 'exact'
        for selector, sub in self._records.subindices.items():
            facts[f'subindex {selector}'] = f'{len(sub)} documents'
        records = ((to_record(doc._data), '_metadata' in doc.non_empty_fields) for doc in self)
        return Overview.of(records, len(self), facts)

    def __rich_console__(self, console: Any, options: Any) -> Any:
        yield heading(self)
        yield array_tables(self._overview())

    def _repr_html_(self) -> str:
        from .display.notebook import array_html

        return array_html(self._overview(), (to_record(doc._data) for doc in self))

    def _ipython_display_(self) -> None:
        from .display.notebook import show_html

        show_html(self._repr_html_, self.summary)

    def plot_embeddings(
        self,
        title: str = 'MyDocumentArray',
        path: str | Path | None = None,
        image_sprites: bool = False,
        min_image_size: int = 16,
        channel_axis: int = -1,
        start_server: bool = True,
        host: str = '127.0.0.1',
        port: int | None = None,
        image_source: str = 'tensor',
        exclude_fields_metas: Sequence[str] | None = None,
    ) -> str:
        """Make a page of the embeddings as points: nearby ones are alike.

        The page is one file, ``index.html``, that needs no network and no
        server. Beside it are the tables that the TensorFlow projector reads.

        Parameters
        ----------
        title : str
            Names the plot and its files.
        path : path, optional
            The folder; a new temporary one if it is not given. The plots that
            are in it already stay, and can be chosen on the page.
        image_sprites : bool
            Whether to show pictures in the place of points.
        min_image_size : int
            Their least size in pixels. If not all fit, the plot has as many as
            fit, and a warning says so.
        channel_axis : int
            Where the channels of tensors are.
        start_server : bool
            Whether to serve the page until the program ends, and to open it
            where there is a desktop.
        host, port
            Where to serve it; a free port unless one is given.
        image_source : {'tensor', 'uri', 'blob'}
            The field with the pictures.
        exclude_fields_metas : list of str, optional
            Fields and tags (as ``tag__name``) that are left out of the table.

        Returns
        -------
        str
            The folder.

        Raises
        ------
        InvalidArgument
            If the array is empty, or a Document has no vector or no picture; the
            message names it, and nothing is written. ``InvalidVector`` if one
            has NaN or infinity, ``DimensionMismatch`` if lengths differ.
        StorageError
            If the folder cannot be written.

        Examples
        --------
        >>> from docstore import Document, DocumentArray
        >>> da = DocumentArray([Document(text=t, embedding=[len(t), 1]) for t in ('a', 'bb')])
        >>> da.plot_embeddings('words', path='plot', start_server=False)
        'plot'
        >>> import os
        >>> sorted(os.listdir('plot'))
        ['config.json', 'index.html', 'words.metas.tsv', 'words.points.json', 'words.tsv']
        """
        from .plots.embeddings import Plan, write_plot

        plan = Plan(
            title,
            self,
            self._records.gather,
            image_sprites,
            min_image_size,
            channel_axis,
            image_source,
            exclude_fields_metas or (),
        )
        folder = write_plot(plan, path)
        if start_server:
            from .plots.viewing import open_in_browser
            from .preview import Preview

            preview = Preview(folder, host, port)
            where = folder / 'index.html'
            print(f'{preview.url} shows {where} while this program runs')  # noqa: T201 - to click
            open_in_browser(preview.url)
        return str(folder)

    def plot_image_sprites(
        self,
        output: str | Path | None = None,
        canvas_size: int = 512,
        min_size: int = 16,
        channel_axis: int = -1,
        image_source: str = 'tensor',
        skip_empty: bool = False,
        show_progress: bool = False,
        show_index: bool = False,
        fig_size: tuple[float, float] | None = (10, 10),
        keep_aspect_ratio: bool = False,
    ) -> None:
        """Show the pictures of all Documents in one.

        Parameters
        ----------
        output : path, optional
            Write a PNG there; without it the picture is shown.
        canvas_size, min_size : int
            The width of the whole, and the least of one picture, in pixels. If
            not all fit, as many as fit are taken at even distances, and a
            warning says so.
        channel_axis : int
            Where the channels of tensors are.
        image_source : {'tensor', 'uri', 'blob'}
            The field with the pictures.
        skip_empty : bool
            Leave out Documents without a picture.
        show_progress : bool
            Whether to show a progress bar.
        show_index : bool
            Whether to write its position onto each.
        fig_size : pair of float, optional
            Width and height in inches, written into the file.
        keep_aspect_ratio : bool
            Whether to leave white space rather than to stretch.

        Raises
        ------
        InvalidArgument
            If the array is empty, or a Document has no picture; it is named.

        Examples
        --------
        >>> from docstore import DocumentArray
        >>> import numpy as np
        >>> da = DocumentArray.empty(4)
        >>> da.tensors = np.zeros((4, 8, 8, 3), dtype='uint8')
        >>> da.plot_image_sprites('sheet.png')
        """
        from .plots.sprites import sheet_file
        from .plots.staging import write_file
        from .plots.viewing import show_picture

        data = sheet_file(
            self,
            canvas_size,
            min_size,
            fig_size,
            skip_empty,
            image_source,
            channel_axis=channel_axis,
            keep_aspect_ratio=keep_aspect_ratio,
            show_index=show_index,
            show_progress=show_progress,
        )
        if output is None:
            show_picture(data, None if fig_size is None else round(fig_size[0] * 96))
        else:
            write_file(output, data)

    def save_gif(
        self,
        output: str | Path,
        channel_axis: int = -1,
        duration: int = 200,
        size_ratio: float = 1.0,
        inline_display: bool = False,
        image_source: str = 'tensor',
        skip_empty: bool = False,
        show_index: bool = False,
        show_progress: bool = False,
    ) -> None:
        """Write an animated GIF with a frame for each Document.

        Parameters
        ----------
        output : path
            The file.
        duration : int
            Milliseconds a frame.
        size_ratio : float
            How large, against the first picture; the others are stretched to it.
        inline_display : bool
            Whether to show it, too.
        channel_axis, image_source, skip_empty, show_index, show_progress
            As in :meth:`plot_image_sprites`.

        Raises
        ------
        MissingDependency
            If Pillow is not installed.
        InvalidArgument
            If there are no pictures, or a Document has none; it is named.
        StorageError
            If the file cannot be written.
        """
        from .plots.animation import write_gif
        from .plots.viewing import show_file

        write_gif(
            self,
            output,
            image_source,
            channel_axis,
            duration,
            size_ratio,
            skip_empty,
            show_index,
            show_progress,
        )
        if inline_display:
            show_file(output)
