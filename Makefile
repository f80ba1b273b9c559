# Each target does all the set-up it needs on a Debian or Ubuntu machine with python3 and make.
#   make demo [EPISODES=n] [SEED=s] [ROBOT=fci]   watch the policy work; results in out/demo
#   make test                         what CI runs
#   make fuzz [CHUNKS=n]              a million chunks of all kinds to the guard, on all cores
#   make docs                         the documentation as a site, in site/
# PYTHON=/path/to/python3 chooses the interpreter (3.10 to 3.12); ARGS= is handed on to the command.

SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV ?= .venv
EPISODES ?= 3
CHUNKS ?= 1000000
SEED ?=
ROBOT ?= sim
ARGS ?=

READY := $(VENV)/.sag_ros_ready
DOCS_READY := $(VENV)/.sag_ros_docs_ready
IN_VENV = source $(VENV)/.sag_ros_environment &&

.PHONY: help setup demo test fuzz lint docs clean

help:
	@sed -n '2,6p' Makefile | sed 's/^# *//'

setup: $(READY)

# Again when the dependencies or the set-up itself change; otherwise the stamp makes it instant.
$(READY): setup.py scripts/setup.sh
	@VENV='$(VENV)' bash scripts/setup.sh
	@touch $@

demo: $(READY)
	@$(IN_VENV) sag demo --robot $(ROBOT) --episodes $(EPISODES) $(if $(SEED),--seed $(SEED)) $(ARGS)

lint: $(READY)
	@$(IN_VENV) ruff check .
	@$(IN_VENV) mypy
	@$(IN_VENV) lint-imports --no-cache

fuzz: $(READY)
	@$(IN_VENV) sag fuzz --chunks $(CHUNKS) $(if $(SEED),--seed $(SEED)) $(ARGS)

test: lint
	@$(IN_VENV) sag fuzz --chunks 30000
	@$(IN_VENV) pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

$(DOCS_READY): $(READY)
	@$(IN_VENV) python -m pip install --disable-pip-version-check --quiet --editable '.[docs]'
	@touch $@

docs: $(DOCS_READY)
	@$(IN_VENV) NO_MKDOCS_2_WARNING=1 mkdocs build --strict --clean $(ARGS)

clean:
	rm -rf $(VENV) site build install log *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
