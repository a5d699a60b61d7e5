//! What an encoder makes of records, a decoder that knows nothing of it reads again.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]
#![expect(clippy::panic, clippy::indexing_slicing, reason = "as above")]

#[path = "netflow/naive.rs"]
mod naive;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use export::netflow::{Encoder, INSIDE, OUTSIDE, Protocol, Settings, Unexportable};
use flowlog::{Field, GatewayAddresses, Parser};
use proptest::prelude::*;

use naive::{Decoded, Decoder, Values, number};

const NOW: u32 = 1_763_700_000;

/// A record of a flow log, as far as it has values.
#[derive(Clone, Debug)]
struct Line {
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    source_port: Option<u64>,
    destination_port: Option<u64>,
    protocol: Option<u64>,
    packets: Option<u64>,
    bytes: Option<u64>,
    start: Option<u64>,
    end: Option<u64>,
    action: Option<&'static str>,
    flags: Option<u64>,
    direction: Option<&'static str>,
    path: Option<u64>,
    status: &'static str,
}

const HEADER: &str = "srcaddr dstaddr srcport dstport protocol packets bytes start end action \
                      tcp-flags flow-direction traffic-path log-status\n";

impl Line {
    fn text(&self) -> String {
        fn word<T: ToString>(value: Option<T>) -> String {
            value.map_or_else(|| "-".to_owned(), |value| value.to_string())
        }
        let words = [
            word(self.source),
            word(self.destination),
            word(self.source_port),
            word(self.destination_port),
            word(self.protocol),
            word(self.packets),
            word(self.bytes),
            word(self.start),
            word(self.end),
            word(self.action),
            word(self.flags),
            word(self.direction),
            word(self.path),
            self.status.to_owned(),
        ];
        words.join(" ") + "\n"
    }

    /// The record's values by element, as the RFCs and IANA's registry want them.
    fn values(&self, protocol: Protocol, enterprise: Option<u32>) -> Option<Values> {
        let (source, destination) = (self.source?, self.destination?);
        if self.status != "OK" || source.is_ipv4() != destination.is_ipv4() {
            return None;
        }
        let mut values = Values::new();
        let mut put = |element: u16, length: usize, value: Option<u64>| {
            let Some(value) = value.filter(|value| length == 8 || *value < 1 << (8 * length))
            else {
                return;
            };
            let bytes = value.to_be_bytes()[8 - length..].to_vec();
            values.insert((0, element), bytes);
        };
        put(1, 8, self.bytes);
        put(2, 8, self.packets);
        put(4, 1, self.protocol);
        put(6, 1, self.flags);
        put(7, 2, self.source_port);
        put(11, 2, self.destination_port);
        put(61, 1, self.direction.map(|direction| u64::from(direction == "egress")));
        let forwarding = |action| if action == "REJECT" { 129 } else { 64 };
        put(89, 1, self.action.map(forwarding));
        put(233, 1, self.action.filter(|action| *action == "REJECT").map(|_| 3));
        // Times of NetFlow v9 are compared as Unix milliseconds.
        let (start, end) = if protocol == Protocol::Ipfix { (152, 153) } else { (22, 21) };
        let milliseconds = |seconds: Option<u64>| {
            seconds.filter(|s| u32::try_from(*s).is_ok()).map(|seconds| seconds * 1000)
        };
        let (starts, ends) = (milliseconds(self.start), milliseconds(self.end));
        put(start, 8, starts);
        let is_short = protocol == Protocol::Ipfix
            || starts.is_none_or(|s| ends.is_none_or(|e| s.abs_diff(e) < 4_294_967_000));
        put(end, 8, ends.filter(|_| is_short));
        let (first, second) = if source.is_ipv4() { (8, 12) } else { (27, 28) };
        for (element, address) in [(first, source), (second, destination)] {
            values.insert((0, element), octets(address));
        }
        if let (Some(enterprise), Some(path)) = (enterprise, self.path) {
            values.insert((enterprise, 1), vec![u8::try_from(path).unwrap()]);
        }
        Some(values)
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn addresses() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        3 => any::<u32>().prop_map(|bits| Ipv4Addr::from_bits(bits).into()),
        1 => any::<u128>().prop_map(|bits| Ipv6Addr::from_bits(bits).into()),
    ]
}

