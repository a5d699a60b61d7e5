//! A recording of a NAT gateway whose truth is known, generated from a seed.
//!
//! Every connection of every minute gives four records, as `docs/queries.md` describes. Among
//! them are what must not be counted: packets that nobody asked for, rejected ones, NODATA and
//! SKIPDATA. Some clients speak IPv6, which the gateway translates (NAT64): they know their peers
//! by addresses of `64:ff9b::/96`, and the gateway's interface by one of IPv6.

pub(crate) mod truth;

use flowlog::{Field, RecordedFormat};

pub(crate) const INTERFACE: &str = "eni-0a1b2c3d4e5f60718";
/// The ID of a regional gateway.
pub(crate) const GATEWAY: &str = "nat-0a1b2c3d4e5f60718";
pub(crate) const PRIMARY: &str = "10.0.0.220";
pub(crate) const SECONDARY: &str = "10.0.0.221";
/// The interface's address on the side of clients that speak IPv6.
pub(crate) const PRIMARY_IPV6: &str = "2001:db8::220";

/// 2026-11-21T05:00:00Z, in seconds.
const BEGIN: u64 = 1_795_237_200;
const MINUTES: u64 = 15;
const CONNECTIONS_PER_MINUTE: u64 = 60;

/// What a connection exchanged in a minute: the truth.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) client: String,
    pub(crate) peer: String,
    pub(crate) service: &'static str,
    pub(crate) client_port: u64,
    pub(crate) peer_port: u64,
    pub(crate) protocol: u64,
    /// When its first packet was seen, in seconds.
    pub(crate) start: u64,
    pub(crate) upload_bytes: u64,
    pub(crate) download_bytes: u64,
    pub(crate) upload_packets: u64,
    pub(crate) download_packets: u64,
    /// The gateway's address that the peer saw.
    own: &'static str,
    /// The peer's own address, when the client knows it by another (NAT64).
    translated_peer: Option<String>,
}

impl Exchange {
    fn is_translated(&self) -> bool {
        self.translated_peer.is_some()
    }
}

/// A packet that was kept out.
#[derive(Clone, Debug)]
pub(crate) struct Rejected {
    pub(crate) direction: &'static str,
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) port: u64,
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
}

/// A recording and its truth.
#[derive(Debug)]
pub(crate) struct Recording {
    /// The gateway's interface, or the ID of a regional one.
    pub(crate) recorded_on: &'static str,
    pub(crate) records: Vec<Record>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) rejected: Vec<Rejected>,
}

/// A record: its fields, and as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Seconds.
    pub(crate) start: u64,
    pub(crate) status: &'static str,
    pub(crate) bytes: Option<u64>,
    pub(crate) text: String,
}

impl Record {
    /// Puts the packet's addresses in place of the interface's.
    fn name_ends(&mut self) {
        let mut values: Vec<&str> = self.text.split(' ').collect();
        let place = |field| RecordedFormat::Zonal.fields().position(|other| other == field);
        for (from, to) in [(Field::PktSrcAddr, Field::SrcAddr), (Field::PktDstAddr, Field::DstAddr)]
        {
            values[place(to).unwrap()] = values[place(from).unwrap()];
        }
        self.text = values.join(" ");
    }
}

impl Recording {
    /// With `secondary`, every other connection leaves by the gateway's secondary address.
    pub(crate) fn generate(seed: u64, secondary: bool) -> Self {
        let mut numbers = Numbers(seed);
        let mut recording =
            Self { recorded_on: INTERFACE, records: vec![], exchanges: vec![], rejected: vec![] };
        for minute in 0..MINUTES {
            let begin = BEGIN + minute * 60;
            for _ in 0..CONNECTIONS_PER_MINUTE {
                let exchange = exchange(&mut numbers, begin, secondary);
                recording.records.extend(legs(&exchange));
                recording.exchanges.push(exchange);
            }
            recording.add_what_does_not_count(&mut numbers, begin);
        }
        recording
    }

    /// The same of a regional gateway: its ID in place of an interface's. AWS does not say whether
    /// its records name the gateway or, with `names_ends`, the far end beside the packet's.
    pub(crate) fn generate_regional(seed: u64, names_ends: bool) -> Self {
        let mut recording = Self { recorded_on: GATEWAY, ..Self::generate(seed, true) };
        for record in &mut recording.records {
            if names_ends {
                record.name_ends();
            }
            record.text = record.text.replace(INTERFACE, GATEWAY);
        }
        recording
    }

