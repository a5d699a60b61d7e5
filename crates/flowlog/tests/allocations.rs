//! Reading a plain line allocates nothing: allocations are counted, not seconds.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]

use std::fmt::Write as _;

use flowlog::{Field, LogStatus, Parser, RecordedFormat};

/// A recording with traffic, without, and with lost flows.
fn recording(records: u32) -> String {
    let mut text = String::new();
    for number in 0..records {
        let client = number % 250;
        let _ = match number % 10 {
            8 => writeln!(text, "- - - - - - - - - - - - - - - 1 2 - NODATA eni-0a1b"),
            9 => writeln!(text, "- - - - - - - - - - - - - - - 1 2 - SKIPDATA eni-0a1b"),
            _ => writeln!(
                text,
                "ACCEPT ingress - 10.0.1.{client} 40000 10.0.0.220 443 6 {number} IPv4 \
                 10.0.1.{client} - 2001:db8::{client} S3 3 1700000000 1700000060 19 OK eni-0a1b"
            ),
        };
    }
    text
}

/// Reads a recording and sums its bytes.
fn sum_of_bytes(parser: &mut Parser, text: &str) -> u64 {
    let mut sum = 0;
    let mut records = parser.records(text.as_bytes());
    while let Some(record) = records.next() {
        let record = record.unwrap();
        if record.status() == LogStatus::Ok {
            assert!(record.address(Field::PktDstAddr).is_some());
            assert_eq!(record.text(Field::PktDstAwsService), Some("S3"));
            sum += record.number(Field::Bytes).unwrap();
        }
    }
    sum
}

#[test]
fn a_record_allocates_nothing() {
    let text = recording(10_000);
    let mut parser = Parser::new(RecordedFormat::Zonal.format());
    // The first records make the buffers as large as the format needs.
    let expected = sum_of_bytes(&mut parser, &text);
    let mut sum = 0;
    let allocations = allocation_counter::measure(|| sum = sum_of_bytes(&mut parser, &text));
    assert_eq!(sum, expected);
    assert_eq!(allocations.count_total, 0);
    assert_eq!(parser.counts().skipped, 2_000);
}

/// Buffers grow with the format, not with the input.
#[test]
fn a_new_parser_allocates_for_its_format_only() {
    let count = |records| {
        let text = recording(records);
        let format = RecordedFormat::Zonal.format();
        let allocations = allocation_counter::measure(|| {
            sum_of_bytes(&mut Parser::new(format), &text);
        });
        allocations.count_total
    };
    assert_eq!(count(100), count(10_000));
}
