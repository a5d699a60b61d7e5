//! What is fuzzed, and what must hold whatever the input is.
//!
//! Each module is a target: its `check` takes any bytes and panics when a property fails.
//! `make fuzz TARGET=flowlog-lines` lets libFuzzer look for such bytes; `tests/replay.rs` runs
//! every check over the corpus and the inputs once found. docs/testing.md says more.

pub mod alarm_events;
pub mod deliveries;
pub mod flowlog_envelopes;
pub mod flowlog_formats;
pub mod flowlog_lines;
pub mod insights_queries;
pub mod macro_requests;
pub mod sweep_events;

#[path = "../../crates/flowlog/tests/naive/mod.rs"]
mod naive;

use flowlog::Format;

/// A target: its name, which is that of its corpus, and its check.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 8] = [
    ("flowlog-lines", flowlog_lines::check),
    ("flowlog-formats", flowlog_formats::check),
    ("flowlog-envelopes", flowlog_envelopes::check),
    ("insights-queries", insights_queries::check),
    ("alarm-events", alarm_events::check),
    ("macro-requests", macro_requests::check),
    ("sweep-events", sweep_events::check),
    ("deliveries", deliveries::check),
];

/// The names of a format's fields, in its order.
fn names(format: &Format) -> Vec<String> {
    format.fields().iter().map(|field| field.name().to_owned()).collect()
}

/// Whether a line begins with a brace, and so is no plain line.
fn has_braces(text: &str) -> bool {
    text.lines().any(|line| line.trim_start_matches(|c| c <= ' ').starts_with('{'))
}
