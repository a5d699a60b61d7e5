//! A record as a JSON document.
//!
//! What the record says has the names that the record's fields have in JSON everywhere here
//! ([`Field::json_name`]); a value of `-` is left out. So is what nobody knows. What is added about
//! the interface fills the fields that other flow logs have, and what no flow log has is named
//! alike. What is added about addresses, and the document's own time and ID, are named as in ECS.

use std::net::IpAddr;

use flowlog::{Field, FlowDirection, Format, FormatField, Record, ValueType};
use twox_hash::XxHash3_128;

use crate::{
    geolocation::{DatabaseError, Geolocation},
    interfaces::KnownInterface,
    json,
    timestamps::Timestamps,
};

/// How the documents of one format are written.
pub(crate) struct Layout {
    format: Format,
    columns: Vec<Column>,
    is_identifying: bool,
}

struct Column {
    /// `,"srcaddr":`, and the quote of a plain text.
    key: Box<[u8]>,
    field: Option<Field>,
    shape: Shape,
}

/// How a value is written.
#[derive(Clone, Copy)]
enum Shape {
    /// Digits, as the parser has seen.
    Number,
    /// A word or an address, as the parser has seen: nothing in it needs an escape.
    Plain,
    Text,
}

/// Records that agree in these are one: which flow, at which interface, and when.
const IDENTIFYING: [Field; 7] = [
    Field::SrcAddr,
    Field::DstAddr,
    Field::SrcPort,
    Field::DstPort,
    Field::Protocol,
    Field::Start,
    Field::End,
];

impl Layout {
    pub(crate) fn new(format: &Format) -> Self {
        let has = |field: Field| format.position(field).is_some();
        let is_identifying = IDENTIFYING.iter().all(|field| has(*field))
            && (has(Field::InterfaceId) || has(Field::ResourceId));
        let columns = format.fields().iter().map(Column::new).collect();
        Self { format: format.clone(), columns, is_identifying }
    }

    pub(crate) fn is_of(&self, format: &Format) -> bool {
        self.format == *format
    }

    /// Writes what the record says. The document is open: [`finish`] ends it.
    pub(crate) fn write(
        &self,
        record: &Record<'_>,
        times: &mut Timestamps,
        to: &mut Vec<u8>,
    ) -> Said {
        to.clear();
        let time = record.number(Field::Start).or_else(|| record.number(Field::End));
        if let Some(time) = time.and_then(|time| times.text(time)) {
            to.extend_from_slice(br#","@timestamp":""#);
            to.extend_from_slice(time.as_bytes());
            to.push(b'"');
        }
        let mut said = Said(0);
        for (place, column) in self.columns.iter().enumerate() {
            if column.push(record, place, to)
                && let Some(field) = column.field
            {
                said.note(field);
            }
        }
        if self.is_identifying {
            push_id(to, XxHash3_128::oneshot(to));
        }
        said
    }
}

impl Column {
    fn new(field: &FormatField) -> Self {
        let name =
            field.known().map_or_else(|| field.name().replace('-', "_"), |f| f.json_name().into());
        let mut key = vec![b','];
        json::push_text(&mut key, &name);
        key.push(b':');
        let shape = shape(field);
        if matches!(shape, Shape::Plain) {
            key.push(b'"');
        }
        Self { key: key.into(), field: field.known(), shape }
    }

    /// Appends the value, if there is one.
    fn push(&self, record: &Record<'_>, place: usize, to: &mut Vec<u8>) -> bool {
        let value = match self.field {
            Some(field) => record.bytes(field),
            None => record.text_at(place).map(str::as_bytes),
        };
        let Some(value) = value.filter(|value| *value != b"-") else { return false };
        to.extend_from_slice(&self.key);
        match (self.shape, value) {
            // JSON wants none but significant digits.
            (Shape::Number, [b'0', _, ..]) => {
                let zeros = value.iter().take_while(|digit| **digit == b'0').count();
                let digits = value.get(zeros.min(value.len() - 1)..).unwrap_or_default();
                to.extend_from_slice(digits);
            }
            (Shape::Number, digits) => to.extend_from_slice(digits),
            (Shape::Plain, text) => {
                to.extend_from_slice(text);
                to.push(b'"');
            }
            (Shape::Text, text) => json::push_text(to, str::from_utf8(text).unwrap_or_default()),
        }
        true
    }
}

fn shape(field: &FormatField) -> Shape {
    let Some(field) = field.known() else { return Shape::Text };
    match (field, field.value_type()) {
        (_, ValueType::Int32 | ValueType::Int64) => Shape::Number,
        (_, ValueType::Address) | (Field::Action | Field::FlowDirection | Field::LogStatus, _) => {
            Shape::Plain
        }
        (_, ValueType::Text) => Shape::Text,
    }
}

/// Appends `,"event":{"id":"…"}`.
fn push_id(to: &mut Vec<u8>, id: u128) {
    to.extend_from_slice(br#","event":{"id":""#);
    let digits = id.to_be_bytes().into_iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    to.extend(digits.map(|digit| digit + if digit < 10 { b'0' } else { b'a' - 10 }));
    to.extend_from_slice(br#""}"#);
}

/// Which fields the record has a value for.
#[derive(Clone, Copy)]
pub(crate) struct Said(u64);

impl Said {
    fn note(&mut self, field: Field) {
        self.0 |= 1 << (field as u8);
    }

    pub(crate) const fn has(self, field: Field) -> bool {
        self.0 & (1 << (field as u8)) != 0
    }
}

/// Appends what EC2 knows of the record's interface and the record does not say.
pub(crate) fn push_interface(
    interface: &KnownInterface,
    said: Said,
    record: &Record<'_>,
    to: &mut Vec<u8>,
) {
    interface.push(to, |field| !said.has(field));
    if !said.has(Field::FlowDirection) {
        let [source, destination] = [Field::SrcAddr, Field::DstAddr].map(|f| record.address(f));
        match interface.direction(source, destination) {
            Some(FlowDirection::Ingress) => to.extend_from_slice(br#","flow_direction":"ingress""#),
            Some(FlowDirection::Egress) => to.extend_from_slice(br#","flow_direction":"egress""#),
            None => {}
        }
    }
}

/// Appends where the packet's addresses are, and whose.
pub(crate) fn push_places<S: AsRef<[u8]>>(
    geolocation: &mut Geolocation<S>,
    record: &Record<'_>,
    to: &mut Vec<u8>,
) -> Result<(), DatabaseError> {
    for (key, packet, own) in [
        ("source", Field::PktSrcAddr, Field::SrcAddr),
        ("destination", Field::PktDstAddr, Field::DstAddr),
    ] {
        // Behind a gateway the record's own address is the gateway's.
        let address: Option<IpAddr> = record.address(packet).or_else(|| record.address(own));
        let Some(address) = address else { continue };
        if let Some((_, members)) = geolocation.members(address)?.split_first() {
            to.extend_from_slice(b",\"");
            to.extend_from_slice(key.as_bytes());
            to.extend_from_slice(b"\":{");
            to.extend_from_slice(members);
            to.push(b'}');
        }
    }
    Ok(())
}

/// Ends a document and its line.
pub(crate) fn finish(document: &mut Vec<u8>) {
    // Every member has brought a comma.
    match document.first_mut() {
        Some(first) => *first = b'{',
        None => document.push(b'{'),
    }
    document.extend_from_slice(b"}\n");
}
