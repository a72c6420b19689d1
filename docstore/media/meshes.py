"""Meshes: files to vertices and faces, and to points on their surface."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CorruptData, DocstoreError, InvalidArgument, MissingDependency
from .arrays import array_of, positive_ints

__all__ = ['point_cloud', 'point_clouds', 'sample_surface', 'vertices_and_faces']

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Reads a file that a mesh names, beside its own.
Beside = Callable[[str], bytes]


def _trimesh() -> Any:
    try:
        import trimesh
    except ImportError as error:
        raise MissingDependency.of('trimesh', 'media', 'reading meshes') from error
    return trimesh


class _Files:
    """The files beside a mesh, as trimesh asks for them."""

    def __init__(self, beside: Beside | None) -> None:
        self._beside = beside

    def get(self, name: str) -> bytes:
        """The file of this name."""
        if self._beside is None:
            raise CorruptData(f'the mesh wants the file {name!r}; it must be one file')
        return self._beside(name)

    __getitem__ = get

    def keys(self) -> list[str]:
        """None are known beforehand."""
        return []

    def namespaced(self, _: str) -> _Files:
        """The same files."""
        return self


def _load(data: bytes, kind: str, beside: Beside | None, force: str) -> Any:
    trimesh = _trimesh()
    if not kind:
        raise InvalidArgument(
            'cannot tell what kind of mesh this is: the URI has no extension such as .glb or .obj'
        )
    if kind not in trimesh.available_formats():
        raise InvalidArgument(
            f'meshes of the kind {kind!r} cannot be read; known: '
            f'{", ".join(sorted(trimesh.available_formats()))}'
        )
    try:
        return trimesh.load(BytesIO(data), file_type=kind, force=force, resolver=_Files(beside))
    except (DocstoreError, MemoryError):
        raise
    except Exception as error:  # its parsers raise what they stumble over
        raise CorruptData(f'{len(data)} bytes are no readable {kind} mesh: {error}') from error


def vertices_and_faces(data: bytes, kind: str, beside: Beside | None = None) -> tuple[Floats, Ints]:
    """The corners of a mesh, (n, 3), and which three make each face, (m, 3).

    Parameters
    ----------
    data : bytes
        The file.
    kind : str
        Its extension: ``'glb'``, ``'obj'``, ``'stl'``, ``'ply'`` ...
    beside : callable, optional
        Reads the files that it names.
    """
    mesh = _load(data, kind, beside, 'mesh')
    vertices, faces = getattr(mesh, 'vertices', ()), getattr(mesh, 'faces', ())
    if not len(vertices) or not len(faces):
        raise CorruptData(f'the {kind} file has no faces in it')
    return np.array(vertices, dtype=np.float64), np.array(faces, dtype=np.int64)


def point_cloud(data: bytes, kind: str, samples: int, beside: Beside | None = None) -> Floats:
    """``samples`` random points on the surface of a mesh."""
    return sample_surface(*vertices_and_faces(data, kind, beside), samples)


def point_clouds(
    data: bytes, kind: str, samples: int, beside: Beside | None = None
) -> list[Floats]:
    """``samples`` random points on each part of a scene."""
    scene = _load(data, kind, beside, 'scene')
    order = {name: position for position, name in enumerate(scene.geometry)}
    placed = [(*scene.graph[node], str(node)) for node in scene.graph.nodes_geometry]
    placed.sort(key=lambda entry: (order[entry[1]], entry[2]))
    clouds = []
    for transform, name, _ in placed:
        part = scene.geometry[name]
        if hasattr(part, 'faces'):
            corners = np.asarray(part.vertices) @ transform[:3, :3].T + transform[:3, 3]
            clouds.append(sample_surface(corners, part.faces, samples))
    if not clouds:
        raise CorruptData(f'the {kind} file has no faces in it')
    return clouds


def sample_surface(vertices: Any, faces: Any, samples: int) -> Floats:
    """``samples`` random points on the surface, (samples, 3); NumPy's seed counts."""
    (count,) = positive_ints((samples,), 'samples', 1)
    corners = array_of(vertices, 'a tensor of vertices').astype(np.float64)
    triangles = array_of(faces, 'a tensor of faces')
    if corners.ndim != 2 or corners.shape[1:] != (3,) or not np.isfinite(corners).all():
        raise InvalidArgument(f'vertices must be finite, of shape (n, 3), not {corners.shape}')
    if triangles.ndim != 2 or triangles.shape[1:] != (3,) or triangles.dtype.kind not in 'iu':
        raise InvalidArgument(f'faces must be ints of shape (m, 3), not {triangles.shape}')
    if not len(triangles) or triangles.min() < 0 or triangles.max() >= len(corners):
        raise InvalidArgument(
            f'faces must be positions in the {len(corners)} vertices, and at least one'
        )
    return _sampled(corners[triangles], count)


def _sampled(triangles: Floats, count: int) -> Floats:
    sides = triangles[:, 1:] - triangles[:, :1]
    areas = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
    total = areas.sum()
    if not total > 0:
        raise InvalidArgument('the faces have no area')
    # The legacy generator, because seeding it is how scripts repeat themselves.
    random = np.random.random_sample
    chosen = np.searchsorted(np.cumsum(areas / total), random(count))
    chosen = np.minimum(chosen, len(areas) - 1)
    along = random((count, 2, 1))
    # The far half of the parallelogram is folded back onto the triangle.
    beyond = along.sum(axis=1, keepdims=True) > 1
    along = np.where(beyond, 1 - along, along)
    points: Floats = triangles[chosen, 0] + (along * sides[chosen]).sum(axis=1)
    return points
