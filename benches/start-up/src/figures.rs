//! What a series of starts comes to, and the limits that it has to keep.

use std::{fs, path::Path, time::Duration};

use anyhow::Result;
use serde_json::Value;

use crate::laboratory::{Laboratory, Setting, Start};

const WARM_UPS: usize = 2;
/// Odd, so that the median is one of them.
const RUNS: usize = 15;

const MOST_TIME: Duration = Duration::from_millis(10);
const MOST_MEMORY_KIB: u64 = 8 * 1024;
const MOST_BYTES: u64 = 5_000_000;

pub(crate) struct Figures {
    pub(crate) fastest: Duration,
    pub(crate) median: Duration,
    pub(crate) slowest: Duration,
    /// The median.
    pub(crate) processor: Duration,
    /// The most of all runs.
    pub(crate) resident_kib: u64,
    /// Size of the binary.
    pub(crate) bytes: u64,
    /// Number of HTTPS calls until the answer.
    pub(crate) calls: usize,
    /// The answer of the last run.
    pub(crate) answer: Value,
}

impl Figures {
    /// Starts the function 17 times, the first two uncounted.
    pub(crate) fn take(
        laboratory: &Laboratory,
        binary: &Path,
        setting: Setting,
        event: &Value,
    ) -> Result<Self> {
        let starts: Result<Vec<Start>> =
            (0..WARM_UPS + RUNS).map(|_| laboratory.measure(binary, setting, event)).collect();
        let starts = starts?.split_off(WARM_UPS);
        let elapsed = sorted(starts.iter().map(|start| start.elapsed));
        let processor = sorted(starts.iter().map(|start| start.processor));
        Ok(Self {
            fastest: elapsed.first().copied().unwrap_or_default(),
            median: elapsed.get(RUNS / 2).copied().unwrap_or_default(),
            slowest: elapsed.last().copied().unwrap_or_default(),
            processor: processor.get(RUNS / 2).copied().unwrap_or_default(),
            resident_kib: starts.iter().map(|start| start.resident_kib).max().unwrap_or_default(),
            bytes: fs::metadata(binary)?.len(),
            calls: starts.iter().map(|start| start.calls).max().unwrap_or_default(),
            answer: starts.into_iter().last().map(|start| start.answer).unwrap_or_default(),
        })
    }

    /// The limits that are broken, each in words.
    pub(crate) fn broken_limits(&self) -> Vec<String> {
        let mut broken = Vec::new();
        if self.median > MOST_TIME {
            broken.push(format!("takes {:.1} ms, more than {MOST_TIME:?}", ms(self.median)));
        }
        if self.resident_kib > MOST_MEMORY_KIB {
            broken.push(format!("uses {:.1} MiB, more than 8 MiB", mib(self.resident_kib)));
        }
        if self.bytes > MOST_BYTES {
            broken.push(format!("has {:.1} MB, more than 5 MB", megabytes(self.bytes)));
        }
        broken
    }

    pub(crate) const HEADING: &str = "\
| | HTTPS calls | fastest | median | slowest | processor | peak memory | binary |
|---|---|---|---|---|---|---|---|";

    /// A row of the table under [`Self::HEADING`].
    pub(crate) fn row(&self, name: &str) -> String {
        format!(
            "| {name} | {} | {:.1} ms | {:.1} ms | {:.1} ms | {:.1} ms | {:.1} MiB | {:.1} MB |",
            self.calls,
            ms(self.fastest),
            ms(self.median),
            ms(self.slowest),
            ms(self.processor),
            mib(self.resident_kib),
            megabytes(self.bytes),
        )
    }
}

fn sorted(durations: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut durations: Vec<_> = durations.collect();
    durations.sort();
    durations
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
