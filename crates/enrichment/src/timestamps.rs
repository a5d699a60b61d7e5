//! Times as texts.

use jiff::Timestamp;

/// How many times are remembered: the intervals of records that arrive together begin within a
/// few minutes.
const REMEMBERED: usize = 1024;

/// No record's time.
const NEVER: i64 = -1;

/// Writes Unix seconds as ISO 8601, which `OpenSearch` takes for a date even without a template.
#[derive(Clone, Debug)]
pub(crate) struct Timestamps(Box<[(i64, String)]>);

impl Default for Timestamps {
    fn default() -> Self {
        Self(vec![(NEVER, String::new()); REMEMBERED].into())
    }
}

impl Timestamps {
    /// `2023-11-14T22:13:20Z`. None for a time beyond the year 9999.
    pub(crate) fn text(&mut self, unix_seconds: u64) -> Option<&str> {
        let unix_seconds = i64::try_from(unix_seconds).ok()?;
        let slot = usize::try_from(unix_seconds).ok()? % REMEMBERED;
        let (second, text) = self.0.get_mut(slot)?;
        if *second != unix_seconds {
            *text = Timestamp::from_second(unix_seconds).ok()?.to_string();
            *second = unix_seconds;
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_share_a_place_are_told_apart() {
        let mut times = Timestamps::default();
        for _ in 0..2 {
            assert_eq!(times.text(1_700_000_000), Some("2023-11-14T22:13:20Z"));
            assert_eq!(times.text(1_700_001_024), Some("2023-11-14T22:30:24Z"));
        }
        assert_eq!(times.text(0), Some("1970-01-01T00:00:00Z"));
        assert_eq!(times.text(u64::MAX), None);
        assert_eq!(times.text(253_402_300_800), None);
    }
}
