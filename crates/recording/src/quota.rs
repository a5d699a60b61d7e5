//! How many recordings a gateway may have in a period.

use jiff::{Timestamp, ToSpan as _, civil::Weekday, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// The period after which the count of recordings starts again, in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuotaPeriod {
    /// It never does.
    #[default]
    Forever,
    /// At midnight.
    Day,
    /// In the night to Monday.
    Week,
    /// On the first.
    Month,
}

impl QuotaPeriod {
    /// The table's attribute that counts the recordings of the period around
    /// `at`: `recordings-forever`, or `recordings-month-2026-11-01` with the day
    /// that the period began on.
    #[must_use]
    pub fn counter(self, at: Timestamp) -> String {
        match self {
            Self::Forever => format!("{COUNTER_PREFIX}forever"),
            Self::Day => format!("{COUNTER_PREFIX}day-{}", self.first_day(at)),
            Self::Week => format!("{COUNTER_PREFIX}week-{}", self.first_day(at)),
            Self::Month => format!("{COUNTER_PREFIX}month-{}", self.first_day(at)),
        }
    }

    /// The day on which the count starts again after `at`; `None`: never.
    #[must_use]
    pub fn renews_on(self, at: Timestamp) -> Option<jiff::civil::Date> {
        let length = match self {
            Self::Forever => return None,
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
        };
        Some(self.first_day(at).saturating_add(length))
    }

    fn first_day(self, at: Timestamp) -> jiff::civil::Date {
        let day = at.to_zoned(TimeZone::UTC).date();
        match self {
            Self::Forever | Self::Day => day,
            Self::Week => {
                let since_monday = i64::from(day.weekday().since(Weekday::Monday));
                day.saturating_sub(since_monday.days())
            }
            Self::Month => day.first_of_month(),
        }
    }
}

/// What the names of all counters begin with.
pub const COUNTER_PREFIX: &str = "recordings-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_carry_the_first_day_of_their_period_in_utc() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (period, moment, counter, renews) in [
            (QuotaPeriod::Forever, "2026-11-21T12:00:00Z", "recordings-forever", None),
            (
                QuotaPeriod::Day,
                "2026-11-21T00:00:00Z",
                "recordings-day-2026-11-21",
                Some("2026-11-22"),
            ),
            (
                QuotaPeriod::Day,
                "2026-11-21T23:59:59.999Z",
                "recordings-day-2026-11-21",
                Some("2026-11-22"),
            ),
            // 2026-11-22 is a Sunday, so its week began on the Monday before.
            (
                QuotaPeriod::Week,
                "2026-11-22T23:59:59Z",
                "recordings-week-2026-11-16",
                Some("2026-11-23"),
            ),
            (
                QuotaPeriod::Week,
                "2026-11-23T00:00:00Z",
                "recordings-week-2026-11-23",
                Some("2026-11-30"),
            ),
            (
                QuotaPeriod::Month,
                "2026-12-31T23:00:00-02:00",
                "recordings-month-2027-01-01",
                Some("2027-02-01"),
            ),
        ] {
            assert_eq!(period.counter(at(moment)), counter);
            assert_eq!(period.renews_on(at(moment)).map(|day| day.to_string()).as_deref(), renews);
        }
    }
}
