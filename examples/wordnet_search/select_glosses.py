"""Make data/glosses.jsonl.gz: whole categories of WordNet 3.0, about 5,000 glosses.

A random sample would answer badly (ask for a cobbler when the sample has
none), so the selection takes categories as a whole: branches of the noun and
verb hierarchies with everything below them, whole lexicographer files, and
the adjectives that name a value of an attribute (hot, heavy, loud).

    apt-get install wordnet-base
    python examples/wordnet_search/select_glosses.py /usr/share/wordnet
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # also where PYTHONSAFEPATH is set

from wordnet import SELECTION, Synset, read_synsets

#: Roots of branches, with their lemma as a check against another version.
BRANCHES = {
    'n09632518': 'worker',
    'n09614315': 'creator',
    'n09617867': 'expert',
    'n09616922': 'entertainer',
    'n10560637': 'scientist',
    'n04451818': 'tool',
    'n03733925': 'measuring instrument',
    'n03800933': 'musical instrument',
    'n02453108': 'pachyderm',
    'n02503127': 'proboscidean',
    'n11425580': 'atmospheric phenomenon',
    'v00205885': 'better',
}

#: Lexicographer files taken whole.
CATEGORIES = ('noun.feeling', 'verb.consumption', 'verb.motion', 'verb.weather')


def select(synsets: list[Synset]) -> list[Synset]:
    """The chosen synsets in the order of WordNet, no gloss twice."""
    by_id = {synset.id: synset for synset in synsets}
    below = defaultdict(list)
    for synset in synsets:
        for symbol, target in synset.pointers:
            if symbol == '@':
                below[target].append(synset.id)
    chosen: set[str] = set()
    for root, lemma in BRANCHES.items():
        if root not in by_id or by_id[root].lemma != lemma:
            raise SystemExit(f'{root} is not {lemma!r}: this is not WordNet 3.0')
        waiting = [root]
        while waiting:
            if (current := waiting.pop()) not in chosen:
                chosen.add(current)
                waiting += below[current]
    for synset in synsets:
        valued = synset.id[0] == 'a' and any(symbol == '=' for symbol, _ in synset.pointers)
        if valued or synset.lexname in CATEGORIES:
            chosen.add(synset.id)
    unique: dict[str, Synset] = {}
    for synset in synsets:
        if synset.id in chosen:
            unique.setdefault(synset.gloss, synset)
    return list(unique.values())


def main() -> None:
    """Write the selection; the same input gives the same bytes."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    chosen = select(list(read_synsets(Path(sys.argv[1]))))
    lines = ''.join(json.dumps(s.record(), separators=(',', ':')) + '\n' for s in chosen)
    SELECTION.write_bytes(gzip.compress(lines.encode(), 9, mtime=0))
    print(f'{len(chosen)} glosses, {SELECTION.stat().st_size} bytes in {SELECTION}')


if __name__ == '__main__':
    main()
