//! The saved queries on a recording whose truth is known: their numbers are equal to it, to the
//! byte.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers may panic as the test itself may"
)]

mod recording;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use flowlog::queries::{self, Query as Saved, Scope};
use flowlog::{Field, GatewayAddresses, Leg, Parser, RecordedFormat};
use insights::{Event, Query, Table, Value};

use crate::recording::{Exchange, GATEWAY, INTERFACE, PRIMARY, Recording, SECONDARY};

const SEEDS: [u64; 3] = [1, 20_261_121, 0xdead_beef];

fn run(text: &str, recording: &Recording) -> Table {
    let query = Query::parse(text).unwrap();
    query.run(
        recording
            .records
            .iter()
            .map(|record| Event::new(i64::try_from(record.start).unwrap() * 1000, &record.text)),
    )
}

fn rows(text: &str, recording: &Recording) -> Vec<Vec<String>> {
    let table = run(text, recording);
    table.rows.iter().map(|row| row.iter().map(Value::to_string).collect()).collect()
}

/// What some exchanges add up to.
#[derive(Clone, Debug, Default)]
struct Totals {
    upload: u64,
    download: u64,
    packets: u64,
    records: u64,
    clients: BTreeSet<String>,
    peers: BTreeSet<String>,
    first: Option<u64>,
    last: Option<u64>,
}

impl Totals {
    fn add(&mut self, exchange: &Exchange) {
        self.upload += exchange.upload_bytes;
        self.download += exchange.download_bytes;
        self.packets += exchange.upload_packets + exchange.download_packets;
        self.records += 2;
        self.clients.insert(exchange.client.clone());
        self.peers.insert(exchange.peer.clone());
        self.first = Some(self.first.map_or(exchange.start, |first| first.min(exchange.start)));
        self.last = self.last.max(Some(exchange.start));
    }

    /// The columns that every query about connections has.
    fn columns(&self) -> Vec<String> {
        let total = self.upload + self.download;
        [total, self.upload, self.download, self.packets, self.records]
            .map(|number| number.to_string())
            .to_vec()
    }
}

/// The truth by a key, the most bytes first.
fn truth(
    exchanges: &[Exchange],
    key_of: impl Fn(&Exchange) -> Option<Vec<String>>,
) -> Vec<(Vec<String>, Totals)> {
    let mut totals: BTreeMap<Vec<String>, Totals> = BTreeMap::new();
    for exchange in exchanges {
        if let Some(key) = key_of(exchange) {
            totals.entry(key).or_default().add(exchange);
        }
    }
    let mut totals: Vec<_> = totals.into_iter().collect();
    totals.sort_by_key(|(_, totals)| std::cmp::Reverse(totals.upload + totals.download));
    totals
}

/// Rows as a query answers them: the key, the common columns, and further ones.
fn expected(
    truth: Vec<(Vec<String>, Totals)>,
    further: impl Fn(&Totals) -> Vec<String>,
) -> Vec<Vec<String>> {
    let row =
        |(key, totals): (Vec<String>, Totals)| [key, totals.columns(), further(&totals)].concat();
    truth.into_iter().map(row).collect()
}

fn none(_: &Totals) -> Vec<String> {
    vec![]
}

