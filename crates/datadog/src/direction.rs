//! Which way a record's traffic passed its interface.

use std::collections::HashMap;
use std::net::IpAddr;

use flowlog::{Field, FlowDirection, Record};

/// The private addresses of network interfaces, by the interfaces' IDs.
pub type Interfaces = HashMap<String, Vec<IpAddr>>;

/// The direction, and the interface's own address in the record.
///
/// The record says it itself (`flow-direction`); `srcaddr` of what leaves and `dstaddr` of what
/// comes in are the interface's own. Otherwise the interface's addresses must say it, and who has
/// both ends or neither is told nothing.
pub(crate) fn of(record: &Record<'_>, own: &[IpAddr]) -> Option<(FlowDirection, Option<IpAddr>)> {
    let source = record.address(Field::SrcAddr);
    let destination = record.address(Field::DstAddr);
    let is_own = |address: Option<IpAddr>| address.is_some_and(|address| own.contains(&address));
    let direction =
        record.flow_direction().or_else(|| match (is_own(source), is_own(destination)) {
            (true, false) => Some(FlowDirection::Egress),
            (false, true) => Some(FlowDirection::Ingress),
            _ => None,
        })?;
    let address = match direction {
        FlowDirection::Egress => source,
        FlowDirection::Ingress => destination,
    };
    Some((direction, address))
}
