//! `natflow decode` and `natflow convert`: every record, in columns.

use flowlog::{Field, FlowDirection, Format, FormatField, TcpFlags, Value, protocol_keyword};
use flowlog::{TrafficPath, queries::RECORDED_ON};
use jiff::Timestamp;

use crate::column::{Column, ColumnType, Row};
use crate::error::Error;
use crate::output::{Cell, Heading, RowSink};
use crate::reading::Visitor;
use crate::size::size;

/// How values are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As they are, under AWS's column names.
    Plain,
    /// In the words and columns of the saved query; bytes are rounded beside their number.
    Words,
    /// In words, without rounding bytes.
    WordsUnrounded,
}

/// Writes each row.
pub(crate) struct Listing<'l> {
    sink: &'l mut dyn RowSink,
    manner: Manner,
    /// The columns that were asked for; none stands for those of the records.
    asked: Vec<Column>,
    /// The format that the columns come from.
    format: Option<Format>,
    shown: Vec<Shown>,
}

/// A column of the output.
#[derive(Clone, Debug)]
struct Shown {
    heading: Heading,
    column: Column,
    form: Form,
}

/// How a column's value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    Time,
    Way,
    Path,
    Transport,
    Flags,
    Size,
}

impl<'l> Listing<'l> {
    /// A listing of these columns, or of all that the records have.
    pub(crate) fn new(sink: &'l mut dyn RowSink, manner: Manner, asked: Vec<Column>) -> Self {
        Self { sink, manner, asked, format: None, shown: vec![] }
    }

    fn columns(&self, format: &Format) -> Vec<Column> {
        if self.asked.is_empty() {
            format.fields().iter().map(column_of).collect()
        } else {
            self.asked.clone()
        }
    }
}

impl Visitor for Listing<'_> {
    fn start(&mut self, format: &Format) -> Result<(), Error> {
        if let Some(first) = &self.format {
            if self.asked.is_empty() && first != format {
                return Err(Error::Refused(format!(
                    "the inputs have different fields (`{first}`, then `{format}`): name the \
                     columns with --fields"
                )));
            }
            return Ok(());
        }
        self.format = Some(format.clone());
        self.shown = match self.manner {
            Manner::Plain => self.columns(format).into_iter().map(plain).collect(),
            manner => {
                let has_rounded = manner == Manner::Words;
                decoded(&self.columns(format), self.asked.is_empty(), has_rounded)
            }
        };
        let headings: Vec<_> = self.shown.iter().map(|shown| shown.heading.clone()).collect();
        self.sink.start(&headings)
    }

    fn visit(&mut self, row: &Row<'_>) -> Result<(), Error> {
        let cells: Vec<_> = self.shown.iter().map(|shown| shown.cell(row)).collect();
        self.sink.write(&cells)
    }
}

fn column_of(field: &FormatField) -> Column {
    match field {
        FormatField::Known(field) => Column::Field(*field),
        FormatField::Unknown(name) => Column::Named(name.clone()),
    }
}

fn plain(column: Column) -> Shown {
    let heading = Heading::new(column.json_name(), column.column_type());
    Shown { heading, column, form: Form::Plain }
}

/// The columns of the saved query, for any choice of fields. Of all fields, the time comes first.
fn decoded(columns: &[Column], is_all: bool, has_rounded: bool) -> Vec<Shown> {
    let has_interface = columns.contains(&Column::Field(Field::InterfaceId));
    let mut shown: Vec<_> =
        columns.iter().flat_map(|column| in_words(column, has_interface, has_rounded)).collect();
    if is_all {
        shown.sort_by_key(|shown| shown.form != Form::Time);
    }
    shown
}

fn in_words(column: &Column, has_interface: bool, has_rounded: bool) -> Vec<Shown> {
    let text = |name: &str, form| Shown {
        heading: Heading::new(name, ColumnType::Text),
        column: column.clone(),
        form,
    };
    let named = |name: &str| Shown {
        heading: Heading::new(name, column.column_type()),
        column: column.clone(),
        form: Form::Plain,
    };
    match column {
        Column::Field(Field::Start) => vec![text("@timestamp", Form::Time)],
        Column::Field(Field::FlowDirection) => vec![text("way", Form::Way)],
        Column::Field(Field::TrafficPath) => vec![text("path", Form::Path)],
        Column::Field(Field::Protocol) => vec![text("transport", Form::Transport)],
        Column::Field(Field::TcpFlags) => vec![text("flags", Form::Flags)],
        Column::Field(Field::Bytes) if has_rounded => {
            let mut size = text("size", Form::Size);
            size.heading.column_type = ColumnType::Number(64);
            vec![size, named("bytes")]
        }
        Column::Field(Field::InterfaceId) => vec![named(RECORDED_ON)],
        Column::Field(Field::ResourceId) if !has_interface => vec![named(RECORDED_ON)],
        Column::Field(field) => vec![named(field.insights_name())],
        other => vec![named(&other.to_string())],
    }
}

impl Shown {
    fn cell<'r>(&self, row: &Row<'r>) -> Cell<'r> {
        let value = self.column.value(row);
        match (self.form, value) {
            (Form::Way, Value::Text(word)) => way(word),
            (Form::Time, Value::Number(seconds)) => time(seconds),
            (Form::Path, Value::Number(number)) => path(number),
            (Form::Transport, Value::Number(number)) => transport(number),
            (Form::Flags, Value::Number(number)) => flags(number),
            (Form::Size, Value::Number(bytes)) => Cell::Words(size(bytes)),
            (_, value) => Cell::from(value),
        }
    }
}

fn way(word: &str) -> Cell<'_> {
    match FlowDirection::from_word(word) {
        Some(FlowDirection::Ingress) => Cell::Text("into the gateway"),
        Some(FlowDirection::Egress) => Cell::Text("out of the gateway"),
        None => Cell::Text(word),
    }
}

fn time(seconds: u64) -> Cell<'static> {
    let time = i64::try_from(seconds).ok().and_then(|s| Timestamp::from_second(s).ok());
    time.map_or(Cell::Number(seconds), |time| {
        Cell::Words(time.strftime("%Y-%m-%d %H:%M:%S.000").to_string())
    })
}

fn path(number: u64) -> Cell<'static> {
    let path = u32::try_from(number).ok().and_then(TrafficPath::from_number);
    path.map_or(Cell::Number(number), |path| Cell::Text(path.words()))
}

fn transport(number: u64) -> Cell<'static> {
    let keyword = u8::try_from(number).ok().and_then(protocol_keyword);
    keyword.map_or(Cell::Number(number), Cell::Text)
}

fn flags(number: u64) -> Cell<'static> {
    let flags = u8::try_from(number).ok().map(TcpFlags);
    let documented = flags.filter(|flags| TcpFlags::DOCUMENTED.contains(flags));
    documented.map_or(Cell::Number(number), |flags| Cell::Text(flags.words()))
}
