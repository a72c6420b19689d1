"""The folder of a plot of embeddings: tables for the TensorFlow projector, and our page."""

from __future__ import annotations

import json
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ..display.pixels import png
from ..errors import CorruptData, DimensionMismatch, InvalidArgument, InvalidVector
from .metas import Metas
from .page import as_json, page_of, plot_of
from .projection import principal, to_unit
from .sprites import Grid, Positions, chosen_positions, grid_of, picked, sheet
from .staging import Staged, path_of

if TYPE_CHECKING:
    from ..document import Document

__all__ = ['Plan', 'check_title', 'write_plot']

Gather = Callable[[str, Positions], Any]

#: The page shows so many points at most; the tables have all of them.
MOST_POINTS = 50_000
# Browsers draw a picture of this size everywhere.
_CANVAS = 4096
_BLOCK = 2048
# The plots that were in the folder before are in the page too, the latest of them.
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What of an array is plotted, and how.

    Attributes
    ----------
    title : str
        Names the files.
    docs : sequence of Document
    gather : callable
        Gives the values of a field at positions.
    sprites : bool
        Whether there are pictures.
    min_image_size, channel_axis, image_source
        Of the pictures.
    exclude : sequence of str
        Fields that are left out of the table.
    """

    title: str
    docs: Sequence[Document]
    gather: Gather
    sprites: bool = False
    min_image_size: int = 16
    channel_axis: int = -1
    image_source: str = 'tensor'
    exclude: Sequence[str] = ()


def check_title(title: Any) -> str:
    """Refuse a title that could not be the name of files in one folder."""
    if not isinstance(title, str) or not title.strip() or title.startswith('.'):
        raise InvalidArgument(f'title must be a name that does not start with a dot, not {title!r}')
    if any(sign in '/\\' or not sign.isprintable() for sign in title):
        raise InvalidArgument(
            f'title names the files, so it can have no slash and no control sign: {title!r}'
        )
    if len(title.encode('utf-8', 'replace')) > 200 or title in {'config', 'index'}:
        raise InvalidArgument(f'title must be shorter, and not "config" or "index": {title[:50]!r}')
    return title


def write_plot(plan: Plan, path: Any = None) -> Path:
    """Write the files of a plot into a folder, all or none.

    Returns
    -------
    Path
        The folder, a new one if none is named.
    """
    check_title(plan.title)
    if path is not None:
        return _write(plan, path_of(path))
    folder = Path(tempfile.mkdtemp(prefix='docstore-'))
    try:
        return _write(plan, folder)
    except BaseException:
        folder.rmdir()
        raise


def _write(plan: Plan, folder: Path) -> Path:
    title = plan.title
    count = len(plan.docs)
    if not count:
        raise InvalidArgument('the array is empty: there are no embeddings to plot')
    positions: Positions = range(count)
    grid = None
    if plan.sprites:
        positions, grid = chosen_positions(
            plan.docs,
            plan.image_source,
            False,
            lambda many: grid_of(many, _canvas(many, plan.min_image_size), plan.min_image_size),
        )
    shown = picked(positions, MOST_POINTS)
    entries = _entries(folder)
    with Staged(folder) as staged:
        entry: dict[str, Any] = {
            'tensorName': title,
            'tensorShape': _write_vectors(plan, positions, staged.place(f'{title}.tsv')),
            'tensorPath': f'/static/{title}.tsv',
            'metadataPath': f'/static/{title}.metas.tsv',
            'sprite': {},
        }
        metas = Metas.of(plan.gather, positions, plan.exclude)
        with _text(staged.place(f'{title}.metas.tsv')) as file:
            metas.write(file)
        sprite = None
        if grid is not None:
            picture = _sprite(plan, positions, grid)
            staged.place(f'{title}.png').write_bytes(picture)
            size = [grid.size, grid.size]
            entry['sprite'] = {'imagePath': f'/static/{title}.png', 'singleImageDim': size}
            sprite = _sprite_on_page(plan, positions, shown, grid, picture)
        plot = _plot(plan, shown, metas, sprite)
        staged.place(f'{title}.points.json').write_text(as_json(plot), encoding='ascii')
        entries = [entry, *(old for old in entries if old.get('tensorName') != title)]
        config = json.dumps({'embeddings': entries})
        staged.place('config.json').write_text(config, encoding='utf-8')
        others = _earlier(folder, entries[1:])
        staged.place('index.html').write_bytes(page_of([plot, *others]))
    return folder


def _text(path: Path) -> IO[str]:
    return open(path, 'w', encoding='utf-8', errors='replace', newline='')


# -- vectors -------------------------------------------------------------------


def _rows(plan: Plan, positions: Positions) -> Iterator[np.ndarray[Any, Any]]:
    """The embeddings in blocks, checked."""
    width = None
    for start in range(0, len(positions), _BLOCK):
        block = positions[start : start + _BLOCK]
        values = plan.gather('embedding', block)
        if not (isinstance(values, np.ndarray) and values.dtype.kind in 'biuf'):
            values = [_vector(plan, at, value) for at, value in zip(block, values, strict=True)]
        for at, value in zip(block, values, strict=True):
            if value.ndim != 1 or not value.size or value.size != (width or value.size):
                raise DimensionMismatch(
                    f'the embedding of document {plan.docs[int(at)].id!r} has the shape '
                    f'{value.shape}, and {(width,) if width else "one axis"} was expected'
                )
            width = value.size
        made = np.asarray(values)
        bad = np.flatnonzero(~np.isfinite(made).all(axis=1))
        if len(bad):
            row = int(block[int(bad[0])])
            raise InvalidVector(
                f'the embedding of document {plan.docs[row].id!r} has NaN or infinity in it',
                row=row,
            )
        yield made


def _vector(plan: Plan, at: Any, value: Any) -> np.ndarray[Any, Any]:
    if hasattr(value, 'detach'):
        value = value.detach()
    if hasattr(value, 'toarray'):
        value = np.asarray(value.toarray()).ravel()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in 'biuf':
        what = 'no embedding' if value is None else f'a {type(value).__name__} for an embedding'
        raise InvalidArgument(
            f'document {plan.docs[int(at)].id!r} has {what}, and only vectors of numbers can be '
            'plotted: call embed() first, or leave it out'
        )
    return array


def _write_vectors(plan: Plan, positions: Positions, path: Path) -> list[int]:
    width = 0
    with _text(path) as file:
        for rows in _rows(plan, positions):
            width = rows.shape[1]
            # So many digits as tell all numbers of the type apart.
            digits = 17 if rows.dtype == np.float64 else 9
            line = '\t'.join([f'%.{digits}g' if rows.dtype.kind == 'f' else '%d'] * width) + '\n'
            file.writelines(line % tuple(row) for row in rows.tolist())
    return [len(positions), width]


# -- the page ------------------------------------------------------------------


def _plot(plan: Plan, shown: Positions, metas: Metas, sprite: Any) -> dict[str, Any]:
    vectors = np.concatenate(
        [
            rows.astype(np.float64 if rows.dtype.itemsize > 4 else np.float32)
            for rows in _rows(plan, shown)
        ]
    )
    points, shares = principal(vectors)
    kept = ', '.join(f'{share:.0%}' for share in shares)
    about = f'{len(shown):,} points of {vectors.shape[1]} dimensions'
    if len(shown) < len(plan.docs):
        about = f'{len(shown):,} of {len(plan.docs):,} points, taken at even distances, of '
        about += f'{vectors.shape[1]} dimensions'
    about += f'; principal components with {kept} of the variance'
    columns = metas.columns(shown)
    return plot_of(
        plan.title,
        about,
        to_unit(points),
        columns,
        axes=max(2, points.shape[1]),
        colour=_colour(columns),
        sprite=sprite,
    )


def _colour(columns: dict[str, list[Any]]) -> str:
    """The column with the fewest values, if it has more than one and tells groups apart."""
    best, fewest = '', 25
    for name, values in columns.items():
        kinds = len(set(values))
        if name not in {'id', 'text', 'uri'} and 1 < kinds < min(fewest, len(values)):
            best, fewest = name, kinds
    return best


def _canvas(count: int, least: int) -> int:
    """As large as many pictures of ``least`` pixels need, within bounds; few are larger."""
    columns = max(1, int(np.ceil(np.sqrt(count))))
    if isinstance(least, bool) or not isinstance(least, (int, np.integer)) or least < 1:
        return _CANVAS
    return int(min(_CANVAS, columns * max(least, min(96, 2048 // columns))))


def _sprite(plan: Plan, positions: Positions, grid: Grid) -> bytes:
    made = sheet(plan.docs, positions, grid, plan.image_source, plan.channel_axis, True)
    return png(made)


def _sprite_on_page(
    plan: Plan, positions: Positions, shown: Positions, grid: Grid, picture: bytes
) -> dict[str, Any]:
    if len(shown) < len(positions):
        columns = int(np.ceil(np.sqrt(len(shown))))
        grid = Grid(len(shown), columns, grid.size)
        picture = _sprite(plan, shown, grid)
    uri = 'data:image/png;base64,' + b64encode(picture).decode('ascii')
    return {'image': uri, 'size': grid.size, 'columns': grid.columns}


# -- what was in the folder ------------------------------------------------------


def _entries(folder: Path) -> list[dict[str, Any]]:
    """The entries of the plots that are in a folder."""
    config = folder / 'config.json'
    try:
        found = json.loads(config.read_text(encoding='utf-8'))['embeddings']
        if isinstance(found, list) and all(isinstance(entry, dict) for entry in found):
            return found
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    raise CorruptData(
        f'{str(config)!r} is no configuration of plots: choose another folder, or remove the file'
    )


def _earlier(folder: Path, entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the page knows of earlier plots, as far as it can be read and is not too much."""
    plots = []
    left = _MOST_BYTES
    for entry in entries:
        try:
            path = folder / f'{check_title(entry.get("tensorName"))}.points.json'
            left -= path.stat().st_size
            if left < 0:
                break
            plot = json.loads(path.read_text(encoding='utf-8'), parse_constant=float)
            as_json(plot)
        except (OSError, ValueError, RecursionError):
            continue  # made by something else, and shown by it
        if isinstance(plot, dict) and plot.keys() >= _PARTS:
            plots.append(plot)
    return plots


_PARTS = {'title', 'about', 'count', 'points', 'axes', 'deep', 'colour', 'columns'}
