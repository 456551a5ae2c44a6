# Needs Python 3.11 or newer and make; every environment is made here. The verbs are listed by `make help`.
PYTHON ?= python3
CONFIG ?= configs/training-config.yml
MLTRAIN := .venv/bin/mltrain
TEST := .venv-test/bin
# Without the byte code an import of scikit-learn costs seconds; without NCCL (pyproject.toml, tool.uv) half a gigabyte is saved.
# A company proxy's certificate is known to the system, not to uv.
export UV_SYSTEM_CERTS ?= 1
# Two at a time, a file never divided: half of a test is a process that starts or waits. Without: make test TWO=
TWO ?= --numprocesses 2 --dist loadfile
INSTALL := uv pip install --quiet --compile-bytecode

.DEFAULT_GOAL := help
# Each makes an environment of its own and runs the fast tests there. `newest` does without MLflow, which holds pyarrow back.
MATRIX := pandas-2.2 pandas-2.3 pandas-3 lowest newest
.PHONY: help demo split train evaluate register test test-full lint docs clean $(MATRIX:%=matrix-%) matrix-feast

help: ## show this list
	@awk -F ':.*## ' '/^[a-z -]+:.*## / {printf "  make %-32s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/ready ## the whole job on bundled data, in a fresh folder
	rm -rf demo && mkdir demo
	cd demo && ../$(MLTRAIN) run --config ../configs/quick.yml
	@echo
	@echo "Look at demo/runs/*/evaluation/model_card.md (the verdict), demo/runs/ (all runs) and demo/registry/ (the champion)."
	@echo "Go on with: cd demo && ../$(MLTRAIN) runs --config ../configs/quick.yml"

split train evaluate register: .venv/ready ## these steps, on CONFIG=configs/training-config.yml
	$(MLTRAIN) $@ --config $(CONFIG)

test: .venv-test/ready .venv-feast/ready ## lint, types, import contracts, reference pages and fast tests
	$(MAKE) --no-print-directory lint
	$(TEST)/python docs/generate.py --check
	$(TEST)/pytest -m "not slow" $(TWO)

lint: .venv-test/ready ## lint, types and import contracts alone
	$(TEST)/ruff check .
	$(TEST)/ruff format --check .
	$(TEST)/mypy
	$(TEST)/lint-imports --no-logo

docs: .venv-test/ready ## write the reference pages anew
	$(TEST)/python docs/generate.py

test-full: test $(MATRIX:%=matrix-%) matrix-feast ## also slow tests, and other versions of the libraries
	$(TEST)/pytest -m slow

matrix-pandas-2.2: WITH := --group test 'pandas==2.2.*'
matrix-pandas-2.3: WITH := --group test 'pandas==2.3.*'
matrix-pandas-3: WITH := --group test 'pandas==3.*'
matrix-lowest: WITH := --group test --resolution lowest-direct
matrix-newest: WITH := --group test-without-mlflow
$(MATRIX:%=matrix-%): .venv-uv/ready
	$(PYTHON) -m venv --clear .venv-$@
	.venv-uv/bin/$(INSTALL) --python .venv-$@/bin/python --editable . $(WITH)
	.venv-$@/bin/pytest -m "not slow" $(TWO) -p no:cacheprovider

# Feast beside mltrain, as `pip install 'mltrain[feast]'` gives it; the other environments reach it in .venv-feast.
matrix-feast: .venv-uv/ready
	$(PYTHON) -m venv --clear .venv-$@
	.venv-uv/bin/$(INSTALL) --python .venv-$@/bin/python --editable '.[feast]' 'feast[duckdb]' --group test
	MLTRAIN_FEAST_PYTHON= .venv-$@/bin/pytest tests/data/feast -p no:cacheprovider

.venv-feast/ready: pyproject.toml .venv-uv/ready
	$(PYTHON) -m venv --clear .venv-feast
	.venv-uv/bin/$(INSTALL) --python .venv-feast/bin/python --group feast
	@touch $@

.venv/ready: pyproject.toml .venv-uv/ready
	$(PYTHON) -m venv --clear .venv
	.venv-uv/bin/$(INSTALL) --python .venv/bin/python --editable .
	@touch $@

.venv-test/ready: pyproject.toml .venv-uv/ready
	$(PYTHON) -m venv --clear .venv-test
	.venv-uv/bin/$(INSTALL) --python $(TEST)/python --editable . --group test
	@touch $@

.venv-uv/ready:
	@$(PYTHON) -c 'import sys; sys.exit("mltrain needs Python 3.11 or newer; try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv-uv
	.venv-uv/bin/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

clean: ## remove the environments and the demo
	rm -rf .venv .venv-* demo