    /// The recording as a file.
    pub(crate) fn text(&self) -> String {
        self.records.iter().fold(String::new(), |text, record| text + &record.text + "\n")
    }

    fn add_what_does_not_count(&mut self, numbers: &mut Numbers, begin: u64) {
        let scanner = format!("198.51.100.{}", numbers.below(200));
        let scan = Ends { source: &scanner, destination: PRIMARY, ports: [40_000, 22] };
        self.records.push(record(
            &Seen { direction: "ingress", own: PRIMARY, ..SEEN },
            &scan,
            Amount { start: begin, bytes: 40 + numbers.below(20), packets: 1 },
        ));
        for _ in 0..numbers.below(4) {
            let rejected = rejected(numbers);
            let ends = Ends {
                source: &rejected.source,
                destination: &rejected.destination,
                ports: [50_000, rejected.port],
            };
            let seen =
                Seen { direction: rejected.direction, action: "REJECT", own: PRIMARY, ..SEEN };
            let amount = Amount { start: begin, bytes: rejected.bytes, packets: rejected.packets };
            self.records.push(record(&seen, &ends, amount));
            self.rejected.push(rejected);
        }
        self.records.push(empty("NODATA", begin));
        if numbers.below(3) == 0 {
            self.records.push(empty("SKIPDATA", begin));
        }
    }
}

const SERVICES: [(&str, u64, u64); 6] = [
    ("-", 443, 6),
    ("S3", 443, 6),
    ("DYNAMODB", 443, 6),
    ("-", 53, 17),
    ("EC2", 8080, 6),
    ("-", 0, 1),
];

fn exchange(numbers: &mut Numbers, begin: u64, secondary: bool) -> Exchange {
    let client = numbers.skewed(12);
    let peer = numbers.skewed(40);
    let (service, peer_port, protocol) = SERVICES[usize::try_from(peer % 6).unwrap()];
    let uses_secondary = secondary && numbers.below(2) == 0;
    let peer_address = format!("203.0.113.{}", peer + 1);
    let is_ipv6 = matches!(client, 2 | 6);
    Exchange {
        client: match client {
            _ if is_ipv6 => format!("2001:db8::1:{}", client + 5),
            0..8 => format!("10.0.1.{}", client + 5),
            // Outside the VPC, behind a transit gateway.
            _ => format!("172.16.9.{}", client + 5),
        },
        peer: if is_ipv6 {
            format!("64:ff9b::cb00:71{:02x}", peer + 1)
        } else {
            peer_address.clone()
        },
        translated_peer: is_ipv6.then_some(peer_address),
        service,
        client_port: if protocol == 1 { 0 } else { 1024 + numbers.below(60_000) },
        peer_port,
        protocol,
        start: begin + numbers.below(60),
        upload_bytes: 40 + numbers.below(100_000),
        download_bytes: 40 + numbers.below(5_000_000_000),
        upload_packets: 1 + numbers.below(1_000),
        download_packets: 1 + numbers.below(4_000_000),
        own: if uses_secondary { SECONDARY } else { PRIMARY },
    }
}

fn rejected(numbers: &mut Numbers) -> Rejected {
    let client = format!("10.0.1.{}", 5 + numbers.below(8));
    let peer = format!("203.0.113.{}", 1 + numbers.below(3));
    let is_upload = numbers.below(2) == 0;
    let (source, destination) = if is_upload { (client, peer) } else { (peer, client) };
    Rejected {
        direction: if is_upload { "ingress" } else { "egress" },
        source,
        destination,
        port: 25 + numbers.below(2),
        bytes: 40 + numbers.below(1_000),
        packets: 1 + numbers.below(5),
    }
}

/// The ends of a packet.
struct Ends<'a> {
    source: &'a str,
    destination: &'a str,
    ports: [u64; 2],
}

/// How the gateway's interface saw it.
struct Seen<'a> {
    direction: &'static str,
    path: &'static str,
    action: &'static str,
    protocol: u64,
    services: [&'static str; 2],
    /// The interface's address in the record, in place of the far end's.
    own: &'a str,
}

