//! Which part of a connection through a NAT gateway a record describes.
//!
//! A gateway's interface sees each connection four times: the client's packets on their way in
//! and, with the gateway's address, on their way out; the peer's packets likewise. Only the two
//! legs on the client's side name both ends, and only they may be added up.

use std::net::IpAddr;

use crate::{Field, FlowDirection, Record, TrafficPath};

/// A leg of a connection, as the gateway sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leg {
    /// From the client into the gateway: the upload.
    Upload,
    /// Out of the gateway to the peer: the upload once more.
    UploadRelayed,
    /// From the peer into the gateway: the download before its relay, or an unsolicited packet.
    DownloadArriving,
    /// Out of the gateway to the client: the download.
    Download,
}

impl Leg {
    /// Whether the record names both ends. Adding up other legs too counts everything twice.
    #[must_use]
    pub const fn names_both_ends(self) -> bool {
        matches!(self, Self::Upload | Self::Download)
    }

    /// The field that holds the client; only the legs on its side have it.
    #[must_use]
    pub const fn client_field(self) -> Option<Field> {
        match self {
            Self::Upload => Some(Field::PktSrcAddr),
            Self::Download => Some(Field::PktDstAddr),
            Self::UploadRelayed | Self::DownloadArriving => None,
        }
    }

    /// The field that holds the peer.
    #[must_use]
    pub const fn peer_field(self) -> Field {
        match self {
            Self::Upload | Self::UploadRelayed => Field::PktDstAddr,
            Self::Download | Self::DownloadArriving => Field::PktSrcAddr,
        }
    }
}

/// What a record says about a connection through the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Which part of the connection it is.
    pub leg: Leg,
    /// The client; only the legs on its side know it.
    pub client: Option<IpAddr>,
    /// The peer.
    pub peer: IpAddr,
}

/// The private addresses of a gateway, secondary ones included.
///
/// They tell the legs apart. The VPC's CIDR does not: clients behind a transit gateway or a
/// peering connection are outside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayAddresses {
    addresses: Vec<IpAddr>,
}

impl FromIterator<IpAddr> for GatewayAddresses {
    fn from_iter<T: IntoIterator<Item = IpAddr>>(addresses: T) -> Self {
        let mut known = Self::default();
        addresses.into_iter().for_each(|address| known.insert(address));
        known
    }
}

impl GatewayAddresses {
    /// The addresses, each once.
    #[must_use]
    pub fn as_slice(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Learns from a record of the gateway's own interface which addresses are the gateway's:
    /// what enters goes to it, what leaves comes from it, and what leaves through an internet
    /// gateway bears one of its addresses in the packet, secondary ones included. Who uses what
    /// was learnt should say so: a recording without uploads through a secondary address does
    /// not reveal it, and other interfaces' records mislead.
    pub fn learn(&mut self, record: &Record<'_>) {
        let field = match record.flow_direction() {
            Some(FlowDirection::Ingress) => Field::DstAddr,
            Some(FlowDirection::Egress) => Field::SrcAddr,
            None => return,
        };
        let on_interface = record.address(field).filter(|_| !is_regional(record));
        let in_packet =
            record.address(Field::PktSrcAddr).filter(|_| leaves_to_the_internet(record));
        for address in on_interface.into_iter().chain(in_packet) {
            self.insert(address);
        }
    }

    /// What a record says about a connection. None for records of other interfaces, without
    /// traffic, or of a format that lacks the addresses.
    #[must_use]
    pub fn flow(&self, record: &Record<'_>) -> Option<Flow> {
        let leg = self.leg(record)?;
        let client = leg.client_field().and_then(|field| record.address(field));
        Some(Flow { leg, client, peer: record.address(leg.peer_field())? })
    }

    /// Which part of a connection a record describes; none, where [`GatewayAddresses::flow`] is
    /// none.
    #[must_use]
    pub fn leg(&self, record: &Record<'_>) -> Option<Leg> {
        let packet_source = record.address(Field::PktSrcAddr)?;
        let packet_destination = record.address(Field::PktDstAddr)?;
        Some(match self.direction(record)? {
            FlowDirection::Ingress if self.contains(packet_destination) => Leg::DownloadArriving,
            FlowDirection::Ingress => Leg::Upload,
            FlowDirection::Egress if self.contains(packet_source) => Leg::UploadRelayed,
            FlowDirection::Egress => Leg::Download,
        })
    }

    /// Which way the record passed the gateway, told by its interface's address in the record.
    ///
    /// A regional gateway's records may name the ends there (AWS does not say), but they belong
    /// to the gateway by their `resource-id`, and their direction is the gateway's.
    fn direction(&self, record: &Record<'_>) -> Option<FlowDirection> {
        if is_regional(record) {
            return record.flow_direction();
        }
        if self.contains(record.address(Field::DstAddr)?) {
            Some(FlowDirection::Ingress)
        } else if self.contains(record.address(Field::SrcAddr)?) {
            Some(FlowDirection::Egress)
        } else {
            None
        }
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address)
    }

