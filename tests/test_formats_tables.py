"""Arrow, Parquet, pandas, polars and data sets of Hugging Face."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.errors import (
    CorruptData,
    EncodeError,
    InvalidDocument,
    InvalidType,
    MissingDependency,
    UnknownName,
)

pa = pytest.importorskip('pyarrow')

pytestmark = pytest.mark.spec('14')


def sample() -> DocumentArray:
    docs = [
        Document(
            id=str(i),
            text=f'text {i}',
            tags={'n': i, 'x': float(i), 'b': True, 'l': [1, {'y': None}]},
            embedding=np.arange(4, dtype='f4') + i,
        )
        for i in range(4)
    ]
    docs[0].chunks = [Document(id='c', tensor=np.arange(6, dtype='i2').reshape(2, 3))]
    docs[1].scores['cosine'].value = 0.25
    docs[2].blob = b'\0\xff'
    docs[3].location = [1.0, 2.5]
    docs[3].weight = 0.5
    return DocumentArray(docs)


def columns(count: int) -> DocumentArray:
    array = DocumentArray.empty(count)
    array.embeddings = np.random.default_rng(0).random((count, 8), 'f4')
    array.texts = [f'text {i}' for i in range(count)]
    return array


def libraries() -> dict[str, Any]:
    return {
        'arrow': (lambda da: da.to_arrow(), DocumentArray.from_arrow),
        'stream': (pa.table, DocumentArray.from_arrow),
        'pandas': (lambda da: da.to_dataframe(), DocumentArray.from_dataframe),
        'polars': (lambda da: da.to_dataframe('polars'), DocumentArray.from_dataframe),
        'datasets': (
            lambda da: da.to_huggingface_datasets(),
            DocumentArray.from_huggingface_datasets,
        ),
    }


@pytest.mark.parametrize('name', list(libraries()))
@pytest.mark.parametrize('storage', ['memory', 'sqlite', 'disk'])
def test_there_and_back(name: str, storage: str, tmp_path: Path) -> None:
    if name in {'pandas', 'polars', 'datasets'}:
        pytest.importorskip(name)
    out, back = libraries()[name]
    expected = list(sample())
    if storage == 'memory':
        array = sample()
        assert list(back(out(array))) == expected
        return
    key = 'connection' if storage == 'sqlite' else 'path'
    place = {'storage': storage, 'config': {key: str(tmp_path / 's')}}
    array = back(out(sample()), **place)
    assert [doc.to_dict() for doc in array] == [doc.to_dict() for doc in expected]
    assert [type(v) for v in array[1].tags.values()][:3] == [int, float, bool]
    assert array[0].embedding.dtype == np.float32
    assert list(back(out(array))) == expected
    array.close()


def test_a_matrix_is_not_copied() -> None:
    array = columns(1000)
    table = array.to_arrow()
    there = table['embedding'].chunk(0).values.buffers()[1].address
    assert there == array.embeddings.ctypes.data
    assert table['embedding'].type == pa.list_(pa.float32(), 8)
    back = DocumentArray.from_arrow(table)
    assert back.embeddings.ctypes.data == there
    half = DocumentArray.from_arrow(table.slice(500))
    assert half.embeddings.ctypes.data == there + 500 * 8 * 4
    del array, table
    assert np.isfinite(back.embeddings).all()  # the memory is kept as long as it is seen
    loaded = DocumentArray.from_bytes(back.to_bytes())
    address = loaded.to_arrow()['embedding'].chunk(0).values.buffers()[1].address
    assert address == loaded.embeddings.ctypes.data


def test_a_schema_and_a_stream_for_others() -> None:
    array = sample()
    schema = pa.schema(array)
    assert schema.field('text').type == pa.large_string()
    assert pa.RecordBatchReader.from_stream(array).schema == schema
    wanted = pa.schema([schema.field('id'), schema.field('text')])
    for requested in (None, schema):
        capsule = requested and requested.__arrow_c_schema__()
        assert array.__arrow_c_stream__(capsule) is not None
    assert pa.table(array).select(wanted.names).num_rows == 4


@pytest.mark.parametrize(
    'dtype', ['?', 'i1', 'u1', 'i2', 'i4', 'i8', 'u8', 'f2', 'f4', 'f8', '>i4']
)
def test_types_and_shapes(dtype: str, tmp_path: Path) -> None:
    for shape in ((3,), (2, 3), (2, 1, 2)):
        rows = [(np.arange(np.prod(shape)) % 2).astype(dtype).reshape(shape) for _ in range(3)]
        array = DocumentArray([Document(tensor=row) for row in rows] + [Document(id='none')])
        array.save_parquet(tmp_path / 'x')
        for back in (
            DocumentArray.from_arrow(array.to_arrow()),
            DocumentArray.from_arrow(array.to_arrow().slice(1)),
            DocumentArray.load_parquet(tmp_path / 'x'),
        ):
            assert back[-1].tensor is None
            for doc, row in zip(list(back)[-4:-1], rows[-len(back) + 1 :], strict=False):
                assert doc.tensor.dtype == np.dtype(dtype).newbyteorder('=')
                np.testing.assert_array_equal(doc.tensor, row)


@pytest.mark.parametrize(
    'values',
    [
        [np.ones(3), np.ones(4)],
        [np.ones(3), np.ones(3, 'f4')],
        [np.ones(0), None],
        [np.array(1.0), np.array(2.0)],
        [np.array(['a']), np.array(['b'])],
        [np.ones(2, 'c8'), np.ones(2, 'c8')],
    ],
)
def test_arrays_that_are_no_matrix(values: list[Any], tmp_path: Path) -> None:
    array = DocumentArray([Document(tensor=value) for value in values])
    array.save_parquet(tmp_path / 'x')
    for back in (
        DocumentArray.from_arrow(array.to_arrow()),
        DocumentArray.load_parquet(tmp_path / 'x'),
    ):
        for doc, value in zip(back, values, strict=True):
            assert (doc.tensor is None) == (value is None)
            if value is not None:
                assert doc.tensor.dtype == value.dtype
                np.testing.assert_array_equal(doc.tensor, value)


def test_tables_of_others() -> None:
    table = pa.table(
        {
            'key': [1, 2],
            'body': ['a', None],
            'embedding': pa.array([[1.0, 2.0], [3.0, 4.0]]),
            'price': [1.5, None],
            'kind': pa.array(['x', 'y']).dictionary_encode(),
            'tags': pa.array([{'a': 1, 'b': None}, {'a': None, 'b': 'z'}]),
            'tensor': pa.array([[[1, 2], [3, 4]], None]),
        }
    )
    back = DocumentArray.from_arrow(table, field_resolver={'key': 'id', 'body': 'text'})
    assert back[:, 'id'] == ['1', '2']
    assert back.texts == ['a', '']
    assert back.embeddings.tolist() == [[1, 2], [3, 4]]
    assert back[:, 'tags'] == [{'a': 1, 'price': 1.5, 'kind': 'x'}, {'b': 'z', 'kind': 'y'}]
    assert back[0].tensor.tolist() == [[1, 2], [3, 4]]
    tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(8.0).reshape(2, 2, 2))
    back = DocumentArray.from_arrow(pa.table({'tensor': tensor}))
    np.testing.assert_array_equal(back.tensors, np.arange(8.0).reshape(2, 2, 2))
    assert len(DocumentArray.from_arrow(table.to_batches()[0])) == 2


@pytest.mark.parametrize(
    ('table', 'why'),
    [
        ({'text': [1]}, 'row 0: text: expected a str, got int'),
        ({'weight': ['a']}, 'row 0: weight: expected a number'),
        ({'granularity': [1.5]}, 'row 0: granularity: expected an int'),
        ({'embedding': [['a']]}, 'row 0: embedding: expected lists of numbers'),
        ({'embedding': [[1.0, None]]}, 'embedding'),
        ({'tags': ['no json']}, 'row 0: tags: expected JSON'),
        ({'tags': ['[1]']}, 'row 0: tags: expected a mapping'),
        ({'chunks': [b'\xff\xff']}, 'chunks'),
        ({'chunks': [b'\x01']}, 'row 0: chunks'),
        ({'blob': ['#']}, 'row 0: blob: expected base64'),
        ({'id': [None, 'a'], 'body': [1, 2], 'price': [3, 4]}, "two columns .* stand for 'text'"),
    ],
)
def test_tables_that_make_no_documents(table: dict[str, Any], why: str) -> None:
    resolver = {'body': 'text', 'price': 'text'}
    with pytest.raises(InvalidDocument, match=why):
        DocumentArray.from_arrow(pa.table(table), resolver)
    pandas = pytest.importorskip('pandas')
    if 'chunks' not in table and table.get('tags') != ['no json']:
        with pytest.raises(InvalidDocument):
            DocumentArray.from_dataframe(pandas.DataFrame(table), resolver)
    wide = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=['x', 'x'])
    with pytest.raises(InvalidDocument, match="two columns of the table stand for 'x'"):
        DocumentArray.from_arrow(wide)


def test_damaged_parquet_leaves_the_store_alone(tmp_path: Path) -> None:
    place: dict[str, Any] = {'storage': 'disk', 'config': {'path': str(tmp_path / 's')}}
    with DocumentArray([Document(id='old')], **place) as kept:
        pass
    kept.close()
    columns(20_000).save_parquet(tmp_path / 'x')
    data = bytearray((tmp_path / 'x').read_bytes())
    start = len(data) // 2
    data[start : start + 4000] = bytes(4000)
    with pytest.raises(CorruptData):
        DocumentArray.load_parquet(bytes(data), **place)
    again = DocumentArray(**place)
    assert again[:, 'id'] == ['old']
    again.close()


def test_a_frame_of_pandas() -> None:
    pandas = pytest.importorskip('pandas')
    array = sample()
    frame = array.to_dataframe()
    assert list(frame.columns) == [
        *('id', 'blob', 'text', 'weight', 'tags', 'location', 'embedding', 'scores', 'chunks')
    ]
    assert frame['tags'][1]['n'] == 1
    frame['tags'][1]['n'] = 9
    frame['tags'][1]['l'].append(3)
    assert array[1].tags == {'n': 1, 'x': 1.0, 'b': True, 'l': [1, {'y': None}]}
    with pytest.raises(ValueError, match='read-only'):
        frame['embedding'][0][0] = 5
    assert list(array.to_dataframe(columns=['id', 'text']).columns) == ['id', 'text']
    other = pandas.DataFrame(
        {'id': [1, 2], 'text': ['a', float('nan')], 'price': [1.5, None], 'granularity': [1, None]}
    )
    back = DocumentArray.from_dataframe(other)
    assert [doc.to_dict(exclude_none=True) for doc in back] == [
        {'id': '1', 'granularity': 1, 'text': 'a', 'tags': {'price': 1.5}},
        {'id': '2'},
    ]
    assert len(DocumentArray().to_dataframe()) == 0
    assert len(DocumentArray.from_dataframe(pandas.DataFrame())) == 0
    with pytest.raises(InvalidDocument, match='a name of type int'):
        DocumentArray.from_dataframe(pandas.DataFrame([[1]]))


def test_data_sets() -> None:
    datasets = pytest.importorskip('datasets')
    data = datasets.Dataset.from_dict({'body': ['a', 'b', 'c'], 'n': [1, 2, 3]})
    back = DocumentArray.from_huggingface_datasets(data, {'body': 'text'}, size=2)
    assert back.texts == ['a', 'b']
    assert back[:, 'tags__n'] == [1, 2]
    only = DocumentArray.from_huggingface_datasets(data, {'body': 'text'}, filter_fields=True)
    assert only[:, 'tags'] == [{}, {}, {}]
    with pytest.raises(ValueError, match="the splits 'train': choose one"):
        DocumentArray.from_huggingface_datasets(datasets.DatasetDict({'train': data}))


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidType, match='a table of Arrow'):
        DocumentArray.from_arrow([1])
    with pytest.raises(InvalidType, match='a table of Arrow'):
        DocumentArray.from_dataframe(3)
    with pytest.raises(UnknownName, match="did you mean 'pandas'"):
        DocumentArray().to_dataframe('panda')
    for value in ({'x': {1}}, {'x': b'1'}, {1: 2}):
        with pytest.raises(EncodeError, match=r'tags of row 1|row 1: tags'):
            DocumentArray([Document(), Document(tags=value)]).to_arrow()
    with pytest.raises(EncodeError, match='text of row 1'):
        DocumentArray([Document(text='a'), Document(text=3)]).to_arrow()
    for name, call in (
        ('pyarrow', DocumentArray().to_arrow),
        ('pyarrow', lambda: DocumentArray().to_bytes('parquet')),
        ('pandas', DocumentArray().to_dataframe),
        ('polars', lambda: DocumentArray().to_dataframe('polars')),
        ('datasets', DocumentArray().to_huggingface_datasets),
        ('backports', lambda: DocumentArray().to_bytes(compress='zstd')),
    ):
        if name == 'backports' and sys.version_info >= (3, 14):
            continue
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)
            with pytest.raises(MissingDependency, match='pip install'):
                call()


def test_columns_become_columns_without_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    # No Document is made for a row, on the way out or in.
    array = columns(2000)

    def made(*_args: Any, **_kwargs: Any) -> Any:
        raise AssertionError('a Document was made')

    monkeypatch.setattr(Document, '_wrap', made)
    table = array.to_arrow()
    back = DocumentArray.from_arrow(table)
    assert back.texts == array.texts
    back.to_bytes('parquet')
    if 'pandas' in sys.modules:
        assert len(array.to_dataframe()) == 2000


@pytest.mark.slow
def test_a_hundred_thousand_rows_take_moments() -> None:
    array = columns(100_000)
    start = time.process_time()
    array.to_arrow()
    assert time.process_time() - start < 1.0
