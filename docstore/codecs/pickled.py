"""Pickles, fenced in: only what plain documents are made of is ever built.

Pickles of legacy docarray name its classes; the reader here puts stand-ins in
their place, which only keep what the pickle says of them, and takes the plain
fields out afterwards. NumPy is not called with anything a pickle says either:
arrays are made of checked parts. With ``trusted=True`` the fence is down, and
reading can run any code that the pickle brings.

What is written are pickles of docarray's own objects, which docarray 0.21 reads
as such (:mod:`docstore.codecs.pickled_write`).
"""

from __future__ import annotations

import pickle
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from .. import _core
from ..errors import CorruptData, EncodeError, LengthMismatch, UnsupportedFormat
from .framed import FramedCodec, WholeCodec
from .pickled_parts import STANDINS, Budget, records_in
from .pickled_write import APPEND, ARRAY_END, STOP, PickleWriter, array_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .compression import Limits

__all__ = ['PickleArrayCodec', 'PickleCodec']

Record = dict[str, Any]


class _Unpickler(pickle.Unpickler):
    """Finds stand-ins for the classes of the list; with ``trusted`` others as well."""

    def __init__(self, file: BinaryIO, trusted: bool) -> None:
        super().__init__(file)
        self._trusted = trusted

    def find_class(self, module: str, name: str) -> Any:
        standin = STANDINS.get((module, name))
        if standin is not None:
            return standin
        if self._trusted:
            return super().find_class(module, name)
        raise UnsupportedFormat(
            f'the pickle wants to build {module}.{name}, which no plain document holds; if you '
            'trust where it comes from, pass trusted=True, which lets it run any code'
        )

    def persistent_load(self, pid: Any) -> Any:
        raise CorruptData(f'the pickle refers to something outside of it: {pid!r:.80}')


def _load(data: bytes | memoryview, trusted: bool) -> list[Record]:
    if not trusted:
        _core.check_pickle(data)
    try:
        value = _Unpickler(BytesIO(data), trusted).load()
    except CorruptData:
        raise
    except RecursionError as error:
        raise CorruptData('the pickle is nested too deep') from error
    except Exception as error:  # a damaged pickle can make Python raise nearly anything
        if trusted and not isinstance(error, (pickle.UnpicklingError, EOFError)):
            raise
        raise CorruptData(f'this is no sound pickle: {type(error).__name__}: {error}') from error
    return records_in(value, Budget(len(data)), trusted)


class PickleCodec(FramedCodec):
    """A pickle of each document; many of them in frames.

    Parameters
    ----------
    compress : str, optional
        The compression of each document in frames.
    limits : Limits, optional
        How much a compressed document may grow.
    trusted : bool
        Build whatever the pickle names. Only for data that you made yourself.
    """

    name: ClassVar[str] = 'pickle'
    unsafe: ClassVar[bool] = True

    def __init__(
        self, compress: str | None = None, limits: Limits | None = None, trusted: bool = False
    ) -> None:
        super().__init__(compress, limits)
        self._trusted = trusted

    def dumps(self, record: Record) -> bytes:
        writer = PickleWriter()
        return writer.begin() + writer.document(record) + STOP

    def loads(self, data: bytes | memoryview) -> Record:
        records = _load(data, self._trusted)
        if len(records) != 1:
            raise CorruptData(f'expected a pickle of one document, got {len(records)}')
        return records[0]


class PickleArrayCodec(WholeCodec):
    """One pickle of all documents.

    Parameters
    ----------
    trusted : bool
        Build whatever the pickle names. Only for data that you made yourself.
    """

    name: ClassVar[str] = 'pickle-array'
    unsafe: ClassVar[bool] = True

    def __init__(self, trusted: bool = False) -> None:
        super().__init__(PickleCodec(trusted=trusted))
        self._trusted = trusted

    def dump_all(self, records: Iterable[Record], file: BinaryIO, count: int) -> None:
        writer = PickleWriter()
        file.write(writer.begin() + array_start())
        written = 0
        for record in records:
            try:
                file.write(writer.document(record) + APPEND)
            except EncodeError as error:
                raise EncodeError(f'[{written}]: {error}') from error
            written += 1
        if written != count:
            raise LengthMismatch(f'expected {count} documents, got {written}')
        file.write(ARRAY_END + STOP)

    def load_all(self, file: BinaryIO) -> Iterator[Record]:
        yield from _load(file.read(), self._trusted)
