//! The shapes in which records arrive.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]

use flowlog::{
    Action, Counts, Expected, Field, FlowDirection, Format, LogStatus, Parser, RecordedFormat,
    TcpFlags, TrafficPath,
};

const DEFAULT: &str =
    "2 123456789010 eni-0a1b 10.0.0.1 10.0.0.2 20641 22 6 20 4249 1700000000 1700000060 ACCEPT OK";
const NODATA: &str = "2 123456789010 eni-0a1b - - - - - - - 1700000000 1700000060 - NODATA";
const SKIPDATA: &str = "2 123456789010 eni-0a1b - - - - - - - 1700000000 1700000060 - SKIPDATA";

/// What each line is: its number and its bytes, or the error in words.
fn read(parser: &mut Parser, text: &str) -> Vec<Result<(u64, Option<u64>), String>> {
    let mut records = parser.records(text.as_bytes());
    let mut lines = vec![];
    while let Some(result) = records.next() {
        let line = result.map(|record| (record.line_number(), record.number(Field::Bytes)));
        lines.push(line.map_err(|bad| bad.to_string()));
    }
    lines
}

fn detect_and_read(text: &str) -> Vec<Result<(u64, Option<u64>), String>> {
    read(&mut Parser::detect(text.as_bytes()).unwrap(), text)
}

#[test]
fn empty_and_skipped_records_are_values() {
    let text = [DEFAULT, NODATA, SKIPDATA, "2 3 4", DEFAULT].join("\n");
    let mut parser = Parser::detect(text.as_bytes()).unwrap();
    let lines = read(&mut parser, &text);
    let bad = "line 4: expected 14 values, found `2 3 4`".to_owned();
    let full = Some(4249);
    assert_eq!(lines, [Ok((1, full)), Ok((2, None)), Ok((3, None)), Err(bad), Ok((5, full))]);
    assert_eq!(parser.counts(), Counts { read: 4, empty: 1, skipped: 1, bad: 1 });
}

#[test]
fn without_a_log_status_a_record_of_dashes_is_empty() {
    let text = "ACCEPT ingress - 10.0.1.5 1 10.0.0.220 2 6 9 IPv4 10.0.1.5 - 203.0.113.5 -\n\
                - - - - - - - - - - - - - -\n";
    let mut parser = Parser::detect(text.as_bytes()).unwrap();
    assert_eq!(parser.format(), &Format::earlier_recorder());
    read(&mut parser, text);
    assert_eq!(parser.counts(), Counts { read: 2, empty: 1, ..Counts::default() });
}

#[test]
fn a_header_in_the_middle_changes_the_format() {
    let text = format!("{DEFAULT}\r\nbytes srcaddr\r\n77 10.0.0.9\r\nversion bytes\r\n2 78");
    assert_eq!(detect_and_read(&text), [Ok((1, Some(4249))), Ok((3, Some(77))), Ok((5, Some(78)))]);
}

#[test]
fn a_bad_value_is_named() {
    let text = DEFAULT.replace("4249", "4k").replace("10.0.0.2", "10.0.0");
    let mut parser = Parser::new(Format::aws_default());
    let mut records = parser.records(text.as_bytes());
    let bad = records.next().unwrap().unwrap_err();
    assert_eq!((bad.line(), bad.field()), (1, Some("dstaddr")));
    assert_eq!((bad.expected(), bad.found()), (Expected::Address, "10.0.0"));
    let mut parser = Parser::checking(Format::aws_default(), &[Field::Bytes]);
    let bad = "line 1: bytes: expected a whole number of 64 bits, found `4k`".to_owned();
    assert_eq!(read(&mut parser, &text), [Err(bad)]);
}

#[test]
fn records_may_be_wrapped_in_json() {
    let text = format!(
        "{{\"timestamp\":1,\"message\":\"{DEFAULT}\"}}\n\n{{\"message\":\"\\u0032{}\"}}\n{DEFAULT}\n",
        DEFAULT.strip_prefix('2').unwrap(),
    );
    assert_eq!(detect_and_read(&text), [1, 3, 4].map(|line| Ok((line, Some(4249)))));
}

