//! Numbers and IPv4 addresses, read without asking after each digit.
//!
//! How many digits a number has cannot be foreseen, and a processor that guesses wrong waits for
//! longer than the arithmetic takes. So all digits are looked at in one word, and what is wrong
//! with them is asked once, at the end.

use std::net::Ipv4Addr;

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

/// The longest IPv4 address: 255.255.255.255.
const LONGEST_IPV4: usize = 15;

/// An IPv4 address that stands in a line: four numbers up to 255 without leading zeros, as the
/// standard library reads it, in a fraction of the time.
pub(crate) fn ipv4(line: &[u8], span: Span) -> Option<Ipv4Addr> {
    const WINDOW: usize = LONGEST_IPV4 + 1;
    let length = span.end() - span.start();
    if length > LONGEST_IPV4 {
        return None;
    }
    let text = line.get(span.start()..).unwrap_or_default();
    if let Some(window) = text.first_chunk::<WINDOW>() {
        return ipv4_in(window, length);
    }
    let mut window = [0; WINDOW];
    window.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    ipv4_in(&window, length)
}

/// The address that the first bytes are, so many of them.
fn ipv4_in(window: &[u8; LONGEST_IPV4 + 1], length: usize) -> Option<Ipv4Addr> {
    let mut at = 0;
    let mut bits = 0;
    let mut is_wrong = false;
    for index in 0..4 {
        let octet = Octet::of(*window.get(at..)?.first_chunk()?);
        is_wrong |= octet.is_wrong;
        bits = bits << 8 | octet.value;
        at += octet.digits;
        is_wrong |= (index < 3) & (window.get(at) != Some(&b'.'));
        at += 1;
    }
    (!is_wrong && at == length + 1).then_some(Ipv4Addr::from_bits(bits))
}

/// The number that four bytes begin with: up to three digits, then something else.
struct Octet {
    value: u32,
    digits: usize,
    /// Whether it has no digit or too many, a leading zero, or is above 255.
    is_wrong: bool,
}

impl Octet {
    #[expect(clippy::needless_bitwise_bool, reason = "what to ask next must not be guessed")]
    fn of(bytes: [u8; 4]) -> Self {
        let values = u32::from_le_bytes(bytes) ^ 0x3030_3030;
        // The lowest byte that is no digit is marked; those above it may be misjudged.
        let others = (values.wrapping_add(0x7676_7676) | values) & 0x8080_8080;
        let bits = others.trailing_zeros() & !7;
        // The last digit goes to the highest byte.
        let aligned = values.unbounded_shl(u32::BITS - bits);
        let (hundreds, tens, ones) = (aligned >> 8 & 0xff, aligned >> 16 & 0xff, aligned >> 24);
        let value = hundreds * 100 + tens * 10 + ones;
        let has_leading_zero = (bits > 8) & (values.trailing_zeros() >= 8);
        let is_wrong = (bits == 0) | (bits > 24) | has_leading_zero | (value > 255);
        Self { value, digits: (bits / 8) as usize, is_wrong }
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

        #[test]
        fn every_address_is_read(address: Ipv4Addr) {
            let line = format!("- {address} -");
            prop_assert_eq!(in_line(&line, ipv4), Some(address));
        }
    }
}
