# make demo: try it.  make test: prove it.  make check: lint, types, who imports whom.
# make docs: the pages as a site, in site/.  make bench: how fast, beside the least there can be.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INPUTS := pyproject.toml constraints.txt
# The environment, unlike an option, also reaches the isolated build of this package; pip 25.3
# gave that a name of its own.
PIP := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet
# Tests differ in length by a thousand times, so whoever is done takes what others have waiting.
PYTEST_ARGS ?= -n auto --dist worksteal

# Tests that may fail beside others and are tried again by themselves; see CONTRIBUTING.md.
MOST_AGAIN := 3
FAILED := .pytest_cache/v/cache/lastfailed

.PHONY: demo test test-again check bench bench-smoke docs format clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	@$(BIN)/coze-bridge demo

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-again: $(VENV)/.installed-dev
	@$(BIN)/python -c 'import json, sys; failed = json.load(open("$(FAILED)")); \
		print(f"{len(failed)} failed, again by itself:", *failed, sep="\n  "); \
		sys.exit(len(failed) not in range(1, $(MOST_AGAIN) + 1))'
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	$(BIN)/python -m bench.suite $(BENCH_ARGS)

bench-smoke: $(VENV)/.installed-dev
	$(BIN)/python -m bench.smoke $(BENCH_ARGS)

docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "Open site/index.html, or: $(BIN)/mkdocs serve"

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .demo build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "coze-bridge needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
		echo "Name another one: make PYTHON=python3.12 demo" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo "On Debian and Ubuntu, venv is a package of its own: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.installed: $(VENV)/.created $(INPUTS)
	@echo "Installing coze-bridge into $(VENV) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.created $(INPUTS)
	@echo "Installing coze-bridge with its tests and tools into $(VENV) ..."
	@$(PIP) --editable '.[dev]'
	@# Only its models of the Bot API are used; its own wishes contradict ours (pydantic < 2.14).
	@$(PIP) --no-deps aiogram==3.31.0 aiofiles==25.1.0 magic-filter==1.0.12
	@touch $@ $(VENV)/.installed
