# Two commands: `make run` and `make test`. Both install what they need, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The GPU build of FAISS where NVIDIA's driver answers, else the CPU's. `make FAISS=cpu` overrides.
FAISS ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
INSTALLED := $(VENV)/.installed-$(FAISS)

.PHONY: run test install check format bench clean

run: install  ## serve on http://127.0.0.1:8000, with PostgreSQL and all
	@exec $(BIN)/gemel serve

test: install  ## run all tests
	$(BIN)/python -m pytest

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Gemel needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	@echo "Installing into $(VENV), once; this takes some minutes ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(FAISS),report,dev]'
	@rm -f $(VENV)/.installed-* && touch $@

check: install  ## formatting, lint, types, the arrows between the rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install  ## milliseconds of each stage of an identification
	$(BIN)/python -m benchmarks.identify

clean:
	rm -rf $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
