//! Lines of any format. The first line of the input is the format, as `CreateFlowLogs` takes it;
//! when it is none, the whole input is read in AWS's default format.

use std::str;

use flowlog::{BadLine, Field, Format, GatewayAddresses, Parser, Record};

use crate::naive::seen::{read, value};
use crate::naive::{self, NaiveLine};
use crate::{has_braces, names};

/// The twin agrees, cutting the input changes nothing, nor does looking at fewer fields.
pub fn check(input: &[u8]) {
    let (format, lines) = format_and_lines(input);
    every_line_counts_once(&format, lines);
    let Ok(text) = str::from_utf8(lines) else { return };
    if has_braces(text) {
        return;
    }
    let expected = naive::parse(text, names(&format));
    assert_eq!(read(&mut Parser::new(format.clone()), lines), expected);
    an_input_may_be_cut_at_any_line(&format, text, &expected);
    fewer_checks_give_the_same_values(&format, lines, &expected);
}

fn format_and_lines(input: &[u8]) -> (Format, &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let format = str::from_utf8(&input[..end]).ok().and_then(|text| Format::parse(text).ok());
    match format {
        Some(format) => (format, input.get(end + 1..).unwrap_or_default()),
        None => (Format::aws_default(), input),
    }
}

/// A value that is too long for an error is shortened there: the twin's is not.
fn every_line_counts_once(format: &Format, lines: &[u8]) {
    let mut parser = Parser::new(format.clone());
    let mut records = parser.records(lines);
    let mut addresses = GatewayAddresses::default();
    let (mut read, mut bad) = (0, 0);
    while let Some(result) = records.next() {
        match result {
            Ok(record) => {
                read += 1;
                legs_name_what_they_say(&mut addresses, &record);
            }
            Err(line) => {
                bad += 1;
                an_error_fits_a_line(&line);
            }
        }
    }
    let counts = parser.counts();
    assert_eq!((counts.read, counts.bad), (read, bad));
    assert!(counts.empty + counts.skipped <= counts.read);
    let _ = Format::detect(lines);
}

fn legs_name_what_they_say(addresses: &mut GatewayAddresses, record: &Record<'_>) {
    addresses.learn(record);
    if let Some(flow) = addresses.flow(record) {
        assert_eq!(flow.leg.names_both_ends(), flow.client.is_some());
    }
}

fn an_error_fits_a_line(bad: &BadLine) {
    let text = bad.to_string();
    assert!(bad.line() > 0);
    assert!(!text.contains(char::is_control), "{text:?}");
}

fn an_input_may_be_cut_at_any_line(format: &Format, text: &str, expected: &[NaiveLine]) {
    let ends: Vec<_> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
    let Some(end) = ends.get(ends.len() / 2) else { return };
    let mut parser = Parser::new(format.clone());
    let (before, after) = text.as_bytes().split_at(*end);
    let found = [read(&mut parser, before), read(&mut parser, after)].concat();
    assert_eq!(found, expected);
}

fn fewer_checks_give_the_same_values(format: &Format, lines: &[u8], expected: &[NaiveLine]) {
    let checked: Vec<_> = Field::ALL.into_iter().step_by(2).collect();
    let mut parser = Parser::checking(format.clone(), &checked);
    let mut records = parser.records(lines);
    let mut whole = expected.iter().filter_map(|line| match line {
        NaiveLine::Record(number, values) => Some((number, values)),
        NaiveLine::Bad(..) => None,
    });
    let mut next = whole.next();
    while let Some(result) = records.next() {
        let (Ok(record), Some((number, values))) = (result, next) else { continue };
        // What checking every field finds bad, checking fewer may read.
        if record.line_number() == *number {
            for field in Field::ALL {
                assert_eq!(record.value(field).map(value), values.get(field.token()).cloned());
            }
            next = whole.next();
        }
    }
    assert!(next.is_none(), "a good line is bad when fewer fields are checked");
}
