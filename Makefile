# ftarena: `make demo` to see it, `make test` to check it, `make help` for the rest.

PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Nothing in here phones home.
export HF_HUB_DISABLE_TELEMETRY = 1
export DO_NOT_TRACK = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test nightly check format screens clean

help: ## show this
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: ## make .venv with the pinned packages (once; 2 to 6 minutes)
	@$(PYTHON) requirements/install.py

demo: setup ## train, compare blind, vote: the whole loop on a small real model
	@$(BIN)/ftarena demo

check: setup ## format, lint, types, and the arrows between packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: check ## everything: checks, unit tests, real models, a real terminal
	$(BIN)/python -m pytest -n logical --maxprocesses 8 -m "not e2e"
	$(BIN)/python -m pytest -m e2e

nightly: setup ## train every method with every tuning on the demo's real model (an hour or two)
	FTARENA_TABLE_MODEL=demo:smollm2 $(BIN)/python -m pytest tests/training/test_methods.py -k every_method

format: setup ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

screens: setup ## draw docs/screens/*.svg anew
	$(BIN)/python docs/make_screens.py

clean: ## remove the environment and the demo's workspace (models stay in the cache)
	rm -rf .venv .ftarena build *.egg-info