fn mostly<T: Clone + std::fmt::Debug>(
    strategy: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<T>> {
    proptest::option::weighted(0.95, strategy)
}

fn times() -> impl Strategy<Value = u64> {
    prop_oneof![
        20 => 1_763_600_000..1_763_700_000_u64,
        1 => 0..u64::from(u32::MAX),
        1 => any::<u64>(),
    ]
}

fn ends() -> impl Strategy<Value = (IpAddr, IpAddr)> {
    prop_oneof![
        1 => (addresses(), addresses()),
        4 => any::<[u32; 2]>().prop_map(|pair| {
            let [source, destination] = pair.map(|bits| Ipv4Addr::from_bits(bits).into());
            (source, destination)
        }),
        2 => any::<[u128; 2]>().prop_map(|pair| {
            let [source, destination] = pair.map(|bits| Ipv6Addr::from_bits(bits).into());
            (source, destination)
        }),
    ]
}

fn counters() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..100_000_u64, 1 => 0..u64::from(u32::MAX) * 50, 1 => any::<u64>()]
}

prop_compose! {
    fn lines()(
        (source, destination) in ends(),
        has_source in proptest::bool::weighted(0.98),
        source_port in mostly(0..70_000_u64),
        destination_port in mostly(0..65_536_u64),
        protocol in mostly(0..260_u64),
        packets in mostly(counters()),
        bytes in mostly(counters()),
        start in mostly(times()),
        end in mostly(times()),
        action in mostly(prop_oneof![Just("ACCEPT"), Just("REJECT")]),
        flags in mostly(0..256_u64),
    )(
        direction in mostly(prop_oneof![Just("ingress"), Just("egress")]),
        path in proptest::option::of(1..=8_u64),
        status in prop_oneof![8 => Just("OK"), 1 => Just("NODATA"), 1 => Just("SKIPDATA")],
        source in Just(Some(source).filter(|_| has_source)),
        destination in Just(Some(destination)),
        source_port in Just(source_port),
        destination_port in Just(destination_port),
        protocol in Just(protocol),
        packets in Just(packets),
        bytes in Just(bytes),
        start in Just(start),
        end in Just(end),
        action in Just(action),
        flags in Just(flags),
    ) -> Line {
        Line {
            source, destination, source_port, destination_port, protocol, packets, bytes, start,
            end, action, flags, direction, path, status,
        }
    }
}

/// Encodes lines and decodes the datagrams, whose sequence numbers begin at `first` and go on as
/// they must.
fn decoded(settings: Settings, text: &str, first: u32) -> (Encoder, Vec<Decoded>) {
    let mut encoder = Encoder::new(settings).unwrap();
    encoder.set_time(NOW);
    let mut parser = Parser::detect(text.as_bytes()).unwrap();
    let mut records = parser.records(text.as_bytes());
    while let Some(record) = records.next() {
        encoder.add_record(&record.unwrap(), None);
    }
    // What is being written is counted when it is finished.
    encoder.finish();
    let counts = encoder.counts();
    encoder.report(&counts);
    encoder.finish();
    let datagrams = decode(&mut encoder, first);
    let next = sequence_behind(&datagrams, settings.protocol, settings.domain, first);
    assert_eq!(encoder.datagrams_mut().number(first), next);
    encoder.clear();
    (encoder, datagrams)
}

/// Numbers and decodes what an encoder has finished.
fn decode(encoder: &mut Encoder, first: u32) -> Vec<Decoded> {
    encoder.datagrams_mut().number(first);
    let most = encoder.settings().most_bytes;
    let mut decoder = Decoder::default();
    let datagrams = encoder.datagrams().iter().map(|datagram| {
        assert!(datagram.bytes.len() <= most, "{} bytes", datagram.bytes.len());
        let read = decoder.decode(datagram.bytes);
        assert_eq!(read.records.len(), usize::try_from(datagram.flow_records).unwrap());
        read
    });
    datagrams.collect()
}

