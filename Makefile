# Every target does its own set-up. Needed on the machine: Python >= 3.11 and make.

PYTHON ?= python3
STACK  ?= dev
PORT   ?=
EMULATOR_PORT ?= 4566
OFFLINE ?=
QUESTION ?=

BIN         := .venv/bin
NPM         := scripts/npm
# Folders among them: a file that was removed shows in its folder's time alone.
WEB_SOURCES := $(shell find web/src web/public 2>/dev/null) web/index.html \
               $(wildcard web/*.ts web/tsconfig*.json) web/package-lock.json
# One bundle serves every stack, so no VITE_WEBSOCKET_URL of a .env may get into it.
BUILD_PAGE  := VITE_WEBSOCKET_URL= $(NPM) --prefix web run --silent build

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint types unit e2e web-test build up outputs emulator audit bench screenshots lock vendor \
        vendor-here clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

# --- use it ---------------------------------------------------------------------------------

run: .venv/local.done web/dist/index.html ## Run everything here, without AWS (PORT= fixes the page's port)
	@exec $(BIN)/python -m counter_service.local --stack $(STACK) $(if $(PORT),--port "$(PORT)")

emulator: .venv/local.done ## The embedded AWS alone, for `pulumi up --stack local` (EMULATOR_PORT=4566)
	@exec $(BIN)/python -m counter_service.local.standalone --port "$(EMULATOR_PORT)"

up: .venv/pulumi.done web/dist/index.html ## Deploy to AWS with `pulumi up` (STACK=dev)
	@scripts/pulumi stack select --create $(STACK)
	@exec scripts/pulumi up --stack $(STACK)

vendor: | .venv/bin/python ## Fetch the token library for Lambda, for stacks with authIssuer
	scripts/vendor $(BIN)/python .vendor/auth

vendor-here: | .venv/bin/python ## The same for this machine, for make run
	scripts/vendor $(BIN)/python .vendor/auth-here here

outputs: ## Show the deployed stack's outputs (STACK=dev)
	@exec scripts/pulumi stack output --stack $(STACK)

build: web/node_modules/.done ## Build the page into web/dist, always anew
	@$(BUILD_PAGE)

# --- prove it -------------------------------------------------------------------------------

test: .venv/dev.done web/node_modules/.done ## Every test, with types and lint
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line lint types unit web-test
	@$(MAKE) --no-print-directory e2e
	@$(BIN)/coverage report

lint: .venv/dev.done web/node_modules/.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(NPM) --prefix web run --silent lint

types: .venv/dev.done web/node_modules/.done
	$(BIN)/mypy
	$(NPM) --prefix web run --silent typecheck

unit: .venv/dev.done ## The tests that need no browser and no emulator
	$(BIN)/pytest --ignore tests/e2e --cov --cov-report= --cov-fail-under=0

web-test: web/node_modules/.done ## The page's own tests
	$(NPM) --prefix web run --silent test

e2e: .venv/dev.done .venv/browser.done .vendor/auth-here/requirements-auth.txt web/dist/index.html ## The product on the embedded AWS, with real clients and Chromium
	$(BIN)/pytest tests/e2e --cov --cov-append --cov-report= --cov-fail-under=0

audit: .venv/local.done .venv-audit/done web/dist/index.html ## Scan the graph, look up advisories (OFFLINE=1: the scan alone)
	$(BIN)/python -W ignore::DeprecationWarning -m audit $(if $(OFFLINE),--offline)

bench: .venv/local.done .venv-bench/done bench/node/node_modules/.done ## Measure, beside others (QUESTION=fan_out); needs nginx
	.venv-bench/bin/python -m bench $(QUESTION)

# --- keep it --------------------------------------------------------------------------------

screenshots: .venv/dev.done .venv/browser.done web/dist/index.html ## Take the pictures in docs/images again
	$(BIN)/python -m tests.e2e.screenshots docs/images

lock: .venv/dev.done ## Compile requirements*.txt from requirements*.in, and package-lock.json
	scripts/lock $(BIN)/uv
	$(NPM) --prefix web install --package-lock-only
	$(NPM) --prefix bench/node install --package-lock-only

clean: ## Remove everything that was built or installed
	rm -rf .venv .venv-audit .venv-bench bench/node/node_modules .vendor .local web/node_modules web/dist web/coverage .coverage .mypy_cache \
	  .ruff_cache .pytest_cache .hypothesis

# --- set-up, done once ------------------------------------------------------------------------

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed. Name one with PYTHON=python3.13." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "error: python -m venv failed; on Debian: apt install python3-venv" >&2; exit 1; }

.venv/pulumi.done: requirements.txt | .venv/bin/python
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -r $<
	@touch $@

.venv/local.done: requirements-local.txt | .venv/bin/python
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -r $<
	@touch $@

.venv/dev.done: requirements-dev.txt | .venv/bin/python
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -r $<
	@touch $@

.vendor/auth-here/requirements-auth.txt: requirements-auth.txt | .venv/bin/python
	scripts/vendor $(BIN)/python .vendor/auth-here here

.venv/browser.done: .venv/dev.done
	$(BIN)/python -m tests.e2e.browser
	@touch $@

# On its own: its pins do not go together with those of the product.
.venv-audit/done: requirements-audit.txt | .venv/bin/python
	@$(BIN)/python -m venv .venv-audit
	.venv-audit/bin/pip install --quiet --no-compile --disable-pip-version-check -r $<
	@touch $@

# On its own for the same reason.
.venv-bench/done: requirements-bench.txt | .venv/bin/python
	@$(BIN)/python -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --no-compile --disable-pip-version-check -r $<
	@touch $@

bench/node/node_modules/.done: bench/node/package-lock.json | .venv/bin/python
	$(NPM) --prefix bench/node ci --no-audit --no-fund
	@touch $@

web/node_modules/.done: web/package-lock.json | .venv/bin/python
	$(NPM) --prefix web ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.done $(WEB_SOURCES)
	@$(BUILD_PAGE)