    fn insert(&mut self, address: IpAddr) {
        if !self.contains(address) {
            self.addresses.push(address);
        }
    }
}

fn is_regional(record: &Record<'_>) -> bool {
    record.bytes(Field::ResourceId).is_some_and(|id| id.starts_with(b"nat-"))
}

fn leaves_to_the_internet(record: &Record<'_>) -> bool {
    matches!(
        record.traffic_path(),
        Some(
            TrafficPath::InternetGateway
                | TrafficPath::InternetGatewayOrGatewayEndpoint
                | TrafficPath::GatewayEndpoint
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, Parser, RecordedFormat};

    const CLIENT: &str = "10.0.1.5";
    const GATEWAY: &str = "10.0.0.220";
    const SECONDARY: &str = "10.0.0.221";
    const PEER: &str = "203.0.113.5";

    /// The four legs of one connection of a zonal gateway, whose packets bear `own`.
    fn legs(own: &str) -> [String; 4] {
        [
            record("ingress -", [CLIENT, GATEWAY], [CLIENT, PEER]),
            record("egress 8", [GATEWAY, PEER], [own, PEER]),
            record("ingress -", [PEER, GATEWAY], [PEER, own]),
            record("egress 1", [GATEWAY, CLIENT], [PEER, CLIENT]),
        ]
    }

    fn record(way: &str, [src, dst]: [&str; 2], [pkt_src, pkt_dst]: [&str; 2]) -> String {
        format!(
            "ACCEPT {way} {src} 1 {dst} 2 6 100 IPv4 {pkt_src} - {pkt_dst} - 3 1 2 0 OK eni-0a1b"
        )
    }

    fn with_record<T>(format: Format, line: &str, ask: impl FnOnce(&Record<'_>) -> T) -> T {
        let mut parser = Parser::new(format);
        ask(&parser.records(line.as_bytes()).next().unwrap().unwrap())
    }

    fn flow(addresses: &[&str], line: &str) -> Option<Flow> {
        let addresses: GatewayAddresses =
            addresses.iter().map(|address| address.parse().unwrap()).collect();
        with_record(RecordedFormat::Zonal.format(), line, |record| addresses.flow(record))
    }

    fn expected() -> [Option<Flow>; 4] {
        let (client, peer) = (CLIENT.parse().ok(), PEER.parse().unwrap());
        [
            Some(Flow { leg: Leg::Upload, client, peer }),
            Some(Flow { leg: Leg::UploadRelayed, client: None, peer }),
            Some(Flow { leg: Leg::DownloadArriving, client: None, peer }),
            Some(Flow { leg: Leg::Download, client, peer }),
        ]
    }

    #[test]
    fn the_four_legs_of_a_connection_are_told_apart() {
        assert_eq!(legs(GATEWAY).map(|line| flow(&[GATEWAY], &line)), expected());
        let both = expected().map(|flow| flow.unwrap().leg.names_both_ends());
        assert_eq!(both, [true, false, false, true]);
    }

    /// Records name the primary address even of packets to a secondary one.
    #[test]
    fn a_secondary_address_is_the_gateway_too() {
        let addresses = [GATEWAY, SECONDARY];
        assert_eq!(legs(SECONDARY).map(|line| flow(&addresses, &line)), expected());
    }

    #[test]
    fn other_interfaces_and_empty_records_say_nothing() {
        let other = record("egress 8", [CLIENT, PEER], [CLIENT, PEER]);
        assert_eq!(flow(&[GATEWAY], &other), None);
        let empty = "- - - - - - - - - - - - - - - 1 2 - NODATA eni-0a1b";
        assert_eq!(flow(&[GATEWAY], empty), None);
    }

    /// Whether the record of a regional gateway names the gateway or the ends.
    #[test]
    fn a_regional_gateway_is_told_by_its_own_id() {
        for (src, dst) in [(CLIENT, GATEWAY), (CLIENT, PEER)] {
            let line = record("ingress -", [src, dst], [CLIENT, PEER]).replace("eni-", "nat-");
            let addresses: GatewayAddresses = [GATEWAY.parse().unwrap()].into_iter().collect();
            let found = with_record(RecordedFormat::Regional.format(), &line, |record| {
                addresses.flow(record)
            });
            assert_eq!(found, expected()[0]);
        }
    }

    #[test]
    fn the_addresses_are_learnt_from_the_gateways_records() {
        let mut addresses = GatewayAddresses::default();
        for line in legs(SECONDARY) {
            with_record(RecordedFormat::Zonal.format(), &line, |record| addresses.learn(record));
        }
        let expected: Vec<IpAddr> = vec![GATEWAY.parse().unwrap(), SECONDARY.parse().unwrap()];
        assert_eq!(addresses.as_slice(), expected);
    }
}
