# make run   the gateway on port 3000, from a fresh clone, with nothing but Python 3.11+ and make
# make test  everything that a change must pass
# The variables of .env.example (PORT, HOST, DATABASE_URL, …) count, from the environment or from .env.

# PYTHONS="/path/to/python3 …": which Python runs it, the fastest of these.
PYTHONS ?= python3.13 python3.12 python3.11 python3 /usr/bin/python3 /usr/local/bin/python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Three on two cores: the tests of whole servers wait half of their time.
JOBS ?= 3
TESTS ?= tests

.PHONY: help formats run build test test-all lint bench bench-growth bench-soak screenshots install install-dev browser clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# //p' Makefile
	@echo "also: build, test-all, lint, formats, bench, bench-growth, bench-soak, screenshots, clean"

run: install
	@$(BIN)/python -m openopen8 build || echo "Going on with the dashboard as it was."
	@exec $(BIN)/python -m openopen8 serve --no-build

build: install
	@$(BIN)/python -m openopen8 build
	@$(PIP) install build
	@$(BIN)/python -m build --wheel --outdir dist .

test: install-dev browser lint
	@echo "Tests"
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not slow" $(TESTS)

test-all: install-dev browser lint
	@OPENOPEN8_TEST_ALL=1 OO8_FUZZ_EXAMPLES=80 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(TESTS)

lint: install-dev
	@echo "Lint: ruff, mypy, imports"
	@$(BIN)/ruff check .
	@$(BIN)/mypy openopen8/core relay
	@$(BIN)/python -m pytest --quiet --no-header -p no:cacheprovider tests/test_imports.py

# The table beside nginx; BENCH="unary-32 growth …" are rows or parts of it, PEERS=1 adds LiteLLM's proxy.
bench: install-dev
	@$(BIN)/python -m tests.bench $(BENCH) $(if $(PEERS),table peers)

# docs/formats.md, out of the golden cases.
formats: install-dev
	@$(BIN)/python tests/relay/formats/formats_page.py

bench-growth bench-soak: bench-%: install-dev
	@$(BIN)/python -m tests.bench $*

screenshots: install-dev browser
	@$(BIN)/python -m openopen8 build
	@$(BIN)/python -m tests.e2e.screenshots

install: $(BIN)/.installed
install-dev: $(BIN)/.installed-dev

$(BIN)/python:
	@found=$$(.ci/interpreter $(PYTHONS)) || exit 1; \
	echo "Making $(VENV) with $$("$$found" --version) ($$found)"; \
	"$$found" -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv is not whole (Debian: apt install python3-venv)"; exit 1; }

$(BIN)/.installed: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing what OpenOpen8 needs (about a minute the first time)"
	@$(PIP) install --requirement requirements.txt
	@$(PIP) install --no-deps --editable .
	@touch $@

$(BIN)/.installed-dev: requirements-dev.txt $(BIN)/.installed
	@echo "Installing what the tests need"
	@$(PIP) install --requirement requirements-dev.txt
	@touch $@

browser: install-dev
	@.ci/browser $(BIN)/python

clean:
	rm -rf .web build dist .states .pytest_cache .mypy_cache .ruff_cache .hypothesis screenshots *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -type d -prune -exec rm -rf {} +
