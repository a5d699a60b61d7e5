//! A header line names the format of all lines after it, however the input is cut into pieces and
//! however many threads read them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use support::Folder;

/// More than several pieces hold.
const RECORDS: usize = 90_000;

/// Two formats after each other. The second one's values fit the first one's fields, too, so that
/// a header that is overlooked shows in the sums alone.
fn lines(header: &str) -> Vec<String> {
    let mut lines = vec!["srcport bytes".to_owned(), "443 1".to_owned(), header.to_owned()];
    lines.extend((0..RECORDS).map(|_| "2 443".to_owned()));
    lines
}

fn in_json(lines: &[String]) -> String {
    let objects: Vec<_> = lines.iter().map(|line| format!("{{\"message\":\"{line}\"}}")).collect();
    objects.join("\n")
}

fn assert_sums(input: &str) {
    let folder = Folder::new();
    folder.write("records.log", input);
    for threads in ["1", "2", "3"] {
        let arguments =
            ["top", "--legs", "all", "--action", "all", "--by", "srcport", "--output", "csv"];
        let arguments = [&arguments[..], &["--threads", threads, "records.log"]].concat();
        let csv = folder.succeed(&arguments);
        let bytes = 1 + 2 * RECORDS;
        let expected = format!("srcport,bytes,share\n443,{bytes},1.000000\n");
        assert_eq!(csv, expected, "{threads} threads");
    }
}

#[test]
fn a_header_in_json_is_carried_to_later_pieces() {
    assert_sums(&in_json(&lines("bytes srcport")));
}

#[test]
fn a_header_after_a_blank_is_carried_to_later_pieces() {
    assert_sums(&lines(" \tbytes srcport").join("\n"));
    assert_sums(&lines("bytes srcport\r").join("\r\n"));
}

#[test]
fn the_last_header_of_a_subscription_is_carried_to_later_pieces() {
    let events = |lines: &[String]| {
        let events: Vec<_> =
            lines.iter().map(|line| format!("{{\"message\":\"{line}\"}}")).collect();
        format!("{{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[{}]}}", events.join(",\n"))
    };
    let lines = lines("bytes srcport");
    let (first, rest) = lines.split_at(4);
    assert_sums(&[events(first), rest.chunks(1000).map(events).collect()].concat());
}

/// Whichever thread comes upon it, what reading in order meets first is what ends it, and no
/// thread waits for a piece that is never told what holds before it.
#[test]
fn a_late_header_without_what_was_asked_for_ends_the_reading() {
    let folder = Folder::new();
    folder.write("records.log", lines("packets srcport").join("\n"));
    for threads in ["1", "2", "3"] {
        let arguments = ["top", "--legs", "all", "--action", "all", "--by", "srcport"];
        let arguments = [&arguments[..], &["--threads", threads, "records.log"]].concat();
        let error = folder.fail(1, &arguments);
        assert!(error.contains("records.log: `bytes` (--metric) is not in the records"), "{error}");
    }
}

/// The second file is refused when it is opened, perhaps while the first one is still read.
#[test]
fn of_two_failures_the_one_that_comes_first_is_told() {
    let folder = Folder::new();
    folder.write("first.log", "srcport bytes\n443 1\npackets srcport\n2 443\n");
    folder.write("second.log", "packets srcport\n1 443\n");
    for threads in ["1", "2", "3"].repeat(5) {
        let arguments = ["top", "--legs", "all", "--action", "all", "--by", "srcport"];
        let inputs = ["--threads", threads, "first.log", "second.log"];
        let error = folder.fail(1, &[&arguments[..], &inputs].concat());
        assert!(error.contains("first.log: `bytes` (--metric) is not in the records"), "{error}");
    }
}
