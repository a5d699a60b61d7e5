//! Feeds [`fuzz_targets::sweep_events`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::sweep_events::check(data));
