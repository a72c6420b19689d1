"""The conformance suite of the Store seam."""

from .base import StoreSuite, records
from .beside import BesideTests
from .committing import CommittingTests
from .content import ContentTests

__all__ = ['StoreSuite', 'StoreTests', 'records']


class StoreTests(ContentTests, CommittingTests, BesideTests):
    """What :class:`docstore.stores.base.Store` promises.

    Subclass it under a name that starts with ``Test`` and override ``open``.
    """
