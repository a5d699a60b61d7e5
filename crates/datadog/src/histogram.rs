//! The values of one second, and what is said of them.

/// Values, in any order until they are [sorted](Histogram::sort).
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram(Vec<u64>);

/// The percentiles that Datadog's own function sends, with the ends of their metrics' names.
pub(crate) const PERCENTILES: [(&str, usize); 6] =
    [("min", 0), ("median", 50), ("p90", 90), ("p95", 95), ("p99", 99), ("max", 100)];

impl Histogram {
    /// Adds a value, if the record has it.
    pub(crate) fn add(&mut self, value: Option<u64>) {
        self.0.extend(value);
    }

    pub(crate) fn sort(&mut self) {
        self.0.sort_unstable();
    }

    pub(crate) fn values(&self) -> &[u64] {
        &self.0
    }

    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().fold(0, |sum, value| sum.saturating_add(*value))
    }

    /// The value that so many of a hundred are not above: of the values themselves, by nearest
    /// rank. The values must be sorted. None without values.
    pub(crate) fn percentile(&self, percent: usize) -> Option<u64> {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// At least so many of a hundred values are at most the percentile, and with any smaller
        /// value of them it would be fewer.
        #[test]
        fn a_percentile_is_the_least_value_that_enough_are_not_above(
            values in prop::collection::vec(0..50_u64, 1..200),
            percent in 1..=100_usize,
        ) {
            let mut histogram = Histogram(values.clone());
            histogram.sort();
            let found = histogram.percentile(percent).unwrap();
            let at_most = |limit: u64| values.iter().filter(|value| **value <= limit).count();
            prop_assert!(values.contains(&found));
            prop_assert!(at_most(found) * 100 >= percent * values.len());
            let below = values.iter().filter(|value| **value < found).count();
            prop_assert!(below * 100 < percent * values.len());
        }
    }

    #[test]
    fn the_ends_are_the_least_and_the_greatest() {
        let mut histogram = Histogram(vec![3, 1, 2]);
        histogram.sort();
        let found = PERCENTILES.map(|(name, percent)| (name, histogram.percentile(percent)));
        assert_eq!(found[0], ("min", Some(1)));
        assert_eq!(found[1], ("median", Some(2)));
        assert_eq!(found[5], ("max", Some(3)));
        assert_eq!(Histogram::default().percentile(50), None);
    }
}
