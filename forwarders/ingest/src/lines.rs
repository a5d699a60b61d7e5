//! What stands in a delivery stream's record.

use flowlog::Format;

/// The records of a text: each of its lines that is not blank, with its line feed.
pub(crate) fn of_message(message: &str) -> impl Iterator<Item = Vec<u8>> {
    let lines = message.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| [line.as_bytes(), b"\n"].concat())
}

/// Makes records of an object's lines. Each brings the object's header line, if it has one, so
/// that it can be read alone: Firehose bills every record as 5 KB at least, so that it costs
/// nothing.
#[derive(Debug, Default)]
pub(crate) struct ObjectLines {
    header: Vec<u8>,
    is_begun: bool,
}

impl ObjectLines {
    /// The records of the next lines, which are complete.
    pub(crate) fn records(&mut self, block: &[u8]) -> Vec<Vec<u8>> {
        let lines = block.split_inclusive(|byte| *byte == b'\n');
        lines.filter_map(|line| self.record(line.trim_ascii_end())).collect()
    }

    fn record(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        if line.trim_ascii().is_empty() {
            return None;
        }
        if !self.is_begun {
            self.is_begun = true;
            if is_header(line) {
                self.header = [line, b"\n"].concat();
                return None;
            }
        }
        Some([&self.header, line, b"\n"].concat())
    }
}

fn is_header(line: &[u8]) -> bool {
    str::from_utf8(line).is_ok_and(|line| Format::from_header(line).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(records: impl IntoIterator<Item = Vec<u8>>) -> Vec<String> {
        records.into_iter().map(|record| String::from_utf8(record).unwrap()).collect()
    }

    #[test]
    fn a_message_is_a_record_and_its_lines_are_several() {
        assert_eq!(texts(of_message("a b c")), ["a b c\n"]);
        assert_eq!(texts(of_message("a b\r\n\nc d\n")), ["a b\n", "c d\n"]);
        assert_eq!(texts(of_message("\n")), [""; 0]);
    }

    #[test]
    fn each_line_of_an_object_brings_the_header() {
        let mut lines = ObjectLines::default();
        assert_eq!(texts(lines.records(b"\nbytes srcaddr\r\n")), [""; 0]);
        let expected = ["bytes srcaddr\n1 10.0.0.1\n", "bytes srcaddr\n2 10.0.0.2\n"];
        assert_eq!(texts(lines.records(b"1 10.0.0.1\r\n\n2 10.0.0.2")), expected);
        let mut lines = ObjectLines::default();
        assert_eq!(texts(lines.records(b"1 10.0.0.1\n")), ["1 10.0.0.1\n"]);
    }
}
