# Everything runs in a virtual environment of its own; only Python 3.10+ and make are needed.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
RUN    := $(BIN)/python

.PHONY: help demo demo-market test lint soak mutants interleavings bench docs official-sdk dist clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

$(VENV)/.%: setup.cfg setup.py
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

demo: $(VENV)/.demo  ## trade on the simulator: order, fill, stop, TWAP, a lost connection that is restored
	@$(RUN) -m qfex.demo

demo-market: $(VENV)/.demo  ## watch a live order book and its candles on the simulator
	@$(RUN) -m qfex.demo.market

test: $(VENV)/.test  ## run the tests
	$(RUN) -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(VENV)/.dev  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

soak: $(VENV)/.test  ## run the long tests: more than a thousand lost connections, checked against the exchange's ledger
	$(RUN) -m tests.soak
	$(RUN) -m tests.model --histories 2000
	$(RUN) -m pytest -m soak

mutants: $(VENV)/.test  ## change each cell of the tables of commands, and expect that a test fails
	$(RUN) -m tests.mutants

interleavings: $(VENV)/.interleavings  ## run threads of the client in many orders under a controlled scheduler
	$(BIN)/frontrun $(RUN) -m pytest -s tests/interleavings

bench: $(VENV)/.bench  ## measure the client beside others
	$(RUN) -m benchmarks

official-sdk: $(VENV)/.test  ## run the exchange's own Python client against the simulator
	$(RUN) tests/sim/official_sdk.py

docs: $(VENV)/.docs  ## build the documentation site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

dist: $(VENV)/.dev  ## build wheel and sdist, check their metadata, and trade with the wheel in a new environment
	rm -rf dist build/wheel-check
	$(RUN) -m build --outdir dist .
	$(RUN) -m twine check --strict dist/*
	$(PYTHON) -m venv build/wheel-check
	build/wheel-check/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd build && wheel-check/bin/python -c "import qfex; print('alone:', qfex.TradeClient)"
	build/wheel-check/bin/python -m pip install --quiet --disable-pip-version-check "$$(ls dist/*.whl)[sim,cli]"
	cd build && wheel-check/bin/qfex-sync demo

clean:  ## remove everything that make created
	rm -rf $(VENV) .bench build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
