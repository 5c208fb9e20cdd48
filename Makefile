# Every target prepares what it needs: a virtual environment in .venv with the package and its
# extras, made once and brought up to date when pyproject.toml changes.
# PYTHON=... names the interpreter to make it from.

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint zoo fuzz bench accuracy clean FORCE

bin := .venv/bin
stamp := .venv/.installed

# Version managers put stubs on PATH that fail when they are run, and some systems ship Python
# without ensurepip: only running an interpreter shows whether it will do.
usable := import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 12))
search = { if [ -n "$(PYTHON)" ]; then "$(PYTHON)" -c '$(usable)' && echo "$(PYTHON)"; exit; fi; \
	IFS=:; for name in python3.13 python3.14 python3.12 python3 python; do for folder in $$PATH; do \
	if [ -x "$$folder/$$name" ] && "$$folder/$$name" -c '$(usable)'; then \
	echo "$$folder/$$name"; exit; fi; done; done; } 2>/dev/null </dev/null

wanted := Python 3.12 or newer with its venv module
advice := install Python 3.13 from https://www.python.org/downloads/ or with your package manager \
	(on Debian and Ubuntu also python3-venv) and run make again
missing = foundation-priors needs $(wanted) and $(if $(PYTHON),$(PYTHON) is not one,found none): $(advice)

# An environment is kept while its Python works and the checkout has not moved since: the scripts
# in it know the folder they were made in. The stamp holds that folder.
built := $(shell cat $(stamp) 2>/dev/null)
works := $(shell $(bin)/python -c '$(usable)' 2>/dev/null && echo yes)
keep := $(and $(works),$(if $(built),$(filter $(CURDIR),$(built)),yes))

help:
	@echo "make demo      the main job: real survey data, recorded answers, the whole trust path"
	@echo "make test      lint, types, tests, doctests and notebooks"
	@echo "make lint      ruff and mypy alone"
	@echo "make zoo       every model structure of the zoo, with many seeds and points (minutes)"
	@echo "make fuzz      10,000 statements, 2,000 replies, 2,000 damaged files of each kind (minutes)"
	@echo "make bench     what the path costs against plain sampling (minutes)"
	@echo "make accuracy  the path against long refits (minutes)"
	@echo "make clean     remove the environment and every cache"

setup: $(stamp)

ifeq ($(keep),)
$(stamp): FORCE
endif
$(stamp): pyproject.toml
	$(if $(keep),,$(eval python := $(shell $(search))))
	$(if $(keep),,$(if $(python),"$(python)" -m venv --clear .venv,$(error $(missing))))
	$(bin)/python -m pip install -qq -e '.[dev]'
	@pwd -P > $(stamp)

demo: $(stamp)
	MPLBACKEND=Agg $(bin)/foundation-priors demo

lint: $(stamp)
	$(bin)/ruff check -q .
	$(bin)/ruff format -q --check .
	$(bin)/mypy -n auto

# One process a core, each with a single thread for linear algebra; tests/conftest.py groups what
# shares compiled models and puts the longest first.
test: lint
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(bin)/python -m pytest -q -n auto --dist loadgroup \
		--no-loadscope-reorder

zoo: $(stamp)
	$(bin)/python -m tests.zoo.run

fuzz: $(stamp)
	$(bin)/python -m tests.fuzz.statements
	$(bin)/python -m tests.fuzz.replies
	$(bin)/python -m tests.fuzz.journals
	$(bin)/python -m tests.fuzz.files

# MODEL=radon12 measures that model alone, MODEL=radon all whose names begin so.
ifdef MODEL
bench: $(stamp)
	$(bin)/python -m tests.benchmarks.run hierarchies --models $(MODEL)
else
bench: $(stamp)
	MPLBACKEND=Agg $(bin)/python -m tests.benchmarks.run
	MPLBACKEND=Agg $(bin)/python -m tests.benchmarks.trust_studies
	MPLBACKEND=Agg $(bin)/python -m tests.benchmarks.coverage
	$(bin)/python -m tests.benchmarks.reproducible
	FP_KILLS=20 FP_CELLS=1000 $(bin)/python -m pytest -q tests/elicit/test_kill.py \
		tests/elicit/test_faults.py
	FP_WHOLE=1 $(bin)/python -m pytest -q tests/test_notebooks.py tests/test_readme.py
endif

accuracy: $(stamp)
	MPLBACKEND=Agg $(bin)/python -m tests.benchmarks.accuracy

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
