//! Parquet, with AWS's column names and types: what Athena tables of flow logs expect.

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use crate::column::ColumnType;

use super::digits::push_address;
use super::{Cell, Heading, RowWriter};

/// How many rows are held before they are written.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Writes rows as a Parquet file.
pub(super) struct ParquetWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Column>,
    rows: usize,
}

/// The rows of a column that were not written yet.
struct Column {
    name: String,
    /// 1 for a value, 0 for none.
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Texts(Texts),
}

/// Texts, one behind the other: an allocation for each would take longer than all else.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends.
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, cell: &Cell<'_>) {
        match cell {
            Cell::Text(text) => self.bytes.extend_from_slice(text.as_bytes()),
            Cell::Address(address) => push_address(&mut self.bytes, *address),
            cell => self.bytes.extend_from_slice(text(cell).as_bytes()),
        }
        self.ends.push(self.bytes.len());
    }

    /// The texts, which this forgets.
    fn take(&mut self) -> Vec<ByteArray> {
        let bytes = Bytes::from(mem::take(&mut self.bytes));
        let mut start = 0;
        let texts = self.ends.drain(..).map(|end| {
            let text = bytes.slice(start..end);
            start = end;
            ByteArray::from(text)
        });
        texts.collect()
    }
}

impl<W: Write + Send> ParquetWriter<W> {
    /// Writes the beginning of the file.
    pub(super) fn new(target: W, headings: &[Heading]) -> io::Result<Self> {
        let compression = Compression::ZSTD(ZstdLevel::default());
        let properties = WriterProperties::builder().set_compression(compression).build();
        let schema = schema(headings).map_err(io_error)?;
        let file = SerializedFileWriter::new(target, schema, Arc::new(properties));
        let columns = headings.iter().map(Column::new).collect();
        Ok(Self { file: file.map_err(io_error)?, columns, rows: 0 })
    }

    fn write_row_group(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut row_group = self.file.next_row_group()?;
        for column in &mut self.columns {
            if let Some(writer) = row_group.next_column()? {
                column.write(writer)?;
            }
        }
        row_group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl<W: Write + Send> RowWriter for ParquetWriter<W> {
    fn write(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.columns.iter_mut().zip(cells).try_for_each(|(column, cell)| column.push(cell))?;
        self.rows += 1;
        if self.rows == ROW_GROUP_ROWS { self.write_row_group().map_err(io_error) } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.write_row_group().map_err(io_error)?;
        self.file.finish().map_err(io_error)?;
        self.file.inner_mut().flush()
    }
}

impl Column {
    fn new(heading: &Heading) -> Self {
        let values = match heading.column_type {
            ColumnType::Text | ColumnType::Address => Values::Texts(Texts::default()),
            ColumnType::Number(64) => Values::Int64(vec![]),
            ColumnType::Number(_) => Values::Int32(vec![]),
        };
        Self { name: heading.name.clone(), levels: vec![], values }
    }

    fn push(&mut self, cell: &Cell<'_>) -> io::Result<()> {
        self.levels.push(i16::from(*cell != Cell::Missing));
        match (&mut self.values, cell) {
            (_, Cell::Missing | Cell::Bar(_) | Cell::Share(_)) => Ok(()),
            (Values::Int32(values), Cell::Number(number)) => {
                push_number(values, *number, &self.name)
            }
            (Values::Int64(values), Cell::Number(number)) => {
                push_number(values, *number, &self.name)
            }
            (Values::Texts(texts), cell) => {
                texts.push(cell);
                Ok(())
            }
            (_, cell) => Err(too_large(&self.name, &text(cell))),
        }
    }

    fn write(&mut self, writer: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        match &mut self.values {
            Values::Int32(values) => write_column::<Int32Type>(writer, values, &self.levels)?,
            Values::Int64(values) => write_column::<Int64Type>(writer, values, &self.levels)?,
            Values::Texts(texts) => {
                write_column::<ByteArrayType>(writer, &mut texts.take(), &self.levels)?;
            }
        }
        self.levels.clear();
        Ok(())
    }
}

fn write_column<T: DataType>(
    mut writer: SerializedColumnWriter<'_>,
    values: &mut Vec<T::T>,
    levels: &[i16],
) -> Result<(), ParquetError> {
    writer.typed::<T>().write_batch(values, Some(levels), None)?;
    writer.close()?;
    values.clear();
    Ok(())
}

/// AWS's columns are signed: a number above theirs is nothing that AWS has written.
fn push_number<T: TryFrom<u64>>(values: &mut Vec<T>, number: u64, name: &str) -> io::Result<()> {
    let number = T::try_from(number).map_err(|_| too_large(name, &number.to_string()))?;
    values.push(number);
    Ok(())
}

fn too_large(name: &str, value: &str) -> io::Error {
    io::Error::other(format!("{value} does not fit the column {name}"))
}

fn text(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Missing | Cell::Bar(_) => String::new(),
        Cell::Number(number) => number.to_string(),
        Cell::Integer(number) => number.to_string(),
        Cell::Decimal(number) | Cell::Share(number) => number.to_string(),
        Cell::Address(address) => address.to_string(),
        Cell::Text(text) => (*text).to_owned(),
        Cell::Words(text) => text.clone(),
    }
}

fn schema(headings: &[Heading]) -> Result<TypePtr, ParquetError> {
    let fields = headings.iter().map(|heading| {
        let (physical, logical) = match heading.column_type {
            ColumnType::Text | ColumnType::Address => {
                (PhysicalType::BYTE_ARRAY, Some(LogicalType::String))
            }
            ColumnType::Number(64) => (PhysicalType::INT64, None),
            ColumnType::Number(_) => (PhysicalType::INT32, None),
        };
        let field = Type::primitive_type_builder(&heading.name, physical);
        let field = field.with_repetition(Repetition::OPTIONAL).with_logical_type(logical);
        field.build().map(Arc::new)
    });
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("flow_logs").with_fields(fields).build().map(Arc::new)
}

/// The system's own error, where there is one: a broken pipe must be known for what it is.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => {
            inner.downcast().map_or_else(io::Error::other, |error| *error)
        }
        error => io::Error::other(error),
    }
}
