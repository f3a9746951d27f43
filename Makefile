.PHONY: setup lint types test check format docs constraints
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
	$(BIN)/mypy --config-file .ci/mypy-trial.ini
	$(BIN)/mypy --config-file .ci/mypy-algorithm.ini

test:
	$(BIN)/pytest

docs:
	$(BIN)/python -m annotate.docs > docs/annotations.md
	$(BIN)/python -m runtime.nni_config.docs docs/

constraints:
	python3 -m venv --clear .venv-constraints
	.venv-constraints/bin/pip install --upgrade ".[test,dev]" setuptools
	(grep "^#" constraints.txt; .venv-constraints/bin/pip freeze --all --exclude annotate-hpo \
		--exclude pip | sed "s/+.*//") > constraints.new
	mv constraints.new constraints.txt
	rm -r .venv-constraints

check: lint types test
