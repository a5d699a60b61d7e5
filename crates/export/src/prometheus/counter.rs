//! From lines to a tally.

use flowlog::{Action, Format, LogStatus, Parser, Record};

use super::{Ends, Subnets, Tally, WANTED_FIELDS};

/// Counts pieces of input one after the other, and keeps its memory for the next one.
#[derive(Clone, Debug, Default)]
pub struct Counter {
    /// The format of every line; none stands for what each piece tells.
    format: Option<Format>,
    parser: Option<Parser>,
    lines: Vec<u8>,
}

/// What a piece of input adds up to.
#[derive(Clone, Debug)]
pub struct Counted<'s> {
    /// What its records add up to.
    pub tally: Tally<'s>,
    /// Its lines, bad ones included.
    pub lines: u64,
    /// Lines that are no record.
    pub bad_lines: u64,
    /// What is wrong with the first of them.
    pub first_bad: Option<String>,
}

impl Counter {
    /// Counts lines of this format; without one, a piece's header line or content tells it.
    #[must_use]
    pub fn new(format: Option<Format>) -> Self {
        Self { format, ..Self::default() }
    }

    /// Lets what comes next be read in the format of what was counted last, that of its last header
    /// line: it is more of the same file.
    pub fn keep_format(&mut self) {
        if let Some(parser) = &self.parser {
            self.format = Some(parser.format().clone());
        }
    }

    /// Counts messages, each of one line. `denied` is called for every record of rejected traffic.
    pub fn count_messages<'s, 'm>(
        &mut self,
        messages: impl Iterator<Item = &'m str>,
        subnets: &'s Subnets,
        ends: Ends,
        denied: impl FnMut(&Record<'_>, &Tally<'s>),
    ) -> Counted<'s> {
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        for message in messages {
            lines.extend_from_slice(message.as_bytes());
            lines.push(b'\n');
        }
        let counted = self.count(&lines, subnets, ends, denied);
        self.lines = lines;
        counted
    }

    /// Counts lines.
    pub fn count<'s>(
        &mut self,
        lines: &[u8],
        subnets: &'s Subnets,
        ends: Ends,
        mut denied: impl FnMut(&Record<'_>, &Tally<'s>),
    ) -> Counted<'s> {
        let tally = Tally::new(subnets, ends);
        let mut counted = Counted { tally, lines: 0, bad_lines: 0, first_bad: None };
        let parser = match self.parser_of(lines) {
            Ok(parser) => parser,
            Err(reason) => {
                let all = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                counted.lines = (1..).zip(all).last().map_or(0, |(number, _)| number);
                counted.bad_lines = counted.lines;
                counted.first_bad = Some(reason);
                return counted;
            }
        };
        let mut records = parser.records(lines);
        while let Some(record) = records.next() {
            counted.lines += 1;
            match record {
                Ok(record) => {
                    counted.tally.add(&record);
                    let is_traffic = record.status() == LogStatus::Ok;
                    if is_traffic && record.action() == Some(Action::Reject) {
                        denied(&record, &counted.tally);
                    }
                }
                Err(bad) => {
                    counted.bad_lines += 1;
                    counted.first_bad.get_or_insert_with(|| bad.to_string());
                }
            }
        }
        counted
    }

    /// The parser for a piece: of the format that it tells, or else of the one before it.
    fn parser_of(&mut self, lines: &[u8]) -> Result<&mut Parser, String> {
        let format = match &self.format {
            Some(format) => Ok(format.clone()),
            None => Format::detect(lines),
        };
        match (format, &self.parser) {
            (Ok(format), Some(parser)) if *parser.format() == format => {}
            (Ok(format), _) => self.parser = Some(Parser::checking(format, &WANTED_FIELDS)),
            (Err(_), Some(_)) => {}
            (Err(error), None) => return Err(error.to_string()),
        }
        self.parser.as_mut().ok_or_else(String::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: &str = "2 123456789010 eni-0a1b 10.0.1.5 203.0.113.5 443 40000 6 3 1500 1700000000 1700000060 \
         ACCEPT OK";
    const DENIED: &str = "2 123456789010 eni-0a1b 203.0.113.5 10.0.1.5 40000 22 6 1 40 1700000000 1700000060 \
         REJECT OK";

    fn count(counter: &mut Counter, messages: &[&str]) -> (u64, u64, usize) {
        let subnets = Subnets::parse("10.0.0.0/8").unwrap();
        let mut denials = 0;
        let found =
            counter.count_messages(messages.iter().copied(), &subnets, Ends::Both, |_, _| {
                denials += 1;
            });
        (found.lines, found.bad_lines, denials)
    }

    #[test]
    fn each_piece_tells_its_format() {
        let mut counter = Counter::default();
        assert_eq!(count(&mut counter, &[DEFAULT, DENIED, "nonsense"]), (3, 1, 1));
        let recorded = "ACCEPT ingress - 10.0.1.5 40000 10.0.0.220 443 6 7 IPv4 10.0.1.5 - \
                        203.0.113.5 - 3 1700000000 1700000060 19 OK eni-0a1b";
        assert_eq!(count(&mut counter, &[recorded]), (1, 0, 0));
        // What tells nothing is read as the piece before it.
        assert_eq!(count(&mut counter, &["nonsense"]), (1, 1, 0));
        assert_eq!(count(&mut counter, &[]), (0, 0, 0));
    }

    #[test]
    fn a_header_line_counts_in_later_pieces_of_the_same_file() {
        let subnets = Subnets::parse("10.0.0.0/8").unwrap();
        let mut counter = Counter::default();
        let mut sent = |text: &str| {
            let found = counter.count(text.as_bytes(), &subnets, Ends::Both, |_, _| {});
            counter.keep_format();
            found.tally.counts[0].sent_bytes
        };
        assert_eq!(sent("srcaddr dstaddr packets bytes\n10.0.1.5 203.0.113.5 1 40\n"), 40);
        assert_eq!(sent("srcaddr dstaddr bytes packets\n10.0.1.5 203.0.113.5 50 1\n"), 50);
        assert_eq!(sent("10.0.1.5 203.0.113.5 60 1\n"), 60);
    }

    #[test]
    fn lines_of_an_unknown_format_are_bad() {
        assert_eq!(count(&mut Counter::default(), &["one two", "three"]), (2, 2, 0));
        let format = Format::parse("${srcaddr} ${bytes}").unwrap();
        assert_eq!(count(&mut Counter::new(Some(format)), &["10.0.1.5 7", "three"]), (2, 1, 0));
    }
}
