//! A recording that is the same each time: same seed, same bytes.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::random::Random;

/// The gateway's private addresses, of both families.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 220);
const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x220);

const INTERFACE: &str = "eni-0a1b2c3d4e5f60718";

const SHORT_HEADER: &str = "interface-id srcaddr dstaddr srcport dstport protocol packets bytes \
                            start end action log-status";
const SHORT_INTERFACE: &str = "eni-0a1b2c3d";

const CLIENTS: u64 = 4096;
const PEERS: u64 = 65_536;
/// Addresses that are seen once or twice: scanners, and what is scanned.
const RARE_PEERS: u64 = 1 << 24;

/// Of a million records: how many are of pairs that are hardly ever seen again, and so on.
const RARE: u64 = 200_000;
const IPV6: u64 = 50_000;
const REJECTED: u64 = 20_000;
const NODATA: u64 = 1_000;
const SKIPDATA: u64 = 100;

/// Whether something happens that happens so often in a million times.
fn happens(random: &mut Random, in_a_million: u64) -> bool {
    random.below(1_000_000) < in_a_million
}

/// The fields that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shape {
    /// Those of a recording.
    Recorded,
    /// Those of AWS's default format but the version and the account, behind a header line:
    /// about 90 bytes a line.
    Short,
}

/// Writes so many records.
pub(crate) fn write(
    target: &mut impl Write,
    shape: Shape,
    records: u64,
    seed: u64,
) -> io::Result<()> {
    let mut random = Random(seed);
    if shape == Shape::Short {
        writeln!(target, "{SHORT_HEADER}")?;
    }
    (0..records).try_for_each(|number| {
        let start = 1_700_000_000 + number * 900 / records;
        write_record(target, shape, &mut random, start)
    })
}

fn write_record(
    target: &mut impl Write,
    shape: Shape,
    random: &mut Random,
    start: u64,
) -> io::Result<()> {
    let end = start + 60;
    for (chance, status) in [(NODATA, "NODATA"), (SKIPDATA, "SKIPDATA")] {
        if happens(random, chance) {
            return match shape {
                Shape::Recorded => {
                    let dashes = "- ".repeat(15);
                    writeln!(target, "{dashes}{start} {end} - {status} {INTERFACE}")
                }
                Shape::Short => {
                    let dashes = "- ".repeat(7);
                    writeln!(target, "{SHORT_INTERFACE} {dashes}{start} {end} - {status}")
                }
            };
        }
    }
    let is_v6 = happens(random, IPV6);
    let (client, peer) = pair(random, is_v6);
    let own = if is_v6 { IpAddr::V6(GATEWAY_V6) } else { IpAddr::V4(GATEWAY) };
    let family = if is_v6 { "IPv6" } else { "IPv4" };
    let action = if happens(random, REJECTED) { "REJECT" } else { "ACCEPT" };
    let (near, far) = (1024 + random.below(60_000), peer_port(random));
    let service = if happens(random, 150_000) { "S3" } else { "-" };
    let packets = 1 + random.rank(1000);
    let bytes = packets * (40 + random.below(1400));
    let (way, from, to, from_packet, to_packet, up) = match random.below(4) {
        0 => ("ingress -", client, own, client, peer, true),
        1 => ("egress 8", own, peer, own, peer, true),
        2 => ("ingress -", peer, own, peer, own, false),
        _ => ("egress 1", own, client, peer, client, false),
    };
    let (ports, services) =
        if up { ((near, far), ("-", service)) } else { ((far, near), (service, "-")) };
    if shape == Shape::Short {
        return writeln!(
            target,
            "{SHORT_INTERFACE} {from} {to} {} {} 6 {packets} {bytes} {start} {end} {action} OK",
            ports.0, ports.1
        );
    }
    writeln!(
        target,
        "{action} {way} {from} {} {to} {} 6 {bytes} {family} {from_packet} {} {to_packet} {} \
         {packets} {start} {end} 19 OK {INTERFACE}",
        ports.0, ports.1, services.0, services.1
    )
}

fn peer_port(random: &mut Random) -> u64 {
    match random.below(10) {
        0 => 80,
        1 => 53,
        _ => 443,
    }
}

/// A client and its peer.
fn pair(random: &mut Random, is_v6: bool) -> (IpAddr, IpAddr) {
    let (client, peer) = if happens(random, RARE) {
        (random.below(CLIENTS), PEERS + random.below(RARE_PEERS))
    } else {
        (random.rank(CLIENTS), random.rank(PEERS))
    };
    if is_v6 {
        let client = Ipv6Addr::from_bits(0x2001_0db8_0001 << 80 | u128::from(client));
        let peer = Ipv6Addr::from_bits(0x2a05_d018 << 96 | u128::from(peer));
        return (client.into(), peer.into());
    }
    let v4 = |base: u32, number: u64| {
        let number = u32::try_from(number).unwrap_or_default();
        IpAddr::V4(Ipv4Addr::from_bits(base.wrapping_add(number)))
    };
    (v4(0x0a01_0000, client), v4(0x3400_0000, peer))
}

#[cfg(test)]
mod tests {
    use flowlog::{Format, Parser, RecordedFormat};

    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_recording() {
        let recording = |seed| {
            let mut written = vec![];
            write(&mut written, Shape::Recorded, 1000, seed).map(|()| written)
        };
        assert_eq!(recording(1).ok(), recording(1).ok());
        assert_ne!(recording(1).ok(), recording(2).ok());
    }

    #[test]
    fn every_line_is_a_record_and_every_kind_is_there() {
        for (shape, format) in [
            (Shape::Recorded, RecordedFormat::Zonal.format()),
            (Shape::Short, Format::from_header(SHORT_HEADER).unwrap_or_else(Format::aws_default)),
        ] {
            let mut written = vec![];
            assert!(write(&mut written, shape, 200_000, 7).is_ok());
            let mut parser = Parser::new(format);
            let mut records = parser.records(&written);
            while records.next().is_some() {}
            let counts = parser.counts();
            assert_eq!((counts.read, counts.bad), (200_000, 0));
            assert!(counts.empty > 100 && counts.skipped > 5, "{counts:?}");
            let text = String::from_utf8(written).unwrap_or_default();
            assert!(text.contains("REJECT") && text.contains("2001:db8:1:"));
        }
    }
}
