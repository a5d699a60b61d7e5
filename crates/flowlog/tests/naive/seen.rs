//! What the real parser reads, in the twin's words.

use std::collections::BTreeMap;

use flowlog::{BadLine, FormatField, Parser, Record, Value};

use super::{Naive, NaiveLine};

/// Reads every line of an input with the real parser.
pub(crate) fn read(parser: &mut Parser, input: &[u8]) -> Vec<NaiveLine> {
    let mut records = parser.records(input);
    let mut lines = vec![];
    while let Some(result) = records.next() {
        lines.push(line(result));
    }
    lines
}

fn line(result: Result<Record<'_>, BadLine>) -> NaiveLine {
    let record = match result {
        Ok(record) => record,
        Err(bad) => {
            let field = bad.field().map(str::to_owned);
            let found = field.as_ref().map(|_| bad.found().to_owned());
            return NaiveLine::Bad(bad.line(), field, found.unwrap_or_default());
        }
    };
    let mut values = BTreeMap::new();
    for (place, field) in record.format().fields().iter().enumerate() {
        let value = match field {
            FormatField::Known(field) => value(record.value(*field).unwrap()),
            FormatField::Unknown(_) => match record.text_at(place).unwrap() {
                "-" => Naive::Dash,
                text => Naive::Text(text.to_owned()),
            },
        };
        values.entry(field.name().to_owned()).or_insert(value);
    }
    NaiveLine::Record(record.line_number(), values)
}

/// A value in the twin's words.
pub(crate) fn value(value: Value<'_>) -> Naive {
    match value {
        Value::Dash => Naive::Dash,
        Value::Text(text) => Naive::Text(text.to_owned()),
        Value::Number(number) => Naive::Number(number),
        Value::Address(address) => Naive::Address(address),
    }
}

/// The same line without its number, which an envelope changes.
pub(crate) fn unnumbered(line: NaiveLine) -> NaiveLine {
    match line {
        NaiveLine::Record(_, values) => NaiveLine::Record(0, values),
        NaiveLine::Bad(_, field, found) => NaiveLine::Bad(0, field, found),
    }
}
