//! What can be asked of a record: AWS's fields, and what follows from several of them.

use std::fmt;
use std::str::FromStr;

use flowlog::{Field, Format, Leg, Record, Value, ValueType};

/// A part of a hive-partitioned path: `aws-region=eu-west-1`.
pub(crate) type Partition = (Box<str>, Box<str>);

/// A record, and what is known of it beyond its line.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    /// The record.
    pub record: Record<'r>,
    /// What the path of its file says.
    pub partitions: &'r [Partition],
    /// Its part in a connection through a gateway, if it has one and it was asked for.
    pub leg: Option<Leg>,
}

/// Something that a row has a value for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// A field of the table.
    Field(Field),
    /// The end of the connection behind the gateway.
    Client,
    /// The end of the connection beyond the gateway.
    Peer,
    /// Which leg of the connection the record describes.
    Direction,
    /// The gateway's network interface, or the ID of a regional gateway.
    Gateway,
    /// The peer's AWS service.
    Service,
    /// The peer's port.
    Port,
    /// A field that the table does not have, or a part of the path.
    Named(Box<str>),
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// Addresses.
    Address,
    /// Whole numbers of this many bits.
    Number(u8),
}

/// A name that no column can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a field's name, such as client, peer, pkt-dstaddr or bytes, found `{0}`")]
pub struct NoColumnName(String);

const DERIVED: [(&str, Column); 6] = [
    ("client", Column::Client),
    ("peer", Column::Peer),
    ("direction", Column::Direction),
    ("gateway", Column::Gateway),
    ("service", Column::Service),
    ("port", Column::Port),
];

impl FromStr for Column {
    type Err = NoColumnName;

    /// Reads a field in AWS's, Logs Insights' or JSON's spelling, or one of the derived names.
    /// Any other name is kept: the input may have it.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if let Some((_, column)) = DERIVED.into_iter().find(|(derived, _)| *derived == name) {
            return Ok(column);
        }
        if name == "az" {
            return Ok(Self::Field(Field::AzId));
        }
        if let Some(field) = field_of(name) {
            return Ok(Self::Field(field));
        }
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if is_name { Ok(Self::Named(name.into())) } else { Err(NoColumnName(name.to_owned())) }
    }
}

fn field_of(name: &str) -> Option<Field> {
    let by_insights_name = || Field::ALL.into_iter().find(|field| field.insights_name() == name);
    Field::from_token(name).or_else(|| Field::from_json_name(name)).or_else(by_insights_name)
}

impl fmt::Display for Column {
    /// Writes AWS's name of a field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => f.pad(field.token()),
            Self::Named(name) => f.pad(name),
            derived => f.pad(derived.derived_name().unwrap_or_default()),
        }
    }
}

impl Column {
    fn derived_name(&self) -> Option<&'static str> {
        let found = DERIVED.iter().find(|(_, column)| column == self);
        found.map(|(name, _)| *name)
    }

    /// The column's name in JSON, CSV and Parquet: `pkt_srcaddr`.
    #[must_use]
    pub fn json_name(&self) -> String {
        match self {
            Self::Field(field) => field.json_name().to_owned(),
            Self::Named(name) => name.replace('-', "_"),
            derived => derived.to_string(),
        }
    }

    /// What the column's values are.
    #[must_use]
    pub fn column_type(&self) -> ColumnType {
        match self {
            Self::Field(field) => match field.value_type() {
                ValueType::Text => ColumnType::Text,
                ValueType::Address => ColumnType::Address,
                ValueType::Int32 => ColumnType::Number(32),
                ValueType::Int64 => ColumnType::Number(64),
            },
            Self::Client | Self::Peer => ColumnType::Address,
            Self::Port => ColumnType::Number(32),
            Self::Direction | Self::Gateway | Self::Service | Self::Named(_) => ColumnType::Text,
        }
    }

    /// Whether the column's value depends on the record's part in a connection.
    #[must_use]
    pub const fn needs_flow(&self) -> bool {
        matches!(self, Self::Client | Self::Peer | Self::Direction | Self::Service | Self::Port)
    }

    /// The fields that the value is made of, those of the connection's legs aside.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        match self {
            Self::Field(field) => vec![*field],
            Self::Gateway => vec![Field::ResourceId, Field::InterfaceId],
            Self::Service => vec![Field::PktSrcAwsService, Field::PktDstAwsService],
            Self::Port => vec![Field::SrcPort, Field::DstPort],
            Self::Client | Self::Peer | Self::Direction | Self::Named(_) => vec![],
        }
    }

    /// Whether records of a format, in a file with such a path, can have a value.
    #[must_use]
    pub fn is_in(&self, format: &Format, partitions: &[Partition]) -> bool {
        let has = |field: &Field| format.position(*field).is_some();
        match self {
            Self::Field(field) => has(field) || partition_of(*field, partitions).is_some(),
            Self::Gateway => self.fields().iter().any(has),
            Self::Named(name) => {
                format.unknown_names().any(|found| found == &**name)
                    || named(name, partitions).is_some()
            }
            Self::Client | Self::Peer | Self::Direction | Self::Service | Self::Port => {
                self.fields().iter().all(has)
            }
        }
    }

    /// The row's value.
    #[must_use]
    pub fn value<'r>(&self, row: &Row<'r>) -> Value<'r> {
        match self {
            Self::Field(field) => field_value(*field, row),
            Self::Client => value_of(row, row.leg.and_then(Leg::client_field)),
            Self::Peer => value_of(row, row.leg.map(Leg::peer_field)),
            Self::Direction => row.leg.map_or(Value::Dash, |leg| Value::Text(direction(leg))),
            Self::Gateway => gateway(&row.record),
            Self::Service => of_peer(row, Field::PktSrcAwsService, Field::PktDstAwsService),
            Self::Port => of_peer(row, Field::SrcPort, Field::DstPort),
            Self::Named(name) => named_value(name, row),
        }
    }
}

