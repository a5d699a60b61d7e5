//! Numbers as people read them.

use jiff::{SignedDuration, Timestamp};

/// `12.3 GB`: three digits, in powers of 1,000 as prices and thresholds count.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut unit = "kB";
    // In tenths, so that the rounding is done once and in whole numbers.
    let mut divisor: u64 = 1000;
    for (next, name) in UNITS.iter().enumerate() {
        unit = name;
        let is_last = next + 1 == UNITS.len();
        // 999.5 of a unit would be shown as 1000 of it.
        if is_last || u128::from(bytes) * 2 < u128::from(divisor) * 1999 {
            break;
        }
        divisor = divisor.saturating_mul(1000);
    }
    format!("{} {unit}", three_digits(bytes, divisor))
}

/// A quotient with three digits: `1.23`, `12.3`, `123`.
fn three_digits(number: u64, divisor: u64) -> String {
    let (number, divisor) = (u128::from(number), u128::from(divisor));
    let rounded = |scale: u128| (number * scale * 2 + divisor) / (divisor * 2);
    let (hundredths, tenths) = (rounded(100), rounded(10));
    if hundredths < 1000 {
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    } else if tenths < 1000 {
        format!("{}.{}", tenths / 10, tenths % 10)
    } else {
        rounded(1).to_string()
    }
}

/// `93 %`. What is not nothing is never shown as 0, and what is not all never as 100.
#[must_use]
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    if part == 0 {
        return "0 %".to_owned();
    }
    match percent(part, whole) {
        0 => "<1 %".to_owned(),
        100 if part < whole => ">99 %".to_owned(),
        rounded => format!("{rounded} %"),
    }
}

/// A share rounded to whole percents; 0 of nothing.
#[must_use]
pub fn percent(part: u64, whole: u64) -> u64 {
    if whole == 0 {
        return 0;
    }
    let (part, whole) = (u128::from(part), u128::from(whole));
    u64::try_from((part * 200 + whole) / (whole * 2)).unwrap_or(u64::MAX)
}

/// `$0.55`, `$123`, `less than $0.01`.
#[must_use]
pub fn money(dollars: f64) -> String {
    if dollars <= 0.0 {
        "$0".to_owned()
    } else if dollars < 0.01 {
        "less than $0.01".to_owned()
    } else if dollars < 99.995 {
        format!("${dollars:.2}")
    } else {
        format!("${}", thousands(&format!("{dollars:.0}")))
    }
}

/// `about $0.55`, `less than $0.01`: an estimate.
#[must_use]
pub fn about(dollars: f64) -> String {
    let money = money(dollars);
    if money.starts_with('$') { format!("about {money}") } else { money }
}

/// A length as a number.
#[must_use]
pub fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// `1,234,567`
#[must_use]
pub fn number(number: u64) -> String {
    thousands(&number.to_string())
}

fn thousands(digits: &str) -> String {
    let length = digits.len();
    let mut text = String::with_capacity(length + length / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (length - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 client`, `41 clients`
#[must_use]
pub fn counted(count: u64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {one}{plural}", number(count))
}

/// `2026-11-21 04:11:03 UTC`
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `04:11`, of a day that is known.
#[must_use]
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M").to_string()
}

/// `1 December`
#[must_use]
pub fn day(date: jiff::civil::Date) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let month = usize::try_from(date.month() - 1).ok().and_then(|month| MONTHS.get(month));
    format!("{} {}", date.day(), month.unwrap_or(&"?"))
}

/// `12 min 4 s`
#[must_use]
pub fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let parts = [(seconds / 3600, "h"), (seconds % 3600 / 60, "min"), (seconds % 60, "s")];
    let words: Vec<_> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}")).collect();
    if words.is_empty() { "less than a second".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits_and_never_a_thousand_of_a_unit() {
        for (bytes, words) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (1_234, "1.23 kB"),
            (12_349, "12.3 kB"),
            (99_949, "99.9 kB"),
            (99_950, "100 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (12_345_678_901, "12.3 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(size(bytes), words, "{bytes}");
        }
    }

    #[test]
    fn a_share_is_only_nothing_or_all_when_it_is() {
        for (part, whole, words) in [
            (0, 0, "-"),
            (0, 5, "0 %"),
            (1, 1000, "<1 %"),
            (5, 1000, "1 %"),
            (999, 1000, ">99 %"),
            (1000, 1000, "100 %"),
            (1030, 1000, "103 %"),
        ] {
            assert_eq!(share(part, whole), words, "{part}/{whole}");
        }
    }

    #[test]
    fn money_is_rounded_but_never_to_nothing() {
        for (dollars, words) in [
            (0.0, "$0"),
            (0.000_1, "less than $0.01"),
            (0.554, "$0.55"),
            (99.99, "$99.99"),
            (99.999, "$100"),
            (12_345.6, "$12,346"),
        ] {
            assert_eq!(money(dollars), words);
        }
    }

    #[test]
    fn days_have_their_month_in_words() {
        assert_eq!(day(jiff::civil::date(2026, 12, 1)), "1 December");
        assert_eq!(counted(1, "client"), "1 client");
        assert_eq!(counted(1_234_567, "client"), "1,234,567 clients");
    }
}
