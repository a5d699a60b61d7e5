//! The queries about connections: who exchanged how much with whom.

use super::words::{protocols, words_of};
use super::{
    ADDRESS_PLACEHOLDER, CLIENT_PLACEHOLDER, MOST_ROWS, MOST_TALKERS, Scope, parse_message,
    scope_filter, text_of,
};
use crate::{Action, Field, FlowDirection};

/// A question about connections, from the records that name both ends.
pub(super) struct Connections<'a> {
    pub(super) question: &'static str,
    /// What it looks at beside the ends' addresses.
    pub(super) looks_at: &'static [LooksAt],
    /// Commands that make columns of its own.
    pub(super) columns: &'a [String],
    /// What it adds up.
    pub(super) totals: &'a str,
    /// What it counts beside that.
    pub(super) counts: &'static str,
    /// What it groups by; nothing: one row for everything.
    pub(super) by: &'a str,
    /// What its rows are sorted by; nothing: the one row is not.
    pub(super) order: &'static str,
    pub(super) limit: u32,
}

/// Something that a question looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LooksAt {
    /// Which end is the client.
    Ends,
    /// The AWS service at the peer's address, or `-`.
    PeerService,
    /// AWS services alone: other peers are left out.
    ServicesOnly,
    /// The port on the peer's side, and the protocol.
    PeerPort,
    /// One client alone.
    OneClient,
}

pub(super) const TOP: Connections<'static> = Connections {
    question: "",
    looks_at: &[LooksAt::Ends],
    columns: &[],
    totals: "sum(bytes) as totalBytes, sum(sent) as uploadBytes, sum(received) as downloadBytes, \
        sum(packets) as totalPackets, count(*) as records",
    counts: "",
    by: "",
    order: "totalBytes desc",
    limit: MOST_TALKERS,
};

pub(super) const TOP_CLIENTS: Connections<'static> =
    Connections { question: "Which clients moved the most bytes?", by: "client", ..TOP };

pub(super) const TOP_PEERS: Connections<'static> =
    Connections { question: "With which peers were the most bytes exchanged?", by: "peer", ..TOP };

pub(super) const TOP_PAIRS: Connections<'static> = Connections {
    question: "Which clients moved the most bytes with which peers?",
    by: "client, peer",
    ..TOP
};

pub(super) const AWS_SERVICES: Connections<'static> = Connections {
    question: "Which AWS services were reached through the gateway?\n\
        # An endpoint in the VPC would carry this traffic past it: S3 and DYNAMODB have gateway\n\
        # endpoints, which are free, most others an interface endpoint. AMAZON and EC2 stand for\n\
        # addresses that belong to no one service.",
    looks_at: &[LooksAt::Ends, LooksAt::PeerService, LooksAt::ServicesOnly],
    counts: ", count_distinct(client) as clients",
    by: "peerService",
    ..TOP
};

pub(super) const TRAFFIC_OVER_TIME: Connections<'static> = Connections {
    question: "How much passed in each minute?\n\
        # A record counts in the minute of its start, which may be the one before most of its\n\
        # packets.",
    looks_at: &[],
    by: "bin(1m) as minute",
    order: "minute",
    limit: MOST_ROWS,
    ..TOP
};

pub(super) const PORTS: Connections<'static> = Connections {
    question: "With which ports of the peers were the most bytes exchanged?",
    looks_at: &[LooksAt::Ends, LooksAt::PeerPort],
    counts: ", count_distinct(client) as clients, count_distinct(peer) as peers",
    by: "peerPort, transport",
    ..TOP
};

pub(super) const CLIENT_CONVERSATIONS: Connections<'static> = Connections {
    question: "With whom did one client exchange bytes, and when?\n\
        # Put its address in place of CLIENT-ADDRESS.",
    looks_at: &[LooksAt::Ends, LooksAt::PeerPort, LooksAt::OneClient],
    counts: ", min(@timestamp) as firstSeen, max(@timestamp) as lastSeen",
    by: "peer, peerPort, transport",
    limit: MOST_ROWS,
    ..TOP
};

const COMMENT: &str = "\
# Each connection is recorded four times. Only the two records on the client's side name both
# ends: what the client sent, and what it got. The others would count everything twice.
# Rejected traffic and what a SKIPDATA record hides are not counted.";

/// Without the list, a regional gateway's connections would be counted twice: so its records are
/// counted only when both was done.
const PLACEHOLDER_COMMENT: &str = "\
# If the gateway has secondary private addresses, list all of its private addresses in place of
# GATEWAY-ADDRESS, both times: [\"10.0.0.5\", \"10.0.0.6\"]. If it is a regional one, do so, and take
# out the two comparisons dstAddr != pktDstAddr and srcAddr != pktSrcAddr.";

