//! The data that an execution of the state machine carries from step to step.
//!
//! Each step gets all of it and answers with all of it, so a field is added
//! without touching the state machine. Fields stay readable one version back: an
//! update during a recording keeps the old state machine and calls the new
//! functions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    NatGatewayId,
    alarm::{Alarm, Cleared},
    gateway::NatGateway,
    quota::QuotaPeriod,
};

/// A recording from its reservation on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Always [`Decision::Record`]; the other decisions end the execution.
    pub decision: Decision,
    /// Why, in a sentence.
    pub reason: String,
    /// What was reserved.
    pub recording: Recording,
    /// Seconds that the recording may still wait for the alarm to clear, at
    /// least 1.
    pub wait_seconds: i64,
    /// Seconds from the end of the recording to its report: records come late.
    pub report_delay_seconds: i64,
    /// What start-recording created.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub started: Option<Started>,
    /// Until when at least it records.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub minimum_ends_at: Option<Timestamp>,
    /// How the wait for the alarm ended last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended: Option<Ended>,
    /// Whether stop-recording stopped it; false: the spike has come back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped: Option<bool>,
    /// How often the spike came back while the recording was about to stop.
    #[serde(default)]
    pub came_back: u32,
    /// What stop-recording found and did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stop: Option<Stop>,
    /// What failed, as the state machine caught it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<Failure>,
    /// What failed in cleaning up after the failure.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub clean_up_failure: Option<Failure>,
}

/// What check-quota decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// A recording is reserved for this execution.
    Record,
    /// The period's recordings are used up.
    QuotaReached,
    /// The gateway is being recorded.
    AlreadyRecording,
    /// The alarm is known, or has cleared since.
    Duplicate,
}

/// The answer to an execution that does not record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// Anything but [`Decision::Record`].
    pub decision: Decision,
    /// Why, in a sentence.
    pub reason: String,
    /// The gateway.
    pub nat_gateway_id: NatGatewayId,
}

/// The facts of a reservation; nothing of them changes afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    /// The gateway.
    pub nat_gateway_id: NatGatewayId,
    /// The execution's ARN.
    pub execution: String,
    /// The alarm that started it; `None`: started by hand.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alarm: Option<Alarm>,
    /// When it was reserved.
    pub reserved_at: Timestamp,
    /// Until when it may exist.
    pub lease_ends_at: Timestamp,
    /// At most so many seconds are recorded.
    pub recording_seconds: i64,
    /// At least so many seconds are recorded.
    pub minimum_recording_seconds: i64,
    /// Its place in the quota; a recording started by hand is outside of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quota: Option<QuotaPlace>,
}

impl Recording {
    /// One word for logs: the gateway and when it was reserved.
    #[must_use]
    pub fn id(&self) -> String {
        recording_id(&self.nat_gateway_id, self.reserved_at)
    }
}

/// What logs call a recording: the gateway and when it was reserved.
#[must_use]
pub fn recording_id(gateway: &NatGatewayId, reserved_at: Timestamp) -> String {
    format!("{gateway}@{reserved_at:.0}")
}

/// "Recording 3 of 5 this month."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuotaPlace {
    /// This recording's number in the period, from 1.
    pub number: i64,
    /// Recordings allowed in the period; 0: any number.
    pub allowed: i64,
    /// The period.
    pub period: QuotaPeriod,
    /// The table's attribute that counts it.
    pub counter: String,
}

/// What start-recording created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// When the step began; the recording's time counts from here.
    pub at: Timestamp,
    /// The gateway as EC2 described it.
    pub gateway: NatGateway,
    /// The flow logs that record it.
    pub flow_logs: Vec<FlowLog>,
}

/// A flow log and what it logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowLog {
    /// `fl-…`
    pub id: String,
    /// The network interface, or the regional gateway.
    pub resource_id: String,
}

/// How a wait for the alarm to clear ended: with the output that resume-recording
/// sent, or with the error that ended it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Ended {
    /// The alarm cleared while the execution waited.
    Cleared(Cleared),
    /// The time was over, or there was nothing to wait for.
    Error(Failure),
}

impl Ended {
    /// Whether the recording's time was used up.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        matches!(self, Self::Error(failure) if failure.error == "States.Timeout")
    }
}

/// What stop-recording found and did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// When the step began.
    pub at: Timestamp,
    /// The flow logs that it deleted.
    pub deleted: Vec<String>,
    /// What EC2 said of their delivery, one sentence each.
    #[serde(default)]
    pub delivery_errors: Vec<String>,
    /// Whether the quota was given back, since no flow log became active.
    #[serde(default)]
    pub given_back: bool,
}

/// An error as the state machine stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Failure {
    /// The error's name.
    pub error: String,
    /// For a function JSON with `errorMessage`; otherwise AWS's own sentence.
    #[serde(default)]
    pub cause: String,
}

impl Failure {
    /// The sentence of the function, or all that AWS said.
    #[must_use]
    pub fn sentence(&self) -> String {
        serde_json::from_str::<serde_json::Value>(&self.cause)
            .ok()
            .and_then(|cause| cause.get("errorMessage")?.as_str().map(str::to_owned))
            .unwrap_or_else(|| self.cause.clone())
    }
}
