"""The formats that Documents and arrays are written in."""

from ..registry import Registry

__all__ = ['CODECS']

CODECS = Registry(
    'protocol',
    {
        'docstore': 'docstore.codecs.binary:BinaryCodec',
        'json': 'docstore.codecs.jsons:JsonCodec',
        'pickle': 'docstore.codecs.pickled:PickleCodec',
        'pickle-array': 'docstore.codecs.pickled:PickleArrayCodec',
        'protobuf': 'docstore.codecs.protobuf:ProtobufCodec',
        'protobuf-array': 'docstore.codecs.protobuf:ProtobufArrayCodec',
    },
)
