"""Feature hashing: a vector for texts and tags, without a model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import md5
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InvalidArgument, InvalidType, MissingDependency
from .texts import count_words

__all__ = ['as_sparse', 'hash_features']

Feature = tuple[str, float]


def hash_features(
    values: Sequence[tuple[str, Any]], n_dim: int = 256, max_value: int = 1_000_000
) -> npt.NDArray[np.float64]:
    """Fold named values into a vector of ``n_dim`` numbers.

    A name picks the place, its value is added there. The numbers are those of
    docarray 0.21, so that vectors stored by it can still be searched: the words
    of ``text`` and the entries of ``tags`` count once for each given field, and
    each field also counts by itself.

    Parameters
    ----------
    values : sequence of (str, Any)
        Fields and their values; ``text`` and ``tags`` are looked into.
    n_dim : int
        The length of the vector.
    max_value : int
        Values are taken modulo this.

    Examples
    --------
    >>> hash_features([('text', 'hello hello')], n_dim=8).nonzero()[0]
    array([1, 2])
    """
    for name, value in (('n_dim', n_dim), ('max_value', max_value)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise InvalidArgument(f'{name} must be a positive int, not {value!r}')
    vector = np.zeros(n_dim)
    repeats = len(values)
    for name, value in values:
        for word, weight in _inside(name, value, max_value):
            vector[_digest(word) % n_dim] += repeats * weight
        vector[_digest(name) % n_dim] += _number(name, value, max_value)
    return vector


def as_sparse(vector: npt.NDArray[np.float64]) -> Any:
    """A vector as a SciPy ``csr_matrix`` of one row."""
    try:
        from scipy.sparse import csr_matrix
    except ImportError as error:
        raise MissingDependency.of('scipy', 'scipy', 'a sparse embedding') from error
    return csr_matrix(vector[None])


def _inside(name: str, value: Any, max_value: int) -> Iterable[Feature]:
    if name == 'text' and value:
        return count_words([value]).items()
    if name == 'tags' and value:
        return [(str(key), _number(f'tags__{key}', v, max_value)) for key, v in value.items()]
    return ()


def _number(name: str, value: Any, max_value: int) -> int:
    if value is None or (isinstance(value, str) and not value):
        return 0
    if isinstance(value, (int, float, np.number, np.bool_)):
        try:
            return int(value) % max_value
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidArgument(f'{name} is {value!r}, which cannot be hashed') from error
    if isinstance(value, (dict, list, tuple)):
        if not value:
            return 0
        try:
            value = json.dumps(value, sort_keys=True, default=_plain)
        except (TypeError, ValueError) as error:
            raise InvalidType(f'{name} cannot be hashed: {error}') from error
    if not isinstance(value, str):
        raise InvalidType(f'{name} cannot be hashed: it is a {type(value).__name__}')
    return _digest(value.strip()) % max_value


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f'a {type(value).__name__} cannot be hashed')


def _digest(text: str) -> int:
    # As a spreading function only; md5 is what stored vectors were made with.
    return int.from_bytes(
        md5(text.encode('utf-8', 'surrogatepass'), usedforsecurity=False).digest(), 'big'
    )
