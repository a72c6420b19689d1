"""Classes of several media, and the Documents that hold their instances.

Examples
--------
>>> import docstore
>>> from docstore.typing import Text
>>> @docstore.dataclass
... class Page:
...     title: Text
...     stars: int = 0
>>> doc = docstore.Document(Page('Hello', stars=3))
>>> doc.title.text, doc.tags
('Hello', {'stars': 3})
>>> Page(doc)
Page(title='Hello', stars=3)
"""

from .decorate import dataclass, field

__all__ = ['dataclass', 'field']
