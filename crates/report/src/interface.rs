//! Network interfaces: what is behind a client's address.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// An interface as `DescribeNetworkInterfaces` shows it.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkInterface {
    /// `eni-…`
    pub id: String,
    /// Its private IPv4 addresses, secondary ones included, and its IPv6 addresses.
    pub addresses: Vec<IpAddr>,
    /// `interface`, `lambda`, `network_load_balancer`, …, as EC2 spells it.
    pub interface_type: String,
    /// What its creator wrote: `AWS Lambda VPC ENI-…`, `ELB app/…`.
    pub description: String,
    /// The instance that it is attached to.
    pub instance_id: Option<String>,
    /// Its own tags by their keys.
    pub tags: Tags,
}

/// Tags: values by keys.
pub type Tags = BTreeMap<String, String>;
