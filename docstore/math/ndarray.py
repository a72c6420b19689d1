"""Arrays of any framework, told apart without importing one.

What an object is, is read off its class: a tensor can only be there where its
framework has been imported already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import InvalidArgument, InvalidType, LengthMismatch

if TYPE_CHECKING:
    from ..array import DocumentArray
    from ..document import Document

__all__ = [
    'check_arraylike_equality',
    'detach_tensor_if_present',
    'get_array_rows',
    'get_array_type',
    'ravel',
    'to_list',
    'to_numpy_array',
    'unravel',
]

#: Framework by the package of the class, and the names that its arrays have.
_ARRAYS = {
    'torch': ('torch', ('Tensor', 'Parameter')),
    'tensorflow': ('tensorflow', ('EagerTensor', 'Tensor', 'SparseTensor', 'ResourceVariable')),
    'paddle': ('paddle', ('Tensor', 'EagerParamBase')),
}
_SCIPY = tuple(
    f'{layout}_{kind}'
    for layout in ('bsr', 'coo', 'csc', 'csr', 'dia', 'dok', 'lil')
    for kind in ('matrix', 'array')
)


def get_array_type(array: Any, raise_error_if_not_array: bool = True) -> tuple[str, bool]:
    """Which framework an array is of, and whether it is sparse.

    Parameters
    ----------
    array : array of any framework, list or tuple
    raise_error_if_not_array : bool
        Otherwise ``('python', False)`` is said of what is no array.

    Returns
    -------
    framework : {'python', 'numpy', 'scipy', 'torch', 'tensorflow', 'paddle'}
    is_sparse : bool

    Raises
    ------
    InvalidType
        If it is no array.
    InvalidArgument
        If it is None.

    Examples
    --------
    >>> get_array_type([1, 2]), get_array_type(np.zeros(2))
    (('python', False), ('numpy', False))
    """
    if isinstance(array, (np.ndarray, np.generic)):
        return 'numpy', False
    if isinstance(array, (list, tuple)):
        return 'python', False
    for kind in type(array).__mro__:
        package = kind.__module__.partition('.')[0]
        if package == 'scipy' and kind.__name__ in _SCIPY:
            return 'scipy', True
        framework, names = _ARRAYS.get(package, ('', ()))
        if kind.__name__ in names:
            return framework, _is_sparse(framework, array)
    if not raise_error_if_not_array:
        return 'python', False
    if array is None:
        raise InvalidArgument(
            'expected an array, got None: is the embedding or tensor of a document not set?'
        )
    kind = type(array)
    raise InvalidType(f'expected an array, got {kind.__module__}.{kind.__name__}')


def _is_sparse(framework: str, array: Any) -> bool:
    if framework == 'torch':
        return bool(array.is_sparse) or 'sparse' in str(array.layout)
    if framework == 'tensorflow':
        return type(array).__name__ == 'SparseTensor'
    return bool(array.is_sparse()) if hasattr(array, 'is_sparse') else False


def detach_tensor_if_present(x: Any) -> Any:
    """A tensor of torch or Paddle without its gradients; anything else as it is."""
    framework, _ = get_array_type(x, raise_error_if_not_array=False)
    return x.detach() if framework in ('torch', 'paddle') else x


def to_numpy_array(value: Any) -> npt.NDArray[Any]:
    """An array of any framework as a dense NumPy one.

    Memory is shared where the framework allows it. A bfloat16 tensor, which
    NumPy has no type for, becomes float32.

    Raises
    ------
    InvalidType
        If it is no array.

    Examples
    --------
    >>> to_numpy_array([[1, 2]])
    array([[1, 2]])
    """
    framework, sparse = get_array_type(value)
    if framework in ('python', 'numpy'):
        return np.asarray(value)
    if framework == 'scipy':
        dense: npt.NDArray[Any] = value.toarray()
        return dense
    if sparse:
        value = _densified(framework, value)
    value = detach_tensor_if_present(value)
    if framework == 'torch':
        value = value.cpu()
        value = value.float() if str(value.dtype) == 'torch.bfloat16' else value
        value = value.resolve_conj().resolve_neg()
    return np.asarray(value.numpy())


def _densified(framework: str, value: Any) -> Any:
    if framework == 'tensorflow':
        from importlib import import_module

        # It is loaded already: the value is one of its tensors.
        return import_module('tensorflow').sparse.to_dense(value)
    return value.to_dense()


def to_list(value: Any) -> list[Any]:
    """An array of any framework as a list (of lists).

    Raises
    ------
    InvalidType
        If it is no array, or a single number.
    """
    if get_array_type(value)[0] == 'python':
        return list(value)
    array = to_numpy_array(value)
    if not array.ndim:
        raise InvalidType(f'a single number cannot be a list: {value!r}')
    result: list[Any] = array.tolist()
    return result


def get_array_rows(array: Any) -> tuple[int, int]:
    """How many vectors an array holds, and its number of dimensions; 1-D is one vector.

    Examples
    --------
    >>> get_array_rows([1, 2, 3]), get_array_rows([[1, 2], [3, 4]])
    ((1, 1), (2, 2))
    """
    if get_array_type(array)[0] == 'python':
        nested = len(array) > 0 and isinstance(array[0], (list, tuple))
        return (len(array), 2) if nested else (1, 1)
    shape = tuple(array.shape)
    if not shape:
        raise InvalidArgument('expected an array of at least one dimension, got a single number')
    return (1, 1) if len(shape) == 1 else (int(shape[0]), len(shape))


def ravel(value: Any, docs: DocumentArray, field: str) -> None:
    """Set ``field`` of each document to its line of ``value``.

    Raises
    ------
    LengthMismatch
        If there are not as many lines as documents.
    """
    from ..contents import set_bulk
    from ..schema import FIELD_BY_NAME

    if field not in FIELD_BY_NAME:
        raise InvalidArgument(f'Document has no field {field!r}')
    lines = value if get_array_type(value)[0] != 'scipy' else value.tocsr()
    if not hasattr(lines, 'shape') and len(lines) != len(docs):
        raise LengthMismatch(f'Length must match: {len(docs)} documents, {len(lines)} lines')
    set_bulk(docs._records, field, lines)


def unravel(docs: DocumentArray | Sequence[Document], field: str) -> Any:
    """``field`` of all documents, stacked in the framework of the first; None if unset."""
    from ..contents import stacked
    from ..memory import MemoryRecords

    records = docs._records if hasattr(docs, '_records') else MemoryRecords(docs)
    return stacked(records, field) if len(records) else None


def check_arraylike_equality(x: Any, y: Any) -> bool:
    """Whether two arrays are of one framework and shape, and equal everywhere.

    Examples
    --------
    >>> check_arraylike_equality([1, 2], [1, 2]), check_arraylike_equality([1], np.ones(1))
    (True, False)
    """
    if get_array_type(x) != get_array_type(y):
        return False
    return np.array_equal(to_numpy_array(x), to_numpy_array(y))
