"""What a pydantic model has: arrays, other models, and plain values; one part a field."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from operator import getitem
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, cast, get_args, get_origin

import numpy as np
import numpy.typing as npt

from .errors import InvalidType, MissingDependency

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ['Embedding', 'Part', 'Tensor', 'Vector', 'parts_of', 'pydantic']


@dataclass(frozen=True)
class Vector:
    """The mark of an array in a model: which field of the Document holds it.

    Examples
    --------
    >>> Vector('embedding').read([1, 2])
    array([1, 2])
    """

    field: str

    @staticmethod
    def read(value: Any) -> npt.NDArray[Any]:
        """``value`` as an array of numbers; one that is such an array stays itself."""
        array = value if isinstance(value, np.ndarray) else np.array(value)
        if array.dtype.kind not in 'biufc':
            raise ValueError('expected an array of numbers, or lists of numbers of one shape')
        return array

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """What pydantic asks for: an array is checked as a whole, and is lists in JSON."""
        from pydantic_core import core_schema as core

        as_lists = core.plain_serializer_function_ser_schema(
            lambda array: array.tolist(), when_used='json'
        )
        return core.no_info_plain_validator_function(self.read, serialization=as_lists)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        """Lists, however deep, of numbers."""
        return {'type': 'array', 'items': {}}


#: An array in a model that becomes the ``embedding`` of the Document.
Embedding = Annotated[npt.NDArray[Any], Vector('embedding')]
#: An array in a model that becomes the ``tensor`` of the Document.
Tensor = Annotated[npt.NDArray[Any], Vector('tensor')]


@dataclass(frozen=True)
class Part:
    """One field of a model: an array, a model, a list of models, or a plain value."""

    name: str
    alias: str
    vector: str | None
    nested: Any
    many: bool
    adapter: Any


@lru_cache(maxsize=256)
def parts_of(kind: type[BaseModel]) -> tuple[Part, ...]:
    """The fields of a class of models, in their order.

    Raises
    ------
    InvalidType
        If one has an alias that a model cannot be made with.
    """
    if not kind.__pydantic_complete__:
        kind.model_rebuild()
    return tuple(_part(kind, name, field) for name, field in kind.model_fields.items())


def _part(kind: type[BaseModel], name: str, field: Any) -> Part:
    item = _without_none(field.annotation)
    marks = [*field.metadata, *(get_args(item)[1:] if get_origin(item) is Annotated else ())]
    vector = next((mark.field for mark in marks if isinstance(mark, Vector)), None)
    many = get_origin(item) is list and bool(get_args(item))
    nested = _without_none(get_args(item)[0]) if many else item
    if vector is not None or not _is_model(nested):
        nested = None
    return Part(
        name=name,
        alias=_alias(kind, name, field),
        vector=vector,
        nested=nested,
        many=many and nested is not None,
        adapter=None if vector or nested else _adapter(kind, field),
    )


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        rest = [arg for arg in get_args(hint) if arg is not type(None)]
        if len(rest) == 1:
            return rest[0]
    return hint


def _is_model(kind: Any) -> bool:
    # A list[int] passes for a type in Python 3.10.
    plain = isinstance(kind, type) and get_origin(kind) is None
    return plain and issubclass(kind, pydantic().BaseModel)


def _alias(kind: type[BaseModel], name: str, field: Any) -> str:
    alias = field.validation_alias or field.alias or name
    choices = getattr(alias, 'choices', [alias])
    named = next((choice for choice in choices if isinstance(choice, str)), None)
    if named is None:
        raise InvalidType(
            f'{kind.__name__}.{name}: a model with an AliasPath for an alias cannot be made of a '
            'Document; give it a str among its choices'
        )
    return named


def _adapter(kind: type[BaseModel], field: Any) -> Any:
    """What turns values of a field into JSON and back."""
    package = pydantic()
    hint = field.annotation
    if field.metadata:
        hint = getitem(cast(Any, Annotated), (hint, *field.metadata))
    config: Any = {
        'arbitrary_types_allowed': kind.model_config.get('arbitrary_types_allowed', False),
        'ser_json_bytes': 'base64',
        'val_json_bytes': 'base64',
        'ser_json_inf_nan': 'constants',
    }
    try:
        return package.TypeAdapter(hint, config=config)
    except package.PydanticUserError:
        # A dataclass or TypedDict has a configuration of its own.
        return package.TypeAdapter(hint)


def pydantic() -> Any:
    """The package, when a model is met."""
    try:
        import pydantic
    except ImportError as error:
        raise MissingDependency.of('pydantic', 'pydantic', 'a model as a Document') from error
    return pydantic
