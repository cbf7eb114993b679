PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
INSTALL := $(RUN)/python -m pip install --quiet --disable-pip-version-check
UV := 0.13.9
OLDEST ?= $(PYTHON)
NEWEST ?= $(PYTHON)
READY := $(VENV)/ready

.PHONY: demo bench test lint coverage mutate fuzz soak test-oldest test-newest audit docs docs-pages release clean

demo: $(READY)
	$(RUN)/python examples/demo.py demo

bench: $(READY)
	$(INSTALL) --requirement benchmarks/requirements.txt
	$(RUN)/python benchmarks/bench.py --output bench

test: lint
	$(RUN)/python -m pytest -n 3 --dist worksteal

coverage: $(READY)
	mkdir -p build
	$(RUN)/python -m pytest -n 2 -p tests.traced --cov --cov-report=term --cov-report=json:build/coverage.json \
		tests/test_*.py tests/datasets tests/parity tests/properties
	$(RUN)/python -m tests.covered build/coverage.json

mutate: $(READY)
	$(INSTALL) --requirement tests/mutation/requirements.txt
	mkdir -p build
	$(RUN)/python tests/mutation/mutate.py geometry losses metrics caffemodel --json build/mutants.json

fuzz: $(READY)
	$(INSTALL) --requirement tests/attacks/requirements.txt
	$(RUN)/python tests/attacks/fuzz_files.py --seconds 60

soak: $(READY)
	$(INSTALL) --requirement tests/attacks/requirements.txt
	$(RUN)/python tests/attacks/soak.py --minutes 20

test-oldest: $(READY)
	$(RUN)/python -m tests.dependencies.suite oldest --python $(OLDEST)

test-newest: $(READY)
	$(RUN)/python -m tests.dependencies.suite newest --python $(NEWEST)

audit: $(READY)
	$(INSTALL) --requirement tests/dependencies/requirements.txt
	mkdir -p build
	$(RUN)/python -m pip freeze --exclude-editable >build/installed.txt
	$(RUN)/pip-audit --strict --no-deps --disable-pip --requirement build/installed.txt

docs: docs-pages
	$(INSTALL) --requirement docs/requirements.txt
	$(RUN)/python -m sphinx --fail-on-warning --keep-going --quiet --builder html docs build/site

docs-pages: $(READY)
	$(RUN)/python -m tools.pages
	$(RUN)/python -m tools.drawings

release: $(READY)
	$(INSTALL) --requirement tools/requirements.txt
	$(RUN)/python -m tools.release

lint: $(READY)
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy --strict fcn_keras

# What is imported is compiled then, for once: with this set, every process would compile TensorFlow anew.
unexport PYTHONDONTWRITEBYTECODE

$(READY): requirements.txt setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; choose one with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) uv==$(UV)
	$(RUN)/uv pip install --quiet --python $(RUN)/python --requirement requirements.txt || \
		{ echo "uv did not install it (see above): pip does, in a minute more" >&2; $(INSTALL) --no-compile --requirement requirements.txt; }
	$(INSTALL) --no-deps --editable .
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-newest .mypy_cache demo bench build dist *.egg-info
