//! The groups of a `stats`.
//!
//! A query may group by millions of pairs. So a group is no object of its own: its key is a piece
//! of a long list of bytes, what it has seen is a piece of a long list, and finding it takes
//! eight bytes more.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::aggregate::Seen;
use crate::syntax::Stats;
use crate::value::Value;

/// The groups of a `stats`, in the order in which they were first seen.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// The groups' places, by their keys' hashes.
    places: HashTable<usize>,
    hasher: RandomState,
    keys: Keys,
    /// What each group has seen: as many as there are aggregations.
    seen: Vec<Seen>,
    /// Values that the groups are made by and that are no text, each with its number. A key tells
    /// their text alone.
    typed: Vec<(usize, Value<'static>)>,
    /// The key of the row at hand.
    key: Vec<u8>,
}

impl Groups {
    /// Takes a row into account. Allocates for a new group only.
    pub(crate) fn add<'r>(&mut self, stats: &'r Stats, row: &[Value<'r>]) {
        self.key.clear();
        for expression in &stats.by {
            append_key(&mut self.key, &expression.evaluate(row));
        }
        let hash = self.hasher.hash_one(self.key.as_slice());
        let found = self.places.find(hash, |place| self.keys.get(*place) == self.key);
        let place = match found {
            Some(place) => *place,
            None => self.begin(hash, stats, row),
        };
        let count = stats.aggregations.len();
        let seen = self.seen.get_mut(place * count..).unwrap_or_default();
        for (aggregation, seen) in stats.aggregations.iter().zip(seen) {
            seen.add(&aggregation.of.evaluate(row));
        }
    }

    fn begin<'r>(&mut self, hash: u64, stats: &'r Stats, row: &[Value<'r>]) -> usize {
        let place = self.keys.len();
        let (keys, hasher) = (&self.keys, &self.hasher);
        self.places.insert_unique(hash, place, |place| hasher.hash_one(keys.get(*place)));
        self.keys.push(&self.key);
        self.seen.extend(stats.aggregations.iter().map(|of| of.aggregate.start()));
        for (number, by) in (place * stats.by.len()..).zip(&stats.by) {
            let value = by.evaluate(row);
            if !matches!(value, Value::Text(_) | Value::Missing) {
                self.typed.push((number, value.into_owned()));
            }
        }
        place
    }

    /// A row for each group: what it was made by, then the columns of the `stats`.
    pub(crate) fn into_rows(self, stats: &Stats) -> impl Iterator<Item = Vec<Value<'static>>> {
        let Self { keys, seen, typed, .. } = self;
        let (mut seen, mut typed) = (seen.into_iter(), typed.into_iter().peekable());
        let mut number = 0;
        (0..keys.len()).map(move |place| {
            let mut key = keys.get(place);
            let mut row = Vec::with_capacity(stats.by.len() + stats.columns.len());
            for _ in &stats.by {
                let text = read_key(&mut key);
                let value = typed.next_if(|(typed, _)| *typed == number).map(|(_, value)| value);
                row.push(value.or(text).unwrap_or(Value::Missing));
                number += 1;
            }
            let results = seen.by_ref().take(stats.aggregations.len()).map(Seen::result);
            let results: Vec<_> = results.collect();
            row.extend(stats.columns.iter().map(|column| column.evaluate(&results).into_owned()));
            row
        })
    }
}

/// Keys, one behind the other.
#[derive(Debug, Default)]
struct Keys {
    bytes: Vec<u8>,
    /// Where each key ends.
    ends: Vec<usize>,
}

impl Keys {
    const fn len(&self) -> usize {
        self.ends.len()
    }

    fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
    }

    fn get(&self, place: usize) -> &[u8] {
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before));
        let end = self.ends.get(place).copied().unwrap_or_default();
        self.bytes.get(start.copied().unwrap_or_default()..end).unwrap_or_default()
    }
}

/// Appends what tells a value from every other: whether it is there, its length and its text.
pub(crate) fn append_key(key: &mut Vec<u8>, value: &Value<'_>) {
    let Some(text) = value.as_text() else {
        key.push(0);
        return;
    };
    // Seven bits at a time, the lowest first; the highest bit says that more follow.
    let mut length = text.len() + 1;
    while length > 0x7f {
        key.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    key.push(length.to_le_bytes()[0]);
    key.extend_from_slice(text.as_bytes());
}

/// Reads what [`append_key`] has written. None for a missing value.
fn read_key(key: &mut &[u8]) -> Option<Value<'static>> {
    let mut length = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = *key.split_off_first()?;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    let text = key.split_off(..length.checked_sub(1)?)?;
    Some(Value::text(String::from_utf8_lossy(text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_give_back_their_values() {
        let long = "x".repeat(20_000);
        let texts = ["", "-", "10.0.0.1", &long[..126], &long[..127], &long];
        let mut values: Vec<_> = texts.map(Value::text).into();
        values.insert(3, Value::Missing);
        let mut key = vec![];
        for value in &values {
            append_key(&mut key, value);
        }
        let mut rest = key.as_slice();
        for value in values {
            assert_eq!(read_key(&mut rest).unwrap_or(Value::Missing), value);
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn keys_follow_each_other() {
        let mut keys = Keys::default();
        for key in [&b"one"[..], b"", b"three"] {
            keys.push(key);
        }
        assert_eq!([0, 1, 2].map(|place| keys.get(place)), [&b"one"[..], b"", b"three"]);
    }
}
