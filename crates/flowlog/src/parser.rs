//! Reading records.

use std::fmt;
use std::net::IpAddr;
use std::str;

use crate::addresses::KnownAddresses;
use crate::bad_line::BadLine;
use crate::detect::{UnknownFormat, header};
use crate::source::{Source, Step};
use crate::split::Spans;
use crate::value::{Cell, DASH, Expected, Kind, Value};
use crate::{
    Action, FIELD_COUNT, Field, FlowDirection, Format, FormatField, LogStatus, TcpFlags,
    TrafficPath,
};

/// How many lines were what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records, whatever they say.
    pub read: u64,
    /// Those of them that say that nothing passed the interface (NODATA).
    pub empty: u64,
    /// Those of them that say that flows were lost (SKIPDATA).
    pub skipped: u64,
    /// Lines that are no record of the format.
    pub bad: u64,
}

/// Reads the records of one format, from one input or from several that follow each other.
///
/// Once its buffers have grown to the format's size, reading a plain line allocates nothing.
/// Lines may end with CR LF, their values may be separated by several blanks, the last line
/// needs no end. A header line anywhere names the format of the lines after it. Lines may be
/// wrapped in JSON, one by one or as CloudWatch Logs sends them to subscriptions.
///
/// ```
/// use flowlog::{Field, Format, Parser};
///
/// let mut parser = Parser::new(Format::parse("${srcaddr} ${bytes}").unwrap());
/// let mut records = parser.records(b"10.0.1.5 1500\n10.0.1.6 -\n10.0.1.7 many\n");
/// let mut sum = 0;
/// while let Some(record) = records.next() {
///     match record {
///         Ok(record) => sum += record.number(Field::Bytes).unwrap_or_default(),
///         Err(bad) => assert_eq!(bad.line(), 3),
///     }
/// }
/// assert_eq!(sum, 1500);
/// assert_eq!(parser.counts().bad, 1);
/// ```
#[derive(Clone, Debug)]
pub struct Parser {
    layout: Layout,
    /// The fields whose values must be of their type; none stands for all of them.
    checked_fields: Option<Box<[Field]>>,
    spans: Spans,
    cells: Vec<Cell>,
    known_addresses: KnownAddresses,
    /// What the line stands for.
    status: LogStatus,
    counts: Counts,
    lines_passed: u64,
}

