"""The operations on arrays of documents, one script for every library with this API.

docstore and docarray run the very same lines, with another import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from harness.inputs import documents, vectors
from harness.task import Operation, Task

__all__ = ['Library', 'bind', 'ids_of', 'length_of', 'memory_operations', 'places', 'value_of']


@dataclass(frozen=True)
class Library:
    """A library with the DocumentArray API.

    Parameters
    ----------
    name : str
        For the name of its files.
    document, array : type
        Its ``Document`` and ``DocumentArray``.
    to_bytes : str
        The name of its own, fastest format.
    """

    name: str
    document: Any
    array: Any
    to_bytes: str

    def make(self, count: int, base: str) -> list[Any]:
        """Free-standing documents with text, three tags and an embedding."""
        matrix = vectors(base)
        return [
            self.document(
                id=fields['id'], text=fields['text'], tags=dict(fields['tags']), embedding=row
            )
            for fields, row in zip(documents(count), matrix[:count], strict=True)
        ]

    def filled(self, count: int, base: str) -> Any:
        """An array in memory of such documents."""
        return self.array(self.make(count, base))


def bind(library: Library, functions: Iterable[Callable[..., Task]]) -> dict[str, Operation]:
    """Operations of one library, by the names of the functions."""
    return {function.__name__: partial(function, library) for function in functions}


def memory_operations(library: Library) -> dict[str, Operation]:
    """The operations on arrays in memory, by name."""
    return bind(library, _OPERATIONS)


def length_of(value: Any) -> dict[str, Any]:
    """The fact that a result has so many elements."""
    return {'length': len(value)}


def value_of(value: Any) -> dict[str, Any]:
    """The result itself as a fact."""
    return {'value': value}


def ids_of(hits: Any) -> dict[str, Any]:
    """The fact that these documents were found."""
    return {'ids': hits[:, 'id']}


def places(count: int, chosen: int = 1000) -> list[int]:
    """Some positions, in random order."""
    order: list[int] = np.random.default_rng(3).permutation(count)[:chosen].tolist()
    return order


# Documents in memory


def construct(lib: Library, count: int, base: str) -> Task:
    """Make documents one by one, from keywords."""
    documents(count)
    return Task(lambda: lib.make(count, base), check=length_of)


def append(lib: Library, count: int, base: str) -> Task:
    """Append ready documents one by one."""
    docs = lib.make(count, base)

    def call() -> Any:
        da = lib.array()
        for doc in docs:
            da.append(doc)
        return da

    return Task(call, check=length_of)


def extend(lib: Library, count: int, base: str) -> Task:
    """Extend by a list of ready documents."""
    docs = lib.make(count, base)

    def call() -> Any:
        da = lib.array()
        da.extend(docs)
        return da

    return Task(call, check=length_of)


def iterate(lib: Library, count: int, base: str) -> Task:
    """Go through the array."""
    da = lib.filled(count, base)

    def call() -> int:
        seen = 0
        for _ in da:
            seen += 1
        return seen

    return Task(call, check=value_of)


def iterate_text(lib: Library, count: int, base: str) -> Task:
    """Go through the array and read each text."""
    da = lib.filled(count, base)
    return Task(lambda: sum(len(doc.text) for doc in da), check=value_of)


def get_int(lib: Library, count: int, base: str) -> Task:
    """A thousand documents by position."""
    da = lib.filled(count, base)
    chosen = places(count)
    return Task(lambda: [da[place] for place in chosen], check=length_of)


def get_id(lib: Library, count: int, base: str) -> Task:
    """A thousand documents by id."""
    da = lib.filled(count, base)
    ids = [documents(count)[place]['id'] for place in places(count)]
    return Task(lambda: [da[id_] for id_ in ids], check=length_of)


def delete_id(lib: Library, count: int, base: str, deleted: int) -> Task:
    """Delete by id, one by one, from anywhere."""
    docs = lib.make(count, base)
    ids = [docs[place].id for place in places(count)[:deleted]]
    state: dict[str, Any] = {}

    def setup() -> None:
        state['da'] = lib.array(docs)
        assert ids[0] in state['da']  # both build their table of ids before the clock starts

    def call() -> Any:
        for id_ in ids:
            del state['da'][id_]
        return state['da']

    return Task(call, setup, check=length_of)


def get_embeddings(lib: Library, count: int, base: str) -> Task:
    """All embeddings as one matrix."""
    da = lib.array.empty(count)
    da.embeddings = vectors(base)
    return Task(lambda: da.embeddings, check=lambda e: {'shape': list(e.shape)})


def set_embeddings(lib: Library, count: int, base: str) -> Task:
    """Set all embeddings from one matrix."""
    da = lib.array.empty(count)
    matrix = vectors(base)

    def call() -> Any:
        da.embeddings = matrix
        return da

    return Task(call, check=length_of)


def get_texts(lib: Library, count: int, base: str) -> Task:
    """All texts as a list."""
    da = lib.filled(count, base)
    return Task(lambda: da.texts, check=length_of)


def get_tag(lib: Library, count: int, base: str) -> Task:
    """One tag of all documents as a list."""
    da = lib.filled(count, base)
    return Task(lambda: da[:, 'tags__price'], check=lambda v: {'sum': round(sum(v), 2)})


def filter_number(lib: Library, count: int, base: str) -> Task:
    """The documents with a number below a limit, about 10 % of all."""
    da = lib.filled(count, base)
    condition = {'tags__price': {'$lt': 10.0}}
    return Task(lambda: da.find(condition), check=length_of)


def filter_and(lib: Library, count: int, base: str) -> Task:
    """Two conditions together, about 8 % of all."""
    da = lib.filled(count, base)
    parts = [{'tags__colour': {'$eq': 'red'}}, {'tags__stock': {'$gte': 500}}]
    condition = {'$and': parts}
    return Task(lambda: da.find(condition), check=length_of)


def find_one(lib: Library, count: int, base: str, queries: str) -> Task:
    """The ten nearest to one vector."""
    da = lib.filled(count, base)
    query = vectors(queries)[0]
    return Task(lambda: da.find(query, limit=10), check=ids_of)


def match(lib: Library, count: int, base: str, queries: str, asked: int, read: bool) -> Task:
    """The ten nearest to each of many; with ``read``, the text of every hit too."""
    da = lib.filled(count, base)
    left = lib.array.empty(asked)
    left.embeddings = vectors(queries)[:asked]

    def call() -> Any:
        left.match(da, limit=10)
        if read:
            return sum(len(hit.text) for doc in left for hit in doc.matches)
        return None

    def check(_: Any) -> dict[str, Any]:
        return {'ids': [[hit.id for hit in doc.matches] for doc in left[:20]]}

    return Task(call, check=check)


# Formats


def write_bytes(lib: Library, count: int, base: str, protocol: str = '') -> Task:
    """To bytes in the fastest own format, or the named one."""
    da = lib.filled(count, base)
    name = protocol or lib.to_bytes
    return Task(lambda: da.to_bytes(protocol=name), check=lambda b: {'~bytes': len(b)})


def read_bytes(
    lib: Library, count: int, base: str, protocol: str = '', touch: bool = False
) -> Task:
    """From bytes; with ``touch``, text and tags of every document too."""
    name = protocol or lib.to_bytes
    data = lib.filled(count, base).to_bytes(protocol=name)

    def call() -> Any:
        da = lib.array.from_bytes(data, protocol=name)
        if touch:
            return sum(len(doc.text) + len(doc.tags) for doc in da)
        return da

    return Task(call, check=value_of if touch else length_of)


def write_json(lib: Library, count: int, base: str) -> Task:
    """To JSON."""
    da = lib.filled(count, base)
    return Task(da.to_json, check=lambda text: {'~bytes': len(text)})


_OPERATIONS: tuple[Callable[..., Task], ...] = (
    construct,
    append,
    extend,
    iterate,
    iterate_text,
    get_int,
    get_id,
    delete_id,
    get_embeddings,
    set_embeddings,
    get_texts,
    get_tag,
    filter_number,
    filter_and,
    find_one,
    match,
    write_bytes,
    read_bytes,
    write_json,
)
