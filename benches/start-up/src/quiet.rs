//! Whether anything else is running, which would make the figures worse.

use std::{fs, thread, time::Duration};

use anyhow::{Context as _, Result};

const LONG_ENOUGH: Duration = Duration::from_secs(1);
const QUIET: f64 = 0.05;

/// Share of the processors' time that others take, from 0 to 1. Takes a second,
/// in which this process does nothing.
pub(crate) fn disturbance() -> Result<f64> {
    let before = Processors::read()?;
    thread::sleep(LONG_ENOUGH);
    Ok(Processors::read()?.busy_since(&before))
}

/// Says so when the figures cannot be compared with others.
pub(crate) fn warn_of(disturbance: f64) {
    if disturbance > QUIET {
        println!(
            "\nThis machine is not quiet, others take {:.0} % of its processors: the figures are \
             worse than they should be.",
            disturbance * 100.0
        );
    }
}

/// Clock ticks since the machine started.
struct Processors {
    idle: u32,
    all: u32,
}

impl Processors {
    /// From the first line of <https://man7.org/linux/man-pages/man5/proc_stat.5.html>.
    fn read() -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let ticks: Result<Vec<u64>, _> = stat
            .lines()
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .skip(1)
            .map(str::parse)
            .collect();
        let ticks = ticks.context("/proc/stat has changed")?;
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        // Differences fit whatever the counters have got to.
        let modulus = u64::from(u32::MAX) + 1;
        Ok(Self {
            idle: u32::try_from(idle % modulus)?,
            all: u32::try_from(ticks.iter().take(8).sum::<u64>() % modulus)?,
        })
    }

    fn busy_since(&self, before: &Self) -> f64 {
        let idle = f64::from(self.idle.wrapping_sub(before.idle));
        let all = f64::from(self.all.wrapping_sub(before.all));
        1.0 - idle / all.max(1.0)
    }
}
