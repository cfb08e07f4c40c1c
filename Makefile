# Every target does its own set-up. The machine needs Python 3.11 or newer, and make.

PYTHON ?= python3
STACK  ?= dev
PORT   ?=
# Not ?=, because shells export variables of these names.
HOST   =
URL    =
PAGE   =
COVERAGE =
EMULATOR_PORT ?= 4566
FOLDER ?=
QUESTION ?=
MODULES ?=
MINUTES ?= 10
RELEASES ?= trixie forky

# Run its packages as modules. Their scripts name the folder of the installation, and fail if the
# checkout was moved.
VENV := .venv/bin/python
# Installs what is missing, and repairs what is broken: counter_service/toolchain.
TOOLCHAIN = command -v $(PYTHON) >/dev/null || { echo "error: There is no $(PYTHON). Install Python 3.11 or newer,\
 or name one, for example make PYTHON=python3.13." >&2; exit 1; }; $(PYTHON) -I counter_service/toolchain
PREPARE = @$(TOOLCHAIN) prepare

# Python's own variables change what it imports, and could make the tests those of another folder.
# Container images often set PYTHONDONTWRITEBYTECODE: then each of the many processes that these
# commands start would compile the libraries again, which takes a second.
unexport $(filter-out PYTHON PYTHONUNBUFFERED,$(filter PYTHON%,$(.VARIABLES)))

# Keep the lines of parallel targets whole, if this make can.
OUTPUT_SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=line)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test coverage lint types unit unit-server unit-clients set-up e2e e2e-set-up web-test test-engine \
        engine-plans engine-work test-fresh soak mutation build up outputs check emulator audit bench screenshots \
        lock vendor-auth vendor-auth-local clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' Makefile

# --- run and deploy ---------------------------------------------------------------------------

run: ## Run everything here, without AWS (PORT= and HOST= of the page, FOLDER= of its files)
	$(PREPARE) local page
	@export PARENT_PID=$$PPID; exec $(VENV) -m counter_service.local --stack $(STACK) \
	  $(if $(PORT),--port "$(PORT)") $(if $(HOST),--host "$(HOST)") $(if $(FOLDER),--folder "$(FOLDER)")

emulator: ## Run only the embedded AWS, for `pulumi up --stack local` (EMULATOR_PORT=4566)
	$(PREPARE) local
	@export PARENT_PID=$$PPID; exec $(VENV) -m counter_service.local.standalone --port "$(EMULATOR_PORT)" \
	  $(if $(FOLDER),--folder "$(FOLDER)")

up: ## Deploy to AWS with `pulumi up` (STACK=dev; YES=1 skips the questions)
	@$(TOOLCHAIN) up $(STACK)

outputs: ## Show the deployed stack's outputs (STACK=dev)
	@$(TOOLCHAIN) pulumi stack output --stack $(STACK)

check: ## Check that a deployed counter works (STACK=dev, or URL= with the PAGE= to check)
	$(PREPARE) local
	@$(VENV) -m counter_service.cli check $(if $(URL),"$(URL)" $(if $(PAGE),--page "$(PAGE)"),--stack "$(STACK)")

build: ## Build the page into web/dist, even if it is up to date
	@$(TOOLCHAIN) build

vendor-auth: ## Install the token library for Lambda, for stacks with authIssuer
	$(PREPARE) auth

vendor-auth-local: ## Install the token library for this machine, for make run
	$(PREPARE) auth-local

# --- test and measure -------------------------------------------------------------------------

# Three parts run side by side, the longest first. unit-server runs while others install and build.
test: ## Run every test, the type checks and the linters
	$(PREPARE) dev
	@$(VENV) -m tests.e2e.browser
	@$(MAKE) --no-print-directory --jobs=3 $(OUTPUT_SYNC) \
	  lint unit-server set-up $(E2E) unit-clients types web-test

coverage: ## Run every test, and measure what the Python tests cover
	@$(MAKE) --no-print-directory test COVERAGE=1
	@$(VENV) -m coverage combine --quiet \
	  $(addprefix .coverage-,unit-server unit-clients set-up $(E2E))
	@$(VENV) -m coverage report

# Before Python 3.14, measuring the coverage doubles the time of code in packages.
PYTEST = $(if $(COVERAGE),COVERAGE_FILE=.coverage-$@ )$(VENV) -m pytest$(if $(COVERAGE), --cov --cov-report= --cov-fail-under=0)

