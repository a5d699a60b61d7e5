//! What CloudWatch metered of the gateway.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The sums of a gateway's metrics over one minute. What CloudWatch has no data point for is 0.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/metrics-dimensions-nat-gateway.html>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeteredMinute {
    /// When the minute begins.
    pub at: Timestamp,
    /// `BytesInFromSource`: uploaded by the clients.
    pub upload_bytes: u64,
    /// `BytesInFromDestination`: downloaded by the clients.
    pub download_bytes: u64,
    /// `ErrorPortAllocation`: connections that found no free port.
    pub port_allocation_errors: u64,
    /// `PacketsDropCount`: packets that the gateway dropped.
    pub dropped_packets: u64,
}

impl MeteredMinute {
    /// What NAT processing is billed for: every byte that enters, from either side.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.upload_bytes.saturating_add(self.download_bytes)
    }
}
