//! Values, and how one kind becomes another.
//!
//! Whatever `parse` extracts is text. Text that reads as a number counts as one in arithmetic,
//! in aggregations and in comparisons with such text; other text, `-` among it, counts as
//! missing there.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use crate::calendar;

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// The event has no such field, or the value could not be computed.
    Missing,
    /// Text, borrowed from the event where it can be.
    Text(Cow<'a, str>),
    /// A whole number. Sums of bytes stay exact.
    Integer(i64),
    /// Any other number. Never infinite and never NaN.
    Decimal(f64),
    /// The result of a comparison, or of a function that asks something.
    Boolean(bool),
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Time(i64),
}

impl<'a> Value<'a> {
    /// Text that is kept as it is.
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// A number; whole numbers that fit become integers, and what is no number is missing.
    pub(crate) fn number(number: f64) -> Self {
        /// Below it every whole number has an exact representation.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if number.fract() == 0.0 && number.abs() < EXACT {
            #[expect(clippy::cast_possible_truncation, reason = "checked: whole and small")]
            return Self::Integer(number as i64);
        }
        if number.is_finite() { Self::Decimal(number) } else { Self::Missing }
    }

    /// Whether there is no value.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// The same value without a loan.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Missing => Value::Missing,
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Integer(number) => Value::Integer(number),
            Self::Decimal(number) => Value::Decimal(number),
            Self::Boolean(answer) => Value::Boolean(answer),
            Self::Time(time) => Value::Time(time),
        }
    }

    /// The same value on loan.
    pub(crate) fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Missing => Value::Missing,
            Self::Integer(number) => Value::Integer(*number),
            Self::Decimal(number) => Value::Decimal(*number),
            Self::Boolean(answer) => Value::Boolean(*answer),
            Self::Time(time) => Value::Time(*time),
        }
    }

    /// The value as text: what a result shows. None when it is missing.
    pub(crate) fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Missing => None,
            Self::Text(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(other.to_string())),
        }
    }

    /// The value as a number. None for times: `toMillis` makes numbers of them.
    pub(crate) fn as_number(&self) -> Option<Number> {
        match self {
            Self::Integer(number) => Some(Number::Integer(*number)),
            Self::Decimal(number) => Some(Number::Decimal(*number)),
            Self::Boolean(answer) => Some(Number::Integer(i64::from(*answer))),
            Self::Text(text) => Number::parse(text),
            Self::Missing | Self::Time(_) => None,
        }
    }

    /// Whether a filter keeps the event: a true answer, or a number other than 0 (some of AWS's
    /// functions answer 1 and 0). Text is no answer.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Boolean(answer) => *answer,
            Self::Integer(number) => *number != 0,
            Self::Decimal(number) => *number != 0.0,
            Self::Missing | Self::Text(_) | Self::Time(_) => false,
        }
    }

    /// Compares two values that are there: as numbers when both read as numbers, times by their
    /// milliseconds, everything else as text by Unicode's order.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        if let (Self::Text(one), Self::Text(two)) = (self, other)
            && one == two
        {
            return Some(Ordering::Equal);
        }
        if let Some(one) = self.comparable()
            && let Some(two) = other.comparable()
        {
            return Some(one.compare(two));
        }
        Some(self.as_text()?.cmp(&other.as_text()?))
    }

    fn comparable(&self) -> Option<Number> {
        match self {
            Self::Time(time) => Some(Number::Integer(*time)),
            other => other.as_number(),
        }
    }
}

/// As Logs Insights shows the value; a missing one is empty.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => Ok(()),
            Self::Text(text) => f.pad(text),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Decimal(number) => write!(f, "{number}"),
            Self::Boolean(answer) => write!(f, "{}", u8::from(*answer)),
            Self::Time(time) => f.pad(&calendar::timestamp(*time)),
        }
    }
}

/// A number: whole where it can be, so that sums of bytes are exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Integer(i64),
    Decimal(f64),
}

impl Number {
    /// Reads a number in decimals, with or without a sign, a fraction and an exponent.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if !may_be_a_number(text) {
            return None;
        }
        if let Ok(number) = text.parse() {
            return Some(Self::Integer(number));
        }
        text.parse().ok().filter(|number: &f64| number.is_finite()).map(Self::Decimal)
    }

    #[expect(clippy::cast_precision_loss, reason = "AWS computes with double precision")]
    pub(crate) const fn as_f64(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Decimal(number) => number,
        }
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Integer(one), Self::Integer(two)) => one.cmp(&two),
            (one, two) => one.as_f64().total_cmp(&(two.as_f64() + 0.0)),
        }
    }
}

/// Tells most texts from numbers at a glance: addresses by their second point, names by their
/// letters. The standard library also reads words such as "inf" and "nan", which are text here.
fn may_be_a_number(text: &str) -> bool {
    let mut points = 0;
    text.bytes().all(|byte| {
        points += usize::from(byte == b'.');
        points < 2 && matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
    })
}

impl From<Number> for Value<'_> {
    fn from(number: Number) -> Self {
        match number {
            Number::Integer(number) => Self::Integer(number),
            Number::Decimal(number) => Self::number(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_reads_as_a_number_is_one() {
        let number = |text: &'static str| Value::text(text).as_number();
        assert_eq!(number("1500"), Some(Number::Integer(1500)));
        assert_eq!(number("-2"), Some(Number::Integer(-2)));
        assert_eq!(number("1.5e3"), Some(Number::Decimal(1500.0)));
        for text in ["-", "", "inf", "NaN", "12 ", "0x10", "1,000", "e", "10.0.0.1"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn values_compare_as_numbers_only_when_both_are_numbers() {
        let compare = |one: &'static str, two| Value::text(one).compare(&two);
        assert_eq!(compare("9", Value::text("10")), Some(Ordering::Less));
        assert_eq!(compare("9", Value::text("10x")), Some(Ordering::Greater));
        assert_eq!(compare("200", Value::Integer(200)), Some(Ordering::Equal));
        assert_eq!(compare("1.0", Value::Integer(1)), Some(Ordering::Equal));
        assert_eq!(compare("ACCEPT", Value::text("accept")), Some(Ordering::Less));
        assert_eq!(compare("-", Value::Missing), None);
    }

    #[test]
    fn whole_numbers_are_shown_without_a_fraction() {
        let shown = [Value::number(1500.0), Value::number(1.5), Value::number(-0.0)];
        assert_eq!(shown.map(|value| value.to_string()), ["1500", "1.5", "0"]);
        assert_eq!(Value::number(f64::NAN), Value::Missing);
        assert_eq!(Value::Boolean(true).to_string(), "1");
    }
}
