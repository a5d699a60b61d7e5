//! JSON: one array, or one object per line.

use std::io::{self, Write};

use serde_json::to_writer;

use super::digits::{push_address, push_number};
use super::{Cell, Heading, RowWriter};

/// Writes rows as JSON objects.
pub(super) struct JsonWriter<W> {
    target: W,
    /// The names in quotes, each with its colon.
    names: Vec<String>,
    is_array: bool,
    rows: u64,
    /// The row at hand.
    line: Vec<u8>,
}

impl<W: Write> JsonWriter<W> {
    /// One array of objects.
    pub(super) fn array(target: W, headings: &[Heading]) -> Self {
        Self { target, names: names(headings), is_array: true, rows: 0, line: vec![] }
    }

    /// One object per line.
    pub(super) fn lines(target: W, headings: &[Heading]) -> Self {
        Self { target, names: names(headings), is_array: false, rows: 0, line: vec![] }
    }
}

fn names(headings: &[Heading]) -> Vec<String> {
    let quoted = |heading: &Heading| format!("{}:", serde_json::Value::from(heading.name.as_str()));
    headings.iter().map(quoted).collect()
}

impl<W: Write> RowWriter for JsonWriter<W> {
    fn write(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        let line = &mut self.line;
        line.clear();
        if self.is_array {
            line.extend_from_slice(if self.rows == 0 { b"[\n" } else { b",\n" });
        }
        self.rows += 1;
        let mut separator = b'{';
        for (name, cell) in self.names.iter().zip(cells) {
            if matches!(cell, Cell::Bar(_)) {
                continue;
            }
            line.push(separator);
            line.extend_from_slice(name.as_bytes());
            push_cell(line, cell)?;
            separator = b',';
        }
        line.extend_from_slice(if self.is_array { b"}" } else { b"}\n" });
        self.target.write_all(line)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.is_array {
            self.target.write_all(if self.rows == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        self.target.flush()
    }
}

fn push_cell(line: &mut Vec<u8>, cell: &Cell<'_>) -> io::Result<()> {
    match cell {
        Cell::Missing | Cell::Bar(_) => line.extend_from_slice(b"null"),
        Cell::Number(number) => push_number(line, *number),
        Cell::Integer(number) => push_number(line, *number),
        Cell::Decimal(number) => write!(line, "{number}")?,
        Cell::Share(share) => write!(line, "{share:.6}")?,
        Cell::Address(address) => {
            line.push(b'"');
            push_address(line, *address);
            line.push(b'"');
        }
        Cell::Text(text) => to_writer(line, text)?,
        Cell::Words(text) => to_writer(line, text)?,
    }
    Ok(())
}
