"""The bulk attributes of an array: texts, blobs, tensors, embeddings, contents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import is_sparse
from .errors import DimensionMismatch, InvalidArgument, LengthMismatch
from .schema import CONTENT_FIELDS, FIELD_BY_NAME

if TYPE_CHECKING:
    from .records import Positions, Records

__all__ = ['check_length', 'get_contents', 'set_bulk', 'set_contents', 'stacked', 'values_of']


def values_of(records: Records, path: str, positions: Positions | None = None) -> Any:
    """The values at a field path: a stacked array for vectors, else a list.

    An unset field shows its default; what is missing inside a field is None.
    """
    field = FIELD_BY_NAME.get(path)
    if field is not None and field.kind == 'array':
        stack = stacked(records, path, positions)
        length = len(records) if positions is None else len(positions)
        return [None] * length if stack is None else stack
    if field is None and '__' in path:
        return list(records.gather(path, positions))
    if field is None or field.container:
        docs = records if positions is None else records.take(positions)
        return [getattr(doc, path) for doc in docs]
    default = field.default()
    return [default if value is None else value for value in records.gather(path, positions)]


def stacked(records: Records, name: str, positions: Positions | None = None) -> Any:
    """The arrays of a field as one, in the framework of the first.

    Returns
    -------
    ndarray, or what the framework has for it
        A read-only view without a copy where the field is kept as a matrix;
        None if no document has one; a plain list if the first has none.

    Raises
    ------
    InvalidArgument
        If a later document has none.
    DimensionMismatch
        If they differ in shape.
    """
    values = records.gather(name, positions)
    if isinstance(values, np.ndarray):
        view = values.view()
        view.flags.writeable = False
        return view
    present = [i for i, value in enumerate(values) if value is not None]
    if not present:
        return None
    if values[0] is None:
        return list(values)
    if len(present) < len(values):
        missing = sorted(set(range(len(values))) - set(present))
        raise InvalidArgument(
            f'{len(missing)} of {len(values)} documents have no {name}, at the positions '
            f'{missing[:10]}{" ..." if len(missing) > 10 else ""}'
        )
    return _stack(list(values), name)


def _stack(values: list[Any], name: str) -> Any:
    first = values[0]
    framework = type(first).__module__.partition('.')[0]
    if isinstance(first, (list, tuple)):
        return values
    if framework == 'torch':
        import torch

        return torch.stack(values)
    if framework == 'scipy':
        from scipy.sparse import vstack

        return vstack(values, format=first.format)
    try:
        return np.stack(values)
    except ValueError:
        shapes = sorted({str(np.shape(value)) for value in values})
        raise DimensionMismatch(
            f'the {name}s cannot be stacked, they have the shapes {", ".join(shapes[:5])}'
        ) from None


def set_bulk(records: Records, name: str, values: Any, positions: Positions | None = None) -> None:
    """Set a field of all documents (or of those at positions), None unsets it.

    Raises
    ------
    LengthMismatch
        If there are not as many values as documents.
    """
    length = len(records) if positions is None else len(positions)
    if values is None:
        records.put(name, None, positions)
        return
    given = check_length(name, values, length)
    if not length:
        return
    if is_sparse(values):
        lines = values.tocsr()
        values = [lines[i : i + 1].asformat(values.format) for i in range(given)]
    elif not isinstance(values, (list, tuple, np.ndarray)):
        values = [values[i] for i in range(given)]
    records.put(name, values, positions)


def check_length(name: str, values: Any, length: int) -> int:
    """How many values there are for a field of as many documents.

    Raises
    ------
    LengthMismatch
        If there are more, or fewer, or it is a single value.
    """
    try:
        given = values.shape[0] if hasattr(values, 'shape') else len(values)
    except (TypeError, IndexError):
        raise LengthMismatch(
            f'Length must match: {name} of {length} documents cannot be set to one '
            f'{type(values).__name__}'
        ) from None
    if given != length:
        raise LengthMismatch(f'Length must match: {length} documents, {given} values for {name}')
    return int(given)


def get_contents(records: Records) -> Any:
    """The content of all documents, by the type of the first (or the last)."""
    for position in (0, len(records) - 1) if len(records) else ():
        kind = records.get(position).content_type
        if kind is not None:
            return values_of(records, kind)
    return None


def set_contents(records: Records, values: Any) -> None:
    """Set the content of all documents; the type is that of the first value.

    ``(values, 'tensor')`` says which of text, blob and tensor it is.
    """
    if values is None:
        for name in CONTENT_FIELDS:
            records.put(name, None)
        return
    if isinstance(values, tuple) and len(values) == 2 and values[1] in CONTENT_FIELDS:
        set_bulk(records, values[1], values[0])
        return
    set_bulk(records, _content_field(values), values)


def _content_field(values: Sequence[Any]) -> str:
    if len(values) and isinstance(values[0], str):
        return 'text'
    if len(values) and isinstance(values[0], bytes):
        return 'blob'
    return 'tensor'
