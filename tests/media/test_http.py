"""Reading http: a real server, which is slow, huge, broken, or leads elsewhere."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from docstore import Document
from docstore.errors import UriError, UriNotFound, UriRefused, UriTimeout
from docstore.media.uris import UriPolicy, read

pytestmark = pytest.mark.spec('2.8')

BODY = b'hello ' * 1000


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, code: int, body: bytes = b'', **headers: Any) -> None:
        self.send_response(code)
        for name, value in {'Content_Length': len(body), **headers}.items():
            self.send_header(name.replace('_', '-'), str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.close_connection = True
        try:
            getattr(self, 'path_' + self.path.split('?')[0].strip('/').replace('-', '_'))()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client went away, which is what some tests are about

    def path_plain(self) -> None:
        self.answer(200, BODY)

    def path_agent(self) -> None:
        self.answer(200, self.headers['User-Agent'].encode())

    def path_query(self) -> None:
        self.answer(200, self.path.encode())

    def path_missing(self) -> None:
        self.answer(404)

    def path_gone(self) -> None:
        self.answer(410)

    def path_error(self) -> None:
        self.answer(500, b'an explanation')

    def path_short(self) -> None:
        self.answer(200, BODY, Content_Length=len(BODY) + 1)

    def path_nonsense(self) -> None:
        self.wfile.write(b'this is no http\r\n\r\n')

    def path_chunked(self) -> None:
        self.answer(200, b'5\r\nhello\r\n0\r\n\r\n', Transfer_Encoding='chunked', Content_Length='')

    def path_cut(self) -> None:
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        self.wfile.write(b'ff\r\nhello')

    def path_huge(self) -> None:
        # It never says how much it is, and never ends.
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b'x' * 65536)

    def path_huge_and_said(self) -> None:
        self.answer(200, b'x', Content_Length=1 << 40)

    def path_slow_start(self) -> None:
        time.sleep(2)
        self.answer(200, BODY)

    def path_slow_headers(self) -> None:
        self.wfile.write(b'HTTP/1.1 200 OK\r\n')
        for number in range(40):
            self.wfile.write(b'X-%d: y\r\n' % number)
            time.sleep(0.05)
        self.wfile.write(b'\r\n')

    def path_slow_body(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(40):
            self.wfile.write(b'x')
            time.sleep(0.05)

    def path_near(self) -> None:
        self.answer(302, Location='/plain')

    def path_to_file(self) -> None:
        self.answer(302, Location='file:///etc/passwd')

    def path_to_data(self) -> None:
        self.answer(302, Location='data:,x')

    def path_to_ftp(self) -> None:
        self.answer(302, Location='ftp://localhost/x')

    def path_to_https(self) -> None:
        self.answer(302, Location='https://localhost:1/x')

    def path_loop(self) -> None:
        self.answer(302, Location='/loop')

    def path_chain(self) -> None:
        step = int(self.path.partition('?')[2])
        time.sleep(0.1)
        self.answer(302, Location=f'/chain?{step + 1}')


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[int]:
    with ThreadingHTTPServer(('127.0.0.1', 0), Handler) as running:
        running.daemon_threads = True
        running.block_on_close = False
        running.handle_error = lambda *_: None  # type: ignore[method-assign]
        if context:
            running.socket = context.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever, kwargs={'poll_interval': 0.05})
        thread.start()
        yield running.server_port
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('no_proxy', '*')


@pytest.fixture(scope='module')
def server() -> Iterator[str]:
    with serving() as port:
        yield f'http://127.0.0.1:{port}'


@pytest.fixture(scope='module')
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    openssl = shutil.which('openssl')
    if openssl is None:
        pytest.skip('no openssl to make a certificate with')
    path = tmp_path_factory.mktemp('tls') / 'both.pem'
    command = [openssl, 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2']
    names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    subprocess.run(
        [*command, *names, '-keyout', path, '-out', path.with_name('cert.pem')],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + path.with_name('cert.pem').read_bytes())
    return path


@pytest.fixture(scope='module')
def secure(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(context) as port:
        yield f'https://localhost:{port}'


def test_reading(server: str) -> None:
    assert Document(uri=f'{server}/plain').load_uri_to_text().text == BODY.decode()
    assert Document(uri=f'{server}/plain').load_uri_to_blob(timeout=5).blob == BODY
    assert Document(uri=f'{server}/chunked').load_uri_to_text(timeout=5).text == 'hello'
    assert Document(uri=f'{server}/near').load_uri_to_text(timeout=5).text == BODY.decode()
    assert read(f'{server}/plain', UriPolicy(max_bytes=len(BODY), timeout=5)) == BODY


def test_the_user_agent(server: str) -> None:
    assert Document(uri=f'{server}/agent').load_uri_to_text().text == 'Mozilla/5.0'


def test_signs_that_need_quoting(server: str) -> None:
    assert read(f'{server}/query?a=é b%20c&d=/') == b'/query?a=%C3%A9%20b%20c&d=/'


def test_to_data_uri(server: str) -> None:
    doc = Document(uri=f'{server}/chunked', mime_type='text/plain').convert_uri_to_datauri()
    assert doc.uri == 'data:text/plain;charset=utf-8,hello'


@pytest.mark.parametrize('path', ['missing', 'gone'])
def test_what_is_not_there(server: str, path: str, refused: Any) -> None:
    error = refused(Document(uri=f'{server}/{path}'), FileNotFoundError, 'load_uri_to_text')
    assert isinstance(error, UriNotFound)
    assert error.status in (404, 410)  # type: ignore[attr-defined]


@pytest.mark.parametrize('path', ['error', 'short', 'nonsense', 'cut', 'loop'])
@pytest.mark.parametrize('timeout', [None, 5])
def test_what_goes_wrong(server: str, path: str, timeout: float | None, refused: Any) -> None:
    doc = Document(uri=f'{server}/{path}', blob=b'kept')
    error = refused(doc, OSError, 'load_uri_to_blob', timeout=timeout)
    assert isinstance(error, UriError)
    assert not isinstance(error, (UriNotFound, UriTimeout))


def test_nobody_answers() -> None:
    with pytest.raises(UriError, match='cannot read'):
        read('http://127.0.0.1:1/')
    for uri in ('http://', 'http://[::1', 'http:///x', 'http://127.0.0.1:x/'):
        with pytest.raises(UriError):
            read(uri)


@pytest.mark.parametrize('path', ['huge', 'huge-and-said'])
def test_too_much(server: str, path: str, refused: Any) -> None:
    policy = UriPolicy(max_bytes=100_000)
    error = refused(
        Document(uri=f'{server}/{path}'), PermissionError, 'load_uri_to_blob', policy=policy
    )
    assert isinstance(error, UriRefused)


@pytest.mark.parametrize('path', ['slow-start', 'slow-headers', 'slow-body', 'chain?0'])
@pytest.mark.parametrize('by_policy', [False, True])
def test_too_slow(server: str, path: str, by_policy: bool, refused: Any) -> None:
    limit: dict[str, Any] = (
        {'policy': UriPolicy(timeout=0.3)} if by_policy else {'timeout': 0.3, 'policy': None}
    )
    start = time.monotonic()
    error = refused(Document(uri=f'{server}/{path}'), TimeoutError, 'load_uri_to_text', **limit)
    assert isinstance(error, UriTimeout)
    assert time.monotonic() - start < 1.5


def test_the_shorter_time_counts(server: str) -> None:
    with pytest.raises(UriTimeout):
        read(f'{server}/slow-start', UriPolicy(timeout=60), timeout=0.2)
    with pytest.raises(UriTimeout):
        read(f'{server}/slow-start', UriPolicy(timeout=0.2), timeout=60)


@pytest.mark.parametrize('path', ['to-file', 'to-data', 'to-ftp'])
def test_redirects_lead_to_the_web_only(server: str, path: str) -> None:
    with pytest.raises(UriRefused, match='web address'):
        read(f'{server}/{path}')


def test_redirects_obey_the_policy(server: str) -> None:
    for path in ('to-file', 'to-https'):
        with pytest.raises(UriRefused, match=r'redirects|scheme'):
            read(f'{server}/{path}', UriPolicy(schemes=('http',)))


def test_https(secure: str, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UriError, match='certificate'):
        read(f'{secure}/plain')
    monkeypatch.setenv('SSL_CERT_FILE', str(certificate))
    assert read(f'{secure}/plain') == BODY
    assert read(f'{secure}/near', UriPolicy(schemes=('https',), timeout=5)) == BODY
    for path in ('slow-headers', 'slow-body'):
        start = time.monotonic()
        with pytest.raises(UriTimeout):
            read(f'{secure}/{path}', timeout=0.3)
        assert time.monotonic() - start < 1.5
    with pytest.raises(UriRefused):
        read(f'{secure}/huge', UriPolicy(max_bytes=1000))
