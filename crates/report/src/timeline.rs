//! Bytes over time, by client.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// More series than this nobody can tell apart.
pub const SERIES: usize = 8;

/// More steps than this are narrower than their outlines.
const STEPS: usize = 96;

/// What passed in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it begins.
    pub at: Timestamp,
    /// What all clients exchanged, upload and download.
    pub total_bytes: u64,
    /// Of that, what each of the charted clients exchanged, in their order.
    pub client_bytes: Vec<u64>,
}

/// How many minutes a step has, so that a chart of that time has not too many. Steps begin at
/// multiples of their length, so that one more may be touched.
#[must_use]
pub fn step_minutes(from: Timestamp, to: Timestamp) -> u32 {
    let minutes = to.duration_since(from).as_mins().max(0) + 2;
    let steps = i64::try_from(STEPS).unwrap_or(i64::MAX) - 1;
    u32::try_from(minutes / steps + i64::from(minutes % steps > 0)).unwrap_or(u32::MAX)
}

/// Bytes of the largest clients, and of all others, in steps of equal length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

    /// The timeline of some clients, where each step's sums are known; steps in which nothing
    /// passed may be missing. Nothing for no steps, or for no step's length.
    #[must_use]
    pub fn of_steps(clients: &[IpAddr], step_minutes: u32, steps: &[Step]) -> Option<Self> {
        let step_seconds = i64::from(step_minutes) * 60;
        let from = steps.iter().map(|step| step.at).min()?;
        let to = steps.iter().map(|step| step.at).max()?;
        let place = |at: Timestamp| {
            let seconds = at.duration_since(from).as_secs();
            usize::try_from(seconds.checked_div(step_seconds)?).ok()
        };
        let length = place(to)? + 1;
        let names = clients.iter().copied().map(Some).chain([None]);
        let mut series: Vec<_> =
            names.map(|client| Series { client, bytes: vec![0; length] }).collect();
        for step in steps {
            let place = place(step.at)?;
            let own: u64 = step.client_bytes.iter().sum();
            let others = step.total_bytes.saturating_sub(own);
            for (series, bytes) in series.iter_mut().zip(step.client_bytes.iter().chain([&others]))
            {
                if let Some(sum) = series.bytes.get_mut(place) {
                    *sum += bytes;
                }
            }
        }
        let is_charted = |series: &Series| {
            series.client.is_some() || series.bytes.iter().any(|bytes| *bytes > 0)
        };
        series.retain(is_charted);
        Some(Self { from, step_seconds, series })
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

    #[test]
    fn steps_without_traffic_are_there_and_all_others_are_what_is_left() {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let clients = [IpAddr::from([10, 0, 1, 1]), IpAddr::from([10, 0, 1, 2])];
        let step = |minute, total_bytes, client_bytes: [u64; 2]| Step {
            at: at(minute),
            total_bytes,
            client_bytes: client_bytes.to_vec(),
        };
        let steps = [step(10, 9, [5, 1]), step(14, 7, [0, 7])];
        let timeline = Timeline::of_steps(&clients, 2, &steps).unwrap();
        assert_eq!((timeline.from, timeline.step_seconds), (at(10), 120));
        let bytes: Vec<_> = timeline.series.iter().map(|series| series.bytes.clone()).collect();
        assert_eq!(bytes, [vec![5, 0, 0], vec![1, 0, 7], vec![3, 0, 0]]);
        assert_eq!(timeline.series.last().unwrap().client, None);
        let alone = Timeline::of_steps(&clients, 2, &[step(10, 6, [5, 1])]).unwrap();
        assert_eq!(alone.series.len(), 2);
        assert_eq!(Timeline::of_steps(&clients, 2, &[]), None);
        assert_eq!(Timeline::of_steps(&clients, 0, &steps), None);
    }

    #[test]
    fn a_chart_of_any_length_has_not_too_many_steps() {
        for minutes in [0_i64, 1, 8, 93, 94, 95, 1440, 1500] {
            let from: Timestamp = "2026-11-21T04:11:06Z".parse().unwrap();
            let to = from + SignedDuration::from_mins(minutes);
            let length = i64::from(step_minutes(from, to)) * 60;
            let touched = to.as_second() / length - from.as_second() / length + 1;
            assert!((1..=96).contains(&touched), "{minutes} min: {touched} steps");
        }
        let from: Timestamp = "2026-11-21T04:11:06Z".parse().unwrap();
        assert_eq!(step_minutes(from, from + SignedDuration::from_mins(15)), 1);
    }
}
