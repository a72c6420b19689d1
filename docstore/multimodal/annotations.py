"""What the annotation of a field says: which Document the field becomes."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Union, get_args, get_origin

from ..errors import InvalidType
from .media import MEDIA

__all__ = ['CUSTOM', 'TYPE_MAP', 'Attribute', 'attributes_of', 'resolve_hints']

#: Where a field keeps its setter and getter, and a class what was worked out about it.
CUSTOM = 'docstore'
TYPE_MAP = '__docstore_types__'
_HINTS = '__docstore_hints__'
_ATTRIBUTES = '__docstore_attributes__'

_PRIMITIVES = (str, int, float, bool, bytes)
_MANY = (list, Iterable, Sequence)


@dataclasses.dataclass(frozen=True, slots=True)
class Attribute:
    """One field of a dataclass.

    Parameters
    ----------
    name : str
        The field.
    kind : str
        One of :data:`docstore.modal.KINDS`.
    type : str
        The annotation, as the schema of a Document has it.
    item : Any
        The primitive type, or the nested class.
    setter, getter : callable, optional
        Value to Document, and back.
    init : bool
        Whether the constructor takes it.
    optional : bool
        Whether the annotation allows None.
    default : bool
        Whether it has a default.
    """

    name: str
    kind: str
    type: str
    item: Any
    setter: Callable[[Any], Any] | None
    getter: Callable[[Any], Any] | None
    init: bool
    optional: bool
    default: bool


def resolve_hints(cls: type, names: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """The annotations of a class as types; kept, once they could be worked out.

    Parameters
    ----------
    names : mapping, optional
        What is known where the class is defined, beside what its module has.

    Raises
    ------
    InvalidType
        If an annotation names what is not known.
    """
    hints: dict[str, Any] | None = vars(cls).get(_HINTS)
    if hints is None:
        try:
            hints = typing.get_type_hints(cls, localns={**(names or {}), cls.__name__: cls})
        except NameError as error:
            raise InvalidType(
                f'{cls.__qualname__}: {error}: annotations may name what the module of the class '
                'has, and what is known where it is defined'
            ) from error
        hints.update(_inherited(cls))
        setattr(cls, _HINTS, hints)
    return hints


def _inherited(cls: type) -> dict[str, Any]:
    """What was worked out where a base is defined: names may mean something else here."""
    found: dict[str, Any] = {}
    fields: dict[str, Any] = vars(cls).get('__dataclass_fields__', {})
    for base in reversed(cls.__mro__[1:]):
        hints = vars(base).get(_HINTS, {})
        for name, field in vars(base).get('__dataclass_fields__', {}).items():
            if name in hints and fields.get(name) is field:
                found[name] = hints[name]
    return found


def attributes_of(cls: type) -> tuple[Attribute, ...]:
    """The fields of a decorated class, in their order.

    Raises
    ------
    InvalidType
        If a field has an annotation that no Document can be made of.
    """
    known: tuple[Attribute, ...] | None = vars(cls).get(_ATTRIBUTES)
    if known is None:
        hints = resolve_hints(cls)
        fields: Any = dataclasses.fields(cls)
        known = tuple(_attribute(cls, field, hints[field.name]) for field in fields)
        setattr(cls, _ATTRIBUTES, known)
    return known


def _attribute(cls: type, field: dataclasses.Field[Any], hint: Any) -> Attribute:
    optional, many, item = _taken_apart(hint)
    setter, getter = _custom(cls, field, item)
    kind = 'document'
    if setter is not None:
        pass
    elif isinstance(item, type) and item in _PRIMITIVES:
        kind = 'primitive'
    elif getattr(item, '__is_multimodal__', False) and isinstance(item, type):
        kind = 'nested'
    elif isinstance(item, typing.TypeVar) and item in MEDIA:
        setter, default_getter = MEDIA[item]
        getter = getter or default_getter
    else:
        raise InvalidType(
            f'{cls.__qualname__}.{field.name}: Unsupported type annotation {hint!r}; use a type '
            'of docstore.typing, str, int, float, bool, bytes, a @docstore.dataclass, a List or '
            'Optional of one of these, or docstore.field(setter=..., getter=...)'
        )
    name = getattr(item, '__name__', None) or str(item)
    missing = dataclasses.MISSING
    return Attribute(
        name=field.name,
        kind=f'iterable_{kind}' if many else kind,
        type=f'List[{name}]' if many else name,
        item=item,
        setter=setter,
        getter=getter,
        init=field.init,
        optional=optional,
        default=field.default is not missing or field.default_factory is not missing,
    )


def _taken_apart(hint: Any) -> tuple[bool, bool, Any]:
    """Whether it is Optional, whether it is a list, and of what."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        rest = [arg for arg in args if arg is not type(None)]
        if len(rest) == 1 and len(rest) < len(args):
            return True, *_taken_apart(rest[0])[1:]
    if origin in _MANY and len(args) == 1:
        return False, True, args[0]
    return False, False, hint


def _custom(cls: type, field: dataclasses.Field[Any], item: Any) -> tuple[Any, Any]:
    """The setter and getter of the field itself, or of its type in ``type_var_map``."""
    own = field.metadata.get(CUSTOM)
    if own is None and isinstance(item, typing.Hashable):
        make = getattr(cls, TYPE_MAP, {}).get(item)
        if make is not None:
            own = getattr(make(field), 'metadata', {}).get(CUSTOM)
            if own is None:
                raise InvalidType(
                    f'{cls.__qualname__}.{field.name}: the function for {item!r} in type_var_map '
                    'must return docstore.field(setter=..., getter=...)'
                )
    setter, getter = own or (None, None)
    return setter, getter
