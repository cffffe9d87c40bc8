# Everything that a fresh machine needs: python3 (3.11 to 3.13) with pip, make, a C/C++ compiler.
#
#   make demo    set up, run systems/spin_valve.toml into runs/spin_valve/
#   make test    set up, run all tests
#   make test-solvers   run exported inputs by magnum.np and ubermag (installs torch, 1 GB)
#   make faults  kill, fill and damage runs, longer than `make test` does (minutes)
#   make docs    set up, build the documentation into docs/_build/html/ (warnings are errors)
#   make lint    style and types
#   make test-peers     compare with numbers of WannierBerri (installs it)
#   make bench   benchmarks against other programs (a quarter of an hour on two cores at rest);
#                `make bench SIZE=quick` shows that they run, `SIZE=long` takes hours
#   make clean   remove what was built; `make distclean` removes the environment too

SHELL := /bin/bash
JOBS ?= 2

UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
BIN := .venv/bin

# The first interpreter on PATH that is new enough and has the headers Kwant is compiled with;
# without one uv fetches an interpreter of its own.
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11; do \
    path=$$(command -v $$name) && $$path -c 'import os, sys, sysconfig; \
    ok = (3, 11) <= sys.version_info < (3, 14) and \
    os.path.exists(sysconfig.get_path("include") + "/Python.h"); \
    print(sys.executable) if ok else sys.exit(1)' 2>/dev/null && break; done)
INTERPRETER := $(or $(PYTHON),3.12)

# One thread of linear algebra per process: the processes and the batches fill the cores.
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export UV_LINK_MODE ?= copy
# Downloads are kept in the home directory; where that cannot be written, here.
ifneq ($(shell test -w "$$HOME" && echo writable),writable)
export UV_CACHE_DIR ?= $(CURDIR)/.uv/cache
endif

.PHONY: demo test faults test-solvers test-peers docs lint bench clean distclean setup

demo: setup
	@echo "Running a spin valve (the very first run compiles its kernels: about a minute)"
	$(BIN)/negf-torque run systems/spin_valve.toml -o runs/spin_valve

test: setup
	$(BIN)/python -m pytest -n $(JOBS)

# magnum.np needs torch, of which a CPU build is enough.  Where pip is configured to find one
# ("+cpu") it is taken, else the index of PyTorch is asked; the usual one has a GPU's gigabytes.
TORCH := 2.13.0

test-solvers: setup
	@$(BIN)/python -c "import torch" 2>/dev/null \
	    || python3 -m pip --disable-pip-version-check --python $(BIN)/python install --quiet \
	        "torch==$(TORCH)+cpu" 2>/dev/null \
	    || $(UV) pip install --quiet --python $(BIN)/python --torch-backend cpu "torch==$(TORCH)" \
	    || true
	@$(BIN)/python -c "import torch" 2>/dev/null \
	    && $(UV) pip install --quiet --python $(BIN)/python --group solvers \
	    || echo "NOT RUN: magnum.np and ubermag (no CPU build of torch, or they cannot be installed)"
	TORCHDYNAMO_DISABLE=1 $(BIN)/python -m pytest -rs tests/test_llg_solvers.py

# Adds a group to the environment; versions that are there stay.
SYNC = $(UV) sync --quiet --inexact --python $(INTERPRETER)
PEERS = $(SYNC) --group peers || echo "NOT COMPARED: WannierBerri (it cannot be installed here)"

faults: setup
	$(BIN)/python tests/study_faults.py 50
	FUZZ=50000 $(BIN)/python -m pytest -n $(JOBS) tests/test_study_faults.py \
	    tests/test_study_executors.py tests/test_study_fuzz.py

setup: .venv/.ready

.venv/.ready: pyproject.toml $(if $(findstring .uv/,$(UV)),.uv/bin/uv)
	@echo "Setting up .venv (Kwant is compiled here: about a minute, once)"
	$(UV) sync --quiet --inexact --python $(INTERPRETER)
	@touch $@

.uv/bin/uv:
	python3 -m pip install --quiet --disable-pip-version-check --target .uv uv

docs: setup
	$(UV) sync --quiet --inexact --python $(INTERPRETER) --group docs
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps jupyter-server-mathjax==0.2.6 \
	    || echo "Formulas: read with a network (MathJax cannot be installed here)"
	$(BIN)/python docs/generate_reference.py
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

lint: setup
	$(UV) sync --quiet --inexact --python $(INTERPRETER) --group lint
	$(BIN)/ruff check .
	$(BIN)/mypy

# Programs to compare with, each where it can be installed; the results name those that are missing.
# MUMPS is taken where its library is there: Kwant, and the tests, use it from then on.
bench: setup
	@$(SYNC) --group bench || echo "NOT COMPARED: QuTiP (it cannot be installed here)"
	@$(PEERS)
	@$(BIN)/python -c "import mumps" 2>/dev/null \
	    || { cc -shared -x c /dev/null -ldmumps_seq -o /dev/null 2>/dev/null \
	        && $(SYNC) --extra mumps; } \
	    || echo "NOT COMPARED: Kwant with MUMPS (docs/install.md says what it needs)"
	$(BIN)/python benchmarks/run.py $(addprefix --,$(SIZE))

test-peers: setup
	@$(PEERS)
	$(BIN)/python -m pytest -rs tests/test_kubo_wannierberri.py || test $$? -eq 5  # 5: skipped

clean:
	rm -rf build dist docs/_build docs/reference/generated .pytest_cache .ruff_cache .mypy_cache \
	    .hypothesis
	find negf_torque tests -name __pycache__ -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv .uv uv.lock *.egg-info
