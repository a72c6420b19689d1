"""Embeddings from models: content in batches, one matrix out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .contents import set_bulk, stacked
from .display.progress import tracked_steps
from .document import Document
from .errors import (
    DimensionMismatch,
    InvalidArgument,
    InvalidType,
    InvalidVector,
    LengthMismatch,
)
from .inference import kind_of_model, output_of, running
from .memory import MemoryRecords
from .processing import check_batch_size
from .schema import CONTENT_FIELDS

if TYPE_CHECKING:
    from .records import Records

__all__ = ['EmbedOptions', 'embed', 'embedded', 'embedded_by']

Matrix = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class EmbedOptions:
    """How a model is run over an array.

    Parameters
    ----------
    batch_size : int
        How many Documents at once.
    device : str
        Where the model runs.
    collate : callable, optional
        Makes the inputs of the model out of the Records of a batch; by default
        they are the tensors, or for a function the contents.
    show_progress : bool
        Whether to show a progress bar.
    """

    batch_size: Any = 256
    device: str = 'cpu'
    collate: Callable[[Records], Any] | None = None
    show_progress: bool = False


def embed(records: Records, model: Any, options: EmbedOptions) -> None:
    """Set the embeddings of all Documents to what a model gives for them.

    They are written at once, after all batches: if anything goes wrong, the
    array is as it was.
    """
    # By row, so that a store may be written to while the model runs.
    chosen = records.take(range(len(records))) if records.persistent else records
    matrix = embedded(chosen, model, options)
    if matrix is not None:
        set_bulk(chosen, 'embedding', matrix)


def embedded(records: Records, model: Any, options: EmbedOptions) -> Matrix | None:
    """The vectors that a model gives for all Documents, one a line; None without Documents.

    Raises
    ------
    InvalidArgument
        If ``model`` is no model, a Document has no content for it, or what it
        gives is of no use: another number of rows, no matrix, NaN, lengths
        that differ. The message names the Document.
    InvalidType
        If it gives no array of numbers.
    """
    kind = kind_of_model(model)
    if not isinstance(options.device, str):
        raise InvalidType(f'device must be a str, got {type(options.device).__name__}')
    field = 'tensor' if kind in ('torch', 'keras', 'paddle', 'onnx') else None
    if field is None and options.collate is None and len(records):
        field = _content_of_first(records)

    def inputs(batch: range) -> Any:
        if options.collate is not None:
            return options.collate(records.take(batch))
        return _contents(records, field or '', batch)

    with running(model, options.device) as run:
        return _collected(records, lambda batch: output_of(run(inputs(batch))), options)


def embedded_by(
    records: Records, function: Callable[[Records], Any], options: EmbedOptions
) -> Matrix | None:
    """The vectors that a function of Documents sets, or returns.

    It is given copies, so that the Documents stay as they are.

    Raises
    ------
    InvalidArgument
        If it leaves a Document without one; and as :func:`embedded`.
    """

    def vectors(batch: range) -> Any:
        copies = MemoryRecords(Document._wrap(records.detached(at, ('matches',))) for at in batch)
        given = function(copies)
        docs = getattr(given, '_records', copies if given is None else None)
        if docs is None:
            return output_of(given)
        if len(docs) != len(batch):
            return np.empty((len(docs), 0))
        missing = [at for at, vector in enumerate(docs.gather('embedding')) if vector is None]
        if missing:
            raise InvalidArgument(
                f'the function gave {records.identity(batch[missing[0]])} no embedding'
            )
        return output_of(stacked(docs, 'embedding'))

    return _collected(records, vectors, options)


def _collected(
    records: Records, vectors: Callable[[range], Any], options: EmbedOptions
) -> Matrix | None:
    """One matrix of the vectors of all batches."""
    size = check_batch_size(options.batch_size)
    result: Matrix | None = None
    count = len(records)
    for start in tracked_steps(range(0, count, size), 'Embedding', options.show_progress):
        batch = range(start, min(start + size, count))
        lines = _checked(records, batch, vectors(batch))
        result = _placed(records, result, lines, batch)
    return result


# ------------------------------------------------------------------ in


def _content_of_first(records: Records) -> str:
    field = records.get(0).content_type
    if field is None:
        raise InvalidArgument(
            f'{records.identity(0)} has no content to embed: set one of '
            f'{", ".join(CONTENT_FIELDS)}, or give a collate_fn'
        )
    return field


def _contents(records: Records, field: str, batch: range) -> Any:
    """What the Documents of a batch have in a content field."""
    values = records.gather(field, batch)
    if isinstance(values, list):
        for at, value in enumerate(values):
            if value is None or (field != 'tensor' and not value):
                raise InvalidArgument(
                    f'{records.identity(batch[at])} has no {field} to embed: set it, or give a '
                    'collate_fn that makes inputs of what it has'
                )
    if field != 'tensor':
        return list(values)
    try:
        return stacked(records, field, batch)
    except DimensionMismatch:
        shapes = [np.shape(value) for value in values]
        other = next(at for at, shape in enumerate(shapes) if shape != shapes[0])
        raise DimensionMismatch(
            f'the tensors cannot be given to the model at once: {records.identity(batch[0])} has '
            f'the shape {shapes[0]}, {records.identity(batch[other])} has {shapes[other]}'
        ) from None


# ------------------------------------------------------------------ out


def _checked(records: Records, batch: range, output: Matrix) -> Matrix:
    """What a model gave for a batch, if it is one vector of numbers for each Document."""
    if output.ndim == 0 or len(output) != len(batch):
        given = 'a single number' if output.ndim == 0 else f'{len(output)} rows'
        raise LengthMismatch(
            f'the model gave {given} for {len(batch)} documents, from {records.identity(batch[0])}'
        )
    if output.ndim != 2:
        raise InvalidArgument(
            f'the model must give one vector for each document, a matrix; it gave the shape '
            f'{output.shape} for the batch from {records.identity(batch[0])}: pool or flatten it'
        )
    if output.dtype.kind not in 'fiub':
        raise InvalidType(f'the model must give numbers, it gave {output.dtype}')
    if output.dtype.kind == 'f' and not np.isfinite(output).all():
        at = int(np.argmin(np.isfinite(output).all(axis=1)))
        raise InvalidVector(
            f'the model gave NaN or infinity for {records.identity(batch[at])}', row=batch[at]
        )
    return output


def _placed(records: Records, result: Matrix | None, lines: Matrix, batch: range) -> Matrix:
    """The matrix of all vectors with those of a batch in their place."""
    if result is None:
        result = np.empty((len(records), lines.shape[1]), dtype=lines.dtype)
    if lines.shape[1] != result.shape[1]:
        raise DimensionMismatch(
            f'the model gave vectors of length {lines.shape[1]} from '
            f'{records.identity(batch[0])}, of length {result.shape[1]} before'
        )
    common = np.result_type(result, lines)
    if common != result.dtype:
        result = result.astype(common)
    result[batch.start : batch.stop] = lines
    return result
