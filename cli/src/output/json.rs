//! JSON: one array, or one object per line.

use std::io::{self, Write};

use serde_json::to_writer;

use super::{Cell, Heading, RowWriter};

/// Writes rows as JSON objects.
pub(super) struct JsonWriter<W> {
    target: W,
    /// The names in quotes, each with its colon.
    names: Vec<String>,
    is_array: bool,
    rows: u64,
}

impl<W: Write> JsonWriter<W> {
    /// One array of objects.
    pub(super) fn array(target: W, headings: &[Heading]) -> Self {
        Self { target, names: names(headings), is_array: true, rows: 0 }
    }

    /// One object per line.
    pub(super) fn lines(target: W, headings: &[Heading]) -> Self {
        Self { target, names: names(headings), is_array: false, rows: 0 }
    }
}

fn names(headings: &[Heading]) -> Vec<String> {
    let quoted = |heading: &Heading| format!("{}:", serde_json::Value::from(heading.name.as_str()));
    headings.iter().map(quoted).collect()
}

impl<W: Write> RowWriter for JsonWriter<W> {
    fn write(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        if self.is_array {
            self.target.write_all(if self.rows == 0 { b"[\n" } else { b",\n" })?;
        }
        self.rows += 1;
        let mut separator: &[u8] = b"{";
        for (name, cell) in self.names.iter().zip(cells) {
            if matches!(cell, Cell::Bar(_)) {
                continue;
            }
            self.target.write_all(separator)?;
            self.target.write_all(name.as_bytes())?;
            write_cell(&mut self.target, cell)?;
            separator = b",";
        }
        self.target.write_all(if self.is_array { b"}" } else { b"}\n" })
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.is_array {
            self.target.write_all(if self.rows == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        self.target.flush()
    }
}

fn write_cell(target: &mut impl Write, cell: &Cell<'_>) -> io::Result<()> {
    match cell {
        Cell::Missing | Cell::Bar(_) => target.write_all(b"null"),
        Cell::Number(number) => write!(target, "{number}"),
        Cell::Integer(number) => write!(target, "{number}"),
        Cell::Decimal(number) => write!(target, "{number}"),
        Cell::Share(share) => write!(target, "{share:.6}"),
        Cell::Address(address) => write!(target, "\"{address}\""),
        Cell::Text(text) => to_writer(target, text).map_err(io::Error::from),
        Cell::Words(text) => to_writer(target, text).map_err(io::Error::from),
    }
}
