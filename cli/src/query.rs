//! `natflow query`: Logs Insights queries on local records.

use std::fs;

use flowlog::{Field, Format};
use insights::{Event, Query, Run, Table, Value};

use crate::arguments::QueryArguments;
use crate::column::{ColumnType, Row};
use crate::error::Error;
use crate::output::{Cell, Heading, RowSink};
use crate::reading::Visitor;

/// The query's text, and what is left of the command line's inputs.
pub(crate) fn text_and_inputs(arguments: &QueryArguments) -> Result<(String, Vec<String>), Error> {
    let mut inputs: Vec<_> = arguments.text.iter().cloned().collect();
    inputs.extend(arguments.read.inputs.iter().cloned());
    if let Some(path) = &arguments.file {
        let name = path.display().to_string();
        return Ok((fs::read_to_string(path).map_err(Error::input(&name))?, inputs));
    }
    if inputs.is_empty() {
        return Err(Error::Refused("name a query, or a file that has one with -f".to_owned()));
    }
    let text = inputs.remove(0);
    Ok((text, inputs))
}

/// Understands a query.
pub(crate) fn parse(text: &str) -> Result<Query, Error> {
    Query::parse(text).map_err(|error| Error::Refused(format!("the query: {error}")))
}

/// Passes each record to a query as Logs Insights sees it.
pub(crate) struct Asking<'q> {
    run: Run<'q>,
    /// The names of the fields that Logs Insights discovers by itself, with their fields.
    discovered: Vec<(&'static str, Field)>,
    message: String,
}

impl<'q> Asking<'q> {
    pub(crate) fn new(query: &'q Query) -> Self {
        Self { run: query.start(), discovered: vec![], message: String::new() }
    }

    /// What the query answers.
    pub(crate) fn finish(self) -> Table {
        self.run.finish()
    }
}

impl Visitor for Asking<'_> {
    /// Logs Insights discovers the fields of AWS's default format, and of no other.
    fn start(&mut self, format: &Format) -> Result<(), Error> {
        self.discovered.clear();
        if *format == Format::aws_default() {
            let fields = format.fields().iter().filter_map(flowlog::FormatField::known);
            self.discovered.extend(fields.map(|field| (field.insights_name(), field)));
        }
        Ok(())
    }

    fn visit(&mut self, row: &Row<'_>) -> Result<(), Error> {
        self.message.clear();
        let record = &row.record;
        for text in (0..record.format().fields().len()).filter_map(|place| record.text_at(place)) {
            if !self.message.is_empty() {
                self.message.push(' ');
            }
            self.message.push_str(text);
        }
        let discovered: Vec<_> = self
            .discovered
            .iter()
            .filter_map(|(name, field)| record.text(*field).map(|text| (*name, text)))
            .collect();
        let seconds = record.number(Field::Start).and_then(|start| i64::try_from(start).ok());
        let event = Event {
            discovered: &discovered,
            ..Event::new(seconds.unwrap_or_default().saturating_mul(1000), &self.message)
        };
        self.run.push(&event);
        Ok(())
    }
}

/// Writes what a query answers.
pub(crate) fn write(table: &Table, sink: &mut dyn RowSink) -> Result<(), Error> {
    let columns = table.columns.iter().zip(0..);
    let headings: Vec<_> = columns
        .map(|(name, place)| {
            let is_number = table
                .rows
                .iter()
                .any(|row| matches!(row.get(place), Some(Value::Integer(_) | Value::Decimal(_))));
            let column_type = if is_number { ColumnType::Number(64) } else { ColumnType::Text };
            Heading::new(name, column_type)
        })
        .collect();
    sink.start(&headings)?;
    for row in &table.rows {
        let cells: Vec<_> = row.iter().map(cell).collect();
        sink.write(&cells)?;
    }
    Ok(())
}

fn cell<'v>(value: &'v Value<'_>) -> Cell<'v> {
    match value {
        Value::Missing => Cell::Missing,
        Value::Text(text) => Cell::Text(text),
        Value::Integer(number) => Cell::Integer(*number),
        Value::Decimal(number) => Cell::Decimal(*number),
        Value::Boolean(_) | Value::Time(_) => Cell::Words(value.to_string()),
    }
}
