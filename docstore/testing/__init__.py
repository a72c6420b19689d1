"""Conformance suites: the tests that every store, codec and index passes.

They are for authors of new ones: subclass a suite in a file that pytest
collects, say how the thing is made, and inherit its tests. They need pytest.
"""

import pytest

# pytest explains failed assertions only in modules that it was told of before they are imported.
pytest.register_assert_rewrite(
    *(f'{__name__}.{module}' for module in ('arrays', 'checks', 'codecs', 'indexes', 'stores'))
)
