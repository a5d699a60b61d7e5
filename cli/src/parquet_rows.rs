//! Parquet files, as AWS writes flow logs: read as the lines that they stand for.
//!
//! A row becomes a line whose missing values are `-`, so that one parser reads everything. Only
//! the columns that are asked for are read, batch by batch.

use std::io::Write as _;

use flowlog::{Field, Format, FormatField};
use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};

use crate::chunk::{Chunk, ChunkSource};
use crate::error::Error;

/// How many rows become one piece.
const BATCH_ROWS: usize = 2048;

/// A Parquet file, read as lines.
pub(crate) struct ParquetRows {
    name: String,
    file: Box<dyn FileReader>,
    format: Format,
    /// The places of the columns in the file, in the order of the format.
    places: Vec<usize>,
    next_row_group: usize,
    columns: Vec<ColumnBatch>,
}

impl ParquetRows {
    /// Opens a file of which the wanted columns are read.
    pub(crate) fn open<R: ChunkReader + 'static>(
        name: &str,
        source: R,
        is_wanted: &dyn Fn(&FormatField) -> bool,
    ) -> Result<Self, Error> {
        let refuse = |error: ParquetError| unreadable(name, error.to_string());
        let file: Box<dyn FileReader> =
            Box::new(SerializedFileReader::new(source).map_err(refuse)?);
        let schema = file.metadata().file_metadata().schema_descr_ptr();
        let fields: Vec<_> =
            schema.columns().iter().map(|column| format_field(column.name())).collect();
        if schema.columns().iter().any(|column| column.max_rep_level() > 0) {
            return Err(unreadable(name, "columns with several values per row".to_owned()));
        }
        let has_status = fields.iter().any(|field| field.known() == Some(Field::LogStatus));
        let chosen = (0..).zip(fields);
        // Without the status, every column tells whether a record is empty.
        let chosen = chosen.filter(|(_, field)| {
            !has_status || field.known() == Some(Field::LogStatus) || is_wanted(field)
        });
        let (places, fields): (Vec<_>, Vec<_>) = chosen.unzip();
        let format = Format::from_fields(fields)
            .map_err(|_| unreadable(name, "it has no column".to_owned()))?;
        let name = name.to_owned();
        Ok(Self { name, file, format, places, next_row_group: 0, columns: vec![] })
    }

    /// The format of the lines.
    #[must_use]
    pub(crate) const fn format(&self) -> &Format {
        &self.format
    }

    /// Reads the next rows of every column. Returns how many there are; none at the end.
    fn read_batch(&mut self) -> Result<usize, ParquetError> {
        loop {
            let mut rows = 0;
            for column in &mut self.columns {
                rows = column.read()?;
            }
            if rows > 0 || self.next_row_group >= self.file.num_row_groups() {
                return Ok(rows);
            }
            let row_group = self.file.get_row_group(self.next_row_group)?;
            self.next_row_group += 1;
            self.columns.clear();
            for place in &self.places {
                let levels = row_group.metadata().column(*place).column_descr().max_def_level();
                let reader = row_group.get_column_reader(*place)?;
                self.columns.push(ColumnBatch::new(reader, levels)?);
            }
        }
    }
}

impl ChunkSource for ParquetRows {
    fn fill(&mut self, chunk: &mut Chunk) -> Result<bool, Error> {
        let rows = self.read_batch().map_err(|error| unreadable(&self.name, error.to_string()))?;
        let lines = chunk.start();
        for _ in 0..rows {
            for column in &mut self.columns {
                column.write_next(lines);
                lines.push(b' ');
            }
            lines.push(b'\n');
        }
        chunk.finish();
        Ok(rows > 0)
    }
}

fn unreadable(name: &str, reason: String) -> Error {
    Error::Unreadable { name: name.to_owned(), reason }
}

/// The field of a column: AWS writes underscores where the log format has hyphens.
fn format_field(name: &str) -> FormatField {
    Field::from_json_name(name).map_or_else(|| FormatField::from_name(name), FormatField::Known)
}

/// A few rows of a column.
struct ColumnBatch {
    values: Values,
    /// The level of a value that is present; 0 when no value can be missing.
    present: i16,
    levels: Vec<i16>,
    next_row: usize,
    next_value: usize,
}

enum Values {
    Int32(Typed<parquet::data_type::Int32Type>),
    Int64(Typed<parquet::data_type::Int64Type>),
    Bytes(Typed<parquet::data_type::ByteArrayType>),
}

struct Typed<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
}

impl<T: DataType> Typed<T> {
    const fn new(reader: ColumnReaderImpl<T>) -> Self {
        Self { reader, values: vec![] }
    }

    fn read(&mut self, levels: &mut Vec<i16>) -> Result<usize, ParquetError> {
        self.values.clear();
        let (rows, ..) =
            self.reader.read_records(BATCH_ROWS, Some(levels), None, &mut self.values)?;
        Ok(rows)
    }
}

impl ColumnBatch {
    fn new(reader: ColumnReader, present: i16) -> Result<Self, ParquetError> {
        let values = match reader {
            ColumnReader::Int32ColumnReader(reader) => Values::Int32(Typed::new(reader)),
            ColumnReader::Int64ColumnReader(reader) => Values::Int64(Typed::new(reader)),
            ColumnReader::ByteArrayColumnReader(reader) => Values::Bytes(Typed::new(reader)),
            _ => {
                let types = [Type::INT32, Type::INT64, Type::BYTE_ARRAY];
                let reason = format!("a column's type is none of {types:?}");
                return Err(ParquetError::General(reason));
            }
        };
        Ok(Self { values, present, levels: vec![], next_row: 0, next_value: 0 })
    }

    fn read(&mut self) -> Result<usize, ParquetError> {
        self.levels.clear();
        self.next_row = 0;
        self.next_value = 0;
        match &mut self.values {
            Values::Int32(column) => column.read(&mut self.levels),
            Values::Int64(column) => column.read(&mut self.levels),
            Values::Bytes(column) => column.read(&mut self.levels),
        }
    }

    /// Writes the next row's value as it would stand in a line.
    fn write_next(&mut self, line: &mut Vec<u8>) {
        let level = self.levels.get(self.next_row).copied().unwrap_or_default();
        self.next_row += 1;
        if level < self.present {
            line.push(b'-');
            return;
        }
        let place = self.next_value;
        self.next_value += 1;
        // Writing to memory cannot fail.
        match &self.values {
            Values::Int32(column) => {
                let _ = column.values.get(place).map(|value| write!(line, "{value}"));
            }
            Values::Int64(column) => {
                let _ = column.values.get(place).map(|value| write!(line, "{value}"));
            }
            Values::Bytes(column) => {
                write_text(column.values.get(place).map_or(b"", ByteArray::data), line);
            }
        }
    }
}

/// Writes a text without blanks: AWS percent-encodes what could hold one.
fn write_text(text: &[u8], line: &mut Vec<u8>) {
    if text.is_empty() {
        line.push(b'-');
    }
    for byte in text {
        if *byte > b' ' {
            line.push(*byte);
        } else {
            let _ = write!(line, "%{byte:02X}");
        }
    }
}
