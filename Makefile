# Two commands do all the set-up: `make demo` and `make test`.
# PYTHON=… chooses the interpreter (3.11 or 3.12); DATABASE_URL and REDIS_URL replace the embedded engines.

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

# The first interpreter that runs and has a supported version.
PYTHON ?= $(shell for p in python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
	&& { echo $$p; break; }; done)

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-reset test check bench faults fuzz format screenshots clean

help:
	@echo 'make demo          start everything, walk the main job once, stay up until Ctrl-C'
	@echo 'make demo ONCE=1   the same, exits after the main job (0: every step held)'
	@echo 'make demo-reset    forget the data of the demo'
	@echo 'make test          all tests, set-up included (ARGS="-k name" narrows)'
	@echo 'make check         static checks'
	@echo 'make bench         the benchmark: medians and ratios'
	@echo 'make fuzz          10,000 odd documents to the public endpoints (DOCUMENTS=…, SEED=…)'
	@echo 'make faults        2,000 orders while everything around them breaks (ORDERS=…, SEED=…)'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or 3.12 is needed: make PYTHON=/path/to/python3.12 …'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
	|| { echo '$(PYTHON) is not Python 3.11 or 3.12'; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.demo

setup: $(VENV)/.dev

demo: $(VENV)/.demo
	@PORT=$(or $(PORT),8800) SANDBOX_PORT=$(or $(SANDBOX_PORT),8802) \
	$(BIN)/python -m rakuraku.demo $(if $(filter-out 0,$(ONCE)),--once)

demo-reset: $(VENV)/.demo
	@$(BIN)/python -m rakuraku.demo_reset

test: $(VENV)/.dev
	@$(BIN)/python -m tests.browser_setup
	$(BIN)/python -m pytest -n $(or $(JOBS),auto) $(ARGS)

# The type checker reads the settings; it talks to no engine.
check: export RAKURAKU_ENV = test
check: export DATABASE_URL = postgresql://nobody@127.0.0.1:1/none
check: export REDIS_URL = redis://127.0.0.1:1/0
check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djade --check $$(find templates -name '*.html')
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.static_checks

bench: $(VENV)/.dev
	$(BIN)/python -m tests.benchmark

faults: $(VENV)/.dev
	$(BIN)/python -m tests.faults --orders $(or $(ORDERS),2000) --seed $(or $(SEED),1)

fuzz: export FUZZ_DOCUMENTS = $(or $(DOCUMENTS),10000)
fuzz: export FUZZ_SEED = $(or $(SEED),1)
fuzz: $(VENV)/.dev
	$(BIN)/python -m pytest -n 0 tests/test_fuzz.py

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djade $$(find templates -name '*.html')

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
