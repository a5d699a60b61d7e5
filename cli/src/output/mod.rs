//! Writing rows: one trait, and one file for each format.

mod csv;
mod digits;
mod json;
mod parquet;
mod table;

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use flowlog::Value;

use crate::column::ColumnType;
use crate::error::Error;

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// Columns for people.
    #[default]
    Table,
    /// One JSON array.
    Json,
    /// One JSON object per line.
    Jsonl,
    /// Comma-separated values with a line of names.
    Csv,
    /// A Parquet file with AWS's column names and types.
    #[value(skip)]
    Parquet,
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'c> {
    /// None: null in JSON and Parquet, nothing in CSV, `-` in a table.
    Missing,
    /// A whole number.
    Number(u64),
    /// A whole number, negative perhaps.
    Integer(i64),
    /// Any other number.
    Decimal(f64),
    /// A share of a whole, 0 to 1.
    Share(f64),
    /// An address.
    Address(IpAddr),
    /// A text.
    Text(&'c str),
    /// A text of our own making.
    Words(String),
    /// A bar as long as this share of the longest one; in tables only.
    Bar(f64),
}

impl<'c> From<Value<'c>> for Cell<'c> {
    fn from(value: Value<'c>) -> Self {
        match value {
            Value::Dash => Self::Missing,
            Value::Text(text) => Self::Text(text),
            Value::Number(number) => Self::Number(number),
            Value::Address(address) => Self::Address(address),
        }
    }
}

/// What stands above a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heading {
    /// The column's name.
    pub name: String,
    /// What its values are.
    pub column_type: ColumnType,
}

impl Heading {
    /// A heading.
    pub(crate) fn new(name: impl Into<String>, column_type: ColumnType) -> Self {
        Self { name: name.into(), column_type }
    }
}

/// Writes rows in a format.
pub(crate) trait RowWriter {
    /// Writes a row, which has as many cells as there are headings.
    fn write(&mut self, cells: &[Cell<'_>]) -> io::Result<()>;

    /// Writes a row of totals, where the format has such a thing.
    fn write_totals(&mut self, _cells: &[Cell<'_>]) -> io::Result<()> {
        Ok(())
    }

    /// Writes what comes last.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// How much a terminal's colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    fn allows(self, output: &Output) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let is_refused =
                    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                output.path.is_none() && io::stdout().is_terminal() && !is_refused
            }
        }
    }
}

/// So much is written at a time.
const BUFFER_LENGTH: usize = 64 * 1024;

/// Where rows are written to: standard output, or a file that appears when it is complete.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    path: Option<PathBuf>,
}

impl Output {
    /// A file, or standard output for none and for `-`.
    #[must_use]
    pub(crate) fn new(path: Option<&Path>) -> Self {
        let path = path.filter(|path| *path != Path::new("-"));
        Self { path: path.map(Path::to_owned) }
    }

    /// What messages call it.
    #[must_use]
    pub(crate) fn name(&self) -> String {
        let name = self.path.as_ref().map(|path| path.display().to_string());
        name.unwrap_or_else(|| "standard output".to_owned())
    }

    /// The file's extension, in lower case.
    #[must_use]
    pub(crate) fn extension(&self) -> Option<String> {
        Some(self.path.as_ref()?.extension()?.to_str()?.to_lowercase())
    }

    /// Opens the output and writes what `write` makes of a writer of rows.
    pub(crate) fn rows(
        &self,
        format: OutputFormat,
        color: ColorChoice,
        write: impl FnOnce(&mut dyn RowSink) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let has_color = color.allows(self);
        self.bytes(|target| {
            let mut sink =
                Sink { format, has_color, target: Some(target), writer: None, name: self.name() };
            write(&mut sink)?;
            sink.finish()
        })
    }

    /// Opens the output and writes what `write` writes.
    pub(crate) fn bytes(
        &self,
        write: impl FnOnce(Box<dyn Write + Send>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(path) = &self.path else {
            return write(Box::new(buffered(io::stdout())));
        };
        // A device or a pipe cannot be put in place afterwards.
        if fs::metadata(path).is_ok_and(|facts| !facts.is_file()) {
            let file = File::create(path).map_err(Error::output(&self.name()))?;
            return write(Box::new(buffered(file)));
        }
        let partial = partial_path(path);
        let file = File::create(&partial).map_err(Error::output(&self.name()))?;
        let result = write(Box::new(buffered(file)));
        let result =
            result.and_then(|()| fs::rename(&partial, path).map_err(Error::output(&self.name())));
        if result.is_err() {
            // What went wrong is reported; a leftover would only add to it.
            let _ = fs::remove_file(&partial);
        }
        result
    }
}

fn buffered<W: Write>(target: W) -> BufWriter<W> {
    BufWriter::with_capacity(BUFFER_LENGTH, target)
}

fn partial_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    path.with_file_name(name)
}

/// Something that rows are written to, once their headings are known.
pub(crate) trait RowSink {
    /// Says what the columns are, before the first row.
    fn start(&mut self, headings: &[Heading]) -> Result<(), Error>;

    /// Writes a row.
    fn write(&mut self, cells: &[Cell<'_>]) -> Result<(), Error>;

    /// Writes a row of totals, where the format has such a thing.
    fn write_totals(&mut self, cells: &[Cell<'_>]) -> Result<(), Error>;
}

struct Sink {
    format: OutputFormat,
    has_color: bool,
    target: Option<Box<dyn Write + Send>>,
    writer: Option<Box<dyn RowWriter>>,
    name: String,
}

impl Sink {
    fn finish(mut self) -> Result<(), Error> {
        if self.writer.is_none() {
            self.start(&[])?;
        }
        self.writer.map_or(Ok(()), RowWriter::finish).map_err(Error::output(&self.name))
    }
}

impl RowSink for Sink {
    fn start(&mut self, headings: &[Heading]) -> Result<(), Error> {
        let Some(target) = self.target.take() else { return Ok(()) };
        let headings = headings.to_vec();
        let writer: io::Result<Box<dyn RowWriter>> = match self.format {
            OutputFormat::Table => {
                Ok(Box::new(table::TableWriter::new(target, headings, self.has_color)))
            }
            OutputFormat::Json => Ok(Box::new(json::JsonWriter::array(target, &headings))),
            OutputFormat::Jsonl => Ok(Box::new(json::JsonWriter::lines(target, &headings))),
            OutputFormat::Csv => {
                csv::CsvWriter::new(target, &headings).map(|writer| Box::new(writer) as _)
            }
            OutputFormat::Parquet => {
                parquet::ParquetWriter::new(target, &headings).map(|writer| Box::new(writer) as _)
            }
        };
        self.writer = Some(writer.map_err(Error::output(&self.name))?);
        Ok(())
    }

    fn write(&mut self, cells: &[Cell<'_>]) -> Result<(), Error> {
        let result = self.writer.as_mut().map_or(Ok(()), |writer| writer.write(cells));
        result.map_err(|error| Error::output(&self.name)(error))
    }

    fn write_totals(&mut self, cells: &[Cell<'_>]) -> Result<(), Error> {
        let result = self.writer.as_mut().map_or(Ok(()), |writer| writer.write_totals(cells));
        result.map_err(|error| Error::output(&self.name)(error))
    }
}
