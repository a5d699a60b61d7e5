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

use crate::recording::truth::{Totals, expected, key, none, transport, truth};
use crate::recording::{INTERFACE, PRIMARY, PRIMARY_IPV6, Recording, SECONDARY};

const SEEDS: [u64; 2] = [1, 20_261_121];

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

fn addresses() -> Vec<IpAddr> {
    [PRIMARY, SECONDARY].map(|address| address.parse().unwrap()).to_vec()
}

/// A recording of a gateway with one address and the saved query; one of a gateway with two, and
/// one of a regional gateway in either shape, and the query that names them.
fn for_each_recording(saved: Saved, check: impl Fn(&str, &Recording)) {
    let addresses = addresses();
    for seed in SEEDS {
        check(&saved.saved_text(), &Recording::generate(seed, false));
        for recording in [
            Recording::generate(seed, true),
            Recording::generate_regional(seed, false),
            Recording::generate_regional(seed, true),
        ] {
            let recorded_on = Some(recording.recorded_on);
            check(&saved.text(&Scope { recorded_on, gateway_addresses: &addresses }), &recording);
        }
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

/// The saved query, edited as its comment says.
#[test]
fn the_comment_says_how_to_ask_about_a_regional_gateway() {
    let listed = format!("[\"{PRIMARY}\", \"{SECONDARY}\"]");
    let edited = |saved: Saved| {
        let text = saved.saved_text().replace("[\"GATEWAY-ADDRESS\"]", &listed);
        let text = text.replace("dstAddr != pktDstAddr and ", "");
        text.replace("srcAddr != pktSrcAddr and ", "")
    };
    for recording in
        [true, false].map(|names_ends| Recording::generate_regional(SEEDS[0], names_ends))
    {
        let truth = truth(&recording.exchanges, |exchange| Some(key(&[&exchange.client])));
        assert_eq!(rows(&edited(Saved::TopClients), &recording), expected(truth, none));
    }
}

#[test]
fn other_gateways_recordings_do_not_count() {
    let recording = Recording::generate_regional(SEEDS[0], true);
    let scope = Scope { recorded_on: Some(INTERFACE), gateway_addresses: &addresses() };
    assert!(rows(&Saved::TopClients.text(&scope), &recording).is_empty());
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
            assert_eq!(shown("recordedOn"), recording.recorded_on);
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
    let own = [PRIMARY, SECONDARY, PRIMARY_IPV6].map(|address| address.parse::<IpAddr>().unwrap());
    let gateway: GatewayAddresses = own.into_iter().collect();
    for (recording, format) in [
        (Recording::generate(SEEDS[0], true), RecordedFormat::Zonal),
        (Recording::generate_regional(SEEDS[1], false), RecordedFormat::Regional),
        (Recording::generate_regional(SEEDS[1], true), RecordedFormat::Regional),
    ] {
        let expected = truth(&recording.exchanges, |_| Some(vec![])).remove(0).1;
        let found = totals_of_legs(&gateway, format, &recording);
        assert_eq!(found, [expected.upload, expected.download]);
    }
}

fn totals_of_legs(
    gateway: &GatewayAddresses,
    format: RecordedFormat,
    recording: &Recording,
) -> [u64; 2] {
    let input = recording.text();
    let mut parser = Parser::new(format.format());
    let mut totals = [0, 0];
    let mut records = parser.records(input.as_bytes());
    while let Some(record) = records.next() {
        let record = record.unwrap();
        let is_accepted = record.action() == Some(flowlog::Action::Accept);
        let bytes = record.number(Field::Bytes).unwrap_or(0);
        match gateway.flow(&record).filter(|_| is_accepted).map(|flow| flow.leg) {
            Some(Leg::Upload) => totals[0] += bytes,
            Some(Leg::Download) => totals[1] += bytes,
            _ => {}
        }
    }
    totals
}

#[test]
fn the_truth_is_in_the_recording() {
    let recording = Recording::generate(SEEDS[0], false);
    assert!(recording.records.iter().any(|record| record.status == "SKIPDATA"));
    assert!(recording.exchanges.iter().any(|exchange| exchange.client.contains(':')));
    assert_eq!(
        recording.records.iter().filter(|record| record.status == "OK").count(),
        recording.exchanges.len() * 4 + recording.rejected.len() + 15
    );
}
