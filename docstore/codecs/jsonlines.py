"""JSON lines: an object on each line, read and written one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from ..errors import CorruptData, LengthMismatch
from .base import Codec
from .jsons import JsonCodec, parse_json, read_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .compression import Readable

__all__ = ['JsonLinesCodec']

Record = dict[str, Any]

_CHUNK = 1 << 16
_MARK = b'\xef\xbb\xbf'


class JsonLinesCodec(Codec):
    r"""A JSON object in UTF-8 on each line; fields that are not set are left out.

    The values are those of ``protocol='json'``. Empty lines are passed over.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> JsonLinesCodec().dump_all([{'id': 'a'}, {'id': 'b', 'text': 'x'}], file, 2)
    >>> file.getvalue()
    b'{"id": "a"}\n{"id": "b", "text": "x"}\n'
    """

    name: ClassVar[str] = 'jsonl'

    def __init__(self) -> None:
        self._one = JsonCodec(exclude_none=True)

    def dumps(self, record: Record) -> bytes:
        return self._one.dumps(record)

    def loads(self, data: bytes | memoryview) -> Record:
        return self._one.loads(data)

    def dump_all(self, records: Iterable[Record], file: BinaryIO, count: int) -> None:
        written = 0
        for record in records:
            file.write(self.dumps(record) + b'\n')
            written += 1
        if written != count:
            raise LengthMismatch(f'expected {count} documents, got {written}')

    def load_all(self, file: BinaryIO) -> Iterator[Record]:
        for number, line in enumerate(_lines(file), 1):
            if number == 1:
                line = line.removeprefix(_MARK)
            if line.strip():
                try:
                    value = parse_json(line)
                except CorruptData as error:
                    raise CorruptData(f'line {number}: {error}') from error
                yield read_plain(value, f'line {number}: ')


def _lines(file: Readable) -> Iterator[bytes]:
    """The lines of a file that has nothing but ``read``."""
    rest: list[bytes] = []
    while data := file.read(_CHUNK):
        first, *others = data.split(b'\n')
        rest.append(first)
        for piece in others:
            yield b''.join(rest)
            rest = [piece]
    yield b''.join(rest)
