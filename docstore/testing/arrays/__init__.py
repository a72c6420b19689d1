"""The conformance suite of DocumentArray: one behaviour on every storage."""

from .applying import ApplyingTests
from .bulk import BulkTests
from .deleting import DeletingTests
from .getting import GettingTests
from .hybrids import HybridTests
from .learning import LearningTests
from .lists import ListTests
from .paths import PathTests
from .processing import ProcessingTests
from .reducing import ReducingTests
from .refusing import RefusingTests
from .searching import SearchingTests
from .setting import SettingTests
from .showing import ShowingTests
from .storing import StoringTests
from .subindex_searching import SubindexSearchingTests
from .subindex_storing import SubindexStoringTests
from .subindices import InStepTests
from .texts import TextTests
from .transacting import TransactingTests
from .values import ValueTests
from .views import ViewTests

__all__ = ['ArrayTests']


class ArrayTests(
    ListTests,
    GettingTests,
    SettingTests,
    DeletingTests,
    BulkTests,
    ViewTests,
    ValueTests,
    SearchingTests,
    LearningTests,
    ShowingTests,
    TextTests,
    HybridTests,
    StoringTests,
    TransactingTests,
    RefusingTests,
    PathTests,
    ProcessingTests,
    ApplyingTests,
    ReducingTests,
    InStepTests,
    SubindexSearchingTests,
    SubindexStoringTests,
):
    """What a DocumentArray does, whatever its storage.

    Subclass it under a name that starts with ``Test``, set ``storage``, and
    override ``config`` when the storage wants more than a path.

    Examples
    --------
    >>> class TestMine(ArrayTests):
    ...     storage = 'disk'
    """
