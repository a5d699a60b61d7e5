//! The metrics of NAT gateways, counted from the traffic that passes them: whether or not a flow
//! log exists, and at once where CloudWatch takes minutes.
//!
//! <https://docs.aws.amazon.com/vpc/latest/userguide/metrics-dimensions-nat-gateway.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::aws::{AwsError, CLOUDWATCH};
use crate::aws_calls::AwsCall;
use crate::door::Door;

const NAMESPACE: &str = "AWS/NATGateway";
const PERIOD_SECONDS: i64 = 60;

/// What passes a gateway for a while. From clients to peers is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) up_bytes: u64,
    pub(crate) up_packets: u64,
    pub(crate) down_bytes: u64,
    pub(crate) down_packets: u64,
    /// Connections that were there.
    pub(crate) connections: u64,
    /// Those of them that began.
    pub(crate) begun: u64,
}

impl Passed {
    /// This and that at the same time: of several connections.
    pub(crate) fn beside(self, other: Self) -> Self {
        Self { connections: self.connections + other.connections, ..self.then(other) }
    }

    /// This and then that.
    fn then(self, next: Self) -> Self {
        Self {
            up_bytes: self.up_bytes + next.up_bytes,
            up_packets: self.up_packets + next.up_packets,
            down_bytes: self.down_bytes + next.down_bytes,
            down_packets: self.down_packets + next.down_packets,
            connections: self.connections.max(next.connections),
            begun: self.begun + next.begun,
        }
    }

    /// Every metric of a gateway with its unit. None of its packets is lost, and no port is
    /// wanting.
    const fn metrics(&self) -> [(&'static str, u64, &'static str); 14] {
        [
            ("BytesInFromSource", self.up_bytes, "Bytes"),
            ("BytesOutToDestination", self.up_bytes, "Bytes"),
            ("BytesInFromDestination", self.down_bytes, "Bytes"),
            ("BytesOutToSource", self.down_bytes, "Bytes"),
            ("PacketsInFromSource", self.up_packets, "Count"),
            ("PacketsOutToDestination", self.up_packets, "Count"),
            ("PacketsInFromDestination", self.down_packets, "Count"),
            ("PacketsOutToSource", self.down_packets, "Count"),
            ("ActiveConnectionCount", self.connections, "Count"),
            ("ConnectionAttemptCount", self.begun, "Count"),
            ("ConnectionEstablishedCount", self.begun, "Count"),
            ("ErrorPortAllocation", 0, "Count"),
            ("IdleTimeoutCount", 0, "Count"),
            ("PacketsDropCount", 0, "Count"),
        ]
    }
}

/// A region, a gateway and a minute: seconds since 1970.
type Key = (String, String, i64);

/// What has passed and CloudWatch does not know yet.
#[derive(Default)]
pub(crate) struct NatMetrics {
    pending: Mutex<BTreeMap<Key, Passed>>,
}

impl NatMetrics {
    /// Counts what passed a gateway from this time on: all of it in that minute.
    pub(crate) fn count(&self, region: &str, gateway: &str, from: Timestamp, passed: Passed) {
        let minute = from.as_second().div_euclid(PERIOD_SECONDS) * PERIOD_SECONDS;
        let mut pending = self.pending.lock();
        let sum = pending.entry((region.to_owned(), gateway.to_owned(), minute)).or_default();
        *sum = sum.then(passed);
    }

    /// What has passed the gateways that a request names; if it names none, all of them.
    fn take(&self, request: &[u8]) -> BTreeMap<Key, Passed> {
        let mut pending = self.pending.lock();
        let is_named = |(_, gateway, _): &Key| names(request, gateway);
        if !pending.keys().any(is_named) {
            return std::mem::take(&mut *pending);
        }
        pending.extract_if(.., |key, _| is_named(key)).collect()
    }
}

fn names(request: &[u8], gateway: &str) -> bool {
    request.windows(gateway.len()).any(|part| part == gateway.as_bytes())
}

/// Tells moto the metrics of the gateways that a call asks for.
pub(crate) async fn tell(door: &Door, call: &AwsCall) -> Result<(), AwsError> {
    for ((region, gateway, minute), passed) in door.nat_metrics.take(&call.http.body) {
        put(door, &region, &gateway, minute, &passed).await?;
    }
    Ok(())
}

async fn put(
    door: &Door,
    region: &str,
    gateway: &str,
    minute: i64,
    passed: &Passed,
) -> Result<(), AwsError> {
    let datum = |(name, value, unit): (&str, u64, &str)| -> Value {
        json!({
            "MetricName": name,
            "Dimensions": [{"Name": "NatGatewayId", "Value": gateway}],
            "Timestamp": minute,
            "Value": value,
            "Unit": unit,
        })
    };
    let data = passed.metrics().map(datum);
    let parameters = json!({"Namespace": NAMESPACE, "MetricData": data});
    door.moto.json(region, CLOUDWATCH, "PutMetricData", &parameters).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_summed_and_taken_once() {
        let metrics = NatMetrics::default();
        let count = |at: &str, up_bytes, connections| {
            let passed = Passed { up_bytes, connections, ..Passed::default() };
            metrics.count("us-east-1", "nat-1", at.parse().unwrap(), passed);
        };
        count("2026-01-02T03:04:00Z", 1, 2);
        count("2026-01-02T03:04:59.999Z", 10, 1);
        count("2026-01-02T03:05:00Z", 100, 1);
        let taken: Vec<_> = metrics.take(b"").into_iter().collect();
        let sums: Vec<_> =
            taken.iter().map(|(_, passed)| (passed.up_bytes, passed.connections)).collect();
        assert_eq!(sums, [(11, 2), (100, 1)]);
        assert_eq!(taken[1].0.2 - taken[0].0.2, 60);
        assert!(metrics.take(b"").is_empty());
    }

    #[test]
    fn a_request_that_names_gateways_gets_theirs() {
        let metrics = NatMetrics::default();
        for gateway in ["nat-1", "nat-2", "nat-3"] {
            metrics.count("us-east-1", gateway, Timestamp::UNIX_EPOCH, Passed::default());
        }
        let taken = |request: &[u8]| -> Vec<_> {
            metrics.take(request).into_keys().map(|(_, gateway, _)| gateway).collect()
        };
        assert_eq!(taken(br#"{"Value": "nat-2"}"#), ["nat-2"]);
        assert_eq!(taken(b"ListMetrics"), ["nat-1", "nat-3"]);
    }
}
