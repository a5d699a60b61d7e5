//! The page as a whole. What a browser makes of it, `tests/page` asks one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use report::Report;
use report::facts::{Destination, Facts, Gateway, Link, Reading, Recording};
use report::interface::{Owner, OwnerKind};
use report::metered::MeteredMinute;
use report::timeline::Timeline;
use report::traffic::{Bytes, Conversation, Peer, Port, Records, Traffic};

const MINUTES: i64 = 8;

/// A name that would like to be markup.
const HOSTILE: &str = "</bdi><script>alert('x')</script>\" onload=\"x 出口";

fn at(minute: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-21T04:12:00Z".parse().unwrap();
    begin.saturating_add(jiff::SignedDuration::from_mins(minute)).unwrap()
}

fn client(number: u8) -> IpAddr {
    IpAddr::from([10, 0, 1, number])
}

/// What a client downloads in a minute: the first much, the others a little.
fn bytes(number: u8, minute: i64) -> u64 {
    let much = if number == 5 { 1_500_000_000 } else { 20_000_000 };
    much + u64::from(number) * 1_000_000 + minute.unsigned_abs() * 10_000_000
}

fn facts() -> Facts {
    let clients = 5..17_u8;
    let conversations: Vec<_> = clients
        .clone()
        .map(|number| Conversation {
            client: client(number),
            peer: Peer {
                address: IpAddr::from([52, 218, 1, number]),
                service: (number == 5).then(|| "S3".to_owned()),
            },
            port: Port { number: 443, transport: "TCP".to_owned() },
            bytes: Bytes {
                upload_bytes: 0,
                download_bytes: (0..MINUTES).map(|minute| bytes(number, minute)).sum(),
            },
        })
        .collect();
    let minutes: BTreeMap<_, _> = clients
        .flat_map(|number| (0..MINUTES).map(move |minute| (number, minute)))
        .map(|(number, minute)| {
            let place = (client(number), at(minute).as_second() / 60);
            (place, bytes(number, minute))
        })
        .collect();
    let owner =
        |kind, name: &str, id: &str| Owner { kind, name: Some(name.to_owned()), id: id.to_owned() };
    Facts {
        gateway: Gateway {
            nat_gateway_id: "nat-0123456789abcdef0".to_owned(),
            name: Some("egress <a>".to_owned()),
            vpc_id: Some("vpc-0a1b2c3d".to_owned()),
            region: Some("eu-west-1".to_owned()),
            account_id: Some("123456789012".to_owned()),
            is_regional: false,
        },
        recording: Recording {
            stack: Some("recorder in eu-west-1, account 123456789012".to_owned()),
            why_started: Some("The alarm recorder/nat-0123456789abcdef0 rose.".to_owned()),
            why_stopped: Some("The traffic is back below the threshold.".to_owned()),
            from: Some(at(0)),
            to: Some(at(MINUTES)),
            flow_logs: vec!["fl-0a1b2c3d on eni-0a1b2c3d, deleted".to_owned()],
            quota: Some("recording 3 of 5".to_owned()),
            place: Some("log group recorder".to_owned()),
            ..Recording::default()
        },
        traffic: Some(Traffic::of_conversations(&conversations, None, Some(1_234))),
        records: Some(Records { all: 2_500, skipped: 1, ..Records::default() }),
        metered: Some(
            (0..MINUTES)
                .map(|minute| MeteredMinute {
                    at: at(minute),
                    download_bytes: (5..17).map(|number| bytes(number, minute)).sum(),
                    ..MeteredMinute::default()
                })
                .collect(),
        ),
        timeline: Timeline::new(&minutes),
        owners: [
            (client(5), owner(OwnerKind::Instance, HOSTILE, "i-0123456789abcdef0")),
            (client(6), owner(OwnerKind::Lambda, "import", "eni-0f0e")),
        ]
        .into(),
        endpoints: Some(vec![]),
        reading: Reading {
            destination: Some(Destination::InfrequentAccess),
            record_bytes: Some(375_000),
            ..Reading::default()
        },
        missing: vec!["The regions of AWS's addresses: not asked.".to_owned()],
        links: vec![
            Link {
                label: "Every record".to_owned(),
                text: "https://example.com/?a=1&b".to_owned(),
            },
            Link { label: "Or by hand".to_owned(), text: "natflow top \\\n  --by pair".to_owned() },
        ],
        ..Facts::default()
    }
}

/// Set `REPORT_PAGE` to the name of a file to get the page there: the browser's test does.
#[test]
fn the_page_is_as_it_was() {
    let page = Report::new(facts()).page();
    if let Ok(file) = std::env::var("REPORT_PAGE") {
        std::fs::write(file, &page).unwrap();
    }
    insta::assert_snapshot!(page);
}

#[test]
fn names_stay_text_and_nothing_is_loaded() {
    let page = Report::new(facts()).page();
    assert!(!page.contains("<script"), "a name became markup");
    assert!(!page.contains("onload=\""));
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    for attribute in [" src=", "url(http", "@import", "<link", "<iframe", "<img"] {
        assert!(!page.contains(attribute), "{attribute}");
    }
}

/// A page of nothing is a page, too.
#[test]
fn a_report_without_facts_is_a_page() {
    let page = Report::new(Facts::default()).page();
    assert!(page.contains("The records could not be read"));
    assert!(!page.contains("<svg"));
}
