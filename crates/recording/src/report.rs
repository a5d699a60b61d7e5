//! *Report*: who caused the spike, in an e-mail for people and as JSON for programs.
//!
//! What a report says and how it is laid out is in the crate `report`; here is what it is made
//! from: the state of the execution, and what Logs Insights, CloudWatch and EC2 answer.

mod failed;
mod gather;
mod links;
mod queries;
mod rows;
mod why;

use report::Report;
use serde::Serialize;

pub use failed::{Failed, failed};
pub use report::email::{BODY_BYTES, Email, SUBJECT_CHARACTERS};
pub use report::facts::Destination;

use crate::{
    bucket::Bucket,
    ports::{
        AddressRanges, Clock, GatewayMetrics, Gateways, LogsQueries, NetworkInterfaces,
        VpcEndpoints,
    },
    state::State,
};

/// What the report is told by the stack.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// Where the records are.
    pub records: Records<'a>,
}

/// Where the records of a stack are.
#[derive(Clone, Copy, Debug)]
pub enum Records<'a> {
    /// In a log group, where the report reads them.
    LogGroup {
        /// Its name.
        name: &'a str,
        /// Its class: `InfrequentAccess` or `Standard`.
        destination: Destination,
    },
    /// In a bucket, where Athena and `natflow` read them.
    Bucket(Bucket<'a>),
}

/// Whom the report asks.
pub trait Sources {
    /// Logs Insights.
    fn logs(&self) -> &impl LogsQueries;
    /// CloudWatch's metrics.
    fn metrics(&self) -> &impl GatewayMetrics;
    /// The NAT gateways.
    fn gateways(&self) -> &impl Gateways;
    /// The network interfaces.
    fn interfaces(&self) -> &impl NetworkInterfaces;
    /// The VPC endpoints.
    fn endpoints(&self) -> &impl VpcEndpoints;
    /// AWS's public addresses.
    fn ranges(&self) -> &impl AddressRanges;
    /// The time since the function began.
    fn clock(&self) -> &impl Clock;
}

/// A report as it is published: for people and for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Published {
    /// What people get.
    #[serde(flatten)]
    pub email: Email,
    /// What programs get: at most [`JSON_BYTES`] of JSON; nothing about a recording that failed.
    pub json: String,
}

/// E-mail and JSON pass through a state of the execution, which holds 262,144 bytes with all
/// that is in it.
pub const JSON_BYTES: usize = 64 * 1024;

/// The report about a recording that ended as it should. It never fails: what could not be found
/// out is named in it.
pub async fn recorded(state: &State, place: Place<'_>, sources: &impl Sources) -> Published {
    let mut facts = gather::facts(state, place, sources).await;
    let clients = facts.traffic.as_ref().and_then(|traffic| traffic.clients.as_ref());
    let largest = clients.and_then(|clients| clients.rows.first()).map(|(client, _)| *client);
    facts.links = links::of(state, place, largest);
    let report = Report::new(facts);
    Published { email: report.email(), json: report.json(JSON_BYTES) }
}
