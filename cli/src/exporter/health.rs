//! What works and what does not, for `/health` and for gauges.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_adapters::ReadError;
use jiff::Timestamp;

/// What has failed for so long is said: anything else may well work the next time.
const PATIENCE: Duration = Duration::from_mins(1);

/// What works and what does not.
#[derive(Debug, Default)]
pub(crate) struct Health {
    seen: Mutex<Seen>,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Since when what has failed, and why it did the last time.
    failing: BTreeMap<String, (Instant, String)>,
    /// How far shards are behind, in seconds.
    pub shard_lags: BTreeMap<String, f64>,
    /// How many bytes of files were not read yet.
    pub file_lags: BTreeMap<String, u64>,
    /// Calls that failed, by call and code.
    pub failed_calls: BTreeMap<(&'static str, String), u64>,
    /// When the checkpoint was written last.
    pub checkpointed: Option<Timestamp>,
    /// When subnets were looked up last.
    pub subnets_found: Option<Timestamp>,
    /// Bad lines and payloads that were named.
    named: u32,
}

impl Health {
    /// What was seen so far.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that something works.
    pub(crate) fn works(&self, what: &str) {
        self.seen().failing.remove(what);
    }

    /// Notes that something fails. Whether that is news.
    pub(crate) fn fails(&self, what: &str, reason: &str) -> bool {
        let mut seen = self.seen();
        let since = seen.failing.get(what).map_or_else(Instant::now, |(since, _)| *since);
        seen.failing.insert(what.to_owned(), (since, reason.to_owned())).is_none()
    }

    /// Counts a call that failed.
    pub(crate) fn count_failure(&self, error: &ReadError) {
        if let Some(call) = error.operation() {
            let code = error.code().unwrap_or("none").to_owned();
            *self.seen().failed_calls.entry((call, code)).or_default() += 1;
        }
    }

    pub(crate) fn has_checkpointed(&self, now: Timestamp) {
        self.seen().checkpointed = Some(now);
    }

    pub(crate) fn has_found_subnets(&self, now: Timestamp) {
        self.seen().subnets_found = Some(now);
    }

    /// Whether one more bad line is to be named: a few tell what is wrong.
    pub(crate) fn names_another(&self) -> bool {
        const MOST_NAMED: u32 = 10;
        let mut seen = self.seen();
        seen.named = seen.named.saturating_add(1);
        seen.named <= MOST_NAMED
    }

    /// What has failed for long, a sentence each.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.complaints_at(Instant::now())
    }

    fn complaints_at(&self, now: Instant) -> Vec<String> {
        let seen = self.seen();
        let failing = seen.failing.iter();
        let failing = failing.map(|(what, (since, reason))| (what, now - *since, reason));
        let lasting = failing.filter(|(_, lasting, _)| *lasting >= PATIENCE);
        lasting
            .map(|(what, lasting, reason)| {
                format!("{what} has failed for {} s: {reason}", lasting.as_secs())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_for_long_is_said_until_it_works() {
        let health = Health::default();
        assert!(health.fails("shard 1", "no answer"));
        assert!(!health.fails("shard 1", "refused"));
        let after = |seconds| Instant::now() + Duration::from_secs(seconds);
        assert!(health.complaints_at(after(50)).is_empty());
        assert_eq!(health.complaints_at(after(61)), ["shard 1 has failed for 61 s: refused"]);
        health.works("shard 1");
        assert!(health.complaints_at(after(61)).is_empty());
    }
}
