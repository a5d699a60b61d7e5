//! E-mails as SNS sends them: plain text for a mail client of 80 columns.

use std::fmt::Write as _;

use serde::Serialize;

/// What SNS sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Email {
    /// At most [`SUBJECT_CHARACTERS`] printable ASCII characters.
    pub subject: String,
    /// At most [`BODY_BYTES`] of UTF-8.
    pub body: String,
}

/// SNS takes a subject of fewer than 100 characters.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
pub const SUBJECT_CHARACTERS: usize = 99;

/// An eighth of what a state of an execution can hold, and enough to read.
pub const BODY_BYTES: usize = 32 * 1024;

/// Labels and facts in two columns of 80 characters, then links a line each.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    body: String,
    links: Vec<String>,
}

/// The width of the column of labels.
pub const LABEL_WIDTH: usize = 16;

/// The width of a line; links and long words alone exceed it.
pub const LINE_WIDTH: usize = 80;

impl Sheet {
    /// A sheet that begins with the answer, before anything else.
    #[must_use]
    pub fn new(answer: &str) -> Self {
        let mut sheet = Self::default();
        sheet.paragraph(answer);
        sheet.blank();
        sheet
    }

    /// A label and what is to be said, in two columns.
    pub fn add(&mut self, label: &str, fact: &str) {
        let _ = write!(self.body, "{label:LABEL_WIDTH$}");
        self.wrapped(fact, LABEL_WIDTH);
    }

    /// Text over the whole width.
    pub fn paragraph(&mut self, text: &str) {
        self.wrapped(text, 0);
    }

    /// A heading, after an empty line.
    pub fn heading(&mut self, heading: &str) {
        self.blank();
        let _ = writeln!(self.body, "{heading}");
    }

    /// The beginning of a line, then text that is wrapped beside it.
    pub fn beside(&mut self, start: &str, text: &str) {
        self.body.push_str(start);
        self.wrapped(text, start.chars().count());
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.body.push('\n');
    }

    /// A link, in a line of its own after everything else.
    pub fn link(&mut self, label: &str, url: &str) {
        self.links.push(format!("\n{label}:\n{url}\n"));
    }

    /// Breaks a text into lines; the first continues the line that is begun.
    fn wrapped(&mut self, text: &str, indent: usize) {
        let mut column = indent;
        let mut first = true;
        for word in text.split_whitespace() {
            let width = word.chars().count();
            if !first && column + 1 + width > LINE_WIDTH {
                let _ = write!(self.body, "\n{:indent$}", "");
                column = indent;
                first = true;
            }
            if !first {
                self.body.push(' ');
                column += 1;
            }
            self.body.push_str(word);
            column += width;
            first = false;
        }
        self.body.push('\n');
    }

    /// The e-mail. Links that have no room are left out, the last ones first.
    #[must_use]
    pub fn email(self, subject: &str) -> Email {
        let mut body = shortened(self.body);
        let mut left_out = 0;
        for link in self.links {
            if left_out == 0 && body.len() + link.len() + LEFT_OUT_BYTES <= BODY_BYTES {
                body.push_str(&link);
            } else {
                left_out += 1;
            }
        }
        if left_out > 0 && body.len() + LEFT_OUT_BYTES <= BODY_BYTES {
            let _ = write!(body, "\n(There was no room for {left_out} more links.)\n");
        }
        Email { subject: printable(subject), body }
    }
}

/// How many lines a paragraph takes.
#[must_use]
pub fn lines(paragraph: &str) -> usize {
    let mut sheet = Sheet::default();
    sheet.paragraph(paragraph);
    sheet.body.lines().count()
}

/// Room for the sentence about links that were left out.
const LEFT_OUT_BYTES: usize = 80;

/// Text without what could steer a terminal or a mail client, and no longer than that.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    let clean: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most + 1).collect();
    if clean.chars().count() <= most {
        return clean;
    }
    clean.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// What SNS takes as a subject: printable ASCII, and not too long.
fn printable(subject: &str) -> String {
    subject
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .take(SUBJECT_CHARACTERS)
        .collect()
}

fn shortened(mut body: String) -> String {
    const MARK: &str = "\n(shortened)\n";
    if body.len() > BODY_BYTES {
        let mut end = BODY_BYTES - MARK.len();
        while !body.is_char_boundary(end) {
            end -= 1;
        }
        body.truncate(end);
        body.push_str(MARK);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_without_room_are_left_out_and_counted() {
        let mut sheet = Sheet::new("answer");
        for _ in 0..40 {
            sheet.link("x", &"y".repeat(1000));
        }
        let body = sheet.email("s").body;
        assert!(body.len() <= BODY_BYTES);
        assert_eq!(body.matches("\nx:\n").count(), 32);
        assert!(body.ends_with("\n(There was no room for 8 more links.)\n"));
    }

    #[test]
    fn a_name_cannot_break_a_line() {
        assert_eq!(cut("a\nb\tc", 10), "a b c");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(cut("äöü", 3), "äöü");
    }
}
