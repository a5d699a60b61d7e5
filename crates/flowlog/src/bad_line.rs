//! What is wrong with a line.

use std::fmt;

use crate::value::Expected;

/// The most characters of a line that an error repeats.
const MOST_CHARACTERS: usize = 80;

/// A line that is no record of its format. The lines after it are read all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    line: u64,
    field: Option<Box<str>>,
    expected: Expected,
    found: Box<str>,
}

impl BadLine {
    pub(crate) fn new(line: u64, field: Option<&str>, expected: Expected, found: &[u8]) -> Self {
        let field = field.map(Box::from);
        Self { line, field, expected, found: shortened(found).into() }
    }

    /// The line's number, from 1. Of a record in an envelope: the line on which the envelope
    /// begins.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// AWS's name of the field whose value is wrong; none when the line as a whole is.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// What should have stood there.
    #[must_use]
    pub const fn expected(&self) -> Expected {
        self.expected
    }

    /// What stood there, shortened when it is long; of a line with a wrong number of values,
    /// the line.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        write!(f, "expected {}, found `{}`", self.expected, self.found)
    }
}

impl std::error::Error for BadLine {}

/// The beginning of a text, its line's end and control characters left out.
pub(crate) fn shortened(text: &[u8]) -> String {
    // Four bytes are the most that a character takes: a long line is not converted as a whole,
    // but far enough to see that it is longer.
    let beginning = text.get(..(MOST_CHARACTERS + 1) * 4).unwrap_or(text);
    let text = String::from_utf8_lossy(beginning);
    let mut characters = text.trim_ascii_end().chars();
    let shown = characters.by_ref().take(MOST_CHARACTERS);
    let mut shown: String = shown.map(|c| if c.is_control() { ' ' } else { c }).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_where_and_what() {
        let error = BadLine::new(12, Some("bytes"), Expected::Int64, b"many");
        assert_eq!(
            error.to_string(),
            "line 12: bytes: expected a whole number of 64 bits, found `many`"
        );
        let error = BadLine::new(3, None, Expected::Values(20), b"ACCEPT ingress\r\n");
        assert_eq!(error.to_string(), "line 3: expected 20 values, found `ACCEPT ingress`");
    }

    #[test]
    fn a_long_line_is_shortened() {
        let found = shortened("ä".repeat(1000).as_bytes());
        assert_eq!(found.chars().count(), MOST_CHARACTERS + 1);
        assert!(found.ends_with("ä…"));
        let found = shortened("\u{1f310}".repeat(MOST_CHARACTERS + 1).as_bytes());
        assert!(found.ends_with("\u{1f310}…"));
        assert_eq!(shortened(b"a\x1b[31mb\xff\n"), "a [31mb\u{fffd}");
    }
}
