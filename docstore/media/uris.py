"""Reading what a URI names, within what a policy allows."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidArgument, InvalidType, UriError, UriNotFound, UriRefused, UriTimeout
from . import datauris

__all__ = [
    'SCHEMES',
    'TRUSTED',
    'UriPolicy',
    'local_path',
    'read',
    'reader_beside',
    'scheme_of',
    'suffix_of_uri',
    'time_left',
]

#: The schemes that can be read; a path counts as ``file``.
SCHEMES = ('file', 'http', 'https', 'data')

_SCHEME = re.compile(r'([A-Za-z][A-Za-z0-9+.-]*):')
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class UriPolicy:
    """What may be opened by URI. The default trusts the caller.

    Parameters
    ----------
    schemes : tuple of str
        Those of ``'file'`` (paths too), ``'http'``, ``'https'`` and ``'data'``
        that are allowed; redirects are held to them as well.
    max_bytes : int, optional
        The largest file or answer.
    timeout : float, optional
        Seconds until all of it must be here.
    max_decoded : int, optional
        The largest array, in bytes, that images, sound and video may become.

    Raises
    ------
    InvalidArgument
        If a scheme is none of the four, or a limit is no positive number.

    Examples
    --------
    >>> policy = UriPolicy(schemes=('https', 'data'), max_bytes=10_000_000, timeout=5)
    >>> read('data:,hello', policy)
    b'hello'
    """

    schemes: tuple[str, ...] = SCHEMES
    max_bytes: int | None = None
    timeout: float | None = None
    max_decoded: int | None = None
    _names: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not set(self.schemes) <= set(SCHEMES):
            raise InvalidArgument(f'schemes must be some of {SCHEMES}, not {self.schemes!r}')
        object.__setattr__(self, '_names', frozenset(self.schemes))
        for name in ('max_bytes', 'timeout', 'max_decoded'):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise InvalidArgument(f'{name} must be positive, not {limit!r}')

    def check(self, scheme: str, uri: str) -> None:
        """Refuse a scheme that is not allowed."""
        if scheme not in self._names:
            allowed = ', '.join(map(repr, sorted(self.schemes))) or 'nothing'
            raise UriRefused(
                f'{_short(uri)} has the scheme {scheme!r}; the policy allows {allowed}'
            )

    def check_size(self, nbytes: int, uri: str) -> None:
        """Refuse what is too large."""
        if self.max_bytes is not None and nbytes > self.max_bytes:
            raise UriRefused(
                f'{_short(uri)} is larger than the {self.max_bytes} bytes that may be read'
            )


#: For what the user of this process names: every scheme, no limit.
TRUSTED = UriPolicy()


def scheme_of(uri: str) -> str:
    """``'http'``, ``'https'``, ``'data'``, or ``'file'`` for anything else."""
    found = _SCHEME.match(uri)
    scheme = found[1].lower() if found else ''
    return scheme if scheme in SCHEMES else 'file'


def local_path(uri: str) -> str:
    """The path of a local file: of a ``file://`` URI, or ``uri`` itself."""
    if uri[:5].lower() != 'file:':
        return uri
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(uri)
    if parts.netloc not in ('', 'localhost'):
        raise UriRefused(
            f'{_short(uri)} is a file of the machine {parts.netloc!r}, not of this one'
        )
    return unquote(parts.path)


def suffix_of_uri(uri: str) -> str:
    """The file extension that a URI ends with, without the dot."""
    if datauris.is_data_uri(uri):
        from mimetypes import guess_extension

        return (guess_extension(datauris.parse(uri).mime_type) or '')[1:]
    from urllib.parse import urlsplit

    path = urlsplit(uri).path if scheme_of(uri) != 'file' else local_path(uri)
    return os.path.splitext(path)[1][1:].lower()


def read(uri: Any, policy: UriPolicy = TRUSTED, timeout: float | None = None) -> bytes:
    """The bytes that ``uri`` names.

    Parameters
    ----------
    uri : str or path
        An ``http``, ``https``, ``data`` or ``file`` URI, or a path.
    policy : UriPolicy
        What may be opened, how large, in which time.
    timeout : float, optional
        Seconds; the policy's applies too.

    Raises
    ------
    UriNotFound
        If it is no URI of these schemes and no file of that name exists.
    UriRefused
        If the policy does not allow it.
    UriTimeout
        If it takes too long.
    UriError
        If the server or the operating system refuses, or the answer is cut short.
    CorruptData
        If a data URI is damaged.
    """
    if isinstance(uri, os.PathLike):
        uri = os.fspath(uri)
    if not isinstance(uri, str):
        raise InvalidType(f'a URI must be a str, not {type(uri).__name__}: {uri!r}')
    if not uri:
        raise UriNotFound('expected a URI or a path, and there is none')
    if timeout is not None and not timeout > 0:
        raise InvalidArgument(f'timeout must be positive, not {timeout!r}')
    scheme = scheme_of(uri)
    policy.check(scheme, uri)
    if scheme == 'data':
        if policy.max_bytes is not None:
            # Three quarters of base64 are content, a third of what is percent-encoded.
            policy.check_size(len(uri) // 4, uri)
        data = datauris.parse(uri).data
        policy.check_size(len(data), uri)
        return data
    if scheme == 'file':
        return _read_file(uri, policy)
    limits = [limit for limit in (timeout, policy.timeout) if limit is not None]
    from .http_reading import fetch

    return fetch(uri, policy, time.monotonic() + min(limits) if limits else None)


def _read_file(uri: str, policy: UriPolicy) -> bytes:
    path = local_path(uri)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise UriError(f'{_short(uri)} is a folder, not a file')
        if not stat.S_ISREG(status.st_mode) and (policy.max_bytes or policy.timeout):
            raise UriRefused(f'{_short(uri)} is a device or a pipe, whose size nobody knows')
        policy.check_size(status.st_size, uri)
        with open(path, 'rb') as file:
            data = file.read(-1 if policy.max_bytes is None else policy.max_bytes + 1)
    except UriError:
        raise
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise UriNotFound(
            f'{_short(uri)} is no http, https, data or file URI, and no file of that name exists'
        ) from error
    except OSError as error:
        raise UriError(f'cannot read {_short(uri)}: {error.strerror or error}') from error
    policy.check_size(len(data), uri)
    return data


def reader_beside(
    uri: str, policy: UriPolicy, timeout: float | None
) -> Callable[[str], bytes] | None:
    """Reads the files in the folder of a local file, by name; nothing outside of it."""
    if scheme_of(uri) != 'file':
        return None
    folder = os.path.realpath(os.path.dirname(local_path(uri)))

    def beside(name: str) -> bytes:
        path = os.path.realpath(os.path.join(folder, name))
        if not path.startswith(os.path.join(folder, '')):
            raise UriRefused(f'{_short(uri)} wants {name!r}, which is not in its folder')
        return read(path, policy, timeout)

    return beside


def time_left(deadline: float | None, uri: str) -> float | None:
    """Seconds until ``deadline``; an error once it is past."""
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise UriTimeout(f'{_short(uri)} did not come in time')
    return left


def _short(uri: str) -> str:
    return repr(uri if len(uri) <= 100 else f'{uri[:97]}...')
