//! What a spike and its recording cost.

use serde::Serialize;

use crate::facts::Facts;
use crate::prices;
use crate::traffic::Bytes;

/// Costs in US dollars, by the prices of [`prices`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Costs {
    /// What the gateway's data processing of the spike costs.
    pub nat_processing: Option<NatProcessing>,
    /// What the recording costs, and of what that consists.
    pub recording_dollars: Option<f64>,
    /// Of that: delivering the records.
    pub delivery_dollars: Option<f64>,
    /// Of that: the report's queries.
    pub queries_dollars: f64,
    /// What the queries looked at.
    pub scanned_bytes: u64,
    /// Of that: the state machine's steps.
    pub state_machine_dollars: f64,
    /// The region that the prices are of.
    pub prices_of: &'static str,
    /// When they were noted.
    pub prices_noted_on: &'static str,
    /// What that means for this gateway's region.
    pub note: String,
}

/// What data processing costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NatProcessing {
    /// The bytes that are billed.
    pub bytes: u64,
    /// Whether CloudWatch metered them; otherwise they are those of the records.
    pub is_metered: bool,
    /// The cost.
    pub dollars: f64,
}

impl Costs {
    /// What is known of the costs; `metered` is what CloudWatch metered of the spike.
    #[must_use]
    pub fn of(facts: &Facts, metered: Option<Bytes>) -> Self {
        let totals = facts.traffic.as_ref().and_then(|traffic| traffic.totals);
        let bytes = metered
            .map(|bytes| (bytes.total(), true))
            .or_else(|| totals.map(|totals| (totals.bytes.total(), false)));
        let reading = &facts.reading;
        let delivery_dollars = reading
            .record_bytes
            .zip(reading.destination)
            .map(|(bytes, destination)| destination.price().of_bytes(bytes));
        let queries_dollars = prices::QUERIES.of_bytes(reading.scanned_bytes);
        let state_machine_dollars =
            prices::STATE_TRANSITION.dollars * f64::from(reading.state_transitions);
        Self {
            nat_processing: bytes.map(|(bytes, is_metered)| NatProcessing {
                bytes,
                is_metered,
                dollars: prices::NAT_PROCESSING.of_bytes(bytes),
            }),
            recording_dollars: delivery_dollars
                .map(|delivery| delivery + queries_dollars + state_machine_dollars),
            delivery_dollars,
            queries_dollars,
            scanned_bytes: reading.scanned_bytes,
            state_machine_dollars,
            prices_of: prices::REGION,
            prices_noted_on: prices::NOTED_ON,
            note: prices::note(facts.gateway.region.as_deref().unwrap_or("your region")),
        }
    }
}
