"""The formats that Documents and arrays are written in."""

from ..registry import Registry

__all__ = ['CODECS']

CODECS = Registry(
    'protocol',
    {
        'arrow': 'docstore.codecs.arrow:ArrowCodec',
        'docstore': 'docstore.codecs.binary:BinaryCodec',
        'json': 'docstore.codecs.jsons:JsonCodec',
        'jsonl': 'docstore.codecs.jsonlines:JsonLinesCodec',
        'parquet': 'docstore.codecs.arrow:ParquetCodec',
        'pickle': 'docstore.codecs.pickled:PickleCodec',
        'pickle-array': 'docstore.codecs.pickled:PickleArrayCodec',
        'protobuf': 'docstore.codecs.protobuf:ProtobufCodec',
        'protobuf-array': 'docstore.codecs.protobuf:ProtobufArrayCodec',
    },
)
