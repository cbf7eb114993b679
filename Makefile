PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: demo bench test lint fuzz soak clean

demo: $(READY)
	$(RUN)/python examples/demo.py demo

bench: $(READY)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/requirements.txt
	$(RUN)/python benchmarks/bench.py --output bench

test: lint
	$(RUN)/python -m pytest -n 2

fuzz: $(READY)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --requirement tests/attacks/requirements.txt
	$(RUN)/python tests/attacks/fuzz_files.py --seconds 60

soak: $(READY)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --requirement tests/attacks/requirements.txt
	$(RUN)/python tests/attacks/soak.py --minutes 20

lint: $(READY)
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

$(READY): requirements.txt setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; choose one with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

clean:
	rm -rf $(VENV) demo bench build *.egg-info
