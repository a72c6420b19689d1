"""The server of a plot: what it serves, and what it does not."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docstore import Document, DocumentArray
from docstore.errors import InvalidArgument, StorageError
from docstore.preview import Preview

pytestmark = pytest.mark.spec('15')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    da = DocumentArray([Document(text=str(i), embedding=[i, 1]) for i in range(3)])
    made = Path(da.plot_embeddings('mine ä', path=tmp_path / 'in', start_server=False))
    (made / 'secret.txt').write_text('secret')
    (tmp_path / 'outside.tsv').write_text('secret')
    return made


@pytest.fixture
def served(folder: Path) -> Iterator[Preview]:
    with Preview(folder) as preview:
        yield preview


def ask(preview: Preview, path: str, method: str = 'GET', **headers: str) -> tuple[int, bytes, Any]:
    host, port = preview.url.removeprefix('http://').strip('/').split(':')
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        connection.putrequest(method, path, skip_host='Host' in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def test_the_page_and_its_files_are_served(served: Preview, folder: Path) -> None:
    status, body, headers = ask(served, '/')
    assert (status, body) == (200, (folder / 'index.html').read_bytes())
    assert headers['Content-Type'] == 'text/html; charset=utf-8'
    assert headers['X-Content-Type-Options'] == 'nosniff'
    for path in ('/static/mine%20%C3%A4.tsv', '/mine%20%C3%A4.tsv?x=1'):
        assert ask(served, path)[:2] == (200, (folder / 'mine ä.tsv').read_bytes())
    assert ask(served, '/config.json')[0] == 200
    status, body, headers = ask(served, '/index.html', 'HEAD')
    assert (status, body) == (200, b'')
    assert int(headers['Content-Length']) == (folder / 'index.html').stat().st_size


@pytest.mark.parametrize(
    'path',
    ['/secret.txt', '/../outside.tsv', '/%2e%2e/outside.tsv', '/static/../../outside.tsv',
     '/mine%20%C3%A4.png', '/.', '/%00'],
)  # fmt: skip
def test_nothing_else_is_served(served: Preview, path: str) -> None:
    status, body, _ = ask(served, path)
    assert status == 404
    assert b'secret' not in body


def test_entries_that_lead_out_are_not_followed(served: Preview, folder: Path) -> None:
    (folder / 'config.json').write_text('{"embeddings": [{"tensorName": "../outside"}]}')
    assert ask(served, '/../outside.tsv')[0] == 404
    for damaged in ('{', '{"embeddings": [3]}', '[]'):
        (folder / 'config.json').write_text(damaged)
        assert ask(served, '/index.html')[0] == 404


def test_only_who_asks_for_this_machine_is_answered(served: Preview) -> None:
    assert ask(served, '/', Host='evil.example:80')[0] == 403
    assert ask(served, '/', Host='localhost:1234')[0] == 200
    assert ask(served, '/', Host='127.0.0.1')[0] == 200
    assert ask(served, '/', 'POST')[0] == 501


def test_a_port_that_is_taken(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        with pytest.raises(StorageError, match='choose another port'):
            Preview(folder, port=taken.getsockname()[1])
    for port in (-1, 70_000, '80', True):
        with pytest.raises(InvalidArgument, match='port'):
            Preview(folder, port=port)  # type: ignore[arg-type]


def test_closing_frees_the_port(folder: Path) -> None:
    with Preview(folder) as preview:
        port = int(preview.url.rstrip('/').rpartition(':')[2])
    with Preview(folder, port=port) as again:
        assert again.url == preview.url
