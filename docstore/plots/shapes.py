"""What a Document holds in three dimensions, and images with depths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..display.pixels import png, rgb_of
from ..errors import DocstoreError, InvalidArgument, UnknownField
from .page import page_of, plot_of
from .projection import to_unit
from .sprites import evenly

if TYPE_CHECKING:
    from ..document import Document

__all__ = ['cloud_page', 'depth_png', 'is_cloud', 'is_depth', 'mesh_page', 'parts_of_mesh']

_MOST_POINTS = 50_000
_MOST_EDGES = 60_000


def is_cloud(tensor: Any) -> bool:
    """Whether a tensor is a list of points."""
    shape = tuple(getattr(tensor, 'shape', ()))
    return len(shape) == 2 and shape[1] == 3 and shape[0] > 0


def is_depth(tensor: Any) -> bool:
    """Whether a tensor is an image whose fourth channel, of no bytes, is depth."""
    shape = tuple(getattr(tensor, 'shape', ()))
    return len(shape) == 3 and shape[2] == 4 and getattr(tensor, 'dtype', None) != np.uint8


def _coordinates(value: Any, whose: str) -> npt.NDArray[np.float64]:
    try:
        array = np.asarray(value.detach() if hasattr(value, 'detach') else value)
        points = array.astype(np.float64)
    except (TypeError, ValueError, RuntimeError, AttributeError):
        points = np.empty(0)
    if not is_cloud(points) or not np.isfinite(points).all():
        shape = getattr(value, 'shape', None)
        said = f'shape {shape}' if shape is not None else f'type {type(value).__name__}'
        raise InvalidArgument(f'{whose}: expected finite numbers of shape (n, 3), not {said}')
    return points


def cloud_page(doc: Document) -> bytes:
    """A page that shows the tensor of a Document as points in space."""
    points = _coordinates(doc.tensor, f'tensor of document {doc.id!r}')
    shown = points[evenly(len(points), _MOST_POINTS)]
    about = f'{len(points):,} points'
    if len(shown) < len(points):
        about = f'{len(shown):,} of {len(points):,} points, taken at even distances'
    return _page(doc, about, shown)


def parts_of_mesh(doc: Document) -> tuple[Any, Any]:
    """The tensors of the chunks named ``vertices`` and ``faces``."""
    parts = {chunk.tags.get('name'): chunk.tensor for chunk in doc.chunks}
    if parts.get('vertices') is None or parts.get('faces') is None:
        raise UnknownField(
            f'chunks of document {doc.id!r}: expected one with tags["name"] "vertices" and one '
            'with "faces", each with a tensor; load_uri_to_vertices_and_faces makes them'
        )
    return parts['vertices'], parts['faces']


def mesh_page(doc: Document) -> bytes:
    """A page that shows the mesh in the chunks of a Document as corners and edges."""
    vertices, faces = parts_of_mesh(doc)
    points = _coordinates(vertices, f'vertices of document {doc.id!r}')
    corners = _coordinates(faces, f'faces of document {doc.id!r}').astype(np.int64)
    if corners.min() < 0 or corners.max() >= len(points):
        raise InvalidArgument(
            f'faces of document {doc.id!r}: expected positions in the {len(points)} vertices'
        )
    about = f'{len(points):,} vertices, {len(corners):,} faces'
    if len(points) > _MOST_POINTS:
        raise InvalidArgument(
            f'document {doc.id!r} has {len(points):,} vertices, too many to draw: take points of '
            'its surface with load_vertices_and_faces_to_point_cloud'
        )
    pairs = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]))
    edges = np.unique(pairs, axis=0)
    if len(edges) > _MOST_EDGES:
        edges = edges[evenly(len(edges), _MOST_EDGES)]
        about += f', {_MOST_EDGES:,} of the edges'
    return _page(doc, about, points, edges)


def _page(doc: Document, about: str, points: Any, edges: Any = ()) -> bytes:
    columns = {name: points[:, axis].tolist() for axis, name in enumerate('xyz')}
    title = str(doc.uri or doc.id)[:200]
    plot = plot_of(title, about, to_unit(points), columns, deep=True, colour='z', edges=edges)
    return page_of([plot])


def depth_png(doc: Document) -> bytes:
    """The colours of an image tensor of four channels, and the fourth beside it in grey."""
    tensor = doc.tensor
    try:
        array = np.asarray(tensor.detach() if hasattr(tensor, 'detach') else tensor)
        if array.ndim != 3 or array.shape[2] != 4:
            raise InvalidArgument(
                f'expected an image of shape (height, width, 4), not {array.shape}'
            )
        colours = array[..., :3]
        bytes_already = colours.min() >= 0 and 1 < colours.max() <= 255
        colour = rgb_of(colours.astype(np.uint8) if bytes_already else colours)
        depth = array[..., 3].astype(np.float64)
        depth -= depth.min()
        grey = rgb_of(depth / (depth.max() or 1.0))
    except DocstoreError as error:
        raise type(error)(f'tensor of document {doc.id!r}: {error}', **vars(error)) from error
    return png(np.concatenate([colour, grey], axis=1))
