# Every target sets up what it needs. `make dev ARGS="--port 8010 --data DIR"` passes flags through.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(shell command -v uv 2>/dev/null || echo $(BIN)/uv)
READY  := $(VENV)/.ready
READY_FOR_SYNTH := $(VENV)/.ready-for-synth
ARGS   ?=
MINUTES ?=

export UV_PROJECT_ENVIRONMENT := $(VENV)

.PHONY: dev test lint synth soak snapshot format bench aws-check clean
.DEFAULT_GOAL := dev

dev: $(READY)
	@cd template && exec ../$(BIN)/taxiway dev $(ARGS)

test: $(READY)
	@$(BIN)/pytest -n 2 $(ARGS)

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright $(ARGS)

# What needs MiniStack, a local stand-in for AWS, or cfn-lint: deployments, third-party checks of the templates, and the
# correctness suite on a second engine.
synth: $(READY_FOR_SYNTH)
	@$(BIN)/pytest -m synth tests/aws tests/correctness $(ARGS)

# Repeats the tests that have a count until they reach it (tests/counts.py). `make soak MINUTES=15` starts nothing later.
soak: $(READY_FOR_SYNTH)
	@$(BIN)/pytest -n 2 --maxschedchunk 20 --maxfail 3 --soak $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

snapshot: $(READY)
	@$(BIN)/python -m tests.aws.snapshot

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY)
	@$(BIN)/python -m benchmarks $(ARGS)

# Needs an AWS account, and says what else: deploys a stage of the template, tests it, destroys it, and writes a report.
aws-check: $(READY)
	@$(BIN)/python -m tests.aws_check $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis build dist template/.taxiway

# The environment is rebuilt when what it is made from changes; uv comes by pip when it is not on PATH.
$(READY): pyproject.toml uv.lock
	@echo "Setting up $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@command -v uv >/dev/null 2>&1 || test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(UV) sync --quiet --frozen --inexact --compile-bytecode --python $(BIN)/python
	@touch $@

$(READY_FOR_SYNTH): $(READY)
	@echo "Adding MiniStack and cfn-lint to $(VENV) …"
	@$(UV) sync --quiet --frozen --inexact --group synth --python $(BIN)/python
	@touch $@
