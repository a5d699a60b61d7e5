//! What a query keeps does not grow with the number of events.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use allocation_counter::measure;
use insights::{Event, Query};

/// Two addresses and five sums take 150 bytes; vectors grow in advance.
const MOST_BYTES: u64 = 400;

/// The most bytes that were allocated at a time.
fn peak(query: &str, events: i64) -> u64 {
    let query = Query::parse(query).unwrap();
    let messages: Vec<String> = (0..64).map(|client| format!("10.0.1.{client} 1500")).collect();
    let events = (0..events).zip(messages.iter().cycle());
    let usage = measure(|| {
        let mut run = query.start();
        for (time, message) in events {
            run.push(&Event::new(time, message));
        }
        assert!(!run.finish().rows.is_empty());
    });
    usage.bytes_max
}

#[test]
fn memory_is_that_of_the_groups_or_of_the_limit() {
    for query in [
        "parse @message \"* *\" as client, bytes | stats sum(bytes), avg(bytes), max(bytes) by client",
        "parse @message \"* *\" as client, bytes | stats count_distinct(client), pct(bytes, 95)",
        "sort @message | limit 50",
        "fields strlen(@message) as length | limit 50",
        "parse @message \"* *\" as client, bytes | dedup client",
    ] {
        let (some, many) = (peak(query, 1_000), peak(query, 50_000));
        // Nothing but what a vector or a map has grown in advance.
        assert!(many <= some * 2, "{query}: {some} bytes, then {many}");
    }
}

/// Most of a query's memory is that of its groups, of which there may be millions.
#[test]
fn little_is_held_for_each_of_many_groups() {
    const GROUPS: u32 = 100_000;
    let query = "parse @message \"* * *\" as client, peer, bytes
        | stats sum(bytes), sum(bytes), sum(bytes), sum(bytes), count(*) by client, peer
        | limit 10";
    let query = Query::parse(query).unwrap();
    let mut message = String::new();
    let usage = measure(|| {
        let mut run = query.start();
        for number in 0..GROUPS {
            let peer = Ipv4Addr::from_bits(0xcb00_0000 + number);
            message.clear();
            write!(message, "10.0.1.5 {peer} 1500").unwrap();
            run.push(&Event::new(0, &message));
        }
        assert_eq!(run.finish().rows.len(), 10);
    });
    let each = usage.bytes_max / u64::from(GROUPS);
    assert!(each < MOST_BYTES, "{each} bytes for each group");
}
