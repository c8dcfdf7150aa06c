PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
JOBS ?= 2
SOURCES = $(shell find csrc -name '*.pyx' -o -name '*.pxd') setup.py pyproject.toml

.PHONY: run test test-all lint bench docs reliability sanitize validation clean

run: $(VENV)/built
	$(BIN)/bitline run pim-gpt --model gpt2-xl --phase decode --context 1024 --out out/first-run

test: $(VENV)/built-test
	$(BIN)/python -m pytest -n $(JOBS)

test-all: $(VENV)/built-test
	$(BIN)/python -m pytest -n $(JOBS) -m ""

lint: $(VENV)/built-lint
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && PATH="$(BIN):$$PATH" cython-lint csrc && $(BIN)/mypy

bench: $(VENV)/built-test
	$(BIN)/python -m benchmarks

docs: $(VENV)/built-docs
	$(BIN)/python docs/make_gallery.py
	$(BIN)/python -m sphinx -W -b html docs docs/_build/html

validation: $(VENV)/built
	-$(BIN)/bitline validate --failures --markdown docs/validation.md

reliability: $(VENV)/built-test
	$(BIN)/python -m benchmarks.reliability --markdown docs/reliability.md

sanitize: $(VENV)/built-test
	PYTHON=$(abspath $(BIN))/python JOBS=$(JOBS) benchmarks/sanitize.sh

clean:
	rm -rf build dist out *.egg-info docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find csrc -name '*.so' -delete

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/built: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/built-%: $(VENV)/built pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@
