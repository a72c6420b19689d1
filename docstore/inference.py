"""Models of any framework, each as one function from inputs to vectors.

What a model is, is read off its class: nothing is imported for it, since a
model can only be there where its framework has been imported already.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from .errors import InvalidArgument, InvalidType
from .math.ndarray import get_array_type, to_numpy_array

__all__ = ['Run', 'kind_of_model', 'output_of', 'running']

#: Gives what a model makes of one batch of inputs.
Run = Callable[[Any], Any]

#: The kind of model by the package and the name of one of its classes.
_KINDS = {
    ('sentence_transformers', 'SentenceTransformer'): 'encode',
    ('keras', 'Layer'): 'keras',
    ('tf_keras', 'Layer'): 'keras',
    ('tensorflow', 'Layer'): 'keras',
    ('paddle', 'Layer'): 'paddle',
    ('torch', 'Module'): 'torch',
    ('onnxruntime', 'InferenceSession'): 'onnx',
}
#: Where the vectors are in what models of the transformers family give.
_NAMED = ('pooler_output', 'sentence_embedding')


def kind_of_model(model: Any) -> str:
    """What has to be done to run a model.

    Returns
    -------
    str
        One of ``torch keras paddle onnx``, or ``encode`` for what has such a
        method, or ``callable``.

    Raises
    ------
    InvalidArgument
        If it is none of them.
    """
    for kind in type(model).__mro__:
        found = _KINDS.get((kind.__module__.partition('.')[0], kind.__name__))
        if found is not None:
            return found
    if callable(getattr(model, 'encode', None)) and not isinstance(model, (str, type)):
        return 'encode'
    if callable(model):
        return 'callable'
    raise InvalidArgument(
        f'embed cannot use {type(model).__name__} {model!r} as a model: expected a torch Module, '
        'a Keras or Paddle Layer, an onnxruntime InferenceSession, an object with '
        '.encode(contents), or a function of the contents'
    )


def running(model: Any, device: str = 'cpu') -> AbstractContextManager[Run]:
    """A context in which a model runs on a device; afterwards it is as it was before."""
    kind = kind_of_model(model)
    if kind == 'torch':
        return _torch(model, device)
    if kind == 'paddle':
        return _paddle(model, device)
    if kind == 'keras':
        return nullcontext(_keras(model, device))
    if kind == 'onnx':
        return _onnx(model, device)
    return nullcontext(model.encode if kind == 'encode' else model)


def _called(model: Any, inputs: Any, convert: Callable[[Any], Any], **options: Any) -> Any:
    """Call a model with inputs; those in a mapping go in as keywords."""
    if isinstance(inputs, Mapping):
        return model(**{name: convert(value) for name, value in inputs.items()}, **options)
    return model(convert(inputs), **options)


# ------------------------------------------------------------------ frameworks


@contextmanager
def _torch(model: Any, device: str) -> Iterator[Run]:
    import torch

    training = [(module, module.training) for module in model.modules()]
    weights = [*model.parameters(), *model.buffers()]
    home = weights[0].device if weights else None
    number = next((w.dtype for w in weights if w.is_floating_point()), None)

    def tensor(value: Any) -> Any:
        if get_array_type(value, raise_error_if_not_array=False)[0] in ('numpy', 'python'):
            if not isinstance(value, (np.ndarray, list, tuple)):
                return value
            array = np.asarray(value)
            # A tensor can always be written to, so it must not share what cannot be.
            value = torch.as_tensor(array if array.flags.writeable else array.copy())
        if not isinstance(value, torch.Tensor):
            return value
        to_number = value.is_floating_point() and number is not None
        return value.to(device=device, dtype=number if to_number else None)

    def run(inputs: Any) -> Any:
        with torch.inference_mode():
            return _called(model, inputs, tensor)

    try:
        if home is not None:
            model.to(device)
        model.eval()
        yield run
    finally:
        if home is not None:
            model.to(home)
        for module, was in training:
            module.training = was


@contextmanager
def _paddle(model: Any, device: str) -> Iterator[Run]:
    paddle = sys.modules['paddle']
    training = [(layer, layer.training) for layer in model.sublayers(include_self=True)]
    home = paddle.get_device()

    def tensor(value: Any) -> Any:
        kind, _ = get_array_type(value, raise_error_if_not_array=False)
        return value if kind == 'paddle' else paddle.to_tensor(value)

    def run(inputs: Any) -> Any:
        with paddle.no_grad():
            return _called(model, inputs, tensor)

    try:
        paddle.set_device(device)
        model.eval()
        yield run
    finally:
        paddle.set_device(home)
        for layer, was in training:
            layer.training = was


def _keras(model: Any, device: str) -> Run:
    tensorflow = sys.modules.get('tensorflow')

    def run(inputs: Any) -> Any:
        place = nullcontext() if tensorflow is None else tensorflow.device(device)
        with place:
            return _called(model, inputs, lambda value: value, training=False)

    return run


@contextmanager
def _onnx(session: Any, device: str) -> Iterator[Run]:
    expected = {node.name: node.type for node in session.get_inputs()}
    outputs = [node.name for node in session.get_outputs()]
    wanted = next((name for name in _NAMED if name in outputs), outputs[0])

    def run(inputs: Any) -> Any:
        feed = inputs if isinstance(inputs, Mapping) else _sole_input(expected, inputs)
        unknown = [name for name in feed if name not in expected]
        missing = [name for name in expected if name not in feed]
        if unknown or missing:
            raise InvalidArgument(
                f'the ONNX model takes the inputs {list(expected)}; given were {list(feed)}'
            )
        ready = {name: _onnx_input(name, expected[name], value) for name, value in feed.items()}
        return session.run([wanted], ready)[0]

    providers = session.get_providers()
    provider = 'CUDAExecutionProvider' if device.startswith('cuda') else None
    if provider is not None and provider not in providers:
        known = sys.modules['onnxruntime'].get_available_providers()
        if provider not in known:
            raise InvalidArgument(f'device={device!r}: ONNX Runtime has the providers {known} only')
        session.set_providers([provider, *providers])
    else:
        provider = None
    try:
        yield run
    finally:
        if provider is not None:
            session.set_providers(providers)


def _sole_input(expected: dict[str, str], inputs: Any) -> dict[str, Any]:
    if len(expected) != 1:
        raise InvalidArgument(
            f'the ONNX model takes the inputs {list(expected)}: give a collate_fn that makes a '
            'dict of them'
        )
    return {next(iter(expected)): inputs}


#: Numbers whose type may be changed to that of the model without losing what they say.
_ONNX_FLOATS = {
    'tensor(float)': np.float32,
    'tensor(double)': np.float64,
    'tensor(float16)': np.float16,
}


def _onnx_input(name: str, expected: str, value: Any) -> Any:
    array = to_numpy_array(value)
    if array.dtype.kind == 'f' and expected in _ONNX_FLOATS:
        return np.ascontiguousarray(array, dtype=_ONNX_FLOATS[expected])
    if array.dtype.kind in 'iu' and expected == 'tensor(int64)':
        return np.ascontiguousarray(array, dtype=np.int64)
    if expected in _ONNX_FLOATS:
        raise InvalidType(
            f'the ONNX model takes {expected} for {name!r}, it was given {array.dtype}: '
            'convert the tensors, or do so in collate_fn'
        )
    return array


# ------------------------------------------------------------------ outputs


def output_of(result: Any) -> Any:
    """The array in what a model gave: itself, or its ``pooler_output``, as NumPy.

    Raises
    ------
    InvalidType
        If there is none.
    """
    for name in _NAMED:
        inner = result.get(name) if isinstance(result, Mapping) else getattr(result, name, None)
        if inner is not None:
            return to_numpy_array(inner)
    if isinstance(result, Mapping) or get_array_type(result, False) == ('python', False):
        return _output_of_python(result)
    return to_numpy_array(result)


def _output_of_python(result: Any) -> Any:
    if isinstance(result, (list, tuple)):
        rows = [row if isinstance(row, (int, float)) else to_numpy_array(row) for row in result]
        try:
            return np.asarray(rows)
        except ValueError:
            shapes = sorted({str(np.shape(row)) for row in rows})
            raise InvalidType(
                f'the model gave rows of the shapes {", ".join(shapes[:5])}; one length is needed'
            ) from None
    has = f' with {sorted(map(str, result))}' if isinstance(result, Mapping) else ''
    for convert in ('__array__', 'numpy'):
        if hasattr(result, convert):
            return np.asarray(result if convert == '__array__' else result.numpy())
    raise InvalidType(
        f'the model gave {type(result).__name__}{has}; expected an array, or an object with '
        f'{" or ".join(_NAMED)}'
    )
