.PHONY: setup lint types test check format docs
BIN := .venv/bin

setup:
	python3 -m venv .venv
	$(BIN)/pip install -e ".[test,dev]"
	$(BIN)/pre-commit install

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format:
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types:
	$(BIN)/mypy

test:
	$(BIN)/pytest

docs:
	$(BIN)/python -m annotate.docs > docs/annotations.md
	$(BIN)/python -m runtime.nni_config.docs > docs/config.md

check: lint types test
