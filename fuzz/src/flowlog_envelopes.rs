//! Lines wrapped in JSON: as they come, and wrapped here.

use std::str;

use flowlog::{Format, Parser};
use serde_json::{Value, json};

use crate::naive::seen::{read, unnumbered};
use crate::naive::{self, NaiveLine};
use crate::{has_braces, names};

/// Any bytes are read to their end; lines in an envelope are what they are alone.
pub fn check(input: &[u8]) {
    let mut parser = Parser::new(Format::aws_default());
    let seen = read(&mut parser, input).len() as u64;
    assert_eq!(parser.counts().read + parser.counts().bad, seen);
    let _ = Format::detect(input);
    let Ok(text) = str::from_utf8(input) else { return };
    if has_braces(text) {
        return;
    }
    let expected = naive::parse(text, names(&Format::aws_default()));
    let expected: Vec<_> = expected.into_iter().map(unnumbered).collect();
    for envelope in envelopes(text) {
        assert_eq!(unwrapped(&envelope), expected, "{envelope}");
    }
}

fn unwrapped(envelope: &str) -> Vec<NaiveLine> {
    let lines = read(&mut Parser::new(Format::aws_default()), envelope.as_bytes());
    lines.into_iter().map(unnumbered).collect()
}

/// One object per line, one with a message of several lines, one as CloudWatch Logs sends it to
/// subscriptions, and that one twice as long and written over several lines.
fn envelopes(text: &str) -> [String; 4] {
    let lines = || text.split('\n').filter(|line| line.contains(|c| c > ' '));
    let objects: Vec<_> = lines().map(|line| json!({ "message": line })).collect();
    let one_by_one: Vec<_> = objects.iter().map(Value::to_string).collect();
    let payload = json!({ "messageType": "DATA_MESSAGE", "owner": "1", "logEvents": objects });
    [
        one_by_one.join("\n"),
        json!({ "message": text }).to_string(),
        payload.to_string(),
        format!("{payload:#}\n"),
    ]
}
