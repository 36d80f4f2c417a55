# `make help` lists everything. EXTRA=gpu installs onnxruntime-gpu instead of onnxruntime.
PYTHON ?= python3.11
EXTRA ?= cpu
BIN := .venv/bin
GATED := eval_sets/documents-generated
export BENTOML_DO_NOT_TRACK := True

.DEFAULT_GOAL := help
.PHONY: help install models demo test test-slow test-train train-pad train-documents gate check format bench lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk 'BEGIN {FS = ":.*## "} {printf "  %-14s %s\n", $$1, $$2}'

.venv/.runtime-$(EXTRA): locks/$(EXTRA).txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || python3 -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r locks/$(EXTRA).txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.runtime-cpu locks/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
	@touch $@

install: .venv/.runtime-$(EXTRA) ## make the environment and install from the lock

models: .venv/.runtime-$(EXTRA) ## fetch and convert the models of the default pack
	@$(BIN)/idv models pull

demo: .venv/.runtime-$(EXTRA) ## run the main job end to end on sample photos
	$(BIN)/idv demo

test: .venv/.dev ## run the test suite (offline once installed)
	@$(BIN)/idv models pull || echo "models are absent: the tests that need them are skipped"
	$(BIN)/python -m pytest

test-slow: .venv/.dev ## run the tests that take longer than a few seconds
	$(BIN)/python -m pytest -m 'slow and not train'

test-train: .venv/.dev ## install the training extra and test the training code
	$(BIN)/pip install --quiet --disable-pip-version-check -c locks/train.txt onnxscript torch==2.13.0
	$(BIN)/python -m pytest -m train

train-pad: .venv/.dev ## train the PAD model again on the data that IDV_DATA names
	$(BIN)/pip install --quiet --disable-pip-version-check -c locks/train.txt onnxscript torch==2.13.0
	$(BIN)/python -m idv.training.pad

train-documents: .venv/.dev ## train the document networks again, on documents drawn with faces that IDV_DATA holds
	$(BIN)/pip install --quiet --disable-pip-version-check -c locks/train.txt onnxscript torch==2.13.0
	$(BIN)/python -m idv.training.document_corpus --data $(IDV_DATA)
	$(BIN)/python -m idv.training.document_recapture_validation
	$(BIN)/python -m idv.training.document_recapture
	$(BIN)/python -m idv.training.document_tampering_validation
	$(BIN)/python -m idv.training.document_tampering

gate: .venv/.dev ## measure the default pack on the generated documents; fail where it is worse than the baseline
	@$(BIN)/idv models pull
	$(BIN)/idv evalset build documents-generated
	$(BIN)/idv bench run --set documents-generated --candidate open --out var/gate
	$(BIN)/idv bench compare $(GATED)/baseline "$$(ls -td var/gate/*/ | head -1)" --rules $(GATED)/gate.toml

bench: .venv/.dev ## print the speed figures as ratios to what runs beside them
	$(BIN)/python -m scripts.bench.decode
	$(BIN)/python -m scripts.bench.reading_speed
	$(BIN)/python -m scripts.bench.service_compare
	$(BIN)/python -m scripts.bench.service_verify

check: .venv/.dev ## lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

LOCK := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --build-deps-for editable \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links
lock: ## compile the lock files again
	$(LOCK) --extra cpu -o locks/cpu.txt pyproject.toml
	$(LOCK) --extra gpu -o locks/gpu.txt pyproject.toml
	$(LOCK) --extra cpu --extra heif --extra pdf --extra dev -o locks/dev.txt pyproject.toml

clean: ## remove the environment and everything generated
	rm -rf .venv build dist out var *.egg-info .pytest_cache .mypy_cache .ruff_cache