impl Connections<'_> {
    pub(super) fn text(&self, scope: &Scope<'_>) -> String {
        let [ingress, egress] = [FlowDirection::Ingress, FlowDirection::Egress];
        let mut lines = vec![format!("# {}", self.question), COMMENT.to_owned()];
        if scope.gateway_addresses.is_empty() {
            lines.push(PLACEHOLDER_COMMENT.to_owned());
        }
        lines.push(parse_message());
        lines.push(format!("| filter action = \"{}\"", Action::Accept));
        lines.extend(scope_filter(scope));
        lines.push(client_side_filter(scope));
        lines.extend(self.looks_at.iter().flat_map(|looks_at| looks_at.lines()));
        lines.extend_from_slice(self.columns);
        lines.push(format!("| fields bytes * strcontains(flowDirection, \"{ingress}\") as sent"));
        lines
            .push(format!("| fields bytes * strcontains(flowDirection, \"{egress}\") as received"));
        lines.push(self.stats());
        if !self.order.is_empty() {
            lines.push(format!("| sort {}", self.order));
        }
        lines.push(format!("| limit {}", self.limit));
        text_of(&lines)
    }

    fn stats(&self) -> String {
        let by = if self.by.is_empty() { String::new() } else { format!(" by {}", self.by) };
        format!("| stats {}{}{by}", self.totals, self.counts)
    }
}

impl LooksAt {
    /// The commands that make its columns.
    fn lines(self) -> Vec<String> {
        match self {
            Self::Ends => {
                let mut lines = by_direction(Field::PktSrcAddr, Field::PktDstAddr, "");
                lines.push("| fields coalesce(uploadClient, downloadClient) as client".into());
                lines.push("| fields coalesce(uploadPeer, downloadPeer) as peer".into());
                lines
            }
            Self::PeerService => {
                let (source, destination) = (Field::PktSrcAwsService, Field::PktDstAwsService);
                let mut lines = by_direction(source, destination, "Service");
                let peer = "coalesce(uploadPeerService, downloadPeerService)";
                lines.push(format!("| fields {peer} as peerService"));
                lines
            }
            Self::ServicesOnly => vec!["| filter peerService != \"-\"".into()],
            Self::PeerPort => {
                let mut lines = by_direction(Field::SrcPort, Field::DstPort, "Port");
                let peer = "coalesce(uploadPeerPort, downloadPeerPort)";
                lines.push(format!("| fields {peer} as peerPort"));
                let transport = words_of(Field::Protocol, &protocols());
                lines.push(format!("| fields {transport} as transport"));
                lines
            }
            Self::OneClient => vec![format!("| filter client = \"{CLIENT_PLACEHOLDER}\"")],
        }
    }
}

/// Puts a pair of fields into columns of the client and the peer: the client is the source of
/// an upload and the destination of a download.
fn by_direction(source: Field, destination: Field, what: &str) -> Vec<String> {
    let [ingress, egress] = [FlowDirection::Ingress, FlowDirection::Egress];
    let (source, destination) = (source.insights_name(), destination.insights_name());
    vec![
        format!(
            "| fields concat(flowDirection, \" \", {source}, \" \", {destination}) as ends{what}"
        ),
        format!("| parse ends{what} \"{ingress} * *\" as uploadClient{what}, uploadPeer{what}"),
        format!("| parse ends{what} \"{egress} * *\" as downloadPeer{what}, downloadClient{what}"),
    ]
}

/// Keeps the records that name both ends: the packet's far end is neither the interface's
/// address in the record nor any other address of the gateway.
///
/// With every private address listed this is the rule "`dstaddr` is the gateway's and
/// `pkt-dstaddr` is not, or `srcaddr` is and `pkt-srcaddr` is not": on the gateway's own
/// interface, `dstaddr` of ingress and `srcaddr` of egress to a client are its own by nature.
/// It never asks for the VPC's CIDR, since clients may be outside it.
///
/// A regional gateway's records may name the far end in `dstaddr` already (AWS does not say),
/// so that only the list of its addresses can tell.
fn client_side_filter(scope: &Scope<'_>) -> String {
    let addresses = addresses(scope);
    let is_regional = scope.recorded_on.is_some_and(|id| id.starts_with("nat-"));
    let side = |direction, addr, pkt_addr| {
        let differs =
            if is_regional { String::new() } else { format!("{addr} != {pkt_addr} and ") };
        format!("(flowDirection = \"{direction}\" and {differs}{pkt_addr} not in [{addresses}])")
    };
    let upload = side(FlowDirection::Ingress, "dstAddr", "pktDstAddr");
    let download = side(FlowDirection::Egress, "srcAddr", "pktSrcAddr");
    format!("| filter {upload}\n    or {download}")
}

/// The gateway's addresses, or the placeholder, as the inside of a list.
fn addresses(scope: &Scope<'_>) -> String {
    if scope.gateway_addresses.is_empty() {
        return format!("\"{ADDRESS_PLACEHOLDER}\"");
    }
    let quoted = scope.gateway_addresses.iter().map(|address| format!("\"{address}\""));
    quoted.collect::<Vec<_>>().join(", ")
}