lint:
	$(PREPARE) dev web
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .
	@$(TOOLCHAIN) npm --prefix web run --silent lint

types:
	$(PREPARE) dev web
	$(VENV) -m mypy
	@$(TOOLCHAIN) npm --prefix web run --silent typecheck

unit: ## Run the tests that need no browser and do not deploy
	$(PREPARE) dev
	@$(MAKE) --no-print-directory --jobs=2 $(OUTPUT_SYNC) unit-server unit-clients

# Two parts that take about the same time.
UNIT_CLIENTS := $(addprefix tests/,bench cli client costs simulation soak)

unit-server:
	$(PYTEST) $(addprefix --ignore ,$(UNIT_CLIENTS)) --ignore tests/e2e --ignore tests/engine --ignore tests/toolchain

unit-clients:
	$(PYTEST) $(UNIT_CLIENTS)

set-up: ## Run the tests of the set-up, which break it in a small checkout
	$(PREPARE) dev web
	$(PYTEST) tests/toolchain

web-test: ## Run the page's own tests
	$(PREPARE) web
	@$(TOOLCHAIN) npm --prefix web run --silent test

e2e: ## Test the product on the embedded AWS, with real clients and Chromium
	$(PREPARE) dev
	@$(VENV) -m tests.e2e.browser
	@$(MAKE) --no-print-directory --jobs=3 $(OUTPUT_SYNC) $(E2E)

# The tests wait most of the time, so three of these run side by side.
E2E := e2e-page e2e-faults e2e-product e2e-run e2e-termination
e2e_files = $(foreach name,$(1),tests/e2e/test_$(name).py)
E2E_termination := $(call e2e_files,termination)
E2E_run := $(call e2e_files,local_run proxies standalone)
E2E_faults := $(call e2e_files,page_faults page_functions)
E2E_page := $(filter-out $(E2E_faults),$(wildcard tests/e2e/test_page*.py))
E2E_product := $(filter-out $(E2E_termination) $(E2E_faults) $(E2E_page) $(E2E_run),$(wildcard tests/e2e/test_*.py))

$(E2E): e2e-%: e2e-set-up
	$(PYTEST) $(E2E_$*)

e2e-set-up:
	$(PREPARE) dev page auth-local

test-engine: ## Test the program on Pulumi's own engine; offers to install a missing CLI (YES=1 installs it)
	$(PREPARE) pulumi dev
	@$(MAKE) --no-print-directory --jobs=2 $(OUTPUT_SYNC) \
	  engine-plans engine-work

# Two halves that take about the same time.
ENGINE_WORK := $(addprefix tests/engine/test_,clone.py embedded_aws.py stack_files.py)

engine-plans:
	$(VENV) -m pytest tests/engine $(addprefix --ignore=,$(ENGINE_WORK))

engine-work:
	$(VENV) -m pytest $(ENGINE_WORK)

soak: ## Test the product under faults; writes docs/reliability.md (MINUTES=10)
	$(PREPARE) dev page
	@$(VENV) -m tests.e2e.browser || true # without Chromium, the WebSocket clients run
	$(VENV) -m tests.soak --minutes "$(MINUTES)"

test-fresh: ## Run make run and make test in clean Debian systems (as root; RELEASES="trixie forky")
	$(PREPARE) dev
	@exec $(VENV) -m tests.fresh $(RELEASES)

mutation: ## Find changes of the code that no test detects (MODULES=fanout/pace.py; all take an hour or two)
	$(PREPARE) dev
	@exec $(VENV) -m tests.mutation $(MODULES)

audit: ## Look up advisories on every locked package
	@$(TOOLCHAIN) audit

bench: ## Run the benchmarks, or one with QUESTION=fan_out; needs nginx
	$(PREPARE) local bench bench-node
	.toolchain/bench/bin/python -m bench $(QUESTION)

# --- maintain ---------------------------------------------------------------------------------

screenshots: ## Take the pictures in docs/images again
	$(PREPARE) dev page
	@$(VENV) -m tests.e2e.browser
	$(VENV) -m tests.e2e.screenshots docs/images

lock: ## Pin the newest packages that pyproject.toml and web/package.json allow
	@$(TOOLCHAIN) lock

clean: ## Remove everything that was built or installed
	rm -rf .venv .toolchain .vendor .local web/node_modules web/dist web/coverage bench/node/node_modules \
	  .coverage .coverage-* .mypy_cache .ruff_cache .pytest_cache .hypothesis
