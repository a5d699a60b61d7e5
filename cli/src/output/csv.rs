//! Comma-separated values, as [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180) has them, with
//! line feeds for line ends.

use std::io::{self, Write};

use super::digits::{push_address, push_number};
use super::{Cell, Heading, RowWriter};

/// Writes rows as comma-separated values.
pub(super) struct CsvWriter<W> {
    target: W,
    /// The row at hand.
    line: Vec<u8>,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the line of names.
    pub(super) fn new(mut target: W, headings: &[Heading]) -> io::Result<Self> {
        let mut line = vec![];
        for heading in headings.iter().filter(|heading| !heading.name.is_empty()) {
            push_text(&mut line, &heading.name);
            line.push(b',');
        }
        end_line(&mut line);
        if !headings.is_empty() {
            target.write_all(&line)?;
        }
        Ok(Self { target, line })
    }
}

impl<W: Write> RowWriter for CsvWriter<W> {
    fn write(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.line.clear();
        for cell in cells.iter().filter(|cell| !matches!(cell, Cell::Bar(_))) {
            push_cell(&mut self.line, cell);
            self.line.push(b',');
        }
        end_line(&mut self.line);
        self.target.write_all(&self.line)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.target.flush()
    }
}

/// Makes the line's end of its last comma.
fn end_line(line: &mut Vec<u8>) {
    line.pop();
    line.push(b'\n');
}

fn push_cell(line: &mut Vec<u8>, cell: &Cell<'_>) {
    // Writing to memory cannot fail.
    match cell {
        Cell::Missing | Cell::Bar(_) => {}
        Cell::Number(number) => push_number(line, *number),
        Cell::Integer(number) => push_number(line, *number),
        Cell::Decimal(number) => drop(write!(line, "{number}")),
        Cell::Share(share) => drop(write!(line, "{share:.6}")),
        Cell::Address(address) => push_address(line, *address),
        Cell::Text(text) => push_text(line, text),
        Cell::Words(text) => push_text(line, text),
    }
}

fn push_text(line: &mut Vec<u8>, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b'"' | b',' | b'\n' | b'\r')) {
        line.extend_from_slice(text.as_bytes());
        return;
    }
    line.push(b'"');
    line.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_they_must_be() {
        let mut written = vec![];
        for text in ["plain", "a,b", "a\"b"] {
            push_text(&mut written, text);
            written.push(b'|');
        }
        assert_eq!(written, b"plain|\"a,b\"|\"a\"\"b\"|");
    }
}
