"""docstore: a storage-first DocumentArray and vector search with a native core.

>>> from docstore import Document, DocumentArray
>>> da = DocumentArray([Document(text='hello'), Document(text='world')])
>>> da.texts
['hello', 'world']
"""

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


def __getattr__(name: str) -> str:
    if name == '__version__':
        from importlib.metadata import version

        return version('docstore')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
