"""Every argument of find and match, on every store: arrays of any framework, metrics, options."""

from __future__ import annotations

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.arrays import as_numpy
from docstore.errors import (
    DimensionMismatch,
    InvalidArgument,
    InvalidType,
    InvalidVector,
    UnknownMetric,
)
from docstore.testing.checks import ids, vectors

N, DIM = 40, 6
pytestmark = pytest.mark.spec('9')

STORAGES = ['memory', 'sqlite', 'disk']
SCIPY = (
    *('braycurtis', 'canberra', 'chebyshev', 'cityblock', 'correlation', 'cosine', 'euclidean'),
    *('jensenshannon', 'mahalanobis', 'minkowski', 'seuclidean', 'sqeuclidean'),
)
SCIPY_BITS = (
    *('dice', 'hamming', 'jaccard', 'rogerstanimoto', 'russellrao', 'sokalsneath', 'yule'),
)


class Tensor:
    """What the tensors of the frameworks have in common: not an ndarray."""

    def __init__(self, values):
        self.values = np.asarray(values, dtype=np.float32)
        self.shape = self.values.shape
        self.dtype = 'float32'

    def __len__(self):
        return len(self.values)

    def __getitem__(self, at):
        return type(self)(self.values[at])


class TorchLike(Tensor):
    """On a device and on the tape: numpy() works only after detach() and cpu()."""

    def __init__(self, values, free=(False, False)):
        super().__init__(values)
        self.free = free

    def detach(self):
        return TorchLike(self.values, (True, self.free[1]))

    def cpu(self):
        return TorchLike(self.values, (self.free[0], True))

    def numpy(self):
        if self.free != (True, True):
            raise RuntimeError('call detach() and cpu() first')
        return self.values

    def __array__(self, dtype=None, copy=None):
        return self.numpy()


class BfloatLike(TorchLike):
    """Of a type that NumPy does not have."""

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        raise TypeError('Got unsupported ScalarType BFloat16')

    def float(self):
        return TorchLike(self.values, (True, True))


class TensorFlowLike(Tensor):
    """An eager tensor."""

    def numpy(self):
        return self.values

    def __array__(self, dtype=None, copy=None):
        return self.values


class PaddleLike(Tensor):
    """Only numpy()."""

    def numpy(self):
        return self.values


class DlpackLike(Tensor):
    """Only DLPack, as some accelerator libraries."""

    def __dlpack__(self, **kwargs):
        return self.values.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class ArrayLike(Tensor):
    """Only __array__."""

    def __array__(self, dtype=None, copy=None):
        return self.values


FAKES = [TorchLike, BfloatLike, TensorFlowLike, PaddleLike, DlpackLike, ArrayLike]


def sparse(kind):
    module = pytest.importorskip('scipy.sparse')
    return lambda values: getattr(module, kind)(np.atleast_2d(values))


def torch(values):
    module = pytest.importorskip('torch')
    return module.tensor(np.asarray(values), requires_grad=True)


MAKERS = {
    **{fake.__name__: fake for fake in FAKES},
    'list': lambda values: np.asarray(values, dtype=np.float32).tolist(),
    'torch': torch,
    **{
        kind: (lambda values, kind=kind: sparse(kind)(values))
        for kind in ('csr_matrix', 'csc_matrix', 'coo_matrix', 'bsr_matrix', 'csr_array')
    },
}


@pytest.fixture(params=STORAGES)
def opener(request, tmp_path):
    opened = []

    def opener(docs):
        path = str(tmp_path / f'a{len(opened)}')
        config = {'memory': None, 'sqlite': {'connection': path}, 'disk': {'path': path}}
        opened.append(DocumentArray(docs, storage=request.param, config=config[request.param]))
        return opened[-1]

    yield opener
    for da in opened:
        da.close()


def docs_of(matrix, make=lambda row: row):
    return [Document(id=f'{i}', tags={'i': i}, embedding=make(row)) for i, row in enumerate(matrix)]


@pytest.fixture
def matrix():
    values = vectors(N, DIM)
    values[np.abs(values) < 0.5] = 0
    values[:, 0] += 2
    return values


