//! The order of `sort`: natural, as AWS's page of
//! [sort](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html)
//! describes it.

use std::cmp::Ordering;

use crate::value::{Number, Value};

/// The ascending order: missing values, then text, then numbers.
///
/// In text, runs of digits, of letters and of other characters are compared one after the
/// other: digits by their number, so that a shorter run comes first, everything else by Unicode.
pub(crate) fn natural_order(one: &Value<'_>, two: &Value<'_>) -> Ordering {
    match (number(one), number(two)) {
        (Some(one), Some(two)) => one.compare(two),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        // A missing text is None, which comes first.
        (None, None) => match (one.as_text(), two.as_text()) {
            (Some(one), Some(two)) => order_of_texts(&one, &two),
            (one, two) => one.is_some().cmp(&two.is_some()),
        },
    }
}

fn number(value: &Value<'_>) -> Option<Number> {
    match value {
        Value::Time(time) => Some(Number::Integer(*time)),
        other => other.as_number(),
    }
}

fn order_of_texts(one: &str, two: &str) -> Ordering {
    let (mut one, mut two) = (one, two);
    loop {
        let ((run, rest), (other_run, other_rest)) = (first_run(one), first_run(two));
        let order = order_of_runs(run, other_run);
        if order.is_ne() || run.is_empty() {
            return order;
        }
        (one, two) = (rest, other_rest);
    }
}

fn order_of_runs(one: &str, two: &str) -> Ordering {
    let is_number = |run: &str| run.starts_with(|first: char| first.is_ascii_digit());
    if is_number(one) && is_number(two) {
        return one.len().cmp(&two.len()).then_with(|| one.cmp(two));
    }
    one.cmp(two)
}

/// The characters of one kind that a text begins with, and what follows them.
fn first_run(text: &str) -> (&str, &str) {
    let kind = |character: char| (character.is_ascii_digit(), character.is_alphabetic());
    let first = text.chars().next().map(kind);
    let length = text.find(|character| Some(kind(character)) != first).unwrap_or(text.len());
    text.split_at_checked(length).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The values of AWS's example, in its order.
    const SORTED: [&str; 16] = [
        "!:",
        "#",
        "*%04",
        "0#",
        "5A",
        "111A",
        "2345_",
        "@",
        "@_",
        "A",
        "A9876fghj",
        "a12345hfh",
        "0",
        "1",
        "2",
        "3",
    ];

    #[test]
    fn the_order_is_that_of_the_documented_example() {
        for (place, one) in SORTED.iter().enumerate() {
            for (other_place, two) in SORTED.iter().enumerate() {
                let order = natural_order(&Value::text(*one), &Value::text(*two));
                assert_eq!(order, place.cmp(&other_place), "{one} {two}");
            }
        }
    }

    #[test]
    fn missing_values_come_first_and_numbers_last() {
        let mut values = [Value::Integer(5), Value::text("10"), Value::text("z"), Value::Missing];
        values.sort_by(natural_order);
        assert_eq!(values.map(|value| value.to_string()), ["", "z", "5", "10"]);
    }

    proptest! {
        /// A sort needs an order: turning the question round turns the answer round, and what is
        /// between two values is so by any way.
        #[test]
        fn it_is_an_order(
            one in "[ab1 ._-]{0,5}", two in "[ab1 ._-]{0,5}", three in "[ab1 ._-]{0,5}"
        ) {
            let [one, two, three] = [one, two, three].map(Value::text);
            prop_assert_eq!(natural_order(&one, &two), natural_order(&two, &one).reverse());
            if natural_order(&one, &two).is_le() && natural_order(&two, &three).is_le() {
                prop_assert!(natural_order(&one, &three).is_le());
            }
        }
    }
}
