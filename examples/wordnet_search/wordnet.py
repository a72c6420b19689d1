"""WordNet glosses as plain records, from the committed selection or from all of WordNet.

A record is ``{'id': 'n09933098', 'text': gloss, 'tags': {'lemma', 'pos',
'lexname'}}``. The id is the part of speech and the byte offset of the synset
in WordNet 3.0, so it is the same wherever the record comes from.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ['LEXNAMES', 'SELECTION', 'Synset', 'read_glosses', 'read_synsets']

Gloss = dict[str, Any]

#: The selection that comes with this example; ``select_glosses.py`` makes it.
SELECTION = Path(__file__).parent / 'data' / 'glosses.jsonl.gz'

# Lexicographer files by number: lexnames(5WN) of the WordNet manual.
_NUMBERED = (
    'adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute '
    'noun.body noun.cognition noun.communication noun.event noun.feeling noun.food noun.group '
    'noun.location noun.motive noun.object noun.person noun.phenomenon noun.plant '
    'noun.possession noun.process noun.quantity noun.relation noun.shape noun.state '
    'noun.substance noun.time verb.body verb.change verb.cognition verb.communication '
    'verb.competition verb.consumption verb.contact verb.creation verb.emotion verb.motion '
    'verb.perception verb.possession verb.social verb.stative verb.weather adj.ppl'
)
LEXNAMES = tuple(_NUMBERED.split())

_FILES = {'n': 'data.noun', 'v': 'data.verb', 'a': 'data.adj', 'r': 'data.adv'}


@dataclass(frozen=True, slots=True)
class Synset:
    """One line of a WordNet data file.

    Parameters
    ----------
    id : str
        Part of speech (n, v, a, r) and byte offset.
    lexname : str
        Its lexicographer file, such as ``noun.person``.
    lemma : str
        The first word.
    gloss : str
        Definition and examples.
    pointers : tuple of (symbol, id)
        Relations to other synsets; ``@`` is "is a kind of".
    """

    id: str
    lexname: str
    lemma: str
    gloss: str
    pointers: tuple[tuple[str, str], ...]

    def record(self) -> Gloss:
        """What the demo stores of it."""
        tags = {'lemma': self.lemma, 'pos': self.id[0], 'lexname': self.lexname}
        return {'id': self.id, 'text': self.gloss, 'tags': tags}


def read_synsets(folder: Path) -> Iterator[Synset]:
    """All synsets of a folder with WordNet's data files (wndb(5WN))."""
    for pos, name in _FILES.items():
        with open(folder / name, encoding='ascii') as lines:
            for line in lines:
                if not line.startswith(' '):  # the licence stands on indented lines
                    yield _parse(pos, line)


def _parse(pos: str, line: str) -> Synset:
    head, gloss = line.split(' | ', 1)
    parts = head.split()
    words = int(parts[3], 16)
    first = 5 + 2 * words
    count = int(parts[first - 1])
    pointers = tuple(
        (parts[at], parts[at + 2].replace('s', 'a') + parts[at + 1])
        for at in range(first, first + 4 * count, 4)
    )
    lemma = parts[4].partition('(')[0].replace('_', ' ')  # 'galore(ip)' has a syntax marker
    return Synset(pos + parts[0], LEXNAMES[int(parts[1])], lemma, gloss.strip(), pointers)


def read_glosses(source: Path = SELECTION) -> list[Gloss]:
    """The records of a JSON lines file (plain or ``.gz``) or of a WordNet folder.

    Of synsets with the same gloss only the first is taken.

    Raises
    ------
    FileNotFoundError
        If the source, or a data file in the folder, is not there.
    """
    if source.is_dir():
        unique: dict[str, Gloss] = {}
        for synset in read_synsets(source):
            unique.setdefault(synset.gloss, synset.record())
        return list(unique.values())
    opener = gzip.open if source.suffix == '.gz' else open
    with opener(source, 'rt', encoding='utf-8') as lines:
        return [json.loads(line) for line in lines]
