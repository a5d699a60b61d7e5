//! Numbers and IPv4 addresses, read without asking after each digit.
//!
//! How many digits a number has cannot be foreseen, and a processor that guesses wrong waits for
//! longer than the arithmetic takes. So all digits are looked at in one word, and what is wrong
//! with them is asked once, at the end.

use std::net::{Ipv4Addr, Ipv6Addr};

use wide::u8x16;

use crate::split::Span;

/// How many digits fit a word.
const WORD_DIGITS: usize = 8;

/// Every number with so many digits fits 64 bits.
const SAFE_DIGITS: usize = 19;

/// A whole number in decimal digits, without a sign, that stands in a line.
pub(crate) fn number(line: &[u8], span: Span) -> Option<u64> {
    let digits = span.end() - span.start();
    if digits <= WORD_DIGITS {
        return last_digits(line, span.end(), digits).filter(|_| digits > 0);
    }
    if digits > 2 * WORD_DIGITS {
        return long_number(span.of(line));
    }
    let low = last_digits(line, span.end(), WORD_DIGITS)?;
    let high = last_digits(line, span.end() - WORD_DIGITS, digits - WORD_DIGITS)?;
    Some(high * 100_000_000 + low)
}

/// The number that the last bytes before `end` are: so many digits, 8 at most.
fn last_digits(line: &[u8], end: usize, digits: usize) -> Option<u64> {
    let word = word_before(line, end);
    // The first digit is in the lowest byte of all. Those before it become zeros.
    let wanted = u64::MAX.unbounded_shl(u64::BITS - 8 * u32::try_from(digits).ok()?);
    let values = (word ^ 0x3030_3030_3030_3030) & wanted;
    let too_large = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
    if too_large != 0 {
        return None;
    }
    // Neighbours become numbers of two, of four and of eight digits.
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some((fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0xffff_ffff)
}

/// The eight bytes before `end`, zeros before the line's begin.
fn word_before(line: &[u8], end: usize) -> u64 {
    let before = line.get(..end).unwrap_or_default();
    if let Some(bytes) = before.last_chunk() {
        return u64::from_le_bytes(*bytes);
    }
    before.iter().fold(0, |word, byte| word >> 8 | u64::from(*byte) << 56)
}

fn long_number(text: &[u8]) -> Option<u64> {
    let (first, rest) = text.split_at_checked(SAFE_DIGITS).unwrap_or((text, &[]));
    let number = first.iter().try_fold(0, |number, byte| Some(number * 10 + digit(*byte)?))?;
    rest.iter()
        .try_fold(number, |number: u64, byte| number.checked_mul(10)?.checked_add(digit(*byte)?))
}

const fn digit(byte: u8) -> Option<u64> {
    let value = byte.wrapping_sub(b'0');
    if value < 10 { Some(value as u64) } else { None }
}

/// The longest IPv4 address is 255.255.255.255; one byte more makes sixteen.
const WINDOW: usize = 16;

/// A text that is short enough for an IPv4 address, zeros behind it: as no value has zeros in it,
/// equal texts are equal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShortText(u128);

impl ShortText {
    /// What no value is.
    pub(crate) const EMPTY: Self = Self(0);

    /// The value that stands in a line, if it is short enough.
    #[inline]
    pub(crate) fn of(line: &[u8], span: Span) -> Option<Self> {
        let length = span.end() - span.start();
        if length == 0 || length >= WINDOW {
            return None;
        }
        let text = line.get(span.start()..).unwrap_or_default();
        let window = text.first_chunk().copied().unwrap_or_else(|| {
            let mut window = [0; WINDOW];
            window.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
            window
        });
        Some(Self(u128::from_le_bytes(window) & u128::MAX >> (8 * (WINDOW - length))))
    }

    /// The address that the text is: four numbers up to 255 without leading zeros, as the
    /// standard library reads it, in a fraction of the time.
    pub(crate) fn ipv4(self) -> Option<Ipv4Addr> {
        let length = WINDOW - self.0.leading_zeros() as usize / 8;
        ipv4_in(&self.0.to_le_bytes(), length)
    }
}

/// An IPv4 address that stands in a line.
pub(crate) fn ipv4(line: &[u8], span: Span) -> Option<Ipv4Addr> {
    ShortText::of(line, span)?.ipv4()
}

/// The address that the first bytes are, so many of them.
fn ipv4_in(window: &[u8; WINDOW], length: usize) -> Option<Ipv4Addr> {
    let [first, second, third] = dots(window, length)?;
    // Two numbers at a time, each in a half of a word.
    let upper = lane(window, 0, first)? << 32 | lane(window, first + 1, second)?;
    let lower = lane(window, second + 1, third)? << 32 | lane(window, third + 1, length)?;
    let (upper, lower) = (octets(upper), octets(lower));
    if (upper | lower) & 0xffff_ff00_ffff_ff00 != 0 {
        return None;
    }
    let pair = |octets: u64| octets >> 24 | octets & 0xff;
    u32::try_from(pair(upper) << 16 | pair(lower)).ok().map(Ipv4Addr::from_bits)
}

/// Where the dots are between four numbers of one to three digits without leading zeros; none if
/// the first bytes, so many of them, are anything else.
fn dots(window: &[u8; WINDOW], length: usize) -> Option<[usize; 3]> {
    let values = u8x16::new(*window) ^ u8x16::splat(b'0');
    let is_text = (1 << length) - 1;
    let is_digit = values.simd_le(u8x16::splat(9)).to_bitmask() & is_text;
    let is_dot = values.simd_eq(u8x16::splat(b'.' ^ b'0')).to_bitmask() & is_text;
    let is_zero = values.simd_eq(u8x16::splat(0)).to_bitmask();
    let is_first = is_dot << 1 | 1;
    let after_first = is_dot & is_dot.wrapping_sub(1);
    let after_second = after_first & after_first.wrapping_sub(1);
    let after_third = after_second & after_second.wrapping_sub(1);
    let strange = (is_digit | is_dot) ^ is_text;
    let missing = is_first & !is_digit;
    let leading_zeros = is_first & is_zero & is_digit >> 1;
    let too_long = is_digit & is_digit >> 1 & is_digit >> 2 & is_digit >> 3;
    let is_wrong = strange | missing | leading_zeros | too_long | after_third != 0;
    let place = |dots: u32| dots.trailing_zeros() as usize;
    (!is_wrong && after_second != 0)
        .then(|| [place(is_dot), place(after_first), place(after_second)])
}

/// The digits from a place up to another, three at most, the last of them in the highest byte of
/// 32 bits.
fn lane(window: &[u8; WINDOW], start: usize, end: usize) -> Option<u64> {
    let values = u32::from_le_bytes(*window.get(start..)?.first_chunk()?) ^ 0x3030_3030;
    let bits = u32::try_from(8 * (end - start)).ok()?;
    Some(u64::from(values.unbounded_shl(u32::BITS - bits)))
}

/// The number that each half's digits are.
const fn octets(lanes: u64) -> u64 {
    const LOWEST: u64 = 0x0000_00ff_0000_00ff;
    (lanes >> 8 & LOWEST) * 100 + (lanes >> 16 & LOWEST) * 10 + (lanes >> 24 & LOWEST)
}

/// An IPv6 address of hexadecimal numbers alone, as AWS writes it.
pub(crate) fn ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    const GROUPS: u32 = 8;
    let (mut bits, mut groups, mut gap) = (0_u128, 0, None);
    let (mut group, mut digits) = (0, 0);
    for (index, byte) in text.iter().enumerate() {
        if let Some(digit) = char::from(*byte).to_digit(16) {
            (group, digits) = (group << 4 | digit, digits + 1);
            if digits > 4 {
                return None;
            }
        } else if *byte != b':' {
            return None;
        } else if digits > 0 {
            (bits, groups) = (bits << 16 | u128::from(group), groups + 1);
            (group, digits) = (0, 0);
        } else if index > 0 {
            if gap.replace(groups).is_some() {
                return None;
            }
        } else if text.get(1) != Some(&b':') {
            return None;
        }
    }
    if digits > 0 {
        (bits, groups) = (bits << 16 | u128::from(group), groups + 1);
    } else if gap != Some(groups) {
        return None;
    }
    match gap {
        None if groups == GROUPS => Some(Ipv6Addr::from_bits(bits)),
        Some(before) if groups < GROUPS => {
            let after = 16 * (groups - before);
            let start = (bits >> after).unbounded_shl(16 * (GROUPS - before));
            Some(Ipv6Addr::from_bits(start | (bits & ((1 << after) - 1))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::split::Spans;

    /// The value and something on both sides of it.
    fn in_line<T>(line: &str, read: impl Fn(&[u8], Span) -> Option<T>) -> Option<T> {
        let mut spans = Spans::default();
        spans.split(line.as_bytes(), 9);
        let middle = spans.count() / 2;
        read(line.as_bytes(), spans.get(middle).unwrap())
    }

    proptest! {
        /// Numbers are read as the standard library reads them, save that a plus sign is no
        /// digit, wherever they stand.
        #[test]
        fn every_text_is_a_number_or_not_as_in_the_standard_library(
            text in "[0-9]{1,22}|[0-9]{0,9}[+/:a-]{1,2}[0-9]{0,9}",
            before in "([0-9]{1,9} )?",
        ) {
            let expected: Option<u64> = text.parse().ok().filter(|_| !text.starts_with('+'));
            let after = if before.is_empty() { "" } else { " 17" };
            prop_assert_eq!(in_line(&format!("{before}{text}{after}"), number), expected);
        }

        /// So are addresses.
        #[test]
        fn every_text_is_an_address_or_not_as_in_the_standard_library(
            text in "([0-9]{1,3}[.]){2,4}[0-9]{1,3}|[0-9.]{1,17}|[0-9./:a]{1,17}",
            after in "( [0-9. ]{1,20})?",
        ) {
            let mut spans = Spans::default();
            let line = format!("{text}{after}");
            spans.split(line.as_bytes(), 30);
            let found = ipv4(line.as_bytes(), spans.get(0).unwrap());
            prop_assert_eq!(found, text.parse().ok());
        }

        /// What is read as an address of IPv6 is one, and every one is read that is written in
        /// the shortest way, unless it ends like one of IPv4.
        #[test]
        fn addresses_of_ipv6_are_those_of_the_standard_library(
            text in "([0-9a-f]{0,5}:){1,9}[0-9A-F]{0,5}|[0-9a-f:.]{1,20}",
            bits: u128,
            zeros: u128,
        ) {
            let expected: Option<Ipv6Addr> = text.parse().ok();
            prop_assert_eq!(ipv6(text.as_bytes()), expected.filter(|_| !text.contains('.')));
            let address = Ipv6Addr::from_bits(bits & zeros);
            let text = address.to_string();
            prop_assert!(text.contains('.') || ipv6(text.as_bytes()) == Some(address));
        }

        #[test]
        fn every_address_is_read(address: Ipv4Addr) {
            let line = format!("- {address} -");
            prop_assert_eq!(in_line(&line, ipv4), Some(address));
        }
    }
}
