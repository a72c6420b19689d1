"""Tables of Arrow and Parquet as formats of documents, a batch at a time."""

from __future__ import annotations

import io
from abc import abstractmethod
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from ..errors import CorruptData, InvalidDocument, LengthMismatch, UnsupportedFormat
from .arrow_read import read_batches
from .arrow_write import ArrowPlan, pyarrow, sliced
from .base import ColumnCodec
from .binary import batches, columns_of, records_of, rows_per_block
from .compression import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..columns import ColumnBlock
    from .base import Blocks

__all__ = ['ArrowCodec', 'ParquetCodec']

Record = dict[str, Any]

_FILE = b'ARROW1'
_STREAM = b'\xff\xff\xff\xff'
_READ_ROWS = 1 << 13
_READ_BYTES = 1 << 22


class _TableCodec(ColumnCodec):
    """What the two formats share: documents by way of columns."""

    seeks: ClassVar[bool] = True

    def __init__(
        self, limits: Limits | None = None, field_resolver: Mapping[str, str] | None = None
    ) -> None:
        # Tables may be large; what gives them away as bombs is how much they grow.
        self._limits = limits or Limits(size=1 << 62)
        self._resolver = field_resolver

    def dumps(self, record: Record) -> bytes:
        file = io.BytesIO()
        self.dump_all([record], file, 1)
        return file.getvalue()

    def loads(self, data: bytes | memoryview) -> Record:
        records = list(islice(self.load_all(io.BytesIO(data)), 2))
        if len(records) != 1:
            raise CorruptData(f'expected one document, got {len(records) or "none"}')
        return records[0]

    def dump_all(self, records: Iterable[Record], file: BinaryIO, count: int) -> None:
        made = [(len(batch), columns_of(batch)) for batch in batches(records)]
        written = sum(rows for rows, _ in made)
        if written != count:
            raise LengthMismatch(f'expected {count} documents, got {written}')
        self.dump_blocks(lambda: iter(made), file)

    def load_all(self, file: BinaryIO) -> Iterator[Record]:
        for block in self.load_blocks(file):
            yield from records_of(block)

    def load_blocks(self, source: Any) -> Iterator[ColumnBlock]:
        file = io.BytesIO(source) if isinstance(source, (bytes, memoryview)) else source
        pa = pyarrow(f'protocol={self.name!r}')
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        given = 0
        try:
            for batch in self._batches(pa, file):
                batch.validate(full=True)
                given += batch.nbytes
                self._limits.check(size, given)
                yield from read_batches([batch], self._resolver)
        except CorruptData:
            raise
        except InvalidDocument as error:
            raise CorruptData(str(error)) from error
        except pa.ArrowException as error:
            raise CorruptData(f'this is no sound {self.name} file: {error}') from error
        except (OSError, ValueError, KeyError, MemoryError) as error:
            if getattr(error, 'errno', None) is not None:
                raise  # the system, not the data
            raise CorruptData(f'this is no sound {self.name} file: {error}') from error

    @abstractmethod
    def _batches(self, pa: Any, file: BinaryIO) -> Iterator[Any]:
        """The record batches of a file."""


class ArrowCodec(_TableCodec):
    """Documents as a table in an Arrow file, which also other programs read.

    Embeddings are fixed-size lists; tags and scores are JSON; nested documents
    are packed as in our own format. Streams of Arrow are read as well.

    Parameters
    ----------
    limits : Limits, optional
        How much the data may grow when it is read.
    field_resolver : dict, optional
        The fields that columns mean when it is read; columns that are no
        fields become tags.
    """

    name: ClassVar[str] = 'arrow'

    def dump_blocks(self, blocks: Blocks, file: BinaryIO) -> None:
        pa = pyarrow("protocol='arrow'")
        plan = ArrowPlan(blocks)
        with pa.ipc.new_file(_Sink(file), plan.schema) as writer:
            for batch in _planned(plan, blocks):
                writer.write_batch(batch)

    def _batches(self, pa: Any, file: BinaryIO) -> Iterator[Any]:
        start = file.read(len(_FILE))
        file.seek(0)
        if start == _FILE:
            reader = pa.ipc.open_file(file)
            for index in range(reader.num_record_batches):
                yield reader.get_batch(index)
        elif start[:4] == _STREAM:
            yield from pa.ipc.open_stream(file)
        else:
            raise UnsupportedFormat('this is no Arrow file or stream: it starts with other bytes')


class ParquetCodec(_TableCodec):
    """Documents as a table in a Parquet file, in the columns of :class:`ArrowCodec`.

    Parameters
    ----------
    limits : Limits, optional
        How much the data may grow when it is read.
    field_resolver : dict, optional
        The fields that columns mean when it is read; columns that are no
        fields become tags.
    """

    name: ClassVar[str] = 'parquet'

    def dump_blocks(self, blocks: Blocks, file: BinaryIO) -> None:
        pa = pyarrow("protocol='parquet'")
        import pyarrow.parquet as pq

        plan = ArrowPlan(blocks)
        texts = [field.name for field in plan.schema if pa.types.is_large_string(field.type)]
        with pq.ParquetWriter(
            _Sink(file), plan.schema, compression='zstd', use_dictionary=texts
        ) as writer:
            for batch in _planned(plan, blocks):
                writer.write_batch(batch)

    def _batches(self, pa: Any, file: BinaryIO) -> Iterator[Any]:
        import pyarrow.parquet as pq

        start = file.read(4)
        file.seek(0)
        if start != b'PAR1':
            raise UnsupportedFormat('this is no Parquet file: it starts with other bytes')
        with pq.ParquetFile(file, pre_buffer=False) as reader:
            yield from reader.iter_batches(_rows_to_read(reader.metadata))


def _rows_to_read(metadata: Any) -> int:
    """So many rows that they take about as many bytes as a block should."""
    groups = range(metadata.num_row_groups)
    size = sum(metadata.row_group(group).total_byte_size for group in groups)
    rows = _READ_BYTES * metadata.num_rows // max(size, 1)
    return int(max(16, min(_READ_ROWS, rows)))


def _planned(plan: ArrowPlan, blocks: Blocks) -> Iterator[Any]:
    """Batches of a size that readers can hold."""
    first = 0
    for count, columns in blocks():
        for rows, part in sliced(count, columns, rows_per_block(columns)):
            yield plan.batch(rows, part, first)
            first += rows


class _Sink(io.RawIOBase):
    """A file that can only be written, as Arrow wants one; closing it leaves the other open."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._file.write(bytes(data))
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written