@pytest.fixture
def da(opener, matrix):
    return opener(docs_of(matrix))


def same(found, wanted, score='cosine'):
    assert ids(found) == ids(wanted)
    np.testing.assert_allclose(
        found[:, f'scores__{score}__value'], wanted[:, f'scores__{score}__value'], atol=1e-6
    )


# --------------------------------------------------------------------------- frameworks


@pytest.mark.parametrize('make', MAKERS.values(), ids=MAKERS)
def test_queries_of_any_framework(da, matrix, make):
    wanted = da.find(matrix[:3], limit=5)
    found = da.find(make(matrix[:3]), limit=5)
    assert len(found) == 3
    for one, other in zip(found, wanted, strict=True):
        same(one, other)
    single = da.find(make(matrix[0]), limit=5)
    same(single[0] if isinstance(single, list) else single, wanted[0])
    same(da.find(Document(embedding=make(matrix[0])), limit=5)[0], wanted[0])


@pytest.mark.parametrize('make', MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize('metric', ['cosine', 'sqeuclidean', 'cityblock'])
def test_embeddings_of_any_framework(opener, matrix, make, metric):
    options = {'metric': metric, 'use_scipy': True, 'limit': 7}
    if metric == 'cityblock':
        pytest.importorskip('scipy')
    wanted = DocumentArray(docs_of(matrix)).find(matrix[:2], **options)
    da = opener(docs_of(matrix, make))
    for found, other in zip(da.find(matrix[:2], **options), wanted, strict=True):
        same(found, other, metric)
    # Of two frameworks, too.
    queries = DocumentArray(docs_of(matrix[:2], TensorFlowLike))
    queries.match(da, **options)
    for doc, other in zip(queries, wanted, strict=True):
        same(doc.matches, other, metric)


@pytest.mark.parametrize('kind', ['csr_matrix', 'coo_matrix', 'bsr_matrix', 'csc_matrix'])
def test_sparse_embeddings_are_set_by_row(kind, matrix):
    da = DocumentArray.empty(N)
    da.embeddings = sparse(kind)(matrix)
    assert da[3].embedding.format == kind[:3]
    assert da[3].embedding.shape == (1, DIM)
    wanted = DocumentArray(docs_of(matrix)).find(matrix[1], limit=4)[:, 'tags__i']
    position = {doc.id: i for i, doc in enumerate(da)}
    assert [position[doc.id] for doc in da.find(matrix[1], limit=4)] == wanted


def test_large_sparse_embeddings_are_not_made_dense_at_once():
    module = pytest.importorskip('scipy.sparse')
    import tracemalloc

    # Dense these were 1.6 GB.
    rng = np.random.default_rng(3)
    places = rng.integers(0, 1_000_000, 2000)
    rows = np.repeat(np.arange(200), 10)
    lines = module.csr_matrix((rng.random(2000), (rows, places)), shape=(200, 1_000_000))
    da = DocumentArray([Document(id=f'{i}', embedding=lines[i]) for i in range(lines.shape[0])])
    tracemalloc.start()
    found = da.find(lines[7], limit=2, metric='sqeuclidean')
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[0][0].id == '7'
    assert peak < 200e6


def test_what_is_no_array():
    class Nothing:
        shape = (3,)

    with pytest.raises(TypeError, match='Nothing'):
        as_numpy(Nothing())
    good, bad = Document(id='a', embedding=[1.0, 2.0]), Document(id='b', embedding=Nothing())
    da = DocumentArray([good, bad])
    with pytest.raises(InvalidVector, match="'b'"):
        da.find([1.0, 2.0])
    for query in (Nothing(), b'a b', [[1, 2], [3]], np.ones((1, 1, 2)), [None]):
        with pytest.raises(InvalidArgument):
            da[:1].find(query)


def test_missing_embeddings_are_named(opener, matrix):
    docs = docs_of(matrix)
    docs[4].embedding = docs[9].embedding = None
    da = opener(docs)
    with pytest.raises(ValueError, match="'4'"):
        da.find(matrix[0])
    with pytest.raises(ValueError, match="'4'"):
        da.find(DocumentArray(docs))
    queries = DocumentArray([Document(id='none')])
    with pytest.raises(ValueError, match="'none'"):
        queries.match(DocumentArray(docs_of(matrix)))
    for sparse_docs in (docs_of(matrix, MAKERS['csr_matrix']),):
        sparse_docs[2].embedding = None
        with pytest.raises(ValueError, match="'2'"):
            DocumentArray(sparse_docs).find(matrix[0])


def test_lengths_that_differ(matrix):
    docs = docs_of(matrix, MAKERS['csr_matrix'])
    docs[5].embedding = sparse('csr_matrix')(np.ones(DIM + 1))
    with pytest.raises(DimensionMismatch, match=f'{DIM + 1}'):
        DocumentArray(docs).find(matrix[0])


# --------------------------------------------------------------------------- metrics


@pytest.mark.parametrize('metric', [*SCIPY, *SCIPY_BITS])
@pytest.mark.parametrize('kind', ['dense', 'csr_matrix'])
def test_every_metric_of_scipy(opener, matrix, metric, kind):
    cdist = pytest.importorskip('scipy.spatial.distance').cdist
    values = np.abs(matrix).astype(np.float64)
    if metric in SCIPY_BITS:
        values = (values > 1).astype(np.float64)
        values[:, 0] = 1
    make = MAKERS.get(kind, lambda row: row)
    da = opener(docs_of(values, make))
    try:
        wanted = cdist(values[:2], values, metric)
    except ValueError:
        values = values > 0
        wanted = cdist(values[:2], values, metric)
    found = da.find(values[:2].astype(np.float64), metric=metric, use_scipy=True, limit=None)
    for hits, distances in zip(found, wanted, strict=True):
        got = hits[:, f'scores__{metric}__value']
        np.testing.assert_allclose(got, np.sort(distances), rtol=1e-6, atol=1e-6)
        assert len(set(ids(hits))) == N


def test_bits(opener):
    cdist = pytest.importorskip('scipy.spatial.distance').cdist
    bits = np.random.default_rng(1).random((N, 32)) < 0.4
    bits[:2] = False
    packed = np.packbits(bits, axis=1)
    single = opener(docs_of(bits.astype(np.float32)))
    bytes_ = opener(docs_of(packed))
    for metric in ('hamming', 'jaccard'):
        wanted = cdist(bits[:4], bits, metric)
        for da, queries in ((single, bits), (bytes_, packed)):
            found = da.find(queries[:4], metric=metric, limit=None)
            for hits, distances in zip(found, wanted, strict=True):
                order = np.argsort(distances.round(9), kind='stable')
                np.testing.assert_allclose(
                    hits[:, f'scores__{metric}__value'], distances[order], atol=1e-9
                )
                assert [int(name) for name in ids(hits)] == order.tolist()
        by_scipy = single.find(bits[3].astype(float), metric=metric, use_scipy=True, limit=3)
        same(single.find(bits[3], metric=metric, limit=3), by_scipy, metric)
    with pytest.raises(InvalidVector, match='0 and 1'):
        single.find(np.full(32, 0.5), metric='hamming')
    with pytest.raises(InvalidArgument, match='packbits'):
        single.find(np.zeros(32, np.uint8), metric='hamming')
    single[5].embedding = np.full(32, 2.0)
    with pytest.raises(InvalidVector, match="'5'"):
        single.find(bits[3], metric='jaccard')


def test_callables(da, matrix):
    def manhattan(x, y):
        return np.abs(x[:, None] - y[None]).sum(axis=2)

    found = da.find(matrix[0], metric=manhattan, limit=3)
    by_scipy = da.find(
        matrix[0], metric='cityblock', use_scipy=True, metric_name='manhattan', limit=3
    )
    same(found, by_scipy, 'manhattan')
    assert da.find(matrix[0], metric=manhattan, metric_name='far')[0].scores['far'].value == 0
    for metric in ('cosine', 'ip', 'euclidean', 'sqeuclidean'):
        assert list(da.find(matrix[0], metric=metric, metric_name='x')[0].scores) == ['x']
    with pytest.raises(InvalidArgument, match='shape'):
        da.find(matrix[0], metric=lambda x, y: np.ones(3))
    with pytest.raises(NotImplementedError, match='cosine'):
        da.find(matrix[0], metric='cosin')
    with pytest.raises(UnknownMetric, match='use_scipy'):
        da.find(matrix[0], metric='cityblock')
    with pytest.raises(InvalidType):
        da.find(matrix[0], metric=3)


# --------------------------------------------------------------------------- options


@pytest.mark.parametrize('span', [(0, 1), (1, 0), (-5, 5), (3, 3)])
@pytest.mark.parametrize('metric', ['sqeuclidean', 'hamming'])
def test_normalization_is_over_the_whole_row(opener, span, metric):
    values = (vectors(N, 16) > 0).astype(np.float32) if metric == 'hamming' else vectors(N, 16)
    da = opener(docs_of(values))
    plain = np.array(da.find(values[0], metric=metric, limit=None)[:, f'scores__{metric}__value'])
    only = {'tags__i': {'$gte': 5}}
    for limit, condition in ((4, None), (None, None), (4, only)):
        hits = da.find(values[0], metric=metric, normalization=span, limit=limit, filter=condition)
        got = hits[:, f'scores__{metric}__value']
        row = plain
        if condition:
            alone = da.find(values[0], metric=metric, limit=None, filter=condition)
            row = np.array(alone[:, f'scores__{metric}__value'])
        wanted = span[0] + (span[1] - span[0]) * (row - row.min()) / (row.max() - row.min())
        np.testing.assert_allclose(got, wanted[:limit], atol=1e-5)


def test_what_changes_nothing(da, matrix):
    wanted = da.find(matrix[0], limit=5)
    for options in ({'batch_size': 3}, {'num_worker': 2}, {'num_worker': None}, {'device': 'cuda'}):
        same(da.find(matrix[0], limit=5, **options), wanted)
        queries = DocumentArray([Document(embedding=matrix[0])])
        queries.match(da, limit=5, **options)
        same(queries[0].matches, wanted)


def test_limits(da, matrix):
    assert [len(da.find(matrix[0], limit=limit)) for limit in (1, 2.7, np.int64(3), None, 999)] == [
        1,
        2,
        3,
        N,
        N,
    ]
    for limit in (0, -1, 0.5, float('nan')):
        with pytest.raises(ValueError, match='limit'):
            da.find(matrix[0], limit=limit)
        with pytest.raises(ValueError, match='limit'):
            DocumentArray(docs_of(matrix[:1])).match(da, limit=limit)


def test_exclude_self(da, matrix):
    found = da.find(da[:3], exclude_self=True, limit=4)
    for i, hits in enumerate(found):
        assert len(hits) == 4
        assert str(i) not in ids(hits)
        assert ids(hits) == ids(da.find(matrix[i], limit=5))[1:]
    # A vector has no self.
    assert ids(da.find(matrix[0], exclude_self=True, limit=1)) == ['0']


def test_arguments_that_do_not_exist(da, matrix):
    with pytest.raises(InvalidArgument, match=r"'normalisation'.*'normalization'"):
        da.find(matrix[0], normalisation=(0, 1))
    with pytest.raises(InvalidArgument, match=r"'tokeniser'.*'tokenizer'"):
        DocumentArray(docs_of(matrix[:1])).match(da, tokeniser='porter')


def test_a_filter_with_scipy_and_explain(da, matrix):
    only = {'tags__i': {'$in': [3, 5, 7]}}
    found = da.find(matrix[0], metric='cityblock', use_scipy=True, filter=only, explain=True)
    assert sorted(ids(found)) == ['3', '5', '7']
    told = found.explanation
    assert (told.path, told.score, told.candidates) == ('function', 'cityblock', 3)
    assert repr(told).startswith('<function search by cityblock: 1 query, 3 of 40 documents')
