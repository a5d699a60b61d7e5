//! Values as keys of a table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use flowlog::Value;

use crate::column::{Column, ColumnType, Row};
use crate::output::Cell;

/// A value that outlives its record. The order is that of output: addresses and numbers by
/// their value, texts by their bytes, nothing last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OwnValue {
    /// A number.
    Number(u64),
    /// An address.
    Address(IpAddr),
    /// A text.
    Text(String),
    /// None.
    Missing,
}

impl<'v> From<&'v OwnValue> for Cell<'v> {
    fn from(value: &'v OwnValue) -> Self {
        match value {
            OwnValue::Number(number) => Self::Number(*number),
            OwnValue::Address(address) => Self::Address(*address),
            OwnValue::Text(text) => Self::Text(text),
            OwnValue::Missing => Self::Missing,
        }
    }
}

/// How rows become keys: by these columns.
#[derive(Clone, Debug)]
pub(crate) struct KeyColumns {
    columns: Vec<Column>,
    scratch: Vec<u8>,
}

/// A row's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key<'k> {
    /// One or two values in 64 bits.
    Packed(u64),
    /// Any values, as bytes.
    Wide(&'k [u8]),
}

const MISSING: u8 = 0;
const NUMBER: u8 = 1;
const V4: u8 = 2;
const V6: u8 = 3;
const TEXT: u8 = 4;

impl KeyColumns {
    /// Keys of these columns.
    #[must_use]
    pub(crate) const fn new(columns: Vec<Column>) -> Self {
        Self { columns, scratch: vec![] }
    }

