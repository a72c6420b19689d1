"""The media types for the fields of a ``@docstore.dataclass``.

A type checker sees what a field may be given: ``Text`` is a str, ``Blob`` is
bytes or a URI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, Union

__all__ = ['JSON', 'URI', 'Audio', 'Blob', 'Image', 'Mesh', 'Tabular', 'Text', 'Video']

if TYPE_CHECKING:
    import os
    from typing import TypeAlias

    import numpy.typing as npt

    _Path = Union[str, os.PathLike[str]]
    Text: TypeAlias = str
    URI: TypeAlias = _Path
    Tabular: TypeAlias = _Path
    Blob: TypeAlias = Union[bytes, _Path]
    JSON: TypeAlias = Any
    # Any of the three also stands for an image of Pillow, which need not be there.
    Image: TypeAlias = Union[_Path, npt.NDArray[Any], Any]
    Audio: TypeAlias = Union[_Path, npt.NDArray[Any]]
    Video: TypeAlias = Union[_Path, npt.NDArray[Any]]
    Mesh: TypeAlias = Union[_Path, npt.NDArray[Any]]
else:
    Image = TypeVar('Image')
    Text = TypeVar('Text')
    URI = TypeVar('URI')
    Audio = TypeVar('Audio')
    Video = TypeVar('Video')
    Mesh = TypeVar('Mesh')
    Tabular = TypeVar('Tabular')
    Blob = TypeVar('Blob')
    JSON = TypeVar('JSON')
