//! The values of a record: what a field may hold, and what is expected where it does not.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str;

use crate::{Action, Field, FlowDirection, LogStatus, ValueType};

/// What AWS writes in place of a value that does not apply or could not be computed.
pub(crate) const DASH: &[u8] = b"-";

/// A value of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `-`: it does not apply or could not be computed.
    Dash,
    /// A text as it stands in the record.
    Text(&'a str),
    /// A whole number, in the field's unit.
    Number(u64),
    /// An address.
    Address(IpAddr),
}

/// What should have stood where something else did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// As many values as the format has fields.
    Values(usize),
    /// A whole number of 32 bits.
    Int32,
    /// A whole number of 64 bits.
    Int64,
    /// An IPv4 or IPv6 address.
    Address,
    /// One of AWS's words for the field.
    OneOf(&'static [&'static str]),
    /// Text in UTF-8.
    Utf8,
    /// A JSON object with `message`, or with `logEvents` that have it.
    Json,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values(1) => f.write_str("1 value"),
            Self::Values(count) => write!(f, "{count} values"),
            Self::Int32 => f.write_str("a whole number of 32 bits"),
            Self::Int64 => f.write_str("a whole number of 64 bits"),
            Self::Address => f.write_str("an IPv4 or IPv6 address"),
            Self::OneOf(words) => f.write_str(&words.join(" or ")),
            Self::Utf8 => f.write_str("text in UTF-8"),
            Self::Json => f.write_str("a JSON object with a message"),
        }
    }
}

/// How the values of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Address,
    Int32,
    Int64,
    Action,
    FlowDirection,
    LogStatus,
}

impl Kind {
    pub(crate) const fn of(field: Field) -> Self {
        match (field, field.value_type()) {
            (Field::Action, _) => Self::Action,
            (Field::FlowDirection, _) => Self::FlowDirection,
            (Field::LogStatus, _) => Self::LogStatus,
            (_, ValueType::Text) => Self::Text,
            (_, ValueType::Address) => Self::Address,
            (_, ValueType::Int32) => Self::Int32,
            (_, ValueType::Int64) => Self::Int64,
        }
    }

    /// Reads a value. Every field but the log status may be `-`.
    pub(crate) fn read(self, text: &[u8]) -> Result<Value<'_>, Expected> {
        if text == DASH && self != Self::LogStatus {
            return Ok(Value::Dash);
        }
        match self {
            Self::Int32 => {
                let number = number(text).filter(|number| u32::try_from(*number).is_ok());
                number.map(Value::Number).ok_or(Expected::Int32)
            }
            Self::Int64 => number(text).map(Value::Number).ok_or(Expected::Int64),
            Self::Address => address(text).map(Value::Address).ok_or(Expected::Address),
            Self::Text => str::from_utf8(text).map(Value::Text).map_err(|_| Expected::Utf8),
            Self::Action => word(text, &["ACCEPT", "REJECT"], Action::from_word),
            Self::FlowDirection => word(text, &["ingress", "egress"], FlowDirection::from_word),
            Self::LogStatus => word(text, &["OK", "NODATA", "SKIPDATA"], LogStatus::from_word),
        }
    }
}

fn word<'a, T>(
    text: &'a [u8],
    words: &'static [&'static str],
    from_word: impl Fn(&str) -> Option<T>,
) -> Result<Value<'a>, Expected> {
    let text = str::from_utf8(text).ok().filter(|text| from_word(text).is_some());
    text.map(Value::Text).ok_or(Expected::OneOf(words))
}

/// A whole number in decimal digits, without a sign.
fn number(text: &[u8]) -> Option<u64> {
    /// Every number with so few digits fits 64 bits.
    const SAFE_DIGITS: usize = 19;
    if text.is_empty() {
        return None;
    }
    if text.len() > SAFE_DIGITS {
        return long_number(text);
    }
    text.iter().try_fold(0_u64, |number, byte| Some(number * 10 + digit(*byte)?))
}

