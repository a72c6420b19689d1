"""Reading http and https URIs, redirects and slow servers included."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import DocstoreError, UriError, UriNotFound, UriRefused, UriTimeout
from .policy import short, time_left

if TYPE_CHECKING:
    from .policy import UriPolicy

__all__ = ['fetch']

_CHUNK = 1 << 16
_MAX_REDIRECTS = 10
_SAFE = "%/:=&?~#+!$,;'@()*[]"


class _Paced(io.RawIOBase):
    """The answer of a server, each wait of which ends at the deadline.

    A timeout of a socket is for one wait: a server that sends a byte now and
    then, in the headers or in the body, would hold us for ever.
    """

    def __init__(self, sock: Any, deadline: float, uri: str) -> None:
        self._sock = sock
        self._raw = sock.makefile('rb', buffering=0)
        self._deadline = deadline
        self._uri = uri

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """What the answer is read from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Wait for some bytes, no longer than is left."""
        self._sock.settimeout(time_left(self._deadline, self._uri))
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        """Let go of the connection."""
        self._raw.close()
        super().close()


def fetch(uri: str, policy: UriPolicy, deadline: float | None) -> bytes:
    """The body of the answer to a GET.

    Raises
    ------
    UriNotFound
        If the server says 404 or 410.
    UriRefused
        If it redirects to a scheme that is not allowed, or sends too much.
    UriTimeout
        If the deadline passes.
    UriError
        If it cannot be reached, answers with an error, or less than it said.
    """
    from urllib.error import HTTPError, URLError

    try:
        return _fetch(uri, policy, deadline)
    except DocstoreError:
        raise
    except HTTPError as error:
        error.close()
        kind = UriNotFound if error.code in (404, 410) else UriError
        raise kind(f'{short(uri)} answers {error.code} {error.reason}', status=error.code) from None
    except Exception as error:  # the errors of http.client have no common built-in
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, DocstoreError):
            raise reason from None
        if isinstance(reason, TimeoutError):
            raise UriTimeout(f'{short(uri)} did not come in time') from error
        raise UriError(f'cannot read {short(uri)}: {reason or type(reason).__name__}') from error


def _fetch(uri: str, policy: UriPolicy, deadline: float | None) -> bytes:
    from urllib.parse import quote
    from urllib.request import Request

    request = Request(quote(uri, safe=_SAFE), headers={'User-Agent': 'Mozilla/5.0'})  # noqa: S310 - the scheme was checked
    parts: list[bytes] = []
    received = 0
    with _opener(uri, policy, deadline).open(request, timeout=time_left(deadline, uri)) as answer:
        expected = answer.headers.get('Content-Length')
        if expected is not None and expected.isdecimal():
            policy.check_size(int(expected), uri)
        while True:
            part = answer.read1(_CHUNK)
            if not part:
                break
            parts.append(part)
            received += len(part)
            policy.check_size(received, uri)
            time_left(deadline, uri)
    if expected is not None and expected.isdecimal() and received < int(expected):
        raise UriError(f'{short(uri)} was cut short: {received} of {expected} bytes came')
    return b''.join(parts)


def _opener(uri: str, policy: UriPolicy, deadline: float | None) -> Any:
    """An opener for http and https alone, that follows what the policy allows."""
    from urllib import request as web
    from urllib.parse import urljoin, urlsplit

    class Redirects(web.HTTPRedirectHandler):
        max_redirections = _MAX_REDIRECTS

        def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
            target = urljoin(req.full_url, headers.get('Location') or '')
            scheme = urlsplit(target).scheme
            try:
                if scheme not in ('http', 'https'):
                    raise UriRefused(
                        f'{short(uri)} redirects to {short(target)}, which is no web address'
                    )
                policy.check(scheme, target)
                req.timeout = time_left(deadline, uri)  # the request that follows takes it over
            except DocstoreError:
                fp.close()
                raise
            return super().http_error_302(req, fp, code, msg, headers)

        http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def paced(connect: Any, *args: Any, **options: Any) -> Any:
        connection = connect(*args, **options)
        if deadline is not None:
            answer = connection.response_class
            connection.response_class = lambda sock, *a, **k: answer(
                _Paced(sock, deadline, uri), *a, **k
            )
        return connection

    class Http(web.HTTPHandler):
        def do_open(self, http_class: Any, req: Any, **options: Any) -> Any:
            return super().do_open(partial(paced, http_class), req, **options)

    class Https(web.HTTPSHandler):
        def do_open(self, http_class: Any, req: Any, **options: Any) -> Any:
            return super().do_open(partial(paced, http_class), req, **options)

    opener = web.OpenerDirector()
    for handler in (
        web.ProxyHandler(),
        Http(),
        Https(),
        Redirects(),
        web.HTTPDefaultErrorHandler(),
        web.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
