//! Feeds [`fuzz_targets::flowlog_lines`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::flowlog_lines::check(data));
