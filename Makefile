# `make` alone lists the targets. Everything is fetched into the checkout: .tools and .venv.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup check format test thorough chaos demo serve bench lock clean

# A caller's environment must not choose our interpreter; .python-version does.
unexport PYENV_VERSION PYTHONHOME PYTHONPATH VIRTUAL_ENV
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_USER := 0
# Behind a proxy that looks into TLS only the machine's own certificates are right.
export NODE_USE_SYSTEM_CA := 1
ifneq ($(wildcard /etc/ssl/cert.pem /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/*.crt),)
export UV_SYSTEM_CERTS := true
endif

ARGS ?=
UV := .tools/uv
VENV := .venv/.complete
NODE := .tools/node/.complete
PYTHON := .venv/bin/python
PYTHON_VERSION := $(shell cat .python-version)

PRODUCT := $(wildcard function_app.py curfew triggers orchestrators activities)
HELPERS := $(wildcard devhost simulator tests bench)

# Tests wait for what they talk to about as long as they work: one more than a small machine's cores.
AT_ONCE := --numprocesses 3 --dist worksteal

# Runs a command and shows what it said only if it failed.
QUIET = sh -c 'said=$$("$$@" 2>&1) || { printf "%s\n" "$$said" >&2; exit 1; }' quiet

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1 \t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(VENV) $(NODE) ## fetch everything the other targets need

# Fields and members of enumerations are read by serialisers, which vulture cannot see: what it is
# only 60 % sure of in that respect is left out. Unused local variables are ruff's.
check: $(VENV) ## format, lint, types, import contracts, dependencies, dead code
	@.venv/bin/ruff format --check --quiet --output-format concise . \
	  || { echo "error: not formatted; run: make format" >&2; exit 1; }
	@.venv/bin/ruff check --quiet --output-format concise .
	@.venv/bin/mypy --no-error-summary $(PRODUCT) $(HELPERS)
	@$(QUIET) .venv/bin/lint-imports --no-logo
	@$(QUIET) .venv/bin/deptry --no-ansi . --extend-exclude '(bench|devhost|simulator|tests)/'
	@$(QUIET) .venv/bin/deptry --no-ansi $(HELPERS) --ignore DEP002,DEP004
	@! .venv/bin/vulture $(PRODUCT) $(HELPERS) | grep -vE "unused (attribute|variable) '.*\(60%"
	@$(QUIET) $(PYTHON) -m pytest --quiet --noconftest tests/test_house.py
	@echo "All checks passed."

format: $(VENV) ## format the code and apply the safe fixes of the linter
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

test: $(VENV) $(NODE) ## all tests but the slow suites; ARGS="-k name" are pytest's
	@$(PYTHON) -m pytest -m "not slow" $(AT_ONCE) $(ARGS)

thorough: $(VENV) $(NODE) ## the slow tests too: every call of a grant, failing in every way
	@$(PYTHON) -m pytest $(AT_ONCE) $(ARGS)

chaos: $(VENV) $(NODE) ## thousands of random sequences of work and trouble; ARGS=--seed=N plays one again
	@$(PYTHON) -W ignore::DeprecationWarning -m tests.chaos $(ARGS)

demo: $(VENV) $(NODE) ## the main job in a minute; ARGS=--json for scripts
	@$(PYTHON) -m devhost.demo $(ARGS)

serve: $(VENV) $(NODE) ## the same stack, kept running
	@$(PYTHON) -m devhost.stack $(ARGS)

bench: $(VENV) $(NODE) ## the benchmarks, each over a floor measured in the same run; ARGS=name: one
	@$(PYTHON) -m bench $(ARGS)

lock: $(UV) ## pin every dependency again; ARGS=--upgrade takes the newest
	@$(COMPILE) pyproject.toml $(ARGS) --output-file requirements.txt
	@$(COMPILE) pyproject.toml $(ARGS) --group dev --constraints requirements.txt \
	  --output-file requirements-dev.txt

clean: ## remove everything that was fetched or made
	@rm -rf .venv .tools .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

COMPILE = $(UV) pip compile --quiet --universal --python-version $(PYTHON_VERSION) \
  --generate-hashes --no-emit-index-url --custom-compile-command "make lock"

# Each tool is made beside its place and moved there whole, or marked complete as the last step:
# an interrupted run leaves nothing that the next one takes for finished.

# uv comes from PyPI with its locked hashes. pip alone is enough; a Python whose pip refuses
# (no pip, a required virtualenv) gets a virtualenv of its own for this.
$(UV): requirements-dev.txt
	@mkdir -p .tools && rm -rf $(UV).partial
	@sed -n '/^uv==/,/^ *#/p' requirements-dev.txt | grep -v '^ *#' > $(UV).wanted
	@if cmp -s $(UV).wanted $(UV).txt && [ -x $(UV) ]; then touch $(UV); exit 0; fi; \
	echo "Fetching uv ..."; \
	for python in python3 /usr/bin/python3 /usr/local/bin/python3; do \
	  $$python -m pip install --quiet --no-deps --only-binary :all: --require-hashes \
	    --target $(UV).partial --requirement $(UV).wanted && break; \
	  $$python -m venv --clear $(UV).partial && $(UV).partial/bin/python -m pip install --quiet \
	    --no-deps --only-binary :all: --require-hashes --requirement $(UV).wanted && break; \
	done > $(UV).log 2>&1; \
	if [ ! -x $(UV).partial/bin/uv ]; then \
	  cat $(UV).log >&2; \
	  echo "error: uv could not be installed; a python3 with pip or venv is needed" >&2; exit 1; \
	fi; \
	mv -f $(UV).partial/bin/uv $(UV) && mv -f $(UV).wanted $(UV).txt && rm -rf $(UV).partial \
	  && touch $(UV)

# A Python that is already here comes first, pyenv's included; else uv downloads one.
$(VENV): requirements-dev.txt .python-version $(UV)
	@rm -f $@; \
	case "$$(.venv/bin/python --version 2> /dev/null)" in \
	  "Python $(PYTHON_VERSION)."*) exit 0 ;; \
	esac; \
	echo "Making .venv with Python $(PYTHON_VERSION) ..."; \
	pyenv="$${PYENV_ROOT:-$$HOME/.pyenv}/versions"; \
	python=$$($(UV) python find --system --no-python-downloads $(PYTHON_VERSION) 2> /dev/null \
	  || ls -d "$$pyenv"/$(PYTHON_VERSION).*/bin/python3 2> /dev/null | tail -n 1); \
	$(UV) venv --quiet --clear --python "$${python:-$(PYTHON_VERSION)}" .venv || { \
	  echo "error: no Python $(PYTHON_VERSION) here and none to download; install one" >&2; exit 1; }
	@echo "Installing the Python libraries ..."
	@$(UV) pip sync --quiet --python $(PYTHON) --require-hashes requirements-dev.txt
	@touch $@

# Through the virtualenv's own Node, whatever the machine has.
$(NODE): devhost/node/package.json devhost/node/package-lock.json devhost/node/.npmrc | $(VENV)
	@echo "Fetching Azurite ..."
	@rm -rf .tools/node.partial && cp -R devhost/node .tools/node.partial
	@cd .tools/node.partial && PATH="$(CURDIR)/.venv/bin:$$PATH" \
	  npm ci --no-progress --loglevel error > ../node.log 2>&1 \
	  || { cat ../node.log >&2; echo "error: Azurite could not be installed" >&2; exit 1; }
	@rm -rf .tools/node && mv .tools/node.partial .tools/node && touch $@
