# Two commands for a fresh machine: `make demo` and `make test`. Each sets up its own .venv on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO_OUTPUT ?= demo-output
BENCHMARK_OUTPUT ?= benchmark-output

.PHONY: demo test coverage docs fuzz lint format benchmark clean

demo: $(READY)  ## the main job on a simulated case, end to end over a real socket, with pictures
	$(BIN)/instrument-tracker demo --output $(DEMO_OUTPUT)

test: $(READY)  ## all tests; those that need a peer or data that is missing say so
	$(BIN)/python -m pytest Testing/core Testing/interop Testing/fuzz
	$(BIN)/python -m pytest Testing/widgets Testing/scene

coverage: $(READY)  ## branches of the critical paths that their own tests take; fails below 95 %
	$(BIN)/python Testing/critical_coverage.py

docs: $(READY)  ## documentation as HTML; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build

fuzz: $(READY)  ## longer fuzzing of every parser of the wire
	$(BIN)/pip install -q atheris
	$(BIN)/python Testing/fuzz/fuzz_parsers.py --seconds 600

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: $(READY)  ## latency and rate of the link, latency, frames/s and memory of the engine; tables and JSON
	mkdir -p $(BENCHMARK_OUTPUT)
	$(BIN)/temporal-recon benchmark link --output $(BENCHMARK_OUTPUT)/link.json
	$(BIN)/python Testing/benchmarks/engine.py --output $(BENCHMARK_OUTPUT)/engine.json

$(READY): pyproject.toml .ci/make-venv
	PYTHON=$(PYTHON) .ci/make-venv $(VENV)
	touch $@

clean:
	rm -rf $(VENV) docs/_build $(DEMO_OUTPUT) $(BENCHMARK_OUTPUT) *.egg-info
