//! What an expression is worth in a row.

use std::cmp::Ordering;

use crate::function::Function;
use crate::syntax::{Arithmetic, Comparison, Expression};
use crate::value::{Number, Value};

impl Expression {
    /// The value in a row. In the columns of `stats` the row holds the aggregations.
    pub(crate) fn evaluate<'r>(&'r self, row: &[Value<'r>]) -> Value<'r> {
        match self {
            Self::Constant(value) => value.borrowed(),
            Self::Field(slot) | Self::Aggregate(slot) => {
                row.get(*slot).cloned().unwrap_or(Value::Missing)
            }
            Self::Negative(of) => negative(&of.evaluate(row)),
            Self::Arithmetic(operator, left, right) => {
                let numbers = (left.evaluate(row).as_number(), right.evaluate(row).as_number());
                let (Some(left), Some(right)) = numbers else { return Value::Missing };
                compute(*operator, left, right)
            }
            Self::Call(function, arguments) => call(*function, arguments, row),
            Self::Floor(of, period) => with_time(&of.evaluate(row), |time| period.floor(time)),
            Self::Ceil(of, period) => with_time(&of.evaluate(row), |time| period.ceil(time)),
            condition => Value::Boolean(condition.holds(row)),
        }
    }

    /// Whether a condition holds in a row. There are two answers only: what compares with a
    /// missing value does not hold, and its negation does.
    pub(crate) fn holds<'r>(&'r self, row: &[Value<'r>]) -> bool {
        match self {
            Self::Not(of) => !of.holds(row),
            Self::And(left, right) => left.holds(row) && right.holds(row),
            Self::Or(left, right) => left.holds(row) || right.holds(row),
            Self::Compare(comparison, left, right) => {
                comparison.holds(left.evaluate(row).compare(&right.evaluate(row)))
            }
            Self::In(of, members) => {
                let value = of.evaluate(row);
                let mut orders = members.iter().map(|member| value.compare(&member.evaluate(row)));
                orders.any(|order| order == Some(Ordering::Equal))
            }
            Self::LikeText(of, text) => {
                of.evaluate(row).as_text().is_some_and(|value| value.contains(text.as_str()))
            }
            Self::LikeRegex(of, regex) => {
                of.evaluate(row).as_text().is_some_and(|value| regex.is_match(&value))
            }
            value => value.evaluate(row).is_true(),
        }
    }
}

/// Most functions take few arguments, which then need no allocation.
fn call<'r>(function: Function, arguments: &'r [Expression], row: &[Value<'r>]) -> Value<'r> {
    match arguments {
        [one] => function.call(&mut [one.evaluate(row)]),
        [one, two] => function.call(&mut [one.evaluate(row), two.evaluate(row)]),
        [one, two, three] => {
            function.call(&mut [one.evaluate(row), two.evaluate(row), three.evaluate(row)])
        }
        all => {
            let mut values: Vec<_> = all.iter().map(|argument| argument.evaluate(row)).collect();
            function.call(&mut values)
        }
    }
}

impl Comparison {
    /// Whether it holds for two values in an order; None when one is missing.
    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order.is_some_and(Ordering::is_lt),
            Self::Greater => order.is_some_and(Ordering::is_gt),
            Self::AtMost => order.is_some_and(Ordering::is_le),
            Self::AtLeast => order.is_some_and(Ordering::is_ge),
        }
    }
}

fn negative(value: &Value<'_>) -> Value<'static> {
    match value.as_number() {
        Some(number) => compute(Arithmetic::Subtract, Number::Integer(0), number),
        None => Value::Missing,
    }
}

fn with_time(value: &Value<'_>, change: impl Fn(i64) -> i64) -> Value<'static> {
    match value {
        Value::Time(time) => Value::Time(change(*time)),
        _ => Value::Missing,
    }
}

/// Whole numbers stay exact while their result fits 64 bits; everything else has double
/// precision. A division by 0 has no result.
fn compute(operator: Arithmetic, left: Number, right: Number) -> Value<'static> {
    if let (Number::Integer(left), Number::Integer(right)) = (left, right)
        && let Some(exact) = compute_exactly(operator, left, right)
    {
        return Value::Integer(exact);
    }
    let (left, right) = (left.as_f64(), right.as_f64());
    Value::number(match operator {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Power => left.powf(right),
        Arithmetic::Remainder => left % right,
    })
}

fn compute_exactly(operator: Arithmetic, left: i64, right: i64) -> Option<i64> {
    match operator {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide => {
            left.checked_div(right).filter(|_| left.checked_rem(right) == Some(0))
        }
        Arithmetic::Power => left.checked_pow(u32::try_from(right).ok()?),
        Arithmetic::Remainder => left.checked_rem(right),
    }
}