fn long_number(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0_u64, |number, byte| number.checked_mul(10)?.checked_add(digit(*byte)?))
}

const fn digit(byte: u8) -> Option<u64> {
    let value = byte.wrapping_sub(b'0');
    if value < 10 { Some(value as u64) } else { None }
}

fn address(text: &[u8]) -> Option<IpAddr> {
    if let Some(address) = ipv4(text) {
        return Some(IpAddr::V4(address));
    }
    str::from_utf8(text).ok()?.parse().ok()
}

/// An IPv4 address: four numbers up to 255 without leading zeros, as the standard library reads
/// it, in a fraction of the time.
fn ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut rest = text;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        (*octet, rest) = leading_octet(rest)?;
    }
    rest.is_empty().then(|| Ipv4Addr::from(octets))
}

/// The number up to 255 that a text begins with, and what follows it.
fn leading_octet(text: &[u8]) -> Option<(u8, &[u8])> {
    let (first, mut rest) = text.split_first()?;
    let mut number = u16::from(small_digit(*first)?);
    let mut digits = 1;
    while let Some((next, after)) = rest.split_first() {
        let Some(digit) = small_digit(*next) else { break };
        if number == 0 || digits == 3 {
            return None;
        }
        number = number * 10 + u16::from(digit);
        digits += 1;
        rest = after;
    }
    Some((u8::try_from(number).ok()?, rest))
}

const fn small_digit(byte: u8) -> Option<u8> {
    let value = byte.wrapping_sub(b'0');
    if value < 10 { Some(value) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_have_their_documented_width() {
        assert_eq!(Kind::Int32.read(b"4294967295"), Ok(Value::Number(4_294_967_295)));
        assert_eq!(Kind::Int32.read(b"4294967296"), Err(Expected::Int32));
        let most = u64::MAX.to_string();
        assert_eq!(Kind::Int64.read(most.as_bytes()), Ok(Value::Number(u64::MAX)));
        assert_eq!(Kind::Int64.read(b"18446744073709551616"), Err(Expected::Int64));
        assert_eq!(Kind::Int64.read(b"00000000000000000000042"), Ok(Value::Number(42)));
        for text in [b"+1".as_slice(), b"-1", b"1.0", b"0x1", b""] {
            assert_eq!(Kind::Int64.read(text), Err(Expected::Int64));
        }
    }

    #[test]
    fn a_dash_is_a_value_of_every_field_but_the_status() {
        assert_eq!(Kind::Int64.read(b"-"), Ok(Value::Dash));
        assert_eq!(Kind::Action.read(b"-"), Ok(Value::Dash));
        let statuses = &["OK", "NODATA", "SKIPDATA"];
        assert_eq!(Kind::LogStatus.read(b"-"), Err(Expected::OneOf(statuses)));
    }

    #[test]
    fn addresses_are_those_of_the_standard_library() {
        for text in [
            "0.0.0.0",
            "255.255.255.255",
            "256.1.1.1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1..2.3",
            "::1",
            "2001:db8::8a2e:370:7334",
            "::ffff:10.0.0.1",
            "fe80::1%eth0",
            ":::",
            "1.2.3.4 ",
        ] {
            assert_eq!(address(text.as_bytes()), text.parse().ok(), "{text}");
        }
    }

    proptest! {
        /// The quick reading of an address never differs from the standard library's.
        #[test]
        fn every_text_is_an_address_or_not_as_in_the_standard_library(text in "[0-9.:a-f]{0,20}") {
            prop_assert_eq!(address(text.as_bytes()), text.parse().ok());
        }

        /// Numbers are read as the standard library reads them, save that a plus sign is no digit.
        #[test]
        fn every_text_is_a_number_or_not_as_in_the_standard_library(text in "[0-9]{0,22}|[0-9+-]{0,4}") {
            let expected = text.parse().ok().filter(|_| !text.starts_with('+'));
            prop_assert_eq!(number(text.as_bytes()), expected);
        }
    }
}
