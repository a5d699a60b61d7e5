//! The saved queries and `top` answer the truth of a generated recording, to the byte.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers may panic as the test itself may"
)]

mod support;

#[expect(dead_code, reason = "the generator serves the tests of insights, too")]
#[path = "../../crates/insights/tests/recording/mod.rs"]
mod recording;

use std::net::IpAddr;

use flowlog::queries::{CLIENT_PLACEHOLDER, Query as Saved, Scope};

use crate::recording::truth::{Totals, expected, key, none, transport, truth};
use crate::recording::{Exchange, INTERFACE, PRIMARY, PRIMARY_IPV6, Recording, SECONDARY};
use crate::support::Folder;

const SEED: u64 = 20_261_121;
const FILE: &str = "recording.log";

/// A recording in a file, and what tells its legs apart.
struct Recorded {
    folder: Folder,
    recording: Recording,
    /// The queries' list of the gateway's addresses; empty: as saved.
    listed: Vec<IpAddr>,
    /// What `natflow` is told of the gateway; nothing: it infers.
    gateway: Option<String>,
}

impl Recorded {
    fn new(recording: Recording, listed: &[&str], is_inferred: bool) -> Self {
        let folder = Folder::new();
        folder.write(FILE, recording.text());
        let listed = listed.iter().map(|address| address.parse().unwrap()).collect();
        let gateway = (!is_inferred).then(|| [PRIMARY, SECONDARY, PRIMARY_IPV6].join(","));
        Self { folder, recording, listed, gateway }
    }

    /// The answer of `natflow query`, without its heading.
    fn query(&self, saved: Saved, edit: impl Fn(String) -> String) -> Vec<Vec<String>> {
        let scope = Scope {
            recorded_on: Some(self.recording.recorded_on).filter(|_| !self.listed.is_empty()),
            gateway_addresses: &self.listed,
        };
        self.folder.write("saved.query", edit(saved.text(&scope)));
        self.rows(&["query", "-f", "saved.query"])
    }

    /// The answer of `natflow top` in this metric: keys, then all, up and down.
    fn top(&self, metric: &str, arguments: &[&str]) -> Vec<Vec<String>> {
        let fixed = ["top", "--metric", metric, "-n", "0"];
        let mut rows = self.rows(&[&fixed, arguments].concat());
        // The share follows from the others.
        for row in &mut rows {
            row.pop();
        }
        rows
    }

    fn rows(&self, arguments: &[&str]) -> Vec<Vec<String>> {
        let mut arguments = [arguments, &["--output", "csv", FILE]].concat();
        if let Some(gateway) = self.gateway.as_ref().filter(|_| arguments[0] == "top") {
            arguments.extend(["--gateway", gateway]);
        }
        let csv = self.folder.succeed(&arguments);
        csv.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
    }

    /// What the queries add up, as `natflow top` counts it, the most bytes first.
    fn totals(&self, keys: usize, arguments: &[&str]) -> Vec<Vec<String>> {
        let mut rows = self.top("bytes", arguments);
        for metric in ["packets", "flows"] {
            let other = self.top(metric, arguments);
            assert_eq!(other.len(), rows.len());
            for row in &mut rows {
                let same = other.iter().find(|other| other[..keys] == row[..keys]).unwrap();
                row.push(same[keys].clone());
            }
        }
        rows
    }
}

fn recordings() -> [Recorded; 3] {
    let both = [PRIMARY, SECONDARY];
    [
        Recorded::new(Recording::generate(SEED, false), &[], true),
        Recorded::new(Recording::generate(SEED, true), &both, false),
        Recorded::new(Recording::generate_regional(SEED, true), &both, true),
    ]
}

/// Both answer the truth by a key.
fn both_answer(
    recorded: &Recorded,
    saved: Saved,
    by: &[&str],
    key_of: impl Fn(&Exchange) -> Option<Vec<String>>,
    further: impl Fn(&Totals) -> Vec<String>,
) {
    let truth = truth(&recorded.recording.exchanges, key_of);
    let keys = truth[0].0.len();
    assert_eq!(recorded.totals(keys, by), expected(truth.clone(), none), "{by:?}");
    let mut answer = expected(truth, further);
    if saved == Saved::TopPairs {
        answer.truncate(100);
    }
    assert_eq!(recorded.query(saved, |text| text), answer, "{saved:?}");
}

#[test]
fn clients_peers_and_pairs() {
    for recorded in recordings() {
        let by_client = |made: &Exchange| Some(key(&[&made.client]));
        both_answer(&recorded, Saved::TopClients, &["--by", "client"], by_client, none);
        let by_peer = |made: &Exchange| Some(key(&[&made.peer]));
        both_answer(&recorded, Saved::TopPeers, &["--by", "peer"], by_peer, none);
        let by_pair = |made: &Exchange| Some(key(&[&made.client, &made.peer]));
        both_answer(&recorded, Saved::TopPairs, &["--by", "pair"], by_pair, none);
    }
}

