//! What a query keeps does not grow with the number of events.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]

use allocation_counter::measure;
use insights::{Event, Query};

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
