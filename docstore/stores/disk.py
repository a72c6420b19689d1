"""The store in a directory: a checked log, memory-mapped vectors, checkpoints."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import quote, unquote

import numpy as np

from .. import _core
from ..errors import CorruptStore, DocstoreError, InvalidConfig, UnknownField, did_you_mean
from ..schema import CONTENT_FIELDS, FIELD_NAMES, VECTOR_FIELDS
from .base import IndexConfig, Store, Vectors
from .config import dump_index, load_index, settle_index, split_config
from .disk_batch import BatchBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from ..predicate import Predicate
    from .base import Operation, Record, RowArray

__all__ = ['DiskStore', 'open_disk']

T = TypeVar('T')

_LOG = logging.getLogger(__name__)
_DEFAULTS = {'path': None, 'durability': 'normal', 'read_only': False, 'create': True}
#: The directory of the stores beside this one.
_BESIDE = 'beside'
_DURABILITIES = ('normal', 'full')
#: Rows whose records are decoded at a time.
_CHUNK = 16384
#: How many columns, and values, are kept decoded.
_MOST_COLUMNS, _MOST_VALUES = 16, 8_000_000
_PLAIN = frozenset((str, int, float, bool, bytes, type(None)))


def open_disk(config: Mapping[str, Any] | None = None) -> DiskStore:
    """Open the store in a directory, or make one.

    Parameters
    ----------
    config : mapping
        ``path`` (needed), ``durability`` ('normal', or 'full': every
        operation is safe against power loss when it returns), ``read_only``,
        ``create`` (False: the store must exist), and the keys of
        :class:`docstore.stores.base.IndexConfig`, which are kept in the store.

    Raises
    ------
    InvalidConfig
        If a key is unknown or has a bad value.
    NotAStore
        If something else is at the path, or nothing and nothing may be made.
    StoreLocked
        If another process has it open for writing.
    CorruptStore, UnsupportedFormat
        If its files are damaged, or of a newer version.

    Examples
    --------
    >>> import tempfile
    >>> from docstore.stores.base import Insert
    >>> store = open_disk({'path': tempfile.mkdtemp()})
    >>> rows = store.write([Insert(0, [{'id': 'a', 'text': 'hello'}])])
    >>> store.read(rows)
    [{'id': 'a', 'text': 'hello'}]
    >>> store.close()
    """
    options, index = split_config(config, _DEFAULTS, 'disk')
    path = _path_of(options['path'])
    if options['durability'] not in _DURABILITIES:
        hint = did_you_mean(options['durability'], _DURABILITIES)
        raise InvalidConfig(f'durability={options["durability"]!r} is not known{hint}')
    for key in ('read_only', 'create'):
        if not isinstance(options[key], bool):
            raise InvalidConfig(f'{key} must be True or False, got {options[key]!r}')
    engine = _core.DiskEngine(
        path,
        read_only=options['read_only'],
        create=options['create'],
        full_sync=options['durability'] == 'full',
        config=json.dumps({'index': dump_index(index)}),
    )
    try:
        return DiskStore(engine, {**options, 'path': path}, config or {})
    except BaseException:
        engine.close()
        raise


def _path_of(value: object) -> str:
    if value is None:
        raise InvalidConfig("storage 'disk' needs the config key 'path': a directory")
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise InvalidConfig(f'path must be the name of a directory, got {value!r}')
    path = os.fspath(value)
    if isinstance(path, bytes) or '\0' in path:
        raise InvalidConfig(f'path must be the name of a directory, got {value!r}')
    return os.path.abspath(os.path.expanduser(path))


class DiskStore(Store):
    """Rows in a directory of their own; see ``docs/format-store.md``.

    Use :func:`open_disk`. Any thread may call any method.
    """

    name: ClassVar[str] = 'disk'

    def __init__(
        self, engine: _core.DiskEngine, options: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        self._engine = engine
        self._options = options
        self._writing = threading.RLock()
        self._columns: dict[str, list[Any]] = {}
        self._vectors: tuple[int, Vectors | None] | None = None
        self._cached_version = -1
        self.read_only = options['read_only']
        self.index_config = self._settle(given)
        self._report()

    def _settle(self, given: Mapping[str, Any]) -> IndexConfig:
        path = self._options['path']
        try:
            stored = load_index(json.loads(self._engine.config())['index'])
        except (ValueError, KeyError, TypeError):
            raise CorruptStore(
                f'{path}/CURRENT holds no configuration', file=f'{path}/CURRENT', offset=32
            ) from None
        settled = settle_index(given, stored, path)
        shape = self._engine.vector_type if self._engine.vector_count else None
        if shape is not None and settled.n_dim not in (None, shape[1]):
            raise InvalidConfig(
                f'n_dim={settled.n_dim} does not fit the store at {path}: its vectors have '
                f'{shape[1]} dimensions. Leave n_dim out to open it'
            )
        if settled != stored and not self.read_only:
            self._engine.set_config(json.dumps({'index': dump_index(settled)}))
        return settled

    def _report(self) -> None:
        facts = self._engine.facts()
        path = self._options['path']
        if facts['recovered_bytes']:
            _LOG.warning(
                'the last writer of %s was interrupted: cut off %d bytes after its last commit',
                path,
                facts['recovered_bytes'],
            )
        if facts['rebuilt']:
            _LOG.warning('the checkpoint of %s is damaged; the log was read instead', path)

    # -- reading -----------------------------------------------------------

    @property
    def sequence(self) -> int:  # type: ignore[override]  # the engine counts
        return self._engine.sequence

    @property
    def version(self) -> int:  # type: ignore[override]  # the engine counts
        return self._engine.version

    def __len__(self) -> int:
        return len(self._engine)

    def rows(self, start: int = 0, stop: int | None = None) -> RowArray:
        start, stop, _ = slice(start, stop).indices(len(self))
        return self._engine.rows(start, stop)

    def positions(self, rows: Sequence[int] | RowArray) -> RowArray:
        return self._engine.positions(np.asarray(rows, np.int64))

    def lookup(self, ids: Sequence[str]) -> RowArray:
        return self._engine.lookup([name if isinstance(name, str) else '' for name in ids])

    def read(self, rows: Sequence[int] | RowArray, vectors: bool = True) -> list[Record]:
        wanted = np.asarray(rows, np.int64)
        return self._steady(lambda: self._read(wanted, vectors))

    def _read(self, rows: RowArray, vectors: bool) -> list[Record]:
        records: list[Record] = []
        for at in range(0, len(rows), _CHUNK):
            part = rows[at : at + _CHUNK]
            bodies = _core.unpack_many(*self._engine.payloads(part))
            names = self._engine.ids(part)
            records += [{'id': name, **body} for name, body in zip(names, bodies, strict=True)]
        found = self._engine.vectors_of(rows) if vectors and len(rows) else None
        if found is not None:
            matrix, lines, _ = found
            there = np.flatnonzero(lines >= 0)
            copied = matrix[lines[there]]
            copied.flags.writeable = False
            for place, vector in zip(there.tolist(), copied, strict=True):
                records[place][VECTOR_FIELDS[0]] = vector
        return records

    def column(self, path: str, rows: RowArray | None = None) -> list[Any]:
        parts = tuple(path.split('__'))
        if parts[0] not in FIELD_NAMES and parts[0] not in ('content', 'content_type'):
            raise UnknownField(
                f'Document has no field {parts[0]!r}{did_you_mean(parts[0], FIELD_NAMES)}'
            )
        if rows is not None:
            wanted = np.asarray(rows, np.int64)
            return self._steady(lambda: self._values(parts, wanted))
        return self._steady(lambda: self._whole_column(path, parts))

    def _whole_column(self, path: str, parts: tuple[str, ...]) -> list[Any]:
        version = self.version
        with self._writing:
            if self._cached_version == version and path in self._columns:
                return list(self._columns[path])
        values = self._values(parts, self.rows())
        if len(values) <= _MOST_VALUES and set(map(type, values)) <= _PLAIN:
            self._remember(path, values, version)
            values = list(values)
        return values

    def _remember(self, path: str, values: list[Any], version: int) -> None:
        with self._writing:
            if self._cached_version != version:
                self._columns.clear()
                self._cached_version = version
            room = _MOST_VALUES // max(len(values), 1)
            while len(self._columns) >= min(_MOST_COLUMNS, max(room, 1)):
                del self._columns[next(iter(self._columns))]
            self._columns[path] = values

    def _values(self, parts: tuple[str, ...], rows: RowArray) -> list[Any]:
        if parts == ('id',):
            return list(self._engine.ids(rows))
        if parts[0] in ('content', 'content_type'):
            return self._contents(parts, rows)
        if parts[0] in VECTOR_FIELDS:
            return [record.get(parts[0]) for record in self._read(rows, True)]
        values: list[Any] = []
        for at in range(0, len(rows), _CHUNK):
            blob, offsets = self._engine.payloads(rows[at : at + _CHUNK])
            values += _core.unpack_column(blob, offsets, parts)
        return values

    def _contents(self, parts: tuple[str, ...], rows: RowArray) -> list[Any]:
        result: list[Any] = [None] * len(rows)
        for field in CONTENT_FIELDS:
            values = self._values((field, *parts[1:]), rows)
            for at, value in enumerate(values):
                if value is not None:
                    result[at] = field if parts[0] == 'content_type' else value
        return result

    def vectors(self, name: str = 'embedding') -> Vectors | None:
        if name not in VECTOR_FIELDS:
            return None
        version = self.version
        cached = self._vectors
        if cached is not None and cached[0] == version:
            return cached[1]
        found = self._engine.vectors()
        vectors = None
        if found is not None:
            matrix, lines, contiguous = found
            lines.flags.writeable = False
            vectors = Vectors(matrix, lines, contiguous)
        if self.version == version:
            self._vectors = (version, vectors)
        return vectors

    def select(self, predicate: Predicate) -> npt.NDArray[np.bool_] | None:
        return None

    def _steady(self, read: Callable[[], T]) -> T:
        """What ``read`` gives when nothing is written while it runs."""
        for _ in range(8):
            version = self.version
            try:
                result = read()
            except DocstoreError:
                if self.version == version:
                    raise
                continue
            if self.version == version:
                return result
        with self._writing:
            return read()

    # -- writing -----------------------------------------------------------

    def write(self, operations: Sequence[Operation]) -> RowArray:
        with self._writing:
            builder = BatchBuilder(self._engine, self.index_config.n_dim)
            builder.add_all(operations)
            return self._engine.write(builder.batch)

    def begin(self) -> None:
        self._engine.begin()

    def commit(self) -> None:
        with self._writing:
            self._engine.commit()

    def rollback(self) -> None:
        with self._writing:
            self._engine.rollback()

    def flush(self) -> None:
        with self._writing:
            self._engine.flush()

    def refresh(self) -> bool:
        with self._writing:
            return self._engine.refresh()

    def compact(self) -> None:
        with self._writing:
            self._engine.compact()

    def close(self) -> None:
        with self._writing:
            self._vectors = None
            self._columns.clear()
            self._engine.close()

    # -- beside --------------------------------------------------------------

    def beside(self, name: str, config: Mapping[str, Any]) -> DiskStore:
        path = Path(self._options['path'], _BESIDE, quote(name, safe='@.[],'))
        options = {key: self._options[key] for key in ('durability', 'read_only')}
        return open_disk({**options, **config, 'path': str(path), 'create': not self.read_only})

    def names_beside(self) -> list[str]:
        folder = Path(self._options['path'], _BESIDE)
        if not folder.is_dir():
            return []
        return sorted(unquote(path.name) for path in folder.iterdir() if path.name[:1] == '@')

    # -- facts -------------------------------------------------------------

    def info(self) -> dict[str, str]:
        facts = self._engine.facts()
        told = {
            'path': str(self._options['path']),
            'durability': str(self._options['durability']),
            'read only': str(self.read_only),
            'size on disk': _size(facts['disk_bytes']),
            'of it unused': _size(facts['dead_bytes']),
            'generation': str(facts['generation']),
        }
        if facts['recovered_bytes']:
            told['cut off when opened'] = f'{facts["recovered_bytes"]} bytes'
        if facts['rebuilt']:
            told['checkpoint'] = 'was damaged, read from the log instead'
        return told

    @property
    def config(self) -> dict[str, Any]:
        return {**self._options, 'create': False}

    @property
    def index_path(self) -> Path:
        return Path(self._options['path'], 'index')


def _size(count: int) -> str:
    size = float(count)
    for unit in ('bytes', 'KiB', 'MiB', 'GiB'):
        if size < 1024:
            return f'{size:.0f} {unit}' if unit == 'bytes' else f'{size:.1f} {unit}'
        size /= 1024
    return f'{size:.1f} TiB'