#[test]
fn a_message_may_have_several_lines() {
    let text = format!("{{\"message\":\"{DEFAULT}\\r\\n{NODATA}\\n\"}}");
    assert_eq!(detect_and_read(&text), [Ok((1, Some(4249))), Ok((1, None))]);
}

/// A subscription's payload. Firehose writes them one after the other without a line's end.
#[test]
fn subscription_envelopes_hold_many_records() {
    let envelope = |kind: &str, messages: &[&str]| {
        let events: Vec<_> = messages
            .iter()
            .map(|message| format!("{{\"id\":\"3\",\"timestamp\":1,\"message\":\"{message}\"}}"))
            .collect();
        format!(
            "{{\"messageType\":\"{kind}\",\"owner\":\"1\",\"logGroup\":\"g\",\"logStream\":\"s\",\
             \"subscriptionFilters\":[\"f\"],\n\"logEvents\":[{}]}}",
            events.join(",\n")
        )
    };
    let text = [
        envelope("CONTROL_MESSAGE", &["CWL CONTROL MESSAGE: Checking health"]),
        envelope("DATA_MESSAGE", &[DEFAULT, "2 3", NODATA]),
        envelope("DATA_MESSAGE", &[DEFAULT]),
        format!("\n{DEFAULT}\n"),
    ]
    .concat();
    let bad = "line 2: expected 14 values, found `2 3`".to_owned();
    let full = Some(4249);
    let expected = [Ok((2, full)), Err(bad), Ok((2, None)), Ok((5, full)), Ok((7, full))];
    assert_eq!(detect_and_read(&text), expected);
}

#[test]
fn json_without_records_is_a_bad_line() {
    for json in ["{\"level\":\"info\"}", "{\"message\":7}", "{\"message\":\"2 1", "{}", "{"] {
        let mut parser = Parser::new(Format::aws_default());
        let bad = format!("line 1: expected a JSON object with a message, found `{json}`");
        let lines = read(&mut parser, &format!("{json}\n{DEFAULT}"));
        assert_eq!(lines, [Err(bad), Ok((2, Some(4249)))]);
    }
}

#[test]
fn coded_values_are_read_as_what_they_mean() {
    let text = "ACCEPT egress 8 10.0.0.220 40000 2001:db8::1 443 6 1500 IPv6 10.0.0.220 - \
                2001:db8::1 S3 3 1700000000 1700000060 19 OK eni-0a1b";
    let mut parser = Parser::new(RecordedFormat::Zonal.format());
    let mut records = parser.records(text.as_bytes());
    let record = records.next().unwrap().unwrap();
    assert_eq!(record.status(), LogStatus::Ok);
    assert_eq!(record.action(), Some(Action::Accept));
    assert_eq!(record.flow_direction(), Some(FlowDirection::Egress));
    assert_eq!(record.traffic_path(), Some(TrafficPath::InternetGateway));
    assert_eq!(record.tcp_flags(), Some(TcpFlags(19)));
    assert_eq!(record.address(Field::DstAddr), "2001:db8::1".parse().ok());
    assert_eq!(record.text(Field::PktSrcAwsService), Some("-"));
    assert_eq!(record.value(Field::VpcId), None);
    assert_eq!(record.text_at(19), Some("eni-0a1b"));
}

/// Also by a parser that looks at other fields only.
#[test]
fn the_status_is_always_known() {
    let text = [DEFAULT, NODATA, SKIPDATA].join("\n");
    let mut parser = Parser::checking(Format::aws_default(), &[Field::Bytes]);
    read(&mut parser, &text);
    assert_eq!(parser.counts(), Counts { read: 3, empty: 1, skipped: 1, bad: 0 });
}

/// Every order of the fields is read alike, fields of later versions as text.
#[test]
fn fields_may_stand_in_any_order_beside_unknown_ones() {
    let format = Format::parse("${flow-mood} ${bytes} ${log-status} ${srcaddr}").unwrap();
    let mut parser = Parser::new(format);
    let mut records = parser.records(b"calm 12 OK 10.0.0.1");
    let record = records.next().unwrap().unwrap();
    assert_eq!(record.text_at(0), Some("calm"));
    assert_eq!(record.number(Field::Bytes), Some(12));
}