impl Parser {
    /// A parser of records in `format`, which finds a line bad when any of its values is not of
    /// its field's type.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self::with_checks(format, None)
    }

    /// A parser of records in `format`, which looks at these fields and the log status only:
    /// faster, and a wrong value of another field is not noticed.
    #[must_use]
    pub fn checking(format: Format, fields: &[Field]) -> Self {
        Self::with_checks(format, Some(fields.into()))
    }

    /// A parser of the format that `input` begins with; see [`Format::detect`].
    pub fn detect(input: &[u8]) -> Result<Self, UnknownFormat> {
        Format::detect(input).map(Self::new)
    }

    fn with_checks(format: Format, checked_fields: Option<Box<[Field]>>) -> Self {
        Self {
            layout: Layout::new(format, checked_fields.as_deref()),
            checked_fields,
            spans: Spans::default(),
            cells: vec![],
            known_addresses: KnownAddresses::default(),
            status: LogStatus::Ok,
            counts: Counts::default(),
            lines_passed: 0,
        }
    }

    /// The parser, for a piece of an input that so many lines come before.
    #[must_use]
    pub fn after_lines(mut self, lines: u64) -> Self {
        self.lines_passed = lines;
        self
    }

    /// Reads an input, which must begin at a line's begin and end at a line's end. Line numbers
    /// go on from the input before.
    pub fn records<'p, 'i>(&'p mut self, input: &'i [u8]) -> Records<'p, 'i> {
        let source = Source::new(input, self.lines_passed);
        Records { parser: self, source }
    }

    /// The format of the next line: that of the last header line, if there was one.
    #[must_use]
    pub const fn format(&self) -> &Format {
        &self.layout.format
    }

    /// What the lines so far were.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    fn change_format(&mut self, format: Format) {
        if format != self.layout.format {
            self.layout = Layout::new(format, self.checked_fields.as_deref());
        }
    }

    /// Reads the split line's checked values.
    fn read(&mut self, line: &[u8], line_number: u64) -> Result<LogStatus, BadLine> {
        let layout = &self.layout;
        let expected_values = layout.format.fields().len();
        if self.spans.count() != expected_values {
            let expected = Expected::Values(expected_values);
            return Err(BadLine::new(line_number, None, expected, line));
        }
        let (spans, is_ascii) = (self.spans.kept(), self.spans.is_ascii());
        self.cells.resize(layout.checks.len(), Cell::Dash);
        let known = &mut self.known_addresses;
        for (check, cell) in layout.checks.iter().zip(&mut self.cells) {
            let span = spans.get(check.column).copied().unwrap_or_default();
            let is_read = match check.kind {
                // What it is, `-` included, is asked when it is needed.
                Kind::Text if is_ascii => {
                    *cell = Cell::Text;
                    true
                }
                Kind::Address => known.read_in(line, span, check.address, cell),
                kind => kind.read_in(line, span, cell),
            };
            if !is_read {
                return Err(self.bad_value(check, line, line_number));
            }
        }
        match layout.status_cell.and_then(|cell| self.cells.get(cell)) {
            Some(Cell::LogStatus(status)) => Ok(*status),
            _ => Ok(layout.status_without_word(&self.spans, line)),
        }
    }

    /// What is wrong with a line that has as many values as expected.
    #[cold]
    fn bad_value(&self, check: &Check, line: &[u8], line_number: u64) -> BadLine {
        let name = self.layout.format.fields().get(check.column).map(FormatField::name);
        let found = self.spans.get(check.column).unwrap_or_default().of(line);
        BadLine::new(line_number, name, check.kind.expected(), found)
    }

    fn count(&mut self, status: LogStatus) {
        self.status = status;
        self.counts.read += 1;
        match status {
            LogStatus::Ok => {}
            LogStatus::NoData => self.counts.empty += 1,
            LogStatus::SkipData => self.counts.skipped += 1,
        }
    }
}

/// Goes through the records of an input.
///
/// It is no `Iterator`, since a record borrows the parser's buffers until the next one is read.
pub struct Records<'p, 'i> {
    parser: &'p mut Parser,
    source: Source<'i>,
}

impl Records<'_, '_> {
    /// The next record, or what is wrong with the next line. Reading goes on after a bad line.
    #[expect(clippy::should_implement_trait, reason = "a record borrows from the parser")]
    #[inline]
    pub fn next(&mut self) -> Option<Result<Record<'_>, BadLine>> {
        let status = match self.advance()? {
            Ok(status) => status,
            Err(bad) => {
                self.parser.counts.bad += 1;
                return Some(Err(bad));
            }
        };
        self.parser.count(status);
        Some(Ok(Record { source: &self.source, parser: self.parser }))
    }

    /// Goes to the next record and reads its checked values.
    fn advance(&mut self) -> Option<Result<LogStatus, BadLine>> {
        loop {
            let most = self.parser.layout.format.fields().len();
            let step = self.source.advance(&mut self.parser.spans, most);
            self.parser.lines_passed = self.source.lines_passed();
            let line = self.source.line();
            let number = self.source.line_number();
            if step? == Step::NoEnvelope {
                return Some(Err(BadLine::new(number, None, Expected::Json, line)));
            }
            match header(line, &self.parser.spans) {
                Some(format) => self.parser.change_format(format),
                None => return Some(self.parser.read(line, number)),
            }
        }
    }

    /// The format of the record that was read last.
    #[must_use]
    pub const fn format(&self) -> &Format {
        self.parser.format()
    }

    /// What the lines so far were.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.parser.counts()
    }
}