fn key(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A recording of a gateway with one address and the saved query, and one of a gateway with two
/// and the query that names them.
fn for_each_recording(saved: Saved, check: impl Fn(&str, &Recording)) {
    let addresses: Vec<IpAddr> =
        [PRIMARY, SECONDARY].map(|address| address.parse().unwrap()).to_vec();
    let scope = Scope { recorded_on: Some(INTERFACE), gateway_addresses: &addresses };
    for seed in SEEDS {
        check(&saved.saved_text(), &Recording::generate(seed, false));
        check(&saved.text(&scope), &Recording::generate(seed, true));
    }
}

#[test]
fn the_top_queries_add_up_what_clients_and_peers_exchanged() {
    for_each_recording(Saved::TopClients, |query, recording| {
        let truth = truth(&recording.exchanges, |exchange| Some(key(&[&exchange.client])));
        assert_eq!(rows(query, recording), expected(truth, none));
    });
    for_each_recording(Saved::TopPeers, |query, recording| {
        let truth = truth(&recording.exchanges, |exchange| Some(key(&[&exchange.peer])));
        assert_eq!(rows(query, recording), expected(truth, none));
    });
    for_each_recording(Saved::TopPairs, |query, recording| {
        let mut truth =
            truth(&recording.exchanges, |exchange| Some(key(&[&exchange.client, &exchange.peer])));
        assert!(truth.len() > 100, "the limit is not tested");
        truth.truncate(100);
        assert_eq!(rows(query, recording), expected(truth, none));
    });
}

#[test]
fn a_regional_gateways_recording_is_told_by_its_addresses() {
    let addresses: Vec<IpAddr> =
        [PRIMARY, SECONDARY].map(|address| address.parse().unwrap()).to_vec();
    let scope = Scope { recorded_on: Some(GATEWAY), gateway_addresses: &addresses };
    for seed in SEEDS {
        let recording = Recording::generate_regional(seed);
        let truth = truth(&recording.exchanges, |exchange| Some(key(&[&exchange.client])));
        assert_eq!(rows(&Saved::TopClients.text(&scope), &recording), expected(truth, none));
        let other = Scope { recorded_on: Some(INTERFACE), ..scope };
        assert!(rows(&Saved::TopClients.text(&other), &recording).is_empty());
    }
}

#[test]
fn aws_services_are_those_of_the_peers() {
    for_each_recording(Saved::AwsServices, |query, recording| {
        let truth = truth(&recording.exchanges, |exchange| {
            (exchange.service != "-").then(|| key(&[exchange.service]))
        });
        assert_eq!(truth.len(), 3);
        let clients = |totals: &Totals| vec![totals.clients.len().to_string()];
        assert_eq!(rows(query, recording), expected(truth, clients));
    });
}

#[test]
fn minutes_are_in_order_and_complete() {
    for_each_recording(Saved::TrafficOverTime, |query, recording| {
        let mut truth = truth(&recording.exchanges, |exchange| {
            let minute = exchange.start / 60 * 60 - 1_795_237_200;
            Some(vec![format!("2026-11-21 05:{:02}:00.000", minute / 60)])
        });
        truth.sort_by(|(one, _), (two, _)| one.cmp(two));
        assert_eq!(truth.len(), 15);
        assert_eq!(rows(query, recording), expected(truth, none));
    });
}

fn transport(protocol: u64) -> &'static str {
    match protocol {
        1 => "ICMP",
        6 => "TCP",
        _ => "UDP",
    }
}

#[test]
fn ports_are_those_of_the_peers() {
    for_each_recording(Saved::Ports, |query, recording| {
        let truth = truth(&recording.exchanges, |exchange| {
            Some(key(&[&exchange.peer_port.to_string(), transport(exchange.protocol)]))
        });
        let ends = |totals: &Totals| {
            vec![totals.clients.len().to_string(), totals.peers.len().to_string()]
        };
        assert_eq!(rows(query, recording), expected(truth, ends));
    });
}

#[test]
fn conversations_are_those_of_one_client() {
    let client = "10.0.1.6";
    let about = |query: &str| query.replace(queries::CLIENT_PLACEHOLDER, client);
    for_each_recording(Saved::ClientConversations, |query, recording| {
        let truth = truth(&recording.exchanges, |exchange| {
            let port = exchange.peer_port.to_string();
            let key = key(&[&exchange.peer, &port, transport(exchange.protocol)]);
            Some(key).filter(|_| exchange.client == client)
        });
        assert!(truth.len() > 10);
        let seen = |totals: &Totals| {
            let shown = |time: Option<u64>| {
                let in_hour = time.unwrap() - 1_795_237_200;
                format!("2026-11-21 05:{:02}:{:02}.000", in_hour / 60, in_hour % 60)
            };
            vec![shown(totals.first), shown(totals.last)]
        };
        assert_eq!(rows(&about(query), recording), expected(truth, seen));
    });
}

