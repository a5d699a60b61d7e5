//! A parser as one would write it without thinking of speed: the oracle for the real one.
//!
//! It allocates as it likes, knows plain lines only, and shares no code with the crate but the
//! field table.

pub(crate) mod seen;

use std::collections::BTreeMap;
use std::net::IpAddr;

use flowlog::{Field, ValueType};

/// A value, or what was found where one should stand.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Naive {
    Dash,
    Text(String),
    Number(u64),
    Address(IpAddr),
}

/// What became of a line that is not blank.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NaiveLine {
    /// A record: its number and its values by name.
    Record(u64, BTreeMap<String, Naive>),
    /// A bad line: its number, the field (none for the whole line) and what the field held.
    Bad(u64, Option<String>, String),
}

/// Reads every line. `format` holds the names in order.
pub(crate) fn parse(text: &str, mut format: Vec<String>) -> Vec<NaiveLine> {
    let mut lines = vec![];
    for (line, number) in text.split('\n').zip(1..) {
        let words: Vec<_> = line.split(|c| c <= ' ').filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            continue;
        }
        if is_header(&words) {
            format = words.iter().map(ToString::to_string).collect();
            continue;
        }
        lines.push(record(number, &words, &format));
    }
    lines
}

pub(crate) fn is_header(words: &[&str]) -> bool {
    let known = words.iter().filter(|word| Field::from_token(word).is_some()).count();
    let mut distinct = words.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    known > 0
        && 2 * known >= words.len()
        && distinct.len() == words.len()
        && words.iter().all(|word| {
            word.chars().next().is_some_and(|c| c.is_ascii_lowercase())
                && word.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
        })
}

fn record(number: u64, words: &[&str], format: &[String]) -> NaiveLine {
    if words.len() != format.len() {
        return NaiveLine::Bad(number, None, String::new());
    }
    let mut values = BTreeMap::new();
    for (name, word) in format.iter().zip(words) {
        let Some(value) = value(name, word) else {
            return NaiveLine::Bad(number, Some(name.clone()), shown(word));
        };
        // A field that is named twice has the value of its first place.
        values.entry(name.clone()).or_insert(value);
    }
    NaiveLine::Record(number, values)
}

/// A value as an error repeats it: its first 80 characters, harmless on a terminal.
fn shown(word: &str) -> String {
    let characters: Vec<_> = word.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match characters.get(..80) {
        Some(first) if characters.len() > 80 => first.iter().collect::<String>() + "…",
        _ => characters.iter().collect(),
    }
}

fn value(name: &str, word: &str) -> Option<Naive> {
    if name == "log-status" {
        return ["OK", "NODATA", "SKIPDATA"].contains(&word).then(|| Naive::Text(word.to_owned()));
    }
    if word == "-" {
        return Some(Naive::Dash);
    }
    let text = Some(Naive::Text(word.to_owned()));
    match name {
        "action" => return text.filter(|_| ["ACCEPT", "REJECT"].contains(&word)),
        "flow-direction" => return text.filter(|_| ["ingress", "egress"].contains(&word)),
        _ => {}
    }
    let is_number = word.chars().all(|c| c.is_ascii_digit());
    match Field::from_token(name).map(Field::value_type) {
        None | Some(ValueType::Text) => text,
        Some(ValueType::Address) => word.parse().ok().map(Naive::Address),
        Some(ValueType::Int32) if is_number => {
            word.parse::<u32>().ok().map(|number| Naive::Number(number.into()))
        }
        Some(ValueType::Int64) if is_number => word.parse().ok().map(Naive::Number),
        Some(ValueType::Int32 | ValueType::Int64) => None,
    }
}
