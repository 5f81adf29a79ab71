# Two commands for everybody: `make demo` and `make test`. They need Python 3.11 or newer, make and git.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV ?= .venv
LOCK ?= requirements.lock
MARKS ?= not browser
NEXT := $(shell for python in python3.12 $$HOME/.pyenv/versions/3.12.*/bin/python3.12; do \
	$$python -c 'import sys; print(sys.executable)' 2>/dev/null && break; done)
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py

.DEFAULT_GOAL := help

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

setup: $(VENV)/.installed ## Make the virtual environment from the lock file

$(VENV)/.installed: $(LOCK) pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "agentops needs Python 3.11 or newer")'
	@echo "Installing from $(LOCK) into $(VENV): some minutes, once."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -r $(LOCK)
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps -e .
	@touch $@

demo: setup ## Start everything on this machine; Ctrl-C ends it
	@exec $(MANAGE) demo

smoke: setup ## Run the main job once, and once more while a worker is killed
	$(MANAGE) demo --smoke
	$(MANAGE) demo --smoke --kill-worker

test: setup ## Run the tests
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "$(MARKS)"

test-postgres: setup ## Run the tests on a real PostgreSQL, embedded
	$(BIN)/python -m tests.on_postgres -n 2 --dist worksteal -m "not browser"

test-next: ## The same on Python 3.12 and Django 6.1, where that interpreter is
	$(MAKE) test-postgres $(if $(NEXT),PYTHON=$(NEXT) VENV=.venv-3.12 LOCK=requirements-3.12.lock)

browser: setup ## Open the console in a real browser; saves screenshots under var/screenshots
	@command -v chromium >/dev/null || .ci/install-chromium
	$(BIN)/python -m pytest -m browser tests/browser

lint: setup ## Check format, style, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	AGENTOPS_EXAMPLES=1 $(BIN)/mypy
	$(BIN)/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	AGENTOPS_EXAMPLES=1 $(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check --fail-level WARNING

fix: setup ## Mend format and style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Two corners of the grid: the oldest versions on SQLite, the newest on PostgreSQL.
check: lint test smoke browser test-next ## Everything that CI runs

lock: setup ## Resolve the dependencies anew and write the lock files
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --upgrade --extra dev --generate-hashes --allow-unsafe --strip-extras --no-annotate \
		--no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
		--output-file $(LOCK) pyproject.toml

clean: ## Remove the virtual environments and everything under var/
	rm -rf .venv .venv-3.12 var

.PHONY: help setup demo smoke test test-postgres test-next browser lint fix check lock clean
