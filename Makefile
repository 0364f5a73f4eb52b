# Everything a user needs, from a fresh clone: `make dashboard` and `make test` do all their own set-up in .venv.

PYTHON ?= python3
# Where torch comes from, when not from pip's own index (see README: the CPU build is a tenth of the size).
TORCH_INDEX ?=
# Tests at once; notebooks and browser tests take a core each.
JOBS ?= 2

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help dashboard lab test lint types unit notebooks browser benchmark screenshot html pictures results clean

help:
	@echo "make dashboard   open the dashboard on the embedded teaching set"
	@echo "make lab         open JupyterLab on the notebooks"
	@echo "make test        lint, types, unit, notebook and browser tests"
	@echo "make benchmark   speed of the transforms and of training, as ratios against peers"
	@echo "make screenshot  take the pictures of the views in README.md again"
	@echo "make html        run every notebook and write it as a page that opens from disk, into html/"
	@echo "make pictures    take the pictures of the notebooks in README.md from these pages again"
	@echo "make results     make the whole teaching set, train all runs into runs/, and pack them to be shipped"
	@echo "make clean       remove .venv, caches and html/"
	@echo "Variables: PYTHON=python3.12  TORCH_INDEX=URL of an index with torch  JOBS=2"

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else \
	    f'Python 3.11, 3.12 or 3.13 is needed, this is {v[0]}.{v[1]}. Choose one: make PYTHON=python3.12 ...')"
	@echo "Setting up .venv (a few minutes, once) ..."
	$(PYTHON) -m venv .venv
	$(PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(PIP) --editable .
	@touch $@

.venv/.ready-test: .venv/.ready
	$(PIP) --editable '.[test]'
	@touch $@

dashboard: .venv/.ready
	$(BIN)/voila apps/dashboard.ipynb

lab: .venv/.ready
	$(BIN)/jupyter lab notebooks

test: lint types unit notebooks browser

lint: .venv/.ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.ready-test
	$(BIN)/mypy

unit: .venv/.ready-test
	$(BIN)/pytest -n $(JOBS) -m "not browser"

notebooks: .venv/.ready-test
	$(BIN)/pytest -n $(JOBS) --nbmake --nbmake-timeout=300 notebooks

browser: .venv/.ready-test
	$(BIN)/pytest -m browser

benchmark: .venv/.ready
	$(BIN)/openmic-explore benchmark transforms
	$(BIN)/openmic-explore benchmark training

screenshot: .venv/.ready-test
	$(BIN)/python -m tests.browser.screenshot

html: .venv/.ready-test
	$(BIN)/python -m docs.build_html --jobs $(JOBS)

pictures: html
	$(BIN)/python -m docs.take_pictures

results: .venv/.ready
	$(BIN)/openmic-explore teach data/teaching
	$(BIN)/openmic-explore features data/teaching
	$(BIN)/openmic-explore features data/teaching --only embedding --embedding musicnn+mel --versions 1
	$(BIN)/openmic-explore reproduce all --data data/teaching --runs runs
	$(BIN)/openmic-explore pack runs --to openmic_explore/results --whole main --whole start --whole 5 --whole pooling

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache *.egg-info build dist html
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
