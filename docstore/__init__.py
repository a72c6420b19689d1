"""docstore: a storage-first DocumentArray and vector search with a native core.

>>> from docstore import Document, DocumentArray
>>> da = DocumentArray([Document(text='hello'), Document(text='world')])
>>> da.texts
['hello', 'world']
"""

from typing import Any

from . import errors
from .array import DocumentArray
from .document import Document
from .multimodal import dataclass, field
from .score import NamedScore

__all__ = [
    'Document',
    'DocumentArray',
    'NamedScore',
    'dataclass',
    'errors',
    'field',
]


__version__: str


def __getattr__(name: str) -> Any:
    if name in ('login', 'logout'):
        from .removed import Removed

        return Removed(f'docstore.{name}')
    if name in ('helper', 'legacy', 'math'):
        from importlib import import_module

        return import_module(f'.{name}', __name__)
    if name == '__version__':
        from importlib.metadata import version

        return version('docstore')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
