"""Reading what a URI names, within what a policy allows."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from typing import Any

from ..errors import InvalidType, UriError, UriNotFound, UriRefused
from . import datauris
from .http_reading import fetch
from .policy import SCHEMES, TRUSTED, UriPolicy, check_limit, scheme_of, short

__all__ = [
    'SCHEMES',
    'TRUSTED',
    'UriPolicy',
    'local_path',
    'read',
    'reader_beside',
    'scheme_of',
    'suffix_of_uri',
]


def local_path(uri: str) -> str:
    """The path of a local file: of a ``file://`` URI, or ``uri`` itself."""
    if uri[:5].lower() != 'file:':
        return uri
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise UriNotFound(f'{short(uri)} is no file URI: {error}') from error
    if parts.netloc not in ('', 'localhost'):
        raise UriRefused(f'{short(uri)} is a file of the machine {parts.netloc!r}, not of this one')
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
    check_limit(timeout, 'timeout')
    scheme = scheme_of(uri)
    policy.check(scheme, uri)
    if scheme == 'data':
        # Before it is decoded: even base64 that is percent-encoded too has a byte in four signs.
        policy.check_size((len(uri) - uri.find(',') - 1) // 4, uri)
        data = datauris.parse(uri).data
        policy.check_size(len(data), uri)
        return data
    if scheme == 'file':
        return _read_file(uri, policy)
    limits = [limit for limit in (timeout, policy.timeout) if limit is not None]
    return fetch(uri, policy, time.monotonic() + min(limits) if limits else None)


def _read_file(uri: str, policy: UriPolicy) -> bytes:
    path = local_path(uri)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise UriError(f'{short(uri)} is a folder, not a file')
        if not stat.S_ISREG(status.st_mode) and (policy.max_bytes or policy.timeout):
            raise UriRefused(f'{short(uri)} is a device or a pipe, whose size nobody knows')
        policy.check_size(status.st_size, uri)
        with open(path, 'rb') as file:
            data = file.read(-1 if policy.max_bytes is None else policy.max_bytes + 1)
    except UriError:
        raise
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise UriNotFound(
            f'{short(uri)} is no http, https, data or file URI, and no file of that name exists'
        ) from error
    except OSError as error:
        raise UriError(f'cannot read {short(uri)}: {error.strerror or error}') from error
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
            raise UriRefused(f'{short(uri)} wants {name!r}, which is not in its folder')
        return read(path, policy, timeout)

    return beside
