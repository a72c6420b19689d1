"""The learning side of a DocumentArray: embeddings from models, and how good its matches are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from .processed import ProcessedSequence
from .renamed import evaluation_arguments
from .sequence import DocumentSequence

if TYPE_CHECKING:
    from typing_extensions import Self

    from .embedding import EmbedOptions
    from .evaluating import Truth
    from .records import Records

__all__ = ['EvaluatedSequence']

T = TypeVar('T')
Metrics = Sequence['str | Callable[..., float]']
Collate = Callable[[Any], Any]


class EvaluatedSequence(ProcessedSequence):
    """A sequence of Documents that models embed, and whose matches are evaluated."""

    def embed(
        self,
        embed_model: Any,
        device: str = 'cpu',
        batch_size: int = 256,
        to_numpy: bool = False,
        collate_fn: Collate | None = None,
        show_progress: bool = False,
    ) -> Self:
        """Set the embeddings of all Documents to what a model gives for them.

        Parameters
        ----------
        embed_model : model
            A torch Module, a Keras or Paddle Layer or an ONNX Runtime
            InferenceSession (they are given the tensors), an object with a
            method ``encode`` such as a SentenceTransformer, or a function
            (they are given the contents: a list of texts or blobs, or the
            stacked tensors).
        device : str
            Where a model of torch, Keras or Paddle runs. A torch model is moved
            there and back; it runs in eval and inference mode, and is in the mode
            it was in afterwards.
        batch_size : int
            How many Documents the model is given at once.
        to_numpy : bool
            Accepted for legacy code: embeddings are kept as one NumPy matrix in
            any case.
        collate_fn : callable, optional
            Makes the inputs of the model out of a DocumentArray of the batch.
            A dict is given to a model of a framework as keywords, or by the
            names of the inputs of an ONNX model.
        show_progress : bool
            Whether to show a progress bar.

        Returns
        -------
        DocumentArray
            Itself.

        Raises
        ------
        InvalidArgument
            If ``embed_model`` is no model, a Document has no content for it, or
            what it gives is of no use: NaN, another number of rows, another
            length; the message names the Document, and no embedding is changed.
        InvalidType
            If it gives no numbers.

        Examples
        --------
        >>> from docstore import Document, DocumentArray
        >>> da = DocumentArray([Document(text='a b'), Document(text='c')])
        >>> da.embed(lambda texts: [[len(t), t.count(' ')] for t in texts]).embeddings
        array([[3, 1],
               [1, 0]])
        """
        from .embedding import embed

        options = self._embed_options(batch_size, device, collate_fn, show_progress)
        embed(self._records, embed_model, options)
        return self

    def evaluate(
        self,
        metrics: Metrics | None = None,
        ground_truth: Any = None,
        hash_fn: Callable[[Any], Any] | None = None,
        metric_names: Sequence[str] | None = None,
        strict: bool = True,
        label_tag: str = 'label',
        num_relevant_documents_per_label: Mapping[Any, int] | None = None,
        **kwargs: Any,
    ) -> dict[str, float]:
        """The mean of ranking metrics over the matches of all Documents.

        The value of each Document goes into ``doc.evaluations[name]``.

        Parameters
        ----------
        metrics : list of str or callable
            ``'precision_at_k'``, ``'recall_at_k'``, ``'f1_score_at_k'``,
            ``'hit_at_k'``, ``'r_precision'``, ``'average_precision'``,
            ``'reciprocal_rank'``, ``'dcg_at_k'``, ``'ndcg_at_k'``
            (:mod:`docstore.evaluation`), or functions of a list that has 1
            for each relevant match and 0 for each other one, by rank.
        ground_truth : DocumentArray, optional
            The same Documents with the relevant matches. Without it, those
            matches are relevant that have the label of the Document.
        hash_fn : callable, optional
            What makes two Documents the same; by default their ids.
        metric_names : list of str, optional
            Names of the values, instead of those of the metrics.
        strict : bool
            Whether the ground truth must have the same Documents in the same
            order. Otherwise they are compared by position, and those left
            over on either side are ignored.
        label_tag : str
            The tag that has the label.
        num_relevant_documents_per_label : dict, optional
            How many Documents of each label could be found; recall and F1
            need it.
        **kwargs
            Arguments of the metrics, such as ``k``. (``metric``, ``other`` and
            ``metric_name`` are old names of arguments.)

        Returns
        -------
        dict of str to float

        Raises
        ------
        MissingGroundTruth
            If there are neither matches nor labels to compare with.
        InvalidArgument
            If the array is empty, the ground truth does not fit, or a
            Document has no matches or no label. Nothing is changed then.
        UnknownMetric
            If a name is not known.

        Examples
        --------
        >>> from docstore import Document, DocumentArray
        >>> da = DocumentArray([Document(id='q', matches=[Document(id='a'), Document(id='b')])])
        >>> truth = DocumentArray([Document(id='q', matches=[Document(id='a')])])
        >>> da.evaluate(['precision_at_k', 'recall_at_k'], truth, k=10)
        {'precision_at_k': 0.5, 'recall_at_k': 1.0}
        """
        from .evaluating import evaluate

        given = evaluation_arguments(metrics, ground_truth, metric_names, kwargs)
        truth = self._truth(
            given.truth, hash_fn, strict, label_tag, num_relevant_documents_per_label
        )
        return evaluate(self._records, given.metrics, truth, given.names, given.options)

    def embed_and_evaluate(
        self,
        metrics: Metrics | None = None,
        index_data: Any = None,
        ground_truth: Any = None,
        metric_names: Sequence[str] | None = None,
        strict: bool = True,
        label_tag: str = 'label',
        embed_models: Any = None,
        embed_funcs: Any = None,
        device: str = 'cpu',
        batch_size: int | tuple[int, int] = 256,
        collate_fns: Any = None,
        distance: str | Callable[..., Any] = 'cosine',
        limit: float | None = 20,
        normalization: tuple[float, float] | None = None,
        exclude_self: bool = False,
        use_scipy: bool = False,
        num_worker: int | None = 1,
        match_batch_size: int = 100_000,
        query_sample_size: int | None = 1_000,
        **kwargs: Any,
    ) -> dict[str, float]:
        """Embed, match and evaluate in one go; the index is embedded in parts.

        The Documents get their embeddings, matches (which have id, label and
        score) and evaluations. Those of ``index_data`` stay as they are.

        Parameters
        ----------
        metrics, ground_truth, metric_names, strict, label_tag
            As in :meth:`evaluate`. Relevant Documents are counted in the index.
        index_data : DocumentArray, optional
            Where matches are searched; by default in the array itself.
        embed_models : model or pair of models
            As in :meth:`embed`; of a pair the second is for the index.
        embed_funcs : callable or pair of callables, optional
            Instead of a model: a function that sets the embeddings of the
            DocumentArray that it is given, or returns them.
        device, batch_size, collate_fns
            As in :meth:`embed`; the last two may be pairs.
        distance, limit, normalization, exclude_self, use_scipy
            As in :meth:`match`.
        num_worker
            Accepted for legacy code.
        match_batch_size : int
            How many Documents of the index are embedded and searched at once.
        query_sample_size : int or None
            If there are more Documents, so many are chosen by chance (by
            :mod:`random`); None takes all.
        **kwargs
            Arguments of the metrics, and ``hash_fn``, ``show_progress``,
            ``num_relevant_documents_per_label``.

        Returns
        -------
        dict of str to float

        Raises
        ------
        MissingModel
            If neither a model nor a function is given.

        Examples
        --------
        >>> from docstore import Document, DocumentArray
        >>> words = ['aa', 'ab', 'bb', 'ba']
        >>> da = DocumentArray([Document(id=w, text=w, tags={'label': w[0]}) for w in words])
        >>> ords = lambda texts: [[2 * (t[0] == 'a') - 1, (t[1] == 'a') + 0.5] for t in texts]
        >>> da.embed_and_evaluate(['precision_at_k'], embed_models=ords, limit=1, exclude_self=True)
        {'precision_at_k': 1.0}
        """
        from .retrieving import Encoder, Retrieval, embed_and_evaluate

        given = evaluation_arguments(metrics, ground_truth, metric_names, kwargs)
        show = bool(given.options.pop('show_progress', False))
        truth = self._truth(
            given.truth,
            given.options.pop('hash_fn', None),
            strict,
            label_tag,
            given.options.pop('num_relevant_documents_per_label', None),
        )
        pairs = [_pair(value) for value in (embed_models, embed_funcs, batch_size, collate_fns)]
        encoders = [
            Encoder(model, self._of_arrays(func), self._embed_options(size, device, collate, show))
            for model, func, size, collate in zip(*pairs, strict=True)
        ]
        if all(left is right for left, right in pairs):
            encoders[1] = encoders[0]
        retrieval = Retrieval(
            (encoders[0], encoders[1]),
            distance,
            limit,
            normalization,
            exclude_self,
            use_scipy,
            match_batch_size,
            query_sample_size,
        )
        index = self if index_data is None else index_data
        return embed_and_evaluate(
            self._records,
            _records_of(index, 'index_data'),
            given.metrics,
            given.names,
            truth,
            retrieval,
            given.options,
        )

    def _of_arrays(self, function: Collate | None) -> Callable[[Records], Any] | None:
        """A function of Records that calls one of arrays."""
        if function is None:
            return None
        return lambda records: function(self._of(records))

    def _embed_options(
        self, batch_size: Any, device: str, collate: Collate | None, show_progress: bool
    ) -> EmbedOptions:
        from .embedding import EmbedOptions

        return EmbedOptions(batch_size, device, self._of_arrays(collate), show_progress)

    def _truth(
        self,
        ground_truth: Any,
        hash_fn: Callable[[Any], Any] | None,
        strict: bool,
        label_tag: str,
        counts: Mapping[Any, int] | None,
    ) -> Truth:
        from .evaluating import Truth

        records = None if ground_truth is None else _records_of(ground_truth, 'ground_truth')
        return Truth(records, hash_fn, strict, label_tag, counts)


def _records_of(array: Any, name: str) -> Records:
    if not isinstance(array, DocumentSequence):
        from .errors import InvalidType

        raise InvalidType(f'{name} must be a DocumentArray, got {type(array).__name__}')
    return array._records


def _pair(value: Any) -> tuple[Any, Any]:
    """The two of a pair; anything else is for both sides."""
    if isinstance(value, tuple) and len(value) == 2:
        return value
    return value, value
