//! The values of a record: what a field may hold, and what is expected where it does not.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str;

use crate::digits::{ipv4, ipv6, number};
use crate::split::Span;
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
        let mut cell = Cell::Dash;
        let is_read = self.read_in(text, Span::whole(text), &mut cell);
        cell.value(text).filter(|_| is_read).ok_or(self.expected())
    }

    /// What a value of this kind is.
    pub(crate) const fn expected(self) -> Expected {
        match self {
            Self::Text => Expected::Utf8,
            Self::Address => Expected::Address,
            Self::Int32 => Expected::Int32,
            Self::Int64 => Expected::Int64,
            Self::Action => Expected::OneOf(&["ACCEPT", "REJECT"]),
            Self::FlowDirection => Expected::OneOf(&["ingress", "egress"]),
            Self::LogStatus => Expected::OneOf(&["OK", "NODATA", "SKIPDATA"]),
        }
    }

    /// Reads the value at a place of a line into a cell. What stands around the value does not
    /// matter, but saves copying it. Returns whether the value is of this kind.
    ///
    /// The cell is written where it stays: copying what was just written in parts makes the
    /// processor wait until all of them are in its cache.
    #[inline]
    pub(crate) fn read_in(self, line: &[u8], span: Span, cell: &mut Cell) -> bool {
        let text = span.of(line);
        if text == DASH && self != Self::LogStatus {
            *cell = Cell::Dash;
            return true;
        }
        match self {
            Self::Int32 => cell.put(number_of_32_bits(line, span), Cell::Number),
            Self::Int64 => cell.put(number(line, span), Cell::Number),
            Self::Address => {
                cell.put(ipv4(line, span), Cell::V4) || cell.put(other_address(text), Cell::V6)
            }
            Self::Text => cell.put(str::from_utf8(text).ok(), |_| Cell::Text),
            Self::Action => cell.put(action(text), Cell::Action),
            Self::FlowDirection => cell.put(direction(text), Cell::FlowDirection),
            Self::LogStatus => cell.put(status(text), Cell::LogStatus),
        }
    }
}

fn number_of_32_bits(line: &[u8], span: Span) -> Option<u64> {
    number(line, span).filter(|number| u32::try_from(*number).is_ok())
}

fn action(text: &[u8]) -> Option<Action> {
    match text {
        b"ACCEPT" => Some(Action::Accept),
        b"REJECT" => Some(Action::Reject),
        _ => None,
    }
}

fn direction(text: &[u8]) -> Option<FlowDirection> {
    match text {
        b"ingress" => Some(FlowDirection::Ingress),
        b"egress" => Some(FlowDirection::Egress),
        _ => None,
    }
}

fn status(text: &[u8]) -> Option<LogStatus> {
    match text {
        b"OK" => Some(LogStatus::Ok),
        b"NODATA" => Some(LogStatus::NoData),
        b"SKIPDATA" => Some(LogStatus::SkipData),
        _ => None,
    }
}

/// A value that was read; a text stays in the line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell {
    Dash,
    Text,
    Number(u64),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    Action(Action),
    FlowDirection(FlowDirection),
    LogStatus(LogStatus),
}

impl Cell {
    /// Holds a value, if there is one. Returns whether there is.
    #[inline]
    fn put<T>(&mut self, value: Option<T>, cell: impl FnOnce(T) -> Self) -> bool {
        let Some(value) = value else { return false };
        *self = cell(value);
        true
    }

    /// The value; `text` is where it was read. None if that is not in UTF-8.
    pub(crate) fn value<'a>(&self, text: &'a [u8]) -> Option<Value<'a>> {
        match *self {
            Self::Dash => Some(Value::Dash),
            Self::Text => str::from_utf8(text).ok().map(Value::Text),
            Self::Number(number) => Some(Value::Number(number)),
            Self::V4(address) => Some(Value::Address(IpAddr::V4(address))),
            Self::V6(address) => Some(Value::Address(IpAddr::V6(address))),
            Self::Action(action) => Some(Value::Text(action.as_str())),
            Self::FlowDirection(direction) => Some(Value::Text(direction.as_str())),
            Self::LogStatus(status) => Some(Value::Text(status.as_str())),
        }
    }
}

/// An address of IPv6 in any of its forms.
fn other_address(text: &[u8]) -> Option<Ipv6Addr> {
    ipv6(text).or_else(|| str::from_utf8(text).ok()?.parse().ok())
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
            assert_eq!(Kind::Address.read(text.as_bytes()).ok(), address_of(text), "{text}");
        }
    }

    fn address_of(text: &str) -> Option<Value<'_>> {
        text.parse().ok().map(Value::Address)
    }

    proptest! {
        /// The quick reading of an address never differs from the standard library's.
        #[test]
        fn every_text_is_an_address_or_not_as_in_the_standard_library(text in "[0-9.:a-f]{1,20}") {
            prop_assert_eq!(Kind::Address.read(text.as_bytes()).ok(), address_of(&text));
        }
    }
}
