//! The real binary with real functions, before a moto that is a stub.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test fails by panicking, and hands JSON over as it writes it"
)]

mod asynchronous;
mod events;
mod faults;
mod functions;
mod kills;
mod logs_insights;
mod moto;
mod proxy;
mod records;
mod refusals;
mod running;
mod schedules;
mod shutdown;
mod throttling;