/// A format, prepared for reading.
#[derive(Clone, Debug)]
struct Layout {
    format: Format,
    columns: [Column; FIELD_COUNT],
    checks: Vec<Check>,
    /// Which check reads the log status, if the format has it.
    status_cell: Option<usize>,
    /// The columns that hold `-` when nothing passed the interface.
    traffic_columns: Vec<usize>,
}

/// Where a field's value is found: `NOWHERE` when the format lacks the field, or when the value is
/// not checked.
#[derive(Clone, Copy, Debug)]
struct Column {
    place: usize,
    cell: usize,
}

/// A place that no line and no parser has.
const NOWHERE: usize = usize::MAX;

/// A column whose values must be of their type.
#[derive(Clone, Copy, Debug)]
struct Check {
    column: usize,
    kind: Kind,
    /// Which of the checked addresses it is, from 0, if it is one.
    address: usize,
}

/// The fields that hold `-` when nothing passed the interface.
const TRAFFIC_FIELDS: [Field; 13] = [
    Field::SrcAddr,
    Field::DstAddr,
    Field::SrcPort,
    Field::DstPort,
    Field::Protocol,
    Field::Packets,
    Field::Bytes,
    Field::Action,
    Field::TcpFlags,
    Field::Type,
    Field::PktSrcAddr,
    Field::PktDstAddr,
    Field::FlowDirection,
];

impl Layout {
    fn new(format: Format, checked_fields: Option<&[Field]>) -> Self {
        let is_checked = |field: Option<Field>| {
            let is_chosen = |fields: &[Field]| field.is_some_and(|field| fields.contains(&field));
            field == Some(Field::LogStatus) || checked_fields.is_none_or(is_chosen)
        };
        let named = || format.fields().iter().map(FormatField::known).enumerate();
        let checks = named()
            .filter(|(_, field)| is_checked(*field))
            .map(|(column, field)| (column, field.map_or(Kind::Text, Kind::of)))
            .map(|(column, kind)| Check { column, kind, address: 0 });
        let mut checks: Vec<_> = checks.collect();
        let addresses = checks.iter_mut().filter(|check| check.kind == Kind::Address);
        addresses.zip(0..).for_each(|(check, place)| check.address = place);
        let columns = Field::ALL.map(|field| {
            let place = format.position(field).unwrap_or(NOWHERE);
            let cell = checks.iter().position(|check| check.column == place).unwrap_or(NOWHERE);
            Column { place, cell }
        });
        let status_cell = checks.iter().position(|check| check.kind == Kind::LogStatus);
        let traffic_columns =
            TRAFFIC_FIELDS.iter().filter_map(|field| format.position(*field)).collect();
        Self { format, columns, checks, status_cell, traffic_columns }
    }

    #[inline]
    fn column(&self, field: Field) -> Column {
        const NONE: Column = Column { place: NOWHERE, cell: NOWHERE };
        self.columns.get(field as usize).copied().unwrap_or(NONE)
    }

    /// What a record stands for whose format has no log status: nothing, if all that traffic
    /// leaves is missing.
    fn status_without_word(&self, spans: &Spans, line: &[u8]) -> LogStatus {
        let mut texts = self.traffic_columns.iter().map(|column| {
            let span = spans.get(*column).unwrap_or_default();
            span.of(line)
        });
        let is_empty = !self.traffic_columns.is_empty() && texts.all(|text| text == DASH);
        if is_empty { LogStatus::NoData } else { LogStatus::Ok }
    }
}

/// A record, borrowed from its line.
#[derive(Clone, Copy)]
pub struct Record<'r> {
    source: &'r Source<'r>,
    parser: &'r Parser,
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = String::from_utf8_lossy(self.source.line());
        f.debug_struct("Record").field("line", &line).field("status", &self.status()).finish()
    }
}

