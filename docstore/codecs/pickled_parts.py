"""Stand-ins for the classes in legacy pickles, and what is taken out of them."""

from __future__ import annotations

import math
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CorruptData
from ..schema import FIELD_BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ['STANDINS', 'Budget', 'records_in']

Record = dict[str, Any]

_DEEPEST = 250
_SCORE_NAMES = ('value', 'op_name', 'description', 'ref_id')
_DTYPE = re.compile(r'(b1|[iu][1248]|f[248]|c8|c16|[SU][1-9][0-9]{0,5})\Z')


class _State:
    """Keeps the attributes that a pickle gives an object, whatever its class."""

    # Unpickling may leave out __init__, so that an object without state is one
    # with this; nothing ever writes to it.
    state: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, *_args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) == 2:  # attributes and slots
            state = {**(state[0] or {}), **(state[1] or {})}
        if not isinstance(state, dict):
            raise CorruptData('the pickle has an object without attributes')
        self.state = state


class _Document(_State):
    pass


class _Array(_State):
    pass


class _Score(_State):
    pass


class _Dict(dict[Any, Any]):
    """A dictionary of another class; the pickle sets its items and nothing else."""

    def __setstate__(self, state: Any) -> None:
        raise CorruptData('the pickle gives attributes to a dictionary')


class _DefaultDict(_Dict):
    """collections.defaultdict without its factory."""

    def __init__(self, *_args: Any) -> None:
        super().__init__()


class _Ordered(_Dict):
    """collections.OrderedDict, filled from a list of pairs or item by item."""


class _Call:
    """A function that a pickle may call but not change, as it could a plain one."""

    __slots__ = ('_function',)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def __setstate__(self, state: Any) -> None:
        raise CorruptData('the pickle gives attributes to a function')


def _nothing(*_args: Any) -> None:
    return None


class _Dtype:
    name = ''
    order = '='

    def __init__(self, name: Any, *_flags: Any) -> None:
        if not isinstance(name, str) or not _DTYPE.match(name):
            raise CorruptData(f'the pickle has an array of type {name!r:.40}, which is not read')
        self.name = name

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ('<', '>', '|', '='):
            raise CorruptData('the pickle has an array of an unknown type')
        self.order = state[1]

    def make(self) -> np.dtype[Any]:
        if not self.name:
            raise CorruptData('the pickle has an array without a type')
        return np.dtype(self.order.replace('|', '=') + self.name)


class _NdArray:
    """A NumPy array as it lies in a pickle: type, shape, order and bytes."""

    parts: tuple[_Dtype, tuple[int, ...], bool, bytes] | None = None
    is_scalar = False

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise CorruptData('the pickle has an array without content')
        _, shape, dtype, fortran, raw = state
        self.parts = _checked(dtype, shape, bool(fortran), raw)

    def make(self) -> np.ndarray[Any, Any]:
        if self.parts is None:
            raise CorruptData('the pickle has an array without content')
        dtype, shape, fortran, raw = self.parts
        kind = dtype.make()
        if len(raw) != math.prod(shape) * kind.itemsize:
            raise CorruptData('the pickle has an array whose shape is not its content')
        if kind.kind == 'b' and raw.strip(b'\0\1'):
            raise CorruptData('the pickle has an array of bool with other values')
        flat = np.frombuffer(bytearray(raw), kind)
        array = flat.reshape(shape, order='F' if fortran else 'C')
        return array if kind.isnative else array.astype(kind.newbyteorder('='))


def _checked(
    dtype: Any, shape: Any, fortran: bool, raw: Any
) -> tuple[_Dtype, tuple[int, ...], bool, bytes]:
    if isinstance(shape, int):
        shape = (shape,)
    good = isinstance(dtype, _Dtype) and isinstance(shape, tuple) and len(shape) <= 32
    if not good or not all(type(n) is int and 0 <= n < 1 << 48 for n in shape):
        raise CorruptData('the pickle has an array that makes no sense')
    if not isinstance(raw, (bytes, bytearray)):
        raise CorruptData('the pickle has an array whose content is no bytes')
    return dtype, shape, fortran, bytes(raw)


def _reconstruct(*_args: Any) -> _NdArray:
    return _NdArray()


def _from_buffer(raw: Any, dtype: Any, shape: Any, order: Any) -> _NdArray:
    array = _NdArray()
    array.parts = _checked(dtype, shape, order == 'F', raw)
    return array


def _scalar(dtype: Any, raw: Any) -> _NdArray:
    array = _NdArray()
    array.parts = _checked(dtype, (), False, raw)
    array.is_scalar = True
    return array


def _encode(text: Any, encoding: Any) -> bytes:
    """What pickles of protocol 2 make bytes with."""
    if not isinstance(text, str) or encoding != 'latin1':
        raise CorruptData('the pickle has bytes in an unknown form')
    return text.encode('latin1')


def _word(*args: Any) -> str:
    """A member of an enumeration of str: its value."""
    if len(args) != 1 or type(args[0]) is not str:
        raise CorruptData('the pickle has a name in an unknown form')
    return args[0]


def _bytes(*args: Any) -> bytes:
    if args:
        raise CorruptData('the pickle has bytes in an unknown form')
    return b''


_ARRAY_CLASSES = (
    ('docarray.array.document', 'DocumentArray'),
    ('docarray.array.memory', 'DocumentArrayInMemory'),
    ('docarray.array.chunk', 'ChunkArray'),
    ('docarray.array.match', 'MatchArray'),
    ('docarray', 'DocumentArray'),
)
# What the _metadata of a multimodal Document is written with.
_ENUMS = ('AttributeType', 'DocumentMetadata', 'ImageType')
_NUMPY_HOMES = ('numpy.core', 'numpy._core')