/// The records of a datagram, their times in Unix milliseconds.
fn records(datagram: &Decoded) -> impl Iterator<Item = Values> {
    let boot = i64::from(datagram.unix_seconds) * 1000 - i64::from(datagram.uptime);
    datagram.records.iter().cloned().map(move |mut values| {
        for element in [21, 22] {
            if let Some(bytes) = values.get_mut(&(0, element)) {
                let uptime = number(bytes);
                assert!(uptime <= u64::from(datagram.uptime), "an uptime from before a wrap");
                let time = boot + i64::try_from(uptime).unwrap();
                assert!(time > boot || time == 0, "the device started after the flow");
                *bytes = time.to_be_bytes().to_vec();
            }
        }
        values
    })
}

/// The number behind the datagrams', which must each follow from those before.
fn sequence_behind(datagrams: &[Decoded], protocol: Protocol, domain: u32, first: u32) -> u32 {
    let mut expected = first;
    for datagram in datagrams {
        if protocol == Protocol::Ipfix
            && datagram.records.is_empty()
            && !datagram.options.is_empty()
            && domain != 0
        {
            // What is said about the export has a domain and a sequence of its own.
            assert_eq!((datagram.domain, datagram.sequence), (0, 0));
            continue;
        }
        assert_eq!(datagram.sequence, expected);
        let units = match protocol {
            Protocol::V5 => datagram.records.len(),
            Protocol::V9 => 1,
            Protocol::Ipfix => datagram.records.len() + datagram.options.len(),
        };
        expected = expected.wrapping_add(u32::try_from(units).unwrap());
    }
    expected
}

