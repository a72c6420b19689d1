"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import DocstoreError, InvalidType, StorageError, StorageFull

__all__ = ['Staged', 'path_of', 'staged_file', 'write_file']


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of the operating system as ours, with the path."""
    try:
        yield
    except DocstoreError:
        raise
    except (OSError, ValueError) as error:
        code = getattr(error, 'errno', None) or 0
        kind = StorageFull if code == errno.ENOSPC else StorageError
        reason = getattr(error, 'strerror', None) or error
        raise kind(f'cannot write {str(path)!r}: {reason}', code=code) from error


class Staged:
    """Writes files of a folder beside their places, and puts all there at the end.

    Parameters
    ----------
    folder : Path
        Made if it is not there.

    Examples
    --------
    >>> with Staged(Path('out')) as staged:
    ...     _ = staged.place('a.txt').write_text('whole')
    >>> [path.name for path in Path('out').iterdir()]
    ['a.txt']
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._waiting: dict[Path, Path] = {}
        self._made = False

    def __enter__(self) -> Staged:
        with _told(self.folder):
            self._made = not self.folder.exists()
            self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def place(self, name: str) -> Path:
        """Where to write what is going to be the file ``name``."""
        final = self.folder / name
        with _told(final):
            if final.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # The name of the process keeps two that write at once apart; a short one always fits.
        temporary = self.folder / f'.docstore-{os.getpid()}-{len(self._waiting)}.part'
        self._waiting[final] = temporary
        return temporary

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if kind is None:
                for final, temporary in self._waiting.items():
                    with _told(final):
                        os.replace(temporary, final)
        finally:
            for temporary in self._waiting.values():
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
            if kind is not None and self._made:
                with suppress(OSError):
                    self.folder.rmdir()
        if isinstance(error, OSError):
            with _told(self.folder):
                raise error


def path_of(path: Any) -> Path:
    """A path as users give it.

    Raises
    ------
    InvalidType
        If it is none.
    """
    try:
        return Path(os.fsdecode(os.fspath(path)))
    except TypeError:
        raise InvalidType(f'expected a path, not {type(path).__name__}: {path!r}') from None


@contextmanager
def staged_file(path: Any) -> Iterator[Path]:
    """Where to write the file at ``path``, which then appears whole."""
    final = path_of(path)
    with Staged(final.parent) as staged:
        yield staged.place(final.name)


def write_file(path: Any, data: bytes) -> None:
    """Write a file, which is replaced as a whole.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    with staged_file(path) as temporary:
        temporary.write_bytes(data)
