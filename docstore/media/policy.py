"""What may be opened by URI: schemes, size, time."""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from dataclasses import dataclass, field

from ..errors import InvalidArgument, UriRefused, UriTimeout

__all__ = ['SCHEMES', 'TRUSTED', 'UriPolicy', 'check_limit', 'scheme_of', 'short', 'time_left']

#: The schemes that can be read; a path counts as ``file``.
SCHEMES = ('file', 'http', 'https', 'data')

_SCHEME = re.compile(r'([A-Za-z][A-Za-z0-9+.-]*):')


def check_limit(limit: float | None, name: str) -> None:
    """A limit is None or a positive number."""
    if limit is not None and not (isinstance(limit, (int, float)) and limit > 0):
        raise InvalidArgument(f'{name} must be a positive number or None, not {limit!r}')


@dataclass(frozen=True, slots=True)
class UriPolicy:
    """What may be opened by URI. The default trusts the caller.

    Parameters
    ----------
    schemes : collection of str
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
    >>> policy.check('https', 'https://example.org')
    """

    schemes: Collection[str] = SCHEMES
    max_bytes: int | None = None
    timeout: float | None = None
    max_decoded: int | None = None
    _names: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.schemes, str) or not all(name in SCHEMES for name in self.schemes):
            raise InvalidArgument(f'schemes must be some of {SCHEMES}, not {self.schemes!r}')
        object.__setattr__(self, '_names', frozenset(self.schemes))
        for name in ('max_bytes', 'timeout', 'max_decoded'):
            check_limit(getattr(self, name), name)

    def check(self, scheme: str, uri: str) -> None:
        """Refuse a scheme that is not allowed."""
        if scheme not in self._names:
            allowed = ', '.join(map(repr, sorted(self.schemes))) or 'nothing'
            raise UriRefused(f'{short(uri)} has the scheme {scheme!r}; the policy allows {allowed}')

    def check_size(self, nbytes: int, uri: str) -> None:
        """Refuse what is too large."""
        if self.max_bytes is not None and nbytes > self.max_bytes:
            raise UriRefused(
                f'{short(uri)} is larger than the {self.max_bytes} bytes that may be read'
            )


#: For what the user of this process names: every scheme, no limit.
TRUSTED = UriPolicy()


def scheme_of(uri: str) -> str:
    """``'http'``, ``'https'``, ``'data'``, or ``'file'`` for anything else."""
    found = _SCHEME.match(uri)
    scheme = found[1].lower() if found else ''
    return scheme if scheme in SCHEMES else 'file'


def time_left(deadline: float | None, uri: str) -> float | None:
    """Seconds until ``deadline``; an error once it is past."""
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise UriTimeout(f'{short(uri)} did not come in time')
    return left


def short(uri: str) -> str:
    """A URI as a message shows it."""
    return repr(uri if len(uri) <= 100 else f'{uri[:97]}...')
