# Everything one does with sd-env. On a fresh machine `make train` or `make test` is enough: each sets up what it needs first.
# Another Python: make setup PYTHON=python3.12      Arguments: make train ARGS="--seeds 1"

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup train test test-slow test-lowest test-bare test-dist test-container mutants faults crash fuzz soak lint science bench performance compatibility sbom docs docs-serve docs-test clean

# The first of these that runs and is new enough, unless one is named.
PYTHONS := python3 python3.13 python3.12 python3.11 python
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in $(PYTHONS); do $$p -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && { echo $$p; break; }; done)
ARGS ?=
# any: take a build of torch that the lock file does not know, if no other is offered; known: refuse.
TORCH ?= any
# Names of tests, files or options for pytest: make test TESTS="tests/test_packaging.py -x"
TESTS ?= --ignore=tests/browser

VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.ready
# At the lowest versions: all of the game's tests and of those who play it, but neither documentation nor benchmarks.
LOWEST_TESTS ?= tests/sd_env tests/agents tests/test_packaging.py
LOWEST_VENV := .venv-lowest
LOWEST_RUN := $(LOWEST_VENV)/bin/python
LOWEST_STAMP := $(LOWEST_VENV)/.ready
BARE_VENV := .venv-bare
DIST_VENV := .venv-dist
DIST_RUN := $(DIST_VENV)/bin/python
DIST_STAMP := $(DIST_VENV)/.ready
BENCH_VENV := .venv-bench
BENCH_RUN := $(BENCH_VENV)/bin/python
BENCH_STAMP := $(BENCH_VENV)/.ready

# make_venv(folder, what to install, in words): quiet, with the log kept and its end shown when something fails.
# Where nobody offers a build of torch that the lock file knows, torch alone is taken as it is offered, and that is said.
define make_venv
	@"$(or $(PYTHON),false)" -c '$(NEW_ENOUGH)' >/dev/null 2>&1 || { \
	  echo "sd-env needs Python 3.11 or newer, and found $$("$(or $(PYTHON),python3)" --version 2>/dev/null || echo none); name one with PYTHON=/path/to/python3.11." >&2; exit 1; }
	@echo "Setting up $(1) with $$("$(PYTHON)" --version) ($(3); log in $(1)/setup.log) ..."
	@mkdir -p $(1)
	@{ { "$(PYTHON)" -m venv $(1) || { echo "No virtual environment could be made; on Debian and Ubuntu: apt-get install python3-venv."; exit 1; }; } \
	  && { $(1)/bin/python -m pip install --disable-pip-version-check $(2) \
	    $(if $(findstring --require-hashes,$(2)),|| { [ "$(TORCH)" = any ] && touch $(1)/.any-torch \
	      && $(1)/bin/python -m pip install --disable-pip-version-check "$$(grep -o '^torch==[0-9.]*' requirements.lock)" \
	      && $(1)/bin/python -m pip install --disable-pip-version-check $(2); }); } \
	  && $(1)/bin/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	  } >$(1)/setup.log 2>&1 </dev/null || { tail -n 15 $(1)/setup.log >&2; echo "Setting up $(1) failed; the whole log is $(1)/setup.log." >&2; exit 1; }
	@! rm $(1)/.any-torch 2>/dev/null || echo "No build of torch whose hash is known was offered: it was installed without that check (TORCH=known refuses)." >&2
	@touch $(1)/.ready
endef

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | while IFS='|' read -r name what; do printf '  make %-14s %s\n' "$$name" "$$what"; done

setup: $(STAMP) ## install sd-env and all that it needs into .venv (once, about two minutes and 2 GB)

$(STAMP): requirements.lock pyproject.toml
	$(call make_venv,$(VENV),--require-hashes -r requirements.lock,once: about two minutes and 2 GB)

$(BENCH_STAMP): requirements.lock benchmarks/requirements.lock pyproject.toml
	$(call make_venv,$(BENCH_VENV),--require-hashes -r requirements.lock,once: about two minutes and 2 GB)
	@$(BENCH_RUN) -m pip install --disable-pip-version-check --no-deps --require-hashes -r benchmarks/requirements.lock >>$(BENCH_VENV)/setup.log 2>&1 \
	  || { rm -f $@; tail -n 15 $(BENCH_VENV)/setup.log >&2; exit 1; }

train: $(STAMP) ## train the four worlds and show which spiral (ARGS="--seeds 1")
	@$(RUN) train.py $(ARGS)

science: $(STAMP) ## run the experiments behind docs/results (some hours on 2 cores)
	@$(RUN) -m agents.publish.science $(ARGS)