fn count(lines: &[Line], status: &str) -> u64 {
    lines.iter().filter(|line| line.status == status).count() as u64
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    /// In NetFlow v9 and IPFIX, every value of every record arrives in its place and nothing
    /// else does, whatever the records lack and whatever fits into a datagram.
    #[test]
    fn every_value_of_every_record_arrives(
        lines in proptest::collection::vec(lines(), 0..120),
        is_ipfix: bool,
        domain in prop_oneof![Just(0), any::<u32>()],
        most_bytes in 512..2000_usize,
        enterprise in proptest::option::of(1..100_000_u32),
        template_interval in 1..10_u32,
        first: u32,
    ) {
        let protocol = if is_ipfix { Protocol::Ipfix } else { Protocol::V9 };
        let enterprise = enterprise.filter(|_| is_ipfix);
        let settings = Settings { protocol, domain, most_bytes, enterprise, template_interval };
        let text = HEADER.to_owned() + &lines.iter().map(Line::text).collect::<String>();
        let (encoder, datagrams) = decoded(settings, &text, first);
        let found: Vec<_> = datagrams.iter().flat_map(records).collect();
        let expected: Vec<_> =
            lines.iter().filter_map(|line| line.values(protocol, enterprise)).collect();
        prop_assert_eq!(&found, &expected);
        let of_flows = |datagram: &&Decoded| datagram.options.is_empty();
        prop_assert!(datagrams.iter().filter(of_flows).all(|datagram| datagram.domain == domain));
        let counts = encoder.counts();
        prop_assert_eq!(counts.records, expected.len() as u64);
        prop_assert_eq!((counts.empty, counts.skipped), (count(&lines, "NODATA"), count(&lines, "SKIPDATA")));
        let unexportable: u64 = counts.unexportable().map(|(_, count)| count).sum();
        prop_assert_eq!(counts.records + unexportable, count(&lines, "OK"));
        let lacking: u64 = counts.lacking().map(|(_, count)| count).sum();
        let lacks = |values: &Values| -> u64 {
            let (start, end) = if is_ipfix { (152, 153) } else { (22, 21) };
            let elements = [1, 2, 4, 6, 7, 11, 61, 89, start, end];
            elements.into_iter().filter(|e| !values.contains_key(&(0, *e))).count() as u64
        };
        prop_assert_eq!(lacking, expected.iter().map(lacks).sum::<u64>());
        let options: Vec<_> = datagrams.iter().flat_map(|datagram| &datagram.options).collect();
        let value = |element| options[0].get(&(0, element)).map(|bytes| number(bytes));
        let reported = [42, 166, 407].map(value);
        let said = [counts.flow_records, counts.skipped, counts.empty].map(Some);
        prop_assert_eq!((options.len(), reported), (1, said));
    }

    /// In NetFlow v5, flows of IPv4 arrive whole: split where they have more than 32 bits hold,
    /// in as many records as that takes.
    #[test]
    fn what_netflow_v5_can_say_arrives(
        lines in proptest::collection::vec(lines(), 0..80),
        domain in 0..=u32::from(u16::MAX),
        most_bytes in 512..2000_usize,
        first: u32,
    ) {
        let settings = Settings { domain, most_bytes, ..Settings::new(Protocol::V5) };
        let text = HEADER.to_owned() + &lines.iter().map(Line::text).collect::<String>();
        let (encoder, datagrams) = decoded(settings, &text, first);
        prop_assert!(datagrams.iter().all(|datagram| datagram.domain == domain));
        prop_assert!(datagrams.iter().all(|datagram| datagram.records.len() <= 30));
        let mut found = datagrams.iter().flat_map(records);
        let mut exported = 0;
        for line in &lines {
            let Some(values) = line.values(Protocol::V5, None) else { continue };
            let of = |element| values.get(&(0, element)).map(|bytes| number(bytes));
            let (Some(bytes), Some(packets), Some(_), Some(_)) = (of(1), of(2), of(22), of(21))
            else {
                continue;
            };
            if !line.source.unwrap().is_ipv4() || bytes.max(packets) > (1 << 16) * 0xffff_ffff {
                continue;
            }
            exported += 1;
            let parts = bytes.max(packets).div_ceil(0xffff_ffff).max(1);
            let mut sums = (0, 0);
            for _ in 0..parts {
                let part = found.next().unwrap();
                for element in [8, 12, 21, 22] {
                    prop_assert_eq!(&part[&(0, element)], &values[&(0, element)]);
                }
                for element in [4, 6, 7, 11] {
                    prop_assert_eq!(number(&part[&(0, element)]), of(element).unwrap_or_default());
                }
                sums.0 += number(&part[&(0, 1)]);
                sums.1 += number(&part[&(0, 2)]);
            }
            prop_assert_eq!(sums, (bytes, packets));
        }
        prop_assert!(found.next().is_none());
        let counts = encoder.counts();
        prop_assert_eq!(counts.records, exported);
        let unexportable: u64 = counts.unexportable().map(|(_, count)| count).sum();
        prop_assert_eq!(counts.records + unexportable, count(&lines, "OK"));
    }

    /// The crate `netflow_parser` finds the same records: their ends, ports and protocol.
    #[test]
    fn another_implementation_agrees(
        lines in proptest::collection::vec(lines(), 1..60),
        protocol in prop_oneof![Just(Protocol::Ipfix), Just(Protocol::V9), Just(Protocol::V5)],
    ) {
        let text = HEADER.to_owned() + &lines.iter().map(Line::text).collect::<String>();
        let (encoder, _) = encoded(Settings::new(protocol), &text);
        let mut parser = netflow_parser::NetflowParser::default();
        let mut decoder = Decoder::default();
        for datagram in encoder.datagrams().iter() {
            let parsed = parser.parse_bytes(datagram.bytes);
            prop_assert!(parsed.error.is_none(), "{:?}", parsed.error);
            let found: Vec<_> = parsed
                .packets
                .iter()
                .flat_map(|packet| packet.as_netflow_common().unwrap().flowsets)
                // It makes a flow without any value of a template.
                .filter(|flow| flow.src_addr.is_some())
                .map(|flow| {
                    let ends = [flow.src_addr, flow.dst_addr].map(|end| end.map(octets));
                    (ends, [flow.src_port, flow.dst_port], flow.protocol_number)
                })
                .collect();
            let records = decoder.decode(datagram.bytes).records;
            let expected = records.iter().map(|values| {
                let of = |element| values.get(&(0, element));
                let either = |ipv4, ipv6| of(ipv4).or_else(|| of(ipv6)).cloned();
                let port = |element| of(element).map(|b| u16::try_from(number(b)).unwrap());
                let ends = [either(8, 27), either(12, 28)];
                (ends, [port(7), port(11)], of(4).map(|b| u8::try_from(number(b)).unwrap()))
            });
            prop_assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }
}

/// Encodes lines without an options record.
fn encoded(settings: Settings, text: &str) -> (Encoder, u32) {
    let mut encoder = Encoder::new(settings).unwrap();
    encoder.set_time(NOW);
    let mut parser = Parser::detect(text.as_bytes()).unwrap();
    let mut records = parser.records(text.as_bytes());
    while let Some(record) = records.next() {
        encoder.add_record(&record.unwrap(), None);
    }
    encoder.finish();
    let next = encoder.datagrams_mut().number(0);
    (encoder, next)
}

/// The four legs of a connection; the packets of a secondary address bear it.
const LEGS: &str = "\
action flow-direction srcaddr srcport dstaddr dstport protocol bytes pkt-srcaddr pkt-dstaddr packets start end
ACCEPT ingress 10.0.1.5 50000 10.0.0.220 443 6 100 10.0.1.5 203.0.113.5 1 1700000000 1700000060
ACCEPT egress 10.0.0.220 1024 203.0.113.5 443 6 100 10.0.0.221 203.0.113.5 1 1700000000 1700000060
ACCEPT ingress 203.0.113.5 443 10.0.0.220 1024 6 900 203.0.113.5 10.0.0.221 1 1700000000 1700000060
ACCEPT egress 10.0.0.220 443 10.0.1.5 50000 6 900 203.0.113.5 10.0.1.5 1 1700000000 1700000060
";

fn of_gateway(protocol: Protocol, text: &str, gateway: &[&str]) -> (Encoder, Vec<Values>) {
    let gateway: GatewayAddresses =
        gateway.iter().map(|address| address.parse().unwrap()).collect();
    let mut encoder = Encoder::new(Settings::new(protocol)).unwrap();
    let mut parser = Parser::detect(text.as_bytes()).unwrap();
    let mut records = parser.records(text.as_bytes());
    while let Some(record) = records.next() {
        let record = record.unwrap();
        encoder.add_record(&record, gateway.leg(&record));
    }
    encoder.finish();
    let values = decode(&mut encoder, 0).into_iter().flat_map(|datagram| datagram.records);
    let values = values.collect();
    (encoder, values)
}

/// The addresses before and after the translation, and the observation point.
fn translation(values: &Values) -> [Option<String>; 5] {
    let address = |element| {
        let bytes = values.get(&(0, element))?;
        Some(match <[u8; 4]>::try_from(bytes.as_slice()) {
            Ok(octets) => Ipv4Addr::from(octets).to_string(),
            Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).unwrap()).to_string(),
        })
    };
    let point = values.get(&(0, 138)).map(|bytes| number(bytes).to_string());
    let either = |ipv4, ipv6| address(ipv4).or_else(|| address(ipv6));
    [either(8, 27), either(12, 28), either(225, 281), either(226, 282), point]
}

