//! The aggregations of `stats`.
//!
//! Source: AWS's page of [stats](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html).

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use crate::order::natural_order;
use crate::syntax::Expression;
use crate::value::{Number, Value};

/// What is computed over the rows of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Aggregate {
    /// `count(*)`, `count()`: rows
    /// ([stats](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html)).
    CountRows,
    /// `count(x)`: rows that have a value
    /// ([stats](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html)).
    Count,
    /// `count_distinct(x)`: different values. AWS approximates many of them; here they are exact
    /// ([stats](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html)).
    CountDistinct,
    /// `sum(x)`: the sum of the numbers; other values add nothing
    /// ([stats](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html)).
    Sum,
    /// `avg(x)`: the mean of the numbers
    /// ([stats](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html)).
    Average,
    /// `min(x)`: the value that `sort` puts first
    /// ([stats](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html)).
    Least,
    /// `max(x)`: the value that `sort` puts last
    /// ([stats](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html)).
    Greatest,
    /// `pct(x, p)`: the smallest number that at least `p` percent do not exceed
    /// ([stats](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html)).
    Percentile(f64),
}

/// An aggregation and what it looks at.
#[derive(Clone, Debug)]
pub(crate) struct Aggregation {
    pub(crate) aggregate: Aggregate,
    pub(crate) of: Expression,
}

impl Aggregate {
    /// What a group has seen so far: nothing.
    pub(crate) fn start(self) -> Seen {
        match self {
            Self::CountRows | Self::Count => Seen::Count(0),
            Self::CountDistinct => Seen::Distinct(Box::default()),
            Self::Sum => Seen::WholeNumbers(OfNumbers::Sum, 0, 0),
            Self::Average => Seen::WholeNumbers(OfNumbers::Mean, 0, 0),
            Self::Least => Seen::Extreme(None, Ordering::Less),
            Self::Greatest => Seen::Extreme(None, Ordering::Greater),
            Self::Percentile(percent) => Seen::Numbers(Box::default(), percent),
        }
    }
}

/// What a group has seen: no more than its aggregation needs. Only `count_distinct` and `pct`
/// grow, with the number of different values. There may be millions of it: what is seldom asked
/// for, or large, is elsewhere.
#[derive(Clone, Debug)]
#[expect(clippy::box_collection, reason = "a set's own size would be that of every variant")]
pub(crate) enum Seen {
    Count(i64),
    Distinct(Box<HashSet<Box<str>>>),
    /// The sum of whole numbers, as long as it fits, and how many there were.
    WholeNumbers(OfNumbers, i64, u64),
    AnyNumbers(OfNumbers, Box<Sum>),
    Extreme(Option<Box<Value<'static>>>, Ordering),
    Numbers(Box<BTreeMap<OrderedFloat, u64>>, f64),
}

/// What is asked of numbers that are added up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfNumbers {
    Sum,
    Mean,
}

impl Seen {
    /// Takes the value of a row into account. Missing values count nowhere; `count(*)` looks at
    /// a constant.
    pub(crate) fn add(&mut self, value: &Value<'_>) {
        match self {
            Self::Count(count) => *count += i64::from(!value.is_missing()),
            Self::Distinct(values) => {
                if let Some(text) = value.as_text()
                    && !values.contains(&*text)
                {
                    values.insert(text.into());
                }
            }
            Self::WholeNumbers(..) | Self::AnyNumbers(..) => {
                if let Some(number) = value.as_number() {
                    self.add_number(number);
                }
            }
            Self::Extreme(best, wanted) => {
                let mut is_better = true;
                if let Some(best) = best {
                    is_better = natural_order(value, best) == *wanted;
                }
                if is_better && !value.is_missing() {
                    *best = Some(Box::new(value.clone().into_owned()));
                }
            }
            Self::Numbers(numbers, _) => {
                if let Some(number) = value.as_number() {
                    *numbers.entry(OrderedFloat(number.as_f64())).or_default() += 1;
                }
            }
        }
    }

    fn add_number(&mut self, number: Number) {
        match self {
            Self::WholeNumbers(asked, sum, count) => {
                if let Number::Integer(number) = number
                    && let Some(larger) = sum.checked_add(number)
                {
                    (*sum, *count) = (larger, *count + 1);
                    return;
                }
                let mut any = Sum::of_whole(*sum, *count);
                any.add(number);
                *self = Self::AnyNumbers(*asked, Box::new(any));
            }
            Self::AnyNumbers(_, sum) => sum.add(number),
            _ => {}
        }
    }

    /// The result. A sum, a mean, an extreme or a percentile of nothing is missing.
    pub(crate) fn result(self) -> Value<'static> {
        match self {
            Self::Count(count) => Value::Integer(count),
            Self::Distinct(values) => {
                Value::Integer(i64::try_from(values.len()).unwrap_or(i64::MAX))
            }
            Self::WholeNumbers(asked, sum, count) => Sum::of_whole(sum, count).result(asked),
            Self::AnyNumbers(asked, sum) => sum.result(asked),
            Self::Extreme(best, _) => best.map_or(Value::Missing, |best| *best),
            Self::Numbers(numbers, percent) => percentile(&numbers, percent),
        }
    }
}

