//! Feeds [`fuzz_targets::flowlog_envelopes`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::flowlog_envelopes::check(data));
