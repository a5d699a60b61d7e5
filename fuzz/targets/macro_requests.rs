//! Feeds [`fuzz_targets::macro_requests`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::macro_requests::check(data));
