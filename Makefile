# Every target sets up what it needs in .venv; PYTHON chooses the interpreter (>= 3.10).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-torch test-models fuzz lint gold docs schemas check-readme bench vendor clean

demo: $(VENV)/.demo
	$(BIN)/costcalc compare mobilenet vgg16

test: $(VENV)/.test
	$(BIN)/python -m pytest -n auto

# The tests of modules in memory, and the blocks of two guides, need PyTorch, in a virtual environment of its own.
TORCH := .venv-torch
test-torch: $(TORCH)/.test
	$(TORCH)/bin/python -m pytest tests/frontends/pytorch
	$(TORCH)/bin/python tests/check_readme.py docs/how-to/export-models.md docs/how-to/from-other-counters.md

# Every command on every model of a folder: make test-models MODELS=../shared/models
MODELS ?= ../shared/models
test-models: $(VENV)/.test
	PYTHONPATH=tests $(BIN)/python tests/every_command.py $(MODELS) specs

# Mutated models, configs, profiles and command lines for so many minutes; what breaks is kept in fuzz-defects/.
FUZZ_MINUTES ?= 60
fuzz: $(VENV)/.test
	PYTHONPATH=tests $(BIN)/python -m fuzz.campaign --minutes $(FUZZ_MINUTES)

lint: $(VENV)/.lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

gold: $(VENV)/.test
	COSTCALC_GOLD=1 $(BIN)/python -m pytest tests

# Rewrites the generated parts of docs/, each by a script docs/draw_*.py or docs/write_*.py or a package docs/*_writers, and
# builds the site into site/.
docs: $(VENV)/.docs
	for script in $(wildcard docs/draw_*.py docs/write_*.py docs/*_writers); do \
		PYTHONPATH=docs:tests $(BIN)/python $$script || exit 1; done
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

check-readme: $(VENV)/.demo
	$(BIN)/python tests/check_readme.py

# The tables of operator schemas in costcalc/ops, from the installed onnx and onnxruntime.
schemas: $(VENV)/.test
	cd tests && ../$(BIN)/python -m support.operator_schemas

bench: $(VENV)/.bench
	$(BIN)/python bench/run.py

# Rebuilds the chart library of reports from the packages that vendor/package-lock.json pins; needs Node.js.
vendor:
	cd vendor && npm ci --ignore-scripts && npm run build && sh licences.sh > ../costcalc/render/page/assets/vendored/LICENCES.txt

clean:
	rm -rf $(VENV) $(TORCH) site

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e .
	touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[test]'
	touch $@

$(TORCH)/.test: pyproject.toml
	$(PYTHON) -m venv $(TORCH)
	$(TORCH)/bin/python -m pip install --quiet -e '.[test-torch]'
	touch $@

$(VENV)/.lint: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[lint,test]'
	touch $@

$(VENV)/.docs: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[docs]'
	touch $@

$(VENV)/.bench: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[bench]'
	touch $@