#[test]
fn services_and_ports() {
    for recorded in recordings() {
        let by_service =
            |made: &Exchange| Some(key(&[made.service])).filter(|_| made.service != "-");
        let clients = |totals: &Totals| vec![totals.clients.len().to_string()];
        let services = ["--by", "service", "--where", "service != '-'"];
        both_answer(&recorded, Saved::AwsServices, &services, by_service, clients);
        // `top` has numbers of protocols, the query has their names.
        let by_port = |protocol: fn(u64) -> String| {
            move |made: &Exchange| Some(vec![made.peer_port.to_string(), protocol(made.protocol)])
        };
        let exchanges = &recorded.recording.exchanges;
        let numbers = truth(exchanges, by_port(|number| number.to_string()));
        assert_eq!(recorded.totals(2, &["--by", "port,protocol"]), expected(numbers, none));
        let names = truth(exchanges, by_port(|number| transport(number).to_owned()));
        let ends = |totals: &Totals| {
            [totals.clients.len(), totals.peers.len()].map(|count| count.to_string()).to_vec()
        };
        assert_eq!(recorded.query(Saved::Ports, |text| text), expected(names, ends));
    }
}

/// The window of `top` is a minute of the query.
#[test]
fn minutes() {
    // Each minute is three runs: a recording of either kind is enough.
    for recorded in &recordings()[1..] {
        let minutes = recorded.query(Saved::TrafficOverTime, |text| text);
        assert_eq!(minutes.len(), 15);
        for (minute, number) in minutes.iter().zip(0..) {
            let begin = 1_795_237_200 + number * 60;
            let window = [begin, begin + 60].map(|second| second.to_string());
            let arguments = ["--by", "gateway", "--since", &window[0], "--until", &window[1]];
            let found = recorded.totals(1, &arguments);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0][1..], minute[1..], "{}", minute[0]);
        }
    }
}

#[test]
fn conversations_of_a_client() {
    for recorded in recordings() {
        for client in ["10.0.1.6", "2001:db8::1:7"] {
            let of_it = |made: &Exchange| {
                let conversation =
                    key(&[&made.peer, &made.peer_port.to_string(), &made.protocol.to_string()]);
                Some(conversation).filter(|_| made.client == client)
            };
            let truth = truth(&recorded.recording.exchanges, of_it);
            let condition = format!("client = {client}");
            let arguments = ["--by", "peer,port,protocol", "--where", &condition];
            let found = recorded.totals(3, &arguments);
            assert_eq!(found, expected(truth, none));
            let answer = recorded
                .query(Saved::ClientConversations, |text| text.replace(CLIENT_PLACEHOLDER, client));
            let named = found.into_iter().map(|mut row| {
                row[2] = transport(row[2].parse().unwrap()).to_owned();
                row
            });
            let answer = answer.into_iter().map(|row| row[..8].to_vec());
            assert_eq!(answer.collect::<Vec<_>>(), named.collect::<Vec<_>>());
        }
    }
}

/// What was rejected counts in every leg, and in no other answer.
#[test]
fn rejected_traffic() {
    for recorded in recordings() {
        let by = "flow-direction,pkt-srcaddr,pkt-dstaddr,dstport,protocol";
        let arguments = ["--legs", "all", "--action", "reject", "--by", by];
        let mut found = recorded.top("packets", &arguments);
        for metric in ["bytes", "flows"] {
            let other = recorded.top(metric, &arguments);
            for row in &mut found {
                let same = other.iter().find(|other| other[..5] == row[..5]).unwrap();
                row.push(same[5].clone());
            }
        }
        let packets: u64 = recorded.recording.rejected.iter().map(|made| made.packets).sum();
        let counted: u64 = found.iter().map(|row| row[5].parse::<u64>().unwrap()).sum();
        assert_eq!(counted, packets);
        let mut answer = recorded.query(Saved::RejectedTraffic, |text| text);
        assert!(answer.iter().all(|row| row[4] == "TCP"));
        for row in &mut found {
            "TCP".clone_into(&mut row[4]);
        }
        found.sort();
        answer.sort();
        assert_eq!(answer, found);
    }
}

/// `decode` has the words of the saved query, row by row; the query has the newest first.
#[test]
fn decoded_records() {
    for recorded in recordings() {
        let mut words = recorded.rows(&["decode"]);
        words.sort_by_key(|row| std::cmp::Reverse(row[0].clone()));
        let mut answer = recorded.query(Saved::Decode, |text| text);
        assert_eq!(words.len(), answer.len());
        // In CSV nothing stands in place of a missing value, in a record a dash; the query's
        // size of a record without bytes is blank.
        for text in words.iter_mut().chain(&mut answer).flatten() {
            if text.trim().is_empty() {
                "-".clone_into(text);
            }
        }
        for (words, answer) in words.iter().zip(&answer) {
            assert_eq!(words, answer);
        }
    }
}

/// The file in the repository is the query that the tests above run.
#[test]
fn a_query_is_read_from_its_file() {
    let recorded = &recordings()[0];
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../queries/top-clients.query");
    let answer = recorded.rows(&["query", "-f", file]);
    assert_eq!(answer, recorded.query(Saved::TopClients, |text| text));
    assert_eq!(recorded.recording.recorded_on, INTERFACE);
}
