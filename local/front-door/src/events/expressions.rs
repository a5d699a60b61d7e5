//! When a schedule is due: `rate(…)`, `cron(…)` and `at(…)`.
//!
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>

use std::ops::RangeInclusive;

use jiff::civil::DateTime;

/// A field of a cron expression: its name, its numbers, their names from the first on, and what
/// else may stand in it.
struct Field {
    name: &'static str,
    numbers: RangeInclusive<u32>,
    names: &'static [&'static str],
    letters: &'static [char],
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const DAY_OF_MONTH: &str = "day of month";
const DAY_OF_WEEK: &str = "day of week";

const FIELDS: [Field; 6] = [
    Field { name: "minutes", numbers: 0..=59, names: &[], letters: &[] },
    Field { name: "hours", numbers: 0..=23, names: &[], letters: &[] },
    Field { name: DAY_OF_MONTH, numbers: 1..=31, names: &[], letters: &['L', 'W'] },
    Field { name: "month", numbers: 1..=12, names: &MONTHS, letters: &[] },
    Field { name: DAY_OF_WEEK, numbers: 1..=7, names: &DAYS, letters: &['L'] },
    Field { name: "year", numbers: 1970..=2199, names: &[], letters: &[] },
];

/// Whether Scheduler takes an expression; if not, why.
pub(super) fn check(expression: &str) -> Result<(), String> {
    let parts = expression.strip_suffix(')').and_then(|rest| rest.split_once('('));
    match parts {
        Some(("rate", rate)) => check_rate(rate),
        Some(("cron", fields)) => check_cron(fields),
        Some(("at", moment)) => moment
            .parse::<DateTime>()
            .map(|_| ())
            .map_err(|error| format!("at takes a time such as 2026-11-21T10:00:00: {error}")),
        _ => Err("it is none of rate(…), cron(…) and at(…)".to_owned()),
    }
}

fn check_rate(rate: &str) -> Result<(), String> {
    let units = ["minute", "minutes", "hour", "hours", "day", "days"];
    let is_rate = rate.split_once(' ').is_some_and(|(value, unit)| {
        value.parse::<u32>().is_ok_and(|value| value > 0) && units.contains(&unit)
    });
    is_rate
        .then_some(())
        .ok_or_else(|| "rate takes a whole number above 0 and minutes, hours or days".to_owned())
}

fn check_cron(text: &str) -> Result<(), String> {
    let fields: Vec<_> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!("cron takes 6 fields, not {}", fields.len()));
    }
    for (field, text) in FIELDS.iter().zip(&fields) {
        if !is_field(field, text) {
            return Err(format!("{text} is no {}", field.name));
        }
    }
    let unset = FIELDS.iter().zip(&fields).filter(|(_, text)| **text == "?").count();
    // One of the two days says when, the other one nothing.
    (unset == 1)
        .then_some(())
        .ok_or_else(|| format!("one of {DAY_OF_MONTH} and {DAY_OF_WEEK} must be ?"))
}

fn is_field(field: &Field, text: &str) -> bool {
    let is_day = [DAY_OF_MONTH, DAY_OF_WEEK].contains(&field.name);
    match text {
        "*" => true,
        "?" => is_day,
        text => text.split(',').all(|item| is_item(field, item)),
    }
}

/// `5`, `MON`, `1-5`, `0/15`, `*/5`, `L`, `15W`, `5L`, `2#1`.
fn is_item(field: &Field, item: &str) -> bool {
    if let Some((start, step)) = item.split_once('/') {
        return (start == "*" || is_range(field, start))
            && step.parse::<u32>().is_ok_and(|n| n > 0);
    }
    if let (DAY_OF_WEEK, Some((day, week))) = (field.name, item.split_once('#')) {
        return is_value(field, day) && matches!(week, "1" | "2" | "3" | "4" | "5");
    }
    match item.strip_suffix(field.letters) {
        Some("") => true,
        Some(day) => is_value(field, day),
        None => is_range(field, item),
    }
}

fn is_range(field: &Field, text: &str) -> bool {
    match text.split_once('-') {
        Some((first, last)) => is_value(field, first) && is_value(field, last),
        None => is_value(field, text),
    }
}

fn is_value(field: &Field, text: &str) -> bool {
    field.names.contains(&text) || text.parse().is_ok_and(|number| field.numbers.contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_scheduler_takes() {
        for expression in [
            "rate(1 hour)",
            "rate(5 minutes)",
            "rate(7 days)",
            "at(2026-11-21T10:00:00)",
            "cron(0 * * * ? *)",
            "cron(0/15 8-18 ? * MON-FRI *)",
            "cron(15,45 */2 L JAN,JUL ? 2026-2030)",
            "cron(0 9 15W * ? *)",
            "cron(0 9 ? * 2#1 *)",
            "cron(0 9 ? * 6L *)",
        ] {
            assert_eq!(check(expression), Ok(()), "{expression}");
        }
    }

    #[test]
    fn refuses_the_rest_with_a_reason() {
        for (expression, reason) in [
            ("", "none of rate"),
            ("every hour", "none of rate"),
            ("rate(0 hours)", "above 0"),
            ("rate(1.5 hours)", "above 0"),
            ("rate(1 week)", "minutes, hours or days"),
            ("rate(hour)", "minutes, hours or days"),
            ("at(tomorrow)", "at takes a time"),
            ("cron(0 * * * ?)", "6 fields, not 5"),
            ("cron(60 * * * ? *)", "60 is no minutes"),
            ("cron(0 24 * * ? *)", "24 is no hours"),
            ("cron(0 0 ? * 8 *)", "8 is no day of week"),
            ("cron(0 0 ? * 2#6 *)", "2#6 is no day of week"),
            ("cron(? * * * ? *)", "? is no minutes"),
            ("cron(0 * * * * *)", "must be ?"),
            ("cron(0 * ? * ? *)", "must be ?"),
        ] {
            let refusal = check(expression).unwrap_err();
            assert!(refusal.contains(reason), "{expression}: {refusal}");
        }
    }
}
