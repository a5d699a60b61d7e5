//! Feeds [`fuzz_targets::insights_queries`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::insights_queries::check(data));
