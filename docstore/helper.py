"""Small functions that legacy docarray offered beside its types."""

from __future__ import annotations

import dataclasses
import os
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from functools import cached_property
from typing import Any, BinaryIO, TypeVar

from .codecs.compression import (
    CompressWriter,
    DecompressReader,
    compress_bytes,
    decompress_bytes,
    protocol_and_compress_from_file_path,
)
from .errors import InvalidArgument, StorageError
from .paths import get_path
from .removed import Removed

__all__ = [
    'add_protocol_and_compress_to_file_path',
    'cached_property',
    'compress_bytes',
    'dataclass_from_dict',
    'decompress_bytes',
    'deprecate_by',
    'download_mermaid_url',
    'dunder_get',
    'filter_dict',
    'get_ci_vendor',
    'get_compress_ctx',
    'get_full_version',
    'login',
    'logout',
    'protocol_and_compress_from_file_path',
    'random_identity',
    'random_port',
    'random_uuid',
    'reset_ports',
    'typename',
]

T = TypeVar('T')
F = TypeVar('F', bound=Callable[..., Any])

login = Removed('docstore.login')
logout = Removed('docstore.logout')
download_mermaid_url = Removed('docstore.helper.download_mermaid_url')
reset_ports = Removed('docstore.helper.reset_ports')

# Who runs a build, by the environment variable that is theirs.
_CI = {
    'APPVEYOR': 'APPVEYOR',
    'TF_BUILD': 'AZURE_PIPELINES',
    'BITBUCKET_BUILD_NUMBER': 'BITBUCKET',
    'BUILDKITE': 'BUILDKITE',
    'CIRCLECI': 'CIRCLE',
    'CODEBUILD_BUILD_ARN': 'CODEBUILD',
    'DRONE': 'DRONE',
    'GITHUB_ACTIONS': 'GITHUB_ACTIONS',
    'GITLAB_CI': 'GITLAB',
    'JENKINS_URL': 'JENKINS',
    'TEAMCITY_VERSION': 'TEAMCITY',
    'TRAVIS': 'TRAVIS',
}
_PORTS = (49153, 65535)


def random_uuid(use_uuid1: bool = False) -> uuid.UUID:
    """A random UUID, or one of the time and machine."""
    return uuid.uuid1() if use_uuid1 else uuid.uuid4()


def random_identity(use_uuid1: bool = False) -> str:
    """32 random hex digits, as ids have them.

    >>> len(random_identity())
    32
    """
    return random_uuid(use_uuid1).hex


def random_port() -> int:
    """A TCP port that is free at this moment.

    The range is 49153 to 65535, or what the environment variables
    ``JINA_RANDOM_PORT_MIN`` and ``JINA_RANDOM_PORT_MAX`` say.

    Raises
    ------
    InvalidArgument
        If one of these is no port.
    StorageError
        If none is free (an ``OSError``).
    """
    import errno
    from secrets import randbelow
    from socket import AF_INET, SOCK_STREAM, socket

    low = _port_of('JINA_RANDOM_PORT_MIN', _PORTS[0])
    high = _port_of('JINA_RANDOM_PORT_MAX', _PORTS[1])
    if low > high:
        raise InvalidArgument(f'JINA_RANDOM_PORT_MIN={low} is above JINA_RANDOM_PORT_MAX={high}')
    count = high - low + 1
    start = randbelow(count)
    for step in range(count):
        port = low + (start + step) % count
        with socket(AF_INET, SOCK_STREAM) as probe:
            try:
                probe.bind(('', port))
            except OSError:
                continue
            return port
    raise StorageError(f'no port from {low} to {high} is free', code=errno.EADDRINUSE)


def _port_of(variable: str, default: int) -> int:
    given = os.environ.get(variable, '')
    if not given:
        return default
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise InvalidArgument(f'{variable}={given!r} must be a port, from 1 to 65535')
    return int(given)


def typename(obj: Any) -> str:
    """The module and name of a type, or of the type of an object.

    >>> typename(3), typename(str)
    ('builtins.int', 'builtins.str')
    """
    kind = obj if isinstance(obj, type) else type(obj)
    return f'{kind.__module__}.{kind.__name__}'


def dunder_get(_dict: Any, key: str) -> Any:
    """What a path of keys and positions leads to, None where nothing is.

    >>> dunder_get({'a': {'b': [1, {'c': 2}]}}, 'a__b__1__c')
    2
    """
    return get_path(_dict, key)


