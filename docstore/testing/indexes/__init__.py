"""The conformance suite of the Index seam."""

from .base import IndexSuite, reference
from .changing import IndexChangingTests
from .saving import IndexSavingTests
from .searching import IndexSearchingTests

__all__ = ['IndexSuite', 'IndexTests', 'reference']


class IndexTests(IndexSearchingTests, IndexChangingTests, IndexSavingTests):
    """Inherit, set ``index_class``, and pytest runs the suite on it."""
