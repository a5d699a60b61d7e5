//! Which format an input has, told by its header line or by its content.

use std::str;

use crate::bad_line::shortened;
use crate::source::{Source, Step};
use crate::split::Spans;
use crate::value::{DASH, Kind, Value};
use crate::{Field, Format, FormatField, RecordedFormat};

/// How many lines are looked at: enough to pass any number of gateways without traffic.
const MOST_LINES: usize = 10_000;

/// The input's format cannot be told: it has no header line, and its lines fit none of the
/// documented formats, or too many of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line}: the format of `{found}` cannot be told, because there is no header line; name \
     the fields with --format '${{srcaddr}} ${{dstaddr}} …'"
)]
pub struct UnknownFormat {
    line: u64,
    found: String,
}

impl UnknownFormat {
    /// The number of the first line, from 1, that is not blank.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }
}

impl Format {
    /// Tells the format of an input from its header line, or from the content of its first
    /// lines if they fit one of the documented formats: AWS's default, the earlier recorder's
    /// and the recorded ones. An input without lines has AWS's default format.
    pub fn detect(input: &[u8]) -> Result<Self, UnknownFormat> {
        let mut source = Source::new(input, 0);
        let mut spans = Spans::default();
        let mut first: Option<UnknownFormat> = None;
        for _ in 0..MOST_LINES {
            let Some(step) = source.advance(&mut spans, usize::MAX) else { break };
            if let Some(format) =
                (step == Step::Line).then(|| of_line(source.line(), &spans)).flatten()
            {
                return Ok(format);
            }
            first.get_or_insert_with(|| UnknownFormat {
                line: source.line_number(),
                found: shortened(source.line()),
            });
        }
        first.map_or_else(|| Ok(Self::aws_default()), Err)
    }

    /// The format that a header line names, if the line is one: every word looks like a field's
    /// name, no word stands there twice, and at least half of them are fields of the table.
    /// Names that the table does not have are kept.
    #[must_use]
    pub fn from_header(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split(is_blank).filter(|word| !word.is_empty()).collect();
        let fields: Vec<_> = words.iter().map(|word| FormatField::from_name(word)).collect();
        let known = fields.iter().filter(|field| field.known().is_some()).count();
        let is_distinct = words
            .iter()
            .zip(1..)
            .all(|(word, next)| !words.get(next..).unwrap_or_default().contains(word));
        let is_header = known > 0
            && known * 2 >= fields.len()
            && words.iter().all(|word| is_field_name(word.as_bytes()))
            && is_distinct;
        is_header.then(|| Self::from_fields(fields).ok()).flatten()
    }
}

/// Whether a character separates values, as in the lines of records.
fn is_blank(c: char) -> bool {
    c <= ' '
}

/// A lower-case letter, then lower-case letters, digits and hyphens.
fn is_field_name(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_lowercase)
        && word.iter().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == b'-')
}

/// The format that a header line names. Quick to say no: a record's first values are hardly ever
/// all like a field's name.
pub(crate) fn header(line: &[u8], spans: &Spans) -> Option<Format> {
    let are_names =
        spans.count() > 0 && spans.kept().iter().all(|span| is_field_name(span.of(line)));
    are_names.then(|| Format::from_header(str::from_utf8(line).ok()?)).flatten()
}

/// The one documented format that a line fits, or that it names.
fn of_line(line: &[u8], spans: &Spans) -> Option<Format> {
    if let Some(format) = header(line, spans) {
        return Some(format);
    }
    let shapes = [
        Format::aws_default(),
        Format::earlier_recorder(),
        RecordedFormat::Zonal.format(),
        RecordedFormat::Regional.format(),
    ];
    let mut fitting = shapes.into_iter().filter(|shape| fits(shape, line, spans));
    let format = fitting.next()?;
    fitting.next().is_none().then_some(format)
}

/// Whether the line has the format's number of values, each of its field's type, and says more
/// than dashes.
fn fits(format: &Format, line: &[u8], spans: &Spans) -> bool {
    let values = || (0..).map_while(|index| spans.get(index)).map(|span| span.of(line));
    spans.count() == format.fields().len()
        && format
            .fields()
            .iter()
            .zip(values())
            .all(|(field, text)| field.known().is_some_and(|field| is_plausible(field, text)))
        && values().any(|text| text != DASH)
}

