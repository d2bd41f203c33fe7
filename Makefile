# Two commands: `make run` and `make test`. Both install what they need, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The GPU build of FAISS where NVIDIA's driver answers, else the CPU's. `make FAISS=cpu` overrides.
FAISS ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
INSTALLED := $(VENV)/.installed-$(FAISS)
PROSE := README.md CONTRIBUTING.md docs
# Links and anchors that lead nowhere are errors.
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# Tests side by side: more than there are cores, for many wait for PostgreSQL. Each takes about 1 GB.
WORKERS ?= $(shell n=$$(nproc); echo $$(( n < 8 ? n + 1 : 8 )))

.PHONY: run test test-long install check format docs reference words bench clean

run: install  ## serve on http://127.0.0.1:8000, with PostgreSQL and all
	@exec $(BIN)/gemel serve

test: install  ## all tests but the long ones
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-long: install  ## those that take minutes each: many more examples, memory over hours of use
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m long --timeout 3600

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Gemel needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	@echo "Installing into $(VENV), once; this takes some minutes ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(FAISS),report,dev]'
	@rm -f $(VENV)/.installed-* && touch $@

check: install  ## formatting, lint, types, layers, spelling, words, links
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell $(PROSE) indexer service scripts
	$(BIN)/proselint --config .proselintrc.json check $(PROSE)
	$(BIN)/python -m scripts.words
	$(BIN)/python -m scripts.reference --check
	@$(MKDOCS)

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: reference  ## the documents as a site, in site/
	@$(MKDOCS)
	@echo "site/index.html; with search: $(PYTHON) -m http.server --directory site"

reference: install  ## writes the parts of the documents that come from the code
	$(BIN)/python -m scripts.reference

words: install  ## words that documents, comments and messages should not use
	$(BIN)/python -m scripts.words --strict

bench: install  ## milliseconds of each stage of an identification
	$(BIN)/python -m benchmarks.identify

clean:
	rm -rf $(VENV) site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
