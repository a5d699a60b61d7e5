//! The parser and its naive twin agree on every input.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]

mod naive;

use flowlog::{Counts, Field, Format, FormatField, LogStatus, Parser};
use naive::seen::{read, unnumbered};
use naive::{Naive, NaiveLine, seen};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// The counts that the twin's lines amount to, for formats that have the log status.
fn counts(lines: &[NaiveLine]) -> Counts {
    let mut counts = Counts::default();
    for line in lines {
        match line {
            NaiveLine::Bad(..) => counts.bad += 1,
            NaiveLine::Record(_, values) => {
                counts.read += 1;
                let status = |status: LogStatus| Naive::Text(status.to_string());
                let found = values.get("log-status");
                counts.empty += u64::from(found == Some(&status(LogStatus::NoData)));
                counts.skipped += u64::from(found == Some(&status(LogStatus::SkipData)));
            }
        }
    }
    counts
}

/// Values that fit some field, and some that fit none.
const WORDS: &[&str] = &[
    "-",
    "ACCEPT",
    "REJECT",
    "OK",
    "NODATA",
    "SKIPDATA",
    "ingress",
    "egress",
    "6",
    "443",
    "0",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "+1",
    "-1",
    "10.0.0.1",
    "10.0.0.256",
    "01.2.3.4",
    "2001:db8::1",
    "::",
    "IPv4",
    "eni-0a1b",
    "bytes",
    "unknown",
    "\u{e4}\u{20ac}",
    "%E2%82%AC",
];

/// One of them, or any visible text.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => select(WORDS).prop_map(str::to_owned),
        1 => "[!-z]{1,12}".prop_map(|text: String| text.replace('{', "x")),
    ]
}

/// Values for a format, most of them of their field's type.
fn fitting_word(name: &str) -> BoxedStrategy<String> {
    let fitting: &'static [&'static str] = match name {
        "action" => &["ACCEPT", "REJECT"],
        "flow-direction" => &["ingress", "egress"],
        "log-status" => &["OK", "OK", "NODATA", "SKIPDATA"],
        "srcaddr" | "dstaddr" | "pkt-srcaddr" | "pkt-dstaddr" => &["10.0.0.1", "2001:db8::1", "-"],
        name if Field::from_token(name)
            .is_none_or(|field| field.facts().value_type == flowlog::ValueType::Text) =>
        {
            &["eni-0a1b", "S3", "-"]
        }
        _ => &["0", "6", "1500", "4294967295", "-"],
    };
    let fitting = select(fitting).prop_map(str::to_owned);
    prop_oneof![40 => fitting, 1 => word()].boxed()
}

fn names() -> impl Strategy<Value = Vec<String>> {
    let all: Vec<_> =
        Field::ALL.iter().map(|field| field.token()).chain(["flow-mood", "later"]).collect();
    subsequence(all, 1..12)
        .prop_shuffle()
        .prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn line(names: &[String]) -> impl Strategy<Value = String> + use<> {
    let fitting: Vec<_> = names.iter().map(|name| fitting_word(name)).collect();
    let blank = select(["\u{20}", "\u{20}", "\u{20}", "  ", "\t", " \r "].as_slice());
    let words = prop_oneof![
        12 => fitting,
        1 => proptest::collection::vec(word(), 0..14),
        1 => Just(names.to_vec()),
    ];
    (words, blank).prop_map(|(words, blank)| words.join(blank))
}

/// A format, and lines that mostly fit it.
fn input() -> impl Strategy<Value = (Vec<String>, String)> {
    names().prop_flat_map(|names| {
        let lines = proptest::collection::vec(line(&names), 0..20);
        let end = select(["\n", "\r\n"].as_slice());
        let last = select(["", "\n", "\r\n\r\n"].as_slice());
        (Just(names), lines, end, last)
            .prop_map(|(names, lines, end, last)| (names, lines.join(end) + last))
    })
}

fn parser(names: &[String]) -> Parser {
    let fields = names.iter().map(|name| FormatField::from_name(name)).collect();
    Parser::new(Format::from_fields(fields).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Every line is the same record or the same error for both, and the counts are theirs.
    #[test]
    fn the_parser_reads_what_its_twin_reads((names, text) in input()) {
        let mut parser = parser(&names);
        let lines = read(&mut parser, text.as_bytes());
        prop_assert_eq!(&lines, &naive::parse(&text, names.clone()));
        if names.iter().any(|name| name == "log-status") && !text.contains("log-status") {
            prop_assert_eq!(parser.counts(), counts(&lines));
        }
    }

    /// Cutting an input between two lines changes nothing, line numbers included.
    #[test]
    fn an_input_may_be_cut_at_any_line((names, text) in input(), cut in any::<prop::sample::Index>()) {
        let ends: Vec<_> = text.match_indices('\n').map(|(at, _)| at + 1).chain([0]).collect();
        let (before, after) = text.split_at(ends[cut.index(ends.len())]);
        let mut whole = parser(&names);
        let mut parts = parser(&names);
        let expected = read(&mut whole, text.as_bytes());
        let found = [read(&mut parts, before.as_bytes()), read(&mut parts, after.as_bytes())].concat();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(parts.counts(), whole.counts());
        prop_assert_eq!(parts.format(), whole.format());
    }

    /// A parser that checks some fields gives their values as one that checks all does.
    #[test]
    fn checking_fewer_fields_gives_the_same_values((names, text) in input()) {
        let checked: Vec<_> = names.iter().step_by(2).filter_map(|name| Field::from_token(name)).collect();
        let format = Format::from_fields(
            names.iter().map(|name| FormatField::from_name(name)).collect()
        ).unwrap();
        let mut some = Parser::checking(format, &checked);
        let mut lines = vec![];
        let mut records = some.records(text.as_bytes());
        while let Some(result) = records.next() {
            if let Ok(record) = result {
                let values = Field::ALL.map(|field| record.value(field).map(seen::value));
                lines.push((record.line_number(), values));
            }
        }
        for line in naive::parse(&text, names.clone()) {
            let NaiveLine::Record(number, values) = line else { continue };
            let found = lines.iter().find(|(line, _)| *line == number);
            let expected = Field::ALL.map(|field| values.get(field.token()).cloned());
            prop_assert_eq!(found.map(|(_, values)| values), Some(&expected));
        }
    }

    /// Lines wrapped in JSON, one by one or in an envelope, are what they are alone.
    #[test]
    fn wrapping_lines_in_json_changes_nothing((names, text) in input(), at_once in any::<bool>()) {
        let plain: Vec<_> = text.lines().filter(|line| line.contains(|c| c > ' ')).collect();
        let objects: Vec<_> =
            plain.iter().map(|line| serde_json::json!({ "message": line })).collect();
        let wrapped: Vec<_> = if at_once {
            vec![serde_json::json!({ "messageType": "DATA_MESSAGE", "logEvents": objects })]
        } else {
            objects
        };
        let wrapped: Vec<_> = wrapped.iter().map(ToString::to_string).collect();
        let expected = naive::parse(&text, names.clone()).into_iter().map(unnumbered);
        let found = read(&mut parser(&names), wrapped.join("\n").as_bytes()).into_iter().map(unnumbered);
        prop_assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }

    /// Whatever the bytes are, nothing panics and every line is counted once.
    #[test]
    fn any_bytes_are_read_to_their_end(text in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut parser = Parser::new(Format::aws_default());
        let mut records = parser.records(&text);
        let mut seen = 0;
        while records.next().is_some() {
            seen += 1;
        }
        let counts = parser.counts();
        prop_assert_eq!(counts.read + counts.bad, seen);
        let _ = Format::detect(&text);
    }
}
