"""``@docstore.dataclass`` and ``docstore.field``."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from ..document import Document
from ..errors import InvalidType
from .annotations import CUSTOM, TYPE_MAP, resolve_hints
from .convert import to_document, values_from

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_kwargs: Any) -> Callable[[Any], Any]:
        """Nothing: it is for type checkers."""
        return lambda decorated: decorated


__all__ = ['dataclass', 'field']

T = TypeVar('T')
TypeMap = Mapping[Any, Callable[[Any], Any]]

#: What a source field hands on to the field made of it.
_HANDED_ON = ('default', 'default_factory', 'init', 'repr', 'hash', 'compare', 'kw_only')


def field(
    *,
    setter: Callable[[Any], Document] | None = None,
    getter: Callable[[Document], Any] | None = None,
    _source_field: Any = None,
    **kwargs: Any,
) -> Any:
    """A field of a :func:`dataclass` with its own way into a Document and out of it.

    Parameters
    ----------
    setter : callable, optional
        The value to a Document.
    getter : callable, optional
        The Document to the value.
    **kwargs
        As for ``dataclasses.field``: ``default``, ``default_factory``, ...

    Examples
    --------
    >>> import docstore
    >>> @docstore.dataclass
    ... class Point:
    ...     at: tuple = docstore.field(
    ...         setter=lambda value: docstore.Document(location=list(value)),
    ...         getter=lambda doc: tuple(doc.location),
    ...     )
    >>> Point(docstore.Document(Point((1.0, 2.0))))
    Point(at=(1.0, 2.0))
    """
    for name, function in (('setter', setter), ('getter', getter)):
        if function is not None and not callable(function):
            raise InvalidType(f'{name}= must be callable, not {type(function).__name__}')
    source: dict[str, Any] = {}
    if _source_field is not None:
        source = {name: getattr(_source_field, name) for name in _HANDED_ON}
    metadata = dict(kwargs.pop('metadata', None) or {})
    if setter is not None or getter is not None:
        metadata[CUSTOM] = (setter, getter)
    return dataclasses.field(**{**source, **kwargs}, metadata=metadata)


@overload
def dataclass(cls: type[T], *, type_var_map: TypeMap | None = None, **kwargs: Any) -> type[T]: ...
@overload
def dataclass(
    cls: None = None, *, type_var_map: TypeMap | None = None, **kwargs: Any
) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(field_specifiers=(field, dataclasses.field))
def dataclass(
    cls: type[T] | None = None, *, type_var_map: TypeMap | None = None, **kwargs: Any
) -> Any:
    """A dataclass whose instances become Documents, and come out of them again.

    ``Document(instance)`` has a chunk for each field of a medium, and the
    primitive fields in its tags. ``Class(document)`` is the instance again.

    Parameters
    ----------
    type_var_map : dict, optional
        For a type of field, a function that makes the :func:`field` of it.
    **kwargs
        As for ``dataclasses.dataclass``.

    Examples
    --------
    >>> import docstore
    >>> from docstore.typing import Text
    >>> @docstore.dataclass
    ... class Page:
    ...     title: Text
    ...     words: list[str]
    >>> doc = docstore.Document(Page('Hello', ['a', 'b']))
    >>> doc.title.text, doc.tags['words']
    ('Hello', ['a', 'b'])
    >>> Page(doc)
    Page(title='Hello', words=['a', 'b'])
    """
    # What is known where the class is defined: annotations may name a class of a function.
    frame = sys._getframe(1)

    def decorate(plain: type[T]) -> type[T]:
        return _decorated(plain, type_var_map, kwargs, _names_at(frame, plain.__module__))

    return decorate if cls is None else decorate(cls)


def _names_at(frame: FrameType, module: str) -> dict[str, Any]:
    """What is known in a frame, beside what the module of the class has."""
    names: dict[str, Any] = {}
    if frame.f_globals is not getattr(sys.modules.get(module), '__dict__', None):
        names.update(frame.f_globals)  # code that was given to exec
    if frame.f_locals is not frame.f_globals:
        names.update(frame.f_locals)
    return names


def _decorated(
    plain: type[T],
    type_var_map: TypeMap | None,
    kwargs: dict[str, Any],
    names: Mapping[str, Any],
) -> type[T]:
    made: Any = dataclasses.dataclass(**kwargs)(plain)
    made.__is_multimodal__ = True
    made.__docstore_document__ = to_document
    setattr(made, TYPE_MAP, {**getattr(made, TYPE_MAP, {}), **(type_var_map or {})})
    try:
        resolve_hints(made, names)
    except InvalidType:
        pass  # a class that is defined further down: known when the first Document is made
    construct = made.__init__

    @functools.wraps(construct)
    def __init__(self: Any, *args: Any, **fields: Any) -> None:  # noqa: N807 - it becomes one
        given = args[0] if len(args) == 1 and not fields else None
        if isinstance(given, Document):
            construct(self, **values_from(type(self), given))
        else:
            construct(self, *args, **fields)

    made.__init__ = __init__
    return cast('type[T]', made)
