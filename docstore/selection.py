"""From what stands in the brackets of ``da[...]`` to positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import DocumentNotFound, InvalidIndex

if TYPE_CHECKING:
    from .records import Positions

__all__ = ['is_position', 'one_position', 'positions_of']

FindId = Callable[[str], 'int | None']


def is_position(key: Any) -> bool:
    """Whether ``key`` is an int, of Python or NumPy, and no bool."""
    return isinstance(key, (int, np.integer)) and not isinstance(key, bool)


def one_position(key: Any, length: int, find_id: FindId) -> int:
    """The position that an int or an id means.

    Raises
    ------
    InvalidIndex
        If an int is out of range.
    DocumentNotFound
        If no document has the id.
    """
    if isinstance(key, str):
        found = find_id(key)
        if found is None:
            raise DocumentNotFound(f'no document has the id {key!r} in this array of {length}')
        return found
    if not is_position(key):
        raise InvalidIndex(f'Unsupported index type {type(key).__name__}: {key!r}')
    position = int(key) + (length if key < 0 else 0)
    if not 0 <= position < length:
        raise InvalidIndex(f'index {key} is out of range for an array of {length} documents')
    return position


def positions_of(key: Any, length: int, find_id: FindId) -> Positions:
    """The positions that a slice, a mask, or a list of ints and ids means.

    Raises
    ------
    InvalidIndex
        If ``key`` is of another kind, a mask is longer than the array, or an
        int is out of range.
    DocumentNotFound
        If no document has an id of the list.
    """
    if isinstance(key, slice):
        return range(*key.indices(length))
    if isinstance(key, np.ndarray):
        return _of_array(key, length)
    if isinstance(key, (list, tuple, range)):
        return _of_list(key, length, find_id)
    raise InvalidIndex(
        f'Unsupported index type {type(key).__name__}: expected an int, an id, a slice, `...`, '
        f"a list of ints, ids or bools, a NumPy array, or a path such as '@c'"
    )


def _of_array(key: np.ndarray[Any, Any], length: int) -> Positions:
    flat = key.squeeze()
    if flat.ndim == 0 and key.size == 1:
        flat = flat.reshape(1)
    if flat.ndim != 1:
        raise InvalidIndex(f'an index array must have one dimension, this has shape {key.shape}')
    if flat.dtype == bool:
        return _of_mask(flat, length)
    if flat.dtype.kind not in 'iu':
        if flat.size:
            raise InvalidIndex(f'an index array must hold ints or bools, not {flat.dtype}')
        return np.empty(0, dtype=np.int64)
    positions = flat.astype(np.int64)
    positions[positions < 0] += length
    wrong = (positions < 0) | (positions >= length)
    if wrong.any():
        raise InvalidIndex(
            f'index {flat[np.argmax(wrong)]} is out of range for an array of {length} documents'
        )
    return positions


def _of_mask(mask: np.ndarray[Any, Any], length: int) -> Positions:
    if len(mask) > length:
        raise InvalidIndex(f'a mask of {len(mask)} is longer than the array of {length} documents')
    return np.flatnonzero(mask).astype(np.int64)


def _of_list(key: Sequence[Any], length: int, find_id: FindId) -> Positions:
    if len(key) and all(isinstance(item, (bool, np.bool_)) for item in key):
        return _of_mask(np.asarray(key, dtype=bool), length)
    return np.asarray([one_position(item, length, find_id) for item in key], dtype=np.int64)