const SEEN: Seen<'_> =
    Seen { direction: "", path: "-", action: "ACCEPT", protocol: 6, services: ["-", "-"], own: "" };

#[derive(Clone, Copy)]
struct Amount {
    start: u64,
    bytes: u64,
    packets: u64,
}

/// The four records of an exchange: upload, relayed; download, arriving and relayed.
fn legs(exchange: &Exchange) -> [Record; 4] {
    let Exchange { client, peer, own, service, protocol, .. } = exchange;
    let amount = |bytes, packets| Amount { start: exchange.start, bytes, packets };
    let up = amount(exchange.upload_bytes, exchange.upload_packets);
    let down = amount(exchange.download_bytes, exchange.download_packets);
    let ports = [exchange.client_port, exchange.peer_port];
    let back = [exchange.peer_port, exchange.client_port];
    let seen = |direction, path, services, own| Seen {
        direction,
        path,
        services,
        own,
        protocol: *protocol,
        ..SEEN
    };
    let near = if exchange.is_translated() { PRIMARY_IPV6 } else { PRIMARY };
    let beyond = exchange.translated_peer.as_ref().unwrap_or(peer);
    let (to, from) = (["-", service], [service, "-"]);
    [
        record(
            &seen("ingress", "-", to, near),
            &Ends { source: client, destination: peer, ports },
            up,
        ),
        record(
            &seen("egress", "8", to, PRIMARY),
            &Ends { source: own, destination: beyond, ports },
            up,
        ),
        record(
            &seen("ingress", "-", from, PRIMARY),
            &Ends { source: beyond, destination: own, ports: back },
            down,
        ),
        record(
            &seen("egress", "1", from, near),
            &Ends { source: peer, destination: client, ports: back },
            down,
        ),
    ]
}

fn record(seen: &Seen<'_>, ends: &Ends<'_>, amount: Amount) -> Record {
    let is_ingress = seen.direction == "ingress";
    let Amount { start, bytes, packets } = amount;
    let text = written(|field| match field {
        Field::Action => seen.action.to_owned(),
        Field::FlowDirection => seen.direction.to_owned(),
        Field::TrafficPath => seen.path.to_owned(),
        Field::SrcAddr => (if is_ingress { ends.source } else { seen.own }).to_owned(),
        Field::DstAddr => (if is_ingress { seen.own } else { ends.destination }).to_owned(),
        Field::SrcPort => ends.ports[0].to_string(),
        Field::DstPort => ends.ports[1].to_string(),
        Field::Protocol => seen.protocol.to_string(),
        Field::Bytes => bytes.to_string(),
        Field::Type => if ends.source.contains(':') { "IPv6" } else { "IPv4" }.to_owned(),
        Field::PktSrcAddr => ends.source.to_owned(),
        Field::PktSrcAwsService => seen.services[0].to_owned(),
        Field::PktDstAddr => ends.destination.to_owned(),
        Field::PktDstAwsService => seen.services[1].to_owned(),
        Field::Packets => packets.to_string(),
        Field::Start => start.to_string(),
        Field::End => (start + 30).to_string(),
        Field::TcpFlags => "3".to_owned(),
        Field::LogStatus => "OK".to_owned(),
        _ => INTERFACE.to_owned(),
    });
    Record { start, status: "OK", bytes: Some(bytes), text }
}

fn empty(status: &'static str, start: u64) -> Record {
    let text = written(|field| match field {
        Field::Start => start.to_string(),
        Field::End => (start + 59).to_string(),
        Field::LogStatus => status.to_owned(),
        Field::InterfaceId => INTERFACE.to_owned(),
        _ => "-".to_owned(),
    });
    Record { start, status, bytes: None, text }
}

fn written(value: impl Fn(Field) -> String) -> String {
    RecordedFormat::Zonal.fields().map(value).collect::<Vec<_>>().join(" ")
}

/// Numbers that look random and are the same for the same seed: Marsaglia's xorshift.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// Low numbers are more frequent: a few talkers move the most.
    fn skewed(&mut self, end: u64) -> u64 {
        let (one, two) = (self.below(end), self.below(end));
        one.min(two)
    }
}
