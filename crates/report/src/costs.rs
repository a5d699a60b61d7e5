//! What a spike and its recording cost.

use serde::{Deserialize, Serialize};

use crate::facts::{Destination, Facts};
use crate::prices::{self, Price};
use crate::traffic::Bytes;

/// Costs in US dollars, by the prices of [`prices`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The prices that the report counts with, each with its region and its date.
    pub prices: Vec<Price>,
    /// What that means for this gateway's region.
    pub note: String,
}

/// What data processing costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NatProcessing {
    /// The bytes that are billed.
    pub bytes: u64,
    /// Whether CloudWatch metered them; otherwise they are those of the records.
    pub is_metered: bool,
    /// The cost.
    pub dollars: f64,
    /// By this price.
    pub price: Price,
}

/// What a report counts with, in that region.
fn prices_of(destination: Option<Destination>, region: Option<&str>) -> Vec<Price> {
    let traffic =
        [prices::NAT_PROCESSING, prices::INTERFACE_ENDPOINT_HOUR, prices::INTERFACE_ENDPOINT_DATA];
    let recording = destination
        .map(|destination| [destination.price(), prices::QUERIES, prices::STATE_TRANSITION]);
    let all = traffic.into_iter().chain(recording.into_iter().flatten());
    all.map(|price| price.in_region(region)).collect()
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
        let region = facts.gateway.region.as_deref();
        let dollars_of = |price: Price, bytes| price.in_region(region).of_bytes(bytes);
        let delivery_dollars = reading
            .record_bytes
            .zip(reading.destination)
            .map(|(bytes, destination)| dollars_of(destination.price(), bytes));
        let queries_dollars = dollars_of(prices::QUERIES, reading.scanned_bytes);
        let state_machine_dollars = prices::STATE_TRANSITION.in_region(region).dollars
            * f64::from(reading.state_transitions);
        Self {
            nat_processing: bytes.map(|(bytes, is_metered)| NatProcessing {
                bytes,
                is_metered,
                dollars: dollars_of(prices::NAT_PROCESSING, bytes),
                price: prices::NAT_PROCESSING.in_region(region),
            }),
            recording_dollars: delivery_dollars
                .map(|delivery| delivery + queries_dollars + state_machine_dollars),
            delivery_dollars,
            queries_dollars,
            scanned_bytes: reading.scanned_bytes,
            state_machine_dollars,
            prices: prices_of(reading.destination, region),
            note: prices::note(region),
        }
    }
}