bench: $(BENCH_STAMP) ## measure speed, beside peers, in an environment of its own (ARGS="engine faces")
	@$(BENCH_RUN) -m benchmarks.run $(ARGS)

performance: $(BENCH_STAMP) ## measure all that docs/performance.md says, and write it, on an idle machine (ARGS="--repeats 3")
	@$(BENCH_RUN) -m benchmarks.performance $(ARGS)

compatibility: $(STAMP) ## run each example beside its library, in environments of their own (ARGS="torchrl_mappo rllib_ppo")
	@$(RUN) -m tools.compatibility $(ARGS)

# Compiled modules are kept even where the shell says not to: else each process of the tests rewrites every file of them.
test test-slow test-lowest test-dist: export PYTHONDONTWRITEBYTECODE :=

test: $(STAMP) ## run the tests but the slow ones, which are run by name (TESTS=tests/sd_env/test_rules.py to run some)
	@$(RUN) -m pytest -q -n auto --maxprocesses 4 $(TESTS)

test-slow: $(STAMP) ## run the slow tests, some seconds to minutes each
	@$(RUN) -m pytest -q -n auto --maxprocesses 4 -m slow $(TESTS)

$(LOWEST_STAMP): requirements-lowest.lock pyproject.toml
	$(call make_venv,$(LOWEST_VENV),--require-hashes -r requirements-lowest.lock,once: about two minutes and 2 GB)

test-lowest: $(LOWEST_STAMP) ## run the tests at the lowest versions that pyproject.toml accepts (LOWEST_TESTS=tests/sd_env)
	@$(LOWEST_RUN) -m pytest -q -n auto --maxprocesses 4 -m "slow or not slow" $(LOWEST_TESTS)

test-bare: ## play with nothing installed but the game's six dependencies (PYTHON=python3.13)
	@rm -rf $(BARE_VENV) && mkdir $(BARE_VENV)
	@grep -o '^[A-Za-z0-9._-]*==[^ ]*' requirements.lock >$(BARE_VENV)/versions.txt
	$(call make_venv,$(BARE_VENV),-c $(BARE_VENV)/versions.txt setuptools -e .,half a minute)
	@$(BARE_VENV)/bin/python -m tests.bare_install

$(DIST_STAMP): requirements.lock pyproject.toml
	$(call make_venv,$(DIST_VENV),--require-hashes -r requirements.lock,once: about two minutes and 2 GB)
	@$(DIST_RUN) -m pip uninstall --quiet --yes sd-env

test-dist: $(DIST_STAMP) ## build wheel and source distribution, and test them away from the repository (DIST_TESTS=tests/sd_env)
	@$(DIST_RUN) -m tools.distribution $(DIST_TESTS)

mutants: $(STAMP) ## change the rules one operator at a time and list what no test notices (an hour; ARGS="--only sd_env/rules/war.py --sample 50")
	@nice -n 15 $(RUN) -m tools.mutants $(ARGS)

sbom: $(STAMP) ## write the software bill of materials, sbom.json (ARGS=--write: and docs/licences.md)
	@$(RUN) -m tools.sbom $(ARGS)

faults: $(STAMP) ## let the k-th write, fsync, rename, open or fork fail, for each k (ARGS="evaluate --most 5"; docs/reliability.md)
	@$(RUN) -m tools.faults $(ARGS)

crash: $(STAMP) ## kill -9 at random times, 100 if ARGS does not say otherwise (ARGS=20)
	@$(RUN) -m tools.crash $(ARGS)

fuzz: $(STAMP) ## change scenarios, configurations, logs, bundles and command lines at random, for a minute (ARGS="--seconds 600")
	@$(RUN) -m tools.fuzz $(ARGS)

soak: $(STAMP) ## play a hundred million agent-steps and see that memory stays flat (ARGS=1e9)
	@$(RUN) -m tools.soak $(ARGS)

test-container: $(STAMP) ## the README's commands in a read-only tree without a home, as in a container
	@tools/container.sh

docs-test: $(STAMP) ## run the code in README.md and docs/
	@$(RUN) -m pytest -q tests/test_docs*.py

# mkdocs counts only the warnings that it shows, so --quiet would make --strict pass everything
docs: $(STAMP) ## build the book into site/, and fail where a link leads nowhere
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict $(ARGS)

docs-serve: $(STAMP) ## show the book while you write, at http://127.0.0.1:8000
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs serve --livereload $(ARGS)

lint: $(STAMP) ## ruff and mypy
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

clean: ## remove the environments and all caches; runs/ and results stay
	@rm -rf $(VENV) $(LOWEST_VENV) $(BARE_VENV) $(BENCH_VENV) $(DIST_VENV) .venv-compat .venv-peers build dist site *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache
	@find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
