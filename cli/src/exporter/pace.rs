//! How fast a shard may be read.

use std::time::{Duration, Instant};

/// A shard answers five calls a second.
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>
const BETWEEN_CALLS: Duration = Duration::from_millis(200);

/// A shard gives two megabytes a second. One call may give ten: then it gives nothing for a while.
const BYTES_PER_MILLISECOND: usize = 2 * 1024 * 1024 / 1000;

/// What follows a failed call, and twice as much what follows the next one.
const FIRST_BREAK: Duration = Duration::from_millis(500);
const LONGEST_BREAK: Duration = Duration::from_secs(30);

/// When a shard may be asked again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    next: Instant,
    failures: u32,
}

impl Pace {
    /// It may be asked at once.
    pub(crate) const fn new(now: Instant) -> Self {
        Self { next: now, failures: 0 }
    }

    /// When it may be asked again.
    pub(crate) const fn next(&self) -> Instant {
        self.next
    }

    /// Notes a call that began at a time and gave so many bytes; `idle` is how long there is
    /// nothing to expect.
    pub(crate) fn answered(&mut self, began: Instant, bytes: usize, idle: Duration) {
        let milliseconds = bytes.div_ceil(BYTES_PER_MILLISECOND);
        let of_bytes = Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX));
        self.failures = 0;
        self.next = began + of_bytes.max(BETWEEN_CALLS).max(idle);
    }

    /// Notes a call that failed.
    pub(crate) fn failed(&mut self, now: Instant) {
        let pause = FIRST_BREAK.saturating_mul(1 << self.failures.min(16));
        self.failures += 1;
        self.next = now + pause.min(LONGEST_BREAK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause_after(bytes: usize, idle: Duration) -> Duration {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.answered(now, bytes, idle);
        pace.next() - now
    }

    #[test]
    fn a_shard_is_asked_five_times_a_second_at_most() {
        assert_eq!(pause_after(0, Duration::ZERO), Duration::from_millis(200));
        assert_eq!(pause_after(0, Duration::from_secs(1)), Duration::from_secs(1));
        assert_eq!(pause_after(1 << 18, Duration::ZERO), Duration::from_millis(200));
    }

    #[test]
    fn no_more_than_two_megabytes_a_second_are_read() {
        let seconds = pause_after(10 << 20, Duration::ZERO).as_secs_f64();
        assert!((5.0..5.1).contains(&seconds), "{seconds} s");
    }

    #[test]
    fn what_fails_is_asked_less_and_less_often_until_it_answers() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        let mut pauses = vec![];
        for _ in 0..9 {
            pace.failed(now);
            pauses.push((pace.next() - now).as_millis());
        }
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
        pace.answered(now, 0, Duration::ZERO);
        pace.failed(now);
        assert_eq!(pace.next() - now, FIRST_BREAK);
    }
}
