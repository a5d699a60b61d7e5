//! What a report is made from.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::endpoint::VpcEndpoint;
use crate::interface::Owner;
use crate::metered::MeteredMinute;
use crate::prices::{self, Price};
use crate::ranges::Ranges;
use crate::timeline::Timeline;
use crate::traffic::{Records, Traffic};

/// Everything that is known of a recording. What is not known is `None`, and
/// [`missing`](Facts::missing) says why.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What was recorded.
    pub gateway: Gateway,
    /// When and why.
    pub recording: Recording,
    /// What the records add up to.
    pub traffic: Option<Traffic>,
    /// How many records of each kind there are.
    pub records: Option<Records>,
    /// What CloudWatch metered, from before the recording to its end.
    pub metered: Option<Vec<MeteredMinute>>,
    /// The minutes of the records, for want of what CloudWatch metered.
    pub minutes: Option<Vec<MeteredMinute>>,
    /// Bytes over time, by client, where every record was read.
    pub timeline: Option<Timeline>,
    /// Who is behind the clients' addresses.
    pub owners: BTreeMap<IpAddr, Owner>,
    /// The VPC's endpoints.
    pub endpoints: Option<Vec<VpcEndpoint>>,
    /// AWS's public addresses.
    pub ranges: Option<Ranges>,
    /// Where the records went, and what it took to read them.
    pub reading: Reading,
    /// What does not bode well, a sentence each.
    pub warnings: Vec<String>,
    /// What could not be found out and why, a sentence each.
    pub missing: Vec<String>,
    /// Where to look further.
    pub links: Vec<Link>,
}

/// A NAT gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gateway {
    /// `nat-…`
    pub nat_gateway_id: String,
    /// Its `Name` tag.
    pub name: Option<String>,
    /// `vpc-…`
    pub vpc_id: Option<String>,
    /// Its region, for prices and endpoints.
    pub region: Option<String>,
    /// The account.
    pub account_id: Option<String>,
    /// Whether it spans availability zones.
    pub is_regional: bool,
}

impl Gateway {
    /// `nat-… (egress-a)`
    #[must_use]
    pub fn words(&self) -> String {
        match &self.name {
            Some(name) => format!("{} ({name})", self.nat_gateway_id),
            None => self.nat_gateway_id.clone(),
        }
    }
}

/// When and why a gateway was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    /// The stack that recorded it.
    pub stack: Option<String>,
    /// The execution's ARN.
    pub execution: Option<String>,
    /// Why it started, in sentences.
    pub why_started: Option<String>,
    /// Why it stopped, in sentences.
    pub why_stopped: Option<String>,
    /// When it started.
    pub from: Option<Timestamp>,
    /// When it stopped.
    pub to: Option<Timestamp>,
    /// What became of each flow log.
    pub flow_logs: Vec<String>,
    /// "recording 3 of 5; the count starts again on 1 December (UTC)"
    pub quota: Option<String>,
    /// Where the records are.
    pub place: Option<String>,
    /// How `natflow` reads the records of this recording.
    #[serde(default)]
    pub records: Option<RecordsAt>,
}

/// Where `natflow` finds a recording's records, and how it tells them from others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordsAt {
    /// The log group's ARN, or folders in a bucket.
    pub inputs: Vec<String>,
    /// The gateway as its records name it: its interface or itself, and its private addresses.
    pub gateway: Vec<String>,
    /// From when, with what an aggregation interval adds.
    pub since: Timestamp,
    /// Until when, likewise.
    pub until: Timestamp,
}

/// Every sentence about a query without a complete answer has these words.
pub const NOT_ANSWERED: &str = "the query was not answered";

/// Where records go, which decides about their price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Destination {
    /// A log group of the class `INFREQUENT_ACCESS`.
    #[default]
    InfrequentAccess,
    /// A log group of the class `STANDARD`.
    Standard,
    /// A bucket.
    S3,
}

impl Destination {
    /// What a gigabyte of records costs.
    #[must_use]
    pub const fn price(self) -> Price {
        match self {
            Self::InfrequentAccess => prices::DELIVERY_INFREQUENT_ACCESS,
            Self::Standard => prices::DELIVERY_STANDARD,
            Self::S3 => prices::DELIVERY_S3,
        }
    }
}

/// What it took to read the records.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Where they are; nothing: not with AWS.
    pub destination: Option<Destination>,
    /// Bytes that this gateway's records take, about.
    pub record_bytes: Option<u64>,
    /// Queries that ran.
    pub queries: u32,
    /// Bytes that they looked at.
    pub scanned_bytes: u64,
    /// Steps of the state machine.
    pub state_transitions: u32,
}

/// Where to look further.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// What it leads to.
    pub label: String,
    /// An address to open, or lines to be copied.
    pub text: String,
}
