//! Bytes for people.

const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/// Bytes in the largest decimal unit that they fill, cut off after one decimal, as the saved
/// query writes them: `1.5 MB`.
#[must_use]
pub(crate) fn size(bytes: u64) -> String {
    let thousands = bytes.checked_ilog(1000).unwrap_or_default();
    let unit = 1000_u64.pow(thousands);
    let name = usize::try_from(thousands).ok().and_then(|index| UNITS.get(index));
    let name = name.copied().unwrap_or_default();
    let whole = bytes / unit;
    // A unit holds ten tenths: the remainder is below the unit, so that this cannot overflow.
    match bytes % unit / (unit / 10).max(1) {
        tenths if tenths > 0 && thousands > 0 => format!("{whole}.{tenths} {name}"),
        _ => format!("{whole} {name}"),
    }
}

/// A number with its thousands apart: `1,234,567`.
#[must_use]
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_cut_off_after_one_decimal() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 kB"),
            (1_549, "1.5 kB"),
            (999_999, "999.9 kB"),
            (1_000_000, "1 MB"),
            (2_500_000_000, "2.5 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
