//! Comma-separated values, as [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180) has them, with
//! line feeds for line ends.

use std::io::{self, Write};

use super::{Cell, Heading, RowWriter};

/// Writes rows as comma-separated values.
pub(super) struct CsvWriter<W> {
    target: W,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the line of names.
    pub(super) fn new(mut target: W, headings: &[Heading]) -> io::Result<Self> {
        for (index, heading) in
            headings.iter().filter(|heading| !heading.name.is_empty()).enumerate()
        {
            if index > 0 {
                target.write_all(b",")?;
            }
            write_text(&mut target, &heading.name)?;
        }
        if !headings.is_empty() {
            target.write_all(b"\n")?;
        }
        Ok(Self { target })
    }
}

impl<W: Write> RowWriter for CsvWriter<W> {
    fn write(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        let cells = cells.iter().filter(|cell| !matches!(cell, Cell::Bar(_)));
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                self.target.write_all(b",")?;
            }
            match cell {
                Cell::Missing | Cell::Bar(_) => {}
                Cell::Number(number) => write!(self.target, "{number}")?,
                Cell::Integer(number) => write!(self.target, "{number}")?,
                Cell::Decimal(number) => write!(self.target, "{number}")?,
                Cell::Share(share) => write!(self.target, "{share:.6}")?,
                Cell::Address(address) => write!(self.target, "{address}")?,
                Cell::Text(text) => write_text(&mut self.target, text)?,
                Cell::Words(text) => write_text(&mut self.target, text)?,
            }
        }
        self.target.write_all(b"\n")
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.target.flush()
    }
}

fn write_text(target: &mut impl Write, text: &str) -> io::Result<()> {
    if text.contains(['"', ',', '\n', '\r']) {
        write!(target, "\"{}\"", text.replace('"', "\"\""))
    } else {
        target.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_they_must_be() {
        let mut written = vec![];
        for text in ["plain", "a,b", "a\"b"] {
            write_text(&mut written, text).unwrap();
            written.push(b'|');
        }
        assert_eq!(written, b"plain|\"a,b\"|\"a\"\"b\"|");
    }
}
