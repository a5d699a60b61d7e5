//! Which fields a record has, and in which order.

use std::fmt;

use crate::Field;

/// A name in a format.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FormatField {
    /// A field of the table.
    Known(Field),
    /// The name of a field that the table does not have: AWS has introduced it since. Its
    /// values are read as text.
    Unknown(Box<str>),
}

impl FormatField {
    /// The field that AWS calls `name`, or the name itself.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Field::from_token(name).map_or_else(|| Self::Unknown(name.into()), Self::Known)
    }

    /// AWS's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Known(field) => field.token(),
            Self::Unknown(name) => name,
        }
    }

    /// The field, if the table has it.
    #[must_use]
    pub const fn known(&self) -> Option<Field> {
        match self {
            Self::Known(field) => Some(*field),
            Self::Unknown(_) => None,
        }
    }
}

/// Why a text is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The text names no field.
    #[error("the format names no field")]
    Empty,
    /// A word of the text is not of the form `${field}`.
    #[error("field {position} of the format: expected `${{field}}`, found `{found}`")]
    NotAField {
        /// The word's place in the text, from 1.
        position: usize,
        /// The word.
        found: String,
    },
    /// The text names fields that AWS does not have.
    #[error("unknown field{} in the format: `{}`", plural(.names.len()), .names.join("`, `"))]
    UnknownFields {
        /// Their names, in the order of the text.
        names: Vec<String>,
    },
}

const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// An ordered choice of fields: what `CreateFlowLogs` takes as `LogFormat`, and what a reader
/// must know of a line. It has one field or more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Format {
    fields: Vec<FormatField>,
}

impl Format {
    /// Reads a format as `CreateFlowLogs` takes it: `${srcaddr} ${dstaddr}`. Names that the
    /// table does not have are kept: see [`Format::unknown_names`].
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let fields = (1..).zip(text.split_whitespace()).map(|(position, word)| {
            field_name(word)
                .map(FormatField::from_name)
                .ok_or_else(|| FormatError::NotAField { position, found: word.to_owned() })
        });
        Self::from_fields(fields.collect::<Result<_, _>>()?)
    }

    /// Reads a format as [`Format::parse`] does, and refuses names that the table does not
    /// have: all of them at once.
    pub fn parse_known(text: &str) -> Result<Self, FormatError> {
        let format = Self::parse(text)?;
        let names: Vec<_> = format.unknown_names().map(str::to_owned).collect();
        if names.is_empty() { Ok(format) } else { Err(FormatError::UnknownFields { names }) }
    }

    /// The format with these fields, in this order.
    pub fn from_fields(fields: Vec<FormatField>) -> Result<Self, FormatError> {
        if fields.is_empty() { Err(FormatError::Empty) } else { Ok(Self { fields }) }
    }

    /// AWS's default format: the fields of version 2, in the order of the table.
    #[must_use]
    pub fn aws_default() -> Self {
        let fields = Field::ALL.into_iter().filter(|field| field.version() == 2);
        Self { fields: fields.map(FormatField::Known).collect() }
    }

    /// The fields, in the order of the record.
    #[must_use]
    pub fn fields(&self) -> &[FormatField] {
        &self.fields
    }

    /// The place of a field in the record, from 0; the first one, should it be named twice.
    #[must_use]
    pub fn position(&self, field: Field) -> Option<usize> {
        self.fields.iter().position(|found| found.known() == Some(field))
    }

    /// The names that the table does not have, in the order of the record.
    pub fn unknown_names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|field| field.known().is_none()).map(FormatField::name)
    }

    /// What AWS writes as `version` in records of this format: the highest version among its
    /// known fields, 2 at least.
    #[must_use]
    pub fn version(&self) -> u8 {
        let versions = self.fields.iter().filter_map(FormatField::known).map(Field::version);
        versions.fold(2, u8::max)
    }
}

impl From<&[Field]> for Format {
    /// The format with these fields, in this order.
    ///
    /// AWS's default format stands for no field at all, as it does in `CreateFlowLogs`.
    fn from(fields: &[Field]) -> Self {
        Self::from_fields(fields.iter().copied().map(FormatField::Known).collect())
            .unwrap_or_else(|_| Self::aws_default())
    }
}

/// The name in `${name}`.
fn field_name(word: &str) -> Option<&str> {
    let name = word.strip_prefix("${")?.strip_suffix('}')?;
    let is_foreign = |c: char| matches!(c, '$' | '{' | '}') || c.is_control();
    (!name.is_empty() && !name.contains(is_foreign)).then_some(name)
}

impl fmt::Display for Format {
    /// Writes the format as `CreateFlowLogs` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, field) in self.fields.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}${{{}}}", field.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_written_as_it_was_read() {
        let text = Field::ALL.map(|field| format!("${{{field}}}")).join(" ");
        let format = Format::parse_known(&text).unwrap();
        assert_eq!(format.fields().len(), Field::ALL.len());
        assert_eq!(format.to_string(), text);
        assert_eq!(format, Format::from(Field::ALL.as_slice()));
    }

    #[test]
    fn spaces_between_fields_do_not_matter() {
        let format = Format::parse("  ${bytes}   ${action}\t${end} ").unwrap();
        assert_eq!(format.to_string(), "${bytes} ${action} ${end}");
        assert_eq!(format.position(Field::End), Some(2));
        assert_eq!(format.position(Field::Start), None);
    }

    #[test]
    fn unknown_fields_are_kept_or_all_named() {
        let text = "${bytes} ${flow-mood} ${action} ${pkt_srcaddr}";
        let format = Format::parse(text).unwrap();
        assert_eq!(format.unknown_names().collect::<Vec<_>>(), ["flow-mood", "pkt_srcaddr"]);
        assert_eq!(format.position(Field::Action), Some(2));
        assert_eq!(format.to_string(), text);
        let refusal = Format::parse_known(text).unwrap_err().to_string();
        assert_eq!(refusal, "unknown fields in the format: `flow-mood`, `pkt_srcaddr`");
        let refusal = Format::parse_known("${mood}").unwrap_err().to_string();
        assert_eq!(refusal, "unknown field in the format: `mood`");
    }

    #[test]
    fn what_is_no_field_is_named_with_its_place() {
        for word in ["bytes", "${bytes", "$bytes}", "${}", "${bytes}${end}", "${${bytes}}", "-"] {
            let refusal = Format::parse(&format!("${{action}} {word}")).unwrap_err().to_string();
            let expected = "field 2 of the format: expected `${field}`, found `";
            assert_eq!(refusal, format!("{expected}{word}`"));
        }
    }

    #[test]
    fn a_format_has_a_field() {
        assert_eq!(Format::parse(" "), Err(FormatError::Empty));
        assert_eq!(Format::from([].as_slice()), Format::aws_default());
    }

    #[test]
    fn the_version_is_the_highest_of_the_fields() {
        assert_eq!(Format::aws_default().version(), 2);
        assert_eq!(Format::parse("${traffic-path} ${az-id}").unwrap().version(), 5);
        assert_eq!(Format::parse("${later-field}").unwrap().version(), 2);
    }
}