#[test]
fn rejected_traffic_is_counted_once_and_alone() {
    for_each_recording(Saved::RejectedTraffic, |query, recording| {
        let mut truth: BTreeMap<Vec<String>, [u64; 3]> = BTreeMap::new();
        for rejected in &recording.rejected {
            let port = rejected.port.to_string();
            let key = [rejected.direction, &rejected.source, &rejected.destination, &port, "TCP"];
            let totals = truth.entry(key.map(str::to_owned).to_vec()).or_default();
            totals[0] += rejected.packets;
            totals[1] += rejected.bytes;
            totals[2] += 1;
        }
        let expected: BTreeSet<Vec<String>> = truth
            .into_iter()
            .map(|(key, totals)| [key, totals.map(|total| total.to_string()).to_vec()].concat())
            .collect();
        let found = rows(query, recording);
        let packets: Vec<u64> = found.iter().map(|row| row[5].parse().unwrap()).collect();
        assert!(packets.is_sorted_by(|one, two| one >= two));
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    });
}

/// Bytes in the words of the query: rounded down to one decimal place.
fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB"];
    let thousands = (1..4).filter(|exponent| bytes >= 1000_u64.pow(*exponent)).count();
    let tenths = bytes * 10 / 1000_u64.pow(u32::try_from(thousands).unwrap());
    let fraction =
        if tenths.is_multiple_of(10) { String::new() } else { format!(".{}", tenths % 10) };
    format!("{}{fraction} {}", tenths / 10, units[thousands])
}

#[test]
fn decoded_records_are_all_there_in_words() {
    for_each_recording(Saved::Decode, |query, recording| {
        let table = run(query, recording);
        let column = |name: &str| table.columns.iter().position(|column| column == name).unwrap();
        let mut records: Vec<_> =
            recording.records.iter().filter(|record| record.status != "NODATA").collect();
        records.sort_by_key(|record| std::cmp::Reverse(record.start));
        assert_eq!(table.rows.len(), records.len());
        for (row, record) in table.rows.iter().zip(records) {
            let fields: Vec<&str> = record.text.split(' ').collect();
            let shown = |name: &str| row[column(name)].to_string();
            assert_eq!(shown("srcAddr"), fields[3]);
            assert_eq!(shown("logStatus"), record.status);
            assert_eq!(shown("recordedOn"), INTERFACE);
            let Some(bytes) = record.bytes else { continue };
            assert_eq!(shown("size"), size(bytes), "{bytes}");
            assert_eq!(shown("bytes"), bytes.to_string());
            let way =
                if fields[1] == "ingress" { "into the gateway" } else { "out of the gateway" };
            assert_eq!(shown("way"), way);
            let path = match fields[2] {
                "1" => "same VPC",
                "8" => "internet gateway",
                other => other,
            };
            assert_eq!(shown("path"), path);
            assert_eq!(shown("transport"), transport(fields[7].parse().unwrap()));
            assert_eq!(shown("flags"), "SYN FIN");
        }
    });
}

/// What `natflow` adds up by the legs of `flowlog` is the same truth.
#[test]
fn the_legs_of_the_library_add_up_to_the_same() {
    for seed in SEEDS {
        let recording = Recording::generate(seed, true);
        let lines: Vec<&str> =
            recording.records.iter().map(|record| record.text.as_str()).collect();
        let input = lines.join("\n");
        let addresses: GatewayAddresses = [PRIMARY, SECONDARY]
            .map(|address| address.parse::<IpAddr>().unwrap())
            .into_iter()
            .collect();
        let mut parser = Parser::new(RecordedFormat::Zonal.format());
        let mut totals = [0, 0];
        let mut records = parser.records(input.as_bytes());
        while let Some(record) = records.next() {
            let record = record.unwrap();
            let is_accepted = record.action() == Some(flowlog::Action::Accept);
            let leg = addresses.flow(&record).filter(|_| is_accepted).map(|flow| flow.leg);
            let bytes = record.number(Field::Bytes).unwrap_or(0);
            match leg {
                Some(Leg::Upload) => totals[0] += bytes,
                Some(Leg::Download) => totals[1] += bytes,
                _ => {}
            }
        }
        let expected = truth(&recording.exchanges, |_| Some(vec![])).remove(0).1;
        assert_eq!(totals, [expected.upload, expected.download]);
    }
}

#[test]
fn the_truth_is_in_the_recording() {
    let recording = Recording::generate(SEEDS[0], false);
    assert!(recording.records.iter().any(|record| record.status == "SKIPDATA"));
    assert_eq!(
        recording.records.iter().filter(|record| record.status == "OK").count(),
        recording.exchanges.len() * 4 + recording.rejected.len() + 15
    );
}