fn expected(values: [&str; 5]) -> [Option<String>; 5] {
    values.map(|value| Some(value.to_owned()).filter(|value| !value.is_empty()))
}

#[test]
fn legs_say_what_the_gateway_translated() {
    let (inside, outside) = (INSIDE.to_string(), OUTSIDE.to_string());
    for protocol in [Protocol::Ipfix, Protocol::V9] {
        let (encoder, values) = of_gateway(protocol, LEGS, &["10.0.0.220", "10.0.0.221"]);
        let found: Vec<_> = values.iter().map(translation).collect();
        let legs = [
            ["10.0.1.5", "203.0.113.5", "10.0.0.220", "", &inside],
            ["10.0.0.221", "203.0.113.5", "", "", &outside],
            ["203.0.113.5", "10.0.0.221", "", "", &outside],
            ["203.0.113.5", "10.0.0.220", "", "10.0.1.5", &inside],
        ];
        assert_eq!(found, legs.map(expected));
        let ports = |values: &Values| [7, 11].map(|element| number(&values[&(0, element)]));
        let found: Vec<_> = values.iter().map(ports).collect();
        assert_eq!(found, [[50000, 443], [1024, 443], [443, 1024], [443, 50000]]);
        assert!(values.iter().all(|values| !values.contains_key(&(0, 227))));
        assert!(values.iter().all(|values| !values.contains_key(&(0, 228))));
        assert_eq!(encoder.counts().unknown_gateway, 0);
    }
}