/// Whether a field may hold this value, as far as AWS documents it. Stricter than reading.
fn is_plausible(field: Field, text: &[u8]) -> bool {
    let is_dash = text == DASH;
    let is_optional = field.facts().dash_when != "never";
    let at_most = |most| match Kind::of(field).read(text) {
        Ok(Value::Number(number)) => number <= most,
        Ok(Value::Dash) => is_optional,
        _ => false,
    };
    match field {
        Field::Version | Field::Protocol => at_most(u64::from(u8::MAX)),
        Field::SrcPort | Field::DstPort => at_most(u64::from(u16::MAX)),
        Field::AccountId => text == b"unknown" || text.iter().all(u8::is_ascii_digit),
        Field::InterfaceId => text.starts_with(b"eni-"),
        Field::ResourceId => text.starts_with(b"nat-"),
        Field::Type => is_dash || matches!(text, b"IPv4" | b"IPv6" | b"EFA"),
        _ if is_dash => is_optional,
        _ => Kind::of(field).read(text).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: &str = "2 123456789010 eni-0a1b 10.0.0.1 10.0.0.2 20641 22 6 20 4249 \
                           1418530010 1418530070 ACCEPT OK";
    const DEFAULT_NODATA: &str =
        "2 123456789010 eni-0a1b - - - - - - - 1431280876 1431280934 - NODATA";
    const EARLIER: &str = "ACCEPT egress 8 10.0.0.220 40000 203.0.113.5 443 6 1500 IPv4 \
                           10.0.0.220 - 203.0.113.5 S3";
    const EARLIER_NODATA: &str = "- - - - - - - - - - - - - -";

    fn recorded(gateway: &str) -> String {
        format!("{EARLIER} 3 1700000000 1700000060 19 OK {gateway}")
    }

    #[test]
    fn documented_formats_are_told_by_their_content() {
        let zonal = RecordedFormat::Zonal.format();
        let regional = RecordedFormat::Regional.format();
        for (line, format) in [
            (DEFAULT.to_owned(), Format::aws_default()),
            (DEFAULT_NODATA.to_owned(), Format::aws_default()),
            (EARLIER.to_owned(), Format::earlier_recorder()),
            (recorded("eni-0a1b"), zonal.clone()),
            (recorded("nat-0a1b"), regional),
            (
                format!("\n\n{EARLIER_NODATA}\r\n{EARLIER_NODATA}\r\n{EARLIER}"),
                Format::earlier_recorder(),
            ),
            (format!("{{\"message\":\"{}\"}}", recorded("eni-0a1b")), zonal),
            (String::new(), Format::aws_default()),
        ] {
            assert_eq!(Format::detect(line.as_bytes()), Ok(format), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_refused_with_a_hint() {
        let refusal = |text: &str| Format::detect(text.as_bytes()).unwrap_err().to_string();
        let expected = "line 2: the format of `- -` cannot be told, because there is no header \
                        line; name the fields with --format '${srcaddr} ${dstaddr} …'";
        assert_eq!(refusal("\n- -\n10.0.0.1 10.0.0.2\n"), expected);
        assert!(refusal(EARLIER_NODATA).starts_with("line 1: "));
        // An identifier of neither kind tells neither recorded format.
        assert!(refusal(&recorded("tgw-0a1b")).starts_with("line 1: "));
        assert!(refusal(&recorded("-")).starts_with("line 1: "));
    }

    #[test]
    fn a_header_names_the_format() {
        let format = Format::from_header("version  account-id flow-mood bytes\r\n").unwrap();
        assert_eq!(format.to_string(), "${version} ${account-id} ${flow-mood} ${bytes}");
        // What separates the values of a record separates the names of a header.
        let format = Format::from_header("bytes\u{1}action").unwrap();
        assert_eq!(format.to_string(), "${bytes} ${action}");
        assert_eq!(
            Format::detect(b"bytes action\n10 ACCEPT\n").unwrap().position(Field::Bytes),
            Some(0)
        );
    }

    #[test]
    fn a_record_is_no_header() {
        for line in
            [DEFAULT, EARLIER, "", "ingress egress", "bytes bytes", "bytes a b", "Bytes action"]
        {
            assert_eq!(Format::from_header(line), None, "{line}");
        }
    }
}
