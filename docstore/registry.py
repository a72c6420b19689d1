"""Names that stand for implementations, loaded when first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from .errors import UnknownName, did_you_mean

__all__ = ['Registry']


class Registry:
    """Maps a name to ``'module:attribute'`` and imports it on first use.

    Other packages add names through an entry point group ``docstore.<kind>``.

    Parameters
    ----------
    kind : str
        What the names stand for: the word used in error messages, and the
        entry point group.
    targets : dict of str to str
        The built-in names.

    Examples
    --------
    >>> Registry('json', {'dumps': 'json:dumps'}).load('dumps')([1])
    '[1]'
    """

    def __init__(self, kind: str, targets: dict[str, str]) -> None:
        self.kind = kind
        self._targets = dict(targets)
        self._scanned = False

    def load(self, name: str) -> Any:
        """The implementation that ``name`` stands for.

        Raises
        ------
        UnknownName
            If nothing is registered under ``name``.
        """
        if name not in self._targets:
            self._scan()
        try:
            module, _, attribute = self._targets[name].partition(':')
        except (KeyError, TypeError):
            raise UnknownName(
                f'{self.kind}={name!r} is not supported{did_you_mean(name, self)}'
            ) from None
        return getattr(import_module(module), attribute)

    def __contains__(self, name: object) -> bool:
        self._scan()
        return name in self._targets

    def __iter__(self) -> Iterator[str]:
        self._scan()
        return iter(sorted(self._targets))

    def _scan(self) -> None:
        if self._scanned:
            return
        self._scanned = True
        # A module of forty milliseconds, needed by few.
        from importlib.metadata import entry_points

        for entry in entry_points(group=f'docstore.{self.kind}'):
            self._targets.setdefault(entry.name, entry.value)
