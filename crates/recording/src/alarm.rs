//! The CloudWatch alarm events that start and end a recording.
//!
//! EventBridge passes them on as
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html>
//! describes. Metrics have no fixed order and need not be there at all, so the
//! gateway is found by namespace and dimension, never by position.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Error, NatGatewayId};

/// An alarm that says: the gateway's traffic is abnormal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// The alarm's name.
    pub name: String,
    /// CloudWatch's own sentence, in bytes and thresholds.
    pub reason: String,
    /// When the alarm changed its state (`state.timestamp`).
    pub at: Timestamp,
}

/// The news that a gateway's traffic is normal again, or no longer watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cleared {
    /// The alarm's name.
    pub name: String,
    /// How it cleared.
    pub how: ClearedHow,
    /// When it did.
    pub at: Timestamp,
}

/// How an alarm stopped being raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClearedHow {
    /// The state OK.
    Ok,
    /// The state `INSUFFICIENT_DATA`: the gateway reports no traffic.
    InsufficientData,
    /// The alarm was deleted.
    Deleted,
}

/// Reads the event that raises an alarm.
pub fn raised(event: &serde_json::Value) -> Result<(NatGatewayId, Alarm), Error> {
    let event = Event::read(event)?;
    let state = event.state()?;
    if event.detail_type != STATE_CHANGE || state.value != "ALARM" {
        return Err(event.refused(&format!("its state is {}, expected ALARM", state.value)));
    }
    let gateway = event.gateway()?;
    let alarm = Alarm {
        name: event.detail.alarm_name.clone(),
        reason: state.reason.clone(),
        at: to_the_millisecond(event.state_changed_at(state)?),
    };
    Ok((gateway, alarm))
}

/// Reads the event that clears an alarm: OK, `INSUFFICIENT_DATA`, or its deletion.
pub fn cleared(event: &serde_json::Value) -> Result<(NatGatewayId, Cleared), Error> {
    let event = Event::read(event)?;
    let (how, at) = match (event.detail_type.as_str(), event.detail.operation.as_deref()) {
        (CONFIGURATION_CHANGE, Some("delete")) => (ClearedHow::Deleted, event.deleted_at()?),
        (STATE_CHANGE, _) => {
            let state = event.state()?;
            (event.cleared_how(state)?, event.state_changed_at(state)?)
        }
        (_, operation) => {
            let found = operation.unwrap_or("none");
            return Err(event.refused(&format!("its operation is {found}, expected delete")));
        }
    };
    let gateway = event.gateway()?;
    let name = event.detail.alarm_name.clone();
    Ok((gateway, Cleared { name, how, at: to_the_millisecond(at) }))
}

const STATE_CHANGE: &str = "CloudWatch Alarm State Change";
const CONFIGURATION_CHANGE: &str = "CloudWatch Alarm Configuration Change";
const NAT_NAMESPACE: &str = "AWS/NATGateway";

/// As much of the event as a recording needs; everything else may change.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Event {
    detail_type: String,
    time: Timestamp,
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    alarm_name: String,
    operation: Option<String>,
    state: Option<AlarmState>,
    #[serde(default)]
    configuration: Configuration,
}

#[derive(Deserialize)]
struct AlarmState {
    value: String,
    #[serde(default)]
    reason: String,
    timestamp: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Configuration {
    metrics: Vec<MetricEntry>,
}

/// A metric, or an expression over others: then there is no `metricStat`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetricEntry {
    metric_stat: Option<MetricStat>,
}

#[derive(Deserialize)]
struct MetricStat {
    metric: Metric,
}

#[derive(Deserialize)]
struct Metric {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    dimensions: Dimensions,
}

#[derive(Default, Deserialize)]
struct Dimensions {
    #[serde(rename = "NatGatewayId")]
    nat_gateway_id: Option<String>,
}

impl Event {
    fn read(event: &serde_json::Value) -> Result<Self, Error> {
        Self::deserialize(event).map_err(|error| {
            Error::EventRefused(format!("the input is no CloudWatch alarm event: {error}"))
        })
    }

    fn state(&self) -> Result<&AlarmState, Error> {
        self.detail.state.as_ref().ok_or_else(|| self.refused("it has no state"))
    }

    fn cleared_how(&self, state: &AlarmState) -> Result<ClearedHow, Error> {
        match state.value.as_str() {
            "OK" => Ok(ClearedHow::Ok),
            "INSUFFICIENT_DATA" => Ok(ClearedHow::InsufficientData),
            other => {
                Err(self
                    .refused(&format!("its state is {other}, expected OK or INSUFFICIENT_DATA")))
            }
        }
    }

    fn state_changed_at(&self, state: &AlarmState) -> Result<Timestamp, Error> {
        state.timestamp.parse().map_err(|error| {
            self.refused(&format!("its state.timestamp {:?} is no time: {error}", state.timestamp))
        })
    }

    /// A deletion has no time of its own but the event's, in whole seconds;
    /// `state.timestamp` is that of the last change before. The end of the second
    /// makes it newer than an alarm raised within it.
    fn deleted_at(&self) -> Result<Timestamp, Error> {
        self.time
            .checked_add(SignedDuration::from_millis(999))
            .map_err(|error| self.refused(&format!("its time is out of range: {error}")))
    }

    /// The one gateway whose metrics the alarm watches.
    fn gateway(&self) -> Result<NatGatewayId, Error> {
        let ids: BTreeSet<&str> = self.detail.configuration.nat_gateway_ids().collect();
        let mut ids = ids.into_iter();
        match (ids.next(), ids.next()) {
            (Some(id), None) => NatGatewayId::try_from(id.to_owned()),
            (None, _) => Err(self.refused("it watches no metric of a NAT gateway")),
            (Some(first), Some(second)) => Err(self.refused(&format!(
                "it watches several NAT gateways, {first} and {second} among them, expected one"
            ))),
        }
    }

    fn refused(&self, why: &str) -> Error {
        Error::EventRefused(format!("the alarm {:?} is not used: {why}", self.detail.alarm_name))
    }
}

impl Configuration {
    fn nat_gateway_ids(&self) -> impl Iterator<Item = &str> {
        self.metrics
            .iter()
            .filter_map(|entry| entry.metric_stat.as_ref())
            .filter(|stat| stat.metric.namespace == NAT_NAMESPACE)
            .filter_map(|stat| stat.metric.dimensions.nat_gateway_id.as_deref())
    }
}

/// The table compares whole milliseconds.
fn to_the_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests;
