# Everything runs from here: `make demo`, `make test`, `make check`, `make serve`, `make bench DATA=folder`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := true

.PHONY: demo serve test test-faults check bench clean

demo: $(VENV)/.installed
	$(BIN)/plumb demo

serve: $(VENV)/.installed
	$(BIN)/plumb serve

test: $(VENV)/.installed-dev
	$(BIN)/python scripts/with_services.py $(BIN)/python -m pytest -m "not faults" -n 2 --dist loadfile

test-faults: $(VENV)/.installed-dev
	$(BIN)/python scripts/with_services.py $(BIN)/python -m pytest -m faults --timeout 600

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	@test -n "$(DATA)" || { echo "say where the data is: make bench DATA=folder"; exit 2; }
	$(BIN)/pip install -q -c constraints.txt -e '.[peers]'
	for script in embedding retrieval answers latency ingestion packing semantic_cache model_path groundedness; do $(BIN)/python -m bench.$$script $(DATA) || exit 1; done
	$(BIN)/python -m bench.hallucination_rate

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Plumbline needs Python 3.11 or newer (make PYTHON=python3.12 ...)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt torch==2.13.0 $(TORCH_ARGS)
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
