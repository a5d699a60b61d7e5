//! Feeds [`fuzz_targets::deliveries`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::deliveries::check(data));
