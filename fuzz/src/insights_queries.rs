//! Queries, run over a few records. What follows a zero byte in the input are further messages.

use std::str;

use insights::{Event, Query, QueryError, Table};

const MESSAGES: [&str; 4] = [
    "ACCEPT ingress - 10.0.1.5 40001 10.0.0.220 443 6 1500 IPv4 10.0.1.5 - 203.0.113.5 S3 3 \
     1795237200 1795237260 3 OK eni-0a1b",
    "REJECT egress 1 2001:db8::5 443 10.0.1.5 50000 17 4294967296 IPv6 2001:db8::5 - 10.0.1.5 - \
     1 1795237201 1795237230 0 OK eni-0a1b",
    "- - - - - - - - - - - - - - - 1795237200 1795237259 - NODATA eni-0a1b",
    "",
];

/// The most rows that Logs Insights answers.
const MOST_ROWS: usize = 10_000;

/// A query is refused at a place inside its text, or answers the same each time.
pub fn check(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let (text, further) = text.split_once('\0').unwrap_or((text, ""));
    match Query::parse(text) {
        Ok(query) => {
            let table = run(&query, further);
            an_answer_has_its_shape(&query, &table);
            assert_eq!(format!("{table:?}"), format!("{:?}", run(&query, further)));
            a_comment_changes_nothing(text, &query);
        }
        Err(refusal) => a_refusal_is_inside_the_text(text, &refusal),
    }
}

fn run(query: &Query, further: &str) -> Table {
    let messages = MESSAGES.into_iter().chain(further.lines());
    query.run((0..).step_by(30_001).zip(messages).map(|(at, message)| Event {
        log_stream: "eni-0a1b-all",
        discovered: &[("srcAddr", "10.0.1.5"), ("bytes", "77")],
        ..Event::new(1_795_237_200_000 + at, message)
    }))
}

fn an_answer_has_its_shape(query: &Query, table: &Table) {
    assert!(query.columns().eq(table.columns.iter()));
    assert!(table.rows.len() <= MOST_ROWS);
    assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
    for value in table.rows.iter().flatten() {
        let _ = value.to_string();
    }
    let statistics = table.statistics;
    assert!(statistics.records_matched <= statistics.records_scanned);
}

fn a_comment_changes_nothing(text: &str, query: &Query) {
    let commented = Query::parse(&format!("# what it is about\n{text}\n# the end"));
    assert!(commented.is_ok_and(|commented| commented.columns().eq(query.columns())));
}

fn a_refusal_is_inside_the_text(text: &str, refusal: &QueryError) {
    let line = text.split('\n').nth(refusal.line - 1);
    let characters = line.map(|line| line.chars().count());
    assert!(characters.is_some_and(|count| (1..=count + 1).contains(&refusal.column)), "{refusal}");
    assert!(line.is_some_and(|line| {
        let first = refusal.word.lines().next().unwrap_or_default();
        line.chars().skip(refusal.column - 1).collect::<String>().starts_with(first)
    }));
}
