//! The four legs of a connection through a NAT gateway.
//!
//! | leg | srcaddr → dstaddr | pkt-srcaddr → pkt-dstaddr | direction |
//! |---|---|---|---|
//! | A | client → gateway | client → peer | ingress |
//! | B | gateway → peer | gateway → peer | egress |
//! | C | peer → gateway | peer → gateway | ingress |
//! | D | gateway → client | peer → client | egress |
//!
//! On a regional gateway A's destination and D's source are the peer (second-hand: AWS documents
//! no example).

use std::net::IpAddr;

use flowlog::{FlowDirection, TrafficPath};
use jiff::Timestamp;
use serde::Deserialize;

use super::gateway::{FlowLog, Gateway};
use crate::nat_metrics::Passed;

/// Bytes of a full-size packet.
const PACKET_BYTES: u64 = 1400;
const TCP: u8 = 6;
/// What `tcp-flags` says of a flow's first record, by the side that opens and the one that
/// accepts.
const SYN: u8 = 2;
const SYN_ACK: u8 = 18;

/// What passes between a client and a peer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flow {
    client: IpAddr,
    peer: IpAddr,
    client_port: u16,
    peer_port: u16,
    /// IANA's number.
    #[serde(default = "tcp")]
    protocol: u8,
    /// The AWS service that the peer belongs to: `S3`.
    #[serde(default)]
    peer_service: Option<String>,
    upload_bytes_per_second: u64,
    download_bytes_per_second: u64,
}

fn tcp() -> u8 {
    TCP
}

/// The time that records tell of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

impl Interval {
    /// Its length; bytes are counted by it, and the journal names it.
    pub(super) fn milliseconds(self) -> u64 {
        let milliseconds = self.end.as_millisecond() - self.start.as_millisecond();
        u64::try_from(milliseconds).unwrap_or_default()
    }

    /// What passes in this time at this rate.
    fn bytes(self, per_second: u64) -> u64 {
        per_second.saturating_mul(self.milliseconds()) / 1000
    }
}

/// An address and a port.
type End = (IpAddr, u16);

/// One leg: what one record tells of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Leg {
    pub(super) source: End,
    pub(super) destination: End,
    pub(super) packet_source: IpAddr,
    pub(super) packet_destination: IpAddr,
    pub(super) source_service: Option<String>,
    pub(super) destination_service: Option<String>,
    pub(super) direction: FlowDirection,
    pub(super) path: Option<TrafficPath>,
    pub(super) protocol: u8,
    pub(super) bytes: u64,
    pub(super) packets: u64,
    /// Only of TCP.
    pub(super) tcp_flags: Option<u8>,
}

impl Flow {
    /// What passes in an interval, as the gateway's metrics count it: up what leg A tells of, and
    /// down what leg C does.
    pub(super) fn passed(&self, interval: Interval, is_first: bool) -> Passed {
        let up_bytes = interval.bytes(self.upload_bytes_per_second);
        let down_bytes = interval.bytes(self.download_bytes_per_second);
        Passed {
            up_bytes,
            up_packets: up_bytes.div_ceil(PACKET_BYTES),
            down_bytes,
            down_packets: down_bytes.div_ceil(PACKET_BYTES),
            connections: 1,
            begun: u64::from(is_first),
        }
    }

    /// The legs of what passes in an interval, A to D; none of a direction in which nothing
    /// passes.
    pub(super) fn legs(
        &self,
        gateway: &Gateway,
        flow_log: &FlowLog,
        interval: Interval,
        is_first: bool,
    ) -> impl Iterator<Item = Leg> + use<> {
        let client = (self.client, self.client_port);
        let peer = (self.peer, self.peer_port);
        let nat = (gateway.address, self.translated_port());
        let seen = if flow_log.is_of(gateway) { self.peer } else { gateway.address };
        let inside = (seen, self.peer_port);
        let (up, down) = (self.upload_bytes_per_second, self.download_bytes_per_second);
        let (up, down) = (interval.bytes(up), interval.bytes(down));
        let out = Way { is_upload: true, bytes: up, is_first };
        let back = Way { is_upload: false, bytes: down, is_first };
        let same_vpc = Some(TrafficPath::SameVpc);
        let internet = Some(TrafficPath::InternetGateway);
        let legs = [
            self.leg(out, client, inside, (self.client, self.peer), None),
            self.leg(out, nat, peer, (gateway.address, self.peer), internet),
            self.leg(back, peer, nat, (self.peer, gateway.address), None),
            self.leg(back, inside, client, (self.peer, self.client), same_vpc),
        ];
        legs.into_iter().filter(|leg| leg.bytes > 0)
    }

