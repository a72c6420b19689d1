"""Where pictures and pages are shown: in the notebook, or in the browser."""

from __future__ import annotations

import os
import sys
import tempfile
from base64 import b64encode
from html import escape
from pathlib import Path
from typing import Any

from ..display.notebook import frame_html, picture_html, show_html

__all__ = ['open_in_browser', 'play', 'show_file', 'show_page', 'show_picture']


def show_picture(data: bytes, width: int | None = None) -> None:
    """Show a PNG."""
    show_html(lambda: picture_html(data, width=width), lambda: _open(_kept(data, 'png')))


def show_page(page: bytes) -> None:
    """Show a page that stands by itself."""
    show_html(lambda: frame_html(page), lambda: _open(_kept(page, 'html')))


def show_file(path: Any) -> None:
    """Show a GIF that was written."""
    file = Path(path)
    show_html(lambda: picture_html(file.read_bytes(), 'gif'), lambda: _open(file))


def play(uri: str, kind: str) -> None:
    """Play the sound or the film that a URI names."""
    from ..media.uris import read, scheme_of

    def element() -> str:
        name = kind.partition('/')[0]
        source = f'data:{kind};base64,{b64encode(read(uri)).decode("ascii")}'
        return f'<{name} controls src="{escape(source)}" style="max-width:100%"></{name}>'

    def outside() -> None:
        if scheme_of(uri) in {'http', 'https'}:
            print(uri)  # noqa: T201 - where nothing can show it
            open_in_browser(uri)
        else:
            suffix = ''.join(c for c in kind.partition('/')[2] if c.isalnum())
            _open(_kept(read(uri), suffix))

    show_html(element, outside)


def _kept(data: bytes, kind: str) -> Path:
    handle, path = tempfile.mkstemp(f'.{kind}', 'docstore-')
    with open(handle, 'wb') as file:
        file.write(data)
    return Path(path)


def _open(path: Path) -> None:
    print(path)  # noqa: T201  # so that it is found where no browser opens
    open_in_browser(path.absolute().as_uri())


def open_in_browser(address: str) -> bool:
    """Open an address where somebody can see it: never a browser inside the terminal."""
    if sys.platform != 'darwin' and not {'DISPLAY', 'WAYLAND_DISPLAY'} & os.environ.keys():
        return False
    import webbrowser

    return webbrowser.open(address)