#[test]
fn legs_of_ipv6_have_elements_of_their_own() {
    let text = LEGS
        .replace("10.0.0.22", "fd00::22")
        .replace("10.0.1.5", "fd00:1::5")
        .replace("203.0.113.5", "2001:db8::5");
    let (_, values) = of_gateway(Protocol::Ipfix, &text, &["fd00::220", "fd00::221"]);
    let found: Vec<_> = values.iter().map(translation).collect();
    let inside = INSIDE.to_string();
    assert_eq!(found[0], expected(["fd00:1::5", "2001:db8::5", "fd00::220", "", &inside]));
    assert_eq!(found[3], expected(["2001:db8::5", "fd00::220", "", "fd00:1::5", &inside]));
    assert!(values[0].contains_key(&(0, 281)) && values[3].contains_key(&(0, 282)));
}

/// NetFlow v5 has no place for the translation: its records name both ends.
#[test]
fn legs_of_netflow_v5_name_both_ends() {
    let (_, values) = of_gateway(Protocol::V5, LEGS, &["10.0.0.220", "10.0.0.221"]);
    let ends = |values: &Values| [8, 12].map(|element| number(&values[&(0, element)]));
    let [client, peer] = [0x0a00_0105, 0xcb00_7105];
    assert_eq!(ends(&values[0]), [client, peer]);
    assert_eq!(ends(&values[3]), [peer, client]);
}

/// A regional gateway's records may not have its address, which then is not made up.
#[test]
fn an_unknown_gateway_is_counted() {
    let text = "\
flow-direction srcaddr dstaddr pkt-srcaddr pkt-dstaddr bytes resource-id
ingress 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5 100 nat-0a1b
egress 203.0.113.5 10.0.1.5 203.0.113.5 10.0.1.5 900 nat-0a1b
";
    let (encoder, values) = of_gateway(Protocol::Ipfix, text, &[]);
    let found: Vec<_> = values.iter().map(translation).collect();
    let inside = INSIDE.to_string();
    assert_eq!(found[0], expected(["10.0.1.5", "203.0.113.5", "", "", &inside]));
    assert_eq!(found[1], expected(["203.0.113.5", "10.0.1.5", "", "", &inside]));
    assert_eq!(encoder.counts().unknown_gateway, 2);
}

/// The formats that flowlog knows, and what each lacks.
#[test]
fn what_a_format_lacks_is_named() {
    let lacking = |text: &str, protocol| {
        let (encoder, _) = encoded(Settings::new(protocol), text);
        let counts = encoder.counts();
        let fields = counts.lacking().map(|(field, _)| field).collect::<Vec<_>>();
        (fields, counts.unexportable().collect::<Vec<_>>())
    };
    let default =
        "2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 2 6 3 4 1700000000 1700000060 ACCEPT OK";
    assert_eq!(
        lacking(default, Protocol::Ipfix),
        (vec![Field::TcpFlags, Field::FlowDirection], vec![])
    );
    assert_eq!(lacking(default, Protocol::V5), (vec![Field::TcpFlags], vec![]));
    let earlier = "ACCEPT egress 8 10.0.0.1 1 10.0.0.2 2 6 4 IPv4 10.0.0.1 - 10.0.0.2 -";
    let fields = vec![Field::TcpFlags, Field::Packets, Field::Start, Field::End];
    assert_eq!(lacking(earlier, Protocol::V9), (fields, vec![]));
    assert_eq!(lacking(earlier, Protocol::V5), (vec![], vec![(Unexportable::NoPackets, 1)]));
    let ports_alone = "srcport dstport bytes\n1 2 3\n";
    assert_eq!(lacking(ports_alone, Protocol::V9).1, [(Unexportable::NoSource, 1)]);
}

