//! Records as a Parquet file, with AWS's column names and types: nothing where text has `-`.

use std::sync::Arc;

use flowlog::{Field, Format, FormatField, ValueType};
use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::record::Values;

/// A file with one row for each record.
pub(super) fn file(format: &Format, records: &[Values]) -> std::io::Result<Vec<u8>> {
    write(format, records).map_err(std::io::Error::other)
}

fn write(format: &Format, records: &[Values]) -> Result<Vec<u8>> {
    let fields: Vec<Field> = format.fields().iter().filter_map(FormatField::known).collect();
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = SerializedFileWriter::new(Vec::new(), schema(&fields)?, Arc::new(properties))?;
    let mut row_group = file.next_row_group()?;
    for (place, field) in fields.iter().enumerate() {
        let values: Vec<_> =
            records.iter().map(|values| values.get(place).and_then(Option::as_deref)).collect();
        if let Some(column) = row_group.next_column()? {
            write_values(column, *field, &values)?;
        }
    }
    row_group.close()?;
    file.into_inner()
}

fn schema(fields: &[Field]) -> Result<TypePtr> {
    let columns = fields.iter().map(|field| {
        let (physical, logical) = match field.facts().value_type {
            ValueType::Text | ValueType::Address => {
                (PhysicalType::BYTE_ARRAY, Some(LogicalType::String))
            }
            ValueType::Int32 => (PhysicalType::INT32, None),
            ValueType::Int64 => (PhysicalType::INT64, None),
        };
        let column = Type::primitive_type_builder(field.facts().json_name, physical);
        let column = column.with_repetition(Repetition::OPTIONAL).with_logical_type(logical);
        column.build().map(Arc::new)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Type::group_type_builder("flow_logs").with_fields(columns).build().map(Arc::new)
}

fn write_values(
    column: SerializedColumnWriter<'_>,
    field: Field,
    values: &[Option<&str>],
) -> Result<()> {
    match field.facts().value_type {
        ValueType::Text | ValueType::Address => {
            write_column::<ByteArrayType>(column, values, |text| Ok(ByteArray::from(text)))
        }
        ValueType::Int32 => write_column::<Int32Type>(column, values, number),
        ValueType::Int64 => write_column::<Int64Type>(column, values, number),
    }
}

fn write_column<T: DataType>(
    mut column: SerializedColumnWriter<'_>,
    values: &[Option<&str>],
    read: impl Fn(&str) -> Result<T::T>,
) -> Result<()> {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let present = values.iter().flatten().map(|text| read(text)).collect::<Result<Vec<_>>>()?;
    column.typed::<T>().write_batch(&present, Some(&levels), None)?;
    column.close()
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N> {
    text.parse().map_err(|_| ParquetError::General(format!("{text} is no number of its column")))
}
