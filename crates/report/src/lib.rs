//! What a recording says about a NAT gateway: who caused the spike, and what it cost.
//!
//! Everything here is pure: what Logs Insights, CloudWatch and EC2 answered comes in as
//! [`interface`], [`endpoint`] and [`metered`] data.

pub mod endpoint;
pub mod interface;
pub mod metered;
