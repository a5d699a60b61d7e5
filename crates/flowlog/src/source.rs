//! The lines of an input, whether they stand alone or are wrapped in JSON.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::envelope;
use crate::split::Spans;

/// What the next line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A line with one value at least: [`Source::line`], split.
    Line,
    /// A line that begins with a brace and is no envelope of records: [`Source::line`].
    NoEnvelope,
}

/// Goes through an input line by line.
pub(crate) struct Source<'i> {
    rest: &'i [u8],
    /// How many lines were left behind, this input's and those before it.
    lines_passed: u64,
    /// The messages of the last envelope that were not read yet.
    messages: VecDeque<Cow<'i, str>>,
    line: Cow<'i, [u8]>,
    line_number: u64,
}

impl<'i> Source<'i> {
    /// `lines_passed` is how many lines came before this input.
    pub(crate) fn new(input: &'i [u8], lines_passed: u64) -> Self {
        let line = Cow::Borrowed([].as_slice());
        Self { rest: input, lines_passed, messages: VecDeque::new(), line, line_number: 0 }
    }

    /// The line of the last step, its line feed included.
    pub(crate) fn line(&self) -> &[u8] {
        &self.line
    }

    /// The number of that line, from 1; of a message, that of the line where its envelope begins.
    pub(crate) const fn line_number(&self) -> u64 {
        self.line_number
    }

    /// How many lines were left behind, those before this input included.
    pub(crate) const fn lines_passed(&self) -> u64 {
        self.lines_passed
    }

    /// Goes to the next line that is not blank and splits it into `spans`, which keep the first
    /// `most` values.
    pub(crate) fn advance(&mut self, spans: &mut Spans, most: usize) -> Option<Step> {
        loop {
            if let Some(message) = self.messages.pop_front() {
                self.line = bytes_of(message);
                spans.split(&self.line, most);
            } else if self.rest.is_empty() {
                return None;
            } else {
                let length = spans.split(self.rest, most);
                if let Some(start) = self.brace(spans) {
                    if self.open_envelope(start).is_ok() {
                        continue;
                    }
                    self.take_line(length);
                    return Some(Step::NoEnvelope);
                }
                self.take_line(length);
            }
            if spans.count() > 0 {
                return Some(Step::Line);
            }
        }
    }

    /// Where the line begins, if it begins with a brace.
    fn brace(&self, spans: &Spans) -> Option<usize> {
        let first = spans.get(0)?;
        first.of(self.rest).starts_with(b"{").then(|| first.start())
    }

    fn open_envelope(&mut self, start: usize) -> Result<(), envelope::NoEnvelope> {
        let text = self.rest.get(start..).unwrap_or_default();
        let length = envelope::read(text, &mut self.messages)?;
        self.line_number = self.lines_passed + 1;
        let (object, rest) = self.rest.split_at_checked(start + length).unwrap_or_default();
        // Objects that span several lines are rare: nothing is lost by counting bytewise.
        self.lines_passed +=
            (0..).zip(object.split(|byte| *byte == b'\n')).last().map_or(0, |(n, _)| n);
        self.rest = rest;
        Ok(())
    }

    fn take_line(&mut self, length: usize) {
        let (line, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.line = Cow::Borrowed(line);
        self.rest = rest;
        self.lines_passed += 1;
        self.line_number = self.lines_passed;
    }
}

fn bytes_of(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}
