"""What users may rely on: exact names, each documented, each with its docstring."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from importlib.metadata import metadata, version
from pathlib import Path

import pytest

import docstore
from docstore import errors
from docstore.codecs import CODECS
from docstore.index import INDEXES
from docstore.stores import STORES

ROOT = Path(__file__).parents[1]
DOCS = '\n'.join(path.read_text(encoding='utf-8') for path in sorted(ROOT.glob('docs/**/*.md')))
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(docstore.__path__, 'docstore.')
    if not module.name.endswith('._core')
)


def test_all_is_exact() -> None:
    assert len(set(docstore.__all__)) == len(docstore.__all__)
    assert set(docstore.__all__) <= set(dir(docstore))
    for name in docstore.__all__:
        assert getattr(docstore, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match='NoSuchName'):
        docstore.NoSuchName  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize('name', MODULES)
def test_the_all_of_every_module_is_exact(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except errors.MissingDependency as error:
        pytest.skip(str(error))
    public = getattr(module, '__all__', None)
    if public is None:
        assert not re.search(r'^(class|def) [a-z]', inspect.getsource(module), re.MULTILINE), (
            f'{name} defines public names and has no __all__'
        )
        return
    assert len(set(public)) == len(public)
    for entry in public:
        assert hasattr(module, entry), f'{name}.__all__ has {entry}, the module has not'


@pytest.mark.parametrize('name', docstore.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    assert re.search(rf'\b{name}\b', DOCS), f'{name} is not in docs/'
    if name != '__version__':
        assert inspect.getdoc(getattr(docstore, name))


@pytest.mark.parametrize('name', [*STORES, *CODECS, *INDEXES], ids=str)
def test_every_registered_name_is_documented(name: str) -> None:
    assert f'`{name}`' in DOCS or f"'{name}'" in DOCS, f'{name} is not in docs/'


@pytest.mark.parametrize('registry', [STORES, CODECS, INDEXES], ids=lambda registry: registry.kind)
def test_every_registered_name_leads_somewhere(registry: object) -> None:
    for name in registry:  # type: ignore[attr-defined]
        assert callable(registry.load(name))  # type: ignore[attr-defined]


@pytest.mark.parametrize('name', docstore.__all__)
def test_public_methods_have_docstrings(name: str) -> None:
    value = getattr(docstore, name)
    if not inspect.isclass(value):
        return
    for attribute, member in vars(value).items():
        if not attribute.startswith('_') and (callable(member) or isinstance(member, property)):
            assert inspect.getdoc(member), f'{name}.{attribute} has no docstring'


def test_errors_are_one_tree_of_familiar_types() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, errors.DocstoreError)
        builtin = {base for base in kind.__mro__ if base.__module__ == 'builtins'}
        if kind is not errors.DocstoreError:
            assert builtin - {Exception, BaseException, object}, f'{name} is no built-in type too'


def test_the_version_is_said_once() -> None:
    assert docstore.__version__ == version('docstore')
    text = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    assert f'version = "{docstore.__version__}"' in text
    for path in [*ROOT.glob('docstore/**/*.py'), ROOT / 'CMakeLists.txt']:
        assert docstore.__version__ not in path.read_text(encoding='utf-8'), path


def test_the_package_says_that_it_is_typed() -> None:
    folder = Path(inspect.getfile(docstore)).parent
    assert (folder / 'py.typed').exists()
    assert (folder / '_core.pyi').exists()
    assert not list(folder.rglob('*.?pp'))
    assert metadata('docstore')['License-Expression'] == 'Apache-2.0'
