//! Flow-log records as the bytes that other systems take.
//!
//! Each module makes bytes of records and knows no socket, no AWS and no clock: who calls it
//! sends them. What a record lacks is counted, never invented.

pub mod netflow;
pub mod prometheus;