/// A sum that is exact as long as all its numbers are whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum {
    whole: i128,
    rest: f64,
    count: u64,
}

impl Sum {
    fn of_whole(sum: i64, count: u64) -> Self {
        Self { whole: i128::from(sum), rest: 0.0, count }
    }

    fn result(self, asked: OfNumbers) -> Value<'static> {
        match asked {
            OfNumbers::Sum => self.total(),
            OfNumbers::Mean => self.mean(),
        }
    }

    fn add(&mut self, number: Number) {
        match number {
            // 2^64 numbers of 64 bits fit.
            Number::Integer(number) => self.whole += i128::from(number),
            Number::Decimal(number) => self.rest += number,
        }
        self.count += 1;
    }

    fn total(self) -> Value<'static> {
        if self.count == 0 {
            return Value::Missing;
        }
        match i64::try_from(self.whole) {
            Ok(whole) if self.rest == 0.0 => Value::Integer(whole),
            _ => Value::number(self.as_f64()),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a mean is computed with double precision")]
    fn mean(self) -> Value<'static> {
        if self.count == 0 {
            return Value::Missing;
        }
        Value::number(self.as_f64() / self.count as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "AWS computes with double precision")]
    fn as_f64(self) -> f64 {
        self.whole as f64 + self.rest
    }
}

/// A number that is never NaN, in its order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OrderedFloat(f64);

impl Eq for OrderedFloat {}

impl PartialOrd for OrderedFloat {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OrderedFloat {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The nearest rank: the smallest number that at least `percent` of all do not exceed.
fn percentile(numbers: &BTreeMap<OrderedFloat, u64>, percent: f64) -> Value<'static> {
    let count: u64 = numbers.values().sum();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank between 0 and the count"
    )]
    let rank = ((count as f64 * percent / 100.0).ceil() as u64).max(1);
    let mut seen = 0;
    let found = numbers.iter().find(|(_, times)| {
        seen += **times;
        seen >= rank
    });
    found.map_or(Value::Missing, |(number, _)| Value::number(number.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(aggregate: Aggregate, values: &[&'static str]) -> Value<'static> {
        let mut seen = aggregate.start();
        for value in values {
            seen.add(&Value::text(*value));
        }
        seen.result()
    }

    #[test]
    fn sums_of_whole_numbers_are_exact() {
        let most = i64::MAX.to_string();
        let mut seen = Aggregate::Sum.start();
        for value in [most.as_str(), "-", "1", "-2", "1"] {
            seen.add(&Value::text(value));
        }
        assert_eq!(seen.result(), Value::Integer(i64::MAX));
        assert_eq!(result(Aggregate::Sum, &["1", "0.5"]), Value::Decimal(1.5));
        assert_eq!(result(Aggregate::Sum, &["-"]), Value::Missing);
    }

    #[test]
    fn sums_that_outgrow_64_bits_come_back() {
        let mut seen = Aggregate::Sum.start();
        for value in [i64::MAX, i64::MAX, -i64::MAX, 1, -2] {
            seen.add(&Value::Integer(value));
        }
        assert_eq!(seen.result(), Value::Integer(i64::MAX - 1));
    }

    /// Three million groups with five aggregations each are held in memory.
    #[test]
    fn little_is_held_for_each_group() {
        assert!(size_of::<Seen>() <= 24);
    }

    #[test]
    fn only_numbers_have_a_mean_and_percentiles() {
        assert_eq!(result(Aggregate::Average, &["1", "2", "-"]), Value::Decimal(1.5));
        assert_eq!(result(Aggregate::Average, &[]), Value::Missing);
        let values = ["15", "20", "35", "40", "50", "-"];
        let percentile = |percent| result(Aggregate::Percentile(percent), &values);
        assert_eq!(percentile(30.0), Value::Integer(20));
        assert_eq!(percentile(40.0), Value::Integer(20));
        assert_eq!(percentile(100.0), Value::Integer(50));
        assert_eq!(percentile(0.0), Value::Integer(15));
    }

    #[test]
    fn whatever_is_there_counts() {
        assert_eq!(result(Aggregate::Count, &["a", "", "-", "a"]), Value::Integer(4));
        assert_eq!(result(Aggregate::CountDistinct, &["a", "", "-", "a"]), Value::Integer(3));
        let mut seen = Aggregate::Count.start();
        seen.add(&Value::Missing);
        assert_eq!(seen.result(), Value::Integer(0));
    }

    #[test]
    fn extremes_are_those_of_the_order() {
        assert_eq!(result(Aggregate::Least, &["10", "9"]), Value::text("9"));
        assert_eq!(result(Aggregate::Greatest, &["10", "9", "eni-1"]), Value::text("10"));
        assert_eq!(result(Aggregate::Greatest, &[]), Value::Missing);
    }
}
