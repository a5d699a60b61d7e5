//! What a point is about: the tags that do not depend on the metric.

use std::net::IpAddr;

use flowlog::{FlowDirection, protocol_keyword};

/// Where the interface is. Texts are absent when neither record nor log has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) interface: String,
}

/// A set of tags, without the place's texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Subject {
    /// Which place it is, in the order in which they were seen.
    pub(crate) place: usize,
    pub(crate) protocol: Option<u8>,
    pub(crate) direction: Option<FlowDirection>,
    /// The interface's own address.
    pub(crate) address: Option<IpAddr>,
}

impl Subject {
    /// A place, and nothing else is known.
    pub(crate) const fn of(place: usize) -> Self {
        Self { place, protocol: None, direction: None, address: None }
    }

    /// The tags, in alphabetical order; what is not known has no tag.
    pub(crate) fn tags(&self, place: &Place) -> Vec<String> {
        let known = |key: &str, value: &str| (!value.is_empty()).then(|| format!("{key}:{value}"));
        [
            known("aws_account", &place.account),
            self.direction.map(|direction| format!("direction:{}", word(direction))),
            known("interface_id", &place.interface),
            self.address.map(|address| format!("ip:{address}")),
            self.protocol.map(|protocol| format!("protocol:{}", protocol_name(protocol))),
            known("region", &place.region),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

const fn word(direction: FlowDirection) -> &'static str {
    match direction {
        FlowDirection::Ingress => "inbound",
        FlowDirection::Egress => "outbound",
    }
}

fn protocol_name(number: u8) -> String {
    protocol_keyword(number).map_or_else(|| number.to_string(), str::to_owned)
}