    /// The columns.
    #[must_use]
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The row's key.
    pub(crate) fn key(&mut self, row: &Row<'_>) -> Key<'_> {
        match self.packed(row) {
            Some(key) => Key::Packed(key),
            None => self.wide(row),
        }
    }

    /// The key as 64 bits: one number or short text, or one or two values of 32 bits.
    fn packed(&self, row: &Row<'_>) -> Option<u64> {
        match self.columns.as_slice() {
            [column] => match column.value(row) {
                Value::Number(number) => Some(number),
                Value::Text(text) => packed_text(text.as_bytes()),
                Value::Address(_) => half(column, row),
                Value::Dash => None,
            },
            [first, second] => {
                let first = half(first, row)?;
                Some(first << 32 | half(second, row)?)
            }
            _ => None,
        }
    }

    fn wide(&mut self, row: &Row<'_>) -> Key<'_> {
        self.scratch.clear();
        for column in &self.columns {
            write_value(&column.value(row), &mut self.scratch);
        }
        Key::Wide(&self.scratch)
    }

    /// The values of a packed key.
    #[must_use]
    pub(crate) fn unpack(&self, key: u64) -> Vec<OwnValue> {
        match self.columns.as_slice() {
            [column] => match column.column_type() {
                ColumnType::Number(_) => vec![OwnValue::Number(key)],
                ColumnType::Text => vec![OwnValue::Text(unpacked_text(key))],
                ColumnType::Address => vec![of_half(column, key)],
            },
            [first, second] => {
                vec![of_half(first, key >> 32), of_half(second, key & u64::from(u32::MAX))]
            }
            _ => vec![],
        }
    }

    /// The values of a wide key.
    #[must_use]
    pub(crate) fn read(&self, key: &[u8]) -> Vec<OwnValue> {
        let mut rest = key;
        self.columns.iter().map(|_| read_value(&mut rest).unwrap_or(OwnValue::Missing)).collect()
    }
}

/// A text of seven bytes at most, and its length in the highest byte.
fn packed_text(text: &[u8]) -> Option<u64> {
    let mut bytes = [0; 8];
    let (length, room) = bytes.split_last_mut()?;
    room.get_mut(..text.len())?.copy_from_slice(text);
    *length = u8::try_from(text.len()).ok()?;
    Some(u64::from_le_bytes(bytes))
}

fn unpacked_text(key: u64) -> String {
    let bytes = key.to_le_bytes();
    let text = bytes.split_last().and_then(|(length, room)| room.get(..usize::from(*length)));
    String::from_utf8_lossy(text.unwrap_or_default()).into_owned()
}

/// A column's value in 32 bits. Texts and addresses of IPv6 have none.
fn half(column: &Column, row: &Row<'_>) -> Option<u64> {
    let address = match column {
        Column::Client => row.record.address(row.leg?.client_field()?),
        Column::Peer => row.record.address(row.leg?.peer_field()),
        _ => match column.value(row) {
            Value::Number(number) => return u32::try_from(number).ok().map(u64::from),
            Value::Address(address) => Some(address),
            _ => None,
        },
    };
    match address? {
        IpAddr::V4(address) => Some(u64::from(address.to_bits())),
        IpAddr::V6(_) => None,
    }
}

fn of_half(column: &Column, half: u64) -> OwnValue {
    match (column.column_type(), u32::try_from(half)) {
        (ColumnType::Address, Ok(bits)) => OwnValue::Address(Ipv4Addr::from_bits(bits).into()),
        _ => OwnValue::Number(half),
    }
}

fn write_value(value: &Value<'_>, key: &mut Vec<u8>) {
    match value {
        Value::Dash => key.push(MISSING),
        Value::Number(number) => {
            key.push(NUMBER);
            key.extend(number.to_le_bytes());
        }
        Value::Address(IpAddr::V4(address)) => {
            key.push(V4);
            key.extend(address.octets());
        }
        Value::Address(IpAddr::V6(address)) => {
            key.push(V6);
            key.extend(address.octets());
        }
        Value::Text(text) => {
            key.push(TEXT);
            key.extend(text.len().to_le_bytes());
            key.extend(text.as_bytes());
        }
    }
}

/// Reads what `write_value` wrote.
fn read_value(rest: &mut &[u8]) -> Option<OwnValue> {
    match *rest.split_off_first()? {
        NUMBER => Some(OwnValue::Number(u64::from_le_bytes(take(rest)?))),
        V4 => Some(OwnValue::Address(Ipv4Addr::from_octets(take(rest)?).into())),
        V6 => Some(OwnValue::Address(Ipv6Addr::from_octets(take(rest)?).into())),
        TEXT => {
            let length = usize::from_le_bytes(take(rest)?);
            let text = rest.split_off(..length)?;
            Some(OwnValue::Text(String::from_utf8_lossy(text).into_owned()))
        }
        _ => Some(OwnValue::Missing),
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use flowlog::{Format, Parser};

    use super::*;

    fn round_trip(columns: &str, line: &str) -> (bool, Vec<OwnValue>) {
        let columns = columns.split(',').map(|name| name.parse().unwrap()).collect();
        let mut keys = KeyColumns::new(columns);
        let format =
            Format::parse("${srcaddr} ${dstaddr} ${srcport} ${bytes} ${action} ${flow-mood}")
                .unwrap();
        let mut parser = Parser::new(format);
        let mut records = parser.records(line.as_bytes());
        let record = records.next().unwrap().unwrap();
        let row = Row { record, partitions: &[], leg: None };
        match keys.key(&row) {
            Key::Packed(key) => (true, keys.unpack(key)),
            Key::Wide(key) => {
                let key = key.to_vec();
                (false, keys.read(&key))
            }
        }
    }

    #[test]
    fn keys_give_back_their_values() {
        let line = "10.0.0.1 255.255.255.255 443 18446744073709551615 ACCEPT serene!";
        let address = |text: &str| OwnValue::Address(text.parse().unwrap());
        let packed = |values| (true, values);
        assert_eq!(round_trip("srcaddr", line), packed(vec![address("10.0.0.1")]));
        assert_eq!(
            round_trip("srcaddr,dstaddr", line),
            packed(vec![address("10.0.0.1"), address("255.255.255.255")])
        );
        assert_eq!(round_trip("bytes", line), packed(vec![OwnValue::Number(u64::MAX)]));
        assert_eq!(
            round_trip("dstaddr,srcport", line),
            packed(vec![address("255.255.255.255"), OwnValue::Number(443)])
        );
        let text = |text: &str| OwnValue::Text(text.to_owned());
        assert_eq!(round_trip("action", line), packed(vec![text("ACCEPT")]));
        assert_eq!(round_trip("flow-mood", line), packed(vec![text("serene!")]));
        let long = line.replace("serene!", "serene!!");
        assert_eq!(round_trip("flow-mood", &long), (false, vec![text("serene!!")]));
        let (is_packed, values) = round_trip("action,bytes,srcaddr", line);
        assert!(!is_packed);
        assert_eq!(values, [text("ACCEPT"), OwnValue::Number(u64::MAX), address("10.0.0.1")]);
        let ipv6 = "2001:db8::1 10.0.0.2 - - - -";
        let (is_packed, values) = round_trip("srcaddr,dstaddr", ipv6);
        assert!(!is_packed);
        assert_eq!(values, [address("2001:db8::1"), address("10.0.0.2")]);
        assert_eq!(round_trip("srcport", ipv6), (false, vec![OwnValue::Missing]));
    }
}
