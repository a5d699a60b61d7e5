//! Bytes over time, by client.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// More series than this nobody can tell apart.
const SERIES: usize = 8;

/// More steps than this are narrower than their outlines.
const STEPS: usize = 96;

/// Bytes of the largest clients, and of all others, in steps of equal length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// When the first step begins.
    pub from: Timestamp,
    /// How long a step is.
    pub step_seconds: i64,
    /// The largest client first, all others last.
    pub series: Vec<Series>,
}

/// What a client exchanged in each step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// The client; nothing: all others.
    pub client: Option<IpAddr>,
    /// Upload and download, step by step.
    pub bytes: Vec<u64>,
}

impl Timeline {
    /// The timeline of bytes by client and minute; the minutes are those since 1970. Nothing for
    /// no bytes at all.
    #[must_use]
    pub fn new(minutes: &BTreeMap<(IpAddr, i64), u64>) -> Option<Self> {
        let first = minutes.keys().map(|(_, minute)| *minute).min()?;
        let last = minutes.keys().map(|(_, minute)| *minute).max()?;
        let length = usize::try_from(last.checked_sub(first)?.checked_add(1)?).ok()?;
        let per_step = length.div_ceil(STEPS);
        let steps = length.div_ceil(per_step);
        let mut totals: BTreeMap<IpAddr, u64> = BTreeMap::new();
        for ((client, _), bytes) in minutes {
            let total = totals.entry(*client).or_default();
            *total = total.saturating_add(*bytes);
        }
        let mut clients: Vec<_> = totals.into_iter().collect();
        clients.sort_by_key(|(client, bytes)| (std::cmp::Reverse(*bytes), *client));
        let mut series: Vec<_> = clients
            .iter()
            .take(SERIES)
            .map(|(client, _)| Series { client: Some(*client), bytes: vec![0; steps] })
            .collect();
        if clients.len() > SERIES {
            series.push(Series { client: None, bytes: vec![0; steps] });
        }
        for ((client, minute), bytes) in minutes {
            let step = usize::try_from(minute - first).ok()? / per_step;
            let own = series.iter().position(|series| series.client == Some(*client));
            let series = series.get_mut(own.unwrap_or(SERIES))?;
            let sum = series.bytes.get_mut(step)?;
            *sum = sum.saturating_add(*bytes);
        }
        Some(Self {
            from: Timestamp::from_second(first.checked_mul(60)?).ok()?,
            step_seconds: i64::try_from(per_step).ok()? * 60,
            series,
        })
    }

    /// How many steps there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.series.first().map_or(0, |series| series.bytes.len())
    }

    /// When a step begins.
    #[must_use]
    pub fn at(&self, step: usize) -> Timestamp {
        let seconds = i64::try_from(step).unwrap_or(0) * self.step_seconds;
        self.from.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_lost_whatever_the_length() {
        for minutes in [1_i64, 96, 97, 1440] {
            let mut bytes = BTreeMap::new();
            for minute in 0..minutes {
                for client in 0..12_u8 {
                    let address = IpAddr::from([10, 0, 1, client]);
                    let more = u64::from(client) * 1000;
                    bytes.insert((address, 29_700_000 + minute), more + minute.unsigned_abs());
                }
            }
            let timeline = Timeline::new(&bytes).unwrap();
            let shown = timeline.series.iter().flat_map(|series| &series.bytes);
            assert_eq!(shown.sum::<u64>(), bytes.values().sum::<u64>(), "{minutes}");
            assert!(timeline.steps() <= STEPS);
            let clients: Vec<_> = timeline.series.iter().map(|series| series.client).collect();
            assert_eq!(clients.first(), Some(&Some(IpAddr::from([10, 0, 1, 11]))));
            assert_eq!((clients.len(), clients.last()), (9, Some(&None)));
        }
        assert_eq!(Timeline::new(&BTreeMap::new()), None);
    }
}
