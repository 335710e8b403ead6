# `make chat` and `make test` set up everything they need; both are quick the second time.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

# Nothing of this project asks the network for a model, and Gradio is told not to report anything.
export HF_HUB_OFFLINE := 1
export GRADIO_ANALYTICS_ENABLED := False
# The second time is quick because compiled code is kept.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help chat index test lint format clean

help:  ## Show the targets.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

# pip comes last: where it is missing, making the environment was broken off, and begins again.
$(BIN)/pip:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Footnote needs Python 3.11 or newer; call make with PYTHON=python3.11"'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

index: $(VENV)/installed  ## Build or update the index of seeds/.
	$(BIN)/footnote index seeds

chat: index  ## Open the chat over seeds/ on http://127.0.0.1:7860.
	$(BIN)/footnote chat

test: $(VENV)/installed-dev  ## Run every test, in three processes, as some wait (as in CI: CI=true make test; the long durability forms: make test ARGS="-m slow").
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/installed-dev  ## Check style and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed-dev  ## Put the code in its standard form.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove the virtual environment, the index and caches.
	rm -rf $(VENV) .footnote .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	find index qa ui tests -name __pycache__ -prune -exec rm -rf {} +
