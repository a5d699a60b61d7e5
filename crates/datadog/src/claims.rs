//! Which deliveries must be told apart.
//!
//! The intake keeps the last of several points of the same metric, tags and second. CloudWatch
//! Logs may send one log stream's records of a second in several payloads, one after the other or
//! at the same time to several processes: each would wipe the other's points. A tag that differs
//! with every payload would multiply the metrics that Datadog bills. So a payload claims the least
//! number that no other payload of the log stream with seconds in common has claimed: mostly 0.
//! The claims of a log stream are one text, which is replaced on the condition that nobody else
//! has replaced it. A payload that comes again finds its claim.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{NEWEST_SECONDS, OLDEST_SECONDS};

/// How much longer than the intake takes its points a claim is kept, in seconds: the clocks of
/// processes differ.
const SPARE_SECONDS: i64 = 600;

/// The claims of one log stream's payloads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claims(Vec<Claimed>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
struct Claimed {
    payload: String,
    number: u32,
    first: i64,
    last: i64,
}

/// A claim as it is stored: payload, number, first second and how many seconds later the last is.
/// An item of DynamoDB has 400 KB: 10,000 claims, 140 payloads a minute.
type Row = (String, u32, i64, i64);

impl From<Row> for Claimed {
    fn from((payload, number, first, length): Row) -> Self {
        Self { payload, number, first, last: first.saturating_add(length) }
    }
}

impl From<Claimed> for Row {
    fn from(claimed: Claimed) -> Self {
        let length = claimed.last.saturating_sub(claimed.first);
        (claimed.payload, claimed.number, claimed.first, length)
    }
}

/// A number among the payloads of a log stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The number.
    pub number: u32,
    /// Whether the claims have changed, and must be stored before it counts.
    pub is_new: bool,
}

/// Who writes points: eight letters that stand for a log stream, or whatever the texts name.
#[must_use]
pub fn writer(names: &[&str]) -> String {
    format!("{:08x}", hashed(names) >> 32)
}

/// Which payload it is among those of a writer.
pub(crate) fn payload_id(names: &[&str]) -> String {
    format!("{:016x}", hashed(names))
}

/// The first 64 bits of a hash that is the same everywhere and for ever.
fn hashed(names: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name.as_bytes());
        // No name has it, so that names cannot run into each other.
        hash.update([0]);
    }
    hash.finalize().first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

impl Claims {
    /// The claims that a text holds.
    pub fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The text to store.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Until when the claims matter, in seconds since 1970. None if there are none.
    #[must_use]
    pub fn matter_until(&self) -> Option<i64> {
        let last = self.0.iter().map(|claim| claim.last).max()?;
        Some(last + OLDEST_SECONDS + SPARE_SECONDS)
    }

    /// Claims a number for a payload with points in these seconds, and forgets what no longer
    /// matters at `now`, in seconds since 1970.
    pub fn claim(&mut self, payload: &str, seconds: &RangeInclusive<i64>, now: i64) -> Claim {
        if let Some(claim) = self.0.iter().find(|claim| claim.payload == payload) {
            return Claim { number: claim.number, is_new: false };
        }
        self.0.retain(|claim| claim.last >= now - OLDEST_SECONDS - SPARE_SECONDS);
        let taken: Vec<_> = self
            .0
            .iter()
            .filter(|claim| claim.first <= *seconds.end() && *seconds.start() <= claim.last)
            .map(|claim| claim.number)
            .collect();
        let number = (0..u32::MAX).find(|number| !taken.contains(number)).unwrap_or_default();
        self.0.push(Claimed {
            payload: payload.to_owned(),
            number,
            first: *seconds.start(),
            last: *seconds.end(),
        });
        Claim { number, is_new: true }
    }
}

const _: () = assert!(NEWEST_SECONDS <= SPARE_SECONDS);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    proptest! {
        /// No two payloads with a second in common have one number, and each finds its own again.
        #[test]
        fn payloads_with_common_seconds_are_told_apart(
            spans in prop::collection::vec((0..300_i64, 0..120_i64), 1..20),
        ) {
            let mut claims = Claims::default();
            let spans: Vec<_> =
                spans.into_iter().map(|(ago, length)| NOW - ago..=NOW - ago + length).collect();
            let mut numbers = vec![];
            for (span, payload) in spans.iter().zip(0..) {
                let claim = claims.claim(&format!("p{payload}"), span, NOW);
                prop_assert!(claim.is_new);
                numbers.push(claim.number);
                claims = Claims::from_text(&claims.to_text().unwrap()).unwrap();
            }
            for (one, other) in (0..spans.len()).flat_map(|one| (0..one).map(move |o| (one, o))) {
                let (a, b) = (&spans[one], &spans[other]);
                let overlap = a.start() <= b.end() && b.start() <= a.end();
                prop_assert!(!overlap || numbers[one] != numbers[other]);
            }
            for (number, payload) in numbers.iter().zip(0..) {
                let again = claims.claim(&format!("p{payload}"), &(0..=NOW), NOW);
                prop_assert_eq!(again, Claim { number: *number, is_new: false });
            }
        }
    }

    #[test]
    fn minutes_that_follow_each_other_share_a_number() {
        let mut claims = Claims::default();
        for minute in 0..200 {
            let start = NOW + minute * 60;
            let payload = payload_id(&[&minute.to_string()]);
            let claim = claims.claim(&payload, &(start..=start + 59), start);
            assert_eq!(claim.number, 0);
        }
        // What the intake would not take any more is forgotten.
        assert!(claims.0.len() < 75, "{}", claims.0.len());
        assert_eq!(claims.matter_until(), Some(NOW + 199 * 60 + 59 + 4200));
        assert!(claims.to_text().unwrap().len() < 75 * 40);
    }

    #[test]
    fn a_writer_is_told_by_all_its_names() {
        assert_eq!(writer(&["a", "b"]), writer(&["a", "b"]));
        assert_ne!(writer(&["a", "b"]), writer(&["ab", ""]));
        // It is part of the tags of points that are in Datadog: it must never change.
        assert_eq!(writer(&["012345678901", "recordings", "eni-0a1b-all"]), "58f0e3c1");
    }
}
