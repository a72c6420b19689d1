# `make demo` and `make test` set up all they need in .venv, and use it again.
# Needed beforehand: Python 3.10 or later, a C++20 compiler, make.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
CPP := $(shell find src tests/cpp -name '*.?pp' 2>/dev/null)
PACKAGE := pyproject.toml CMakeLists.txt $(filter src/%,$(CPP)) \
           $(shell find docstore -name '*.py' -o -name '*.pyi' -o -name 'py.typed')

export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)
export PATH := $(CURDIR)/$(BIN):$(PATH)
# The installed package is what is run and tested, never the folder beside us.
export PYTHONSAFEPATH := 1

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test lint types test-cpp test-python docs bench stubs format clean

help:
	@echo 'make demo    search real text: builds, installs, embeds, stores, asks'
	@echo 'make test    every check there is'
	@echo 'make bench   speed and recall against other libraries'
	@echo 'make docs    the web site, in site/'
	@echo 'make format  lay out Python and C++;  make stubs  write docstore/_core.pyi anew'
	@echo 'make clean   remove everything that was built, .venv too'

demo: $(VENV)/text.installed
	@$(BIN)/python examples/wordnet_search/demo.py

test: lint types test-cpp docs test-python

bench: $(VENV)/bench.installed
	@$(BIN)/python benchmarks/run.py

# --- setting up --------------------------------------------------------------

$(VENV)/tools.installed: Makefile
	@echo "== setting up $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "docstore needs Python 3.10 or later: make PYTHON=python3.x")'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install 'pip>=23.1'
	@$(PIP) install 'scikit-build-core>=0.11' 'pybind11>=3.0' 'cmake>=3.25' ninja setuptools
	@touch $@

# One stamp for each extra. The build directory is kept, so that only what has
# changed is compiled again.
$(VENV)/%.installed: $(VENV)/tools.installed $(PACKAGE)
	@echo "== installing docstore[$*] (the first time this compiles the core: a minute or two)"
	@$(PIP) install --no-build-isolation -Cbuild-dir=build/wheel '.[$*]'
	@touch $@

# --- the parts of make test --------------------------------------------------

lint: $(VENV)/dev.installed
	@echo '== lint'
	@ruff check --quiet
	@ruff format --check --quiet
	@clang-format --dry-run --Werror $(CPP)
	@codespell

types: $(VENV)/dev.installed
	@echo '== types'
	@mypy --no-error-summary

# Each as CMakePresets.json says: `cmake --workflow --preset tsan` does the same.
test-cpp: $(VENV)/tools.installed
	@for preset in release asan-ubsan tsan; do \
	  echo "== C++ tests: $$preset"; \
	  cmake --preset $$preset --log-level=WARNING >/dev/null && \
	  cmake --build --preset $$preset -- --quiet && \
	  ctest --preset $$preset --progress || exit 1; \
	done

test-python: $(VENV)/dev.installed
	@echo '== Python tests'
	@pytest -q

docs: $(VENV)/dev.installed
	@echo '== documentation'
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

# --- for those who change docstore -------------------------------------------

stubs: $(VENV)/dev.installed
	@$(BIN)/python tools/stubs.py --write

format: $(VENV)/dev.installed
	@ruff check --fix --quiet
	@ruff format --quiet
	@clang-format -i $(CPP)

clean:
	rm -rf build dist site $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
