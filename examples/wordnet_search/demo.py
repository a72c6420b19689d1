"""Ask WordNet for a word by its meaning.

Embeds some 5,400 glosses of WordNet, keeps them in a DocumentArray on disk and
answers questions from it: plain, filtered by part of speech, and after closing
and reopening the store. The first run takes about 20 seconds; a later run
finds the store and asks at once, and an interrupted one continues.

    python examples/wordnet_search/demo.py
    python examples/wordnet_search/demo.py --query "fear of heights" --pos n
    python examples/wordnet_search/demo.py --all /usr/share/wordnet
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from docstore import Document, DocumentArray
from docstore.errors import DocstoreError

sys.path.insert(0, str(Path(__file__).parent))  # also where PYTHONSAFEPATH is set

from encoder import MiniLM
from wordnet import SELECTION, Gloss, read_glosses

CACHE = Path(__file__).resolve().parents[2] / '.cache'
PARTS = {'n': 'noun', 'v': 'verb', 'a': 'adjective', 'r': 'adverb'}
SHORT = {'n': 'noun', 'v': 'verb', 'a': 'adj.', 'r': 'adv.'}
QUESTIONS: tuple[tuple[str, str | None], ...] = (
    ('someone who repairs shoes', None),
    ('an instrument that measures temperature', None),
    ('a large animal with a long trunk', None),
    ('rain that is falling hard', None),
    ('someone who repairs shoes', 'v'),
    ('rain that is falling hard', 'v'),
    ('strong feeling of fear', 'a'),
)
#: How many glosses are stored in one atomic step while embedding.
STEP = 256


def main() -> int:
    """Run the demo; the exit status is 0 when all went well."""
    options = _options()
    console = Console()
    path = options.store or CACHE / ('wordnet-all' if options.all else 'wordnet')
    try:
        encoder = MiniLM()
        with closing(_open(path, console)) as da:
            if options.fresh:
                da.clear()
            _fill(da, read_glosses(options.all or SELECTION), encoder, console)
            if options.query:
                for query in options.query:
                    _ask(da, encoder, query, options.pos, console, limit=10)
                return 0
            before = [_ask(da, encoder, *question, console) for question in QUESTIONS]
        return _ask_again(path, encoder, before, console)
    except KeyboardInterrupt:
        console.print('\nStopped. What was embedded is kept: run again to continue.')
        return 130
    except (DocstoreError, FileNotFoundError) as error:
        console.print(f'[bold red]{type(error).__name__}[/]: {error}', soft_wrap=True)
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--query', action='append', metavar='TEXT', help='ask this instead')
    parser.add_argument('--pos', choices=list(PARTS), help='only this part of speech')
    parser.add_argument(
        '--all',
        type=Path,
        metavar='PATH',
        help='embed these glosses instead: a WordNet 3.0 folder or a JSON lines file',
    )
    parser.add_argument('--store', type=Path, metavar='PATH', help='where to keep the store')
    parser.add_argument('--fresh', action='store_true', help='embed everything again')
    return parser.parse_args()


def _open(path: Path, console: Console) -> DocumentArray:
    path.parent.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    da = DocumentArray(storage='disk', config={'path': str(path)})
    milliseconds = 1000 * (time.perf_counter() - start)
    size = sum(file.stat().st_size for file in path.rglob('*') if file.is_file())
    console.print(
        f'[bold]{_relative(path)}[/]: {len(da):,} documents, {size / 2**20:.1f} MiB, '
        f'opened in {milliseconds:.1f} ms',
        highlight=False,
    )
    return da


def _fill(da: DocumentArray, glosses: list[Gloss], encoder: MiniLM, console: Console) -> None:
    """Embed and store the glosses that the store does not have yet."""
    stored = set(da[:, 'id'])
    missing = [gloss for gloss in glosses if gloss['id'] not in stored]
    if not missing:
        return
    start = time.perf_counter()
    columns = (
        TextColumn('[bold]embedding glosses'),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TextColumn('{task.fields[rate]}'),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        had = len(glosses) - len(missing)
        task = progress.add_task('', total=len(glosses), completed=had, rate='')
        waiting = DocumentArray()
        done = 0
        for positions, vectors in encoder.batches([gloss['text'] for gloss in missing]):
            batch = DocumentArray([Document(missing[at]) for at in positions])
            batch.embeddings = vectors
            waiting.extend(batch)
            done += len(batch)
            if len(waiting) >= STEP or done == len(missing):
                da.extend(waiting)  # one atomic, durable step
                waiting = DocumentArray()
            rate = done / (time.perf_counter() - start)
            progress.update(task, advance=len(batch), rate=f'{rate:,.0f} a second')
    console.print(f'stored {done:,} documents in {time.perf_counter() - start:.1f} s')


def _ask(
    da: DocumentArray,
    encoder: MiniLM,
    question: str,
    pos: str | None,
    console: Console,
    limit: int = 3,
) -> list[str]:
    """Print the nearest glosses; return their ids."""
    start = time.perf_counter()
    vector = encoder.encode([question])[0]
    embedded = time.perf_counter()
    condition = {'tags__pos': {'$eq': pos}} if pos else None
    hits = da.find(vector, limit=limit, filter=condition)
    found = time.perf_counter()
    table = Table(box=box.SIMPLE_HEAD, title_justify='left', caption_justify='left', expand=True)
    kind = f' [cyan]only {PARTS[pos]}s[/]' if pos else ''
    table.title = f'[bold not italic]"{question}"[/][not italic]{kind}[/]'
    table.caption = (
        f'{1000 * (embedded - start):.1f} ms to embed the question, '
        f'{1000 * (found - embedded):.1f} ms to find in {len(da):,} documents'
    )
    table.add_column('likeness', justify='right', style='green', width=8)
    table.add_column('word', style='bold', width=18)
    table.add_column('', style='cyan', width=4)
    table.add_column('meaning')
    for hit in hits:
        likeness = 1 - hit.scores['cosine'].value
        part, word = SHORT[hit.tags['pos']], hit.tags['lemma']
        table.add_row(f'{likeness:.2f}', word, part, _gloss(hit.text))
    console.print(table)
    return [hit.id for hit in hits]


def _gloss(text: str) -> Text:
    """The definition, its examples dimmed."""
    definition, mark, examples = text.partition('; "')
    return Text.assemble(definition, (mark + examples, 'dim'))


def _ask_again(path: Path, encoder: MiniLM, before: list[list[str]], console: Console) -> int:
    """Open the store anew and see whether it gives the same answers."""
    console.rule('closed and opened again', align='left')
    with closing(_open(path, console)) as da:
        after = [_ask(da, encoder, *QUESTIONS[0], console)]
        quiet = Console(quiet=True)
        after += [_ask(da, encoder, *question, quiet) for question in QUESTIONS[1:]]
    if after != before:
        console.print('[bold red]The answers differ from those before closing.[/]')
        return 1
    console.print(f'The same answers to all {len(QUESTIONS)} questions as before closing.')
    return 0


def _relative(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == '__main__':
    sys.exit(main())
