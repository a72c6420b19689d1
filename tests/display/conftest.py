"""Small arrays with pictures, and a browser where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from docstore import Document, DocumentArray

#: Where a Chromium is looked for, besides what Playwright has installed itself.
NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome')

#: What a text must not be able to do.
HOSTILE = (
    '</script><script>window.hacked = 1</script>'
    '<img src=x onerror="window.hacked = 1">${title} & \'"'
)


def picture(colour: tuple[int, int, int], size: int = 8) -> Any:
    return np.full((size, size, 3), colour, dtype=np.uint8)


@pytest.fixture
def coloured() -> DocumentArray:
    """Six Documents: two red, two green, two blue, their embeddings apart by colour."""
    made = DocumentArray()
    for number in range(6):
        colour = [0, 0, 0]
        colour[number // 2] = 200 + number
        made.append(
            Document(
                id=f'd{number}',
                tensor=picture(tuple(colour)),
                embedding=np.array(colour, dtype=np.float32) + number,
                tags={'colour': ('red', 'green', 'blue')[number // 2], 'weight': number / 4},
            )
        )
    return made


@pytest.fixture(scope='session')
def chromium() -> Iterator[Any]:
    """A headless Chromium; tests that want it are skipped where there is none."""
    playwright = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    path = os.environ.get('DOCSTORE_CHROMIUM') or next(filter(None, map(shutil.which, NAMES)), None)
    with playwright.sync_playwright() as driver:
        try:
            # As root, in a container, Chromium cannot make a sandbox of its own.
            browser = driver.chromium.launch(executable_path=path, args=['--no-sandbox'])
        except playwright.Error as error:
            reason = str(error).strip().splitlines()[0]
            pytest.skip(f'no Chromium can be started: {reason}')
        yield browser
        browser.close()
