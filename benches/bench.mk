# The benchmarks, and the Python environment of the tools that natflow is measured beside.
# Include it from a Makefile, after local/venv.mk, which has PYTHON.
BENCH_VENV ?= benches/.venv
BENCH_VENV_STAMP := $(BENCH_VENV)/.requirements.stamp

# --no-deps: the file names every dependency, and pip then has nothing to resolve.
$(BENCH_VENV_STAMP): benches/requirements.txt
	$(PYTHON) -m venv --clear $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --no-deps --requirement $<
	touch $@

# Not everything there is made for every machine: what is missing is left out of the table.
.PHONY: bench
bench: ## Measures natflow beside mawk, DuckDB and polars
	$(MAKE) $(BENCH_VENV_STAMP) || echo "DuckDB and polars cannot be installed here."
	cargo build --locked --package natflow --profile release-cli
	cargo run --locked --release --manifest-path benches/records/Cargo.toml -- \
		measure --python $(BENCH_VENV)/bin/python

.PHONY: bench-start
bench-start: ## Measures size and start-up of every function
	cargo build --locked --release
	cargo run --locked --release --manifest-path benches/start-up/Cargo.toml -- target/release
