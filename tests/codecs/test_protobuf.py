"""The protobuf codec against the protobuf package itself."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from docstore import _core
from docstore.codecs.protobuf import ProtobufArrayCodec, ProtobufCodec
from docstore.errors import CorruptData, EncodeError

Record = dict[str, Any]

_TYPES = descriptor_pb2.FieldDescriptorProto
_SIMPLE = {
    'string': _TYPES.TYPE_STRING,
    'bytes': _TYPES.TYPE_BYTES,
    'uint32': _TYPES.TYPE_UINT32,
    'float': _TYPES.TYPE_FLOAT,
}
# The messages of docarray 0.21: name, number, type, and what is special.
_MESSAGES: dict[str, list[tuple[str, int, str, str]]] = {
    'DenseNdArrayProto': [
        ('buffer', 1, 'bytes', ''),
        ('shape', 2, 'uint32', 'repeated'),
        ('dtype', 3, 'string', ''),
    ],
    'SparseNdArrayProto': [
        ('indices', 1, '.docarray.DenseNdArrayProto', ''),
        ('values', 2, '.docarray.DenseNdArrayProto', ''),
        ('shape', 3, 'uint32', 'repeated'),
    ],
    'NdArrayProto': [
        ('dense', 1, '.docarray.DenseNdArrayProto', 'oneof'),
        ('sparse', 2, '.docarray.SparseNdArrayProto', 'oneof'),
        ('cls_name', 3, 'string', ''),
        ('parameters', 4, '.google.protobuf.Struct', ''),
    ],
    'NamedScoreProto': [
        ('value', 1, 'float', ''),
        ('op_name', 2, 'string', ''),
        ('description', 3, 'string', ''),
        ('ref_id', 4, 'string', ''),
    ],
    'DocumentProto': [
        ('id', 1, 'string', ''),
        ('blob', 2, 'bytes', 'oneof'),
        ('tensor', 3, '.docarray.NdArrayProto', 'oneof'),
        ('text', 4, 'string', 'oneof'),
        ('granularity', 5, 'uint32', ''),
        ('adjacency', 6, 'uint32', ''),
        ('parent_id', 7, 'string', ''),
        ('weight', 8, 'float', ''),
        ('uri', 9, 'string', ''),
        ('modality', 10, 'string', ''),
        ('mime_type', 11, 'string', ''),
        ('offset', 12, 'float', ''),
        ('location', 13, 'float', 'repeated'),
        ('chunks', 14, '.docarray.DocumentProto', 'repeated'),
        ('matches', 15, '.docarray.DocumentProto', 'repeated'),
        ('embedding', 16, '.docarray.NdArrayProto', ''),
        ('tags', 17, '.google.protobuf.Struct', ''),
        ('scores', 18, '.docarray.NamedScoreProto', 'map'),
        ('evaluations', 19, '.docarray.NamedScoreProto', 'map'),
        ('_metadata', 20, '.google.protobuf.Struct', ''),
    ],
    'DocumentArrayProto': [('docs', 1, '.docarray.DocumentProto', 'repeated')],
}


def _add_field(message: Any, name: str, number: int, kind: str, special: str) -> None:
    field = message.field.add(name=name, number=number)
    field.label = _TYPES.LABEL_REPEATED if special in {'repeated', 'map'} else _TYPES.LABEL_OPTIONAL
    if special == 'map':
        entry = message.nested_type.add(name=f'{name.capitalize()}Entry')
        entry.options.map_entry = True
        _add_field(entry, 'key', 1, 'string', '')
        _add_field(entry, 'value', 2, kind, '')
        kind = f'.docarray.{message.name}.{entry.name}'
    if kind in _SIMPLE:
        field.type = _SIMPLE[kind]
    else:
        field.type, field.type_name = _TYPES.TYPE_MESSAGE, kind
    if special == 'oneof':
        if not message.oneof_decl:
            message.oneof_decl.add(name='content')
        field.oneof_index = 0


def _messages() -> tuple[Any, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name='docarray_test.proto', package='docarray', syntax='proto3'
    )
    file.dependency.append('google/protobuf/struct.proto')
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields:
            _add_field(message, *field)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    one, many = (
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f'docarray.{name}'))
        for name in ('DocumentProto', 'DocumentArrayProto')
    )
    return one, many


DocumentProto, DocumentArrayProto = _messages()
TEXT = st.text(st.characters(exclude_categories=['Cs']), max_size=20)
SOME_TEXT = TEXT.filter(bool)
FLOATS32 = st.floats(width=32, allow_nan=False).filter(bool)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)
TAGS = st.dictionaries(TEXT, VALUES, min_size=1, max_size=5)
ARRAYS = st.sampled_from(['?', 'u1', 'i2', 'i4', 'i8', 'u8', 'f2', 'f4', 'f8', 'c16']).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, min_side=0, max_dims=3))
)
SCORES = st.dictionaries(
    TEXT,
    st.fixed_dictionaries(
        {},
        optional={
            'value': FLOATS32,
            'op_name': SOME_TEXT,
            'description': SOME_TEXT,
            'ref_id': SOME_TEXT,
        },
    ),
    min_size=1,
    max_size=3,
)
CONTENT = st.one_of(
    st.just({}),
    st.fixed_dictionaries({'text': SOME_TEXT}),
    st.fixed_dictionaries({'blob': st.binary(min_size=1, max_size=20)}),
    st.fixed_dictionaries({'tensor': ARRAYS}),
)
PLAIN = st.fixed_dictionaries(
    {'id': SOME_TEXT},
    optional={
        'parent_id': SOME_TEXT,
        'granularity': st.integers(1, 2**32 - 1),
        'adjacency': st.integers(1, 2**32 - 1),
        'weight': FLOATS32,
        'uri': SOME_TEXT,
        'modality': SOME_TEXT,
        'mime_type': SOME_TEXT,
        'offset': FLOATS32,
        'location': st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=3),
        'embedding': ARRAYS,
        'tags': TAGS,
        '_metadata': TAGS,
        'scores': SCORES,
        'evaluations': SCORES,
    },
)
FLAT = st.builds(lambda plain, content: {**plain, **content}, PLAIN, CONTENT)
RECORDS = st.builds(
    lambda record, chunks: {**record, **({'chunks': chunks} if chunks else {})},
    FLAT,
    st.lists(FLAT, max_size=2),
)


def to_message(record: Record, message: Any = None) -> Any:
    """What the protobuf package makes of a record, field by field."""
    message = DocumentProto() if message is None else message
    for name, value in record.items():
        target = getattr(message, name)
        if name in {'chunks', 'matches'}:
            for child in value:
                to_message(child, target.add())
        elif name in {'tags', '_metadata'}:
            target.update(value)
        elif name in {'scores', 'evaluations'}:
            for key, score in value.items():
                target[key].SetInParent()
                for part, content in score.items():
                    setattr(target[key], part, content)
        elif name in {'tensor', 'embedding'}:
            target.cls_name = 'numpy'
            target.dense.buffer = value.tobytes()
            target.dense.shape.extend(value.shape)
            target.dense.dtype = value.dtype.str
        elif name == 'location':
            target.extend(value)
        else:
            setattr(message, name, value)
    return message


def value_of(value: Any) -> Any:
    kind = value.WhichOneof('kind')
    if kind == 'struct_value':
        return {key: value_of(item) for key, item in value.struct_value.fields.items()}
    if kind == 'list_value':
        return [value_of(item) for item in value.list_value.values]
    return None if kind in {None, 'null_value'} else getattr(value, kind)


def from_message(message: Any) -> Record:
    """The record that the protobuf package sees in a message."""
    record: Record = {}
    for field, value in message.ListFields():
        name = field.name
        if name in {'chunks', 'matches'}:
            record[name] = [from_message(child) for child in value]
        elif name in {'tags', '_metadata'}:
            record[name] = {key: value_of(item) for key, item in value.fields.items()}
        elif name in {'scores', 'evaluations'}:
            record[name] = {
                key: {part.name: content for part, content in score.ListFields()}
                for key, score in value.items()
            }
        elif name in {'tensor', 'embedding'}:
            dense = value.dense
            array = np.frombuffer(dense.buffer, dense.dtype).reshape(list(dense.shape))
            record[name] = array.tolist() if value.cls_name == 'list' else array
        elif name == 'location':
            record[name] = list(value)
        else:
            record[name] = value
    return record


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@given(RECORDS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_protobuf_reads_what_is_written(record: Record) -> None:
    message = DocumentProto.FromString(_core.proto_encode(record))
    assert same(from_message(message), record)


@given(RECORDS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_what_protobuf_writes_is_read(record: Record) -> None:
    assert same(_core.proto_decode(to_message(record).SerializeToString()), record)


@given(FLAT.filter(lambda r: not {'tags', '_metadata', 'scores', 'evaluations'} & r.keys()))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_the_bytes_are_those_of_protobuf(record: Record) -> None:
    # Only the order of map entries is free; records without maps agree to the byte.
    expected = to_message(record).SerializeToString(deterministic=True)
    assert _core.proto_encode(record) == expected


@given(st.lists(FLAT, max_size=4))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_arrays_of_documents(records: list[Record]) -> None:
    array = DocumentArrayProto()
    for record in records:
        to_message(record, array.docs.add())
    assert same(_core.proto_decode_array(array.SerializeToString()), records)
    back = DocumentArrayProto.FromString(_core.proto_encode_array(records))
    assert same([from_message(doc) for doc in back.docs], records)


@given(st.binary(max_size=80))
@settings(deadline=None)
def test_no_bytes_do_harm(data: bytes) -> None:
    for read in (_core.proto_decode, _core.proto_decode_array):
        try:
            repr(read(data))
        except CorruptData:
            continue


SAMPLE: Record = {
    'id': 'a',
    'text': 'häuser',
    'weight': 0.5,
    'tags': {'n': 1.0, 'l': [None, True, {'x': 'y'}]},
    'embedding': np.arange(3, dtype='f4'),
    'scores': {'c': {'value': 0.25, 'op_name': 'o'}},
    'chunks': [{'id': 'c', 'blob': b'\0\xff'}],
}


def test_damage_never_crashes_and_protobuf_agrees_on_what_can_be_read() -> None:
    data = _core.proto_encode(SAMPLE)
    for at in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            try:
                repr(_core.proto_decode(bytes(damaged)))
            except CorruptData:
                continue
    for size in range(1, len(data)):
        try:
            ours = _core.proto_decode(data[:size])
        except CorruptData:
            continue
        assert same(ours, from_message(DocumentProto.FromString(data[:size])))


def test_unknown_fields_are_passed_over() -> None:
    extra = b'\xf8\x3f\x05' + b'\xfa\x3f\x01x' + b'\xfd\x3f0000' + b'\xf9\x3f00000000'
    assert _core.proto_decode(extra + _core.proto_encode({'id': 'a'}) + extra) == {'id': 'a'}


def test_the_last_of_repeated_singular_fields_counts() -> None:
    first = _core.proto_encode({'id': 'a', 'text': 'x'})
    last = _core.proto_encode({'id': 'b', 'blob': b'y'})
    assert _core.proto_decode(first + last) == {'id': 'b', 'blob': b'y'}
    tags = _core.proto_encode({'tags': {'k': 'first'}})[2:]
    again = _core.proto_encode({'tags': {'k': 'second', 'z': 1.0}})[2:]
    merged = b'\x8a\x01' + bytes([tags[0] + again[0]]) + tags[1:] + again[1:]
    assert _core.proto_decode(merged) == {'tags': {'k': 'second', 'z': 1.0}}


@pytest.mark.parametrize('count', [1, 9, 40])
def test_maps_of_any_size_keep_the_last_of_each_key(count: int) -> None:
    entries = [(f'k{i}', float(i)) for i in range(count)] + [('k0', 99.0)]
    body = b''.join(_core.proto_encode({'tags': {k: v}})[3:] for k, v in entries)
    size = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 127 | 128, len(body) >> 7])
    tags = _core.proto_decode(b'\x8a\x01' + size + body)['tags']
    assert tags == {**dict(entries[1:]), 'k0': 99.0}
    assert len(tags) == count


@pytest.mark.parametrize(
    ('value', 'dtype'),
    [
        ([1, 2], '<i8'),
        ([1, 2.5], '<f8'),
        ([True, False], '|b1'),
        ([True, 2], '<i8'),
        ([[1, 2], [3, 4]], '<i8'),
        ([], '<f8'),
        ([[], []], '<f8'),
    ],
)
def test_lists_are_written_as_the_array_numpy_makes_of_them(value: Any, dtype: str) -> None:
    data = _core.proto_encode({'embedding': value})
    message = DocumentProto.FromString(data).embedding
    assert message.cls_name == 'list'
    assert message.dense.dtype == dtype
    assert message.dense.buffer == np.array(value).tobytes()
    assert list(message.dense.shape) == list(np.array(value).shape)
    back = _core.proto_decode(data)['embedding']
    assert same(back, np.array(value).tolist())


@pytest.mark.parametrize('dtype', ['i1', 'u1', 'i2', 'u2', 'i4', 'u4', 'i8', 'u8', 'f2', 'f4'])
def test_lists_of_any_number_type_are_read(dtype: str) -> None:
    array = np.array([0, 1, np.iinfo(dtype).max if dtype[0] != 'f' else 60000], dtype)
    message = to_message({'embedding': array})
    message.embedding.cls_name = 'list'
    assert same(_core.proto_decode(message.SerializeToString())['embedding'], array.tolist())


def test_halves_of_every_bit_pattern() -> None:
    array = np.arange(2**16, dtype='u2').view('f2')
    message = to_message({'embedding': array})
    message.embedding.cls_name = 'list'
    back = np.array(_core.proto_decode(message.SerializeToString())['embedding'])
    np.testing.assert_array_equal(back, array.astype('f8'))


@pytest.mark.parametrize('dtype', ['>f8', '>i2', '>c16', '>U2', '=f4', '>M8[D]'])
def test_arrays_of_another_byte_order(dtype: str) -> None:
    array = np.array([1, 2], dtype.replace('=', '<'))
    message = to_message({'embedding': array})
    message.embedding.dense.dtype = dtype
    back = _core.proto_decode(message.SerializeToString())['embedding']
    assert back.dtype == array.dtype.newbyteorder('=')
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    ('dtype', 'shape', 'size'),
    [
        ('<f4', [2], 4),
        ('<f4', [2**32 - 1] * 4, 0),
        ('<f4', [0, 2**32 - 1, 2**32 - 1, 2**32 - 1], 0),
        ('|O', [1], 8),
        ('<f16', [1], 16),
        ('', [1], 4),
        ('<f4', [1] * 40, 4),
        ('<f4', [3], 0),
    ],
)
def test_arrays_that_make_no_sense(dtype: str, shape: list[int], size: int) -> None:
    message = DocumentProto()
    message.embedding.dense.buffer = bytes(size)
    message.embedding.dense.shape.extend(shape)
    message.embedding.dense.dtype = dtype
    with pytest.raises(CorruptData):
        _core.proto_decode(message.SerializeToString())
    message.embedding.cls_name = 'list'
    if shape[0] != 0:  # otherwise the list is simply empty
        with pytest.raises(CorruptData):
            _core.proto_decode(message.SerializeToString())


def test_an_empty_list_cannot_claim_to_be_large() -> None:
    message = DocumentProto()
    message.embedding.dense.shape.extend([2**31, 0])
    message.embedding.dense.dtype = '<f4'
    message.embedding.cls_name = 'list'
    with pytest.raises(CorruptData, match='too many'):
        _core.proto_decode(message.SerializeToString())


@pytest.mark.parametrize(
    ('record', 'message'),
    [
        ({'text': 3}, r'text: protobuf holds a str here, got int'),
        ({'tags': {'a': [1, b'x']}}, r'tags\.a\[1\]: protobuf holds no bytes'),
        ({'tags': {'a': np.ones(2)}}, r'tags\.a: protobuf holds no ndarray'),
        ({'tags': {'a': 2**70}}, r'tags\.a: .*beyond 64 bits'),
        ({'granularity': -1}, 'granularity: protobuf holds 0 to 4294967295 here, got -1'),
        ({'chunks': [{}, {'weight': 'x'}]}, r'chunks\[1\]\.weight: protobuf holds a number'),
        ({'embedding': [[1, 2], [3]]}, 'embedding: the lists inside are of different lengths'),
        ({'embedding': ['a']}, 'embedding: an array is of numbers, got str'),
        ({'embedding': {'a': 1}}, 'embedding'),
        ({'nonsense': 1}, "a Document has no field 'nonsense'"),
        ({'value': 1}, "a Document has no field 'value'"),
        ({'scores': {'c': {'best': 1}}}, r'scores\.c\.best: a score has no such field'),
        ({'location': ['x']}, r'location\[0\]: protobuf holds a number'),
        (3, 'protobuf holds a mapping of fields here, got int'),
    ],
)
def test_what_cannot_be_written_is_named(record: Any, message: str) -> None:
    with pytest.raises(EncodeError, match=message):
        _core.proto_encode(record)
    with pytest.raises(EncodeError, match=r'\[1\]: '):
        _core.proto_encode_array([{'id': 'a'}, record])


def test_floats_beyond_32_bits_become_infinite() -> None:
    back = _core.proto_decode(_core.proto_encode({'weight': 1e300, 'offset': -1e300}))
    assert back == {'weight': math.inf, 'offset': -math.inf}
    assert (
        _core.proto_decode(_core.proto_encode({'weight': 0.1}))['weight']
        == (struct.unpack('<f', struct.pack('<f', 0.1))[0])
    )


def test_deep_nesting_is_refused_on_both_sides() -> None:
    body = b'\x0a\x01x'
    for _ in range(3000):
        size = len(body)
        head = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
        body = b'\x72' + head + body  # chunks
        if len(body) > 16000:
            break
    with pytest.raises(CorruptData, match='deeper'):
        _core.proto_decode(body)
    record: Record = {'id': 'x'}
    for _ in range(200):
        record = {'chunks': [record]}
    with pytest.raises(EncodeError, match='too deep'):
        _core.proto_encode(record)


def test_arrays_can_be_forced_to_one_type() -> None:
    record = {'id': 'a', 'embedding': np.ones(2), 'chunks': [{'id': 'c', 'tensor': [1, 2]}]}
    lists = ProtobufCodec(ndarray_type='list')
    assert lists.loads(lists.dumps(record))['embedding'] == [1.0, 1.0]
    arrays = ProtobufArrayCodec(ndarray_type='numpy')
    child = arrays.loads(arrays.dumps(record))['chunks'][0]
    assert same(child['tensor'], np.array([1, 2]))


def test_sparse_arrays_by_their_parts() -> None:
    parts = {
        'cls_name': 'scipy',
        'sparse_format': 'csr',
        'indices': np.array([[0, 1], [2, 0]], 'i4'),
        'values': np.array([1.0, 2.0]),
        'shape': [3, 2],
    }
    data = _core.proto_encode({'embedding': parts})
    message = DocumentProto.FromString(data).embedding
    assert message.WhichOneof('content') == 'sparse'
    assert list(message.sparse.shape) == [3, 2]
    assert message.parameters['sparse_format'] == 'csr'
    assert same(_core.proto_decode(data)['embedding'], parts)