#: What each class or function that a pickle may name is replaced by.
STANDINS: dict[tuple[str, str], Callable[..., Any]] = {
    ('docarray.document', 'Document'): _Document,
    ('docarray', 'Document'): _Document,
    ('docarray.document.data', 'DocumentData'): _State,
    ('docarray.score', 'NamedScore'): _Score,
    ('docarray.score.data', 'NamedScoreData'): _State,
    **dict.fromkeys(_ARRAY_CLASSES, _Array),
    ('docarray.array.mixins.io.from_gen', '_raise_attribute_error'): _Call(_nothing),
    **{('docarray.dataclasses.enums', name): _Call(_word) for name in _ENUMS},
    ('collections', 'defaultdict'): _DefaultDict,
    ('collections', 'OrderedDict'): _Ordered,
    ('numpy', 'ndarray'): _NdArray,
    ('numpy', 'dtype'): _Dtype,
    **{(f'{home}.multiarray', '_reconstruct'): _Call(_reconstruct) for home in _NUMPY_HOMES},
    **{(f'{home}.multiarray', 'scalar'): _Call(_scalar) for home in _NUMPY_HOMES},
    **{(f'{home}.numeric', '_frombuffer'): _Call(_from_buffer) for home in _NUMPY_HOMES},
    # Factories of defaultdicts, which are forgotten.
    **{
        (home, name): _Call(_nothing)
        for home in ('builtins', '__builtin__')
        for name in ('dict', 'float', 'int', 'list', 'long', 'str')
    },
    ('_codecs', 'encode'): _Call(_encode),
    ('builtins', 'bytes'): _Call(_bytes),
    ('__builtin__', 'bytes'): _Call(_bytes),
}


class Budget:
    """How many values may still be taken out: bounds a pickle whose parts
    refer to each other over and over.
    """

    def __init__(self, size: int) -> None:
        self._left = 64 * size + 10_000

    def spend(self, count: int = 1) -> None:
        self._left -= count
        if self._left < 0:
            raise CorruptData('the pickle repeats its parts too often')


def records_in(value: Any, budget: Budget, trusted: bool) -> list[Record]:
    """The plain fields of all documents in an unpickled value."""
    if isinstance(value, _Array):
        value = _attribute(value, '_data')
    if isinstance(value, (_Document, dict)):
        value = [value]
    if not isinstance(value, list):
        raise CorruptData(f'the pickle holds no documents but a {type(value).__name__}')
    return [_record(item, budget, trusted, 0) for item in value]


def _attribute(thing: _State, name: str) -> Any:
    try:
        return thing.state[name]
    except KeyError:
        raise CorruptData(f'the pickle has an object without {name!r}') from None


def _record(value: Any, budget: Budget, trusted: bool, depth: int) -> Record:
    if isinstance(value, _Document):
        data = _attribute(value, '_data')
        if not isinstance(data, _State):
            raise CorruptData('the pickle has a document without fields')
        fields = {k: v for k, v in data.state.items() if k in FIELD_BY_NAME}
    elif isinstance(value, dict):
        fields = value
    else:
        raise CorruptData(f'the pickle has a {type(value).__name__} where a document should be')
    if depth > _DEEPEST:
        raise CorruptData('the pickle has documents nested too deep')
    budget.spend(len(fields) + 1)
    record: Record = {}
    for name, content in fields.items():
        if name not in FIELD_BY_NAME:
            raise CorruptData(f'the pickle has a document with an unknown field {name!r:.80}')
        made = _field(name, content, budget, trusted, depth)
        if made is not None:
            record[name] = made
    return record


def _field(name: str, value: Any, budget: Budget, trusted: bool, depth: int) -> Any:
    """A field's plain value; None when it is not set."""
    field = FIELD_BY_NAME[name]
    if field.kind == 'documents' and value is not None:
        items = _attribute(value, '_data') if isinstance(value, _Array) else value
        if not isinstance(items, list):
            raise CorruptData(f'the pickle has {name} that are no documents')
        return [_record(item, budget, trusted, depth + 1) for item in items] or None
    made = _plain(value, budget, trusted, depth)
    # docarray keeps zeros and empty values that nobody set.
    if name != 'id' and not isinstance(made, np.ndarray) and not made and field.kind != 'array':
        return None
    return made


def _plain(value: Any, budget: Budget, trusted: bool, depth: int) -> Any:
    budget.spend()
    if value is None or type(value) in (bool, int, float, str, bytes):
        return value
    if depth > _DEEPEST:
        raise CorruptData('the pickle is nested too deep, or contains itself')
    if isinstance(value, _NdArray):
        array = value.make()
        budget.spend(array.nbytes // 16)
        return array.item() if value.is_scalar else array
    if isinstance(value, _Score):
        data = _attribute(value, '_data')
        state = data.state if isinstance(data, _State) else {}
        value = {k: state[k] for k in _SCORE_NAMES if state.get(k) is not None}
    if isinstance(value, dict):
        return {_key(key): _plain(item, budget, trusted, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, budget, trusted, depth + 1) for item in value]
    if trusted and not isinstance(value, (_State, _Dtype)):
        return value
    raise CorruptData(f'the pickle has a {type(value).__name__} where a plain value should be')


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise CorruptData(f'the pickle has a key {key!r:.40} that is no str')
    return key