impl<'r> Record<'r> {
    /// The record's format.
    #[must_use]
    pub const fn format(&self) -> &'r Format {
        &self.parser.layout.format
    }

    /// The number of the record's line, from 1; in an envelope, that of the line where the
    /// envelope begins.
    #[must_use]
    pub const fn line_number(&self) -> u64 {
        self.source.line_number()
    }

    /// What the record stands for. Without the field `log-status` a record whose traffic fields
    /// are all `-` counts as NODATA.
    #[inline]
    #[must_use]
    pub const fn status(&self) -> LogStatus {
        self.parser.status
    }

    /// The value of a field. None when the format lacks the field, or when the value is not
    /// checked and not of its type.
    #[inline]
    #[must_use]
    pub fn value(&self, field: Field) -> Option<Value<'r>> {
        match self.cell(field) {
            Some(Cell::Text) => Kind::Text.read(self.bytes(field)?).ok(),
            Some(cell) => cell.value(&[]),
            None => Kind::of(field).read(self.bytes(field)?).ok(),
        }
    }

    /// A number, in the field's unit. None for `-`, and where [`Record::value`] is none.
    #[inline]
    #[must_use]
    pub fn number(&self, field: Field) -> Option<u64> {
        if let Some(Cell::Number(number)) = self.cell(field) {
            return Some(*number);
        }
        match self.value(field) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        }
    }

    /// An address. None for `-`, and where [`Record::value`] is none.
    #[inline]
    #[must_use]
    pub fn address(&self, field: Field) -> Option<IpAddr> {
        match self.cell(field) {
            Some(Cell::V4(address)) => return Some(IpAddr::V4(*address)),
            Some(Cell::V6(address)) => return Some(IpAddr::V6(*address)),
            _ => {}
        }
        match self.value(field) {
            Some(Value::Address(address)) => Some(address),
            _ => None,
        }
    }

    /// The value of any field as it stands in the record, `-` included. None when the format
    /// lacks the field, or when the value is not checked and not in UTF-8.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&'r str> {
        self.text_at(self.parser.layout.column(field).place)
    }

    /// The bytes of any field's value, `-` included. None when the format lacks the field.
    #[inline]
    #[must_use]
    pub fn bytes(&self, field: Field) -> Option<&'r [u8]> {
        self.bytes_at(self.parser.layout.column(field).place)
    }

    /// The value at a place of the format, from 0, as it stands in the record: for fields that
    /// the table does not have.
    #[must_use]
    pub fn text_at(&self, place: usize) -> Option<&'r str> {
        self.bytes_at(place).and_then(|text| str::from_utf8(text).ok())
    }

    /// What became of the traffic.
    #[inline]
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        match self.cell(Field::Action) {
            Some(Cell::Action(action)) => Some(*action),
            _ => self.text(Field::Action).and_then(Action::from_word),
        }
    }

    /// Which way the traffic passed the interface.
    #[inline]
    #[must_use]
    pub fn flow_direction(&self) -> Option<FlowDirection> {
        match self.cell(Field::FlowDirection) {
            Some(Cell::FlowDirection(direction)) => Some(*direction),
            _ => self.text(Field::FlowDirection).and_then(FlowDirection::from_word),
        }
    }

    /// By which way egress traffic left. None for ways that AWS has defined since, too.
    #[must_use]
    pub fn traffic_path(&self) -> Option<TrafficPath> {
        let number = self.number(Field::TrafficPath)?;
        u32::try_from(number).ok().and_then(TrafficPath::from_number)
    }

    /// The TCP flags of the interval.
    #[must_use]
    pub fn tcp_flags(&self) -> Option<TcpFlags> {
        let number = self.number(Field::TcpFlags)?;
        u8::try_from(number).ok().map(TcpFlags)
    }

    /// The checked value of a field.
    #[inline]
    fn cell(&self, field: Field) -> Option<&'r Cell> {
        self.parser.cells.get(self.parser.layout.column(field).cell)
    }

    fn bytes_at(&self, place: usize) -> Option<&'r [u8]> {
        self.parser.spans.get(place).map(|span| span.of(self.source.line()))
    }
}
