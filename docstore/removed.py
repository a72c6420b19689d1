"""Names of legacy docarray that were services of others, and what to use instead.

They can be imported and looked up, so that old code fails where it calls one,
with an answer.
"""

from __future__ import annotations

from typing import Any, NoReturn

from .errors import UnsupportedOperation

__all__ = ['REMOVED', 'Removed', 'removed']

_STORE = (
    "keep the documents in a store, such as DocumentArray(storage='disk', config={'path': ...}), "
    'or save them with da.save_binary(path) and copy the file to an object storage'
)

#: What to use instead of each name.
REMOVED: dict[str, str] = {
    'docstore.login': 'there is no cloud account to log in to; just leave the call out',
    'docstore.logout': 'there is no cloud account to log out of; just leave the call out',
    'DocumentArray.push': _STORE,
    'DocumentArray.cloud_push': _STORE,
    'DocumentArray.pull': 'copy the file that was saved, and read it with '
    'DocumentArray.load_binary(path), or open a store with DocumentArray.open(path)',
    'DocumentArray.cloud_pull': 'copy the file that was saved, and read it with '
    'DocumentArray.load_binary(path), or open a store with DocumentArray.open(path)',
    'DocumentArray.cloud_list': 'list the files of the folder or object storage that has them',
    'DocumentArray.cloud_delete': 'delete the file or the folder of the store',
    'docstore.helper.download_mermaid_url': 'da.summary() and doc.summary() draw without a service',
    'docstore.helper.reset_ports': 'random_port() asks the system each time: nothing to reset',
}


def removed(name: str) -> NoReturn:
    """Raise what is said of a name.

    Raises
    ------
    UnsupportedOperation
        Always (a ``NotImplementedError`` too).
    """
    raise UnsupportedOperation(
        f'{name} used a service that docstore has not: {REMOVED[name]}', name=name
    )


class Removed:
    """A method or function that tells, when it is called, what to use instead.

    Parameters
    ----------
    name : str
        A name of the table.

    Examples
    --------
    >>> Removed('docstore.login')()
    Traceback (most recent call last):
    docstore.errors.UnsupportedOperation: docstore.login used a service that docstore has not: ...
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.__doc__ = f'Not in docstore: {REMOVED[name]}.'
        self.__name__ = name.rpartition('.')[2]

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise :class:`UnsupportedOperation`."""
        removed(self._name)

    def __repr__(self) -> str:
        return f'<removed {self._name}>'
