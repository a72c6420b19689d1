"""A small server for the folder of a plot, on this machine alone unless told otherwise."""

from __future__ import annotations

import json
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from .errors import InvalidArgument, StorageError

__all__ = ['Preview']

_TYPES = {
    '.html': 'text/html; charset=utf-8',
    '.json': 'application/json',
    '.tsv': 'text/tab-separated-values; charset=utf-8',
    '.png': 'image/png',
}


class Preview:
    """Serves the page of a folder and the files that its ``config.json`` names, nothing else.

    Parameters
    ----------
    folder : Path
    host : str
        The address to listen at.
    port : int, optional
        A free one if it is not given.

    Raises
    ------
    StorageError
        If the address or the port cannot be used.

    Examples
    --------
    >>> with Preview(Path()) as preview:
    ...     preview.url
    'http://127.0.0.1:...'
    """

    def __init__(self, folder: Path, host: str = '127.0.0.1', port: int | None = None) -> None:
        whole = isinstance(port, int) and not isinstance(port, bool) and 0 <= port < 1 << 16
        if not (port is None or whole):
            raise InvalidArgument(f'port must be from 0 to 65535, or None, not {port!r}')
        try:
            self._server = ThreadingHTTPServer((host, port or 0), partial(_Handler, folder, host))
        except OSError as error:
            raise StorageError(
                f'cannot listen at {host}:{port or "(any port)"}: {error.strerror or error}; '
                'choose another port, or start_server=False',
                code=error.errno or 0,
            ) from error
        self._server.daemon_threads = True
        # It ends with the program: a script that has nothing else to do does not wait for it.
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f'http://{host}:{self._server.server_address[1]}/'

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Preview:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Handler(BaseHTTPRequestHandler):
    timeout = 30

    def __init__(self, folder: Path, host: str, *args: Any) -> None:
        self._folder = folder
        self._host = host
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answer with a file of the plot."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Answer without the file."""
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        # A page elsewhere could give its own name this address, and read the plot then.
        asked = (self.headers.get('Host') or '').rsplit(':', 1)[0]
        if asked not in {self._host, 'localhost', '127.0.0.1'} and self._host != '0.0.0.0':  # noqa: S104 - asked for
            self.send_error(403)
            return
        name = unquote(urlsplit(self.path).path).removeprefix('/').removeprefix('static/')
        name = name or 'index.html'
        try:
            data = (self._folder / name).read_bytes() if name in self._names() else None
        except (OSError, ValueError, LookupError, TypeError):  # the folder is no plot any more
            data = None
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header('Content-Type', _TYPES[Path(name).suffix])
        self.send_header('Content-Length', str(len(data)))
        self.send_header('X-Content-Type-Options', 'nosniff')
        self.send_header('Cache-Control', 'no-store')
        self.end_headers()
        if body:
            self.wfile.write(data)

    def _names(self) -> set[str]:
        names = {'index.html', 'config.json'}
        config = json.loads((self._folder / 'config.json').read_text(encoding='utf-8'))
        for entry in config['embeddings']:
            title = str(entry['tensorName'])
            if '/' not in title and not title.startswith('.'):
                names |= {f'{title}.tsv', f'{title}.metas.tsv', f'{title}.png'}
        return names

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: it is the user's terminal."""
