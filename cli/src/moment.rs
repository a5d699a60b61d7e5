//! Points in time as the command line names them.

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A point in time: fixed, or counted back from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Seconds since 1970-01-01T00:00:00Z.
    At(i64),
    /// Seconds before now.
    Ago(i64),
}

/// A text that is no point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a time such as 2026-01-02T03:04:05Z, 2026-01-02 (UTC), 1767322800 (Unix seconds) or \
     2h (ago), found `{0}`"
)]
pub struct NoMoment(String);

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = || text.parse().ok().map(Self::At);
        let timestamp = || text.parse::<Timestamp>().ok().map(|time| Self::At(time.as_second()));
        let civil = || text.parse::<DateTime>().ok().and_then(utc);
        let date = || text.parse::<Date>().ok().and_then(|date| utc(date.into()));
        let ago = || text.parse::<SignedDuration>().ok().map(|span| Self::Ago(span.as_secs()));
        seconds()
            .or_else(timestamp)
            .or_else(civil)
            .or_else(date)
            .or_else(ago)
            .ok_or_else(|| NoMoment(text.to_owned()))
    }
}

fn utc(time: DateTime) -> Option<Moment> {
    let zoned = time.to_zoned(TimeZone::UTC).ok()?;
    Some(Moment::At(zoned.timestamp().as_second()))
}

impl Moment {
    /// Unix seconds; what lies before 1970 is 1970.
    #[must_use]
    pub fn unix_seconds(self, now: Timestamp) -> u64 {
        let seconds = match self {
            Self::At(seconds) => seconds,
            Self::Ago(seconds) => now.as_second().saturating_sub(seconds),
        };
        u64::try_from(seconds).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_documented_form() {
        let expected = Ok(Moment::At(1_767_323_045));
        for text in [
            "2026-01-02T03:04:05Z",
            "2026-01-02T04:04:05+01:00",
            "2026-01-02T03:04:05",
            "2026-01-02 03:04:05",
            "1767323045",
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
        assert_eq!("2026-01-02".parse(), Ok(Moment::At(1_767_312_000)));
        assert_eq!("2h".parse(), Ok(Moment::Ago(7200)));
        assert_eq!("1h 30m".parse(), Ok(Moment::Ago(5400)));
        assert!("yesterday".parse::<Moment>().is_err());
    }

    #[test]
    fn a_span_counts_back_from_now() {
        let now = Timestamp::from_second(10_000).unwrap();
        assert_eq!(Moment::Ago(100).unix_seconds(now), 9_900);
        assert_eq!(Moment::At(100).unix_seconds(now), 100);
        assert_eq!(Moment::At(-1).unix_seconds(now), 0);
    }
}
