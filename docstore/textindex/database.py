"""The text index in an SQLite database of its own."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import StorageError, StorageFull
from ..index.files import read_file, write_file
from .base import TextIndex
from .fts5 import create_index, search_index

if TYPE_CHECKING:
    from typing_extensions import Self

    from .base import Ranked

__all__ = ['TextDatabase']

_FORMAT = 1
_CHUNK = 1 << 20


class TextDatabase(TextIndex):
    """An FTS5 table in memory, or in a temporary file that goes with this object.

    A saved index is a copy of it, which is copied again when it is loaded: so a
    file beside a store is whole or not there, and never locked.

    Parameters
    ----------
    tokenizer : str
        How text is cut into words.
    in_memory : bool
        Whether it stays in memory, however large.

    Examples
    --------
    >>> index = TextDatabase('unicode61 remove_diacritics 2')
    >>> index.change([], [(7, 'red shoes'), (8, 'blue')])
    >>> index.search(['"shoes"'], None)[0]
    array([7])
    """

    def __init__(self, tokenizer: str, in_memory: bool = True) -> None:
        self._lock = threading.RLock()
        self._folder = None if in_memory else Path(tempfile.mkdtemp(prefix='docstore-text-'))
        self._release = weakref.finalize(self, _release, None, self._folder, os.getpid())
        self._connect()
        create_index(self._connection, 'texts', tokenizer)

    def _connect(self) -> None:
        place = ':memory:' if self._folder is None else str(self._folder / 'texts.db')
        self._connection = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
        self._release.detach()
        self._release = weakref.finalize(
            self, _release, self._connection, self._folder, os.getpid()
        )
        self._connection.execute('PRAGMA trusted_schema = OFF')
        # Nobody else has the file, and nobody needs it after this process.
        self._connection.execute('PRAGMA journal_mode = MEMORY')
        self._connection.execute('PRAGMA synchronous = OFF')

    def __len__(self) -> int:
        with self._lock:
            found = self._connection.execute('SELECT count(*) FROM texts_docsize').fetchone()
            return int(found[0])

    def change(self, removed: Sequence[tuple[int, str]], added: Sequence[tuple[int, str]]) -> None:
        with self._lock:
            run = self._connection.executemany
            self._connection.execute('BEGIN')
            try:
                run("INSERT INTO texts (texts, rowid, words) VALUES ('delete', ?, ?)", removed)
                run('INSERT INTO texts (rowid, words) VALUES (?, ?)', added)
                self._connection.execute('COMMIT')
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute('ROLLBACK')
                raise

    def search(self, expressions: Sequence[str], k: int | None) -> Ranked:
        with self._lock:
            return search_index(self._connection, 'texts', expressions, k)

    # -- files -----------------------------------------------------------------

    def save(self, path: Path, header: dict[str, Any]) -> None:
        folder = Path(tempfile.mkdtemp(prefix='docstore-text-'))
        copy = folder / 'copy.db'
        try:
            with self._lock:
                # In one piece nothing is left of texts that were removed.
                self._connection.execute("INSERT INTO texts (texts) VALUES ('optimize')")
                self._connection.execute('VACUUM INTO ?', (str(copy),))
            size = copy.stat().st_size
            write_file(path, _header(header), {'database': (size, _reader(copy))})
        except sqlite3.Error as error:
            kind = StorageFull if 'full' in str(error) else StorageError
            raise kind(f'cannot save the text index to {path}: {error}', code=0) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @classmethod
    def load(cls, path: Path, header: dict[str, Any], tokenizer: str) -> Self | None:
        index = cls(tokenizer, in_memory=False)
        try:
            index._take(path, _header(header))
        except (OSError, ValueError, EOFError, sqlite3.Error):
            index.close()
            return None
        return index

    def _take(self, path: Path, header: dict[str, Any]) -> None:
        """Replace what is here with a saved database, once it is proven whole."""
        assert self._folder is not None
        copy = self._folder / 'loaded.db'
        with read_file(path, header) as (_, reader), open(copy, 'wb') as target:
            reader.copy('database', target)
            if not reader.checked():
                raise ValueError('checksum')
        self._connection.close()
        os.replace(copy, self._folder / 'texts.db')
        self._connect()
        self._connection.execute('SELECT count(*) FROM texts').fetchone()

    def close(self) -> None:
        with self._lock:
            self._release()


def _header(header: dict[str, Any]) -> dict[str, Any]:
    return {**header, 'kind': 'fts5', 'version': _FORMAT}


def _reader(path: Path) -> Callable[[], Iterator[bytes]]:
    def parts() -> Iterator[bytes]:
        with open(path, 'rb') as file:
            while part := file.read(_CHUNK):
                yield part

    return parts


def _release(connection: sqlite3.Connection | None, folder: Path | None, pid: int) -> None:
    if os.getpid() != pid:
        return  # a forked child: both belong to its parent
    if connection is not None:
        connection.close()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
