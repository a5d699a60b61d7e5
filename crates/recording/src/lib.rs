//! When to record a NAT gateway, and what to do next.
//!
//! The decisions of the recorder, without AWS and without a clock of their own:
//! the time comes in with the event or from the state machine, the AWS side is
//! behind the small traits of [`ports`]. One module per step:
//!
//! | step of the state machine | module |
//! |---|---|
//! | Reserve a recording | [`reserve`] |
//! | Start recording | [`start`] |
//! | Wait for the alarm to clear | [`resume`] |
//! | Stop recording, Clean up after the failure | [`stop`] |
//! | Report, Report the failure | [`report`] |
//! | none: it looks after all of them | [`sweep`] |
//!
//! What they agree on lives in one table item per gateway; every write to it is
//! one conditional update, and [`protocol`] lists them all.

pub mod alarm;
pub mod bucket;
pub mod error;
pub mod gateway;
pub mod link;
pub mod ports;
pub mod protocol;
pub mod quota;
pub mod report;
pub mod reserve;
pub mod resume;
pub mod start;
pub mod state;
pub mod stop;
pub mod sweep;
pub mod table;

pub use error::{Error, ErrorName};
pub use gateway::NatGatewayId;
