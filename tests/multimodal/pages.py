"""A class with a field of each kind, and instances of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import List, Optional

import docstore
from docstore.typing import JSON, URI, Blob, Text


@docstore.dataclass
class Inner:
    a: Text
    n: int = 3


@docstore.dataclass
class Page:
    title: Text
    price: float
    count: int
    ok: bool
    raw: bytes
    nums: List[int]
    data: Blob
    js: JSON
    link: URI
    texts: List[Text]
    inner: Inner
    inners: List[Inner]
    desc: Text = None  # type: ignore[assignment]
    more: Optional[Text] = None
    words: Iterable[str] | None = None


def page(i: int = 0) -> Page:
    return Page(
        title=f't{i}',
        price=1.5,
        count=2 + i,
        ok=True,
        raw=b'\xff\x00',
        nums=[1, 2],
        data=b'abc',
        js={'a': 1, 'b': [True, 'x', {'c': None}]},
        link='http://example.com/y.png',
        texts=[f'a{i}', f'b{i}', 'c'],
        inner=Inner(f'i{i}', 7),
        inners=[Inner(f'j{i}', 8), Inner(f'k{i}', 9)],
    )