    fn leg(
        &self,
        way: Way,
        source: End,
        destination: End,
        (packet_source, packet_destination): (IpAddr, IpAddr),
        path: Option<TrafficPath>,
    ) -> Leg {
        let service_of =
            |address| (address == self.peer).then(|| self.peer_service.clone()).flatten();
        let opening = if way.is_upload { SYN } else { SYN_ACK };
        let flags = if way.is_first { opening } else { 0 };
        Leg {
            source,
            destination,
            packet_source,
            packet_destination,
            source_service: service_of(packet_source),
            destination_service: service_of(packet_destination),
            // Only what leaves the interface has a path.
            direction: match path {
                Some(_) => FlowDirection::Egress,
                None => FlowDirection::Ingress,
            },
            path,
            protocol: self.protocol,
            bytes: way.bytes,
            packets: way.bytes.div_ceil(PACKET_BYTES),
            tcp_flags: (self.protocol == TCP).then_some(flags),
        }
    }

    /// The gateway's own port for the connection: always the same one.
    fn translated_port(&self) -> u16 {
        1024 + self.client_port % 64_000
    }
}

/// One direction of a flow.
#[derive(Clone, Copy)]
struct Way {
    is_upload: bool,
    bytes: u64,
    is_first: bool,
}

#[cfg(test)]
mod tests {
    use super::super::gateway::tests::{gateway, zonal_flow_log};
    use super::*;

    fn flow() -> Flow {
        let asked = serde_json::json!({
            "client": "10.0.1.5", "peer": "203.0.113.5", "client_port": 40000, "peer_port": 443,
            "peer_service": "S3", "upload_bytes_per_second": 1000,
            "download_bytes_per_second": 5000,
        });
        serde_json::from_value(asked).unwrap()
    }

    fn two_seconds() -> Interval {
        let start: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        Interval { start, end: "2026-01-02T03:04:07Z".parse().unwrap() }
    }

    fn legs(is_first: bool) -> Vec<Leg> {
        flow().legs(&gateway(), &zonal_flow_log(), two_seconds(), is_first).collect()
    }

    /// Upload is what leg A says, download what leg D says: the others are the same bytes seen
    /// on the other side.
    #[test]
    fn metrics_count_what_the_legs_tell_of() {
        let passed = flow().passed(two_seconds(), true);
        let legs = legs(true);
        assert_eq!((passed.up_bytes, passed.up_packets), (legs[0].bytes, legs[0].packets));
        assert_eq!((passed.down_bytes, passed.down_packets), (legs[2].bytes, legs[2].packets));
        assert_eq!((passed.connections, passed.begun), (1, 1));
        assert_eq!(flow().passed(two_seconds(), false).begun, 0);
    }

    #[test]
    fn four_legs_tell_of_the_same_bytes() {
        let bytes: Vec<_> = legs(false).iter().map(|leg| leg.bytes).collect();
        assert_eq!(bytes, [2000, 2000, 10_000, 10_000]);
        assert_eq!(legs(false)[3].packets, 8);
    }

    #[test]
    fn only_a_and_d_name_both_ends() {
        let ends: Vec<_> = legs(false)
            .iter()
            .map(|leg| {
                let [a, b, c, d] =
                    [leg.source.0, leg.destination.0, leg.packet_source, leg.packet_destination];
                format!("{a} {b} {c} {d} {}", leg.direction)
            })
            .collect();
        assert_eq!(
            ends,
            [
                "10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5 ingress",
                "10.0.0.220 203.0.113.5 10.0.0.220 203.0.113.5 egress",
                "203.0.113.5 10.0.0.220 203.0.113.5 10.0.0.220 ingress",
                "10.0.0.220 10.0.1.5 203.0.113.5 10.0.1.5 egress",
            ]
        );
    }

    #[test]
    fn the_first_records_open_the_connection() {
        let flags = |is_first| legs(is_first).iter().map(|leg| leg.tcp_flags).collect::<Vec<_>>();
        assert_eq!(flags(true), [Some(2), Some(2), Some(18), Some(18)]);
        assert_eq!(flags(false), [Some(0); 4]);
    }

    #[test]
    fn the_peers_service_is_on_the_peers_side() {
        let services: Vec<_> = legs(false)
            .into_iter()
            .map(|leg| (leg.source_service.is_some(), leg.destination_service.is_some()))
            .collect();
        assert_eq!(services, [(false, true), (false, true), (true, false), (true, false)]);
    }

    #[test]
    fn nothing_passed_is_no_record() {
        let mut flow = flow();
        flow.upload_bytes_per_second = 0;
        let legs = flow.legs(&gateway(), &zonal_flow_log(), two_seconds(), true);
        assert_eq!(legs.count(), 2);
    }
}
