//! Rejected traffic, as JSON lines on standard output.

use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

use export::prometheus::Tally;
use flowlog::{FormatField, Record, Value};
use serde_json::{Map, Value as Json};

use crate::error::Error;

/// Writes records of rejected traffic.
#[derive(Debug, Default)]
pub(crate) struct Denials {
    /// Lines of one piece of input stay together.
    writing: Mutex<()>,
}

impl Denials {
    /// Writes lines; they are with the reader, or the system, when this returns.
    pub(crate) fn write(&self, lines: &[u8]) -> Result<(), Error> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut output = io::stdout().lock();
        let written = output.write_all(lines).and_then(|()| output.flush());
        written.map_err(Error::output("standard output"))
    }
}

/// Appends a record's line: every value that it has, under the names of AWS's Parquet files, and
/// the labels of the subnets that its ends are in.
pub(crate) fn append(record: &Record<'_>, tally: &Tally<'_>, lines: &mut Vec<u8>) {
    let fields = record.format().fields().iter().enumerate();
    let mut object: Map<String, Json> =
        fields.filter_map(|(place, field)| member(record, place, field)).collect();
    for (name, label) in ["src_subnet", "dst_subnet"].into_iter().zip(tally.labels(record)) {
        object.extend(label.map(|label| (name.to_owned(), Json::from(label))));
    }
    lines.extend_from_slice(Json::Object(object).to_string().as_bytes());
    lines.push(b'\n');
}

fn member(record: &Record<'_>, place: usize, field: &FormatField) -> Option<(String, Json)> {
    let Some(known) = field.known() else {
        let text = record.text_at(place).filter(|text| *text != "-")?;
        return Some((field.name().replace('-', "_"), text.into()));
    };
    let value = match record.value(known)? {
        Value::Dash => return None,
        Value::Text(text) => text.into(),
        Value::Number(number) => number.into(),
        Value::Address(address) => address.to_string().into(),
    };
    Some((known.json_name().to_owned(), value))
}

#[cfg(test)]
mod tests {
    use export::prometheus::{Counter, Ends, Subnets};

    use super::*;

    #[test]
    fn a_denial_has_what_its_record_has() {
        let subnets = Subnets::parse("10.0.1.0/24 private-a").unwrap();
        let text = "srcaddr dstaddr dstport bytes action pkt-srcaddr new-field az-id\n\
                    203.0.113.9 10.0.1.5 22 40 REJECT - new -\n\
                    10.0.1.5 203.0.113.9 443 40 ACCEPT - - -\n";
        let mut lines = vec![];
        Counter::default().count(text.as_bytes(), &subnets, Ends::Both, |record, tally| {
            append(record, tally, &mut lines);
        });
        let expected = "{\"action\":\"REJECT\",\"bytes\":40,\"dst_subnet\":\"private-a\",\
                        \"dstaddr\":\"10.0.1.5\",\"dstport\":22,\"new_field\":\"new\",\
                        \"srcaddr\":\"203.0.113.9\"}\n";
        assert_eq!(String::from_utf8(lines).unwrap(), expected);
    }
}
