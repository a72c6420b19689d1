"""The protobuf messages of legacy docarray, written and read by the core.

Compatible in both directions with docarray 0.13 to 0.21; the protobuf package
is not needed. As there, all numbers in ``tags`` come back as floats, and
``weight``, ``offset``, ``location`` and scores keep 32 bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import numpy as np

from .. import _core
from ..errors import CorruptData, InvalidArgument, LengthMismatch, MissingDependency
from .binary import batches
from .framed import FramedCodec, WholeCodec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .compression import Limits

__all__ = ['ProtobufArrayCodec', 'ProtobufCodec']

Record = dict[str, Any]

_ARRAYS = ('tensor', 'embedding')
_NESTED = ('chunks', 'matches')
_SPARSE_FORMATS = ('bsr', 'coo', 'csc', 'csr', 'dia', 'dok', 'lil')


def _prepare(record: Record, ndarray_type: str | None) -> Record:
    """The record in the form that the core takes; itself when it is that."""
    changed: Record = {}
    for name in _ARRAYS:
        value = record.get(name)
        if value is None:
            continue
        if hasattr(value, 'tocoo'):
            changed[name] = _sparse_parts(value) if ndarray_type is None else value.toarray()
        if ndarray_type == 'numpy':
            changed[name] = np.asarray(changed.get(name, value))
        elif ndarray_type == 'list':
            changed[name] = np.asarray(changed.get(name, value)).tolist()
        elif isinstance(value, list) and any(isinstance(item, np.ndarray) for item in value):
            changed[name] = np.asarray(value).tolist()
    for name in _NESTED:
        children = record.get(name)
        if children:
            changed[name] = [_prepare(child, ndarray_type) for child in children]
    return {**record, **changed} if changed else record


def _sparse_parts(matrix: Any) -> dict[str, Any]:
    coo = matrix.tocoo()
    return {
        'cls_name': 'scipy',
        'sparse_format': matrix.getformat(),
        'indices': np.stack([coo.row, coo.col], axis=1),
        'values': coo.data,
        'shape': [int(n) for n in coo.shape],
    }


def _restore(record: Record) -> Record:
    """Put sparse matrices in the place of their parts."""
    for name in _ARRAYS:
        if type(record.get(name)) is dict:
            record[name] = _sparse_matrix(record[name])
    for name in _NESTED:
        for child in record.get(name, ()):
            _restore(child)
    return record


def _sparse_matrix(parts: dict[str, Any]) -> Any:
    try:
        from scipy import sparse
    except ImportError:
        raise MissingDependency.of('scipy', 'scipy', 'reading a sparse array') from None
    indices, values, shape = parts['indices'], parts['values'], parts['shape']
    # TensorFlow and SciPy list the places line by line, torch axis by axis.
    if parts['cls_name'] == 'torch' and indices.ndim == 2:
        indices = indices.T
    if (
        len(shape) != 2
        or indices.shape != (len(values), 2)
        or values.ndim != 1
        or indices.dtype.kind not in 'iu'
        or (indices < 0).any()
        or (indices >= np.array(shape)).any()
    ):
        raise CorruptData('protobuf message: a sparse array whose places make no sense')
    matrix = sparse.coo_matrix((values, (indices[:, 0], indices[:, 1])), shape=tuple(shape))
    name = parts['sparse_format']
    return matrix.asformat(name) if name in _SPARSE_FORMATS else matrix


def _check_type(ndarray_type: str | None) -> None:
    if ndarray_type not in (None, 'numpy', 'list'):
        raise InvalidArgument(f"ndarray_type is None, 'numpy' or 'list', not {ndarray_type!r}")


class ProtobufCodec(FramedCodec):
    r"""One ``DocumentProto`` a document; many of them in frames.

    Parameters
    ----------
    compress : str, optional
        The compression of each document in frames.
    limits : Limits, optional
        How much a compressed document may grow.
    ndarray_type : {'numpy', 'list'}, optional
        Write every array as this; by default as what it is.

    Examples
    --------
    >>> codec = ProtobufCodec()
    >>> codec.dumps({'id': 'a'})
    b'\n\x01a'
    >>> codec.loads(codec.dumps({'id': 'a', 'tags': {'n': 1}}))
    {'id': 'a', 'tags': {'n': 1.0}}
    """

    name: ClassVar[str] = 'protobuf'

    def __init__(
        self,
        compress: str | None = None,
        limits: Limits | None = None,
        ndarray_type: str | None = None,
    ) -> None:
        super().__init__(compress, limits)
        _check_type(ndarray_type)
        self._ndarray_type = ndarray_type

    def dumps(self, record: Record) -> bytes:
        return _core.proto_encode(_prepare(record, self._ndarray_type))

    def loads(self, data: bytes | memoryview) -> Record:
        return _restore(_core.proto_decode(data))


class ProtobufArrayCodec(WholeCodec):
    """One ``DocumentArrayProto`` for all documents.

    Parameters
    ----------
    ndarray_type : {'numpy', 'list'}, optional
        Write every array as this; by default as what it is.
    """

    name: ClassVar[str] = 'protobuf-array'

    def __init__(self, ndarray_type: str | None = None) -> None:
        _check_type(ndarray_type)
        super().__init__(ProtobufCodec(ndarray_type=ndarray_type))
        self._ndarray_type = ndarray_type

    def dump_all(self, records: Iterable[Record], file: BinaryIO, count: int) -> None:
        # The message is a list of documents and nothing else: parts of it follow each other.
        written = 0
        for batch in batches(records):
            prepared = [_prepare(record, self._ndarray_type) for record in batch]
            file.write(_core.proto_encode_array(prepared))
            written += len(batch)
        if written != count:
            raise LengthMismatch(f'expected {count} documents, got {written}')

    def load_all(self, file: BinaryIO) -> Iterator[Record]:
        for record in _core.proto_decode_array(file.read()):
            yield _restore(record)
