"""``da[...]``: reading, setting and deleting by every kind of index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from .contents import check_length, set_bulk, values_of
from .document import Document
from .errors import (
    InvalidArgument,
    InvalidIndex,
    InvalidType,
    LengthMismatch,
    UnknownField,
    UnsupportedOperation,
    did_you_mean,
)
from .paths import check_path
from .schema import FIELD_BY_NAME, FIELD_NAMES
from .selection import is_position, one_position, positions_of
from .state import as_id, clone
from .subindex import subindex_of

if TYPE_CHECKING:
    from .records import Positions
    from .sequence import DocumentSequence

__all__ = ['check_document', 'checked', 'delete_item', 'get_item', 'set_item']

#: The fields that say where a document is nested.
_PLACE = ('parent_id', 'granularity', 'adjacency')


def get_item(array: DocumentSequence, key: Any) -> Any:
    """What ``array[key]`` is."""
    records = array._records
    if isinstance(key, str) and key.startswith('@'):
        sub = subindex_of(records, key)
        return array.traverse_flat(key[1:]) if sub is None else array._of(sub)
    if isinstance(key, str):
        doc = records.named(key)
        if doc is not None:
            return doc
    if isinstance(key, str) or is_position(key):
        return records.get(one_position(key, len(records), records.find_id))
    if key is Ellipsis:
        return array.flatten()
    if isinstance(key, tuple) and len(key) == 2:
        return _get_pair(array, *key)
    if isinstance(key, (bool, float, type(None))):
        raise InvalidIndex(f'Unsupported index type {type(key).__name__}: {key!r}')
    return array._of(records.take(positions_of(key, len(records), records.find_id)))


def _get_pair(array: DocumentSequence, left: Any, right: Any) -> Any:
    records = array._records
    if not _names_fields(array, left, right):
        positions = positions_of([left, right], len(records), records.find_id)
        return array._of(records.take(positions))
    if is_position(left) or (isinstance(left, str) and not left.startswith('@')):
        if not isinstance(right, str):
            raise InvalidIndex(f'one document and several fields: use array[{left!r}:...] instead')
        doc = records.get(one_position(left, len(records), records.find_id))
        return doc._get_attributes(right)
    names = [right] if isinstance(right, str) else right
    chosen, places = _chosen(array, left)
    columns = [_column(chosen, name, places) for name in names]
    return columns[0] if isinstance(right, str) else columns


def _column(array: DocumentSequence, name: str, positions: Positions | None) -> Any:
    check_path(name)
    if not (len(array) if positions is None else len(positions)):
        return []
    return values_of(array._records, name, positions)


def _names_fields(array: DocumentSequence, left: Any, right: Any) -> bool:
    """Whether the second part of a pair names fields: it may be an id instead."""
    if isinstance(right, (list, tuple)):
        return len(right) > 0 and all(isinstance(name, str) for name in right)
    if not isinstance(right, str):
        return False
    if isinstance(left, str) and not left.startswith('@'):
        return right not in array and hasattr(Document, right.partition('__')[0])
    return True


def _chosen(array: DocumentSequence, key: Any) -> tuple[DocumentSequence, Positions | None]:
    """The array and positions that the first part of a pair means."""
    if key is Ellipsis or (isinstance(key, str) and key.startswith('@')):
        return get_item(array, key), None
    if isinstance(key, slice) and key == slice(None):
        return array, None
    records = array._records
    if isinstance(key, str) or is_position(key):
        return array, np.asarray([one_position(key, len(records), records.find_id)])
    return array, positions_of(key, len(records), records.find_id)


def checked(value: Any) -> list[Document]:
    """The Documents of an iterable.

    Raises
    ------
    InvalidType
        If it is none, or holds something else.
    """
    if isinstance(value, (Document, str, bytes)) or not isinstance(value, Iterable):
        raise InvalidType(
            f'value must be an iterable of Documents, not {type(value).__name__}; '
            'put a single Document into a list'
        )
    docs = list(value)
    for doc in docs:
        if type(doc) is not Document:
            check_document(doc)
    return docs


def check_document(doc: Any) -> None:
    """Raise InvalidType unless ``doc`` is a Document."""
    if not isinstance(doc, Document):
        raise InvalidType(
            f'a DocumentArray holds Documents, not {type(doc).__name__}: wrap it, as in '
            f'Document(text=...) or Document(content=...)'
        )


def set_item(array: DocumentSequence, key: Any, value: Any) -> None:
    """What ``array[key] = value`` does."""
    records = array._records
    if isinstance(key, tuple) and len(key) == 2 and _names_fields(array, *key):
        _set_fields(array, key[0], key[1], value)
    elif (isinstance(key, str) and key.startswith('@')) or key is Ellipsis:
        _set_nested(array, key, value)
    elif isinstance(key, str) or is_position(key):
        check_document(value)
        records.replace([one_position(key, len(records), records.find_id)], [value])
    elif isinstance(key, slice):
        _set_slice(array, key, checked(value))
    else:
        _set_many(array, key, checked(value))


def _set_slice(array: DocumentSequence, key: slice, docs: list[Document]) -> None:
    positions = range(*key.indices(len(array)))
    if positions.step == 1:
        stop = max(positions.start, positions.stop)
        array._records.splice(positions.start, stop, docs)
    elif len(positions) != len(docs):
        raise LengthMismatch(
            f'{len(docs)} documents cannot take the {len(positions)} places of an extended slice'
        )
    else:
        array._records.replace(list(positions), docs)


def _set_many(array: DocumentSequence, key: Any, docs: list[Document]) -> None:
    positions = positions_of(key, len(array), array._records.find_id)
    mask = len(key) and all(isinstance(item, (bool, np.bool_)) for item in key)
    if mask and len(positions) != len(docs):
        raise LengthMismatch(f'the mask chooses {len(positions)} documents, {len(docs)} came')
    count = min(len(positions), len(docs))
    array._records.replace([int(p) for p in positions[:count]], docs[:count])


def _set_nested(array: DocumentSequence, key: Any, value: Any) -> None:
    chosen = list(get_item(array, key))
    docs = checked(value)
    if len(chosen) != len(docs):
        raise LengthMismatch(f'{key!r} chooses {len(chosen)} documents, {len(docs)} came')
    if key is not Ellipsis and [d.id for d in chosen] != [d.id for d in docs]:
        raise InvalidArgument(f'the documents assigned to {key!r} must have the ids of those there')
    with array._together(), array._records.one_write():
        for old, new in zip(chosen, docs, strict=True):
            if old._data is not new._data:
                # Where a document is nested does not change.
                place = {name: old._data.get(name) for name in _PLACE}
                old._replace({**place, **clone(new._data)})


def _set_fields(array: DocumentSequence, left: Any, right: Any, value: Any) -> None:
    names = [right] if isinstance(right, str) else list(right)
    for name in names:
        if name not in FIELD_BY_NAME and name != 'content':
            raise InvalidIndex(
                f'Document has no field {name!r} that can be set{did_you_mean(name, FIELD_NAMES)}'
            )
    given = [value] if isinstance(right, str) else value
    if is_position(left) or (isinstance(left, str) and not left.startswith('@')):
        position = one_position(left, len(array), array._records.find_id)
        doc = array._records.get(position)
        items = [(name, _one_value(name, item)) for name, item in zip(names, given, strict=False)]
        with array._together():
            for name, item in items:
                setattr(doc, name, item)
        return
    chosen, positions = _chosen(array, left)
    length = len(chosen) if positions is None else len(positions)
    # All values are looked at before the first is set.
    columns = [
        (name, _column_values(name, items, length))
        for name, items in zip(names, given, strict=False)
    ]
    with array._together(), array._records.one_write():
        for name, values in columns:
            _set_column(chosen, name, positions, values)


def _one_value(name: str, value: Any) -> Any:
    """A value for a field of a document in an array, if it may be one."""
    if name == 'id':
        if value is None:
            raise InvalidArgument('the id of a document in an array cannot be set to None')
        return as_id(value)
    if name in ('chunks', 'matches') and value is not None:
        return value if isinstance(value, Document) else checked(value)
    return value


def _column_values(name: str, value: Any, length: int) -> Any:
    """The values of a field for so many documents: a list is one for each, others are for all."""
    if name in ('tensor', 'embedding'):
        if value is not None:
            check_length(name, value, length)
        return value
    if isinstance(value, Iterator):
        raise InvalidType(f'the values of {name!r} must be a list, not a {type(value).__name__}')
    if isinstance(value, np.ndarray) and value.ndim:
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_one_value(name, item) for item in value]
    value = _one_value(name, value)
    if isinstance(value, (dict, set)):
        return [deepcopy(value) for _ in range(length)]
    return [value] * length


def _set_column(
    array: DocumentSequence, name: str, positions: Positions | None, values: Any
) -> None:
    records = array._records
    length = len(records) if positions is None else len(positions)
    if name in ('tensor', 'embedding'):
        set_bulk(records, name, values, positions)
    elif name in ('content', 'chunks', 'matches', 'uri', 'mime_type') or len(values) != length:
        docs: Iterable[Document] = records if positions is None else records.take(positions)
        for doc, item in zip(docs, values, strict=False):
            setattr(doc, name, item)
    else:
        records.put(name, values, positions)


def delete_item(array: DocumentSequence, key: Any) -> None:
    """What ``del array[key]`` does."""
    records = array._records
    if isinstance(key, tuple) and len(key) == 2 and _names_fields(array, *key):
        _unset_fields(array, key[0], [key[1]] if isinstance(key[1], str) else list(key[1]))
    elif isinstance(key, str) and key.startswith('@'):
        raise UnsupportedOperation(
            f'del array[{key!r}]: delete nested documents from the chunks or matches of each'
        )
    elif key is Ellipsis:
        records.clear()
    elif isinstance(key, str) or is_position(key):
        records.delete([one_position(key, len(records), records.find_id)])
    elif isinstance(key, (bool, float, type(None))):
        raise InvalidIndex(f'Unsupported index type {type(key).__name__}: {key!r}')
    else:
        positions = positions_of(key, len(records), records.find_id)
        unique = np.unique(np.asarray(positions, dtype=np.int64))
        if len(unique):
            records.delete(unique.tolist())


def _unset_fields(array: DocumentSequence, left: Any, names: list[str]) -> None:
    for name in names:
        if name not in FIELD_BY_NAME:
            raise UnknownField(f'Document has no field {name!r}{did_you_mean(name, FIELD_NAMES)}')
        if name == 'id':
            raise InvalidArgument('the id of a document in an array cannot be unset')
    with array._together(), array._records.one_write():
        chosen, positions = _chosen(array, left)
        for name in names:
            chosen._records.put(name, None, positions)
