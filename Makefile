PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
INSTALL = $(1)/bin/python -m pip install --quiet --disable-pip-version-check
UV := 0.13.9
OLDEST ?= $(PYTHON)
NEWEST ?= $(PYTHON)
READY := $(VENV)/ready
# Installed in seconds: everything of both lists but their paragraphs that begin "# TensorFlow".
CHECK := .venv-check
LISTS := requirements.txt requirements-tests.txt
# Asks for TensorFlow with CUDA, and goes without: of tests alone.
ORACLES := tests/serving/requirements.txt

.PHONY: demo bench check test lint licences coverage mutate fuzz soak test-oldest test-newest audit docs docs-pages release clean

demo: $(READY)
	$(RUN)/python examples/demo.py demo

bench: $(READY)
	$(call INSTALL,$(VENV)) --requirement benchmarks/requirements.txt
	$(RUN)/python benchmarks/bench.py --output bench

# Linters, and the tests that need no TensorFlow: an answer within a minute.
check: $(CHECK)/ready
	$(call LINTERS,$(CHECK)/bin)
	$(CHECK)/bin/python -m pytest -n 2 -p tests.without_tensorflow

test: lint licences
	$(RUN)/python -m pytest -n 2 --dist worksteal

coverage: $(READY)
	mkdir -p build
	$(RUN)/python -m pytest -n 2 -p tests.coverage.traced --cov --cov-report=term --cov-report=json:build/coverage.json \
		tests/fcn_keras tests/parity tests/properties
	$(RUN)/python -m tests.coverage.covered build/coverage.json

mutate: $(READY)
	$(call INSTALL,$(VENV)) --requirement tests/mutation/requirements.txt
	mkdir -p build
	$(RUN)/python tests/mutation/mutate.py geometry losses.crossentropy metrics caffemodel --json build/mutants.json

fuzz: $(READY)
	$(call INSTALL,$(VENV)) --requirement tests/attacks/requirements.txt
	$(RUN)/python tests/attacks/fuzz_files.py --seconds 60

soak: $(READY)
	$(call INSTALL,$(VENV)) --requirement tests/attacks/requirements.txt
	$(RUN)/python tests/attacks/soak.py --minutes 20

test-oldest: $(READY)
	$(RUN)/python -m tests.dependencies.suite oldest --python $(OLDEST)

test-newest: $(READY)
	$(RUN)/python -m tests.dependencies.suite newest --python $(NEWEST)

audit: $(READY)
	$(call INSTALL,$(VENV)) --requirement tests/dependencies/requirements.txt
	mkdir -p build
	$(RUN)/python -m pip freeze --exclude-editable >build/installed.txt
	$(RUN)/pip-audit --strict --no-deps --disable-pip --requirement build/installed.txt

docs: docs-pages
	$(call INSTALL,$(VENV)) --requirement docs/requirements.txt
	$(RUN)/python -m sphinx --fail-on-warning --keep-going --quiet --builder html docs build/site

docs-pages: $(READY)
	$(RUN)/python -m tools.pages
	$(RUN)/python -m tools.drawings

release: $(READY)
	$(call INSTALL,$(VENV)) --requirement tools/requirements.txt
	$(RUN)/python -m tools.release

lint: $(READY)
	$(call LINTERS,$(RUN))
	$(RUN)/deptry fcn_keras fcn_keras_console training serving

define LINTERS
	$(1)/ruff check .
	$(1)/ruff format --check .
	$(1)/mypy --strict fcn_keras
endef

# Fails on a licence that would bind what uses the library: pyproject.toml says which.
licences: $(READY)
	$(RUN)/pip-licenses --format=csv >/dev/null

# What is imported is compiled then, for once: with this set, every process would compile TensorFlow anew.
unexport PYTHONDONTWRITEBYTECODE

$(READY): LIST = cat $(LISTS)
$(READY): ALONE = --requirement $(ORACLES)
$(READY): $(ORACLES)
$(CHECK)/ready: LIST = sed '/^\# TensorFlow/,/^$$/d' $(LISTS)
$(READY) $(CHECK)/ready: $(LISTS) setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; choose one with make PYTHON=...")'
	$(PYTHON) -m venv $(@D)
	$(LIST) >$(@D)/list.txt
	$(call INSTALL,$(@D)) uv==$(UV)
	$(@D)/bin/uv pip install --quiet --python $(@D)/bin/python --requirement $(@D)/list.txt || \
		{ echo "uv did not install it (see above): pip does, in a minute more" >&2; $(call INSTALL,$(@D)) --no-compile --requirement $(@D)/list.txt; }
	$(call INSTALL,$(@D)) --no-deps $(ALONE) --editable .
	touch $@

clean:
	rm -rf $(VENV) $(CHECK) $(VENV)-oldest $(VENV)-newest .mypy_cache demo bench build dist *.egg-info
