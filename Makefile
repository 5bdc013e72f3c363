# make report: the year's pages. make test: everything that is checked. Both do their own set-up, once.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export SOURCE_DATE_EPOCH := 1646092800
export SONLA_EVAL_PROJECT := $(CURDIR)

.PHONY: report test check clean help lock export

report: $(VENV)/.run ## make the year's pages (settings.ini) and say where they are
	@$(BIN)/sonla-eval run

check: $(VENV)/.run ## read the workbooks in DIR=data/raw/2022 and list the cells to correct
	@test -n "$(DIR)" || { echo "which folder? make check DIR=data/raw/2022"; exit 2; }
	@$(BIN)/sonla-eval check $(DIR)

test: $(VENV)/.test ## run the lesson cells, the tests, the reference cases and the browser checks
	@$(BIN)/python tests/lessons.py
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

export: $(VENV)/.test ## after editing a notebook: export it to the package and clean it
	@$(BIN)/nbdev-export && $(BIN)/nbdev-clean

lock: ## renew the locks after changing pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet pyproject.toml requirements-build.in -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --extra test --extra dev --extra cluster -c requirements.lock pyproject.toml requirements-build.in -o requirements-test.lock

clean: ## remove the environment, the example workbooks, packets and the site
	rm -rf $(VENV) build sonla_eval.egg-info data/example/20?? data/example/truth.json reports/site reports/packets data/clean/example

help: ## this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/'

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.test: requirements-test.lock $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.lock
	@touch $@
