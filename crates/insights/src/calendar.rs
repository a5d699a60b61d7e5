//! Periods of time and the timestamps that results show, all in UTC.

use crate::error::Problem;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// What `bin`, `datefloor` and `dateceil` cut time into.
///
/// [AWS's page](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-datetime)
/// lists the units and caps the count of the small ones: 1,000 ms, 60 s, 60 m, 24 h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    /// Milliseconds, counted from `since`, which is a timestamp.
    Fixed { length: i64, since: i64 },
    /// Calendar months, counted from January of year 0.
    Months(i64),
}

/// Weeks begin on Mondays: 1970-01-05 is the first.
const FIRST_MONDAY: i64 = 4 * DAY;

impl Period {
    /// Reads a count and a unit.
    pub(crate) fn new(count: i64, unit: &str) -> Result<Self, Problem> {
        if count < 1 {
            return Err(Problem::EmptyPeriod);
        }
        let unit = unit.to_ascii_lowercase();
        let fixed =
            |most: i64, length: i64| Self::Fixed { length: count.min(most) * length, since: 0 };
        // Far more than any recording; it keeps the arithmetic in range.
        let count = count.min(10_000);
        // An s may follow every unit of more than one character.
        let singular = unit.strip_suffix('s').filter(|stem| stem.len() > 1).unwrap_or(&unit);
        Ok(match singular {
            "ms" | "msec" | "millisecond" => fixed(1_000, 1),
            "s" | "sec" | "second" => fixed(60, 1_000),
            "m" | "min" | "minute" => fixed(60, 60_000),
            "h" | "hr" | "hour" => fixed(24, 3_600_000),
            "d" | "day" => Self::Fixed { length: count * DAY, since: 0 },
            "w" | "week" => Self::Fixed { length: count * 7 * DAY, since: FIRST_MONDAY },
            "mo" | "mon" | "month" => Self::Months(count),
            "q" | "qtr" | "quarter" => Self::Months(count * 3),
            "y" | "yr" | "year" => Self::Months(count * 12),
            _ => return Err(Problem::UnknownUnit),
        })
    }

    /// The begin of the period that holds a timestamp.
    pub(crate) fn floor(self, time: i64) -> i64 {
        match self {
            Self::Fixed { length, since } => {
                time.saturating_sub(time.saturating_sub(since).rem_euclid(length))
            }
            Self::Months(count) => {
                let month = month_number(time);
                first_of_month(month - month.rem_euclid(count))
            }
        }
    }

    /// The timestamp itself when a period begins with it, or else the begin of the next.
    pub(crate) fn ceil(self, time: i64) -> i64 {
        let floor = self.floor(time);
        if floor == time {
            return time;
        }
        match self {
            Self::Fixed { length, .. } => floor.saturating_add(length),
            Self::Months(count) => first_of_month(month_number(floor) + count),
        }
    }
}

/// A timestamp as Logs Insights shows it: `2026-01-02 03:04:05.678`.
pub(crate) fn timestamp(time: i64) -> String {
    let (year, month, day) = civil(time.div_euclid(DAY));
    let in_day = time.rem_euclid(DAY);
    let (seconds, millis) = (in_day / 1_000, in_day % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millis:03}")
}

/// Months since January of year 0.
fn month_number(time: i64) -> i64 {
    let (year, month, _) = civil(time.div_euclid(DAY));
    year * 12 + month - 1
}

fn first_of_month(month_number: i64) -> i64 {
    days_since_1970(month_number.div_euclid(12), month_number.rem_euclid(12) + 1) * DAY
}

/// Days of 400 years, after which the Gregorian calendar repeats itself.
const DAYS_OF_400_YEARS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_468;

/// Year, month and day of a day since 1970-01-01. Years begin in March here, so that the leap
/// day is the last one.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_BEFORE_1970;
    let cycle = days.div_euclid(DAYS_OF_400_YEARS);
    let day = days.rem_euclid(DAYS_OF_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year + cycle * 400 + i64::from(month < 3), month, day_of_month)
}

/// Days from 1970-01-01 to the first day of a month.
fn days_since_1970(year: i64, month: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let cycle = year.div_euclid(400);
    let year = year.rem_euclid(400);
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5;
    cycle * DAYS_OF_400_YEARS + year * 365 + year / 4 - year / 100 + day_of_year - DAYS_BEFORE_1970
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T05:17:03.250Z, a Saturday.
    const TIME: i64 = 1_795_238_223_250;

    fn floor(count: i64, unit: &str) -> String {
        timestamp(Period::new(count, unit).unwrap().floor(TIME))
    }

    #[test]
    fn timestamps_are_shown_in_utc() {
        assert_eq!(timestamp(TIME), "2026-11-21 05:17:03.250");
        assert_eq!(timestamp(0), "1970-01-01 00:00:00.000");
        assert_eq!(timestamp(951_782_399_999), "2000-02-28 23:59:59.999");
        assert_eq!(timestamp(951_782_400_000), "2000-02-29 00:00:00.000");
        assert_eq!(timestamp(-1), "1969-12-31 23:59:59.999");
    }

    #[test]
    fn periods_begin_at_round_times() {
        assert_eq!(floor(500, "ms"), "2026-11-21 05:17:03.000");
        assert_eq!(floor(10, "s"), "2026-11-21 05:17:00.000");
        assert_eq!(floor(5, "m"), "2026-11-21 05:15:00.000");
        assert_eq!(floor(2, "hrs"), "2026-11-21 04:00:00.000");
        assert_eq!(floor(1, "days"), "2026-11-21 00:00:00.000");
        assert_eq!(floor(1, "w"), "2026-11-16 00:00:00.000");
        assert_eq!(floor(1, "month"), "2026-11-01 00:00:00.000");
        assert_eq!(floor(1, "qtr"), "2026-10-01 00:00:00.000");
        assert_eq!(floor(1, "years"), "2026-01-01 00:00:00.000");
    }

    /// As AWS's page says: 300 s are cut into periods of 60 s.
    #[test]
    fn counts_are_capped() {
        assert_eq!(Period::new(300, "s"), Period::new(60, "s"));
        assert_eq!(Period::new(90, "m"), Period::new(1, "h"));
        assert_eq!(Period::new(5_000, "ms"), Period::new(1, "s"));
        assert_eq!(Period::new(48, "h"), Period::new(1, "d"));
    }

    #[test]
    fn the_next_period_begins_where_this_one_ends() {
        let ceil = |count, unit, time| timestamp(Period::new(count, unit).unwrap().ceil(time));
        assert_eq!(ceil(5, "m", TIME), "2026-11-21 05:20:00.000");
        assert_eq!(ceil(1, "mo", TIME), "2026-12-01 00:00:00.000");
        assert_eq!(ceil(1, "d", 0), "1970-01-01 00:00:00.000");
    }

    #[test]
    fn every_day_of_four_centuries_is_the_one_after_its_predecessor() {
        let mut before = civil(-1);
        for day in 0..DAYS_OF_400_YEARS {
            let date = civil(day);
            let begins_month = date.2 == 1;
            assert!(date > before, "{date:?} after {before:?}");
            assert!(begins_month || date.2 == before.2 + 1);
            if begins_month {
                assert_eq!(days_since_1970(date.0, date.1), day);
            }
            before = date;
        }
        assert_eq!(before, (2369, 12, 31));
    }
}
