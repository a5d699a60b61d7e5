//! Columns for people.

use std::io::{self, Write};

use crate::column::ColumnType;

use super::{Cell, Heading, RowWriter};

/// After how many rows the columns' widths are settled: what comes later may stand out, but
/// nothing has to be held back.
const ROWS_FOR_WIDTHS: usize = 1000;

/// How many characters the longest bar has.
const BAR_LENGTH: f64 = 20.0;

const BOLD: &str = "\x1b[1m";
const CYAN: &str = "\x1b[36m";
const PLAIN: &str = "\x1b[0m";

/// Writes rows in aligned columns.
pub(super) struct TableWriter<W> {
    target: W,
    headings: Vec<Heading>,
    has_color: bool,
    /// The rows that wait for the widths to be settled.
    waiting: Vec<Line>,
    widths: Option<Vec<usize>>,
}

struct Line {
    texts: Vec<String>,
    style: Style,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Bold,
}

impl<W: Write> TableWriter<W> {
    /// Writes nothing yet.
    pub(super) fn new(target: W, headings: Vec<Heading>, has_color: bool) -> Self {
        let names = headings.iter().map(|heading| heading.name.to_uppercase()).collect();
        let waiting = vec![Line { texts: names, style: Style::Bold }];
        Self { target, headings, has_color, waiting, widths: None }
    }

    fn add(&mut self, cells: &[Cell<'_>], style: Style) -> io::Result<()> {
        let texts = cells.iter().map(text).collect();
        let line = Line { texts, style };
        if self.widths.is_some() {
            return self.write_line(&line);
        }
        self.waiting.push(line);
        if self.waiting.len() > ROWS_FOR_WIDTHS { self.settle() } else { Ok(()) }
    }

    fn settle(&mut self) -> io::Result<()> {
        let mut widths = vec![0; self.headings.len()];
        for line in &self.waiting {
            for (width, text) in widths.iter_mut().zip(&line.texts) {
                *width = (*width).max(text.chars().count());
            }
        }
        self.widths = Some(widths);
        let waiting = std::mem::take(&mut self.waiting);
        waiting.iter().try_for_each(|line| self.write_line(line))
    }

    fn write_line(&mut self, line: &Line) -> io::Result<()> {
        if self.headings.is_empty() {
            return Ok(());
        }
        let mut written = String::new();
        let widths = self.widths.as_deref().unwrap_or_default();
        for ((text, heading), width) in line.texts.iter().zip(&self.headings).zip(widths) {
            let padding = " ".repeat(width.saturating_sub(text.chars().count()));
            let is_bar = heading.name.is_empty();
            let style = match (self.has_color, line.style, is_bar) {
                (true, Style::Bold, _) => BOLD,
                (true, Style::Plain, true) => CYAN,
                _ => "",
            };
            let end = if style.is_empty() { "" } else { PLAIN };
            if matches!(heading.column_type, ColumnType::Number(_)) {
                written.extend([&padding, style, text, end]);
            } else {
                written.extend([style, text, end, &padding]);
            }
            written.push_str("  ");
        }
        writeln!(self.target, "{}", written.trim_end())
    }
}

impl<W: Write> RowWriter for TableWriter<W> {
    fn write(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.add(cells, Style::Plain)
    }

    fn write_totals(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.add(cells, Style::Bold)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.widths.is_none() {
            self.settle()?;
        }
        self.target.flush()
    }
}

fn text(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Missing => "-".to_owned(),
        Cell::Number(number) => number.to_string(),
        Cell::Integer(number) => number.to_string(),
        Cell::Decimal(number) => number.to_string(),
        Cell::Share(share) => format!("{:.1} %", share * 100.0),
        Cell::Address(address) => address.to_string(),
        Cell::Text(text) => printable(text),
        Cell::Words(text) => text.clone(),
        Cell::Bar(share) => bar(*share),
    }
}

/// A text from a record, without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A bar in eighths of a character.
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let mut rest = share.clamp(0.0, 1.0) * BAR_LENGTH;
    let mut bar = String::new();
    while rest >= 1.0 {
        bar.push('█');
        rest -= 1.0;
    }
    let eighths = (0_u8..).zip(EIGHTHS).take_while(|(n, _)| f64::from(*n) / 8.0 <= rest);
    bar.push_str(eighths.last().map_or("", |(_, eighth)| eighth));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_eighths() {
        assert_eq!(bar(1.0).chars().count(), 20);
        assert_eq!(bar(0.5), "██████████");
        assert_eq!(bar(0.525), "██████████▌");
        assert_eq!(bar(0.0), "");
    }

    #[test]
    fn a_terminal_obeys_no_record() {
        assert_eq!(printable("a\x1b[2Jb"), "a\u{fffd}[2Jb");
    }
}
