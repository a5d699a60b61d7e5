//! How fast records may go out.

use std::num::NonZero;
use std::time::Duration;

/// What goes out together takes this long at the pace: sleeping for less is not worth it.
pub(crate) const BURST: Duration = Duration::from_millis(10);

const NANOSECONDS: u64 = 1_000_000_000;

/// A number of records a second that is not exceeded, bursts of a hundredth of a second aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    rate: NonZero<u64>,
    /// When what was let go is through.
    due: Duration,
}

impl Pace {
    /// A pace of so many records a second.
    #[must_use]
    pub fn new(rate: NonZero<u32>) -> Self {
        Self { rate: rate.into(), due: Duration::ZERO }
    }

    /// How many records may go out together.
    #[must_use]
    pub fn burst(&self) -> u64 {
        self.rate.get() * u64::try_from(BURST.as_millis()).unwrap_or_default() / 1000
    }

    /// How long to wait before so many records go out at `now`, a time since the start. What was
    /// not used before is lost, but for one burst.
    pub fn delay(&mut self, now: Duration, records: u64) -> Duration {
        let delay = self.due.saturating_sub(now);
        let from = self.due.max(now.saturating_sub(BURST));
        let seconds = records / self.rate;
        let nanoseconds = records % self.rate * NANOSECONDS / self.rate;
        self.due = from + Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(rate: u32) -> Pace {
        Pace::new(NonZero::new(rate).unwrap())
    }

    #[test]
    fn records_go_out_at_the_pace() {
        let mut pace = pace(1000);
        let mut now = Duration::from_secs(5);
        for _ in 0..1000 {
            now += pace.delay(now, 28);
        }
        // The first do not wait, and a burst's time is in hand.
        let expected = Duration::from_millis(5000 + 999 * 28 - 10);
        assert_eq!(now, expected);
    }

    #[test]
    fn time_that_was_not_used_is_not_made_up_for() {
        let mut pace = pace(100);
        assert_eq!(pace.delay(Duration::ZERO, 10), Duration::ZERO);
        let later = Duration::from_mins(1);
        assert_eq!(pace.delay(later, 100), Duration::ZERO);
        assert_eq!(pace.delay(later, 100), Duration::from_millis(990));
    }
}
