"""The house of docs/architecture.md, read off the imports of every module.

Level by level: a module knows lower levels only. What is imported under
``if TYPE_CHECKING`` is not loaded, and does not count.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib.metadata import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'docstore'

#: What stands where. A module may import lower levels, and what stands before
#: it in its own level. A pattern is for the modules that no other entry names.
LEVELS: dict[int, tuple[str, ...]] = {
    0: ('errors', '_core', 'registry', 'schema', 'typing'),
    1: (
        'predicate', 'columns', 'paths', 'score', 'tracked', 'display', 'display.*',
        'arrays', 'explanation', 'textindex', 'textindex.base', 'textindex.words',
        'textindex.fts5', 'stores', 'stores.base', 'stores.config', 'stores.intake', 'codecs',
        'codecs.base', 'codecs.*', 'index', 'index.base',
    ),
    2: (
        'bits', 'sparse', 'scipy_metrics', 'compare', 'distance', 'media', 'media.arrays',
        'media.datauris', 'media.policy', 'media.http_reading', 'media.uris', 'media.texts',
        'media.*', 'state', 'fields', 'plots', 'plots.*', 'document_fields', 'plain_forms',
        'document_saving', 'document_converting', 'document_images', 'document_media', 'modal',
        'pydantic_model', 'strawberry_type', 'document_typed', 'document_showing', 'document',
    ),
    3: (
        'stores.*', 'index.*', 'textindex.*', 'text_lists', 'text_upkeep',
        'query', 'traverse', 'records', 'selection', 'contents', 'lookup', 'table', 'frozen',
        'memory', 'bulk', 'views', 'kept', 'upkeep', 'stored', 'blocks', 'hits', 'opening',
        'derived', 'subplan', 'subkeeping', 'subwriting', 'substore', 'submemory', 'subindex',
        'matching', 'text_search', 'indexing', 'frames', 'generators', 'removed', 'rankings',
        'evaluation', 'judging', 'evaluating', 'math.*', 'math', 'workers', 'processing',
        'inference', 'embedding', 'retrieving', 'renamed', 'model_parts', 'models', 'applying',
        'reducing',
    ),
    4: (
        'sequence', 'saving', 'texts', 'tabular', 'searching', 'parted', 'processed', 'evaluated',
        'typed', 'shown', 'array', 'nested',
    ),
    5: ('multimodal.*', 'multimodal', 'legacy', 'testing', 'testing.*'),
    6: ('preview',),
    7: ('helper', '__init__'),
}  # fmt: skip

#: Imports that go up or across, all inside functions, and why each is one.
BESIDE = {
    ('state', 'nested'): 'the chunks of a Document are an array of Documents',
    ('state', 'array'): 'some methods of a Document are those of an array of it alone',
    ('document_typed', 'models'): 'a model that is nested in one becomes a Document, too',
    ('shown', 'preview'): 'who plots embeddings may have them served, and only then is it loaded',
}

#: Modules inside ``stores`` and ``index`` that belong to no one backend.
SHARED = {'config', 'intake'}

#: Third-party packages: where each may be imported. Only NumPy at the top of a module.
THIRD_PARTY: dict[str, tuple[str, ...]] = {
    'numpy': ('*',),
    'rich': ('display', 'display.*'),
    'hnswlib': ('index.hnsw_graph',),
    'IPython': ('display.notebook',),
    'pytest': ('testing', 'testing.*'),
    'hypothesis': ('testing', 'testing.*'),
    'lz4': ('codecs.*',),
    'torch': ('contents', 'inference'),
    'scipy': (
        'codecs.protobuf',
        'contents',
        'scipy_metrics',
        'sparse',
        'media.hashing',
        'distance',
    ),
    'PIL': ('media.images', 'multimodal.media', 'plots.animation'),
    'soundfile': ('media.audio',),
    'av': ('media.video',),
    'cv2': ('media.video',),
    'trimesh': ('media.meshes',),
    'datasets': ('frames', 'generators'),
    'google': ('codecs.proto_objects',),
    'pydantic': ('model_parts', 'pydantic_model'),
    'pydantic_core': ('model_parts',),
    'strawberry': ('strawberry_type',),
    'loky': ('workers',),
    'cloudpickle': ('workers',),
    'backports': ('codecs.compression',),
    'compression': ('codecs.compression',),  # of the standard library since 3.14
    'pyarrow': ('codecs.arrow*',),
    'pandas': ('frames',),
    'polars': ('frames',),
}

#: Modules that are of use with their package alone, and import it at the top.
WHOLE = {'pydantic_model': 'pydantic', 'strawberry_type': 'strawberry'}

#: What belongs to serving: level 6, and nothing below.
SERVING = {'asyncio', 'multiprocessing', 'yaml', 'grpc', 'http', 'socket', 'socketserver'}

#: The modules that may turn pickles into objects: behind an allow-list; and in a worker
#: process, what the process that started it has pickled.
UNPICKLES = ('codecs.pickled', 'workers')

#: Names that the standard library has too, and why ours do no harm.
NAMESAKES = {
    'array': 'imported as docstore.array only; tests run with PYTHONSAFEPATH',
    'codecs': 'imported as docstore.codecs only; tests run with PYTHONSAFEPATH',
    'math': 'the name that users of legacy code import, as docstore.math only',
    'typing': 'users of docarray import docarray.typing; imported as docstore.typing only',
    'compression': 'imported as docstore.codecs.compression only',
}


@dataclass(frozen=True)
class Import:
    """One import statement of one module."""

    target: str
    line: int
    at_top: bool


def module_names() -> list[str]:
    names = []
    for path in sorted([*PACKAGE.rglob('*.py')]):
        parts = list(path.relative_to(PACKAGE).with_suffix('').parts)
        if parts[-1] == '__init__' and len(parts) > 1:
            parts.pop()
        names.append('.'.join(parts))
    return names


MODULES = module_names()


def source(module: str) -> tuple[Path, ast.Module]:
    path = PACKAGE.joinpath(*module.split('.'))
    path = path / '__init__.py' if path.is_dir() else path.with_suffix('.py')
    return path, ast.parse(path.read_text(encoding='utf-8'))


def place(module: str) -> tuple[int, int] | None:
    """The level of a module, and its place there."""
    for exact in (True, False):
        for number, patterns in LEVELS.items():
            for order, pattern in enumerate(patterns):
                if module == pattern if exact else fnmatch(module, pattern):
                    return number, order
    return None


def imports(module: str) -> list[Import]:
    """What a module imports when it runs, ours as ``docstore.name``."""
    path, tree = source(module)
    package = ['docstore', *path.relative_to(PACKAGE).parent.parts]
    found: list[Import] = []

    def visit(node: ast.AST, at_top: bool) -> None:
        if isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.unparse(node.test):
            children: list[ast.AST] = list(node.orelse)
        else:
            children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, node.lineno, at_top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = '.'.join([*base, *(node.module.split('.') if node.module else [])])
            for alias in node.names:
                inner = f'{whole}.{alias.name}'
                known = inner.removeprefix('docstore.') in {*MODULES, '_core'}
                found.append(Import(inner if known else whole, node.lineno, at_top))
        inside = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in children:
            visit(child, at_top and not inside)

    visit(tree, at_top=True)
    return found


def own(module: str) -> list[tuple[Import, str]]:
    """The imports of our own modules, with the name inside the package."""
    return [
        (entry, entry.target.removeprefix('docstore').lstrip('.') or '__init__')
        for entry in imports(module)
        if entry.target.partition('.')[0] == 'docstore'
    ]


def backend(module: str) -> tuple[str, str] | None:
    """Folder and family of a store, codec or index: ``stores.sqlite_rows`` is of sqlite's.

    The codecs are one family, and so are the indexes: each is made of pieces that
    others use too.
    """
    folder, _, name = module.partition('.')
    if folder not in {'stores', 'codecs', 'index'} or name in {'', 'base', *SHARED}:
        return None
    return folder, name.partition('.')[0].partition('_')[0] if folder == 'stores' else folder


def foreign(module: str) -> list[Import]:
    names = {*sys.stdlib_module_names, 'docstore', '__future__'}
    return [entry for entry in imports(module) if entry.target.partition('.')[0] not in names]


@pytest.mark.parametrize('module', MODULES)
def test_every_module_has_a_level(module: str) -> None:
    assert place(module) is not None, f'say in LEVELS (tests/test_layers.py) where {module} stands'


@pytest.mark.parametrize('module', MODULES)
def test_imports_go_down(module: str) -> None:
    mine = place(module)
    for entry, target in own(module):
        theirs = place(target)
        if mine is None or theirs is None:
            continue
        if (module, target) in BESIDE:
            assert not entry.at_top, f'{module} imports {target} at the top, line {entry.line}'
        elif mine != theirs or backend(module):
            family = backend(module) is not None and backend(module) == backend(target)
            assert theirs < mine or family, (
                f'{module} {mine} imports {target} {theirs} in line {entry.line}'
            )


def test_no_exception_is_left_over() -> None:
    for module, target in BESIDE:
        assert module not in MODULES or target in {name for _, name in own(module)}, (
            f'{module} does not import {target}'
        )


@pytest.mark.parametrize('module', [m for m in MODULES if backend(m)])
def test_stores_codecs_and_indexes_do_not_know_each_other(module: str) -> None:
    folder, family = backend(module) or ('', '')
    for entry, target in own(module):
        assert target not in {'array', 'document'}, f'{module} imports {target}, line {entry.line}'
        other = backend(target)
        if other and (module, target) not in BESIDE:
            assert other == (folder, family), f'{module} imports {target} in line {entry.line}'


@pytest.mark.parametrize('module', MODULES)
def test_third_party_packages_stay_in_their_module(module: str) -> None:
    for entry in foreign(module):
        name = entry.target.partition('.')[0]
        where = THIRD_PARTY.get(name, ())
        assert any(fnmatch(module, pattern) for pattern in where), (
            f'{module} imports {name} in line {entry.line}; allowed in: {where or "no module"}'
        )
        always = name in ('numpy', WHOLE.get(module)) or module.startswith('testing')
        assert always or not entry.at_top, (
            f'{module} imports {name} at the top (line {entry.line}): do it where it is used'
        )


@pytest.mark.parametrize('module', MODULES)
def test_a_missing_package_is_told_with_an_extra_that_exists(module: str) -> None:
    extras = set(metadata('docstore').get_all('Provides-Extra') or [])
    _, tree = source(module)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == 'MissingDependency.of':
            extra = node.args[1]
            assert isinstance(extra, ast.Constant), f'{module}, line {node.lineno}'
            assert extra.value in extras, f'{module}, line {node.lineno}: {extra.value}'


@pytest.mark.parametrize('module', MODULES)
def test_nothing_below_the_flow_knows_of_serving(module: str) -> None:
    if (place(module) or (0, 0)) < (6, 0):
        used = {entry.target.partition('.')[0] for entry in imports(module)}
        assert not used & SERVING


@pytest.mark.parametrize('module', [m for m in MODULES if m not in UNPICKLES])
def test_only_one_module_unpickles(module: str) -> None:
    _, tree = source(module)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in {'pickle', '_pickle', 'marshal'}:
            taken = {alias.name for alias in node.names}
            assert not taken & {'load', 'loads', 'Unpickler'}, f'line {node.lineno}'
        if isinstance(node, ast.Attribute) and node.attr in {'load', 'loads', 'Unpickler'}:
            assert ast.unparse(node.value) not in {'pickle', '_pickle', 'marshal'}, (
                f'{module}, line {node.lineno}: reading a pickle runs what is in it'
            )


@pytest.mark.parametrize('module', MODULES)
def test_no_name_of_the_standard_library(module: str) -> None:
    name = module.rsplit('.', maxsplit=1)[-1]
    assert name == '__init__' or name not in sys.stdlib_module_names or name in NAMESAKES


def test_no_circles() -> None:
    # What is imported inside a function is loaded later, and may close a circle.
    graph = {m: {t for e, t in own(m) if e.at_top and t in MODULES and t != m} for m in MODULES}
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, ' imports '.join([*path, module])
        if module not in done:
            for target in sorted(graph[module]):
                walk(target, (*path, module))
            done.add(module)

    for module in MODULES:
        walk(module, ())


def test_the_core_knows_no_python() -> None:
    for path in sorted((ROOT / 'src' / 'cpp').rglob('*.?pp')):
        text = path.read_text(encoding='utf-8')
        if path.parent.name != 'bindings':
            assert 'pybind11' not in text, path
            assert 'Python.h' not in text, path


def test_the_documentation_shows_these_levels() -> None:
    page = (ROOT / 'docs' / 'architecture.md').read_text(encoding='utf-8')
    rows = [f'| {n} | {" ".join(f"`{name}`" for name in names)} |' for n, names in LEVELS.items()]
    assert '\n'.join(rows) in page, 'docs/architecture.md should have\n' + '\n'.join(rows)
