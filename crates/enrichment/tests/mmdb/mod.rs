//! Writes databases in `MaxMind`'s format, for tests and benchmarks.
//!
//! Source: the [MaxMind DB File Format Specification](https://maxmind.github.io/MaxMind-DB/).

use std::net::{IpAddr, Ipv6Addr};

/// A value of the data section.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Double(f64),
    Short(u16),
    Number(u32),
    Long(u64),
    Map(Vec<(&'static str, Value)>),
    Array(Vec<Value>),
}

/// A text.
pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Something with a name in English.
pub(crate) fn named(name: &str) -> (&'static str, Value) {
    ("names", Value::Map(vec![("en", text(name))]))
}

/// A database of IPv4 and IPv6 that grows by networks.
pub(crate) struct Database {
    kind: &'static str,
    /// Each node's children: a node, [`NOTHING`], or beyond [`DATA`] an offset of the data.
    nodes: Vec<[u32; 2]>,
    data: Vec<u8>,
}

const NOTHING: u32 = u32::MAX;
const DATA: u32 = 1 << 31;

impl Database {
    pub(crate) fn new(kind: &'static str) -> Self {
        Self { kind, nodes: vec![[NOTHING; 2]], data: vec![] }
    }

    /// Says something of a network, whose address and length are as in `203.0.113.0/24`.
    pub(crate) fn add(&mut self, address: IpAddr, length: u32, value: &Value) {
        let (bits, length) = match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()), length + 96),
            IpAddr::V6(address) => (Ipv6Addr::to_bits(address), length),
        };
        let offset = DATA + u32::try_from(self.data.len()).unwrap();
        encode(value, &mut self.data);
        let mut node = 0;
        for depth in 0..length {
            let side = usize::from(bits >> (127 - depth) & 1 == 1);
            if depth + 1 == length {
                self.nodes[node][side] = offset;
            } else {
                if self.nodes[node][side] == NOTHING {
                    self.nodes[node][side] = u32::try_from(self.nodes.len()).unwrap();
                    self.nodes.push([NOTHING; 2]);
                }
                node = self.nodes[node][side] as usize;
            }
        }
    }

    /// The file's bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let count = u32::try_from(self.nodes.len()).unwrap();
        let mut bytes = vec![];
        for child in self.nodes.iter().flatten() {
            let record = match *child {
                NOTHING => count,
                data if data >= DATA => count + 16 + (data - DATA),
                node => node,
            };
            bytes.extend(record.to_be_bytes());
        }
        bytes.extend([0; 16]);
        bytes.extend(&self.data);
        bytes.extend(b"\xab\xcd\xefMaxMind.com");
        let metadata = Value::Map(vec![
            ("binary_format_major_version", Value::Short(2)),
            ("binary_format_minor_version", Value::Short(0)),
            ("build_epoch", Value::Long(1_700_000_000)),
            ("database_type", text(self.kind)),
            ("description", Value::Map(vec![("en", text("made by a test"))])),
            ("ip_version", Value::Short(6)),
            ("languages", Value::Array(vec![text("en")])),
            ("node_count", Value::Number(count)),
            ("record_size", Value::Short(32)),
        ]);
        encode(&metadata, &mut bytes);
        bytes
    }
}

fn encode(value: &Value, to: &mut Vec<u8>) {
    match value {
        Value::Text(text) => {
            control(2, text.len(), to);
            to.extend(text.as_bytes());
        }
        Value::Double(number) => {
            control(3, 8, to);
            to.extend(number.to_be_bytes());
        }
        Value::Short(number) => {
            control(5, 2, to);
            to.extend(number.to_be_bytes());
        }
        Value::Number(number) => {
            control(6, 4, to);
            to.extend(number.to_be_bytes());
        }
        Value::Long(number) => {
            control(9, 8, to);
            to.extend(number.to_be_bytes());
        }
        Value::Map(members) => {
            control(7, members.len(), to);
            for (key, value) in members {
                encode(&text(key), to);
                encode(value, to);
            }
        }
        Value::Array(values) => {
            control(11, values.len(), to);
            for value in values {
                encode(value, to);
            }
        }
    }
}

/// A value's type and size.
fn control(kind: u8, size: usize, to: &mut Vec<u8>) {
    let size = u8::try_from(size).unwrap();
    let (size, more) = if size < 29 { (size, None) } else { (29, Some(size - 29)) };
    to.push(if kind > 7 { size } else { kind << 5 | size });
    to.extend((kind > 7).then(|| kind - 7));
    to.extend(more);
}
