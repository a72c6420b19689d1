"""Messages of the protobuf package, for those who send them on themselves.

The messages are described here once more than in the core, which reads and
writes the bytes: only what has to be an object of the package is made here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ..errors import CorruptData, InvalidDocument, MissingDependency
from ..schema import FIELDS
from .protobuf import ProtobufCodec

__all__ = ['bytes_of', 'message_of', 'plain_of', 'record_of_message', 'record_of_plain']

Record = dict[str, Any]

_PACKAGE = 'docarray'
_MESSAGES = {
    'bytes': 'bytes',
    'str': 'string',
    'int': 'uint32',
    'float': 'float',
    'floats': 'float',
    'array': '.docarray.NdArrayProto',
    'dict': '.google.protobuf.Struct',
    'documents': '.docarray.DocumentProto',
}
# The messages besides DocumentProto: name, number and type of each field.
_OTHERS: dict[str, tuple[tuple[str, int, str, bool], ...]] = {
    'DenseNdArrayProto': (
        ('buffer', 1, 'bytes', False),
        ('shape', 2, 'uint32', True),
        ('dtype', 3, 'string', False),
    ),
    'SparseNdArrayProto': (
        ('indices', 1, '.docarray.DenseNdArrayProto', False),
        ('values', 2, '.docarray.DenseNdArrayProto', False),
        ('shape', 3, 'uint32', True),
    ),
    'NdArrayProto': (
        ('dense', 1, '.docarray.DenseNdArrayProto', False),
        ('sparse', 2, '.docarray.SparseNdArrayProto', False),
        ('cls_name', 3, 'string', False),
        ('parameters', 4, '.google.protobuf.Struct', False),
    ),
    'NamedScoreProto': (
        ('value', 1, 'float', False),
        ('op_name', 2, 'string', False),
        ('description', 3, 'string', False),
        ('ref_id', 4, 'string', False),
    ),
    'DocumentArrayProto': (('docs', 1, '.docarray.DocumentProto', True),),
}
_ONE_OF = {'NdArrayProto': ('dense', 'sparse'), 'DocumentProto': ('blob', 'tensor', 'text')}


@cache
def _classes() -> dict[str, Any]:
    """The classes of the messages; they live in a pool of their own."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2
    except ImportError:
        raise MissingDependency.of('protobuf', 'proto', 'a protobuf object') from None
    file = descriptor_pb2.FileDescriptorProto(
        name='docstore/docarray.proto', package=_PACKAGE, syntax='proto3'
    )
    file.dependency.append(struct_pb2.DESCRIPTOR.name)
    for name, fields in _OTHERS.items():
        message = file.message_type.add(name=name)
        for entry in fields:
            _add(message, *entry)
    message = file.message_type.add(name='DocumentProto')
    for field in FIELDS:
        if field.kind == 'scores':
            _add_scores(message, field.name, field.wire)
        else:
            many = field.kind in {'floats', 'documents'}
            _add(message, field.name, field.wire, _MESSAGES[field.kind], many)
    for message in file.message_type:
        _group(message, _ONE_OF.get(message.name, ()))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return {
        message.name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f'{_PACKAGE}.{message.name}')
        )
        for message in file.message_type
    }


def _add(message: Any, name: str, number: int, kind: str, many: bool) -> Any:
    field = message.field.add(name=name, number=number)
    field.label = field.LABEL_REPEATED if many else field.LABEL_OPTIONAL
    if kind.startswith('.'):
        field.type, field.type_name = field.TYPE_MESSAGE, kind
    else:
        field.type = getattr(field, f'TYPE_{kind.upper()}')
    return field


def _add_scores(message: Any, name: str, number: int) -> None:
    """A map from names to scores, which is a list of entries on the wire."""
    entry = message.nested_type.add(name=f'{name.capitalize()}Entry')
    entry.options.map_entry = True
    _add(entry, 'key', 1, 'string', many=False)
    _add(entry, 'value', 2, '.docarray.NamedScoreProto', many=False)
    _add(message, name, number, f'.docarray.DocumentProto.{entry.name}', many=True)


def _group(message: Any, names: tuple[str, ...]) -> None:
    if names:
        message.oneof_decl.add(name='content')
    for field in message.field:
        if field.name in names:
            field.oneof_index = 0


def message_of(data: bytes, many: bool) -> Any:
    """The message of bytes that a codec wrote: ``DocumentProto``, or of ``many``."""
    return _classes()['DocumentArrayProto' if many else 'DocumentProto'].FromString(data)


def record_of_message(message: Any) -> Record:
    """The fields of a ``DocumentProto``, of ours or of docarray's.

    Raises
    ------
    InvalidDocument
        If it is no message.
    """
    return ProtobufCodec().loads(bytes_of(message))


def bytes_of(message: Any) -> bytes:
    """The bytes of a message, whichever package made it."""
    try:
        return bytes(message.SerializeToString())
    except AttributeError:
        raise InvalidDocument(
            f'expected a protobuf message, got {type(message).__name__}'
        ) from None


def plain_of(record: Record, **options: Any) -> dict[str, Any]:
    """A record as ``google.protobuf.json_format.MessageToDict`` gives it."""
    message = message_of(ProtobufCodec().dumps(record), many=False)
    from google.protobuf.json_format import MessageToDict

    plain: dict[str, Any] = MessageToDict(message, **options)
    return plain


def record_of_plain(values: Any, **options: Any) -> Record:
    """The record of what :func:`plain_of` gave.

    Raises
    ------
    CorruptData
        If a field has a value of another type than its own.
    """
    message = _classes()['DocumentProto']()
    from google.protobuf.json_format import ParseDict, ParseError

    try:
        return record_of_message(ParseDict(values, message, **options))
    except (ParseError, AttributeError, TypeError, RecursionError) as error:
        raise CorruptData(f'this is no DocumentProto as a dict: {error}') from error
