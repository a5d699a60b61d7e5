//! Feeds [`fuzz_targets::alarm_events`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::alarm_events::check(data));
