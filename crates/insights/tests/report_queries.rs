//! The report's queries on a recording whose truth is known: what they add up is equal to it, to
//! the byte.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers may panic as the test itself may"
)]

#[expect(dead_code, reason = "the generator serves the saved queries' test, too")]
mod recording;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use flowlog::queries::{ReportQuery, Scope};
use insights::{Event, Query};

use crate::recording::{Exchange, INTERFACE, PRIMARY, Recording, SECONDARY};

type Row = BTreeMap<String, String>;

fn recording() -> Recording {
    Recording::generate(20_261_121, true)
}

/// Rows as Logs Insights answers them: values by names.
fn rows(query: ReportQuery, recording: &Recording) -> Vec<Row> {
    let addresses: Vec<IpAddr> =
        [PRIMARY, SECONDARY].map(|address| address.parse().unwrap()).to_vec();
    let scope = Scope { recorded_on: Some(INTERFACE), gateway_addresses: &addresses };
    let query = Query::parse(&query.text(&scope)).unwrap();
    let table = query.run(
        recording
            .records
            .iter()
            .map(|record| Event::new(i64::try_from(record.start).unwrap() * 1000, &record.text)),
    );
    let row = |row: &Vec<insights::Value<'_>>| {
        let values = row.iter().map(ToString::to_string);
        table.columns.iter().cloned().zip(values).collect()
    };
    table.rows.iter().map(row).collect()
}

fn number(row: &Row, name: &str) -> u64 {
    row[name].parse().unwrap()
}

#[test]
fn the_totals_are_one_row() {
    let recording = recording();
    let rows = rows(ReportQuery::Totals, &recording);
    let exchanges = &recording.exchanges;
    let sum = |bytes: fn(&Exchange) -> u64| exchanges.iter().map(bytes).sum::<u64>();
    let distinct = |of: fn(&Exchange) -> &str| exchanges.iter().map(of).collect::<BTreeSet<_>>();
    assert_eq!(rows.len(), 1);
    assert_eq!(number(&rows[0], "uploadBytes"), sum(|exchange| exchange.upload_bytes));
    assert_eq!(number(&rows[0], "downloadBytes"), sum(|exchange| exchange.download_bytes));
    assert_eq!(
        number(&rows[0], "totalBytes"),
        sum(|exchange| exchange.upload_bytes + exchange.download_bytes)
    );
    assert_eq!(number(&rows[0], "records"), u64::try_from(exchanges.len()).unwrap() * 2);
    let clients = distinct(|exchange| &exchange.client).len();
    assert_eq!(number(&rows[0], "clients"), u64::try_from(clients).unwrap());
    let first = exchanges.iter().map(|exchange| exchange.start).min().unwrap();
    assert_eq!(number(&rows[0], "firstStart"), first);
}

#[test]
fn every_ranking_is_the_sum_of_its_conversations() {
    let recording = recording();
    let rankings: [(ReportQuery, &[&str]); 6] = [
        (ReportQuery::Conversations, &["client", "peer", "peerService", "peerPort", "transport"]),
        (ReportQuery::Clients, &["client"]),
        (ReportQuery::Peers, &["peer", "peerService"]),
        (ReportQuery::Pairs, &["client", "peer", "peerService"]),
        (ReportQuery::Ports, &["peerPort", "transport"]),
        (ReportQuery::Services, &["peerService"]),
    ];
    for (query, keys) in rankings {
        let mut truth: BTreeMap<Vec<String>, [u64; 3]> = BTreeMap::new();
        for exchange in &recording.exchanges {
            let key = keys.iter().map(|name| key(exchange, name)).collect();
            let sums = truth.entry(key).or_default();
            sums[0] += exchange.upload_bytes + exchange.download_bytes;
            sums[1] += exchange.upload_bytes;
            sums[2] += exchange.download_bytes;
        }
        let rows = rows(query, &recording);
        assert!(rows.is_sorted_by_key(|row| u64::MAX - number(row, "totalBytes")), "{query:?}");
        let most = usize::try_from(query.most_rows()).unwrap();
        assert_eq!(rows.len(), truth.len().min(most), "{query:?}");
        for row in &rows {
            let key: Vec<String> = keys.iter().map(|name| row[*name].clone()).collect();
            let found = ["totalBytes", "uploadBytes", "downloadBytes"].map(|sum| number(row, sum));
            assert_eq!(found, truth[&key], "{query:?} {key:?}");
        }
    }
}

fn key(exchange: &Exchange, name: &str) -> String {
    match name {
        "client" => exchange.client.clone(),
        "peer" => exchange.peer.clone(),
        "peerService" => exchange.service.to_owned(),
        "peerPort" => exchange.peer_port.to_string(),
        _ => {
            flowlog::protocol_keyword(u8::try_from(exchange.protocol).unwrap()).unwrap().to_owned()
        }
    }
}

#[test]
fn records_are_counted_by_status_and_action() {
    let recording = recording();
    let rows = rows(ReportQuery::Statuses, &recording);
    let records = |status: &str, action: &str| {
        let row = rows.iter().find(|row| row["logStatus"] == status && row["action"] == action);
        number(row.unwrap(), "records")
    };
    let with_status = |status: &str| {
        let found = recording.records.iter().filter(|record| record.status == status).count();
        u64::try_from(found).unwrap()
    };
    let rejected = u64::try_from(recording.rejected.len()).unwrap();
    assert!(with_status("SKIPDATA") > 0);
    assert_eq!(records("SKIPDATA", "-"), with_status("SKIPDATA"));
    assert_eq!(records("NODATA", "-"), with_status("NODATA"));
    assert_eq!(records("OK", "REJECT"), rejected);
    assert_eq!(records("OK", "ACCEPT"), with_status("OK") - rejected);
}
