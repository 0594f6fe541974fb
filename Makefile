# make run: the page.  make test: everything that is checked.  Both set themselves up.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin

.PHONY: run test setup check format bench bench-gpu bench-page registers screenshots train traces clean

run: .venv/runtime
	-$(BIN)/python -m engine.fetch
	$(BIN)/python app.py

test: .venv/development
	$(BIN)/python -m engine.fetch
	$(BIN)/python -m tests.browser
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadscope -m "not page"
	$(BIN)/python -m pytest -m page

setup: .venv/runtime
	$(BIN)/python -m engine.fetch

check: .venv/development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: .venv/development
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	$(BIN)/python -m bench

# On a CUDA machine: any Python with torch, triton, transformers and numpy will do.
bench-gpu:
	$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) -m bench.gpu

# What the compiler makes of every kernel: after a change of one, minutes.
registers: .venv/development
	$(BIN)/python -m tests.kernels.compiling --write

bench-page: .venv/development
	$(BIN)/python -m bench.page

screenshots: .venv/development
	$(BIN)/python -m tests.page.screenshots

train: setup
	$(BIN)/python -m train

traces: setup
	$(BIN)/python -m bench.traces

clean:
	rm -rf .venv

# The files of .venv that say which requirements are installed; a second make does no work.
.venv/runtime: requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name one with make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/development: .venv/runtime requirements-dev.txt
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch $@