/// Templates head the first datagram, come again after an interval, and when they are asked for.
#[test]
fn templates_are_repeated() {
    let text = HEADER.to_owned()
        + &"10.0.0.1 10.0.0.2 1 2 6 1 1 1700000000 1700000060 ACCEPT 2 egress 8 OK\n".repeat(400);
    for protocol in [Protocol::Ipfix, Protocol::V9] {
        let settings = Settings { template_interval: 4, ..Settings::new(protocol) };
        let (mut encoder, _) = encoded(settings, &text);
        let datagrams = decode(&mut encoder, 0);
        let templates: Vec<_> = datagrams.iter().map(|datagram| datagram.templates).collect();
        assert!(templates.len() > 8, "{templates:?}");
        let expected = (0..templates.len()).map(|place| u16::from(place % 4 == 0));
        assert_eq!(templates, expected.collect::<Vec<_>>());
        encoder.clear();
        encoder.repeat_templates();
        let counts = encoder.counts();
        encoder.report(&counts);
        encoder.finish();
        assert_eq!(decode(&mut encoder, 0)[0].templates, 2);
    }
}

/// Flows that are further apart than 49 days cannot be told of in one datagram.
#[test]
fn datagrams_are_split_where_their_flows_are_too_far_apart() {
    let day = |day: u64| {
        let start = 1_700_000_000 + day * 86_400;
        format!("10.0.0.1 10.0.0.2 1 2 6 1 1 {start} {} ACCEPT 2 egress 8 OK\n", start + 60)
    };
    let text =
        |days: &[u64]| HEADER.to_owned() + &days.iter().copied().map(day).collect::<String>();
    for (days, expected) in [(&[0, 1, 48][..], 1), (&[0, 50], 2), (&[100, 0, 100], 3)] {
        for protocol in [Protocol::V9, Protocol::V5] {
            let (mut encoder, _) = encoded(Settings::new(protocol), &text(days));
            let datagrams = decode(&mut encoder, 0);
            assert_eq!(datagrams.len(), expected, "{protocol} {days:?}");
            let starts = datagrams.iter().flat_map(records).map(|values| number(&values[&(0, 22)]));
            let expected: Vec<_> =
                days.iter().map(|day| (1_700_000_000 + day * 86_400) * 1000).collect();
            assert_eq!(starts.collect::<Vec<_>>(), expected);
        }
        let (encoder, _) = encoded(Settings::new(Protocol::Ipfix), &text(days));
        assert_eq!(encoder.datagrams().count(), 1);
    }
}

/// The full 30 records of NetFlow v5 take 1,464 bytes.
#[test]
fn a_datagram_is_as_long_as_it_may_be() {
    let text = HEADER.to_owned()
        + &"10.0.0.1 10.0.0.2 1 2 6 1 1 1700000000 1700000060 ACCEPT 2 egress 8 OK\n".repeat(90);
    for (most_bytes, records) in [(1400, 28), (1463, 29), (1464, 30), (9000, 30)] {
        let settings = Settings { most_bytes, ..Settings::new(Protocol::V5) };
        let (mut encoder, next) = encoded(settings, &text);
        assert_eq!(next, 90);
        assert_eq!(decode(&mut encoder, 0)[0].records.len(), records);
    }
}

/// Once buffers have grown, a record costs no allocation.
#[test]
fn records_allocate_nothing() {
    let text = HEADER.to_owned()
        + &"10.0.0.1 10.0.0.2 1 2 6 1 1 1700000000 1700000060 ACCEPT 2 egress 8 OK\n".repeat(500)
        + &"fd00::1 fd00::2 1 2 6 1 - 1700000000 1700000060 REJECT 2 egress 8 OK\n".repeat(500);
    for protocol in Protocol::ALL {
        let mut encoder = Encoder::new(Settings::new(protocol)).unwrap();
        let mut parser = Parser::detect(text.as_bytes()).unwrap();
        let mut pass = || {
            let mut records = parser.records(text.as_bytes());
            while let Some(Ok(record)) = records.next() {
                encoder.add_record(&record, None);
            }
            encoder.finish();
            encoder.clear();
        };
        pass();
        // The header line is read into a format, which is compared with the one before.
        let of_header = allocation_counter::measure(|| {
            let mut parser = Parser::detect(HEADER.as_bytes()).unwrap();
            parser.records(HEADER.as_bytes()).next();
        });
        let allocated = allocation_counter::measure(pass);
        assert!(allocated.count_total <= of_header.count_total, "{protocol}: {allocated:?}");
    }
}