def filter_dict(d: Mapping[str, Any]) -> dict[str, Any]:
    """A dict without the keys whose value is None.

    >>> filter_dict({'a': None, 'b': 0})
    {'b': 0}
    """
    return {key: value for key, value in d.items() if value is not None}


def _safe_cast_int(value: str | float) -> int:
    """``value`` as an int, if it is a whole number."""
    if isinstance(value, float) and not value.is_integer():
        raise InvalidArgument(f'{value!r} is no whole number')
    return int(value)


def dataclass_from_dict(klass: type[T], dikt: Mapping[str, Any]) -> T:
    """A dataclass of a dict; nested dicts become dataclasses where their type is one.

    Raises
    ------
    InvalidArgument
        If it has no field of a name.

    Examples
    --------
    >>> from docstore.stores.base import IndexConfig
    >>> dataclass_from_dict(IndexConfig, {'metric': 'ip'}).metric
    'ip'
    """
    from typing import get_type_hints

    from .errors import did_you_mean

    hints = get_type_hints(klass)
    names = {field.name for field in dataclasses.fields(klass)}  # type: ignore[arg-type]  # of a dataclass, as said
    values = {}
    for name, value in dikt.items():
        if name not in names:
            raise InvalidArgument(
                f'{klass.__name__} has no field {name!r}{did_you_mean(name, names)}'
            )
        nested = dataclasses.is_dataclass(hints[name]) and isinstance(value, Mapping)
        values[name] = dataclass_from_dict(hints[name], value) if nested else value
    return klass(**values)


def deprecate_by(new_fn: F, removed_at: str) -> F:
    """A function that warns, and then does what ``new_fn`` does.

    Parameters
    ----------
    new_fn : callable
        What to call instead.
    removed_at : str
        The version that will not have the old name.
    """
    from functools import wraps
    from warnings import warn

    @wraps(new_fn)
    def old(*args: Any, **kwargs: Any) -> Any:
        warn(
            f'this name will be removed in version {removed_at}: use {new_fn.__name__} instead',
            DeprecationWarning,
            stacklevel=2,
        )
        return new_fn(*args, **kwargs)

    return old  # type: ignore[return-value]  # it has the parameters of new_fn


def add_protocol_and_compress_to_file_path(
    file_path: str | os.PathLike[str], protocol: str | None = None, compress: str | None = None
) -> str:
    """A file name with the suffixes that say protocol and compression.

    >>> add_protocol_and_compress_to_file_path('docs', 'protobuf', 'gzip')
    'docs.protobuf.gzip'
    """
    return '.'.join([os.fspath(file_path), *(part for part in (protocol, compress) if part)])


def get_compress_ctx(
    algorithm: str | None = None, mode: str = 'wb'
) -> Callable[[BinaryIO], AbstractContextManager[Any]] | None:
    """What opens a compressed stream over a binary file; None without an algorithm.

    Examples
    --------
    >>> from io import BytesIO
    >>> file = BytesIO()
    >>> with get_compress_ctx('gzip')(file) as out:
    ...     _ = out.write(b'data')
    >>> _ = file.seek(0)
    >>> with get_compress_ctx('gzip', mode='rb')(file) as content:
    ...     content.read()
    b'data'
    """
    if algorithm is None:
        return None
    if mode not in ('wb', 'rb'):
        raise InvalidArgument(f"mode must be 'wb' or 'rb', not {mode!r}")
    if mode == 'rb':
        return lambda file: nullcontext(DecompressReader(file, algorithm))
    return lambda file: closing(CompressWriter(file, algorithm))


def get_ci_vendor() -> str:
    """Who runs this build, by the environment; ``'unset'`` if nobody does."""
    return next((name for variable, name in _CI.items() if os.environ.get(variable)), 'unset')


def get_full_version() -> dict[str, Any]:
    """The versions that a bug report needs.

    >>> 'docstore' in get_full_version()
    True
    """
    import platform
    from importlib.metadata import PackageNotFoundError, version

    try:
        protobuf = version('protobuf')
    except PackageNotFoundError:
        protobuf = None
    return {
        'docstore': version('docstore'),
        'protobuf': protobuf,
        'proto-backend': 'docstore',  # the native core reads and writes the wire format
        'python': platform.python_version(),
        'platform': platform.system(),
        'platform-release': platform.release(),
        'platform-version': platform.version(),
        'architecture': platform.machine(),
        'processor': platform.processor(),
        'uid': 0,  # legacy docarray gave the hardware address of the machine
        'session-id': random_identity(),
        'ci-vendor': get_ci_vendor(),
    }