/// The value of the source's or the destination's field, whichever is the peer's.
fn of_peer<'r>(row: &Row<'r>, source: Field, destination: Field) -> Value<'r> {
    let field = row.leg.map(|leg| match leg {
        Leg::Upload | Leg::UploadRelayed => destination,
        Leg::Download | Leg::DownloadArriving => source,
    });
    value_of(row, field)
}

fn value_of<'r>(row: &Row<'r>, field: Option<Field>) -> Value<'r> {
    field.and_then(|field| row.record.value(field)).unwrap_or(Value::Dash)
}

/// The word for a leg, from the client's side.
#[must_use]
pub(crate) const fn direction(leg: Leg) -> &'static str {
    match leg {
        Leg::Upload => "upload",
        Leg::UploadRelayed => "upload-relayed",
        Leg::DownloadArriving => "download-arriving",
        Leg::Download => "download",
    }
}

/// On which gateway the record was seen.
fn gateway<'r>(record: &Record<'r>) -> Value<'r> {
    str::from_utf8(gateway_id(record))
        .ok()
        .filter(|id| !id.is_empty())
        .map_or(Value::Dash, Value::Text)
}

/// The ID of the gateway on which the record was seen; nothing, if the record does not say so.
pub(crate) fn gateway_id<'r>(record: &Record<'r>) -> &'r [u8] {
    let ids = [Field::ResourceId, Field::InterfaceId];
    let mut ids = ids.into_iter().filter_map(|field| record.bytes(field));
    ids.find(|id| *id != b"-").unwrap_or_default()
}

fn field_value<'r>(field: Field, row: &Row<'r>) -> Value<'r> {
    row.record
        .value(field)
        .unwrap_or_else(|| partition_of(field, row.partitions).map_or(Value::Dash, Value::Text))
}

/// What the path says in a field's place: AWS puts these three into it.
fn partition_of(field: Field, partitions: &[Partition]) -> Option<&str> {
    match field {
        Field::AccountId => named("aws-account-id", partitions),
        Field::Region => named("aws-region", partitions),
        _ => None,
    }
}

fn named<'p>(name: &str, partitions: &'p [Partition]) -> Option<&'p str> {
    partitions.iter().find(|(key, _)| &**key == name).map(|(_, value)| &**value)
}

fn named_value<'r>(name: &str, row: &Row<'r>) -> Value<'r> {
    let fields = row.record.format().fields();
    let place = fields.iter().position(|field| field.name() == name);
    let text = place.and_then(|place| row.record.text_at(place));
    match text.or_else(|| named(name, row.partitions)) {
        Some("-") | None => Value::Dash,
        Some(text) => Value::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_known_by_any_of_its_spellings() {
        for name in ["pkt-srcaddr", "pkt_srcaddr", "pktSrcAddr"] {
            assert_eq!(name.parse(), Ok(Column::Field(Field::PktSrcAddr)));
        }
        assert_eq!("client".parse(), Ok(Column::Client));
        assert_eq!("az".parse(), Ok(Column::Field(Field::AzId)));
        assert_eq!("flow-mood".parse(), Ok(Column::Named("flow-mood".into())));
        assert!("10.0.0.1".parse::<Column>().is_err());
        assert!("".parse::<Column>().is_err());
    }

    #[test]
    fn a_column_is_written_as_it_is_read() {
        for (name, column) in DERIVED {
            assert_eq!(column.to_string(), name);
        }
        assert_eq!(Column::Field(Field::Bytes).to_string(), "bytes");
        assert_eq!(Column::Named("flow-mood".into()).json_name(), "flow_mood");
    }
}
