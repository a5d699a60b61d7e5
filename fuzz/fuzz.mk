# Fuzzing, with libFuzzer and the stable compiler. docs/testing.md says what is checked.

# What cargo-fuzz passes to the nightly compiler is stable: edge coverage and comparisons.
FUZZ_FLAGS := --cfg fuzzing -Cpasses=sancov-module $(addprefix -Cllvm-args=-sanitizer-coverage-, \
	level=4 inline-8bit-counters pc-table trace-compares)
FUZZ_CARGO := --locked --manifest-path fuzz/Cargo.toml
# What libFuzzer learns; fuzz/corpus has what it starts from.
FUZZ_LEARNT = fuzz/target/corpus/$(TARGET)

TARGET ?= flowlog-lines
SECONDS ?= 60

.PHONY: fuzz
fuzz: ## Looks for inputs that break a check (TARGET=flowlog-lines SECONDS=60)
	mkdir -p $(FUZZ_LEARNT)
	RUSTFLAGS='$(strip $(FUZZ_FLAGS))' cargo run $(FUZZ_CARGO) --profile fuzz --features libfuzzer \
		--target host-tuple --bin $(TARGET) -- -max_total_time=$(SECONDS) -timeout=10 \
		-max_len=4096 -dict=fuzz/dictionaries/$(TARGET).dict \
		-artifact_prefix=fuzz/corpus/$(TARGET)/found- $(FUZZ_LEARNT) fuzz/corpus/$(TARGET)

# Without libFuzzer; the folder is shared, so that little is compiled twice.
.PHONY: fuzz-replay
fuzz-replay: ## Replays the corpus and whatever was found
	cargo test $(FUZZ_CARGO) --target-dir target
